/* test_store_faults.c - the store on a disk that fails.
 * SPDX-License-Identifier: MIT
 * The n-th write or sync fails, or all from the n-th on, for every n of a short
 * scenario. */
#include "store/store.h"

#include "faulty_disk.h"
#include "store_world.h"

/* --- The scenario ------------------------------------------------------------------- */

enum { EVENTS = 3, RARE_STEPS_MAX = 400 };

struct scenario {
	struct world w;
	int64_t delivery[EVENTS];
	bool is_accepted[EVENTS], is_settled[EVENTS], is_added, is_replaced;
};

static bool is_disk_error(enum err rc)
{
	return rc == ERR_IO || rc == ERR_FULL;
}

/* Did it work? Else it must have been the disk. */
static bool worked(enum err rc)
{
	if (rc != ERR_OK && !is_disk_error(rc))
		fail_msg("neither done nor the disk's error: %s", err_text(rc));
	return rc == ERR_OK;
}

static void scenario_begin(struct scenario *c, bool has_readers)
{
	memset(c, 0, sizeof(*c));
	world_start(&c->w);
	assert_int_equal(world_webhook_add(&c->w, 1, 0), ERR_OK);
	if (has_readers)
		world_audit_ok(&c->w);
}

static void scenario_run(struct scenario *c)
{
	static const char *const names[EVENTS] = { "first", NULL, "third" };
	const int64_t to = world_channel(&c->w, 0, 0);
	struct publish p;

	for (int i = 0; i < EVENTS; i++) {
		publish_fill(&c->w, &p, names[i], &to, 1);
		c->is_accepted[i] = worked(store_accept(c->w.s, &p.accept));
		if (!c->is_accepted[i])
			continue;
		c->delivery[i] = p.targets[0].delivery_id;
		struct settle x = settle_make(to, c->delivery[i],
					      i == 1 ? DELIVERY_FAILED : DELIVERY_DELIVERED);
		c->is_settled[i] = worked(world_settle_all(&c->w, &x, 1));
	}
	c->is_added = worked(world_webhook_add(&c->w, 2, 1));
	c->w.webhooks[0].is_active = false;
	c->is_replaced =
		worked(store_webhook_replace(c->w.s, &c->w.webhooks[0], STORE_WAITING_HOLD));
	c->w.webhooks[0].is_active = true;
}

static void delivery_check(struct scenario *c, int i)
{
	struct delivery_row row;

	if (!c->is_accepted[i])
		return;
	assert_int_equal(store_delivery_read(c->w.s, c->w.organization, c->delivery[i], &row),
			 ERR_OK);
	if (c->is_settled[i])
		assert_int_equal(row.state, i == 1 ? DELIVERY_FAILED : DELIVERY_DELIVERED);
	else
		assert_true(row.state == DELIVERY_DUE || row.state == DELIVERY_HELD);
	delivery_row_finish(&row);
}

/* What succeeded is there, and nothing of what failed. */
static void scenario_check(struct scenario *c)
{
	int accepted = 0;
	struct webhook read;

	for (int i = 0; i < EVENTS; i++) {
		delivery_check(c, i);
		accepted += c->is_accepted[i];
	}
	assert_int_equal(world_sql(&c->w, "SELECT count(*) FROM event"), accepted);
	assert_int_equal(world_sql(&c->w, "SELECT count(*) FROM delivery"), accepted);
	assert_int_equal(world_sql(&c->w, "SELECT count(*) FROM seen"),
			 c->is_accepted[0] + c->is_accepted[2]);
	assert_int_equal(world_sql(&c->w, "SELECT count(*) FROM webhook"), 1 + c->is_added);
	assert_int_equal(world_sql(&c->w, "SELECT count(*) FROM channel"), 1 + 2 * c->is_added);
	assert_int_equal(world_sql(&c->w, "SELECT count(*) FROM target"), c->is_added);
	assert_int_equal(store_webhook_read(c->w.s, c->w.webhooks[0].id, &read), ERR_OK);
	assert_int_equal(read.is_active, !c->is_replaced);
	webhook_finish(&read);
}

/* The writer mends itself, without any caller's help. */
static void health_wait(struct scenario *c)
{
	const struct timespec turn = { .tv_nsec = 5000000 };

	for (int i = 0; store_health(c->w.s) != ERR_OK; i++) {
		assert_true(i < 2000);
		nanosleep(&turn, NULL);
	}
}

/* The disk is well again: everything works, with the counts of before. */
static void scenario_goes_on(struct scenario *c)
{
	health_wait(c);
	assert_int_equal(store_webhook_replace(c->w.s, &c->w.webhooks[0], STORE_WAITING_RELEASE),
			 ERR_OK);
	c->is_replaced = false;
	world_sweeps_wait(&c->w);
	assert_true(world_publish(&c->w, world_channel(&c->w, 0, 0), 0) != 0);
}

/* Returns whether anything failed. */
static bool scenario_with(unsigned what, int after, int code, bool for_good)
{
	struct scenario c;

	scenario_begin(&c, after % 2 == 0);
	fault_set(what, after, code, for_good);
	scenario_run(&c);
	fault_clear();
	const bool has_failed = atomic_load(&fault.failed) > 0;
	health_wait(&c);
	if (!for_good)
		scenario_check(&c);
	if (after % 3 == 0)
		world_reopen(&c.w);
	if (!for_good)
		scenario_check(&c);
	scenario_goes_on(&c);
	world_audit_ok(&c.w);
	world_reopen(&c.w);
	for (int i = 0; i < EVENTS; i++)
		delivery_check(&c, i);
	world_audit_ok(&c.w);
	world_end(&c.w);
	return has_failed;
}

static void every_step_may_fail_once(unsigned what, int code)
{
	int n = 1;

	while (scenario_with(what, n, code, false) && n < RARE_STEPS_MAX)
		n++;
	assert_in_range(n, 5, RARE_STEPS_MAX - 1);
}

static void every_write_may_fail(void **state)
{
	(void)state;
	every_step_may_fail_once(FAIL_WRITE, SQLITE_IOERR_WRITE);
}

static void every_write_may_find_the_disk_full(void **state)
{
	(void)state;
	every_step_may_fail_once(FAIL_WRITE, SQLITE_FULL);
}

static void every_sync_may_fail(void **state)
{
	(void)state;
	every_step_may_fail_once(FAIL_SYNC, SQLITE_IOERR_FSYNC);
}

static void the_disk_may_stay_full(void **state)
{
	(void)state;
	for (int n = 1; n < 60; n += 4)
		(void)scenario_with(FAIL_WRITE | FAIL_SYNC, n, SQLITE_FULL, true);
}

/* Also with a sweep under way: neither lost, nor a spin, nor a crash. */
static void a_sweep_outlives_a_bad_disk(void **state)
{
	struct scenario c;

	(void)state;
	scenario_begin(&c, false);
	const int64_t to = world_channel(&c.w, 0, 0);
	for (int i = 0; i < 300; i++)
		world_publish(&c.w, to, 0);
	c.w.webhooks[0].is_active = false;
	assert_int_equal(store_webhook_replace(c.w.s, &c.w.webhooks[0], STORE_WAITING_HOLD),
			 ERR_OK);
	fault_set(FAIL_WRITE, 1, SQLITE_IOERR_WRITE, true);
	for (int i = 0; i < 3; i++) {
		struct settle x = settle_make(to, 1, DELIVERY_DELIVERED);

		(void)world_settle_all(&c.w, &x, 1);
	}
	fault_clear();
	world_sweeps_wait(&c.w);
	assert_int_equal(world_state_count(&c.w, to, DELIVERY_HELD), 300);
	world_audit_ok(&c.w);
	world_end(&c.w);
}

/* --- Retention ------------------------------------------------------------------------ */

enum { OLD_EVENTS = 90 };

static void old_events_make(struct scenario *c)
{
	static struct settle ends[OLD_EVENTS];
	const int64_t to = world_channel(&c->w, 0, 0);
	struct publish p;

	for (int i = 0; i < OLD_EVENTS; i++) {
		char name[16];

		snprintf(name, sizeof(name), "old-%d", i);
		publish_fill(&c->w, &p, i % 4 == 0 ? name : NULL, &to, 1);
		assert_int_equal(store_accept(c->w.s, &p.accept), ERR_OK);
		ends[i] = settle_make(to, p.targets[0].delivery_id,
				      i % 5 == 0 ? DELIVERY_FAILED : DELIVERY_DELIVERED);
		ends[i].due_ms = p.event.accepted_at_ms;
	}
	/* The last one stays due. */
	assert_int_equal(world_settle_all(&c->w, ends, OLD_EVENTS - 1), ERR_OK);
}

/* All that is old goes, however often a slice fails; and what is accepted meanwhile
 * is there, and nothing that was refused. */
static bool retention_with(unsigned what, int after, int code)
{
	struct scenario c;
	bool is_accepted[4];
	int accepted = 0;

	scenario_begin(&c, true);
	old_events_make(&c);
	c.w.retention.max_age_ms = 1;
	fault_set(what, after, code, false);
	world_close(&c.w);
	struct why why = { "" };
	while (world_open_as(c.w.path, &c.w.retention, &c.w.s, &why) != ERR_OK)
		continue; /* the fault hit the opening: as it does an administrator's */
	for (size_t i = 0; i < COUNT_OF(is_accepted); i++) {
		struct publish p;
		const int64_t to = world_channel(&c.w, 0, 0);

		publish_fill(&c.w, &p, NULL, &to, 1);
		is_accepted[i] = worked(store_accept(c.w.s, &p.accept));
		accepted += is_accepted[i];
	}
	fault_clear();
	const bool has_failed = atomic_load(&fault.failed) > 0;
	health_wait(&c);
	world_wait(&c.w, "SELECT count(*) FROM event", 1 + accepted);
	world_wait(&c.w, "SELECT count(*) FROM seen", 0);
	assert_int_equal(world_sql(&c.w, "SELECT count(*) FROM delivery"), 1 + accepted);
	assert_int_equal(world_sql(&c.w, "SELECT count(*) FROM attempt"), 0);
	world_audit_ok(&c.w);
	world_reopen(&c.w);
	world_audit_ok(&c.w);
	world_end(&c.w);
	return has_failed;
}

static void retention_outlives_a_bad_disk(void **state)
{
	static const struct {
		unsigned what;
		int code;
	} kinds[] = { { FAIL_WRITE, SQLITE_IOERR_WRITE },
		      { FAIL_WRITE, SQLITE_FULL },
		      { FAIL_SYNC, SQLITE_IOERR_FSYNC } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		int n = 1;

		while (retention_with(kinds[i].what, n, kinds[i].code) && n < RARE_STEPS_MAX)
			n += kinds[i].what == FAIL_WRITE && n > 30 ? 7 : 1;
		assert_in_range(n, 5, RARE_STEPS_MAX - 1);
	}
}

/* The memory is read again, or the store stays shut: never with a part of it. */
static void recovery_may_fail_too(void **state)
{
	(void)state;
	for (int reads = 1; reads <= 24; reads++) {
		struct scenario c;
		struct publish p;
		bool is_done = false;

		scenario_begin(&c, true);
		const int64_t to = world_channel(&c.w, 0, 0);
		world_publish(&c.w, to, 0);
		fault_set(FAIL_WRITE, 1, SQLITE_IOERR_WRITE, false);
		atomic_store(&fault.reads_left, reads);
		for (int i = 0; i < 100 && !is_done; i++) {
			publish_fill(&c.w, &p, NULL, &to, 1);
			is_done = worked(store_accept(c.w.s, &p.accept));
		}
		fault_clear();
		assert_true(is_done && p.targets[0].delivery_id != 0);
		world_audit_ok(&c.w);
		assert_int_equal(world_state_count(&c.w, to, DELIVERY_DUE), 2);
		world_end(&c.w);
	}
}

/* What a failed sync left in the log is no event after a crash. */
static void a_crash_brings_nothing_back(void **state)
{
	struct scenario c;
	struct publish p;
	struct world crashed;

	(void)state;
	scenario_begin(&c, true);
	const int64_t to = world_channel(&c.w, 0, 0);
	publish_fill(&c.w, &p, NULL, &to, 1);
	fault_set(FAIL_SYNC, 1, SQLITE_IOERR_FSYNC, false);
	assert_int_equal(store_accept(c.w.s, &p.accept), ERR_IO);
	fault_clear();
	memset(&crashed, 0, sizeof(crashed));
	snprintf(crashed.path, sizeof(crashed.path), "%s/crash", c.w.folder);
	char *log = xformat("%s-wal", c.w.path), *log_copy = xformat("%s-wal", crashed.path);
	file_copy(c.w.path, crashed.path);
	file_copy(log, log_copy);
	assert_int_equal(world_sql(&crashed, "SELECT count(*) FROM webhook"), 1);
	assert_int_equal(world_sql(&crashed, "SELECT count(*) FROM event"), 0);
	assert_int_equal(unlink(crashed.path), 0);
	free(log);
	free(log_copy);
	world_end(&c.w);
}

/* A batch that fails is told so once, and may be given again. */
static void a_settle_that_failed_may_come_again(void **state)
{
	struct scenario c;

	(void)state;
	scenario_begin(&c, true);
	const int64_t to = world_channel(&c.w, 0, 0);
	struct settle x = settle_make(to, world_publish(&c.w, to, 0), DELIVERY_DELIVERED);
	fault_set(FAIL_WRITE | FAIL_SYNC, 1, SQLITE_IOERR_WRITE, true);
	for (int i = 0; i < 4; i++)
		assert_int_equal(world_settle_all(&c.w, &x, 1), ERR_IO);
	assert_int_equal(store_health(c.w.s), ERR_IO);
	fault_clear();
	health_wait(&c);
	assert_int_equal(world_settle_all(&c.w, &x, 1), ERR_OK);
	assert_int_equal(world_state_count(&c.w, to, DELIVERY_DELIVERED), 1);
	world_audit_ok(&c.w);
	world_end(&c.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_write_may_fail),
		cmocka_unit_test(every_write_may_find_the_disk_full),
		cmocka_unit_test(every_sync_may_fail),
		cmocka_unit_test(the_disk_may_stay_full),
		cmocka_unit_test(a_sweep_outlives_a_bad_disk),
		cmocka_unit_test(retention_outlives_a_bad_disk),
		cmocka_unit_test(recovery_may_fail_too),
		cmocka_unit_test(a_crash_brings_nothing_back),
		cmocka_unit_test(a_settle_that_failed_may_come_again),
	};

	return IS_SKIPPED != 0 ? IS_SKIPPED : cmocka_run_group_tests(tests, vfs_install, NULL);
}
