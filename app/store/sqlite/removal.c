/* removal.c - what one slice of retention removes.
 * SPDX-License-Identifier: MIT
 *
 * Finished deliveries go, unfinished ones and their events stay: below the floor
 * only those are left, so looking at them again costs no more than there are.
 * Not here: when, and how much (retention.c). Writer thread. */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "model/ids.h"
#include "store/sqlite/meta.h"
#include "store/sqlite/state.h"

enum {
	ROWS_MAX = 512,
	EVENTS_MAX = 64, /* in one range; a power of two */
	EVENTS_LEAST = 4,
	LOOKS_PER_ID = 8,      /* rows that are only looked at cost an eighth */
	FREE_KEEP_PAGES = 256, /* free pages that stay for new rows: so many, or this share */
	FREE_KEEP_SHARE = 16,
};

struct doomed {
	int64_t id, destination;
	enum delivery_state state;
};

struct old_event {
	int64_t id, organization, fanout;
	unsigned flags;
	bool has_payload;
};

/* The first event from this id on. */
static enum err event_from(struct db *db, int64_t id, struct old_event *out)
{
	sqlite3_stmt *st = db_statement(db, ST_EVENT_FROM);

	db_bind_int(st, 1, id);
	const enum err rc = db_step(db, st);
	if (rc != ERR_OK)
		return rc;
	out->id = db_column_int(st, 0);
	out->organization = db_column_int(st, 1);
	out->fanout = db_column_int(st, 2);
	out->flags = (unsigned)db_column_int(st, 3);
	out->has_payload = db_column_int(st, 4) != 0;
	db_reset(st);
	return ERR_OK;
}

/* ERR_NOT_FOUND: none. */
static enum err delivery_look(struct db *db, enum statement id, const struct old_event *e)
{
	sqlite3_stmt *st = db_statement(db, id);

	db_bind_int(st, 1, e->id);
	db_bind_int(st, 2, e->id + e->fanout);
	const enum err rc = db_step(db, st);
	db_reset(st);
	return rc;
}

static enum err range_remove(struct db *db, enum statement id, int64_t first, int64_t last)
{
	sqlite3_stmt *st = db_statement(db, id);

	db_bind_int(st, 1, first);
	db_bind_int(st, 2, last);
	return db_run(db, st);
}

/* --- Events ---------------------------------------------------------------------- */

static bool is_final(enum delivery_state state)
{
	return state != DELIVERY_DUE && state != DELIVERY_HELD;
}

static enum err doomed_read(struct db *db, const struct old_event *e, int64_t after, size_t max,
			    struct doomed *rows, size_t *out_count)
{
	sqlite3_stmt *st = db_statement(db, ST_DELIVERIES_FOR_REMOVAL);
	enum err rc;

	*out_count = 0;
	db_bind_int(st, 1, after);
	db_bind_int(st, 2, e->id + e->fanout);
	db_bind_int(st, 3, (int64_t)max);
	while ((rc = db_step(db, st)) == ERR_OK)
		rows[(*out_count)++] = (struct doomed){
			.id = db_column_int(st, 0),
			.destination = db_column_int(st, 1),
			.state = (enum delivery_state)db_column_int(st, 2),
		};
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

/* Its counts, and its row among the rare states. */
static enum err doomed_count(struct store *s, const struct doomed *d)
{
	struct head *head = heads_find(s->heads, d->destination);

	if (head != NULL && d->state > DELIVERY_UNSET && d->state < DELIVERY_STATES) {
		heads_change(s->heads, head);
		heads_remove(s->heads, head, d->state);
	}
	if (d->state == DELIVERY_DELIVERED)
		return ERR_OK;
	sqlite3_stmt *st = db_statement(&s->db, ST_RARE_REMOVE);
	db_bind_int(st, 1, d->destination);
	db_bind_int(st, 2, d->state);
	db_bind_int(st, 3, d->id);
	return db_run(&s->db, st);
}

/* Finished ones go, in runs of neighbours. */
static enum err doomed_remove(struct store *s, struct removal *r, const struct doomed *rows,
			      size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t end = i;
		enum err rc = ERR_OK;

		for (; end < count && is_final(rows[end].state) && rc == ERR_OK; end++)
			rc = doomed_count(s, &rows[end]);
		if (rc == ERR_OK && end > i)
			rc = range_remove(&s->db, ST_ATTEMPTS_REMOVE, rows[i].id, rows[end - 1].id);
		if (rc == ERR_OK && end > i)
			rc = range_remove(&s->db, ST_DELIVERIES_REMOVE, rows[i].id,
					  rows[end - 1].id);
		if (rc != ERR_OK)
			return rc;
		r->removed_deliveries += (int64_t)(end - i);
		i = end;
	}
	return ERR_OK;
}

static void event_count(struct store *s, struct removal *r, const struct old_event *e)
{
	struct organization_head *head = heads_organization(s->heads, e->organization);

	r->removed_events++;
	if (head == NULL)
		return;
	heads_change_organization(s->heads, head);
	head->removed++;
}

/* What is finished of one event; a wide one takes more than a slice. */
static enum err event_remove(struct store *s, struct removal *r, const struct old_event *e)
{
	struct retention_place *p = r->place;
	struct doomed rows[ROWS_MAX];
	const size_t max = r->budget < ROWS_MAX ? (size_t)r->budget : ROWS_MAX;
	const int64_t after = p->delivery > e->id ? p->delivery : e->id;
	const int64_t before = r->removed_deliveries + r->removed_events;
	size_t count = 0;
	enum err rc = doomed_read(&s->db, e, after, max, rows, &count);

	if (rc == ERR_OK)
		rc = doomed_remove(s, r, rows, count);
	r->budget -= (int64_t)count + 1;
	p->delivery = count > 0 ? rows[count - 1].id : after;
	if (rc != ERR_OK)
		return rc;
	if (count < max) { /* that was the last of it */
		rc = delivery_look(&s->db, ST_DELIVERY_ANY, e);
		if (rc == ERR_NOT_FOUND) {
			event_count(s, r, e);
			rc = range_remove(&s->db, ST_EVENTS_REMOVE, e->id, e->id);
		}
		p->event = e->id + 1;
		p->delivery = 0;
	}
	if (r->removed_deliveries + r->removed_events > before && e->id + e->fanout > p->floor)
		p->floor = e->id + e->fanout;
	return rc;
}

/* The next events that may go. */
static enum err events_read(struct store *s, const struct removal *r, size_t max,
			    struct old_event *events, size_t *out_count)
{
	const struct retention_place *p = r->place;
	sqlite3_stmt *st = db_statement(&s->db, ST_EVENTS_FROM);
	enum err rc;

	*out_count = 0;
	db_bind_int(st, 1, p->event);
	db_bind_int(st, 2, (int64_t)max);
	while ((rc = db_step(&s->db, st)) == ERR_OK) {
		struct old_event *e = &events[*out_count];

		e->id = db_column_int(st, 0);
		e->organization = db_column_int(st, 1);
		e->fanout = db_column_int(st, 2);
		if (e->id >= p->cutoff && !r->is_over)
			break;
		++*out_count;
	}
	db_reset(st);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

/* How many of them are narrow enough, and finished, to go as one range; their
 * deliveries are read into rows. */
static enum err run_find(struct store *s, const struct removal *r, const struct old_event *events,
			 size_t *count, struct doomed *rows, size_t *out_row_count)
{
	const int64_t max = r->budget < ROWS_MAX - 1 ? r->budget : ROWS_MAX - 1;
	int64_t weight = 0;
	size_t fit = 0;

	*out_row_count = 0;
	for (; fit < *count && weight + events[fit].fanout <= max; fit++)
		weight += events[fit].fanout;
	*count = fit;
	if (fit == 0)
		return ERR_OK;
	const struct old_event *last = &events[fit - 1];
	const struct old_event all = { .id = events[0].id,
				       .fanout = last->id + last->fanout - events[0].id };
	enum err rc = doomed_read(&s->db, &all, all.id, ROWS_MAX, rows, out_row_count);
	if (*out_row_count == ROWS_MAX)
		*count = 0; /* more than there should be: damage, one by one */
	for (size_t i = 0; i < *out_row_count && rc == ERR_OK; i++) {
		if (is_final(rows[i].state))
			continue;
		while (*count > 0 && events[*count - 1].id > rows[i].id)
			--*count;
		*count -= *count > 0; /* the event that it is of */
		break;
	}
	while (*out_row_count > 0 &&
	       (*count == 0 ||
		rows[*out_row_count - 1].id >= events[*count - 1].id + events[*count - 1].fanout))
		--*out_row_count;
	return rc;
}

static enum err run_remove(struct store *s, struct removal *r, const struct old_event *events,
			   size_t count, const struct doomed *rows, size_t row_count)
{
	static const enum statement tables[] = { ST_ATTEMPTS_REMOVE, ST_DELIVERIES_REMOVE,
						 ST_EVENTS_REMOVE };
	const int64_t end = events[count - 1].id + events[count - 1].fanout;
	enum err rc = ERR_OK;

	for (size_t i = 0; i < row_count && rc == ERR_OK; i++)
		rc = doomed_count(s, &rows[i]);
	for (size_t i = 0; i < count; i++)
		event_count(s, r, &events[i]);
	for (size_t i = 0; i < COUNT_OF(tables) && rc == ERR_OK; i++)
		rc = range_remove(&s->db, tables[i], events[0].id, end - 1);
	r->removed_deliveries += (int64_t)row_count;
	r->budget -= (int64_t)(count + row_count);
	r->place->event = end;
	if (end > r->place->floor)
		r->place->floor = end;
	return rc;
}

static enum err events_run(struct store *s, struct removal *r)
{
	struct retention_place *p = r->place;
	size_t span = EVENTS_MAX; /* small where much is not finished */

	while (r->budget > 0) {
		struct old_event events[EVENTS_MAX];
		struct doomed rows[ROWS_MAX];
		size_t count = 0, row_count = 0;
		enum err rc = events_read(s, r, span, events, &count);

		if (rc == ERR_OK && count == 0) {
			p->is_over = r->is_over;
			p->stage = RETENTION_PAYLOADS;
			return ERR_OK;
		}
		if (rc == ERR_OK && p->delivery == 0)
			rc = run_find(s, r, events, &count, rows, &row_count);
		else
			count = 0; /* a wide one is under way */
		span = count == 0 ? EVENTS_LEAST : span < EVENTS_MAX ? span * 2 : span;
		if (rc == ERR_OK)
			rc = count > 0 ? run_remove(s, r, events, count, rows, row_count)
				       : event_remove(s, r, &events[0]);
		if (rc != ERR_OK)
			return rc;
	}
	return ERR_OK;
}

/* --- Payloads -------------------------------------------------------------------- */

static enum err late_change(struct db *db, enum statement id, int64_t event)
{
	sqlite3_stmt *st = db_statement(db, id);

	db_bind_int(st, 1, event);
	return db_run(db, st);
}

static enum err payload_remove(struct store *s, struct removal *r, const struct old_event *e)
{
	sqlite3_stmt *st = db_statement(&s->db, ST_EVENT_PAYLOAD_REMOVE);

	db_bind_int(st, 1, e->id);
	db_bind_int(st, 2, EVENT_IS_EMPTIED);
	r->emptied++;
	return db_run(&s->db, st);
}

static enum err payloads_run(struct store *s, struct removal *r)
{
	struct retention_place *p = r->place;

	while (r->budget > 0) {
		struct old_event e;
		enum err rc = event_from(&s->db, p->payload_floor, &e);

		if (rc != ERR_OK && rc != ERR_NOT_FOUND)
			return rc;
		if (rc == ERR_NOT_FOUND || e.id >= p->payload_cutoff) {
			p->stage = p->is_full ? RETENTION_LATE : RETENTION_SPACE;
			return ERR_OK;
		}
		r->budget -= 1 + e.fanout / LOOKS_PER_ID;
		if (e.has_payload) {
			rc = delivery_look(&s->db, ST_DELIVERY_UNFINISHED, &e);
			if (rc == ERR_OK)
				rc = late_change(&s->db, ST_LATE_ADD, e.id);
			else if (rc == ERR_NOT_FOUND)
				rc = payload_remove(s, r, &e);
			if (rc != ERR_OK)
				return rc;
		}
		p->payload_floor = e.id + 1;
	}
	return ERR_OK;
}

/* One event that was not finished when its payload was to go. */
static enum err late_run(struct store *s, struct removal *r, int64_t id)
{
	struct old_event e;
	enum err rc = event_from(&s->db, id, &e);

	if (rc == ERR_NOT_FOUND || (rc == ERR_OK && e.id != id))
		return late_change(&s->db, ST_LATE_REMOVE, id);
	if (rc == ERR_OK)
		rc = delivery_look(&s->db, ST_DELIVERY_UNFINISHED, &e);
	if (rc != ERR_NOT_FOUND)
		return rc;
	rc = payload_remove(s, r, &e);
	return rc == ERR_OK ? late_change(&s->db, ST_LATE_REMOVE, id) : rc;
}

static enum err lates_run(struct store *s, struct removal *r)
{
	struct retention_place *p = r->place;
	sqlite3_stmt *st = db_statement(&s->db, ST_LATE_AFTER);

	for (; r->budget > 0; r->budget--) {
		db_bind_int(st, 1, p->late);
		enum err rc = db_step(&s->db, st);
		if (rc == ERR_NOT_FOUND)
			p->stage = RETENTION_SEEN;
		if (rc != ERR_OK)
			return rc == ERR_NOT_FOUND ? ERR_OK : rc;
		p->late = db_column_int(st, 0);
		db_reset(st);
		rc = late_run(s, r, p->late);
		if (rc != ERR_OK)
			return rc;
	}
	return ERR_OK;
}

/* --- Keys and marks ------------------------------------------------------------------ */

struct old_key {
	int64_t hash;
	struct seen seen; /* events: the last one alone */
	int64_t last;
};

static enum err keys_read(struct store *s, int64_t from, size_t max, struct old_key *keys,
			  size_t *out_count)
{
	sqlite3_stmt *st = db_statement(&s->db, ST_SEEN_PAGE);
	enum err rc;

	*out_count = 0;
	db_bind_int(st, 1, from);
	db_bind_int(st, 2, (int64_t)max);
	while ((rc = db_step(&s->db, st)) == ERR_OK) {
		struct old_key *k = &keys[(*out_count)++];
		const struct span events = db_column_span(st, 2);

		memset(k, 0, sizeof(*k));
		k->hash = db_column_int(st, 0);
		k->seen.event = k->last = db_column_int(st, 1);
		if (events.len >= sizeof(k->last))
			memcpy(&k->last, events.ptr + events.len - sizeof(k->last),
			       sizeof(k->last));
	}
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

/* A row that has its place because the one before it was taken would not be found
 * without that one: such a neighbour waits for the next pass. */
static enum err key_remove(struct store *s, struct removal *r, struct old_key *k, int64_t next_hash)
{
	const int64_t newest = k->seen.event > k->last ? k->seen.event : k->last;

	if (newest >= r->place->floor || next_hash - 1 == k->hash)
		return ERR_OK;
	k->seen.events = &k->last;
	k->seen.event_count = 1;
	const enum err rc = seen_is_kept(&s->db, &k->seen);
	if (rc != ERR_NOT_FOUND)
		return rc;
	sqlite3_stmt *st = db_statement(&s->db, ST_SEEN_REMOVE);
	db_bind_int(st, 1, k->hash);
	r->budget--; /* a page of the log each: as dear as an id */
	return db_run(&s->db, st);
}

static enum err keys_run(struct store *s, struct removal *r)
{
	struct retention_place *p = r->place;

	while (r->budget > 0) {
		struct old_key keys[64];
		size_t count = 0;
		enum err rc = keys_read(s, p->hash, COUNT_OF(keys), keys, &count);
		const bool is_end = count < COUNT_OF(keys);

		/* The last one of a page is the first of the next: its neighbour decides. */
		for (size_t i = 0; i + (is_end ? 0 : 1) < count && rc == ERR_OK; i++)
			rc = key_remove(s, r, &keys[i], i + 1 < count ? keys[i + 1].hash : -1);
		if (rc != ERR_OK)
			return rc;
		r->budget -= (int64_t)COUNT_OF(keys) / LOOKS_PER_ID;
		if (is_end) {
			p->stage = RETENTION_MARKS;
			return ERR_OK;
		}
		p->hash = keys[count - 1].hash;
	}
	return ERR_OK;
}

static enum err marks_run(struct store *s, struct removal *r)
{
	struct retention_place *p = r->place;

	while (r->budget > 0) {
		sqlite3_stmt *st = db_statement(&s->db, ST_MARK_CHAIN);

		db_bind_int(st, 1, p->chain);
		enum err rc = db_step(&s->db, st);
		if (rc == ERR_NOT_FOUND)
			p->stage = RETENTION_SPACE;
		if (rc != ERR_OK)
			return rc == ERR_NOT_FOUND ? ERR_OK : rc;
		const int64_t chain = db_column_int(st, 0);
		const int64_t max = r->budget;
		db_reset(st);
		st = db_statement(&s->db, ST_MARKS_REMOVE);
		db_bind_int(st, 1, chain);
		db_bind_int(st, 2, id_time_ms(p->floor) / HOURS_MS(1));
		db_bind_int(st, 3, max);
		rc = db_run(&s->db, st);
		if (rc != ERR_OK)
			return rc;
		const int removed = db_changes(&s->db);
		if (removed < max)
			p->chain = chain;
		r->budget -= 1 + removed;
	}
	return ERR_OK;
}

/* --- Space ------------------------------------------------------------------------ */

enum err removal_space(struct store *s, int64_t *out_bytes, int64_t *out_pages,
		       int64_t *out_free_pages)
{
	sqlite3_stmt *st = db_statement(&s->db, ST_PAGES);
	const enum err rc = db_step(&s->db, st);

	if (rc != ERR_OK)
		return rc == ERR_NOT_FOUND ? ERR_CORRUPT : rc;
	*out_pages = db_column_int(st, 0);
	*out_free_pages = db_column_int(st, 1);
	*out_bytes = (*out_pages - *out_free_pages) * db_column_int(st, 2);
	db_reset(st);
	return ERR_OK;
}

static enum err space_run(struct store *s, struct removal *r)
{
	int64_t bytes = 0, pages = 0, free_pages = 0;
	enum err rc = removal_space(s, &bytes, &pages, &free_pages);

	if (rc != ERR_OK)
		return rc;
	const int64_t share = pages / FREE_KEEP_SHARE;
	if (free_pages <= (share > FREE_KEEP_PAGES ? share : FREE_KEEP_PAGES)) {
		r->place->stage = RETENTION_REST;
		return ERR_OK;
	}
	r->budget = 0;
	return db_exec(&s->db, "PRAGMA incremental_vacuum(64)");
}

enum err removal_run(struct store *s, struct removal *r)
{
	switch (r->place->stage) {
	case RETENTION_REST: return ERR_OK;
	case RETENTION_EVENTS: return events_run(s, r);
	case RETENTION_PAYLOADS: return payloads_run(s, r);
	case RETENTION_LATE: return lates_run(s, r);
	case RETENTION_SEEN: return keys_run(s, r);
	case RETENTION_MARKS: return marks_run(s, r);
	case RETENTION_SPACE: return space_run(s, r);
	}
	return ERR_OK;
}
