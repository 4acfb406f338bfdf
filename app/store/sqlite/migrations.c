/* migrations.c - how an older file becomes a current one.
 * SPDX-License-Identifier: MIT
 *
 * A row a step; what a released step says is never edited, the next one is
 * added below it. A new file begins as version 1 and takes the same way, so
 * that both are the same. Before the writer thread starts. */
#include "store/sqlite/migrations.h"

#include <stdio.h>

#include "base/mem.h"

/* steps[i] makes version i + 2 of version i + 1. */
static const char *const steps[] = {
	/* Retention. removed: how many it took away, so that created still adds up.
	 * late: events whose payload was to go while they were not finished. */
	"ALTER TABLE destination ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE organization_head ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE late (event INTEGER PRIMARY KEY);",
};

_Static_assert(COUNT_OF(steps) == SCHEMA_VERSION - 1, "a step for each version");

static enum err step_run(struct db *db, const char *text, int64_t version)
{
	char pragma[64];
	enum err rc = db_exec(db, "BEGIN IMMEDIATE");

	if (rc != ERR_OK)
		return rc;
	snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %lld", (long long)version);
	rc = db_exec(db, text);
	if (rc == ERR_OK)
		rc = db_exec(db, pragma);
	if (rc == ERR_OK)
		rc = db_exec(db, "COMMIT");
	if (rc != ERR_OK && !sqlite3_get_autocommit(db->handle))
		(void)!db_exec(db, "ROLLBACK");
	return rc;
}

enum err migrations_run(struct db *db, int64_t version, struct why *why)
{
	for (; version < SCHEMA_VERSION; version++) {
		const enum err rc = step_run(db, steps[version - 1], version + 1);

		if (rc != ERR_OK) {
			why_set(why, "its schema is version %lld and cannot become %lld: %s",
				(long long)version, (long long)version + 1, err_text(rc));
			return rc;
		}
	}
	return ERR_OK;
}
