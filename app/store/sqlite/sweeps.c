/* sweeps.c - moving all waiting deliveries of a destination, in slices.
 * SPDX-License-Identifier: MIT
 * A paused, disabled, resumed or removed channel may have millions of rows: one
 * slice rides with each commit, the table says what is left after a restart.
 * Writer thread. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "model/ids.h"
#include "store/sqlite/state.h"

enum { SLICE_ROWS = 256 };

enum err sweep_add(struct store *s, int64_t destination, int64_t target, enum sweep_action action,
		   struct sweep **out)
{
	sqlite3_stmt *st = db_statement(&s->db, ST_SWEEP_ADD);
	const int64_t before = heads_last_id(s->heads) + ID_STEP;

	db_bind_int(st, 1, destination);
	db_bind_int(st, 2, target);
	db_bind_int(st, 3, action);
	db_bind_int(st, 4, before);
	enum err rc = db_run(&s->db, st);
	if (rc != ERR_OK)
		return rc;
	*out = xcalloc(1, sizeof(**out));
	(*out)->id = sqlite3_last_insert_rowid(s->db.handle);
	(*out)->destination = destination;
	(*out)->target = target;
	(*out)->action = action;
	(*out)->before = before;
	return ERR_OK;
}

void sweep_begin(struct store *s, struct sweep *sweep)
{
	struct sweep **last = &s->sweeps;

	while (*last != NULL)
		last = &(*last)->next;
	sweep->next = NULL;
	*last = sweep;
}

enum err sweeps_load(struct store *s)
{
	sqlite3_stmt *st = db_statement(&s->db, ST_SWEEPS);
	enum err rc;

	sweeps_finish(s);
	while ((rc = db_step(&s->db, st)) == ERR_OK) {
		struct sweep *sweep = xcalloc(1, sizeof(*sweep));

		sweep->id = db_column_int(st, 0);
		sweep->destination = db_column_int(st, 1);
		sweep->target = db_column_int(st, 2);
		sweep->action = (enum sweep_action)db_column_int(st, 3);
		sweep->before = db_column_int(st, 4);
		sweep_begin(s, sweep);
	}
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

void sweeps_finish(struct store *s)
{
	while (s->sweeps != NULL) {
		struct sweep *next = s->sweeps->next;

		free(s->sweeps);
		s->sweeps = next;
	}
}

/* --- One delivery -------------------------------------------------------------- */

static enum err place_change(struct store *s, enum statement st_id, int64_t destination,
			     int64_t middle, int64_t id)
{
	sqlite3_stmt *st = db_statement(&s->db, st_id);

	db_bind_int(st, 1, destination);
	db_bind_int(st, 2, middle);
	db_bind_int(st, 3, id);
	return db_run(&s->db, st);
}

static enum err place_enter(struct store *s, const struct head *head, int64_t id,
			    enum delivery_state to, int64_t due_ms)
{
	if (to == DELIVERY_DELIVERED)
		return ERR_OK;
	return to == DELIVERY_DUE ? place_change(s, ST_QUEUE_ADD, head->id, due_ms, id)
				  : place_change(s, ST_RARE_ADD, head->id, to, id);
}

static enum err place_leave(struct store *s, const struct head *head, int64_t id,
			    enum delivery_state from, int64_t due_ms)
{
	if (from == DELIVERY_DELIVERED)
		return ERR_OK;
	return from == DELIVERY_DUE ? place_change(s, ST_QUEUE_REMOVE, head->id, due_ms, id)
				    : place_change(s, ST_RARE_REMOVE, head->id, from, id);
}

enum err delivery_move(struct store *s, struct head *head, const struct delivery_change *c)
{
	sqlite3_stmt *st = db_statement(&s->db, ST_DELIVERY_MOVE);

	if (!delivery_may_move(c->from, c->to))
		return ERR_CONFLICT;
	db_bind_int(st, 1, c->id);
	db_bind_int(st, 2, c->from);
	db_bind_int(st, 3, c->to);
	if (c->to == DELIVERY_DUE || c->to == DELIVERY_HELD)
		sqlite3_bind_null(st, 4);
	else
		db_bind_int(st, 4, clock_wall_ms());
	db_bind_text(st, 5, span_of(c->reason));
	enum err rc = db_run(&s->db, st);
	if (rc != ERR_OK)
		return rc;
	if (db_changes(&s->db) == 0)
		return ERR_NOT_FOUND;
	rc = place_leave(s, head, c->id, c->from, c->due_ms);
	if (rc == ERR_OK)
		rc = place_enter(s, head, c->id, c->to, c->due_ms);
	if (rc == ERR_OK) {
		heads_change(s->heads, head);
		heads_count(s->heads, head, c->from, c->to);
	}
	return rc;
}

/* --- One slice -------------------------------------------------------------------- */

struct slice_row {
	int64_t due_ms, id, target;
};

struct slice {
	struct unit unit;
	struct sweep *sweep; /* s->sweeps at that time */
	int64_t now_ms;
	bool is_done; /* nothing was left */
	unsigned moved;
	int64_t at_due, at_delivery;
	bool is_second_half;
};

static bool takes_from_queue(const struct sweep *sweep)
{
	return sweep->action == SWEEP_HOLD ||
	       (sweep->action == SWEEP_CANCEL && !sweep->is_second_half);
}

static enum err slice_read(struct store *s, const struct sweep *sweep, struct slice_row *rows,
			   size_t *out_count)
{
	const bool is_queue = takes_from_queue(sweep);
	sqlite3_stmt *st = db_statement(&s->db, is_queue ? ST_QUEUE_PAGE : ST_RARE_PAGE);
	enum err rc;

	*out_count = 0;
	db_bind_int(st, 1, sweep->destination);
	db_bind_int(st, 2, is_queue ? sweep->at_due : (int64_t)DELIVERY_HELD);
	db_bind_int(st, 3, sweep->at_delivery);
	db_bind_int(st, 4, SLICE_ROWS);
	while ((rc = db_step(&s->db, st)) == ERR_OK) {
		struct slice_row *row = &rows[(*out_count)++];
		const int shift = is_queue ? 1 : 0;

		row->due_ms = is_queue ? db_column_int(st, 0) : 0;
		row->id = db_column_int(st, shift);
		row->target = db_column_int(st, shift + 1);
	}
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static bool takes(const struct sweep *sweep, const struct slice_row *row)
{
	return row->id < sweep->before && (sweep->target == 0 || sweep->target == row->target);
}

static enum err row_sweep(struct store *s, const struct slice *slice, const struct slice_row *row)
{
	const struct sweep *sweep = slice->sweep;
	struct head *head = heads_find(s->heads, sweep->destination);
	const enum delivery_state from = takes_from_queue(sweep) ? DELIVERY_DUE : DELIVERY_HELD;

	if (head == NULL || !takes(sweep, row))
		return ERR_OK;
	struct delivery_change c = { .id = row->id, .from = from, .due_ms = row->due_ms };
	switch (sweep->action) {
	case SWEEP_HOLD: c.to = DELIVERY_HELD; break;
	case SWEEP_RELEASE:
		c.to = DELIVERY_DUE;
		c.due_ms = slice->now_ms;
		break;
	case SWEEP_CANCEL:
		c.to = DELIVERY_CANCELLED;
		c.reason = "its webhook, channel or target was removed";
		break;
	case SWEEP_DROP_HELD:
		c.to = DELIVERY_CANCELLED;
		c.reason = "dropped when the webhook was resumed";
		break;
	}
	return delivery_move(s, head, &c);
}

static enum err slice_end(struct store *s, struct slice *slice)
{
	if (slice->sweep->action == SWEEP_CANCEL && !slice->sweep->is_second_half) {
		slice->is_second_half = true;
		slice->at_due = slice->at_delivery = 0;
		return ERR_OK;
	}
	sqlite3_stmt *st = db_statement(&s->db, ST_SWEEP_REMOVE);
	db_bind_int(st, 1, slice->sweep->id);
	slice->is_done = true;
	return db_run(&s->db, st);
}

static enum err slice_run(void *driver, struct unit *u)
{
	struct store *s = driver;
	struct slice *slice = (struct slice *)u;
	struct slice_row rows[SLICE_ROWS];
	size_t count = 0;
	enum err rc = slice_read(s, slice->sweep, rows, &count);

	slice->is_done = false;
	slice->is_second_half = slice->sweep->is_second_half;
	slice->moved = 0;
	for (size_t i = 0; i < count && rc == ERR_OK; i++) {
		rc = row_sweep(s, slice, &rows[i]);
		if (rc == ERR_OK && takes(slice->sweep, &rows[i]))
			slice->moved++;
		if (rc == ERR_NOT_FOUND)
			rc = ERR_OK; /* queue and delivery disagree: the audit tells */
		slice->at_due = rows[i].due_ms;
		slice->at_delivery = rows[i].id;
	}
	if (rc == ERR_OK && count < SLICE_ROWS)
		rc = slice_end(s, slice);
	return rc;
}

static void slice_committed(void *driver, struct unit *u)
{
	struct store *s = driver;
	struct slice *slice = (struct slice *)u;
	struct sweep *sweep = slice->sweep;

	sweep->at_due = slice->at_due;
	sweep->at_delivery = slice->at_delivery;
	sweep->is_second_half = slice->is_second_half;
	if (sweep->action == SWEEP_CANCEL || sweep->action == SWEEP_DROP_HELD)
		metric_add(METRIC_DELIVERIES_CANCELLED, slice->moved);
	if (sweep->action == SWEEP_RELEASE && s->released != NULL)
		s->released(s->released_ctx, sweep->destination);
	if (slice->is_done) {
		s->sweeps = sweep->next;
		free(sweep);
	}
}

static void slice_finished(struct unit *u)
{
	free(u);
}

struct unit *sweeps_slice(struct store *s)
{
	struct slice *slice;

	if (s->sweeps == NULL)
		return NULL;
	slice = xcalloc(1, sizeof(*slice));
	slice->sweep = s->sweeps;
	slice->now_ms = clock_wall_ms();
	slice->at_due = s->sweeps->at_due;
	slice->at_delivery = s->sweeps->at_delivery;
	slice->unit.run = slice_run;
	slice->unit.committed = slice_committed;
	slice->unit.finished = slice_finished;
	slice->unit.weight = SLICE_ROWS;
	return &slice->unit;
}
