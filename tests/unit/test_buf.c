/* test_buf.c - growth, the limit and the sticky error of base/buf.c.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"

static void expect_text(struct buf *b, const char *want)
{
	assert_int_equal(b->failed, ERR_OK);
	assert_int_equal(b->len, strlen(want));
	assert_string_equal(buf_view(b).ptr, want);
	assert_int_equal(b->ptr[b->len], '\0');
}

static void test_append(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_int_equal(buf_view(&b).len, 0);
	assert_non_null(buf_view(&b).ptr);
	buf_text(&b, "a");
	buf_byte(&b, '-');
	buf_bytes(&b, "b\0c", 3);
	buf_span(&b, (struct span){ NULL, 0 });
	buf_span(&b, span_of("d"));
	assert_int_equal(b.len, 6);
	assert_memory_equal(b.ptr, "a-b\0cd", 7);
	buf_clear(&b);
	buf_format(&b, "%s=%d", "n", 7);
	expect_text(&b, "n=7");
	buf_finish(&b);
	buf_finish(&b);
	buf_finish(NULL);
}

static void test_int(void **state)
{
	static const struct {
		int64_t value;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ -1, "-1" },
		{ 10, "10" },
		{ INT64_MAX, "9223372036854775807" },
		{ INT64_MIN, "-9223372036854775808" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b;

		buf_init(&b, 100);
		buf_int(&b, cases[i].value);
		expect_text(&b, cases[i].text);
		buf_finish(&b);
	}
}

static void test_limit_is_exact(void **state)
{
	(void)state;
	for (size_t max = 0; max < 600; max += 7) {
		struct buf b;

		buf_init(&b, max);
		for (size_t i = 0; i < max; i++)
			buf_byte(&b, 'x');
		assert_int_equal(b.failed, ERR_OK);
		assert_int_equal(b.len, max);
		buf_byte(&b, 'y');
		assert_int_equal(b.failed, ERR_TOO_BIG);
		assert_int_equal(b.len, max);
		buf_finish(&b);
	}
}

static void test_error_is_sticky(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	buf_text(&b, "abc");
	buf_text(&b, "defg");
	assert_int_equal(b.failed, ERR_TOO_BIG);
	buf_text(&b, "x"); /* would fit */
	buf_byte(&b, 'x');
	buf_int(&b, 1);
	buf_format(&b, "%d", 1);
	buf_reserve(&b, 1);
	assert_string_equal(b.ptr, "abc");
	assert_int_equal(b.len, 3);
	assert_null(buf_take(&b));
	buf_clear(&b);
	buf_text(&b, "12345");
	expect_text(&b, "12345");
	buf_finish(&b);
}

static void test_format_fits_or_leaves_nothing(void **state)
{
	struct buf b;
	char want[401];

	(void)state;
	memset(want, ' ', 400);
	want[399] = 'z';
	want[400] = '\0';
	buf_init(&b, 400);
	buf_format(&b, "%400s", "z");
	expect_text(&b, want);
	buf_format(&b, "%s", "");
	assert_int_equal(b.failed, ERR_OK);
	buf_format(&b, "%d", 1);
	assert_int_equal(b.failed, ERR_TOO_BIG);
	assert_string_equal(b.ptr, want);
	buf_finish(&b);
}

static void test_reserve(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10000);
	buf_reserve(&b, 5000);

	char *before = b.ptr;

	for (int i = 0; i < 5000; i++)
		buf_byte(&b, 'x');
	assert_ptr_equal(b.ptr, before);
	/* Beyond the limit it takes what it can and is no error. */
	buf_reserve(&b, SIZE_MAX);
	assert_int_equal(b.failed, ERR_OK);
	assert_int_equal(b.size, 10001);
	buf_finish(&b);
}

static void test_take(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);

	char *text = buf_take(&b);

	assert_string_equal(text, "");
	free(text);
	buf_text(&b, "0123456789");
	text = buf_take(&b);
	assert_string_equal(text, "0123456789");
	free(text);
	assert_int_equal(b.len, 0);
	buf_text(&b, "again");
	expect_text(&b, "again");
	buf_finish(&b);
}

static void test_huge_limit(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	buf_text(&b, "x");
	expect_text(&b, "x");
	buf_finish(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_int),
		cmocka_unit_test(test_limit_is_exact),
		cmocka_unit_test(test_error_is_sticky),
		cmocka_unit_test(test_format_fits_or_leaves_nothing),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_huge_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
