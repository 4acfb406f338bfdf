/* lists.c - events, deliveries and attempts for people, newest first.
 * SPDX-License-Identifier: MIT
 *
 * Three ways to walk, none of which costs more on a larger table:
 *   of one event     the range of its deliveries' ids
 *   of one webhook   its destinations' chains, merged (rare states: table rare)
 *   of all           the organization's chain of events, each with its range
 * A page looks at LOOK_MAX rows at most. Any thread but the delivery loop's. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/ids.h"
#include "store/sqlite/event_rows.h"
#include "store/sqlite/state.h"

enum { LOOK_MAX = 2000, CHAINS_MAX = 256 };

void delivery_row_finish(struct delivery_row *d)
{
	free(d->event_type);
	free(d->source_id);
	free(d->channel);
	free(d->target);
	free(d->configs);
	memset(d, 0, sizeof(*d));
}

/* --- One row, completed ------------------------------------------------------- */

static int64_t phase_column(sqlite3_stmt *st, int column)
{
	return sqlite3_column_type(st, column) == SQLITE_NULL ? -1 : db_column_int(st, column);
}

/* started_at … reason from this column on. */
static void attempt_columns(sqlite3_stmt *st, int first, struct attempt *out)
{
	const struct span reason = db_column_span(st, first + 8);
	const size_t len = reason.len < REASON_BYTES ? reason.len : REASON_BYTES - 1;

	out->started_at_us = db_column_int(st, first);
	out->outcome = (enum attempt_outcome)db_column_int(st, first + 1);
	out->status = (long)db_column_int(st, first + 2);
	out->dns_us = phase_column(st, first + 3);
	out->connect_us = phase_column(st, first + 4);
	out->tls_us = phase_column(st, first + 5);
	out->first_byte_us = phase_column(st, first + 6);
	out->total_us = phase_column(st, first + 7);
	if (len > 0)
		memcpy(out->reason, reason.ptr, len);
	out->reason[len] = '\0';
}

struct delivery_raw {
	struct delivery_row row;
	int64_t destination, target;
};

static void delivery_columns(sqlite3_stmt *st, struct delivery_raw *out)
{
	memset(out, 0, sizeof(*out));
	out->row.id = db_column_int(st, 0);
	out->destination = db_column_int(st, 1);
	out->target = db_column_int(st, 2);
	out->row.state = (enum delivery_state)db_column_int(st, 3);
	out->row.attempts = (unsigned)db_column_int(st, 4);
	out->row.done_at_ms = db_column_int(st, 6);
	attempt_columns(st, 7, &out->row.last);
	out->row.last.number = out->row.last.started_at_us == 0 ? 0 : out->row.attempts;
}

static enum err channel_fill(struct db *db, struct delivery_raw *d)
{
	sqlite3_stmt *st = db_statement(db, ST_CHANNEL_OF_DESTINATION);

	db_bind_int(st, 1, d->destination);
	enum err rc = db_step(db, st);
	if (rc != ERR_OK)
		return rc == ERR_NOT_FOUND ? ERR_CORRUPT : rc;
	d->row.channel = db_column_dup(st, 0);
	d->row.configs = db_column_unsealed(st, 1);
	const struct span webhook = db_column_span(st, 2);
	if (webhook.len < sizeof(d->row.webhook_id))
		memcpy(d->row.webhook_id, webhook.ptr, webhook.len);
	db_reset(st);
	if (d->target == 0)
		return ERR_OK;
	st = db_statement(db, ST_TARGET_VALUE);
	db_bind_int(st, 1, d->target);
	rc = db_step(db, st);
	if (rc != ERR_OK)
		return rc == ERR_NOT_FOUND ? ERR_OK : rc;
	d->row.target = db_column_unsealed(st, 0);
	db_reset(st);
	return ERR_OK;
}

static enum err due_fill(struct db *db, struct delivery_raw *d)
{
	sqlite3_stmt *st = db_statement(db, ST_QUEUE_DUE_OF);

	if (d->row.state != DELIVERY_DUE)
		return ERR_OK;
	if (d->row.attempts == 0) { /* queued when it was made: no need to look */
		d->row.next_attempt_at_ms = id_time_ms(d->row.id);
		return ERR_OK;
	}
	db_bind_int(st, 1, d->destination);
	db_bind_int(st, 2, d->row.id);
	enum err rc = db_step(db, st);
	if (rc != ERR_OK)
		return rc == ERR_NOT_FOUND ? ERR_OK : rc;
	d->row.next_attempt_at_ms = db_column_int(st, 0);
	db_reset(st);
	return ERR_OK;
}

static enum err delivery_complete(struct db *db, struct delivery_raw *d)
{
	struct event *event = NULL;
	enum err rc = event_row_at(db, d->row.id, &event, NULL, NULL);

	if (rc != ERR_OK)
		return rc == ERR_NOT_FOUND ? ERR_CORRUPT : rc;
	d->row.event_id = event->id;
	d->row.organization = event->organization;
	d->row.event_type = xspandup(event->type);
	d->row.source_id = xspandup(event->source_id);
	event_drop(event);
	rc = channel_fill(db, d);
	return rc == ERR_OK ? due_fill(db, d) : rc;
}

static enum err delivery_get(struct db *db, int64_t id, struct delivery_raw *out)
{
	sqlite3_stmt *st = db_statement(db, ST_DELIVERY_GET);

	db_bind_int(st, 1, id);
	enum err rc = db_step(db, st);
	if (rc != ERR_OK)
		return rc;
	delivery_columns(st, out);
	db_reset(st);
	return ERR_OK;
}

/* --- A page -------------------------------------------------------------------- */

struct page {
	struct db *db;
	const struct delivery_query *q;
	struct delivery_row *rows;
	size_t count, looked;
	int64_t next; /* where to go on; 0 = the end */
};

static bool page_is_full(const struct page *p)
{
	return p->count == p->q->limit || p->looked >= LOOK_MAX;
}

static enum err page_add(struct page *p, struct delivery_raw *d)
{
	p->looked++;
	p->next = d->row.id;
	if (p->q->state != DELIVERY_UNSET && d->row.state != p->q->state)
		return ERR_OK;
	enum err rc = delivery_complete(p->db, d);
	if (rc != ERR_OK) {
		delivery_row_finish(&d->row);
		return rc;
	}
	p->rows[p->count++] = d->row;
	return ERR_OK;
}

/* Deliveries of one event with an id below `before`. */
static enum err page_event(struct page *p, int64_t event_id, int64_t fanout, int64_t before)
{
	sqlite3_stmt *st = db_statement(p->db, ST_DELIVERIES_OF_EVENT);
	const int64_t end = event_id + fanout;
	enum err rc;

	db_bind_int(st, 1, event_id);
	db_bind_int(st, 2, before != 0 && before < end ? before : end);
	while (!page_is_full(p) && (rc = db_step(p->db, st)) == ERR_OK) {
		struct delivery_raw d;

		delivery_columns(st, &d);
		rc = page_add(p, &d);
		if (rc != ERR_OK) {
			db_reset(st);
			return rc;
		}
	}
	if (page_is_full(p)) {
		db_reset(st);
		return ERR_OK;
	}
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static enum err page_of_event(struct page *p)
{
	struct event *event = NULL;
	int64_t fanout = 0;
	enum err rc = event_row_get(p->db, p->q->event_id, &event, NULL, &fanout);

	if (rc != ERR_OK)
		return rc == ERR_NOT_FOUND ? ERR_OK : rc;
	const bool is_ours = event->organization == p->q->organization;
	event_drop(event);
	if (is_ours)
		rc = page_event(p, p->q->event_id, fanout, p->q->before);
	if (rc == ERR_OK && !page_is_full(p))
		p->next = 0;
	return rc;
}

/* --- By webhook: merged chains ------------------------------------------------- */

struct chain {
	int64_t destination, at; /* next delivery to look at; 0 = the end */
};

static bool is_rare_state(enum delivery_state state)
{
	return state == DELIVERY_HELD || state == DELIVERY_FAILED || state == DELIVERY_CANCELLED;
}

static enum err chain_next(struct page *p, struct chain *c, int64_t below)
{
	const bool is_rare = is_rare_state(p->q->state);
	sqlite3_stmt *st = db_statement(p->db, is_rare ? ST_RARE_OLDER : ST_DELIVERY_PREV);

	if (is_rare) {
		db_bind_int(st, 1, c->destination);
		db_bind_int(st, 2, p->q->state);
		db_bind_int(st, 3, below);
	} else {
		db_bind_int(st, 1, c->at);
	}
	enum err rc = db_step(p->db, st);
	c->at = rc == ERR_OK ? db_column_int(st, 0) : 0;
	db_reset(st);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

/* The cursor's event mostly has a delivery of each chain of its webhook: from
 * there it is one step. ERR_NOT_FOUND when this chain has none in it. */
static enum err chain_start_at_event(struct page *p, struct chain *c, int64_t before)
{
	struct event *event = NULL;
	int64_t fanout = 0;
	enum err rc = event_row_at(p->db, before, &event, NULL, &fanout);

	if (rc != ERR_OK)
		return rc;
	sqlite3_stmt *st = db_statement(p->db, ST_DELIVERIES_OF_CHAIN);
	db_bind_int(st, 1, event->id);
	db_bind_int(st, 2, event->id + fanout);
	db_bind_int(st, 3, c->destination);
	event_drop(event);
	bool is_found = false;
	while ((rc = db_step(p->db, st)) == ERR_OK) {
		const int64_t id = db_column_int(st, 0);

		is_found = true;
		c->at = id < before ? id : db_column_int(st, 1);
		if (id < before)
			break;
	}
	db_reset(st);
	return rc == ERR_NOT_FOUND && is_found ? ERR_OK : rc;
}

/* From the mark of its hour, walking: for a chain that is younger or older than
 * the cursor's event. */
static enum err chain_start_at_mark(struct page *p, struct chain *c, int64_t before)
{
	sqlite3_stmt *st = db_statement(p->db, ST_MARK_AFTER);

	db_bind_int(st, 1, c->destination);
	db_bind_int(st, 2, id_time_ms(before) / 3600000);
	enum err rc = db_step(p->db, st);
	if (rc == ERR_OK)
		c->at = db_column_int(st, 0);
	db_reset(st);
	if (rc == ERR_NOT_FOUND)
		rc = ERR_OK;
	while (rc == ERR_OK && c->at >= before)
		rc = chain_next(p, c, before);
	return rc;
}

/* The newest of a chain below the cursor. */
static enum err chain_start(struct page *p, struct chain *c, int64_t last)
{
	const int64_t before = p->q->before == 0 ? INT64_MAX : p->q->before;

	if (is_rare_state(p->q->state))
		return chain_next(p, c, before);
	c->at = last;
	if (last < before)
		return ERR_OK;
	enum err rc = chain_start_at_event(p, c, before);
	return rc == ERR_NOT_FOUND ? chain_start_at_mark(p, c, before) : rc;
}

static enum err chains_open(struct page *p, struct chain *chains, size_t *out_count)
{
	sqlite3_stmt *st = db_statement(p->db, ST_DESTINATIONS_OF_WEBHOOK);
	int64_t last[CHAINS_MAX];
	enum err rc;

	*out_count = 0;
	db_bind_int(st, 1, p->q->webhook_id);
	while ((rc = db_step(p->db, st)) == ERR_OK) {
		if (*out_count == CHAINS_MAX) {
			db_reset(st);
			rc = ERR_NOT_FOUND;
			break;
		}
		chains[*out_count].destination = db_column_int(st, 0);
		last[(*out_count)++] = db_column_int(st, 1);
	}
	if (rc != ERR_NOT_FOUND)
		return rc;
	rc = ERR_OK;
	for (size_t i = 0; i < *out_count && rc == ERR_OK; i++)
		rc = chain_start(p, &chains[i], last[i]);
	return rc;
}

static struct chain *chains_newest(struct chain *chains, size_t count)
{
	struct chain *best = NULL;

	for (size_t i = 0; i < count; i++)
		if (chains[i].at != 0 && (best == NULL || chains[i].at > best->at))
			best = &chains[i];
	return best;
}

static enum err page_of_webhook(struct page *p)
{
	struct chain chains[CHAINS_MAX], *c = NULL;
	size_t count = 0;
	enum err rc = chains_open(p, chains, &count);

	while (rc == ERR_OK && (c = chains_newest(chains, count)) != NULL && !page_is_full(p)) {
		struct delivery_raw d;

		rc = delivery_get(p->db, c->at, &d);
		if (rc == ERR_NOT_FOUND) { /* below what retention kept */
			c->at = 0;
			rc = ERR_OK;
			continue;
		}
		if (rc == ERR_OK)
			rc = page_add(p, &d);
		if (rc == ERR_OK)
			rc = chain_next(p, c, c->at);
	}
	if (rc == ERR_OK && c == NULL)
		p->next = 0;
	return rc;
}

/* --- All of an organization ------------------------------------------------------ */

static enum err newest_event(struct page *p, int64_t *out)
{
	sqlite3_stmt *st = db_statement(p->db, ST_ORGANIZATION_LAST);

	db_bind_int(st, 1, p->q->organization);
	enum err rc = db_step(p->db, st);
	*out = rc == ERR_OK ? db_column_int(st, 0) : 0;
	db_reset(st);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static enum err event_step(struct page *p, int64_t id, int64_t *out_prev, int64_t *out_fanout)
{
	sqlite3_stmt *st = db_statement(p->db, ST_EVENT_PREV);

	db_bind_int(st, 1, id);
	enum err rc = db_step(p->db, st);
	*out_prev = rc == ERR_OK ? db_column_int(st, 0) : 0;
	*out_fanout = rc == ERR_OK ? db_column_int(st, 1) : 0;
	db_reset(st);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

/* The event to begin with: the newest, or the one the cursor's delivery is of. */
static enum err first_event(struct page *p, int64_t *out)
{
	struct event *event = NULL;
	enum err rc;

	if (p->q->before == 0)
		return newest_event(p, out);
	rc = event_row_at(p->db, p->q->before, &event, NULL, NULL);
	if (rc != ERR_OK)
		return rc == ERR_NOT_FOUND ? ERR_OK : rc;
	*out = event->organization == p->q->organization ? event->id : 0;
	event_drop(event);
	return ERR_OK;
}

static enum err page_of_all(struct page *p)
{
	int64_t event_id = 0, prev = 0, fanout = 0;
	enum err rc = first_event(p, &event_id);

	while (rc == ERR_OK && event_id != 0 && !page_is_full(p)) {
		rc = event_step(p, event_id, &prev, &fanout);
		if (rc == ERR_OK)
			rc = page_event(p, event_id, fanout, p->q->before);
		if (fanout == 1) { /* no deliveries: it counts, and the cursor may stand on it */
			p->looked++;
			p->next = event_id;
		}
		if (!page_is_full(p))
			event_id = prev;
	}
	if (rc == ERR_OK && event_id == 0)
		p->next = 0;
	return rc;
}

enum err store_deliveries_read(struct store *s, const struct delivery_query *q,
			       struct delivery_row *rows, size_t *out_count, int64_t *out_next)
{
	struct page p = { .q = q, .rows = rows };
	enum err rc = readers_take(s->readers, &p.db);

	*out_count = 0;
	*out_next = 0;
	if (rc != ERR_OK)
		return rc;
	if (q->event_id != 0)
		rc = page_of_event(&p);
	else if (q->webhook_id != 0)
		rc = page_of_webhook(&p);
	else
		rc = page_of_all(&p);
	readers_give(s->readers, p.db);
	if (rc != ERR_OK) {
		for (size_t i = 0; i < p.count; i++)
			delivery_row_finish(&p.rows[i]);
		return rc;
	}
	*out_count = p.count;
	*out_next = p.next;
	return ERR_OK;
}

/* --- Single ones -------------------------------------------------------------------- */

enum err store_delivery_read(struct store *s, int64_t organization, int64_t delivery_id,
			     struct delivery_row *out)
{
	struct delivery_raw d;
	struct db *db;
	enum err rc = readers_take(s->readers, &db);

	if (rc != ERR_OK)
		return rc;
	rc = delivery_get(db, delivery_id, &d);
	if (rc == ERR_OK) {
		rc = delivery_complete(db, &d);
		if (rc == ERR_OK && d.row.organization != organization)
			rc = ERR_NOT_FOUND;
		if (rc != ERR_OK)
			delivery_row_finish(&d.row);
	}
	readers_give(s->readers, db);
	if (rc == ERR_OK)
		*out = d.row;
	return rc;
}

enum err store_attempts_read(struct store *s, int64_t delivery_id, struct attempt_row **out,
			     size_t *out_count)
{
	struct attempt_row *rows = NULL;
	struct delivery_raw d;
	size_t count = 0;
	struct db *db;
	enum err rc = readers_take(s->readers, &db);

	if (rc != ERR_OK)
		return rc;
	sqlite3_stmt *st = db_statement(db, ST_ATTEMPTS);
	db_bind_int(st, 1, delivery_id);
	while ((rc = db_step(db, st)) == ERR_OK) {
		rows = xrealloc(rows, (count + 2) * sizeof(*rows));
		memset(&rows[count], 0, sizeof(*rows));
		rows[count].attempt.number = (unsigned)db_column_int(st, 0);
		attempt_columns(st, 1, &rows[count].attempt);
		rows[count++].excerpt = db_column_dup(st, 10);
	}
	if (rc == ERR_NOT_FOUND)
		rc = delivery_get(db, delivery_id, &d);
	readers_give(s->readers, db);
	/* The attempt that delivered is folded into its delivery. */
	if (rc == ERR_OK && d.row.last.number > 0 && d.row.last.outcome == ATTEMPT_DELIVERED) {
		rows = xrealloc(rows, (count + 1) * sizeof(*rows));
		rows[count].attempt = d.row.last;
		rows[count++].excerpt = NULL;
	}
	if (rc != ERR_OK && rc != ERR_NOT_FOUND) {
		for (size_t i = 0; i < count; i++)
			free(rows[i].excerpt);
		free(rows);
		return rc;
	}
	*out = rows;
	*out_count = count;
	return ERR_OK;
}

enum err store_event_read(struct store *s, int64_t organization, int64_t event_id,
			  struct event_row *out)
{
	struct event *event = NULL;
	unsigned made = 0;
	struct db *db;
	enum err rc = readers_take(s->readers, &db);

	if (rc != ERR_OK)
		return rc;
	rc = event_row_get(db, event_id, &event, &made, NULL);
	readers_give(s->readers, db);
	if (rc == ERR_OK && event->organization != organization) {
		event_drop(event);
		rc = ERR_NOT_FOUND;
	}
	if (rc == ERR_OK)
		*out = (struct event_row){ .event = event, .deliveries = made };
	return rc;
}

enum err store_event_find(struct store *s, int64_t organization, struct span source_id,
			  int64_t *out_id)
{
	struct seen seen = { 0 };
	struct db *db;
	enum err rc = readers_take(s->readers, &db);

	*out_id = 0;
	if (rc != ERR_OK)
		return rc;
	rc = seen_find(s, db, organization, SEEN_EVENT_ID, source_id, &seen);
	readers_give(s->readers, db);
	if (rc == ERR_OK)
		*out_id = seen.event;
	free(seen.events);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}
