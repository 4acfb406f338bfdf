/* delivery_rows.h - one delivery's row, completed for people.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_STORE_SQLITE_DELIVERY_ROWS_H
#define TOCSIN_STORE_SQLITE_DELIVERY_ROWS_H

#include "store/sqlite/db.h"
#include "store/store.h"

struct delivery_raw {
	struct delivery_row row;
	int64_t destination, target;
};

/* From the row that st stands on, of a statement with all of a delivery's columns. */
void delivery_columns(sqlite3_stmt *st, struct delivery_raw *out);
/* started_at … reason from this column on. */
void attempt_columns(sqlite3_stmt *st, int first, struct attempt *out);
MUST_CHECK enum err delivery_get(struct db *db, int64_t id, struct delivery_raw *out);
/* Its event, channel, target and next attempt. Owner: d->row, delivery_row_finish(),
 * also when it fails. */
MUST_CHECK enum err delivery_complete(struct db *db, struct delivery_raw *d);

struct delivery_owner {
	int64_t organization, webhook;
};
MUST_CHECK enum err delivery_owner_read(struct db *db, int64_t destination,
					struct delivery_owner *out);

#endif
