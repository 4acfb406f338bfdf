/* work.c - event rows, and reading due work for the engine.
 * SPDX-License-Identifier: MIT
 * Per destination with room, oldest due first: rows of a destination that hangs
 * never stand before another's. Any thread but the delivery loop's. */
#include <stdlib.h>
#include <string.h>

#include "store/sqlite/event_rows.h"
#include "store/sqlite/state.h"

static enum err event_columns(sqlite3_stmt *st, struct event **out, unsigned *out_made,
			      int64_t *out_fanout)
{
	const struct event borrowed = {
		.id = db_column_int(st, 0),
		.organization = db_column_int(st, 1),
		.occurred_at_us = db_column_int(st, 2),
		.flags = (unsigned)db_column_int(st, 3),
		.type = db_column_span(st, 4),
		.source_id = db_column_span(st, 5),
		.extra = db_column_span(st, 6),
		.data = db_column_span(st, 7),
	};

	if (out_made != NULL)
		*out_made = (unsigned)db_column_int(st, 8);
	if (out_fanout != NULL)
		*out_fanout = db_column_int(st, 9);
	*out = event_create(&borrowed);
	db_reset(st);
	return *out == NULL ? ERR_MEMORY : ERR_OK;
}

static enum err event_row(struct db *db, enum statement id, int64_t key, struct event **out,
			  unsigned *out_made, int64_t *out_fanout)
{
	sqlite3_stmt *st = db_statement(db, id);

	db_bind_int(st, 1, key);
	enum err rc = db_step(db, st);
	return rc == ERR_OK ? event_columns(st, out, out_made, out_fanout) : rc;
}

enum err event_row_at(struct db *db, int64_t id, struct event **out, unsigned *out_made,
		      int64_t *out_fanout)
{
	return event_row(db, ST_EVENT_AT, id, out, out_made, out_fanout);
}

enum err event_row_get(struct db *db, int64_t id, struct event **out, unsigned *out_made,
		       int64_t *out_fanout)
{
	return event_row(db, ST_EVENT_GET, id, out, out_made, out_fanout);
}

/* --- Work ---------------------------------------------------------------------- */

struct budget {
	int64_t now_ms;
	size_t left_bytes;
	size_t count; /* of work[] so far */
	struct work *work;
};

/* Rows of one destination, without their events. One more than room is asked
 * for, to learn when the next is due. */
static enum err queue_rows(struct db *db, struct store_want *want, struct budget *b)
{
	sqlite3_stmt *st = db_statement(db, ST_QUEUE_PAGE);
	enum err rc;

	want->taken = 0;
	want->next_due_ms = INT64_MAX;
	db_bind_int(st, 1, want->destination);
	db_bind_int(st, 2, INT64_MIN);
	db_bind_int(st, 3, 0);
	db_bind_int(st, 4, (int64_t)want->room + 1);
	while ((rc = db_step(db, st)) == ERR_OK) {
		const int64_t due_ms = db_column_int(st, 0);

		if (due_ms > b->now_ms || want->taken == want->room) {
			want->next_due_ms = due_ms;
			db_reset(st);
			return ERR_OK;
		}
		b->work[b->count + want->taken++] = (struct work){
			.destination = want->destination,
			.due_ms = due_ms,
			.delivery_id = db_column_int(st, 1),
			.target = db_column_int(st, 2),
			.attempts = (unsigned)db_column_int(st, 3),
		};
	}
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

/* Events for the rows just read, as long as the bytes last; one always fits. */
static enum err queue_events(struct db *db, struct store_want *want, struct budget *b)
{
	for (unsigned i = 0; i < want->taken; i++) {
		struct work *w = &b->work[b->count];

		if (b->left_bytes == 0) {
			want->next_due_ms = w->due_ms;
			want->taken = i;
			return ERR_OK;
		}
		enum err rc = event_row_at(db, w->delivery_id, &w->event, NULL, NULL);
		if (rc != ERR_OK) {
			want->taken = i;
			return rc == ERR_NOT_FOUND ? ERR_CORRUPT : rc;
		}
		b->left_bytes = w->event->bytes < b->left_bytes ? b->left_bytes - w->event->bytes
								: 0;
		b->count++;
	}
	return ERR_OK;
}

enum err store_work_read(struct store *s, const struct store_work_query *q, struct work *work,
			 size_t *out_count)
{
	struct budget b = { .now_ms = q->now_ms,
			    .left_bytes = q->payload_max_bytes + 1,
			    .work = work };
	struct db *db;
	enum err rc = readers_take(s->readers, &db);

	*out_count = 0;
	if (rc != ERR_OK)
		return rc;
	for (size_t i = 0; i < q->want_count && rc == ERR_OK; i++) {
		rc = queue_rows(db, &q->wants[i], &b);
		if (rc == ERR_OK)
			rc = queue_events(db, &q->wants[i], &b);
	}
	readers_give(s->readers, db);
	if (rc != ERR_OK)
		for (size_t i = 0; i < b.count; i++)
			event_drop(work[i].event);
	else
		*out_count = b.count;
	return rc;
}

enum err store_queue_read(struct store *s, store_destination_fn fn, void *ctx)
{
	struct db *db;
	enum err rc = readers_take(s->readers, &db);

	if (rc != ERR_OK)
		return rc;
	sqlite3_stmt *all = db_statement(db, ST_DESTINATIONS);
	sqlite3_stmt *first = db_statement(db, ST_QUEUE_FIRST);
	while ((rc = db_step(db, all)) == ERR_OK) {
		if (db_column_int(all, 5) == 0)
			continue; /* its counter says nothing is due */
		db_bind_int(first, 1, db_column_int(all, 0));
		rc = db_step(db, first);
		if (rc == ERR_OK) {
			fn(ctx, db_column_int(all, 0), db_column_int(first, 0));
			db_reset(first);
		} else if (rc != ERR_NOT_FOUND) {
			break;
		}
	}
	db_reset(all);
	readers_give(s->readers, db);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}
