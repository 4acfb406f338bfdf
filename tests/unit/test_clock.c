/* test_clock.c - RFC 3339 both ways, and the clocks' units.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"

#define S(n) ((int64_t)(n)*1000000)

static const struct {
	const char *text;
	int64_t us;
} accepted[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "2026-11-24T07:55:00.123456Z", S(1795506900) + 123456 },
	{ "2026-11-24t07:55:00z", S(1795506900) },
	{ "2026-11-24T09:55:00+02:00", S(1795506900) },
	{ "2026-11-23T20:25:00.5-11:30", S(1795506900) + 500000 },
	{ "2026-11-24T07:55:00.1234567890123456789Z", S(1795506900) + 123456 },
	{ "2026-11-24T07:55:00-00:00", S(1795506900) },
	{ "2000-02-29T00:00:00Z", S(951782400) },
	{ "2024-02-29T23:59:59Z", S(1709251199) },
	{ "2016-12-31T23:59:60Z", S(1483228800) },
	{ "2017-01-01T00:59:60.25+01:00", S(1483228800) + 250000 },
	{ "9999-12-31T23:59:59.999999Z", S(253402300799) + 999999 },
};

static const char *const refused[] = {
	"",
	"2026-11-24",
	"2026-11-24T07:55Z",
	"2026-11-24 07:55:00Z",
	"2026-11-24T07:55:00",
	"2026-11-24T07:55:00.Z",
	"2026-11-24T07:55:00,5Z",
	"2026-11-24T07:55:00Zx",
	"2026-11-24T07:55:00Z ",
	" 2026-11-24T07:55:00Z",
	"2026-11-24T24:00:00Z",
	"2026-11-24T07:60:00Z",
	"2026-11-24T07:55:61Z",
	"2026-11-24T07:55:60Z",
	"2026-13-01T00:00:00Z",
	"2026-00-01T00:00:00Z",
	"2026-04-31T00:00:00Z",
	"2026-01-00T00:00:00Z",
	"2026-02-29T00:00:00Z",
	"2100-02-29T00:00:00Z",
	"1969-12-31T23:59:59Z",
	"1970-01-01T00:00:00+00:01",
	"9999-12-31T23:59:59-00:01",
	"9999-12-31T23:59:60Z",
	"2026-11-24T07:55:00+24:00",
	"2026-11-24T07:55:00+02:60",
	"2026-11-24T07:55:00+0200",
	"2026-11-24T07:55:00+02",
	"+026-11-24T07:55:00Z",
	"2026-1-24T07:55:00Z",
};

static void test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(accepted); i++) {
		int64_t us = -1;

		if (!time_parse(span_of(accepted[i].text), &us))
			fail_msg("refused: %s", accepted[i].text);
		if (us != accepted[i].us)
			fail_msg("%s gave %lld", accepted[i].text, (long long)us);
	}
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		int64_t us = 42;

		if (time_parse(span_of(refused[i]), &us))
			fail_msg("accepted: %s", refused[i]);
		assert_int_equal(us, 42);
	}
}

static void test_parse_stays_inside(void **state)
{
	const char text[] = "2026-11-24T07:55:00.5+01:00";
	int64_t us;

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++)
		assert_false(time_parse((struct span){ text, len }, &us));
	assert_true(time_parse(span_of(text), &us));
}

static void expect_format(int64_t us, const char *want)
{
	char text[TIME_TEXT_BYTES];

	time_format(us, text);
	assert_string_equal(text, want);
}

static void test_format(void **state)
{
	(void)state;
	expect_format(0, "1970-01-01T00:00:00.000000Z");
	expect_format(S(1795506900) + 123456, "2026-11-24T07:55:00.123456Z");
	expect_format(S(951782400), "2000-02-29T00:00:00.000000Z");
	expect_format(S(253402300799) + 999999, "9999-12-31T23:59:59.999999Z");
	/* What four digits cannot say is clamped. */
	expect_format(-1, "1970-01-01T00:00:00.000000Z");
	expect_format(INT64_MAX, "9999-12-31T23:59:59.999999Z");
}

/* Every day of four centuries against the C library's calendar. */
static void test_calendar(void **state)
{
	(void)state;
	for (int64_t day = 0; day < 160000; day++) {
		const time_t seconds = (time_t)(day * 86400 + day % 86400);
		char want[TIME_TEXT_BYTES], got[TIME_TEXT_BYTES];
		struct tm tm;
		int64_t back;

		assert_non_null(gmtime_r(&seconds, &tm));
		strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S.000007Z", &tm);
		time_format(S(seconds) + 7, got);
		assert_string_equal(got, want);
		assert_true(time_parse(span_of(got), &back));
		assert_int_equal(back, S(seconds) + 7);
	}
}

static void test_clocks(void **state)
{
	const int64_t wall_us = clock_wall_us(), wall_ms = clock_wall_ms();
	const int64_t mono_us = clock_mono_us(), mono_ms = clock_mono_ms();

	(void)state;
	assert_true(wall_us > S(1700000000));
	assert_in_range(wall_ms - wall_us / 1000, 0, 60000);
	assert_true(mono_us > 0);
	assert_in_range(mono_ms - mono_us / 1000, 0, 60000);
	assert_int_equal(SECONDS_MS(2), 2000);
	assert_int_equal(MINUTES_MS(2), 120000);
	assert_int_equal(HOURS_MS(2), 7200000);
	assert_int_equal(DAYS_MS(30), INT64_C(2592000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),  cmocka_unit_test(test_parse_stays_inside),
		cmocka_unit_test(test_format), cmocka_unit_test(test_calendar),
		cmocka_unit_test(test_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
