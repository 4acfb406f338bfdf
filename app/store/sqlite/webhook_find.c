/* webhook_find.c - the row behind a webhook's public id, removed or not.
 * Not here: webhooks that exist (the registry keeps those in memory).
 * Any thread but the delivery loop's.
 * SPDX-License-Identifier: MIT */
#include "store/sqlite/state.h"

enum err store_webhook_find(struct store *s, int64_t organization, struct span public_id,
			    int64_t *out_id)
{
	struct db *db = NULL;

	*out_id = 0;
	enum err rc = readers_take(s->readers, &db);
	if (rc != ERR_OK)
		return rc;
	sqlite3_stmt *st = db_statement(db, ST_WEBHOOK_FIND);

	db_bind_text(st, 1, public_id);
	db_bind_int(st, 2, organization);
	rc = db_step(db, st);
	if (rc == ERR_OK) {
		*out_id = db_column_int(st, 0);
		db_reset(st);
	}
	readers_give(s->readers, db);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}
