/* test_value_text.c - units of times and sizes, addresses and numbers.
 * SPDX-License-Identifier: MIT */
#include "conf/value_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/settings.h"

static void times_and_sizes(void **state)
{
	static const struct {
		const char *text;
		int64_t time_ms, size_bytes; /* -1: refused */
	} cases[] = {
		{ "0", 0, 0 },
		{ "250ms", 250, -1 },
		{ "10s", 10000, -1 },
		{ "5m", 300000, -1 },
		{ "2h", 7200000, -1 },
		{ "7d", 604800000, -1 },
		{ "512", -1, 512 },
		{ "256K", -1, 256 << 10 },
		{ "16M", -1, 16 << 20 },
		{ "", -1, -1 },
		{ "s", -1, -1 },
		{ "-1s", -1, -1 },
		{ "+1s", -1, -1 },
		{ " 1s", -1, -1 },
		{ "1 s", -1, -1 },
		{ "1s ", -1, -1 },
		{ "1.5h", -1, -1 },
		{ "1S", -1, -1 },
		{ "1k", -1, -1 },
		{ "1KB", -1, -1 },
		{ "0x10", -1, -1 },
		{ "00", -1, 0 },
		{ "2G", -1, INT64_C(2) << 30 },
		{ "9223372036854775807ms", INT64_MAX, -1 },
		{ "9223372036854775808ms", -1, -1 },
		{ "9223372036854775807s", -1, -1 },
		{ "9223372036854775807", -1, INT64_MAX },
		{ "99999999999999999999", -1, -1 },
		{ "8589934592G", -1, -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t time_ms = -1, size_bytes = -1;

		setting_time_parse(cases[i].text, &time_ms);
		setting_size_parse(cases[i].text, &size_bytes);
		if (time_ms != cases[i].time_ms || size_bytes != cases[i].size_bytes)
			fail_msg("\"%s\": %lld ms, %lld bytes", cases[i].text, (long long)time_ms,
				 (long long)size_bytes);
	}
}

static void units_are_the_largest_that_fit(void **state)
{
	static const struct {
		int64_t value;
		const char *time, *size;
	} cases[] = {
		{ 0, "0", "0" },
		{ 1, "1ms", "1" },
		{ 1500, "1500ms", "1500" },
		{ 1024, "1024ms", "1K" },
		{ 90000, "90s", "90000" },
		{ 86400000, "1d", "84375K" },
		{ INT64_C(3) << 30, "3221225472ms", "3G" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf text;

		buf_init(&text, 64);
		setting_time_format(&text, cases[i].value);
		assert_string_equal(text.ptr, cases[i].time);
		buf_clear(&text);
		setting_size_format(&text, cases[i].value);
		assert_string_equal(text.ptr, cases[i].size);
		buf_finish(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_and_sizes),
		cmocka_unit_test(units_are_the_largest_that_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
