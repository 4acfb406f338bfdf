/* test_document.c - JSON laid out and walked, whatever its numbers; what is no JSON
 * is refused.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "email/document.h"

#include "mail_world.h"

static void rows_are_printed(void **state)
{
	static const struct {
		const char *in, *want; /* want NULL: no JSON */
	} rows[] = {
		{ "1", "1" },
		{ " -0.10e+2 ", "-0.10e+2" },
		{ "123456789012345678901234567890", "123456789012345678901234567890" },
		{ "\"a\\u00e9\\n\"", "\"a\\u00e9\\n\"" },
		{ "{}", "{}" },
		{ "[ ]", "[]" },
		{ "[1,true,false,null]", "[\n  1,\n  true,\n  false,\n  null\n]" },
		{ "{\"a\":{\"b\":[1]},\"c\":\"x, {y}\"}",
		  "{\n  \"a\": {\n    \"b\": [\n      1\n    ]\n  },\n  \"c\": \"x, {y}\"\n}" },
		{ "", NULL },
		{ "hello", NULL },
		{ "tru", NULL },
		{ "01", NULL },
		{ "1.", NULL },
		{ "1e", NULL },
		{ "-", NULL },
		{ "\"a", NULL },
		{ "\"a\nb\"", NULL },
		{ "\"\\x\"", NULL },
		{ "\"\\u12g4\"", NULL },
		{ "\"\\u12", NULL },
		{ "[1,]", NULL },
		{ "[1 2]", NULL },
		{ "{\"a\"}", NULL },
		{ "{\"a\":1,}", NULL },
		{ "{a:1}", NULL },
		{ "{\"a\":1", NULL },
		{ "1 2", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct text out = { 0 };
		const int is_json = document_print(world_span(rows[i].in), &out);

		if (is_json != (rows[i].want != NULL))
			fail_msg("%s", rows[i].in);
		if (is_json)
			assert_string_equal(out.ptr, rows[i].want);
		text_finish(&out);
	}
}

static void deep_nesting_is_refused(void **state)
{
	char in[100000];
	struct text out = { 0 };

	(void)state;
	memset(in, '[', sizeof(in));
	assert_int_equal(document_print((struct tocsin_span){ in, sizeof(in) }, &out), 0);
	text_finish(&out);
}

static void members_are_walked(void **state)
{
	const struct tocsin_span object =
		world_span(" { \"a\" : 1, \"b\":{\"a\":2} ,\"c\":null,\"d\":\"x\"}");
	struct document_member m;
	size_t at = 0;
	char names[20] = "";

	(void)state;
	while (document_next(object, &at, &m))
		strncat(names, m.name.ptr + 1, m.name.len - 2);
	assert_string_equal(names, "abcd");
	assert_int_equal(document_find(object, "a").ptr[0], '1');
	assert_int_equal(document_find(object, "b").len, strlen("{\"a\":2}"));
	assert_null(document_find(object, "c").ptr);
	assert_null(document_find(object, "e").ptr);
	assert_null(document_find(world_span("[1]"), "e").ptr);
	assert_null(document_find(world_span("{}"), "e").ptr);
	assert_null(document_find((struct tocsin_span){ NULL, 0 }, "e").ptr);
}

static void values_are_read(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "\"plain\"", "plain" },
		{ "\"\"", "" },
		{ "1.50", "1.50" },
		{ "{\"a\":1}", "{\"a\":1}" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
		{ "\"a\\u0041\\u00e9\\u20ac!\"", "aA\xC3\xA9\xE2\x82\xAC!" },
		{ "\"\\ud83d\\udd14\"", "\xF0\x9F\x94\x94" },
		{ "\"\\ud83dx\"", "\xEF\xBF\xBDx" },
		{ "\"\\ud83d\\u0041\"", "\xEF\xBF\xBD"
					  "A" },
		{ "\"\\ud83d\"", "\xEF\xBF\xBD" },
		{ "\"\\udd14\"", "\xEF\xBF\xBD" },
		{ "\"\\u0000\"", "\xEF\xBF\xBD" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct text out = { 0 };

		document_text(world_span(rows[i].in), &out);
		assert_string_equal(out.ptr == NULL ? "" : out.ptr, rows[i].want);
		text_finish(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_printed),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(members_are_walked),
		cmocka_unit_test(values_are_read),
	};

	return cmocka_run_group_tests_name("document", tests, NULL, NULL);
}
