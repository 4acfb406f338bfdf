/* test_schedule.c - turns, windows, rests and alarms with a made-up clock.
 * SPDX-License-Identifier: MIT */
#include "delivery/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/mem.h"

static const struct schedule_rules rules = {
	.window_start = 4, .window_max = 8, .queue_max = 16, .rest_max_ms = 5000
};

static struct item *item_make(int64_t destination, int64_t id)
{
	struct item *item = xcalloc(1, sizeof(*item));
	struct event none = { .type = { "a.b", 3 } };

	item->work.destination = destination;
	item->work.delivery_id = id;
	item->work.event = event_create(&none);
	return item;
}

static void item_free(struct item *item)
{
	event_drop(item->work.event);
	free(item);
}

static void fill(struct schedule *s, int64_t destination, int64_t organization, int count)
{
	struct destination *d = schedule_destination(s, destination, organization);

	for (int i = 0; i < count; i++)
		schedule_push(s, d, item_make(destination, i + 1), 0);
}

/* A receiver that never answers keeps its window, and nobody waits for it. */
static void window_bounds_one_destination(void **state)
{
	struct schedule *s = schedule_create(&rules);
	struct destination *d;
	struct item *item;
	int taken = 0;

	(void)state;
	fill(s, 1, 1, 100);
	while ((item = schedule_pop(s, 0, &d)) != NULL) {
		item_free(item);
		taken++;
	}
	assert_int_equal(taken, 4);
	fill(s, 2, 1, 1);
	item = schedule_pop(s, 0, &d);
	assert_non_null(item);
	assert_int_equal(d->id, 2);
	item_free(item);
	schedule_destroy(s);
}

/* One organization with many destinations delays another by one turn each. */
static void organizations_take_turns(void **state)
{
	struct schedule *s = schedule_create(&rules);
	struct destination *d;
	int before_other = 0;

	(void)state;
	for (int64_t i = 1; i <= 50; i++)
		fill(s, i, 1, 2);
	fill(s, 99, 2, 1);
	for (;; before_other++) {
		struct item *item = schedule_pop(s, 0, &d);

		assert_non_null(item);
		item_free(item);
		if (d->id == 99)
			break;
	}
	assert_true(before_other <= 1);
	schedule_destroy(s);
}

static void trouble_shrinks_and_rests(void **state)
{
	struct schedule *s = schedule_create(&rules);
	struct destination *d = schedule_destination(s, 1, 1);
	int64_t now_ms = 1000;

	(void)state;
	for (int round = 0; round < 4; round++) {
		d->rest_until_ms = 0;
		fill(s, 1, 1, 1);
		struct destination *got;
		struct item *item = schedule_pop(s, now_ms, &got);
		assert_non_null(item);
		item_free(item);
		schedule_done(s, d, TURN_TROUBLE, now_ms, 0, now_ms + 1);
		now_ms += 10;
	}
	assert_int_equal(d->window, 1);
	assert_true(d->rest_until_ms > now_ms - 10);
	fill(s, 1, 1, 1);
	struct destination *got;
	assert_null(schedule_pop(s, now_ms, &got)); /* it rests */
	assert_true(schedule_next_ms(s) == d->rest_until_ms);
	now_ms = d->rest_until_ms;
	assert_null(schedule_wake(s, now_ms));
	struct item *item = schedule_pop(s, now_ms, &got);
	assert_non_null(item);
	item_free(item);
	schedule_done(s, d, TURN_FINE, now_ms, 0, now_ms);
	assert_int_equal(d->trouble, 0);
	assert_int_equal(d->window, 2);
	schedule_destroy(s);
}

/* Attempts of one round that fail together count once. */
static void one_round_counts_once(void **state)
{
	struct schedule *s = schedule_create(&rules);
	struct destination *d = schedule_destination(s, 1, 1);

	(void)state;
	d->in_flight = 3;
	for (int i = 0; i < 3; i++)
		schedule_done(s, d, TURN_TROUBLE, 100, 0, 200 + i);
	assert_int_equal(d->trouble, 1);
	assert_int_equal(d->window, 2);
	schedule_destroy(s);
}

static void stored_work_is_read_when_due(void **state)
{
	struct schedule *s = schedule_create(&rules);
	struct destination *d = schedule_destination(s, 1, 1);

	(void)state;
	schedule_stored(s, d, 5000, 0);
	assert_true(schedule_next_ms(s) == 5000);
	assert_null(schedule_wake(s, 4999));
	assert_ptr_equal(schedule_wake(s, 5000), d);
	assert_true(d->is_reading);
	schedule_stored(s, d, 5001, 5000); /* came up meanwhile: kept for afterwards */
	assert_null(schedule_wake(s, 6000));
	d->is_reading = false;
	schedule_update(s, d, 6000);
	assert_ptr_equal(schedule_wake(s, 6000), d);
	schedule_destroy(s);
}

static void retry_after_rests(void **state)
{
	struct schedule *s = schedule_create(&rules);
	struct destination *d = schedule_destination(s, 1, 1);

	(void)state;
	d->in_flight = 1;
	schedule_done(s, d, TURN_TROUBLE, 0, 30000, 1000);
	assert_true(d->rest_until_ms == 31000);
	schedule_destroy(s);
}

static void the_oldest_says_what_it_waits_for(void **state)
{
	struct schedule *s = schedule_create(&rules);
	struct destination *d = schedule_destination(s, 1, 1);
	enum waiting_for kind = WAITING_KINDS;

	(void)state;
	assert_true(destination_oldest_ms(d, 1000, &kind) == INT64_MAX);
	schedule_stored(s, d, 700, 1000);
	assert_true(destination_oldest_ms(d, 699, &kind) == INT64_MAX); /* not due yet */
	assert_true(destination_oldest_ms(d, 1000, &kind) == 700);
	assert_int_equal(kind, WAITING_TURN);
	fill(s, 1, 1, 1); /* due at 0: older than what is stored */
	assert_true(destination_oldest_ms(d, 1000, &kind) == 0);
	d->in_flight = d->window;
	(void)!destination_oldest_ms(d, 1000, &kind);
	assert_int_equal(kind, WAITING_WINDOW);
	d->rest_until_ms = 2000;
	(void)!destination_oldest_ms(d, 1000, &kind);
	assert_int_equal(kind, WAITING_REST);
	schedule_destroy(s);
}

/* While memory is tight a destination keeps what its window sends next. */
static void tight_memory_lowers_the_limit(void **state)
{
	struct schedule *s = schedule_create(&rules);
	struct destination *d = schedule_destination(s, 1, 1);

	(void)state;
	assert_int_equal(schedule_limit(s, d), 16);
	schedule_memory_set(s, MEMORY_TIGHT);
	assert_int_equal(schedule_limit(s, d), 8);
	d->window = 1;
	assert_int_equal(schedule_limit(s, d), 2);
	d->in_memory = 1;
	schedule_stored(s, d, 0, 10);
	assert_null(schedule_wake(s, 10)); /* not read while one is left */
	d->in_memory = 0;
	schedule_update(s, d, 10);
	assert_ptr_equal(schedule_wake(s, 10), d);
	schedule_memory_set(s, MEMORY_ROOMY);
	assert_int_equal(schedule_limit(s, d), 16);
	schedule_destroy(s);
}

/* A restart finds destinations before it knows whose they are. */
static void organization_may_come_later(void **state)
{
	struct schedule *s = schedule_create(&rules);
	struct destination *d = schedule_destination(s, 1, 0);
	const struct line *unknown = d->line;

	(void)state;
	assert_ptr_equal(schedule_destination(s, 1, 5), d);
	assert_ptr_not_equal(d->line, unknown);
	assert_ptr_equal(schedule_destination(s, 1, 0), d);
	assert_ptr_not_equal(d->line, unknown);
	schedule_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(window_bounds_one_destination),
		cmocka_unit_test(organizations_take_turns),
		cmocka_unit_test(trouble_shrinks_and_rests),
		cmocka_unit_test(one_round_counts_once),
		cmocka_unit_test(stored_work_is_read_when_due),
		cmocka_unit_test(retry_after_rests),
		cmocka_unit_test(the_oldest_says_what_it_waits_for),
		cmocka_unit_test(tight_memory_lowers_the_limit),
		cmocka_unit_test(organization_may_come_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
