/* test_writer.c - group commit against a driver in memory.
 * SPDX-License-Identifier: MIT
 * The driver keeps a list of numbers; a transaction appends, rolling back cuts. */
#include "store/writer.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS_MAX = 4096, TURNS_MAX = 20000, PATIENT_MS = 1000 };

struct table {
	struct writer *writer;
	int rows[ROWS_MAX];
	size_t count, committed, unit_at;
	uint64_t changes;
	bool is_open, has_savepoint;
	_Atomic int commits, rollbacks, undone, recovered, slices;
	_Atomic int begin_rc, commit_rc, recover_rc;
	_Atomic int slices_wanted, slice_wait_ms, slices_riding, slices_alone;
	_Atomic int slice_rc;
};

static enum err table_begin(void *ctx)
{
	struct table *t = ctx;

	assert_false(t->is_open);
	t->is_open = atomic_load(&t->begin_rc) == ERR_OK;
	return (enum err)atomic_load(&t->begin_rc);
}

static void table_rollback(void *ctx)
{
	struct table *t = ctx;

	assert_true(t->is_open);
	t->is_open = false;
	t->count = t->committed;
	atomic_fetch_add(&t->rollbacks, 1);
}

static enum err table_commit(void *ctx)
{
	struct table *t = ctx;
	const enum err rc = (enum err)atomic_load(&t->commit_rc);

	assert_true(t->is_open);
	if (rc != ERR_OK) {
		table_rollback(ctx);
		return rc;
	}
	t->is_open = false;
	t->committed = t->count;
	atomic_fetch_add(&t->commits, 1);
	return ERR_OK;
}

static enum err table_unit_begin(void *ctx)
{
	struct table *t = ctx;

	t->unit_at = t->count;
	return ERR_OK;
}

static enum err table_unit_keep(void *ctx)
{
	(void)ctx;
	return ERR_OK;
}

static void table_unit_undo(void *ctx)
{
	struct table *t = ctx;

	t->count = t->unit_at;
	atomic_fetch_add(&t->undone, 1);
}

static uint64_t table_changes(void *ctx)
{
	return ((struct table *)ctx)->changes;
}

static enum err table_recover(void *ctx)
{
	struct table *t = ctx;

	atomic_fetch_add(&t->recovered, 1);
	return (enum err)atomic_load(&t->recover_rc);
}

static int64_t table_slice_wait_ms(void *ctx)
{
	const struct table *t = ctx;

	return atomic_load(&t->slices_wanted) > 0 ? atomic_load(&t->slice_wait_ms) : INT64_MAX;
}

static enum err slice_run(void *driver, struct unit *u)
{
	struct table *t = driver;

	(void)u;
	atomic_fetch_add(&t->slices, 1);
	return (enum err)atomic_load(&t->slice_rc);
}

static void slice_committed(void *driver, struct unit *u)
{
	(void)u;
	atomic_fetch_sub(&((struct table *)driver)->slices_wanted, 1);
}

static void slice_finished(struct unit *u)
{
	free(u);
}

static struct unit *table_slice(void *ctx, size_t weight)
{
	struct table *t = ctx;

	if (atomic_load(&t->slices_wanted) <= 0 ||
	    (weight == 0 && atomic_load(&t->slice_wait_ms) > PATIENT_MS))
		return NULL;
	struct unit *u = calloc(1, sizeof(*u));

	assert_non_null(u);
	atomic_fetch_add(weight > 0 ? &t->slices_riding : &t->slices_alone, 1);
	u->run = slice_run;
	u->committed = slice_committed;
	u->finished = slice_finished;
	return u;
}

static void table_settled(void *ctx, bool is_idle)
{
	(void)is_idle;
	assert_false(((struct table *)ctx)->is_open);
}

static void table_start(struct table *t)
{
	const struct writer_driver driver = {
		.ctx = t,
		.begin = table_begin,
		.commit = table_commit,
		.rollback = table_rollback,
		.unit_begin = table_unit_begin,
		.unit_keep = table_unit_keep,
		.unit_undo = table_unit_undo,
		.changes = table_changes,
		.recover = table_recover,
		.slice_wait_ms = table_slice_wait_ms,
		.slice = table_slice,
		.settled = table_settled,
	};

	memset(t, 0, sizeof(*t));
	t->writer = writer_create(&driver);
	assert_non_null(t->writer);
}

static void table_end(struct table *t)
{
	writer_stop(t->writer);
	writer_destroy(t->writer);
}

static void wait_for(_Atomic int *counter, int least)
{
	const struct timespec turn = { .tv_nsec = 500000 };

	for (int i = 0; atomic_load(counter) < least; i++) {
		assert_true(i < TURNS_MAX);
		nanosleep(&turn, NULL);
	}
}

/* Appends value twice; fails with rc before, between or after. */
struct put {
	struct unit unit;
	int value, after; /* rows before it fails */
	enum err fails;
	_Atomic int finished;
	bool is_committed;
};

static enum err put_run(void *driver, struct unit *u)
{
	struct table *t = driver;
	const struct put *p = (struct put *)u;

	for (int i = 0; i < 2; i++) {
		if (p->fails != ERR_OK && p->after == i)
			return p->fails;
		assert_true(t->count < ROWS_MAX);
		t->rows[t->count++] = p->value;
		t->changes++;
	}
	return p->fails;
}

static void put_committed(void *driver, struct unit *u)
{
	(void)driver;
	((struct put *)u)->is_committed = true;
}

static void put_finished(struct unit *u)
{
	atomic_fetch_add(&((struct put *)u)->finished, 1);
}

static struct put put_make(int value, enum err fails, int after)
{
	return (struct put){ .unit = { .run = put_run,
				       .committed = put_committed,
				       .finished = put_finished,
				       .weight = 2 },
			     .value = value,
			     .fails = fails,
			     .after = after };
}

static size_t rows_of(const struct table *t, int value)
{
	size_t count = 0;

	for (size_t i = 0; i < t->committed; i++)
		count += t->rows[i] == value;
	return count;
}

/* A unit that holds the writer until the others wait behind it. */
struct gate {
	struct put put;
	_Atomic int entered, opened;
};

static enum err gate_run(void *driver, struct unit *u)
{
	struct gate *g = (struct gate *)u;

	(void)driver;
	atomic_store(&g->entered, 1);
	wait_for(&g->opened, 1);
	return ERR_OK;
}

static void gate_shut(struct table *t, struct gate *g)
{
	*g = (struct gate){ .put = put_make(0, ERR_OK, 0) };
	g->put.unit.run = gate_run;
	writer_submit(t->writer, &g->put.unit);
	wait_for(&g->entered, 1);
}

static void gate_open(struct gate *g)
{
	atomic_store(&g->opened, 1);
	wait_for(&g->put.finished, 1);
}

static void a_failing_unit_is_undone_alone(void **state)
{
	static const struct {
		enum err fails;
		int after, undone;
	} rows[] = {
		{ ERR_CONFLICT, 0, 0 }, /* wrote nothing: nothing to undo */
		{ ERR_CONFLICT, 1, 1 },
		{ ERR_NOT_FOUND, 2, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct table t;
		struct gate gate;
		struct put puts[3] = { put_make(1, ERR_OK, 0),
				       put_make(2, rows[i].fails, rows[i].after),
				       put_make(3, ERR_OK, 0) };

		table_start(&t);
		gate_shut(&t, &gate);
		for (int k = 0; k < 3; k++)
			writer_submit(t.writer, &puts[k].unit);
		gate_open(&gate);
		for (int k = 0; k < 3; k++)
			wait_for(&puts[k].finished, 1);
		table_end(&t);
		for (int k = 0; k < 3; k++) {
			assert_int_equal(puts[k].unit.rc, k == 1 ? rows[i].fails : ERR_OK);
			assert_int_equal(puts[k].is_committed, k != 1);
			assert_int_equal(rows_of(&t, k + 1), k == 1 ? 0 : 2);
			assert_int_equal(atomic_load(&puts[k].finished), 1);
		}
		assert_int_equal(atomic_load(&t.undone), rows[i].undone);
		assert_int_equal(atomic_load(&t.commits), 2); /* the gate's, and one for all */
		assert_int_equal(atomic_load(&t.recovered), 0);
	}
}

static void a_bad_disk_sinks_the_batch(void **state)
{
	static const enum err fatal[] = { ERR_IO, ERR_FULL, ERR_CORRUPT, ERR_BUSY };

	(void)state;
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
		struct table t;
		struct gate gate;
		struct put puts[2] = { put_make(1, ERR_OK, 0), put_make(2, fatal[i], 1) };
		struct put later = put_make(3, ERR_OK, 0);

		table_start(&t);
		gate_shut(&t, &gate);
		for (int k = 0; k < 2; k++)
			writer_submit(t.writer, &puts[k].unit);
		gate_open(&gate);
		for (int k = 0; k < 2; k++) {
			wait_for(&puts[k].finished, 1);
			assert_int_equal(puts[k].unit.rc, fatal[i]);
			assert_false(puts[k].is_committed);
		}
		assert_int_equal(writer_run(t.writer, &later.unit), ERR_OK);
		assert_int_equal(writer_health(t.writer), ERR_OK);
		table_end(&t);
		assert_int_equal(t.committed, 2);
		if (fatal[i] != ERR_BUSY)
			assert_true(atomic_load(&t.recovered) > 0);
	}
}

static void a_failed_commit_is_told_and_mended(void **state)
{
	struct table t;
	struct put first = put_make(1, ERR_OK, 0), second = put_make(2, ERR_OK, 0);

	(void)state;
	table_start(&t);
	atomic_store(&t.commit_rc, ERR_FULL);
	atomic_store(&t.recover_rc, ERR_IO);
	assert_int_equal(writer_run(t.writer, &first.unit), ERR_FULL);
	assert_int_equal(writer_health(t.writer), ERR_IO);
	assert_false(first.is_committed);
	/* Nobody asks, and yet it tries again. */
	wait_for(&t.recovered, 2);
	atomic_store(&t.commit_rc, ERR_OK);
	atomic_store(&t.recover_rc, ERR_OK);
	const struct timespec turn = { .tv_nsec = 500000 };
	for (int i = 0; writer_health(t.writer) != ERR_OK; i++) {
		assert_true(i < TURNS_MAX);
		nanosleep(&turn, NULL);
	}
	assert_int_equal(writer_run(t.writer, &second.unit), ERR_OK);
	table_end(&t);
	assert_int_equal(rows_of(&t, 1), 0);
	assert_int_equal(rows_of(&t, 2), 2);
}

static void nobody_waits_but_it_is_written(void **state)
{
	struct table t;
	struct put lazy = put_make(1, ERR_OK, 0);

	(void)state;
	table_start(&t);
	lazy.unit.is_lazy = true;
	writer_submit(t.writer, &lazy.unit);
	wait_for(&lazy.finished, 1);
	table_end(&t);
	assert_int_equal(rows_of(&t, 1), 2);
}

static void stopping_writes_what_waits(void **state)
{
	struct table t;
	struct gate gate;
	struct put before = put_make(1, ERR_OK, 0), lazy = put_make(2, ERR_OK, 0);
	struct put after = put_make(3, ERR_OK, 0);

	(void)state;
	table_start(&t);
	gate_shut(&t, &gate);
	writer_submit(t.writer, &before.unit);
	lazy.unit.is_lazy = true;
	writer_submit(t.writer, &lazy.unit);
	atomic_store(&gate.opened, 1);
	writer_stop(t.writer);
	assert_int_equal(atomic_load(&before.finished), 1);
	assert_int_equal(atomic_load(&lazy.finished), 1);
	writer_submit(t.writer, &after.unit);
	assert_int_equal(atomic_load(&after.finished), 1);
	assert_int_equal(after.unit.rc, ERR_STOPPING);
	assert_int_equal(writer_run(t.writer, &after.unit), ERR_STOPPING);
	table_end(&t);
	assert_int_equal(t.committed, 4);
}

/* Background work goes on by itself, and does not spin while it fails. */
static void slices_ride_along(void **state)
{
	struct table t;
	struct put put = put_make(1, ERR_OK, 0);

	(void)state;
	table_start(&t);
	atomic_store(&t.slice_rc, ERR_CONFLICT);
	atomic_store(&t.slices_wanted, 5);
	assert_int_equal(writer_run(t.writer, &put.unit), ERR_OK);
	wait_for(&t.slices, 3);
	assert_int_equal(atomic_load(&t.slices_wanted), 5);
	assert_in_range(atomic_load(&t.slices), 3, 20);
	atomic_store(&t.slice_rc, ERR_OK);
	writer_stop(t.writer);
	writer_destroy(t.writer);
	assert_in_range(atomic_load(&t.slices), 3, 20);
	table_start(&t);
	atomic_store(&t.slices_wanted, 5);
	assert_int_equal(writer_run(t.writer, &put.unit), ERR_OK);
	wait_for(&t.slices, 5);
	table_end(&t);
	assert_int_equal(atomic_load(&t.slices_wanted), 0);
}

/* Background work that may wait rides with others, and goes alone when its time is up. */
static void slices_wait_for_company(void **state)
{
	struct table t;
	struct put put = put_make(1, ERR_OK, 0);

	(void)state;
	table_start(&t);
	atomic_store(&t.slice_wait_ms, 60000);
	atomic_store(&t.slices_wanted, 1);
	assert_int_equal(writer_run(t.writer, &put.unit), ERR_OK);
	wait_for(&t.slices, 1);
	assert_int_equal(atomic_load(&t.slices_riding), 1);
	assert_int_equal(atomic_load(&t.slices_alone), 0);
	atomic_store(&t.slices_wanted, 0);
	put = put_make(2, ERR_OK, 0);
	assert_int_equal(writer_run(t.writer, &put.unit),
			 ERR_OK); /* it has seen that there is none */
	atomic_store(&t.slice_wait_ms, 5);
	atomic_store(&t.slices_wanted, 3);
	put = put_make(3, ERR_OK, 0);
	assert_int_equal(writer_run(t.writer, &put.unit), ERR_OK);
	wait_for(&t.slices, 4);
	assert_int_equal(atomic_load(&t.slices_riding) + atomic_load(&t.slices_alone), 4);
	assert_true(atomic_load(&t.slices_alone) >= 2);
	table_end(&t);
}

/* --- Many at once ------------------------------------------------------------------- */

enum { PUTTERS = 6, PUTS = 100 };

struct putter {
	pthread_t thread;
	struct table *t;
	int value, wrong;
};

static void *putter_run(void *arg)
{
	struct putter *me = arg;

	for (int i = 0; i < PUTS; i++) {
		const bool fails = me->value % 2 == 0;
		struct put put = put_make(me->value, fails ? ERR_CONFLICT : ERR_OK, i % 3);
		const enum err rc = writer_run(me->t->writer, &put.unit);

		me->wrong += rc != (fails ? ERR_CONFLICT : ERR_OK) || put.is_committed == fails;
	}
	return NULL;
}

static void many_threads_get_their_own_answer(void **state)
{
	struct table t;
	struct putter all[PUTTERS];

	(void)state;
	table_start(&t);
	for (int i = 0; i < PUTTERS; i++) {
		all[i] = (struct putter){ .t = &t, .value = i + 1 };
		assert_int_equal(pthread_create(&all[i].thread, NULL, putter_run, &all[i]), 0);
	}
	for (int i = 0; i < PUTTERS; i++)
		pthread_join(all[i].thread, NULL);
	table_end(&t);
	for (int i = 0; i < PUTTERS; i++) {
		assert_int_equal(all[i].wrong, 0);
		assert_int_equal(rows_of(&t, i + 1), i % 2 == 1 ? 0 : 2 * PUTS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failing_unit_is_undone_alone),
		cmocka_unit_test(a_bad_disk_sinks_the_batch),
		cmocka_unit_test(a_failed_commit_is_told_and_mended),
		cmocka_unit_test(nobody_waits_but_it_is_written),
		cmocka_unit_test(stopping_writes_what_waits),
		cmocka_unit_test(slices_ride_along),
		cmocka_unit_test(slices_wait_for_company),
		cmocka_unit_test(many_threads_get_their_own_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
