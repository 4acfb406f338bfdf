/* settle.c - how attempts ended: states, attempts, queue, last errors.
 * SPDX-License-Identifier: MIT
 * A settle rides with the next commit; the channel it disables, the webhook
 * that goes with its last channel and last_error are rows of the same
 * transaction. Writer thread. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "store/sqlite/state.h"

struct settle_unit {
	struct unit unit;
	struct settle_batch *batch;
	struct sweep *sweeps; /* begun after the commit */
	int64_t now_ms;
};

static void phase_bind(sqlite3_stmt *st, int column, int64_t us)
{
	if (us < 0)
		sqlite3_bind_null(st, column);
	else
		db_bind_int(st, column, us);
}

/* started_at … reason, in the order both tables have them. */
static void attempt_bind(sqlite3_stmt *st, int first, const struct attempt *a)
{
	if (a->number == 0) { /* none was made: only a reason */
		for (int i = 0; i < 8; i++)
			sqlite3_bind_null(st, first + i);
	} else {
		db_bind_int(st, first, a->started_at_us);
		db_bind_int(st, first + 1, a->outcome);
		db_bind_int(st, first + 2, a->status);
		phase_bind(st, first + 3, a->dns_us);
		phase_bind(st, first + 4, a->connect_us);
		phase_bind(st, first + 5, a->tls_us);
		phase_bind(st, first + 6, a->first_byte_us);
		phase_bind(st, first + 7, a->total_us);
	}
	db_bind_text(st, first + 8,
		     a->reason[0] == '\0' ? (struct span){ NULL, 0 } : span_of(a->reason));
}

static enum err attempt_add(struct db *db, const struct settle *item)
{
	sqlite3_stmt *st = db_statement(db, ST_ATTEMPT_ADD);

	db_bind_int(st, 1, item->delivery_id);
	db_bind_int(st, 2, item->attempt.number);
	attempt_bind(st, 3, &item->attempt);
	db_bind_text(st, 12, span_of(item->excerpt));
	return db_run(db, st);
}

/* Where it goes, given what became of its channel meanwhile. */
static enum delivery_state state_wanted(const struct settle *item, const struct head *head,
					enum delivery_state from)
{
	if (item->state != DELIVERY_DUE)
		return item->state;
	switch (head->mode) {
	case HEAD_ACTIVE: return from == DELIVERY_HELD ? DELIVERY_HELD : DELIVERY_DUE;
	case HEAD_PAUSED:
	case HEAD_DISABLED: return DELIVERY_HELD;
	case HEAD_REMOVED: return DELIVERY_CANCELLED;
	}
	return DELIVERY_DUE;
}

static enum err delivery_write(struct store *s, struct settle_unit *u, const struct settle *item,
			       enum delivery_state from, enum delivery_state to)
{
	sqlite3_stmt *st = db_statement(&s->db, ST_DELIVERY_SETTLE);
	const bool is_final = to != DELIVERY_DUE && to != DELIVERY_HELD;
	const unsigned attempts = item->attempt.number > 0 ? item->attempt.number : item->attempts;

	db_bind_int(st, 1, item->delivery_id);
	db_bind_int(st, 2, from);
	db_bind_int(st, 3, to);
	db_bind_int(st, 4, attempts);
	if (is_final)
		db_bind_int(st, 5, u->now_ms);
	else
		sqlite3_bind_null(st, 5);
	attempt_bind(st, 6, &item->attempt);
	enum err rc = db_run(&s->db, st);
	if (rc == ERR_OK && db_changes(&s->db) == 0)
		return ERR_NOT_FOUND;
	return rc;
}

static enum err queue_due_of(struct store *s, const struct settle *item, int64_t *out_due_ms)
{
	sqlite3_stmt *st = db_statement(&s->db, ST_QUEUE_DUE_OF);

	db_bind_int(st, 1, item->destination);
	db_bind_int(st, 2, item->delivery_id);
	enum err rc = db_step(&s->db, st);
	if (rc != ERR_OK)
		return rc;
	*out_due_ms = db_column_int(st, 0);
	db_reset(st);
	return ERR_OK;
}

/* The queue or rare row that goes with a state. */
static enum err place_remove(struct store *s, const struct settle *item, enum delivery_state from)
{
	const enum statement id = from == DELIVERY_DUE ? ST_QUEUE_REMOVE : ST_RARE_REMOVE;
	int64_t due_ms = item->due_ms;

	for (int tries = 0;; tries++) {
		sqlite3_stmt *st = db_statement(&s->db, id);

		db_bind_int(st, 1, item->destination);
		db_bind_int(st, 2, from == DELIVERY_DUE ? due_ms : (int64_t)from);
		db_bind_int(st, 3, item->delivery_id);
		enum err rc = db_run(&s->db, st);
		if (rc != ERR_OK || db_changes(&s->db) == 1)
			return rc;
		if (from != DELIVERY_DUE || tries > 0)
			return ERR_CONFLICT;
		/* Held and released again while it was being sent: another key. */
		rc = queue_due_of(s, item, &due_ms);
		if (rc != ERR_OK)
			return rc == ERR_NOT_FOUND ? ERR_CONFLICT : rc;
	}
}

static enum err place_add(struct store *s, const struct settle *item, enum delivery_state to)
{
	sqlite3_stmt *st = db_statement(&s->db, to == DELIVERY_DUE ? ST_QUEUE_ADD : ST_RARE_ADD);

	if (to == DELIVERY_DELIVERED)
		return ERR_OK;
	db_bind_int(st, 1, item->destination);
	db_bind_int(st, 2, to == DELIVERY_DUE ? item->next_due_ms : (int64_t)to);
	db_bind_int(st, 3, item->delivery_id);
	return db_run(&s->db, st);
}

/* The state a delivery has that is not due any more. */
static enum err state_read(struct store *s, int64_t id, enum delivery_state *out)
{
	sqlite3_stmt *st = db_statement(&s->db, ST_DELIVERY_STATE);

	db_bind_int(st, 1, id);
	enum err rc = db_step(&s->db, st);
	if (rc != ERR_OK)
		return rc;
	*out = (enum delivery_state)db_column_int(st, 0);
	db_reset(st);
	return ERR_OK;
}

static enum err item_move(struct store *s, struct settle_unit *u, const struct settle *item,
			  struct head *head)
{
	enum delivery_state from = DELIVERY_DUE, to = state_wanted(item, head, from);
	enum err rc = delivery_write(s, u, item, from, to);

	if (rc == ERR_NOT_FOUND) { /* held or cancelled while it was being sent */
		rc = state_read(s, item->delivery_id, &from);
		if (rc != ERR_OK)
			return rc == ERR_NOT_FOUND ? ERR_OK : rc;
		if (from != DELIVERY_HELD)
			return ERR_OK; /* final stays final; the attempt is recorded */
		to = state_wanted(item, head, from);
		rc = delivery_write(s, u, item, from, to);
	}
	if (rc == ERR_OK)
		rc = place_remove(s, item, from);
	if (rc == ERR_OK)
		rc = place_add(s, item, to);
	if (rc == ERR_OK)
		heads_count(s->heads, head, from, to);
	return rc == ERR_NOT_FOUND ? ERR_CONFLICT : rc;
}

/* --- last_error --------------------------------------------------------------- */

static enum err error_note(struct store *s, const struct settle *item, const struct head *head)
{
	sqlite3_stmt *st;

	if (item->attempt.outcome == ATTEMPT_DELIVERED) {
		if (!heads_has_error(s->heads, head->webhook))
			return ERR_OK;
		st = db_statement(&s->db, ST_ERROR_CLEAR);
		db_bind_int(st, 1, head->webhook);
		return db_run(&s->db, st);
	}
	st = db_statement(&s->db, ST_ERROR_SET);
	db_bind_int(st, 1, head->webhook);
	db_bind_text(st, 2, span_of(item->attempt.reason));
	db_bind_int(st, 3, item->destination);
	db_bind_text(st, 4, span_of(item->event_text_id == NULL ? "" : item->event_text_id));
	db_bind_int(st, 5, item->attempt.status);
	db_bind_int(st, 6, item->attempt.started_at_us + item->attempt.total_us);
	heads_error(s->heads, head->webhook, true);
	return db_run(&s->db, st);
}

/* --- Disabling ------------------------------------------------------------------ */

static enum err enabled_channels_count(struct store *s, int64_t webhook, unsigned *out)
{
	sqlite3_stmt *st = db_statement(&s->db, ST_CHANNELS);
	enum err rc;

	*out = 0;
	db_bind_int(st, 1, webhook);
	while ((rc = db_step(&s->db, st)) == ERR_OK)
		*out += db_column_int(st, 4) == CHANNEL_ACTIVE;
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static enum err webhook_disable(struct store *s, int64_t webhook, const char *reason,
				int64_t now_ms)
{
	unsigned enabled;
	enum err rc = enabled_channels_count(s, webhook, &enabled);

	if (rc != ERR_OK || enabled > 0)
		return rc;
	sqlite3_stmt *st = db_statement(&s->db, ST_WEBHOOK_DISABLE);
	db_bind_int(st, 1, webhook);
	db_bind_text(st, 2, span_of(reason));
	db_bind_int(st, 3, now_ms * 1000);
	return db_run(&s->db, st);
}

static enum err channel_disable(struct store *s, struct settle_unit *u, struct settle *item,
				struct head *head)
{
	sqlite3_stmt *st = db_statement(&s->db, ST_CHANNEL_DISABLE);
	struct sweep *sweep = NULL;

	db_bind_int(st, 1, item->destination);
	db_bind_text(st, 2, span_of(item->attempt.reason));
	enum err rc = db_run(&s->db, st);
	if (rc != ERR_OK || db_changes(&s->db) == 0)
		return rc; /* it is disabled already */
	item->channel_disabled = true;
	if (head->mode == HEAD_ACTIVE)
		head->mode = HEAD_DISABLED;
	rc = webhook_disable(s, head->webhook, item->attempt.reason, u->now_ms);
	if (rc == ERR_OK)
		rc = sweep_add(s, item->destination, 0, SWEEP_HOLD, &sweep);
	if (rc == ERR_OK) {
		sweep->next = u->sweeps;
		u->sweeps = sweep;
	}
	return rc;
}

/* --- The unit --------------------------------------------------------------------- */

static enum err item_run(struct store *s, struct settle_unit *u, struct settle *item)
{
	struct head *head = heads_find(s->heads, item->destination);
	enum err rc = ERR_OK;

	item->channel_disabled = false;
	if (head == NULL)
		return ERR_OK; /* a settle for a store that was replaced: nothing to move */
	heads_change(s->heads, head);
	if (item->attempt.number > 0 && item->attempt.outcome != ATTEMPT_DELIVERED)
		rc = attempt_add(&s->db, item);
	if (rc == ERR_OK)
		rc = item_move(s, u, item, head);
	if (rc == ERR_OK && item->attempt.number > 0)
		rc = error_note(s, item, head);
	if (rc == ERR_OK && item->disable_channel)
		rc = channel_disable(s, u, item, head);
	return rc;
}

static void sweeps_drop(struct settle_unit *u)
{
	while (u->sweeps != NULL) {
		struct sweep *next = u->sweeps->next;

		free(u->sweeps);
		u->sweeps = next;
	}
}

static enum err settle_run(void *driver, struct unit *unit)
{
	struct store *s = driver;
	struct settle_unit *u = (struct settle_unit *)unit;

	sweeps_drop(u); /* of a run that was undone */
	for (size_t i = 0; i < u->batch->count; i++) {
		enum err rc = item_run(s, u, &u->batch->items[i]);

		if (rc != ERR_OK)
			return rc;
	}
	return ERR_OK;
}

static void item_measure(struct store *s, const struct settle *item)
{
	const struct head *head = heads_find(s->heads, item->destination);

	if (head != NULL && item->attempt.number > 0) /* the last of a commit decides */
		heads_error(s->heads, head->webhook, item->attempt.outcome != ATTEMPT_DELIVERED);
	if (item->state == DELIVERY_DELIVERED)
		metric_add(METRIC_DELIVERIES_DELIVERED, 1);
	else if (item->state == DELIVERY_FAILED)
		metric_add(METRIC_DELIVERIES_FAILED, 1);
	else
		metric_add(METRIC_ATTEMPTS_RETRIED, 1);
}

static void settle_committed(void *driver, struct unit *unit)
{
	struct store *s = driver;
	struct settle_unit *u = (struct settle_unit *)unit;

	for (size_t i = 0; i < u->batch->count; i++)
		item_measure(s, &u->batch->items[i]);
	while (u->sweeps != NULL) {
		struct sweep *sweep = u->sweeps;

		u->sweeps = sweep->next;
		sweep_begin(s, sweep);
	}
}

static void settle_finished(struct unit *unit)
{
	struct settle_unit *u = (struct settle_unit *)unit;
	struct settle_batch *batch = u->batch;
	const enum err rc = unit->rc;

	sweeps_drop(u);
	free(u);
	batch->done(batch, rc);
}

void store_settle(struct store *s, struct settle_batch *b)
{
	struct settle_unit *u = xcalloc(1, sizeof(*u));

	u->batch = b;
	u->now_ms = clock_wall_ms();
	u->unit.run = settle_run;
	u->unit.committed = settle_committed;
	u->unit.finished = settle_finished;
	u->unit.weight = b->count;
	u->unit.is_lazy = true;
	writer_submit(s->writer, &u->unit);
}
