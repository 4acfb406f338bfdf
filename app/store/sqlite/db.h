/* db.h - one SQLite connection with its prepared statements.
 * SPDX-License-Identifier: MIT
 * A connection belongs to one thread at a time. */
#ifndef TOCSIN_STORE_SQLITE_DB_H
#define TOCSIN_STORE_SQLITE_DB_H

#include <sqlite3.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "store/sqlite/statements.h"

struct db {
	sqlite3 *handle;
	sqlite3_stmt *statements[ST_COUNT]; /* prepared at first use */
	int wal_pages;                      /* after the last commit */
};

enum { DB_APPLICATION_ID = 0x54637331 /* "Tcs1" */ };

/* DB_PLAIN: a file that is nobody's store now; its modes stay as they are. */
enum db_mode { DB_WRITE, DB_READ, DB_PLAIN };

/* ERR_NOT_FOUND when DB_READ finds no file; else as db_err(). */
MUST_CHECK enum err db_open(struct db *db, const char *path, enum db_mode mode, int64_t cache_bytes,
			    int64_t busy_timeout_ms, struct why *why);
void db_close(struct db *db);
/* Run SQL texts without results: pragmas, schema. */
MUST_CHECK enum err db_exec(struct db *db, const char *sql);

/* The statement, ready for binding; NULL when it cannot be prepared. */
sqlite3_stmt *db_statement(struct db *db, enum statement st);
/* Step a statement that gives no rows, and reset it. */
MUST_CHECK enum err db_run(struct db *db, sqlite3_stmt *st);
/* ERR_OK: a row is there. ERR_NOT_FOUND: no (more) row; the statement is reset.
 * After the last row wanted: db_reset(). */
MUST_CHECK enum err db_step(struct db *db, sqlite3_stmt *st);
void db_reset(sqlite3_stmt *st);
/* Rows changed by the last db_run(). */
int db_changes(struct db *db);
/* The code of the last failure as an enum err. */
enum err db_err(struct db *db);

/* Bind; the bytes must live until the statement is reset. ptr NULL binds NULL. */
void db_bind_text(sqlite3_stmt *st, int column, struct span text);
void db_bind_blob(sqlite3_stmt *st, int column, const void *bytes, size_t len);
void db_bind_int(sqlite3_stmt *st, int column, int64_t value);
/* Borrowed until the next step or reset; ptr NULL for NULL. */
struct span db_column_span(sqlite3_stmt *st, int column);
/* Owned copies; NULL for NULL. */
char *db_column_dup(sqlite3_stmt *st, int column);
int64_t db_column_int(sqlite3_stmt *st, int column);

/* Texts that hold secrets are stored behind a format byte: 0 = plain. */
MUST_CHECK enum err db_bind_sealed(sqlite3_stmt *st, int column, struct span plain);
char *db_column_unsealed(sqlite3_stmt *st, int column); /* owned; NULL: another format */

#endif
