/* test_document.c - JSON laid out, whatever its numbers; what is no JSON is refused.
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_printed),
		cmocka_unit_test(deep_nesting_is_refused),
	};

	return cmocka_run_group_tests_name("document", tests, NULL, NULL);
}
