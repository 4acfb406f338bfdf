/* test_backup.c - copies of a store at rest, at work, on a bad disk and cut short.
 * SPDX-License-Identifier: MIT */
#include "store/sqlite/backup.h"

#include <pthread.h>
#include <sys/stat.h>

#include "faulty_disk.h"
#include "store_world.h"

enum { PAGES_EVENTS = 400, WRITERS = 3 };

static char copy[FILE_PATH_BYTES + 16], part[FILE_PATH_BYTES + 32];

static int world_setup(void **state)
{
	static struct world w;

	fault_clear();
	world_start(&w);
	snprintf(copy, sizeof(copy), "%s/copy", w.folder);
	snprintf(part, sizeof(part), "%s.part", copy);
	assert_int_equal(world_webhook_add(&w, 1, 0), ERR_OK);
	for (int i = 0; i < PAGES_EVENTS; i++)
		world_publish(&w, world_channel(&w, 0, 0), 0);
	*state = &w;
	return 0;
}

static int world_teardown(void **state)
{
	struct world *w = *state;

	fault_clear();
	(void)unlink(copy);
	world_close(w);
	assert_int_not_equal(access(part, F_OK), 0); /* never left behind */
	world_end(w);
	return 0;
}

static enum err backup_make(struct world *w, enum store_file target, struct why *why)
{
	struct store_backup_progress p = { 0 };
	enum err rc = store_backup_begin(w->s, copy, target, why);

	if (rc == ERR_OK)
		do
			rc = store_backup_wait(w->s, 200, &p, why);
		while (rc == ERR_BUSY);
	return rc;
}

static void backup_ok(struct world *w, enum store_file target)
{
	struct why why = { "" };

	if (backup_make(w, target, &why) != ERR_OK)
		fail_msg("%s", why.text);
	assert_int_not_equal(access(part, F_OK), 0);
}

/* A store of its own, sound, with that many events at least. */
static int64_t copy_check(int64_t least)
{
	struct world c;

	memset(&c, 0, sizeof(c));
	snprintf(c.path, sizeof(c.path), "%s", copy);
	char *log = xformat("%s-wal", copy);
	assert_int_not_equal(access(log, F_OK), 0); /* one file is all there is */
	free(log);
	assert_int_equal(world_sql(&c, "SELECT count(*) FROM pragma_integrity_check"
				       " WHERE integrity_check<>'ok'"),
			 0);
	const int64_t events = world_sql(&c, "SELECT count(*) FROM event");
	assert_true(events >= least);
	world_open(&c);
	world_audit_ok(&c);
	world_close(&c);
	char *lock = xformat("%s.lock", copy);
	assert_int_equal(unlink(lock), 0);
	free(lock);
	return events;
}

static void a_copy_is_a_store(void **state)
{
	struct world *w = *state;
	struct stat st;

	backup_ok(w, STORE_FILE_NEW);
	assert_int_equal(stat(copy, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(copy_check(PAGES_EVENTS), PAGES_EVENTS);
	world_audit_ok(w);
}

static void what_is_there_stays(void **state)
{
	struct world *w = *state;
	struct why why = { "" };

	file_write(copy, "mine", 4);
	assert_int_equal(backup_make(w, STORE_FILE_NEW, &why), ERR_CONFLICT);
	assert_non_null(strstr(why.text, "--force"));
	struct stat st;
	assert_int_equal(stat(copy, &st), 0);
	assert_int_equal(st.st_size, 4);
	backup_ok(w, STORE_FILE_REPLACE);
	copy_check(PAGES_EVENTS);
}

/* It appears while the copy is made: even then it is not replaced. */
static void what_comes_meanwhile_stays(void **state)
{
	struct world *w = *state;
	struct store_backup_progress p;
	struct why why = { "" };
	enum err rc;

	assert_int_equal(store_backup_begin(w->s, copy, STORE_FILE_NEW, &why), ERR_OK);
	file_write(copy, "mine", 4);
	while ((rc = store_backup_wait(w->s, 200, &p, &why)) == ERR_BUSY)
		continue;
	assert_int_equal(rc, ERR_CONFLICT);
	struct stat st;
	assert_int_equal(stat(copy, &st), 0);
	assert_int_equal(st.st_size, 4);
	(void)w;
}

static void the_store_is_no_place_for_it(void **state)
{
	struct world *w = *state;
	struct why why = { "" };
	char *other = xformat("%s/other", w->folder), *other_part = xformat("%s.part", other);

	assert_int_equal(store_backup_begin(w->s, w->path, STORE_FILE_REPLACE, &why),
			 ERR_BAD_REQUEST);
	assert_int_equal(symlink(w->path, other_part), 0); /* found by what it is, not its name */
	assert_int_equal(store_backup_begin(w->s, other, STORE_FILE_REPLACE, &why),
			 ERR_BAD_REQUEST);
	assert_int_equal(unlink(other_part), 0);
	assert_int_equal(store_backup_begin(w->s, "/nonexistent/b", STORE_FILE_NEW, &why),
			 ERR_DENIED);
	assert_non_null(strstr(why.text, "/nonexistent/b"));
	struct store_backup_progress p;
	assert_int_equal(store_backup_wait(w->s, 0, &p, &why), ERR_NOT_FOUND);
	world_audit_ok(w);
	free(other);
	free(other_part);
}

/* --- While others write --------------------------------------------------------------- */

struct writer_thread {
	pthread_t thread;
	struct world *w;
	_Atomic int made;
	_Atomic bool *is_over;
};

static void *writer_run_all(void *arg)
{
	struct writer_thread *me = arg;

	while (!atomic_load(me->is_over)) {
		const int64_t id = world_publish(me->w, 1, 0);
		struct settle x = settle_make(1, id, DELIVERY_DELIVERED);

		x.due_ms = 0; /* it is found */
		assert_int_equal(world_settle_all(me->w, &x, 1), ERR_OK);
		atomic_fetch_add(&me->made, 1);
	}
	return NULL;
}

static void a_copy_of_a_moving_store_is_sound(void **state)
{
	struct world *w = *state;
	struct writer_thread all[WRITERS];
	_Atomic bool is_over = false;

	for (int i = 0; i < WRITERS; i++) {
		all[i] = (struct writer_thread){ .w = w, .is_over = &is_over };
		assert_int_equal(pthread_create(&all[i].thread, NULL, writer_run_all, &all[i]), 0);
	}
	for (int round = 0; round < 8; round++) {
		const int64_t before = world_sql(w, "SELECT count(*) FROM event");

		backup_ok(w, STORE_FILE_REPLACE);
		copy_check(before); /* all that was committed before it began */
	}
	atomic_store(&is_over, true);
	for (int i = 0; i < WRITERS; i++) {
		pthread_join(all[i].thread, NULL);
		assert_true(atomic_load(&all[i].made) > 0);
	}
	world_audit_ok(w);
}

static void one_at_a_time(void **state)
{
	struct world *w = *state;
	struct why why = { "" };

	assert_int_equal(store_backup_begin(w->s, copy, STORE_FILE_NEW, &why), ERR_OK);
	const enum err rc = store_backup_begin(w->s, copy, STORE_FILE_NEW, &why);
	/* A copy that is complete, and that nobody asked about, makes room. */
	assert_true(rc == ERR_BUSY || rc == ERR_OK);
	struct store_backup_progress p;
	while (store_backup_wait(w->s, 200, &p, &why) == ERR_BUSY)
		continue;
	assert_true(p.pages >= 0 && p.pages_left >= 0);
	copy_check(PAGES_EVENTS);
}

static void closing_ends_it(void **state)
{
	struct world *w = *state;
	struct why why = { "" };

	assert_int_equal(store_backup_begin(w->s, copy, STORE_FILE_NEW, &why), ERR_OK);
	world_reopen(w);
	assert_int_not_equal(access(copy, F_OK), 0);
	assert_int_not_equal(access(part, F_OK), 0);
	world_audit_ok(w);
}

/* --- On a bad disk ----------------------------------------------------------------------- */

/* Each write may fail, of the store or of the copy: then there is no copy, and the
 * store goes on. */
static void every_write_may_fail(void **state)
{
	static const int codes[] = { SQLITE_IOERR_WRITE, SQLITE_FULL };
	struct world *w = *state;
	const struct timespec turn = { .tv_nsec = 1000000 };

	for (size_t c = 0; c < COUNT_OF(codes); c++) {
		for (int n = 1; n < 200; n += n < 10 ? 1 : 13) {
			struct why why = { "" };
			struct publish p;
			const int64_t to = 1;

			fault_set(FAIL_WRITE, n, codes[c], false);
			publish_fill(w, &p, NULL, &to, 1);
			(void)!store_accept(w->s, &p.accept);
			const enum err rc = backup_make(w, STORE_FILE_NEW, &why);
			const bool has_failed = atomic_load(&fault.failed) > 0;
			fault_clear();
			assert_int_equal(access(copy, F_OK) == 0, rc == ERR_OK);
			if (rc == ERR_OK)
				copy_check(PAGES_EVENTS);
			else
				assert_true(has_failed && why.text[0] != '\0');
			(void)unlink(copy);
			assert_int_not_equal(access(part, F_OK), 0);
			for (int i = 0; store_health(w->s) != ERR_OK && i < 2000; i++)
				nanosleep(&turn, NULL);
			world_publish(w, 1, 0);
			world_audit_ok(w);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define BACKUP_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		BACKUP_TEST(a_copy_is_a_store),
		BACKUP_TEST(what_is_there_stays),
		BACKUP_TEST(what_comes_meanwhile_stays),
		BACKUP_TEST(the_store_is_no_place_for_it),
		BACKUP_TEST(a_copy_of_a_moving_store_is_sound),
		BACKUP_TEST(one_at_a_time),
		BACKUP_TEST(closing_ends_it),
		BACKUP_TEST(every_write_may_fail),
	};

	/* TSan does not get along with that file system: see there. */
	if (IS_SKIPPED != 0)
		return _cmocka_run_group_tests("backup", tests, COUNT_OF(tests) - 1, NULL, NULL);
	return cmocka_run_group_tests(tests, vfs_install, NULL);
}
