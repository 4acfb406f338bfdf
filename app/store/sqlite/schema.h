/* schema.h - the tables and how an older file becomes a current one.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_STORE_SQLITE_SCHEMA_H
#define TOCSIN_STORE_SQLITE_SCHEMA_H

#include "store/sqlite/migrations.h"

/* Create the tables in an empty file, or migrate step by step.
 * Returns ERR_CORRUPT for a file that is no store, ERR_BAD_REQUEST for a newer
 * schema; why says what to do. */
MUST_CHECK enum err schema_prepare(struct db *db, struct why *why);

#endif
