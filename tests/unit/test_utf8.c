/* test_utf8.c - checking, counting and repairing by base/utf8.c.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"

static void test_utf8(void **state)
{
	static const struct {
		const char *text;
		size_t length;
		bool ok;
		const char *repaired;
	} cases[] = {
		{ "", 0, true, "" },
		{ "abc", 3, true, "abc" },
		{ "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 3, true,
		  "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80" },
		{ "a\xFF"
		  "b",
		  0, false,
		  "a\xEF\xBF\xBD"
		  "b" },
		{ "\xC3", 0, false, "\xEF\xBF\xBD" },
		/* As Unicode advises: one mark for what could have begun one. */
		{ "\xF0\x9F\x98x", 0, false, "\xEF\xBF\xBDx" },
		{ "\xED\xA0\x80", 0, false, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
		{ "\xC0\xAF", 0, false, "\xEF\xBF\xBD\xEF\xBF\xBD" },
		{ "\xE2\x82\xE2\x82\xAC", 0, false, "\xEF\xBF\xBD\xE2\x82\xAC" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct span text = span_of(cases[i].text);
		struct buf b;

		assert_int_equal(utf8_check(text), cases[i].ok);
		if (cases[i].ok)
			assert_int_equal(utf8_length(text), cases[i].length);
		buf_init(&b, 100);
		utf8_repair(&b, text);
		assert_string_equal(buf_view(&b).ptr, cases[i].repaired);
		assert_true(utf8_check(buf_view(&b)));
		buf_finish(&b);
	}
}

/* Every code point but the surrogates: written, stepped over, read back. */
static void test_every_code_point(void **state)
{
	(void)state;
	for (uint32_t code = 0; code <= 0x10FFFF; code += code == 0xD7FF ? 0x801 : 1) {
		char bytes[4];
		const size_t len = utf8_put(code, bytes);

		assert_int_equal(utf8_step((struct span){ bytes, len }, NULL), len);
		assert_int_equal(utf8_code(bytes, len), code);
		for (size_t cut = 1; cut < len; cut++) {
			size_t bad = 0;

			assert_int_equal(utf8_step((struct span){ bytes, cut }, &bad), 0);
			assert_int_equal(bad, cut);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_every_code_point),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
