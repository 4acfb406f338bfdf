/* lists.c - events, deliveries and attempts for people, newest first.
 * SPDX-License-Identifier: MIT
 *
 * Three ways to walk, none of which costs more on a larger table:
 *   of one event     the range of its deliveries' ids
 *   of one webhook   its destinations' chains, merged (rare states: table rare)
 *   of all           the organization's chain of events, each with its range
 * Retention leaves holes below its floor, so chains end there; what is left below
 * (deliveries that were not finished, of all organizations) is walked by id.
 * A page looks at LOOK_MAX rows at most. Any thread but the delivery loop's. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/ids.h"
#include "store/sqlite/delivery_rows.h"
#include "store/sqlite/event_rows.h"
#include "store/sqlite/meta.h"
#include "store/sqlite/state.h"

enum { LOOK_MAX = 2000, CHAINS_MAX = 256 };

/* --- A page -------------------------------------------------------------------- */

struct page {
	struct db *db;
	const struct delivery_query *q;
	struct delivery_row *rows;
	size_t count, looked;
	int64_t next;  /* where to go on; 0 = the end */
	int64_t floor; /* of retention: chains end here */
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
	if (!is_rare && c->at < p->floor)
		c->at = 0;
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
	c->at = last < p->floor ? 0 : last;
	if (last < before || before <= p->floor) {
		c->at = before <= p->floor ? 0 : c->at;
		return ERR_OK;
	}
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

/* What retention left below its floor: of one webhook, or of the organization. */
static enum err page_below_floor(struct page *p)
{
	const int64_t before = p->q->before == 0 || p->q->before > p->floor ? p->floor
									    : p->q->before;
	sqlite3_stmt *st = db_statement(p->db, ST_DELIVERIES_BELOW);
	enum err rc = ERR_OK;

	p->next = 0;
	if (page_is_full(p))
		p->next = p->floor;
	db_bind_int(st, 1, before);
	while (!page_is_full(p) && (rc = db_step(p->db, st)) == ERR_OK) {
		struct delivery_owner owner = { 0, 0 };
		struct delivery_raw d;

		delivery_columns(st, &d);
		rc = delivery_owner_read(p->db, d.destination, &owner);
		p->looked++;
		p->next = d.row.id;
		if (rc == ERR_OK && owner.organization == p->q->organization &&
		    (p->q->webhook_id == 0 || owner.webhook == p->q->webhook_id)) {
			p->looked--;
			rc = page_add(p, &d);
		}
		if (rc != ERR_OK)
			break;
	}
	db_reset(st);
	if (rc == ERR_NOT_FOUND)
		p->next = 0;
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static enum err page_of_webhook(struct page *p)
{
	struct chain chains[CHAINS_MAX], *c = NULL;
	size_t count = 0;
	enum err rc = chains_open(p, chains, &count);

	while (rc == ERR_OK && (c = chains_newest(chains, count)) != NULL && !page_is_full(p)) {
		struct delivery_raw d;

		rc = delivery_get(p->db, c->at, &d);
		if (rc == ERR_NOT_FOUND) { /* a damaged chain: the audit tells */
			c->at = 0;
			rc = ERR_OK;
			continue;
		}
		if (rc == ERR_OK)
			rc = page_add(p, &d);
		if (rc == ERR_OK)
			rc = chain_next(p, c, c->at);
	}
	if (rc != ERR_OK || c != NULL)
		return rc;
	if (!is_rare_state(p->q->state))
		return page_below_floor(p);
	p->next = 0; /* that list has no floor */
	return ERR_OK;
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
	if (p->q->before <= p->floor)
		return ERR_OK; /* all that is older is below it */
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

	while (rc == ERR_OK && event_id != 0 && event_id >= p->floor && !page_is_full(p)) {
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
	if (rc != ERR_OK || (event_id != 0 && event_id >= p->floor))
		return rc;
	return page_below_floor(p);
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
	rc = meta_int_read(p.db, META_FLOOR, &p.floor);
	if (rc != ERR_OK)
		goto out;
	if (q->event_id != 0)
		rc = page_of_event(&p);
	else if (q->webhook_id != 0)
		rc = page_of_webhook(&p);
	else
		rc = page_of_all(&p);
out:
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
