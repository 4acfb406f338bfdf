/* migrations.h - how an older file becomes a current one.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_STORE_SQLITE_MIGRATIONS_H
#define TOCSIN_STORE_SQLITE_MIGRATIONS_H

#include "store/sqlite/db.h"

enum { SCHEMA_VERSION = 2 };

/* From `version` to SCHEMA_VERSION, each step a transaction of its own: one that
 * fails leaves the file as the step before made it. why names the step. */
MUST_CHECK enum err migrations_run(struct db *db, int64_t version, struct why *why);

#endif
