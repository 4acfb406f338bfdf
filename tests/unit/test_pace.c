/* test_pace.c - who must wait how long.
 * SPDX-License-Identifier: MIT */
#include "delivery/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const int64_t NOW = 1700000000000;

static void test_no_rate(void **state)
{
	const struct channel free_channel = { .target_rate = 0 };
	struct pace *p = pace_create();

	(void)state;
	for (int i = 0; i < 100; i++)
		assert_int_equal(pace_take(p, &free_channel, "t", NOW), 0);
	pace_destroy(p);
}

static void test_target_rate(void **state)
{
	const struct channel slack = { .target_rate = 1 }, other = { .target_rate = 1 };
	struct pace *p = pace_create();

	(void)state;
	assert_int_equal(pace_take(p, &slack, "a", NOW), 0);
	const int64_t again = pace_take(p, &slack, "a", NOW);

	/* A turn that comes up to 10 ms late does not push back the next. */
	assert_in_range(again, NOW + 990, NOW + 1000);
	assert_int_equal(pace_take(p, &slack, "a", again - 1), again);
	/* Other targets and other declarations are not held up. */
	assert_int_equal(pace_take(p, &slack, "b", NOW), 0);
	assert_int_equal(pace_take(p, &other, "a", NOW), 0);
	assert_int_equal(pace_take(p, &slack, "a", again), 0);
	pace_destroy(p);
}

static void test_channel_rate(void **state)
{
	const struct channel sms = { .channel_rate = 10 };
	struct pace *p = pace_create();
	int64_t now = NOW;
	int sent = 0;

	(void)state;
	/* Over ten seconds a hundred go out, whatever the targets. */
	for (; now < NOW + 10000; now++) {
		const char *target = sent % 2 == 0 ? "a" : "b";

		if (pace_take(p, &sms, target, now) == 0)
			sent++;
	}
	assert_in_range(sent, 100, 101);
	pace_destroy(p);
}

static void test_both_rates(void **state)
{
	const struct channel both = { .target_rate = 1, .channel_rate = 2 };
	struct pace *p = pace_create();

	(void)state;
	assert_int_equal(pace_take(p, &both, "a", NOW), 0);
	assert_in_range(pace_take(p, &both, "b", NOW), NOW + 490, NOW + 500);
	assert_in_range(pace_take(p, &both, "a", NOW + 600), NOW + 990, NOW + 1000);
	assert_int_equal(pace_take(p, &both, "b", NOW + 600), 0);
	pace_destroy(p);
}

/* Rows of the past are dropped; those that still hold somebody up are not. */
static void test_many_targets(void **state)
{
	const struct channel slack = { .target_rate = 1 };
	struct pace *p = pace_create();
	char target[24];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		snprintf(target, sizeof(target), "t%d", i);
		assert_int_equal(pace_take(p, &slack, target, NOW + i), 0);
	}
	assert_true(pace_take(p, &slack, "t19999", NOW + 20000) > 0);
	assert_int_equal(pace_take(p, &slack, "t0", NOW + 20000), 0);
	pace_destroy(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_rate),      cmocka_unit_test(test_target_rate),
		cmocka_unit_test(test_channel_rate), cmocka_unit_test(test_both_rates),
		cmocka_unit_test(test_many_targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
