/* test_schema.c - which files the store opens, and which it leaves alone.
 * SPDX-License-Identifier: MIT */
#include "store/sqlite/schema.h"

#include "store_world.h"

static int world_setup(void **state)
{
	static struct world w;

	world_start(&w);
	*state = &w;
	return 0;
}

static int world_teardown(void **state)
{
	world_end(*state);
	return 0;
}

static void only_one_may_hold_the_file(void **state)
{
	struct world *w = *state;
	struct store *other = NULL;
	struct why why = { "" };

	assert_int_equal(world_try_open(w->path, &other, &why), ERR_BUSY);
	assert_null(other);
	assert_non_null(strstr(why.text, "in use by another"));
	world_reopen(w);
}

static void a_newer_schema_is_refused(void **state)
{
	struct world *w = *state;
	struct store *other = NULL;
	struct why why = { "" };

	world_close(w);
	world_sql(w, "PRAGMA user_version=9");
	assert_int_equal(world_try_open(w->path, &other, &why), ERR_BAD_REQUEST);
	assert_non_null(strstr(why.text, "version 9"));
	assert_int_equal(world_sql(w, "SELECT user_version FROM pragma_user_version"), 9);
	world_sql(w, "PRAGMA user_version=2");
	world_open(w);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM organization"), 1);
}

/* Refused, and not one byte of it changed. */
static void refused_untouched(struct world *w, const char *reason)
{
	struct store *other = NULL;
	struct why why = { "" };
	size_t len = 0, len_after = 0;
	char *before = file_read(w->path, &len);

	assert_int_equal(world_try_open(w->path, &other, &why), ERR_CORRUPT);
	assert_non_null(strstr(why.text, reason));
	char *after = file_read(w->path, &len_after);
	assert_int_equal(len, len_after);
	assert_memory_equal(before, after, len);
	free(before);
	free(after);
}

static void another_programs_file_is_left_alone(void **state)
{
	struct world *w = *state;

	world_close(w);
	assert_int_equal(unlink(w->path), 0);
	world_sql(w, "CREATE TABLE notes (text)");
	refused_untouched(w, "another program");
	world_sql(w, "PRAGMA application_id=7");
	refused_untouched(w, "another program");
	file_write(w->path, "dear diary, dear diary, dear diary", 34);
	refused_untouched(w, "restore a backup");
}

static void a_store_keeps_its_key(void **state)
{
	struct world *w = *state;
	unsigned char key[16];

	memcpy(key, store_id_key(w->s), sizeof(key));
	world_reopen(w);
	assert_memory_equal(key, store_id_key(w->s), sizeof(key));
	world_close(w);
	world_sql(w, "DELETE FROM meta WHERE key='id_key'");
	struct store *other = NULL;
	assert_int_equal(world_try_open(w->path, &other, NULL), ERR_CORRUPT);
}

static void a_folder_that_is_missing_is_named(void **state)
{
	struct store *other = NULL;
	struct why why = { "" };

	(void)state;
	assert_int_equal(world_try_open("/nonexistent/t.db", &other, &why), ERR_DENIED);
	assert_non_null(strstr(why.text, "/nonexistent/t.db"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define SCHEMA_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		SCHEMA_TEST(only_one_may_hold_the_file),
		SCHEMA_TEST(a_newer_schema_is_refused),
		SCHEMA_TEST(another_programs_file_is_left_alone),
		SCHEMA_TEST(a_store_keeps_its_key),
		SCHEMA_TEST(a_folder_that_is_missing_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
