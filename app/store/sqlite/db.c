/* db.c - one SQLite connection: opening, statements, error codes.
 * SPDX-License-Identifier: MIT
 * Not here: what the statements mean. Used by one thread at a time. */
#include "store/sqlite/db.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static enum err err_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
	case SQLITE_ROW: return ERR_OK;
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return ERR_BUSY;
	case SQLITE_CONSTRAINT: return ERR_CONFLICT;
	case SQLITE_FULL: return ERR_FULL;
	case SQLITE_NOMEM: return ERR_MEMORY;
	case SQLITE_TOOBIG: return ERR_TOO_BIG;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT: return ERR_CORRUPT;
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_AUTH: return ERR_DENIED;
	default: return ERR_IO;
	}
}

enum err db_err(struct db *db)
{
	enum err rc = err_of(sqlite3_errcode(db->handle));

	return rc == ERR_OK ? ERR_IO : rc;
}

static int wal_note(void *ctx, sqlite3 *handle, const char *name, int pages)
{
	struct db *db = ctx;

	(void)handle, (void)name;
	db->wal_pages = pages;
	return SQLITE_OK;
}

/* A file with tables of another program is left as it is; schema.c refuses it. */
static bool is_foreign(struct db *db)
{
	sqlite3_stmt *st = NULL;
	bool is_it = false;

	if (sqlite3_prepare_v2(db->handle,
			       "SELECT application_id FROM pragma_application_id"
			       " WHERE EXISTS (SELECT 1 FROM sqlite_schema)",
			       -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		is_it = sqlite3_column_int64(st, 0) != DB_APPLICATION_ID;
	sqlite3_finalize(st);
	return is_it;
}

static enum err pragmas_set(struct db *db, enum db_mode mode, int64_t cache_bytes)
{
	char text[256];

	if (mode == DB_WRITE && is_foreign(db))
		return ERR_OK;

	/* auto_vacuum must come before the first table; it is a no-op later. */
	snprintf(text, sizeof(text), "PRAGMA cache_size=-%lld; PRAGMA mmap_size=0;%s",
		 (long long)(cache_bytes / 1024),
		 mode != DB_WRITE ? ""
				  : "PRAGMA auto_vacuum=INCREMENTAL;"
				    "PRAGMA journal_mode=WAL;"
				    "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0;");
	return db_exec(db, text);
}

enum err db_open(struct db *db, const char *path, enum db_mode mode, int64_t cache_bytes,
		 int64_t busy_timeout_ms, struct why *why)
{
	const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
			  (mode == DB_READ    ? SQLITE_OPEN_READONLY
			   : mode == DB_PLAIN ? SQLITE_OPEN_READWRITE
					      : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	enum err rc;

	memset(db, 0, sizeof(*db));
	const int code = sqlite3_open_v2(path, &db->handle, flags, NULL);
	if (code != SQLITE_OK) {
		why_set(why, "%s", sqlite3_errmsg(db->handle));
		rc = err_of(code);
		goto fail;
	}
	sqlite3_busy_timeout(db->handle, (int)busy_timeout_ms);
	rc = pragmas_set(db, mode, cache_bytes);
	if (rc != ERR_OK) {
		why_set(why, "%s", sqlite3_errmsg(db->handle));
		goto fail;
	}
	if (mode == DB_WRITE)
		sqlite3_wal_hook(db->handle, wal_note, db);
	return ERR_OK;
fail:
	db_close(db);
	return rc;
}

void db_close(struct db *db)
{
	for (size_t i = 0; i < ST_COUNT; i++)
		sqlite3_finalize(db->statements[i]);
	/* The last close would checkpoint and delete the log; that is fine. */
	sqlite3_close_v2(db->handle);
	memset(db, 0, sizeof(*db));
}

enum err db_exec(struct db *db, const char *text)
{
	return err_of(sqlite3_exec(db->handle, text, NULL, NULL, NULL));
}

sqlite3_stmt *db_statement(struct db *db, enum statement st)
{
	sqlite3_stmt **slot = &db->statements[st];

	if (*slot == NULL)
		(void)sqlite3_prepare_v3(db->handle, statement_sql(st), -1,
					 SQLITE_PREPARE_PERSISTENT, slot, NULL);
	return *slot;
}

enum err db_run(struct db *db, sqlite3_stmt *st)
{
	if (st == NULL)
		return db_err(db);
	const int code = sqlite3_step(st);
	sqlite3_reset(st);
	return err_of(code);
}

enum err db_step(struct db *db, sqlite3_stmt *st)
{
	if (st == NULL)
		return db_err(db);
	const int code = sqlite3_step(st);
	if (code == SQLITE_ROW)
		return ERR_OK;
	sqlite3_reset(st);
	return code == SQLITE_DONE ? ERR_NOT_FOUND : err_of(code);
}

void db_reset(sqlite3_stmt *st)
{
	sqlite3_reset(st);
}

int db_changes(struct db *db)
{
	return sqlite3_changes(db->handle);
}

void db_bind_text(sqlite3_stmt *st, int column, struct span text)
{
	if (text.ptr == NULL)
		sqlite3_bind_null(st, column);
	else
		sqlite3_bind_text(st, column, text.ptr, (int)text.len, SQLITE_STATIC);
}

void db_bind_blob(sqlite3_stmt *st, int column, const void *bytes, size_t len)
{
	if (bytes == NULL)
		sqlite3_bind_null(st, column);
	else
		sqlite3_bind_blob(st, column, bytes, (int)len, SQLITE_STATIC);
}

void db_bind_int(sqlite3_stmt *st, int column, int64_t value)
{
	sqlite3_bind_int64(st, column, value);
}

struct span db_column_span(sqlite3_stmt *st, int column)
{
	struct span s = { NULL, 0 };

	if (sqlite3_column_type(st, column) == SQLITE_NULL)
		return s;
	s.ptr = sqlite3_column_blob(st, column);
	s.len = (size_t)sqlite3_column_bytes(st, column);
	if (s.ptr == NULL)
		s.ptr = ""; /* SQLite gives no pointer for zero bytes */
	return s;
}

char *db_column_dup(sqlite3_stmt *st, int column)
{
	return xspandup(db_column_span(st, column));
}

int64_t db_column_int(sqlite3_stmt *st, int column)
{
	return sqlite3_column_int64(st, column);
}

enum err db_bind_sealed(sqlite3_stmt *st, int column, struct span plain)
{
	char *sealed = malloc(plain.len + 1);

	if (sealed == NULL)
		return ERR_MEMORY;
	sealed[0] = 0;
	if (plain.len > 0)
		memcpy(sealed + 1, plain.ptr, plain.len);
	sqlite3_bind_blob(st, column, sealed, (int)(plain.len + 1), free);
	return ERR_OK;
}

char *db_column_unsealed(sqlite3_stmt *st, int column)
{
	const struct span s = db_column_span(st, column);

	if (s.ptr == NULL || s.len == 0 || s.ptr[0] != 0)
		return NULL;
	return xspandup((struct span){ s.ptr + 1, s.len - 1 });
}
