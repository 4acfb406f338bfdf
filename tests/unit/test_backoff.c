/* test_backoff.c - the schedule, jitter, Retry-After and the age limit.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "model/backoff.h"

static const int64_t pauses[] = { SECONDS_MS(5), MINUTES_MS(5), HOURS_MS(24) };
static const struct backoff schedule = { pauses, COUNT_OF(pauses), 20, DAYS_MS(5), HOURS_MS(24) };

static void test_schedule(void **state)
{
	static const struct {
		unsigned attempts;
		int64_t age_ms, asked_ms;
		uint32_t random;
		int64_t wait_ms; /* -1: no more */
		const char *reason;
	} cases[] = {
		{ 1, 0, 0, 0, 5000, NULL },
		{ 1, 0, 0, UINT32_MAX, 5999, NULL },
		{ 1, 0, 0, UINT32_C(0x80000000), 5500, NULL },
		{ 2, 0, 0, 0, 300000, NULL },
		{ 3, 0, 0, UINT32_MAX, HOURS_MS(24) * 12 / 10 - 264, NULL },
		{ 4, 0, 0, 0, -1, "schedule" },
		{ 400, 0, SECONDS_MS(1), 0, -1, "schedule" },
		/* Retry-After only lengthens, and not without end. */
		{ 1, 0, 4000, 0, 5000, NULL },
		{ 1, 0, 7000, 0, 7000, NULL },
		{ 1, 0, DAYS_MS(3), 0, HOURS_MS(24), NULL },
		{ 1, 0, -5, 0, 5000, NULL },
		{ 1, 0, INT64_MAX, 0, HOURS_MS(24), NULL },
		/* The next moment counts, not this one. */
		{ 1, DAYS_MS(5) - 5000, 0, 0, 5000, NULL },
		{ 1, DAYS_MS(5) - 4999, 0, 0, -1, "age" },
		{ 1, DAYS_MS(5), 0, 0, -1, "age" },
		{ 1, DAYS_MS(4) + 1, HOURS_MS(24), 0, -1, "age" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const int64_t now_ms = INT64_C(1800000000000);
		int64_t due_ms = -1;
		const char *reason = NULL;
		const struct backoff_case c = { cases[i].attempts, now_ms, now_ms - cases[i].age_ms,
						cases[i].asked_ms, cases[i].random };
		const bool more = backoff_next(&schedule, &c, &due_ms, &reason);

		if (more != (cases[i].wait_ms >= 0) ||
		    (more && due_ms - now_ms != cases[i].wait_ms) ||
		    (!more && strstr(reason, cases[i].reason) == NULL))
			fail_msg("row %zu: %lld", i, (long long)(due_ms - now_ms));
	}
}

static void test_no_jitter(void **state)
{
	struct backoff plain = schedule;
	const struct backoff_case c = { 1, 1000, 1000, 0, UINT32_MAX };
	int64_t due_ms = 0;
	const char *reason = NULL;

	(void)state;
	plain.jitter_percent = 0;
	assert_true(backoff_next(&plain, &c, &due_ms, &reason));
	assert_int_equal(due_ms, 6000);
	plain.pause_count = 0;
	assert_false(backoff_next(&plain, &c, &due_ms, &reason));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schedule),
		cmocka_unit_test(test_no_jitter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
