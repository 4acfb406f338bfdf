/* meta.h - numbers that the store keeps about itself.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_STORE_SQLITE_META_H
#define TOCSIN_STORE_SQLITE_META_H

#include "store/sqlite/db.h"

/* Every id that retention removed is smaller; 0 = none was. */
#define META_FLOOR "floor"
/* Finished events with a smaller id have lost their payload, but those in `late`. */
#define META_PAYLOAD_FLOOR "payload_floor"
/* The last id that a store which was replaced by a backup had given. */
#define META_LAST_ID "last_id"

/* *out is untouched when there is no such number. */
MUST_CHECK enum err meta_int_read(struct db *db, const char *key, int64_t *out);
MUST_CHECK enum err meta_int_write(struct db *db, const char *key, int64_t value);

#endif
