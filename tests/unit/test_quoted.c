/* test_quoted.c - quoted-printable by table, and its promises on every byte.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "email/quoted.h"

static void rows_are_encoded(void **state)
{
	static const struct {
		const char *label, *in, *want;
	} rows[] = {
		{ "empty is a line", "", "\r\n" },
		{ "one line", "hello", "hello\r\n" },
		{ "its own line end", "hello\n", "hello\r\n" },
		{ "all line ends are one", "a\nb\rc\r\nd", "a\r\nb\r\nc\r\nd\r\n" },
		{ "empty lines stay", "a\n\n\nb", "a\r\n\r\n\r\nb\r\n" },
		{ "equals", "a=b", "a=3Db\r\n" },
		{ "UTF-8", "\xC3\xA9", "=C3=A9\r\n" },
		{ "controls", "a\x01\x7F", "a=01=7F\r\n" },
		{ "blank inside stays", "a b\tc", "a b\tc\r\n" },
		{ "blank at a line's end", "a \nb\t", "a=20\r\nb=09\r\n" },
		{ "blank before CR LF", "a \r\nb", "a=20\r\nb\r\n" },
		{ "dot first", ".\n.a\na.", "=2E\r\n=2Ea\r\na.\r\n" },
		{ "From first", "From me\nFromage\n From x",
		  "=46rom me\r\nFromage\r\n From x\r\n" },
		{ "a bare dot cannot end the mail", "x\n.\nQUIT", "x\r\n=2E\r\nQUIT\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct text out = { 0 };

		quoted_append((struct tocsin_span){ rows[i].in, strlen(rows[i].in) }, &out);
		if (strcmp(out.ptr, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].label, out.ptr);
		text_finish(&out);
	}
}

static void line_check(const char *line, size_t len)
{
	assert_true(len <= 76);
	assert_true(len == 0 || line[0] != '.');
	assert_true(len < 5 || memcmp(line, "From ", 5) != 0);
	assert_true(len == 0 || (line[len - 1] != ' ' && line[len - 1] != '\t'));
	for (size_t i = 0; i < len; i++)
		assert_true(line[i] == '\t' || (line[i] >= 0x20 && line[i] < 0x7F));
}

static void lines_check(const struct text *out)
{
	const char *line = out->ptr;

	while (line < out->ptr + out->len) {
		const char *end = strstr(line, "\r\n");

		assert_non_null(end);
		line_check(line, (size_t)(end - line));
		line = end + 2;
	}
}

/* Whatever stands where a long line is cut. */
static void long_lines_keep_the_rules(void **state)
{
	static const char *const pieces[] = { ".", "From x", "\xE2\x82\xAC", " ", "=", "a" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(pieces); i++) {
		for (size_t before = 60; before < 80; before++) {
			char in[300];
			size_t len = before;
			struct text out = { 0 };

			memset(in, 'x', sizeof(in));
			for (int n = 0; n < 20; n++) {
				memcpy(in + len, pieces[i], strlen(pieces[i]));
				len += strlen(pieces[i]);
			}
			quoted_append((struct tocsin_span){ in, len }, &out);
			lines_check(&out);
			text_finish(&out);
		}
	}
}

static void every_byte_is_safe(void **state)
{
	char in[256 * 2];
	struct text out = { 0 };

	(void)state;
	for (int i = 0; i < 256; i++) {
		in[2 * i] = (char)i;
		in[2 * i + 1] = 'x';
	}
	quoted_append((struct tocsin_span){ in, sizeof(in) }, &out);
	lines_check(&out);
	text_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_encoded),
		cmocka_unit_test(long_lines_keep_the_rules),
		cmocka_unit_test(every_byte_is_safe),
	};

	return cmocka_run_group_tests_name("quoted", tests, NULL, NULL);
}
