/* test_restore.c - what may be put in a store's place, and what becomes of the old one.
 * SPDX-License-Identifier: MIT */
#include "store/store.h"

#include <fcntl.h>

#include "store/sqlite/schema.h"

#include "store_world.h"

static char backup[FILE_PATH_BYTES + 16];

/* A store of three events whose backup has two. */
static int world_setup(void **state)
{
	static struct world w;
	struct store_backup_progress p;
	struct why why = { "" };
	enum err rc;

	world_start(&w);
	snprintf(backup, sizeof(backup), "%s/backup", w.folder);
	assert_int_equal(world_webhook_add(&w, 1, 0), ERR_OK);
	world_publish(&w, 1, 0);
	world_publish(&w, 1, 0);
	assert_int_equal(store_backup_begin(w.s, backup, STORE_FILE_NEW, &why), ERR_OK);
	while ((rc = store_backup_wait(w.s, 200, &p, &why)) == ERR_BUSY)
		continue;
	assert_int_equal(rc, ERR_OK);
	*state = &w;
	return 0;
}

static int world_teardown(void **state)
{
	(void)unlink(backup);
	world_end(*state);
	return 0;
}

static enum err restore_try(struct world *w, struct store_restored *out, struct why *why)
{
	const int from = open(backup, O_RDONLY | O_CLOEXEC);

	assert_true(from >= 0);
	const enum err rc = store_restore(w->path, from, out, why);
	close(from);
	char *fresh = xformat("%s.restore", w->path);
	assert_int_not_equal(access(fresh, F_OK), 0);
	free(fresh);
	return rc;
}

static void aside_remove(struct store_restored *done)
{
	char *log = xformat("%s-wal", done->aside);

	assert_int_equal(unlink(done->aside), 0);
	(void)unlink(log);
	free(log);
	free(done->aside);
}

static int64_t events_in(const char *path)
{
	struct world c;

	memset(&c, 0, sizeof(c));
	snprintf(c.path, sizeof(c.path), "%s", path);
	return world_sql(&c, "SELECT count(*) FROM event");
}

/* Ids go on after those of the store that went, although the backup knows nothing of them. */
static void the_old_store_is_kept(void **state)
{
	struct world *w = *state;
	struct store_restored done;
	struct why why = { "" };
	int64_t last = 0;

	for (int i = 0; i < 500; i++) /* faster than the clock: ids run ahead of it */
		last = world_publish(w, 1, 0);
	world_close(w);
	if (restore_try(w, &done, &why) != ERR_OK)
		fail_msg("%s", why.text);
	assert_non_null(done.aside);
	assert_true(done.newest_ms > 0);
	assert_int_equal(events_in(done.aside), 502);
	assert_int_equal(events_in(w->path), 2);
	world_open(w);
	world_audit_ok(w);
	assert_true(world_publish(w, 1, 0) > last);
	aside_remove(&done);
}

static void a_place_may_be_empty(void **state)
{
	struct world *w = *state;
	struct store_restored done;
	struct why why = { "" };

	world_close(w);
	assert_int_equal(unlink(w->path), 0);
	assert_int_equal(restore_try(w, &done, &why), ERR_OK);
	assert_null(done.aside);
	world_open(w);
	world_audit_ok(w);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM event"), 2);
}

static void a_store_in_use_is_left_alone(void **state)
{
	struct world *w = *state;
	struct store_restored done;
	struct why why = { "" };

	assert_int_equal(restore_try(w, &done, &why), ERR_BUSY);
	assert_non_null(strstr(why.text, "in use"));
	world_publish(w, 1, 0);
	world_audit_ok(w);
}

/* The usual reason: it cannot be read any more. Its log goes with it. */
static void a_damaged_store_is_replaced(void **state)
{
	struct world *w = *state;
	struct store_restored done;
	struct why why = { "" };
	char *log = xformat("%s-wal", w->path);

	world_close(w);
	file_write(w->path, "not a store, not a store, not a store, not a store", 50);
	file_write(log, "an old log", 10);
	if (restore_try(w, &done, &why) != ERR_OK)
		fail_msg("%s", why.text);
	assert_int_not_equal(access(log, F_OK), 0);
	char *log_aside = xformat("%s-wal", done.aside);
	assert_int_equal(access(log_aside, F_OK), 0);
	world_open(w);
	world_audit_ok(w);
	aside_remove(&done);
	free(log);
	free(log_aside);
}

static void backup_damage(const char *sql)
{
	struct world c;

	memset(&c, 0, sizeof(c));
	snprintf(c.path, sizeof(c.path), "%s", backup);
	world_sql(&c, sql);
}

static void refused(struct world *w, enum err wanted, const char *said)
{
	struct store_restored done;
	struct why why = { "" };
	size_t len = 0, len_after = 0;
	char *before = file_read(w->path, &len);
	const enum err rc = restore_try(w, &done, &why);

	if (rc != wanted || strstr(why.text, said) == NULL)
		fail_msg("%s: %s", err_text(rc), why.text);
	char *after = file_read(w->path, &len_after);
	assert_int_equal(len, len_after);
	assert_memory_equal(before, after, len);
	assert_null(done.aside);
	free(before);
	free(after);
}

static void what_is_no_backup_is_refused(void **state)
{
	struct world *w = *state;
	char sql[64];
	size_t len = 0;
	char *sound = file_read(backup, &len);

	world_close(w);
	snprintf(sql, sizeof(sql), "PRAGMA user_version=%d", SCHEMA_VERSION + 1);
	backup_damage(sql);
	refused(w, ERR_BAD_REQUEST, "schema is version");
	backup_damage("PRAGMA user_version=0");
	refused(w, ERR_BAD_REQUEST, "schema is version");
	file_write(backup, sound, len);
	backup_damage("PRAGMA application_id=7");
	refused(w, ERR_CORRUPT, "not one of a tocsin store");
	file_write(backup, "dear diary", 10);
	refused(w, ERR_CORRUPT, "cannot be read");
	file_write(backup, sound, len / 2);
	refused(w, ERR_CORRUPT, "the backup ");
	for (size_t i = 8192; i < len; i += 97)
		sound[i] = (char)(sound[i] ^ 0x55);
	file_write(backup, sound, len);
	refused(w, ERR_CORRUPT, "the backup ");
	file_write(backup, "", 0);
	refused(w, ERR_CORRUPT, "not one of a tocsin store");
	free(sound);
	world_open(w);
	world_audit_ok(w);
}

static void another_programs_file_is_not_replaced(void **state)
{
	struct world *w = *state;

	world_close(w);
	assert_int_equal(unlink(w->path), 0);
	world_sql(w, "CREATE TABLE notes (text)");
	refused(w, ERR_CORRUPT, "another program");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define RESTORE_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		RESTORE_TEST(the_old_store_is_kept),
		RESTORE_TEST(a_place_may_be_empty),
		RESTORE_TEST(a_store_in_use_is_left_alone),
		RESTORE_TEST(a_damaged_store_is_replaced),
		RESTORE_TEST(what_is_no_backup_is_refused),
		RESTORE_TEST(another_programs_file_is_not_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
