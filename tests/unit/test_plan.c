/* test_plan.c - what SQLite intends to do for each statement.
 * SPDX-License-Identifier: MIT
 * No statement may walk a table that grows without end. */
#include "store/sqlite/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

/* q, d and r are what statements call the queue, deliveries and rare states when they join:
 * SQLite's plans name those, not the table. "d" is the few destinations, too: is_excused(). */
static const char *const growing[] = { "event", "delivery", "attempt", "queue", "rare", "seen",
				       "mark",  "target",   "q",       "d",     "r",    "late" };

/* One row from the end of the table, however large it is; all of the few destinations. */
static bool is_excused(enum statement st)
{
	return st == ST_EVENT_NEWEST || st == ST_DESTINATIONS;
}

static bool scans_growing(const char *detail)
{
	char word[64];

	if (sscanf(detail, "SCAN %63s", word) != 1)
		return false;
	for (size_t i = 0; i < COUNT_OF(growing); i++)
		if (strcmp(word, growing[i]) == 0)
			return true;
	return false;
}

static void no_statement_scans(void **state)
{
	struct why why = { "" };
	struct db db;
	char sql[4096];

	(void)state;
	assert_int_equal(db_open(&db, ":memory:", DB_WRITE, 1 << 20, 0, &why), ERR_OK);
	assert_int_equal(schema_prepare(&db, &why), ERR_OK);
	for (int i = 0; i < ST_COUNT; i++) {
		sqlite3_stmt *st = NULL;

		snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", statement_sql(i));
		if (sqlite3_prepare_v2(db.handle, sql, -1, &st, NULL) != SQLITE_OK)
			fail_msg("%s: %s", statement_sql(i), sqlite3_errmsg(db.handle));
		while (sqlite3_step(st) == SQLITE_ROW) {
			const char *detail = (const char *)sqlite3_column_text(st, 3);

			if (!is_excused(i) && detail != NULL && scans_growing(detail))
				fail_msg("%s: %s", statement_sql(i), detail);
		}
		sqlite3_finalize(st);
	}
	db_close(&db);
}

static void a_scan_is_seen(void **state)
{
	(void)state;
	assert_true(scans_growing("SCAN delivery"));
	assert_true(scans_growing("SCAN r"));
	assert_false(scans_growing("SEARCH delivery USING INTEGER PRIMARY KEY (rowid=?)"));
	assert_false(scans_growing("SCAN organization"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_statement_scans),
		cmocka_unit_test(a_scan_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
