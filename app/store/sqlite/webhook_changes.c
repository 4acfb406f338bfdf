/* webhook_changes.c - adding, replacing and removing a webhook, as units.
 * SPDX-License-Identifier: MIT
 * What a change means for waiting deliveries is noted as sweeps in the same
 * transaction. Writer thread, but the store_… functions. */
#include <stdlib.h>
#include <string.h>

#include "store/sqlite/webhook_rows.h"

/* --- Adding ----------------------------------------------------------------------- */

struct webhook_unit {
	struct unit unit;
	struct webhook *webhook; /* caller's; ids are filled */
	struct webhook before;   /* replace: as stored; owned */
	enum store_waiting waiting;
	struct sweep *sweeps; /* begun after the commit */
	int64_t now_us;
};

/* A run may be undone and run again: ids it gave are not to be trusted. */
static void new_ids_forget(struct webhook_unit *u)
{
	struct webhook *w = u->webhook;

	for (size_t i = 0; i < w->channel_count; i++) {
		struct webhook_channel *c = &w->channels[i];
		const struct webhook_channel *was = NULL;

		for (size_t k = 0; k < u->before.channel_count; k++)
			if (u->before.channels[k].id == c->id)
				was = &u->before.channels[k];
		if (was == NULL)
			c->id = 0;
		for (size_t t = 0; t < c->target_count; t++) {
			bool is_known = false;

			for (size_t k = 0; was != NULL && k < was->target_count; k++)
				is_known |= was->targets[k].id == c->targets[t].id;
			if (!is_known)
				c->targets[t].id = 0;
		}
	}
}

static enum err add_run(void *driver, struct unit *unit)
{
	struct store *s = driver;
	struct webhook_unit *u = (struct webhook_unit *)unit;
	struct webhook *w = u->webhook;
	enum err rc = webhook_write(&s->db, w, ST_WEBHOOK_ADD);

	if (rc != ERR_OK)
		return rc;
	new_ids_forget(u);
	w->id = sqlite3_last_insert_rowid(s->db.handle);
	rc = secrets_write(&s->db, w);
	for (size_t i = 0; i < w->channel_count && rc == ERR_OK; i++)
		rc = channel_add(&s->db, w, i, &w->channels[i]);
	return rc;
}

static enum head_mode mode_wanted(const struct webhook *w, const struct webhook_channel *c)
{
	if (c->status == CHANNEL_DISABLED || w->disabled_reason != NULL)
		return HEAD_DISABLED;
	return w->is_active ? HEAD_ACTIVE : HEAD_PAUSED;
}

/* Undone with the transaction. Later units of the same commit see it already:
 * they make no deliveries that a sweep of this one would miss. */
static void head_mode_set(struct store *s, int64_t destination, enum head_mode mode)
{
	struct head *head = heads_find(s->heads, destination);

	if (head == NULL || head->mode == mode)
		return;
	heads_change(s->heads, head);
	head->mode = mode;
}

/* New channels get their heads; nobody can have known them before the commit. */
static void new_heads_add(struct store *s, const struct webhook *w)
{
	for (size_t i = 0; i < w->channel_count; i++) {
		const struct webhook_channel *c = &w->channels[i];

		if (heads_find(s->heads, c->id) != NULL)
			continue;
		heads_add(s->heads, c->id, w->organization, w->id);
		heads_mode(s->heads, c->id, mode_wanted(w, c));
	}
}

static void add_committed(void *driver, struct unit *unit)
{
	new_heads_add(driver, ((struct webhook_unit *)unit)->webhook);
}

enum err store_webhook_add(struct store *s, struct webhook *w)
{
	struct webhook_unit u = { .unit.committed = add_committed, .webhook = w };

	return store_run(s, &u.unit, add_run);
}

/* --- Replacing ---------------------------------------------------------------------- */

static enum err unit_sweep(struct store *s, struct webhook_unit *u, int64_t destination,
			   int64_t target, enum sweep_action action)
{
	struct sweep *sweep = NULL;
	enum err rc = sweep_add(s, destination, target, action, &sweep);

	if (rc != ERR_OK)
		return rc;
	sweep->next = u->sweeps;
	u->sweeps = sweep;
	return ERR_OK;
}

static void unit_sweeps_drop(struct webhook_unit *u)
{
	while (u->sweeps != NULL) {
		struct sweep *next = u->sweeps->next;

		free(u->sweeps);
		u->sweeps = next;
	}
}

static enum err row_remove(struct db *db, enum statement id, int64_t row, int64_t now_us)
{
	sqlite3_stmt *st = db_statement(db, id);

	db_bind_int(st, 1, row);
	db_bind_int(st, 2, now_us);
	return db_run(db, st);
}

static enum err channel_remove(struct store *s, struct webhook_unit *u, int64_t channel)
{
	enum err rc = row_remove(&s->db, ST_CHANNEL_REMOVE, channel, u->now_us);

	head_mode_set(s, channel, HEAD_REMOVED);
	return rc == ERR_OK ? unit_sweep(s, u, channel, 0, SWEEP_CANCEL) : rc;
}

static enum err targets_drop(struct store *s, struct webhook_unit *u,
			     const struct webhook_channel *old, const struct webhook_channel *c)
{
	enum err rc = ERR_OK;

	for (size_t i = 0; i < old->target_count && rc == ERR_OK; i++) {
		bool stays = false;

		for (size_t k = 0; k < c->target_count; k++)
			stays |= c->targets[k].id == old->targets[i].id;
		if (stays)
			continue;
		rc = row_remove(&s->db, ST_TARGET_REMOVE, old->targets[i].id, u->now_us);
		if (rc == ERR_OK)
			rc = unit_sweep(s, u, old->id, old->targets[i].id, SWEEP_CANCEL);
	}
	return rc;
}

static enum err channels_drop(struct store *s, struct webhook_unit *u)
{
	enum err rc = ERR_OK;

	for (size_t i = 0; i < u->before.channel_count && rc == ERR_OK; i++) {
		const struct webhook_channel *old = &u->before.channels[i];
		const struct webhook_channel *now = NULL;

		for (size_t k = 0; k < u->webhook->channel_count; k++)
			if (u->webhook->channels[k].id == old->id)
				now = &u->webhook->channels[k];
		rc = now == NULL ? channel_remove(s, u, old->id) : targets_drop(s, u, old, now);
	}
	return rc;
}

static enum sweep_action action_of(enum store_waiting waiting)
{
	switch (waiting) {
	case STORE_WAITING_HOLD: return SWEEP_HOLD;
	case STORE_WAITING_RELEASE: return SWEEP_RELEASE;
	case STORE_WAITING_CANCEL: return SWEEP_CANCEL;
	case STORE_HELD_CANCEL: return SWEEP_DROP_HELD;
	case STORE_WAITING_KEEP: break;
	}
	return 0;
}

static enum err channels_keep(struct store *s, struct webhook_unit *u)
{
	struct webhook *w = u->webhook;
	const enum sweep_action action = action_of(u->waiting);
	enum err rc = ERR_OK;

	for (size_t i = 0; i < w->channel_count && rc == ERR_OK; i++) {
		struct webhook_channel *c = &w->channels[i];

		if (c->id == 0) {
			rc = channel_add(&s->db, w, i, c);
			continue;
		}
		rc = channel_update(&s->db, i, c);
		head_mode_set(s, c->id, mode_wanted(w, c));
		/* A channel that stays disabled keeps what it holds. */
		if (rc == ERR_OK && action != 0 &&
		    !(action == SWEEP_RELEASE && c->status == CHANNEL_DISABLED))
			rc = unit_sweep(s, u, c->id, 0, action);
	}
	return rc;
}

static enum err replace_run(void *driver, struct unit *unit)
{
	struct store *s = driver;
	struct webhook_unit *u = (struct webhook_unit *)unit;
	enum err rc;

	unit_sweeps_drop(u);
	webhook_finish(&u->before);
	rc = webhook_read(&s->db, u->webhook->id, &u->before);
	if (rc != ERR_OK)
		return rc;
	new_ids_forget(u);
	rc = webhook_write(&s->db, u->webhook, ST_WEBHOOK_UPDATE);
	if (rc == ERR_OK)
		rc = channels_drop(s, u);
	return rc == ERR_OK ? channels_keep(s, u) : rc;
}

static void replace_committed(void *driver, struct unit *unit)
{
	struct store *s = driver;
	struct webhook_unit *u = (struct webhook_unit *)unit;

	if (u->webhook != NULL)
		new_heads_add(s, u->webhook);
	while (u->sweeps != NULL) {
		struct sweep *sweep = u->sweeps;

		u->sweeps = sweep->next;
		sweep_begin(s, sweep);
	}
}

static enum err change_run(struct store *s, struct webhook_unit *u,
			   enum err (*run)(void *driver, struct unit *u))
{
	enum err rc = store_run(s, &u->unit, run);

	unit_sweeps_drop(u);
	webhook_finish(&u->before);
	return rc;
}

enum err store_webhook_replace(struct store *s, struct webhook *w, enum store_waiting waiting)
{
	struct webhook_unit u = { .unit.committed = replace_committed,
				  .webhook = w,
				  .waiting = waiting,
				  .now_us = w->updated_at_us };

	return change_run(s, &u, replace_run);
}

/* --- Removing ------------------------------------------------------------------------- */

struct remove_unit {
	struct webhook_unit base; /* webhook NULL: nothing stays */
	int64_t webhook_id;
};

static enum err remove_run(void *driver, struct unit *unit)
{
	struct store *s = driver;
	struct remove_unit *u = (struct remove_unit *)unit;
	enum err rc;

	unit_sweeps_drop(&u->base);
	webhook_finish(&u->base.before);
	rc = webhook_read(&s->db, u->webhook_id, &u->base.before);
	if (rc != ERR_OK)
		return rc;
	rc = row_remove(&s->db, ST_WEBHOOK_REMOVE, u->webhook_id, u->base.now_us);
	for (size_t i = 0; i < u->base.before.channel_count && rc == ERR_OK; i++)
		rc = channel_remove(s, &u->base, u->base.before.channels[i].id);
	if (rc == ERR_OK) { /* nobody will sign with them again */
		sqlite3_stmt *st = db_statement(&s->db, ST_SECRETS_REMOVE);

		db_bind_int(st, 1, u->webhook_id);
		rc = db_run(&s->db, st);
	}
	return rc;
}

enum err store_webhook_remove(struct store *s, int64_t webhook_id, int64_t now_us)
{
	struct remove_unit u = { .base = { .unit.committed = replace_committed, .now_us = now_us },
				 .webhook_id = webhook_id };

	return change_run(s, &u.base, remove_run);
}

static enum err secrets_run(void *driver, struct unit *unit)
{
	struct store *s = driver;

	return secrets_write(&s->db, ((struct webhook_unit *)unit)->webhook);
}

enum err store_webhook_secrets(struct store *s, const struct webhook *w)
{
	struct webhook copy = *w; /* only read */
	struct webhook_unit u = { .webhook = &copy };

	return store_run(s, &u.unit, secrets_run);
}
