/* test_header.c - a mail's head: encoded words, folding, names, addresses, and
 * what would break out of a line.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "email/header.h"

static void lines_check(const char *label, const struct text *out)
{
	const char *line = out->ptr;

	assert_true(out->len > 2 && strcmp(out->ptr + out->len - 2, "\r\n") == 0);
	for (size_t i = 0; i < out->len; i++) {
		const char c = out->ptr[i];

		if (c == '\0' || (unsigned char)c >= 0x80)
			fail_msg("%s: a byte that is not ASCII", label);
	}
	while (*line != '\0') {
		const char *end = strstr(line, "\r\n");

		if (end == NULL || end - line > 76 || memchr(line, '\n', (size_t)(end - line)))
			fail_msg("%s: %s", label, out->ptr);
		if (line != out->ptr && *line != ' ')
			fail_msg("%s: a line of its own: %s", label, line);
		line = end + 2;
	}
}

static void subjects_are_written(void **state)
{
	static const struct {
		const char *label, *in, *want;
	} rows[] = {
		{ "plain", "Hello world", "Subject: Hello world\r\n" },
		{ "blanks", "  a \t b  ", "Subject: a b\r\n" },
		{ "umlaut",
		  "Gr\xC3\xBC\xC3\x9F"
		  "e",
		  "Subject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n" },
		{ "looks encoded",
		  "=?UTF-8?B?QQ==?=", "Subject: =?UTF-8?B?PT9VVEYtOD9CP1FRPT0/PQ==?=\r\n" },
		{ "folded at blanks",
		  "one two three four five six seven eight nine ten eleven twelve thirteen x",
		  "Subject: one two three four five six seven eight nine ten eleven twelve\r\n"
		  " thirteen x\r\n" },
		{ "injected header", "x\r\nBcc: evil@example.com",
		  "Subject: x Bcc: evil@example.com\r\n" },
		{ "injected body", "x\r\n\r\n<b>", "Subject: x <b>\r\n" },
		{ "bare LF and CR", "a\nB: c\rD: e", "Subject: a B: c D: e\r\n" },
		{ "39 bytes in the first word, 45 in others",
		  "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4"
		  "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4"
		  "\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4",
		  "Subject: =?UTF-8?B?w6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6Q=?=\r\n"
		  " =?UTF-8?B?w6Q=?=\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct text out = { 0 };

		header_text(&out, "Subject",
			    (struct tocsin_span){ rows[i].in, strlen(rows[i].in) });
		lines_check(rows[i].label, &out);
		if (strcmp(out.ptr, rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].label, out.ptr);
		text_finish(&out);
	}
}

static void a_nul_ends_nothing(void **state)
{
	struct text out = { 0 };

	(void)state;
	header_text(&out, "Subject", (struct tocsin_span){ "a\0b", 3 });
	assert_string_equal(out.ptr, "Subject: a b\r\n");
	text_finish(&out);
}

/* Characters of one to four bytes, so that every cut could fall inside one. */
static void words_hold_whole_characters(void **state)
{
	static const char *const characters[] = { "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x94\x94" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(characters); i++) {
		for (int shift = 0; shift < 5; shift++) {
			struct text in = { 0 }, out = { 0 };

			text_bytes(&in, "abcde", (size_t)shift);
			for (int n = 0; n < 60; n++)
				text_add(&in, characters[i]);
			header_text(&out, "Subject", (struct tocsin_span){ in.ptr, in.len });
			lines_check("characters", &out);
			for (const char *w = out.ptr; (w = strstr(w, "?B?")) != NULL; w += 3) {
				const size_t len = strcspn(w + 3, "?") / 4 * 3;

				assert_true(len <= 45);
				/* No word's text begins in the middle of a character: the
				 * first six bits of such a byte are g to v in base64. */
				assert_null(strchr("ghijklmnopqrstuv", w[3]));
			}
			text_finish(&in);
			text_finish(&out);
		}
	}
}

static void long_subjects_are_cut(void **state)
{
	struct text in = { 0 }, out = { 0 };

	(void)state;
	for (int i = 0; i < 400; i++)
		text_add(&in, "\xE2\x82\xAC");
	header_text(&out, "Subject", (struct tocsin_span){ in.ptr, in.len });
	lines_check("long", &out);
	assert_true(out.len < 1300);
	/* "…" is the last character. */
	assert_non_null(strstr(out.ptr, "4oCm?=\r\n"));
	text_finish(&in);
	text_finish(&out);
}

static void names_are_quoted(void **state)
{
	static const struct {
		const char *name, *want;
	} rows[] = {
		{ NULL, "From: a@example.com\r\n" },
		{ "", "From: a@example.com\r\n" },
		{ "Tocsin", "From: Tocsin <a@example.com>\r\n" },
		{ "Mr. T", "From: \"Mr. T\" <a@example.com>\r\n" },
		{ "A, B", "From: \"A, B\" <a@example.com>\r\n" },
		{ "say \"hi\" \\", "From: \"say \\\"hi\\\" \\\\\" <a@example.com>\r\n" },
		{ "J\xC3\xBCrgen", "From: =?UTF-8?B?SsO8cmdlbg==?= <a@example.com>\r\n" },
		{ "x>\r\nBcc: evil@example.com",
		  "From: \"x> Bcc: evil@example.com\" <a@example.com>\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct text out = { 0 };

		header_mailbox(&out, "From", rows[i].name, "a@example.com");
		lines_check("name", &out);
		assert_string_equal(out.ptr, rows[i].want);
		text_finish(&out);
	}
}

static void addresses_are_folded(void **state)
{
	const char *const few[] = { "a@example.com", "b@example.com" };
	char texts[100][40];
	const char *many[100];
	struct text out = { 0 };
	size_t count = 0;

	(void)state;
	header_addresses(&out, "Cc", (struct tocsin_list){ few, 0 });
	assert_null(out.ptr);
	header_addresses(&out, "Cc", (struct tocsin_list){ few, 2 });
	assert_string_equal(out.ptr, "Cc: a@example.com, b@example.com\r\n");
	text_finish(&out);
	for (size_t i = 0; i < 100; i++) {
		snprintf(texts[i], sizeof(texts[i]), "number.%zu@example.com", i);
		many[i] = texts[i];
	}
	header_addresses(&out, "To", (struct tocsin_list){ many, 100 });
	lines_check("many", &out);
	for (const char *at = out.ptr; (at = strchr(at, '@')) != NULL; at++)
		count++;
	assert_int_equal(count, 100);
	text_finish(&out);
}

static void addresses_are_checked(void **state)
{
	static const struct {
		const char *address;
		int is_safe;
	} rows[] = {
		{ "a@example.com", 1 },
		{ "a.b+c=d'e@sub.example.com", 1 },
		{ NULL, 0 },
		{ "", 0 },
		{ "a", 0 },
		{ "@example.com", 0 },
		{ "a@", 0 },
		{ "a@b@c", 0 },
		{ "a b@example.com", 0 },
		{ "<a@example.com>", 0 },
		{ "a@example.com,b@example.com", 0 },
		{ "a@example.com\r\nRCPT TO:<b@example.com>", 0 },
		{ "a@example.com\n", 0 },
		{ "\"a\"@example.com", 0 },
		{ "a@[127.0.0.1]", 0 },
		{ "\xC3\xA4@example.com", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (header_address_is_safe(rows[i].address) != rows[i].is_safe)
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subjects_are_written),
		cmocka_unit_test(a_nul_ends_nothing),
		cmocka_unit_test(words_hold_whole_characters),
		cmocka_unit_test(long_subjects_are_cut),
		cmocka_unit_test(names_are_quoted),
		cmocka_unit_test(addresses_are_folded),
		cmocka_unit_test(addresses_are_checked),
	};

	return cmocka_run_group_tests_name("header", tests, NULL, NULL);
}
