/* meta.c - numbers that the store keeps about itself.
 * SPDX-License-Identifier: MIT
 * Not here: what they mean (retention.c, heads.c). The thread of the connection. */
#include "store/sqlite/meta.h"

enum err meta_int_read(struct db *db, const char *key, int64_t *out)
{
	sqlite3_stmt *st = db_statement(db, ST_META_GET);

	db_bind_text(st, 1, span_of(key));
	const enum err rc = db_step(db, st);
	if (rc != ERR_OK)
		return rc == ERR_NOT_FOUND ? ERR_OK : rc;
	*out = db_column_int(st, 0);
	db_reset(st);
	return ERR_OK;
}

enum err meta_int_write(struct db *db, const char *key, int64_t value)
{
	sqlite3_stmt *st = db_statement(db, ST_META_SET);

	db_bind_text(st, 1, span_of(key));
	db_bind_int(st, 2, value);
	return db_run(db, st);
}
