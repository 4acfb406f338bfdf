/* delivery_rows.c - one delivery's row, completed for people.
 * SPDX-License-Identifier: MIT
 * Not here: which ones and in what order (lists.c). The thread of the connection. */
#include "store/sqlite/delivery_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/ids.h"
#include "store/sqlite/event_rows.h"

void delivery_row_finish(struct delivery_row *d)
{
	free(d->event_type);
	free(d->source_id);
	free(d->channel);
	free(d->target);
	free(d->configs);
	memset(d, 0, sizeof(*d));
}

static int64_t phase_column(sqlite3_stmt *st, int column)
{
	return sqlite3_column_type(st, column) == SQLITE_NULL ? -1 : db_column_int(st, column);
}

void attempt_columns(sqlite3_stmt *st, int first, struct attempt *out)
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

void delivery_columns(sqlite3_stmt *st, struct delivery_raw *out)
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

enum err delivery_owner_read(struct db *db, int64_t destination, struct delivery_owner *out)
{
	sqlite3_stmt *st = db_statement(db, ST_DESTINATION_OWNER);

	db_bind_int(st, 1, destination);
	const enum err rc = db_step(db, st);
	if (rc != ERR_OK)
		return rc == ERR_NOT_FOUND ? ERR_CORRUPT : rc;
	out->organization = db_column_int(st, 0);
	out->webhook = db_column_int(st, 1);
	db_reset(st);
	return ERR_OK;
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

enum err delivery_complete(struct db *db, struct delivery_raw *d)
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

enum err delivery_get(struct db *db, int64_t id, struct delivery_raw *out)
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
