/* test_reader.c - wishes gathered and read together, off the loop's thread.
 * SPDX-License-Identifier: MIT
 * The store is a stand-in that notes what it is asked and can be made to wait. */
#include "delivery/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/log.h"

enum { WANTS_MAX = 400, READS_MAX = 16, AT_ONCE = 64, RELOADS_MAX = 40 };

/* All under lock; changed tells of any change. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct {
	bool is_held;  /* the store waits */
	bool is_in_it; /* somebody waits in it */
	enum err rc;
	size_t reads, sizes[READS_MAX]; /* wishes of each reading */
	struct store_want wants[WANTS_MAX];
	size_t want_count;
	size_t payload_max_bytes;
	int64_t now_ms;
	size_t arrived, work_count;
	int64_t next_due_ms; /* of the last wish that arrived */
	int64_t reloads[RELOADS_MAX];
	size_t reload_count;
	bool on_own_thread;
} seen;
static pthread_t test_thread;
static struct reader *reader;

enum err store_work_read(struct store *s, const struct store_work_query *q, struct work *work,
			 size_t *out_count)
{
	(void)s;
	pthread_mutex_lock(&lock);
	seen.is_in_it = true;
	pthread_cond_broadcast(&changed);
	while (seen.is_held)
		pthread_cond_wait(&changed, &lock);
	seen.is_in_it = false;
	if (seen.reads < READS_MAX)
		seen.sizes[seen.reads] = q->want_count;
	seen.reads++;
	seen.payload_max_bytes = q->payload_max_bytes;
	seen.now_ms = q->now_ms;
	*out_count = 0;
	for (size_t i = 0; i < q->want_count; i++) {
		if (seen.want_count < WANTS_MAX)
			seen.wants[seen.want_count++] = q->wants[i];
		/* As the real one may: one more of each than is taken. */
		for (unsigned n = 0; n <= q->wants[i].room; n++)
			work[(*out_count)++] = (struct work){ .delivery_id = n + 1 };
		q->wants[i].next_due_ms = q->wants[i].destination * 10;
		q->wants[i].taken = q->wants[i].room;
	}
	const enum err rc = seen.rc;

	pthread_mutex_unlock(&lock);
	return rc;
}

static void arrived(void *ctx, struct read_result *r)
{
	pthread_mutex_lock(&lock);
	assert_ptr_equal(ctx, &seen);
	seen.arrived += r->want_count;
	seen.work_count += r->work_count;
	seen.next_due_ms = r->wants[r->want_count - 1].next_due_ms;
	seen.on_own_thread = !pthread_equal(pthread_self(), test_thread);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	read_result_destroy(r);
}

static void reload(void *ctx, int64_t webhook)
{
	pthread_mutex_lock(&lock);
	assert_ptr_equal(ctx, &seen);
	if (seen.reload_count < RELOADS_MAX)
		seen.reloads[seen.reload_count++] = webhook;
	seen.on_own_thread = !pthread_equal(pthread_self(), test_thread);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static int setup(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	test_thread = pthread_self();
	reader = reader_create(&(struct reader_parts){
		.payload_max_bytes = 777, .arrived = arrived, .reload = reload, .ctx = &seen });
	return 0;
}

static void hold(bool is_held)
{
	pthread_mutex_lock(&lock);
	seen.is_held = is_held;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static int teardown(void **state)
{
	(void)state;
	hold(false);
	reader_destroy(reader);
	return 0;
}

/* Until so many wishes have arrived, or webhooks were read again. */
static void counter_wait(const size_t *counter, size_t count)
{
	pthread_mutex_lock(&lock);
	while (*counter < count)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static void store_wait(void)
{
	pthread_mutex_lock(&lock);
	while (!seen.is_in_it)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

/* --- Wishes ---------------------------------------------------------------------- */

static void a_wish_is_read(void **state)
{
	const int64_t before_ms = clock_wall_ms();

	(void)state;
	assert_int_equal(reader_start(reader), ERR_OK);
	reader_want(reader, 42, 5);
	counter_wait(&seen.arrived, 1);
	assert_int_equal(seen.want_count, 1);
	assert_int_equal(seen.wants[0].destination, 42);
	assert_int_equal(seen.wants[0].room, 5);
	assert_int_equal(seen.payload_max_bytes, 777);
	assert_true(seen.now_ms >= before_ms && seen.now_ms <= clock_wall_ms());
	assert_int_equal(seen.work_count, 6);
	assert_int_equal(seen.next_due_ms, 420);
	assert_true(seen.on_own_thread);
}

/* What was wished before the start is not forgotten. */
static void before_the_start(void **state)
{
	(void)state;
	reader_want(reader, 1, 0);
	reader_reload(reader, 9);
	assert_int_equal(seen.want_count, 0);
	assert_int_equal(reader_start(reader), ERR_OK);
	counter_wait(&seen.arrived, 1);
	counter_wait(&seen.reload_count, 1);
	assert_int_equal(seen.reloads[0], 9);
}

static void those_that_gather_are_read_together(void **state)
{
	static const struct {
		size_t wishes, reads;
		size_t sizes[4]; /* after the first one, which holds the others up */
	} cases[] = {
		{ 1, 1, { 1 } },
		{ 3, 1, { 3 } },
		{ AT_ONCE, 1, { AT_ONCE } },
		{ AT_ONCE + 1, 2, { AT_ONCE, 1 } },
		{ 3 * AT_ONCE - 1, 3, { AT_ONCE, AT_ONCE, AT_ONCE - 1 } },
	};

	(void)state;
	assert_int_equal(reader_start(reader), ERR_OK);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		pthread_mutex_lock(&lock);
		memset(&seen, 0, sizeof(seen));
		pthread_mutex_unlock(&lock);
		hold(true);
		reader_want(reader, 1000, 1);
		store_wait();
		for (size_t n = 0; n < cases[i].wishes; n++)
			reader_want(reader, (int64_t)n, (unsigned)n % 7);
		hold(false);
		counter_wait(&seen.arrived, 1 + cases[i].wishes);
		assert_int_equal(seen.reads, 1 + cases[i].reads);
		for (size_t n = 0; n < cases[i].reads; n++)
			assert_int_equal(seen.sizes[1 + n], cases[i].sizes[n]);
		/* In the order in which they came. */
		for (size_t n = 0; n < cases[i].wishes; n++) {
			assert_int_equal(seen.wants[1 + n].destination, n);
			assert_int_equal(seen.wants[1 + n].room, n % 7);
		}
	}
}

/* The store cannot answer: ask again in a while, and nothing was taken. */
static void a_reading_that_fails(void **state)
{
	static const enum err causes[] = { ERR_BUSY, ERR_IO, ERR_CORRUPT, ERR_MEMORY };

	(void)state;
	assert_int_equal(reader_start(reader), ERR_OK);
	for (size_t i = 0; i < COUNT_OF(causes); i++) {
		pthread_mutex_lock(&lock);
		seen.rc = causes[i];
		pthread_mutex_unlock(&lock);
		reader_want(reader, 42, 5);
		counter_wait(&seen.arrived, i + 1);
		assert_int_equal(seen.work_count, 0);
		assert_int_equal(seen.next_due_ms, seen.now_ms + 1000);
	}
}

/* --- Webhooks -------------------------------------------------------------------- */

static void webhooks_are_read_again(void **state)
{
	bool has[RELOADS_MAX + 1] = { false };

	(void)state;
	assert_int_equal(reader_start(reader), ERR_OK);
	hold(true);
	reader_want(reader, 1, 1);
	store_wait();
	for (int64_t id = 1; id <= RELOADS_MAX; id++)
		reader_reload(reader, id);
	hold(false);
	counter_wait(&seen.reload_count, RELOADS_MAX);
	for (size_t i = 0; i < RELOADS_MAX; i++) {
		assert_true(seen.reloads[i] >= 1 && seen.reloads[i] <= RELOADS_MAX);
		has[seen.reloads[i]] = true;
	}
	for (size_t id = 1; id <= RELOADS_MAX; id++)
		assert_true(has[id]);
	assert_true(seen.on_own_thread);
}

/* --- Stopping -------------------------------------------------------------------- */

static void *stop_run(void *arg)
{
	reader_stop(arg);
	return NULL;
}

/* It finishes what it is at and begins nothing more. */
static void stop_during_a_reading(void **state)
{
	pthread_t stopper;

	(void)state;
	assert_int_equal(reader_start(reader), ERR_OK);
	hold(true);
	reader_want(reader, 1, 1);
	store_wait();
	for (size_t i = 0; i < 2 * AT_ONCE; i++)
		reader_want(reader, 2, 1);
	assert_int_equal(pthread_create(&stopper, NULL, stop_run, reader), 0);
	hold(false);
	pthread_join(stopper, NULL);
	const size_t arrivals = seen.arrived;

	assert_true(arrivals >= 1);
	reader_want(reader, 3, 1); /* too late, and harmless */
	reader_stop(reader);       /* twice */
	assert_int_equal(seen.arrived, arrivals);
}

static void never_started(void **state)
{
	(void)state;
	reader_want(reader, 1, 1);
	reader_stop(reader);
	assert_int_equal(seen.want_count, 0);
	reader_destroy(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_wish_is_read),
		TEST(before_the_start),
		TEST(those_that_gather_are_read_together),
		TEST(a_reading_that_fails),
		TEST(webhooks_are_read_again),
		TEST(stop_during_a_reading),
		TEST(never_started),
	};

	log_level_set(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
