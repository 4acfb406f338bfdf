/* accept.c - one request's events, their deliveries and keys, in one unit.
 * SPDX-License-Identifier: MIT
 * Looks before it writes, so that a conflict undoes nothing. Writer thread. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "model/ids.h"
#include "store/sqlite/state.h"

struct accept_unit {
	struct unit unit;
	struct accept *accept;
	int64_t now_ms;
	void (*done)(void *ctx, enum err rc); /* of one that nobody waits for */
	void *ctx;
};

static enum err made_read(struct db *db, int64_t event_id, unsigned *out)
{
	sqlite3_stmt *st = db_statement(db, ST_EVENT_MADE);

	db_bind_int(st, 1, event_id);
	enum err rc = db_step(db, st);
	*out = rc == ERR_OK ? (unsigned)db_column_int(st, 0) : 0;
	db_reset(st);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc; /* one of a batch that retention removed */
}

static enum err event_repeat(struct db *db, struct accept_event *e, int64_t event_id)
{
	e->event_id = event_id;
	e->accepted_at_ms = id_time_ms(event_id);
	e->duplicate = true;
	for (size_t i = 0; i < e->target_count; i++)
		e->targets[i].delivery_id = 0;
	return made_read(db, event_id, &e->deliveries);
}

/* The whole request was seen: give the answer it got. */
static enum err request_repeat(struct db *db, struct accept *a, const struct seen *seen)
{
	for (size_t i = 0; i < a->event_count; i++) {
		const int64_t id = seen->events == NULL    ? seen->event
				   : i < seen->event_count ? seen->events[i]
							   : 0;
		enum err rc = event_repeat(db, &a->events[i], id);

		if (rc != ERR_OK)
			return rc;
	}
	a->duplicate = true;
	return ERR_OK;
}

/* ERR_NOT_FOUND: a new key. */
static enum err key_check(struct store *s, struct accept *a)
{
	struct seen seen = { 0 };
	enum err rc = seen_find(s, &s->db, a->organization, SEEN_KEY, a->idempotency_key, &seen);

	if (rc != ERR_OK)
		return rc;
	rc = seen_is_kept(&s->db, &seen);
	if (rc == ERR_OK &&
	    memcmp(seen.fingerprint, a->fingerprint, sizeof(seen.fingerprint)) != 0) {
		a->conflict_index = SIZE_MAX;
		rc = ERR_CONFLICT;
	}
	if (rc == ERR_OK)
		rc = request_repeat(&s->db, a, &seen);
	free(seen.events);
	return rc;
}

/* ERR_NOT_FOUND: a new id. */
static enum err event_check(struct store *s, struct accept *a, size_t index)
{
	struct accept_event *e = &a->events[index];
	struct seen seen = { 0 };
	enum err rc = seen_find(s, &s->db, a->organization, SEEN_EVENT_ID, e->source_id, &seen);

	if (rc == ERR_OK)
		rc = seen_is_kept(&s->db, &seen);
	if (rc != ERR_OK)
		return rc;
	if (memcmp(seen.fingerprint, e->fingerprint, sizeof(seen.fingerprint)) != 0) {
		a->conflict_index = index;
		return ERR_CONFLICT;
	}
	return event_repeat(&s->db, e, seen.event);
}

static bool is_made(const struct store *s, const struct accept_target *t)
{
	const struct head *head = heads_find(s->heads, t->destination);

	return head != NULL && head->mode != HEAD_REMOVED && head->mode != HEAD_PAUSED;
}

static enum err waiting_add(struct store *s, struct head *head, int64_t id,
			    enum delivery_state state, int64_t due_ms)
{
	sqlite3_stmt *st;

	if (state == DELIVERY_DUE) {
		st = db_statement(&s->db, ST_QUEUE_ADD);
		db_bind_int(st, 2, due_ms);
	} else {
		st = db_statement(&s->db, ST_RARE_ADD);
		db_bind_int(st, 2, state);
	}
	db_bind_int(st, 1, head->id);
	db_bind_int(st, 3, id);
	return db_run(&s->db, st);
}

static enum err delivery_add(struct store *s, struct accept_target *t, int64_t id, int64_t due_ms)
{
	struct head *head = heads_find(s->heads, t->destination);
	sqlite3_stmt *st = db_statement(&s->db, ST_DELIVERY_ADD);

	t->delivery_id = id;
	t->state = head->mode == HEAD_DISABLED ? DELIVERY_HELD : DELIVERY_DUE;
	heads_change(s->heads, head);
	db_bind_int(st, 1, id);
	db_bind_int(st, 2, t->destination);
	db_bind_int(st, 3, t->target);
	db_bind_int(st, 4, t->state);
	db_bind_int(st, 5, head->last);
	enum err rc = db_run(&s->db, st);
	if (rc == ERR_OK)
		rc = waiting_add(s, head, id, t->state, due_ms);
	if (rc == ERR_OK)
		rc = mark_note(&s->db, head->id, &head->hour, id);
	head->last = id;
	heads_count(s->heads, head, DELIVERY_UNSET, t->state);
	return rc;
}

static enum err event_row_add(struct store *s, int64_t organization, const struct accept_event *e)
{
	struct organization_head *head = heads_organization(s->heads, organization);
	sqlite3_stmt *st = db_statement(&s->db, ST_EVENT_ADD);

	heads_change_organization(s->heads, head);
	db_bind_int(st, 1, e->event_id);
	db_bind_int(st, 2, organization);
	db_bind_int(st, 3, head->last);
	db_bind_int(st, 4, (int64_t)e->deliveries + 1);
	db_bind_int(st, 5, e->deliveries);
	db_bind_int(st, 6, e->occurred_at_us);
	db_bind_int(st, 7, e->flags);
	db_bind_text(st, 8, e->type);
	db_bind_text(st, 9, e->source_id);
	db_bind_text(st, 10, e->extra);
	db_bind_text(st, 11, e->data);
	enum err rc = db_run(&s->db, st);
	if (rc == ERR_OK)
		rc = mark_note(&s->db, -organization, &head->hour, e->event_id);
	head->last = e->event_id;
	head->events++;
	return rc;
}

static enum err event_add(struct store *s, struct accept *a, struct accept_event *e, int64_t now_ms)
{
	unsigned made = 0;
	enum err rc;

	for (size_t i = 0; i < e->target_count; i++) {
		e->targets[i].delivery_id = 0;
		made += is_made(s, &e->targets[i]);
	}
	e->event_id = id_next(heads_last_id(s->heads), now_ms, s->options.node);
	heads_last_id_set(s->heads, id_after(e->event_id, made) - ID_STEP);
	e->deliveries = made;
	e->duplicate = false;
	e->accepted_at_ms = id_time_ms(e->event_id);
	if (e->occurred_at_us == 0)
		e->occurred_at_us = now_ms * 1000;
	rc = event_row_add(s, a->organization, e);
	for (size_t i = 0, n = 0; i < e->target_count && rc == ERR_OK; i++)
		if (is_made(s, &e->targets[i]))
			rc = delivery_add(s, &e->targets[i], e->event_id + (int64_t)++n,
					  e->accepted_at_ms);
	if (rc == ERR_OK && e->source_id.ptr != NULL) {
		struct seen seen = { .event = e->event_id };

		memcpy(seen.fingerprint, e->fingerprint, sizeof(seen.fingerprint));
		rc = seen_add(s, &s->db, a->organization, SEEN_EVENT_ID, e->source_id, &seen);
	}
	return rc;
}

static enum err key_add(struct store *s, const struct accept *a)
{
	struct seen seen = { .event = a->events[0].event_id };

	memcpy(seen.fingerprint, a->fingerprint, sizeof(seen.fingerprint));
	if (a->event_count > 1) {
		seen.events = xcalloc(a->event_count, sizeof(*seen.events));
		seen.event_count = a->event_count;
		for (size_t i = 0; i < a->event_count; i++)
			seen.events[i] = a->events[i].event_id;
	}
	enum err rc = seen_add(s, &s->db, a->organization, SEEN_KEY, a->idempotency_key, &seen);
	free(seen.events);
	return rc;
}

static enum err accept_run(void *driver, struct unit *u)
{
	struct store *s = driver;
	const struct accept_unit *au = (struct accept_unit *)u;
	struct accept *a = au->accept;
	enum err rc;

	a->duplicate = false;
	if (a->idempotency_key.ptr != NULL) {
		rc = key_check(s, a);
		if (rc != ERR_NOT_FOUND)
			return rc;
	}
	for (size_t i = 0; i < a->event_count; i++) {
		struct accept_event *e = &a->events[i];

		rc = e->source_id.ptr == NULL ? ERR_NOT_FOUND : event_check(s, a, i);
		if (rc == ERR_NOT_FOUND)
			rc = event_add(s, a, e, au->now_ms);
		if (rc != ERR_OK)
			return rc;
	}
	return a->idempotency_key.ptr == NULL ? ERR_OK : key_add(s, a);
}

static size_t weight_of(const struct accept *a)
{
	size_t weight = a->event_count;

	for (size_t i = 0; i < a->event_count; i++)
		weight += a->events[i].target_count;
	return weight;
}

static void accept_count(const struct accept *a, enum err rc)
{
	for (size_t i = 0; i < a->event_count && rc == ERR_OK; i++)
		if (!a->events[i].duplicate)
			metric_add(METRIC_DELIVERIES_CREATED, a->events[i].deliveries);
}

enum err store_accept(struct store *s, struct accept *a)
{
	struct accept_unit u = { .accept = a, .now_ms = clock_wall_ms() };

	u.unit.weight = weight_of(a);
	const enum err rc = store_run(s, &u.unit, accept_run);

	accept_count(a, rc);
	return rc;
}

static void accept_finished(struct unit *unit)
{
	struct accept_unit *u = (struct accept_unit *)unit;
	void (*const done)(void *, enum err) = u->done;
	void *const ctx = u->ctx;
	const enum err rc = unit->rc;

	accept_count(u->accept, rc);
	free(u);
	done(ctx, rc);
}

void store_accept_begin(struct store *s, struct accept *a, void (*done)(void *ctx, enum err rc),
			void *ctx)
{
	struct accept_unit *u = xcalloc(1, sizeof(*u));

	*u = (struct accept_unit){
		.unit = { .run = accept_run, .finished = accept_finished, .weight = weight_of(a) },
		.accept = a,
		.now_ms = clock_wall_ms(),
		.done = done,
		.ctx = ctx
	};
	writer_submit(s->writer, &u->unit);
}
