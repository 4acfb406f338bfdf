/* audit_rows.c - the audit of attempts, marks, keys and the small tables.
 * SPDX-License-Identifier: MIT
 * After events and deliveries (audit.c). Any thread but the delivery loop's. */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "model/ids.h"
#include "store/sqlite/audit.h"
#include "store/sqlite/state.h"

enum err audit_targets_read(struct audit *a)
{
	sqlite3_stmt *st = db_statement(a->db, ST_AUDIT_TARGETS);
	enum err rc;

	db_bind_int(st, 1, 0);
	while ((rc = db_step(a->db, st)) == ERR_OK) {
		const int64_t id = db_column_int(st, 0);

		a->targets = audit_room(a->targets, &a->target_size, id, sizeof(*a->targets));
		a->targets[id] = db_column_int(st, 1);
	}
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

/* --- Attempts --------------------------------------------------------------------- */

/* Its count in the delivery; -1: there is no such delivery. */
static enum err attempts_of(struct audit *a, int64_t delivery, int64_t *out)
{
	sqlite3_stmt *st = db_statement(a->db, ST_AUDIT_DELIVERY);

	db_bind_int(st, 1, delivery);
	const enum err rc = db_step(a->db, st);
	*out = rc == ERR_OK ? db_column_int(st, 0) : -1;
	db_reset(st);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

/* One more than the count: it was cancelled while that one was under way. */
static void attempt_audit(struct audit *a, int64_t delivery, int64_t number, int64_t attempts)
{
	if (attempts < 0)
		audit_fault(a, AUDIT_DELIVERY, delivery, "an attempt belongs to no delivery");
	else if (number < 1 || number > attempts + 1)
		audit_fault(a, AUDIT_DELIVERY, delivery,
			    "an attempt's number does not fit its delivery");
}

static enum err attempts_audit(struct audit *a)
{
	int64_t at[2] = { INT64_MIN, INT64_MIN }, attempts = -1;
	size_t rows;

	do {
		sqlite3_stmt *st = db_statement(a->db, ST_AUDIT_ATTEMPTS);
		enum err rc;

		rows = 0;
		db_bind_int(st, 1, at[0]);
		db_bind_int(st, 2, at[1]);
		db_bind_int(st, 3, AUDIT_ROWS);
		while ((rc = db_step(a->db, st)) == ERR_OK) {
			const int64_t delivery = db_column_int(st, 0);

			if (delivery != at[0])
				rc = attempts_of(a, delivery, &attempts);
			if (rc != ERR_OK)
				break;
			at[0] = delivery;
			at[1] = db_column_int(st, 1);
			rows++;
			attempt_audit(a, at[0], at[1], attempts);
		}
		db_reset(st);
		if (rc != ERR_NOT_FOUND)
			return rc;
	} while (rows == AUDIT_ROWS);
	return ERR_OK;
}

/* --- Marks ------------------------------------------------------------------------- */

static void mark_audit(struct audit *a, int64_t chain, int64_t hour, int64_t first)
{
	struct tally *t = audit_tally(a, chain);
	struct chain *c = audit_chain(a, -chain);
	struct hours *h = t != NULL ? &t->hours : c != NULL ? &c->hours : NULL;

	if (h == NULL)
		audit_fault(a, AUDIT_OTHER, chain, "a mark belongs to no chain");
	else if (id_time_ms(first) / HOURS_MS(1) != hour)
		audit_fault(a, AUDIT_OTHER, chain, "a mark names what is not of its hour");
	else if (hour > id_time_ms(a->floor) / HOURS_MS(1))
		bag_add(&h->listed, first);
}

static enum err marks_audit(struct audit *a)
{
	int64_t at[2] = { INT64_MIN, INT64_MIN };
	size_t rows;

	do {
		sqlite3_stmt *st = db_statement(a->db, ST_AUDIT_MARKS);
		enum err rc;

		rows = 0;
		db_bind_int(st, 1, at[0]);
		db_bind_int(st, 2, at[1]);
		db_bind_int(st, 3, AUDIT_ROWS);
		while ((rc = db_step(a->db, st)) == ERR_OK) {
			at[0] = db_column_int(st, 0);
			at[1] = db_column_int(st, 1);
			rows++;
			mark_audit(a, at[0], at[1], db_column_int(st, 2));
		}
		if (rc != ERR_NOT_FOUND)
			return rc;
	} while (rows == AUDIT_ROWS);
	return ERR_OK;
}

/* --- Keys ---------------------------------------------------------------------------- */

static enum err key_audit(struct audit *a, sqlite3_stmt *st)
{
	const struct span events = db_column_span(st, 2);
	int64_t last = db_column_int(st, 1);
	struct seen seen = { .event = last, .events = &last, .event_count = 1 };

	if (events.len % sizeof(last) != 0) {
		audit_fault(a, AUDIT_EVENT, seen.event, "a key has a broken list of events");
		return ERR_OK;
	}
	if (events.len > 0)
		memcpy(&last, events.ptr + events.len - sizeof(last), sizeof(last));
	const enum err rc = seen_is_kept(a->db, &seen);
	if (rc != ERR_NOT_FOUND)
		return rc;
	if (seen.event >= a->floor && last >= a->floor)
		audit_fault(a, AUDIT_EVENT, seen.event, "a key belongs to no event");
	return ERR_OK;
}

static enum err keys_audit(struct audit *a)
{
	int64_t from = INT64_MIN;
	size_t rows;

	do {
		sqlite3_stmt *st = db_statement(a->db, ST_SEEN_PAGE);
		enum err rc;

		rows = 0;
		db_bind_int(st, 1, from);
		db_bind_int(st, 2, AUDIT_ROWS);
		while ((rc = db_step(a->db, st)) == ERR_OK) {
			from = db_column_int(st, 0);
			from += from < INT64_MAX;
			rows++;
			rc = key_audit(a, st);
			if (rc != ERR_OK)
				break;
		}
		db_reset(st);
		if (rc != ERR_NOT_FOUND)
			return rc;
	} while (rows == AUDIT_ROWS);
	return ERR_OK;
}

/* --- Small tables --------------------------------------------------------------------- */

static const struct {
	enum statement st;
	enum audit_kind kind;
	const char *what;
} links[] = {
	{ ST_AUDIT_CHANNEL_DESTINATION, AUDIT_CHANNEL, "a channel has no destination of its own" },
	{ ST_AUDIT_DESTINATION_CHANNEL, AUDIT_CHANNEL, "a destination belongs to no channel" },
	{ ST_AUDIT_DESTINATION_WEBHOOK, AUDIT_CHANNEL,
	  "a destination's webhook is not its organization's" },
	{ ST_AUDIT_CHANNEL_REMOVED, AUDIT_CHANNEL, "a channel is there without its webhook" },
	{ ST_AUDIT_TARGET_CHANNEL, AUDIT_TARGET, "a target belongs to no channel" },
	{ ST_AUDIT_WEBHOOK_ORGANIZATION, AUDIT_WEBHOOK, "a webhook belongs to no organization" },
	{ ST_AUDIT_SECRET_WEBHOOK, AUDIT_WEBHOOK, "a secret is there without its webhook" },
	{ ST_AUDIT_ERROR_WEBHOOK, AUDIT_WEBHOOK, "a last error is there without its webhook" },
	{ ST_AUDIT_KEY_ORGANIZATION, AUDIT_OTHER, "an API key belongs to no organization" },
	{ ST_AUDIT_HEAD_ORGANIZATION, AUDIT_ORGANIZATION,
	  "a chain of events belongs to no organization" },
	{ ST_AUDIT_SWEEP, AUDIT_OTHER, "a move of deliveries has no destination or no meaning" },
};

_Static_assert(COUNT_OF(links) == ST_COUNT - ST_AUDIT_LINKS, "a row for each statement");

static enum err links_audit(struct audit *a)
{
	for (size_t i = 0; i < COUNT_OF(links); i++) {
		sqlite3_stmt *st = db_statement(a->db, links[i].st);
		enum err rc;

		while ((rc = db_step(a->db, st)) == ERR_OK)
			audit_fault(a, links[i].kind, db_column_int(st, 0), links[i].what);
		if (rc != ERR_NOT_FOUND)
			return rc;
	}
	return ERR_OK;
}

enum err audit_rows(struct audit *a)
{
	enum err rc = attempts_audit(a);

	if (rc == ERR_OK)
		rc = marks_audit(a);
	if (rc == ERR_OK)
		rc = keys_audit(a);
	return rc == ERR_OK ? links_audit(a) : rc;
}
