/* test_text.c - the escapes that plugins share, done and undone.
 * SPDX-License-Identifier: MIT */
#include "common/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void test_unquote(void **state)
{
	static const struct {
		const char *string, *wanted;
	} cases[] = {
		{ "\"\"", "" },
		{ "\"plain\"", "plain" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
		{ "\"a\\u0041\\u00fc\\u20AC\\ud83d\\udd14z\"",
		  "aA\xC3\xBC\xE2\x82\xAC\xF0\x9F\x94\x94z" },
		{ "\"\\ud83d\"", "\xEF\xBF\xBD" },
		{ "\"\\ud83dx\"", "\xEF\xBF\xBDx" },
		{ "\"\\udd14\\ud83d\"", "\xEF\xBF\xBD\xEF\xBF\xBD" },
		{ "\"\\ud83d\\u0041\"", "\xEF\xBF\xBD"
					"A" },
		{ "\"\\u12\"", "\xEF\xBF\xBD" },
		{ "\"\\u12g4\"", "\xEF\xBF\xBD" },
		{ "\"\\\"", "\xEF\xBF\xBD" },
		{ "\"", "" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text t = { 0 };

		text_add(&t, "");
		text_unquote(&t, cases[i].string, strlen(cases[i].string));
		if (t.failed || strcmp(t.ptr, cases[i].wanted) != 0)
			fail_msg("row %zu: '%s'", i, t.ptr);
		text_finish(&t);
	}
}

/* What text_json() writes comes back. */
static void test_json_round(void **state)
{
	char all[255];
	struct text string = { 0 }, back = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)(i + 1);
	text_json(&string, all, sizeof(all));
	text_unquote(&back, string.ptr, string.len);
	assert_int_equal(back.len, sizeof(all));
	assert_memory_equal(back.ptr, all, sizeof(all));
	text_finish(&string);
	text_finish(&back);
}

static void test_base64(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },        { "f", "Zg==" },        { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" }, { "\xFF\xFE\xFD", "//79" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text t = { 0 };

		text_add(&t, "");
		text_base64(&t, (const unsigned char *)cases[i][0], strlen(cases[i][0]));
		assert_string_equal(t.ptr, cases[i][1]);
		text_finish(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unquote),
		cmocka_unit_test(test_json_round),
		cmocka_unit_test(test_base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
