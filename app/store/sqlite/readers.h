/* readers.h - a few read-only connections, lent one caller at a time.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_STORE_SQLITE_READERS_H
#define TOCSIN_STORE_SQLITE_READERS_H

#include "store/sqlite/db.h"

struct readers;

/* Connections are opened when first needed. path: borrowed for as long as it lives. */
struct readers *readers_create(const char *path, unsigned count, int64_t busy_timeout_ms);
void readers_destroy(struct readers *r);
/* Wait for a free one and begin a snapshot. Give it back soon: an old snapshot
 * keeps the log from being reset. Thread: any but the delivery loop's. */
MUST_CHECK enum err readers_take(struct readers *r, struct db **out);
void readers_give(struct readers *r, struct db *db);

#endif
