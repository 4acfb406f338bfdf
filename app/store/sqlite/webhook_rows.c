/* webhook_rows.c - webhooks, their channels, targets and secrets as rows.
 * SPDX-License-Identifier: MIT
 * Reading and writing single rows; whole changes are webhook_changes.c. */
#include "store/sqlite/webhook_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "store/sqlite/state.h"

enum { TYPES_MAX_BYTES = 64 * 1024 };

/* --- Writing parts ---------------------------------------------------------- */

/* Patterns hold no newline: one a line. Owner: the caller. */
static char *types_join(const struct webhook *w)
{
	struct buf b;

	buf_init(&b, TYPES_MAX_BYTES);
	for (size_t i = 0; i < w->event_type_count; i++) {
		if (i > 0)
			buf_byte(&b, '\n');
		buf_text(&b, w->event_types[i]);
	}
	char *text = buf_take(&b);
	buf_finish(&b);
	return text;
}

static void types_split(struct webhook *w, struct span text)
{
	size_t count = 1;

	for (size_t i = 0; i < text.len; i++)
		count += text.ptr[i] == '\n';
	w->event_types = xcalloc(count, sizeof(*w->event_types));
	while (w->event_type_count < count) {
		const char *end = memchr(text.ptr, '\n', text.len);
		const size_t len = end == NULL ? text.len : (size_t)(end - text.ptr);

		w->event_types[w->event_type_count++] = xspandup((struct span){ text.ptr, len });
		text.ptr += len + (end != NULL);
		text.len -= len + (end != NULL);
	}
}

enum err secrets_write(struct db *db, const struct webhook *w)
{
	sqlite3_stmt *st = db_statement(db, ST_SECRETS_REMOVE);

	db_bind_int(st, 1, w->id);
	enum err rc = db_run(db, st);
	for (size_t i = 0; i < w->secret_count && rc == ERR_OK; i++) {
		const struct signing_secret *secret = &w->secrets[i];

		st = db_statement(db, ST_SECRET_ADD);
		db_bind_int(st, 1, w->id);
		db_bind_int(st, 2, (int64_t)i);
		rc = db_bind_sealed(st, 3,
				    (struct span){ (const char *)secret->bytes, secret->len });
		db_bind_int(st, 4, secret->created_at_us);
		db_bind_int(st, 5, secret->expires_at_us);
		if (rc == ERR_OK)
			rc = db_run(db, st);
	}
	return rc;
}

static enum err targets_write(struct db *db, struct webhook_channel *c)
{
	for (size_t i = 0; i < c->target_count; i++) {
		struct channel_target *t = &c->targets[i];
		sqlite3_stmt *st = db_statement(db, t->id == 0 ? ST_TARGET_ADD : ST_TARGET_MOVE);
		enum err rc = ERR_OK;

		db_bind_int(st, 1, t->id == 0 ? c->id : t->id);
		db_bind_int(st, 2, (int64_t)i);
		if (t->id == 0)
			rc = db_bind_sealed(st, 3, span_of(t->value));
		if (rc == ERR_OK)
			rc = db_run(db, st);
		if (rc != ERR_OK)
			return rc;
		if (t->id == 0)
			t->id = sqlite3_last_insert_rowid(db->handle);
	}
	return ERR_OK;
}

static enum err destination_add(struct db *db, const struct webhook *w, int64_t channel)
{
	sqlite3_stmt *st = db_statement(db, ST_DESTINATION_ADD);

	db_bind_int(st, 1, channel);
	db_bind_int(st, 2, w->organization);
	db_bind_int(st, 3, w->id);
	return db_run(db, st);
}

enum err channel_add(struct db *db, const struct webhook *w, size_t position,
		     struct webhook_channel *c)
{
	sqlite3_stmt *st = db_statement(db, ST_CHANNEL_ADD);

	db_bind_int(st, 1, w->id);
	db_bind_int(st, 2, (int64_t)position);
	db_bind_text(st, 3, span_of(c->name));
	db_bind_text(st, 4, span_of(c->description));
	enum err rc = db_bind_sealed(st, 5, span_of(c->configs));
	if (rc == ERR_OK)
		rc = db_run(db, st);
	if (rc != ERR_OK)
		return rc;
	c->id = sqlite3_last_insert_rowid(db->handle);
	rc = destination_add(db, w, c->id);
	return rc == ERR_OK ? targets_write(db, c) : rc;
}

enum err channel_update(struct db *db, size_t position, struct webhook_channel *c)
{
	sqlite3_stmt *st = db_statement(db, ST_CHANNEL_UPDATE);

	db_bind_int(st, 1, c->id);
	db_bind_int(st, 2, (int64_t)position);
	db_bind_text(st, 3, span_of(c->description));
	enum err rc = db_bind_sealed(st, 4, span_of(c->configs));
	db_bind_int(st, 5, c->status);
	db_bind_text(st, 6, span_of(c->disabled_reason));
	if (rc == ERR_OK)
		rc = db_run(db, st);
	return rc == ERR_OK ? targets_write(db, c) : rc;
}

/* Bind name … updated_at from this column on, leaving out what never changes. */
enum err webhook_write(struct db *db, const struct webhook *w, enum statement id)
{
	sqlite3_stmt *st = db_statement(db, id);
	const int at = id == ST_WEBHOOK_ADD ? 3 : 2;
	char *types = types_join(w);

	if (types == NULL)
		return ERR_MEMORY;
	if (id == ST_WEBHOOK_ADD) {
		db_bind_int(st, 1, w->organization);
		db_bind_text(st, 2, span_of(w->public_id));
	} else {
		db_bind_int(st, 1, w->id);
	}
	db_bind_text(st, at, span_of(w->name));
	db_bind_text(st, at + 1, span_of(w->description));
	db_bind_text(st, at + 2, span_of(types));
	db_bind_int(st, at + 3, w->is_active);
	db_bind_text(st, at + 4, span_of(w->disabled_reason));
	if (id == ST_WEBHOOK_ADD)
		db_bind_int(st, at + 5, w->created_at_us);
	db_bind_int(st, id == ST_WEBHOOK_ADD ? at + 6 : at + 5, w->updated_at_us);
	enum err rc = db_run(db, st);
	free(types);
	return rc;
}

/* --- Reading -------------------------------------------------------------------- */

static enum err secrets_read(struct db *db, struct webhook *w)
{
	sqlite3_stmt *st = db_statement(db, ST_SECRETS);
	enum err rc;

	db_bind_int(st, 1, w->id);
	while ((rc = db_step(db, st)) == ERR_OK) {
		const struct span sealed = db_column_span(st, 0);
		struct signing_secret *secret = &w->secrets[w->secret_count];

		if (w->secret_count == WEBHOOK_SECRETS_MAX || sealed.len < 1 ||
		    sealed.ptr[0] != 0 || sealed.len - 1 > SECRET_MAX_BYTES)
			continue;
		secret->len = sealed.len - 1;
		memcpy(secret->bytes, sealed.ptr + 1, secret->len);
		secret->created_at_us = db_column_int(st, 1);
		secret->expires_at_us = db_column_int(st, 2);
		w->secret_count++;
	}
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static enum err targets_read(struct db *db, struct webhook_channel *c)
{
	sqlite3_stmt *st = db_statement(db, ST_TARGETS);
	enum err rc;

	db_bind_int(st, 1, c->id);
	while ((rc = db_step(db, st)) == ERR_OK) {
		c->targets = xrealloc(c->targets, (c->target_count + 1) * sizeof(*c->targets));
		c->targets[c->target_count].id = db_column_int(st, 0);
		c->targets[c->target_count++].value = db_column_unsealed(st, 1);
	}
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static enum err channels_read(struct db *db, struct webhook *w)
{
	sqlite3_stmt *st = db_statement(db, ST_CHANNELS);
	enum err rc;

	db_bind_int(st, 1, w->id);
	while ((rc = db_step(db, st)) == ERR_OK) {
		w->channels = xrealloc(w->channels, (w->channel_count + 1) * sizeof(*w->channels));
		struct webhook_channel *c = &w->channels[w->channel_count++];

		memset(c, 0, sizeof(*c));
		c->id = db_column_int(st, 0);
		c->name = db_column_dup(st, 1);
		c->description = db_column_dup(st, 2);
		c->configs = db_column_unsealed(st, 3);
		c->status = (enum channel_status)db_column_int(st, 4);
		c->disabled_reason = db_column_dup(st, 5);
		if (c->configs == NULL)
			c->configs = xstrdup("{}");
	}
	if (rc != ERR_NOT_FOUND)
		return rc;
	rc = ERR_OK;
	for (size_t i = 0; i < w->channel_count && rc == ERR_OK; i++)
		rc = targets_read(db, &w->channels[i]);
	return rc;
}

static void webhook_columns(sqlite3_stmt *st, struct webhook *w)
{
	const struct span public_id = db_column_span(st, 2);

	memset(w, 0, sizeof(*w));
	w->id = db_column_int(st, 0);
	w->organization = db_column_int(st, 1);
	if (public_id.len < sizeof(w->public_id))
		memcpy(w->public_id, public_id.ptr, public_id.len);
	w->name = db_column_dup(st, 3);
	w->description = db_column_dup(st, 4);
	types_split(w, db_column_span(st, 5));
	w->is_active = db_column_int(st, 6) != 0;
	w->disabled_reason = db_column_dup(st, 7);
	w->created_at_us = db_column_int(st, 8);
	w->updated_at_us = db_column_int(st, 9);
}

static enum err webhook_parts_read(struct db *db, struct webhook *w)
{
	enum err rc = secrets_read(db, w);

	return rc == ERR_OK ? channels_read(db, w) : rc;
}

enum err webhook_read(struct db *db, int64_t id, struct webhook *out)
{
	sqlite3_stmt *st = db_statement(db, ST_WEBHOOK_GET);

	db_bind_int(st, 1, id);
	enum err rc = db_step(db, st);
	if (rc != ERR_OK)
		return rc;
	webhook_columns(st, out);
	db_reset(st);
	rc = webhook_parts_read(db, out);
	if (rc != ERR_OK)
		webhook_finish(out);
	return rc;
}

enum err store_webhook_read(struct store *s, int64_t webhook_id, struct webhook *out)
{
	struct db *db;
	enum err rc = readers_take(s->readers, &db);

	if (rc != ERR_OK)
		return rc;
	rc = webhook_read(db, webhook_id, out);
	readers_give(s->readers, db);
	return rc;
}

enum err store_webhooks_read(struct store *s, store_webhook_fn fn, void *ctx)
{
	struct db *db;
	enum err rc = readers_take(s->readers, &db);

	if (rc != ERR_OK)
		return rc;
	sqlite3_stmt *st = db_statement(db, ST_WEBHOOKS);
	while ((rc = db_step(db, st)) == ERR_OK) {
		struct webhook w;

		webhook_columns(st, &w);
		rc = webhook_parts_read(db, &w);
		if (rc == ERR_OK)
			fn(ctx, &w);
		webhook_finish(&w);
		if (rc != ERR_OK)
			break;
	}
	db_reset(st);
	readers_give(s->readers, db);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static void copy_text(char *out, size_t out_bytes, struct span text)
{
	const size_t len = text.len < out_bytes ? text.len : out_bytes - 1;

	if (len > 0)
		memcpy(out, text.ptr, len);
	out[len] = '\0';
}

static enum err error_read(struct db *db, int64_t webhook_id, struct webhook_error *out)
{
	sqlite3_stmt *st = db_statement(db, ST_ERROR_GET);

	memset(out, 0, sizeof(*out));
	db_bind_int(st, 1, webhook_id);
	enum err rc = db_step(db, st);
	if (rc != ERR_OK)
		return rc == ERR_NOT_FOUND ? ERR_OK : rc;
	out->is_set = true;
	copy_text(out->message, sizeof(out->message), db_column_span(st, 0));
	copy_text(out->channel, sizeof(out->channel), db_column_span(st, 1));
	copy_text(out->event_id, sizeof(out->event_id), db_column_span(st, 2));
	out->status_code = db_column_int(st, 3);
	out->occurred_at_us = db_column_int(st, 4);
	db_reset(st);
	return ERR_OK;
}

enum err store_webhook_errors_read(struct store *s, const int64_t *webhook_ids, size_t count,
				   struct webhook_error *out)
{
	struct db *db;
	enum err rc = readers_take(s->readers, &db);

	if (rc != ERR_OK)
		return rc;
	for (size_t i = 0; i < count && rc == ERR_OK; i++)
		rc = error_read(db, webhook_ids[i], &out[i]);
	readers_give(s->readers, db);
	return rc;
}
