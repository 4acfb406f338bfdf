/* test_migrations.c - a store of the first version, with data in it, becomes a current one.
 * SPDX-License-Identifier: MIT
 * tests/unit/store_1.sql is the dump of one that the first version made. */
#include "store/sqlite/migrations.h"

#include "store_world.h"

#define LAST_EVENT "SELECT max(id) FROM event"

static void first_store_make(struct world *w)
{
	const char *folder = getenv("TEST_SRCDIR");
	char *path = xformat("%s/tests/unit/store_1.sql", folder != NULL ? folder : ".");
	size_t len = 0;
	char *sql = file_read(path, &len);
	sqlite3 *db = NULL;
	char *message = NULL;

	world_close(w);
	assert_int_equal(unlink(w->path), 0);
	assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", path, message);
	sqlite3_close(db);
	free(sql);
	free(path);
}

static int world_setup(void **state)
{
	static struct world w;

	world_start(&w);
	first_store_make(&w);
	assert_int_equal(world_sql(&w, "SELECT user_version FROM pragma_user_version"), 1);
	*state = &w;
	return 0;
}

static int world_teardown(void **state)
{
	world_end(*state);
	return 0;
}

struct found {
	int64_t id;
	size_t count, channels;
};

static void webhook_note(void *ctx, struct webhook *h)
{
	struct found *f = ctx;

	f->id = h->id;
	f->count++;
	f->channels += h->channel_count;
}

/* Every row is there, the books fit, and what waited is worked on. */
static void the_data_goes_along(void **state)
{
	struct world *w = *state;
	struct found found = { 0 };
	const int64_t last = world_sql(w, LAST_EVENT);
	const int64_t events = world_sql(w, "SELECT count(*) FROM event");
	const int64_t due = world_sql(w, "SELECT count(*) FROM queue");

	assert_true(last > 0 && events >= 10 && due > 0);
	world_open(w);
	assert_int_equal(world_sql(w, "SELECT user_version FROM pragma_user_version"),
			 SCHEMA_VERSION);
	world_audit_ok(w);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM event"), events);
	assert_int_equal(store_webhooks_read(w->s, webhook_note, &found), ERR_OK);
	assert_int_equal(found.count, 2);
	assert_int_equal(found.channels, 3);
	w->organization = 1;
	const int64_t delivery = world_publish(w, 1, 0);
	assert_true(delivery > last);
	world_audit_ok(w);
	world_reopen(w);
	world_audit_ok(w);
}

/* Its old rows are retention's, too. */
static void the_data_may_be_removed(void **state)
{
	struct world *w = *state;
	const int64_t created = world_sql(w, "SELECT sum(created) FROM destination");

	w->retention.max_age_ms = 1;
	world_open(w);
	world_wait(w, "SELECT count(*) FROM delivery WHERE state NOT IN (1,2)", 0);
	assert_true(world_sql(w, "SELECT sum(removed) FROM destination") > 0);
	assert_int_equal(world_sql(w, "SELECT sum(created) FROM destination"), created);
	world_audit_ok(w);
	w->retention.max_age_ms = 0;
}

/* A new store takes the same way, so both have the same tables. */
static void old_and_new_end_alike(void **state)
{
	static const char *const looks[] = {
		"SELECT count(*) FROM sqlite_schema",
		"SELECT sum(length(name)) FROM sqlite_schema",
		"SELECT count(*) FROM sqlite_schema m, pragma_table_xinfo(m.name)",
		"SELECT auto_vacuum FROM pragma_auto_vacuum",
		"SELECT application_id FROM pragma_application_id",
	};
	struct world *w = *state, fresh;

	world_open(w);
	world_start(&fresh);
	for (size_t i = 0; i < COUNT_OF(looks); i++)
		assert_int_equal(world_sql(w, looks[i]), world_sql(&fresh, looks[i]));
	world_end(&fresh);
}

/* One that cannot be done leaves the file as it was; nothing is half done. */
static void a_step_that_fails_changes_nothing(void **state)
{
	struct world *w = *state;
	struct store *s = NULL;
	struct why why = { "" };

	world_sql(w, "CREATE TABLE late (is_in_the_way)");
	assert_true(world_try_open(w->path, &s, &why) != ERR_OK);
	assert_non_null(strstr(why.text, "version 1"));
	assert_int_equal(world_sql(w, "SELECT user_version FROM pragma_user_version"), 1);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM pragma_table_info('destination')"
				      " WHERE name='removed'"),
			 0);
	world_sql(w, "DROP TABLE late");
	world_open(w);
	world_audit_ok(w);
}

static void a_store_without_a_version_is_refused(void **state)
{
	struct world *w = *state;
	struct store *s = NULL;
	struct why why = { "" };

	world_sql(w, "PRAGMA user_version=0");
	assert_int_equal(world_try_open(w->path, &s, &why), ERR_CORRUPT);
	world_sql(w, "PRAGMA user_version=1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define MIGRATION_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		MIGRATION_TEST(the_data_goes_along),
		MIGRATION_TEST(the_data_may_be_removed),
		MIGRATION_TEST(old_and_new_end_alike),
		MIGRATION_TEST(a_step_that_fails_changes_nothing),
		MIGRATION_TEST(a_store_without_a_version_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
