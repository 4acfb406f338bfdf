/* test_json.c - what the scanner takes and refuses, and what readers and
 * writers of base/json*.c make of it.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json.h"

enum { DEPTH = 64 };

/* A copy of exact size on the heap: the sanitizer sees a read beyond it. */
static enum err scan_exact(const char *text, size_t len, unsigned depth, struct json_fault *fault)
{
	struct json_value value;
	char *copy = malloc(len == 0 ? 1 : len);

	assert_non_null(copy);
	memcpy(copy, text, len);
	const enum err rc = json_scan((struct span){ copy, len }, depth, &value, fault);
	free(copy);
	return rc;
}

static struct json_value scanned(const char *text)
{
	struct json_value value = { 0 };
	struct json_fault fault;

	if (json_scan(span_of(text), DEPTH, &value, &fault) != ERR_OK)
		fail_msg("refused at %zu (%s): %s", fault.offset, fault.reason, text);
	return value;
}

static void test_accepted(void **state)
{
	static const struct {
		const char *text;
		enum json_kind type;
		const char *raw;
	} cases[] = {
		{ "null", JSON_NULL, "null" },
		{ " true\n", JSON_BOOL, "true" },
		{ "\t\r\n false ", JSON_BOOL, "false" },
		{ "0", JSON_NUMBER, "0" },
		{ "-0", JSON_NUMBER, "-0" },
		{ "-0.0e-0", JSON_NUMBER, "-0.0e-0" },
		{ "12345678901234567890123", JSON_NUMBER, "12345678901234567890123" },
		{ "1E+400", JSON_NUMBER, "1E+400" },
		{ "\"\"", JSON_STRING, "\"\"" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD834\\uDD1E\\u0000\"", JSON_STRING, NULL },
		{ "\"\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\"",
		  JSON_STRING, NULL },
		{ "\"\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\"", JSON_STRING, NULL },
		{ "[]", JSON_ARRAY, "[]" },
		{ " [ ] ", JSON_ARRAY, "[ ]" },
		{ "[1,[2,{}],\"a\" , null]", JSON_ARRAY, NULL },
		{ "{}", JSON_OBJECT, "{}" },
		{ "{ }", JSON_OBJECT, "{ }" },
		{ "{\"a\":1,\"b\":{\"a\":[{}]},\"\":[]}", JSON_OBJECT, NULL },
		{ " { \"a\" : 1 , \"b\" : 2 } ", JSON_OBJECT, "{ \"a\" : 1 , \"b\" : 2 }" },
		/* Inside, a name may repeat: it is the producer's business. */
		{ "{\"d\":{\"x\":1,\"x\":2}}", JSON_OBJECT, NULL },
		{ "[{\"x\":1,\"x\":2}]", JSON_ARRAY, NULL },
		{ "{\"a\":1,\"A\":2,\"aa\":3,\"\\u0062\":4}", JSON_OBJECT, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct json_value value = scanned(cases[i].text);

		assert_int_equal(value.type, cases[i].type);
		assert_true(
			span_is(value.raw, cases[i].raw == NULL ? cases[i].text : cases[i].raw));
		assert_int_equal(scan_exact(cases[i].text, strlen(cases[i].text), DEPTH, NULL),
				 ERR_OK);
	}
}

static const struct refusal {
	const char *text;
	size_t offset;
} refused[] = {
	{ "", 0 },
	{ "  ", 2 },
	{ "\xEF\xBB\xBF{}", 0 },
	{ "nul", 0 },
	{ "nulL", 0 },
	{ "True", 0 },
	{ "NaN", 0 },
	{ "Infinity", 0 },
	{ "-Infinity", 1 },
	{ "'a'", 0 },
	{ "nullx", 4 },
	{ "1 2", 2 },
	{ "{} {}", 3 },
	{ "[] //", 3 },
	{ "-", 1 },
	{ "+1", 0 },
	{ "01", 0 },
	{ "-01", 1 },
	{ ".5", 0 },
	{ "1.", 2 },
	{ "1.e1", 2 },
	{ "1e", 2 },
	{ "1e+", 3 },
	{ "0x10", 1 },
	{ "1_000", 1 },
	{ "\"", 1 },
	{ "\"a", 2 },
	{ "\"\\\"", 3 },
	{ "\"\\", 2 },
	{ "\"\\x\"", 1 },
	{ "\"\\'\"", 1 },
	{ "\"\\u12\"", 1 },
	{ "\"\\u12g4\"", 1 },
	{ "\"\\U0041\"", 1 },
	{ "\"\\uD800\"", 1 },
	{ "\"\\uD800x\"", 1 },
	{ "\"\\uD800\\n1234\"", 1 },
	{ "\"\\uD800\\u0041\"", 1 },
	{ "\"\\uD800\\uD800\"", 1 },
	{ "\"\\uDC00\"", 1 },
	{ "\"\\uDC00\\uD800\"", 1 },
	{ "\"\\uDC00\\uDC00\"", 1 },
	{ "\"a\nb\"", 2 },
	{ "\"\x1F\"", 1 },
	{ "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\t\"", 34 },
	{ "\"\x80\"", 1 },
	{ "\"\xC0\x80\"", 1 },
	{ "\"\xC1\xBF\"", 1 },
	{ "\"\xE0\x9F\xBF\"", 1 },
	{ "\"\xED\xA0\x80\"", 1 },
	{ "\"\xF0\x8F\xBF\xBF\"", 1 },
	{ "\"\xF4\x90\x80\x80\"", 1 },
	{ "\"\xF5\x80\x80\x80\"", 1 },
	{ "\"\xFF\"", 1 },
	{ "\"\xC3\"", 1 },
	{ "\"\xE2\x82\"", 1 },
	{ "\"\xF0\x9F\x98\"", 1 },
	{ "\"\xC3\xA9\xC3\"", 3 },
	{ "[", 1 },
	{ "]", 0 },
	{ "[1,]", 3 },
	{ "[,1]", 1 },
	{ "[1 2]", 3 },
	{ "[1}", 2 },
	{ "[1,,2]", 3 },
	{ "{", 1 },
	{ "}", 0 },
	{ "{]", 1 },
	{ "{\"a\"}", 4 },
	{ "{\"a\":}", 5 },
	{ "{\"a\":1,}", 7 },
	{ "{\"a\":1 \"b\":2}", 7 },
	{ "{\"a\" 1}", 5 },
	{ "{a:1}", 1 },
	{ "{1:1}", 1 },
	{ "{\"a\":1]", 6 },
	{ "{\"a\":[1}", 7 },
	{ "{,}", 1 },
	{ "[1]\x01", 3 },
	{ "[\v1]", 1 },
	{ "\xC2\xA0[]", 0 },
	{ "{\"a\":1,\"a\":2}", 7 },
	{ "{\"\":1,\"\":2}", 6 },
	{ "{\"a\":1,\"\\u0061\":2}", 7 },
	{ "{\"\\u0061\":1,\"a\":2}", 12 },
	{ "{\"\\u00e9\":1,\"b\":0,\"\xC3\xA9\":2}", 18 },
	{ "{\"\\uD834\\uDD1E\":1,\"\xF0\x9D\x84\x9E\":2}", 18 },
	{ "{\"a\\/b\":1,\"a/b\":2}", 10 },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct json_fault fault = { 0 };
		const enum err rc = scan_exact(refused[i].text, strlen(refused[i].text), DEPTH,
					       &fault);

		if (rc != ERR_BAD_REQUEST)
			fail_msg("rc %d: %s", (int)rc, refused[i].text);
		if (fault.offset != refused[i].offset)
			fail_msg("offset %zu (%s): %s", fault.offset, fault.reason,
				 refused[i].text);
		assert_non_null(fault.reason);
		assert_true(strlen(fault.reason) > 0);
	}
	assert_int_equal(scan_exact("[1\0]", 4, DEPTH, NULL), ERR_BAD_REQUEST);
	assert_int_equal(scan_exact("\"\0\"", 3, DEPTH, NULL), ERR_BAD_REQUEST);
}

static void test_failure_leaves_out_alone(void **state)
{
	struct json_value value = { .type = JSON_BOOL };

	(void)state;
	assert_int_equal(json_scan(span_of("[1"), DEPTH, &value, NULL), ERR_BAD_REQUEST);
	assert_int_equal(value.type, JSON_BOOL);
	assert_null(value.raw.ptr);
	assert_int_equal(json_scan((struct span){ NULL, 0 }, DEPTH, &value, NULL), ERR_BAD_REQUEST);
}

/* Whatever stands at whatever place of a block, the fast loops find it. */
static void test_every_offset(void **state)
{
	static const char *const inserts[] = { "\x01", "\x1F", "\x80", "\xFF", "\\x", "\n" };
	static const char *const fine[] = { "\\n", "\xC3\xA9", "\xF0\x9F\x98\x80", "\x7F", " " };

	(void)state;
	for (int at = 0; at < 40; at++) {
		char text[128];

		for (size_t i = 0; i < COUNT_OF(inserts); i++) {
			struct json_fault fault;
			const int len = snprintf(text, sizeof(text), "\"%.*s%s%.*s\"", at,
						 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
						 inserts[i], 40 - at,
						 "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz");

			assert_int_equal(scan_exact(text, (size_t)len, DEPTH, &fault),
					 ERR_BAD_REQUEST);
			assert_int_equal(fault.offset, at + 1);
			text[at + 1] = '"'; /* now it ends there */
			assert_int_equal(scan_exact(text, (size_t)at + 2, DEPTH, &fault), ERR_OK);
		}
		for (size_t i = 0; i < COUNT_OF(fine); i++) {
			const int len = snprintf(text, sizeof(text), "[\"%*s%s\"]", at, "",
						 fine[i]);

			assert_int_equal(scan_exact(text, (size_t)len, DEPTH, NULL), ERR_OK);
			for (int cut = 0; cut < len; cut++)
				assert_int_equal(scan_exact(text, (size_t)cut, DEPTH, NULL),
						 ERR_BAD_REQUEST);
		}
	}
}

static void test_depth(void **state)
{
	static char text[5000];

	(void)state;
	for (unsigned depth = 1; depth <= 2000; depth += depth < 130 ? 1 : 97) {
		const enum err rc = depth <= 1024 ? ERR_OK : ERR_TOO_BIG;
		struct json_fault fault = { 0 };
		unsigned i;

		for (i = 0; i < depth; i++) {
			text[i] = '[';
			text[depth + i] = ']';
		}
		assert_int_equal(scan_exact(text, 2 * (size_t)depth, 5000, &fault), rc);
		assert_int_equal(scan_exact(text, 2 * (size_t)depth, depth, &fault), rc);
		assert_int_equal(scan_exact(text, 2 * (size_t)depth, depth - 1, &fault),
				 ERR_TOO_BIG);
		if (depth <= 1024)
			assert_int_equal(fault.offset, depth - 1);
	}
	assert_int_equal(scan_exact("1", 1, 0, NULL), ERR_OK);
	assert_int_equal(scan_exact("[]", 2, 0, NULL), ERR_TOO_BIG);
	/* Side by side is not inside one another. */
	assert_int_equal(scan_exact("[{},{},[{}]]", 12, 3, NULL), ERR_OK);
	assert_int_equal(scan_exact("[{},{},[{}]]", 12, 2, NULL), ERR_TOO_BIG);
}

/* Brackets of both kinds close only their own, at any depth. */
static void test_mixed_brackets(void **state)
{
	enum { LEVELS = 200 };
	char text[LEVELS * 6 + 1];

	(void)state;
	for (unsigned wrong = 0; wrong <= LEVELS; wrong++) {
		size_t len = 0;

		for (unsigned i = 0; i < LEVELS; i++) {
			const char *open = i * 7 % 3 == 0 ? "{\"a\":" : "[";

			memcpy(text + len, open, strlen(open));
			len += strlen(open);
		}
		text[len++] = '1';
		for (unsigned i = LEVELS; i-- > 0;) {
			const bool object = i * 7 % 3 == 0;

			text[len++] = object == (i != wrong) ? '}' : ']';
		}
		assert_int_equal(scan_exact(text, len, LEVELS, NULL),
				 wrong == LEVELS ? ERR_OK : ERR_BAD_REQUEST);
	}
}

/* A doubled name is found wherever the two stand, few names or many. */
static void test_many_names(void **state)
{
	static const int counts[] = { 2, 16, 31, 32, 33, 34, 200 };

	(void)state;
	for (size_t c = 0; c < COUNT_OF(counts); c++) {
		for (int twin = -1; twin < counts[c] - 1; twin++) {
			struct json_fault fault = { 0 };
			struct json_value value;
			struct buf b;
			size_t last = 0;

			buf_init(&b, 100000);
			for (int i = 0; i < counts[c]; i++) {
				last = b.len + 1;
				buf_format(&b, "%c\"name%d\":%d", i == 0 ? '{' : ',',
					   twin >= 0 && i == counts[c] - 1 ? twin : i, i);
			}
			buf_byte(&b, '}');
			const enum err rc = json_scan(buf_view(&b), DEPTH, &value, &fault);
			assert_int_equal(rc, twin < 0 ? ERR_OK : ERR_BAD_REQUEST);
			assert_int_equal(fault.offset, twin < 0 ? 0 : last);
			buf_finish(&b);
		}
	}
}

static void test_members(void **state)
{
	static const char text[] =
		" { \"a\" : 1 , \"b\":\"x\\\"}\\\\\", \"c\":{\"d\":[1,\"]\",{}]},"
		"\"\\u0065\":[ ],\"f\":null,\"g\":-1.5e3 } ";
	static const struct {
		const char *key, *raw;
		enum json_kind type;
	} want[] = {
		{ "a", "1", JSON_NUMBER },
		{ "b", "\"x\\\"}\\\\\"", JSON_STRING },
		{ "c", "{\"d\":[1,\"]\",{}]}", JSON_OBJECT },
		{ "\\u0065", "[ ]", JSON_ARRAY },
		{ "f", "null", JSON_NULL },
		{ "g", "-1.5e3", JSON_NUMBER },
	};
	const struct json_value object = scanned(text);
	struct json_member member;
	size_t at = 0, count = 0;

	(void)state;
	while (json_member_next(&object, &at, &member)) {
		assert_in_range(count, 0, COUNT_OF(want) - 1);
		assert_true(span_is(member.key, want[count].key));
		assert_true(span_is(member.value.raw, want[count].raw));
		assert_int_equal(member.value.type, want[count].type);
		count++;
	}
	assert_int_equal(count, COUNT_OF(want));
	assert_false(json_member_next(&object, &at, &member));
	assert_int_equal(json_find(&object, "e").type, JSON_ARRAY);
	assert_int_equal(json_find(&object, "f").type, JSON_NULL);
	assert_int_equal(json_find(&object, "d").type, JSON_NONE);
	assert_int_equal(json_find(&object, "").type, JSON_NONE);
}

static void test_elements(void **state)
{
	const struct json_value array = scanned("[ 1,\"a,]\", [2,[3]] ,{\"k\":[]},true]");
	static const char *const want[] = { "1", "\"a,]\"", "[2,[3]]", "{\"k\":[]}", "true" };
	const struct json_value empty = scanned("[ \n ]"), nothing = { 0 };
	struct json_value element;
	struct json_member member;
	size_t at = 0, count = 0;

	(void)state;
	while (json_element_next(&array, &at, &element)) {
		assert_in_range(count, 0, COUNT_OF(want) - 1);
		assert_true(span_is(element.raw, want[count]));
		count++;
	}
	assert_int_equal(count, COUNT_OF(want));
	at = 0;
	assert_false(json_element_next(&empty, &at, &element));
	assert_false(json_member_next(&array, &at, &member));
	assert_false(json_element_next(&nothing, &at, &element));
	assert_false(json_member_next(&nothing, &at, &member));
	assert_int_equal(json_find(&nothing, "a").type, JSON_NONE);
}

static void test_key_is(void **state)
{
	static const struct {
		const char *raw, *text;
		bool want;
	} cases[] = {
		{ "abc", "abc", true },       { "abc", "ab", false },
		{ "ab", "abc", false },       { "", "", true },
		{ "\\u0061bc", "abc", true }, { "ab\\u0063", "abc", true },
		{ "\\u0061", "ab", false },   { "a\\u0062", "a", false },
		{ "a\\/b", "a/b", true },     { "a\\n", "a\n", true },
		{ "a\\u0000", "a", false },   { "\\\\u0061", "a", false },
		{ "\\\\", "\\", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (json_key_is(span_of(cases[i].raw), cases[i].text) != cases[i].want)
			fail_msg("%s against %s", cases[i].raw, cases[i].text);
}

static void test_decode(void **state)
{
	static const struct {
		const char *text, *want;
		size_t len;
	} cases[] = {
		{ "\"\"", "", 0 },
		{ "\"plain\"", "plain", 5 },
		{ "\"a\\\"b\\\\c\\/d\"", "a\"b\\c/d", 7 },
		{ "\"\\b\\f\\n\\r\\t\"", "\b\f\n\r\t", 5 },
		{ "\"\\u0041\\u00e9\\u20AC\\uD834\\uDD1E\"",
		  "A\xC3\xA9\xE2\x82\xAC\xF0\x9D\x84\x9E", 10 },
		{ "\"\\udbff\\udfff\\ud800\\udc00\"", "\xF4\x8F\xBF\xBF\xF0\x90\x80\x80", 8 },
		{ "\"x\\u0000y\"", "x\0y", 3 },
		{ "\"\xC3\xA9\"", "\xC3\xA9", 2 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct json_value value = scanned(cases[i].text);
		struct buf b;

		buf_init(&b, 100);
		json_string_decode(&value, &b);
		assert_int_equal(b.len, cases[i].len);
		assert_memory_equal(buf_view(&b).ptr, cases[i].want, cases[i].len);
		buf_finish(&b);
	}
}

static void test_integer(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int64_t value;
	} cases[] = {
		{ "0", true, 0 },
		{ "-0", true, 0 },
		{ "42", true, 42 },
		{ "-42", true, -42 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "9223372036854775808", false, 0 },
		{ "-9223372036854775809", false, 0 },
		{ "18446744073709551616", false, 0 },
		{ "99999999999999999999999999", false, 0 },
		{ "1.0", false, 0 },
		{ "1e3", false, 0 },
		{ "\"1\"", false, 0 },
		{ "true", false, 0 },
		{ "null", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct json_value value = scanned(cases[i].text);
		int64_t got = 7;

		assert_int_equal(json_integer(&value, &got), cases[i].ok);
		assert_int_equal(got, cases[i].ok ? cases[i].value : 7);
	}
	assert_true(json_is_true(&(struct json_value){ JSON_BOOL, span_of("true") }));
	assert_false(json_is_true(&(struct json_value){ JSON_BOOL, span_of("false") }));
	assert_false(json_is_true(&(struct json_value){ JSON_STRING, span_of("\"t\"") }));
}

static void test_put_string(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *want;
	} cases[] = {
		{ "", 0, "\"\"" },
		{ "plain text that is longer than sixteen bytes", 44,
		  "\"plain text that is longer than sixteen bytes\"" },
		{ "a\"b\\c/", 6, "\"a\\\"b\\\\c/\"" },
		{ "\b\f\n\r\t\x01\x1F\0\x7F", 9, "\"\\b\\f\\n\\r\\t\\u0001\\u001f\\u0000\x7F\"" },
		{ "\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA", 9, "\"\\u2028\\u2029\xE2\x80\xAA\"" },
		{ "\xC3\xA9\xFF", 3, "\"\xC3\xA9\xEF\xBF\xBD\"" },
		{ "\xE2\x80", 2, "\"\xEF\xBF\xBD\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b;

		buf_init(&b, 200);
		json_put_string(&b, (struct span){ cases[i].text, cases[i].len });
		assert_string_equal(buf_view(&b).ptr, cases[i].want);
		scanned(buf_view(&b).ptr);
		buf_finish(&b);
	}
}

static void test_put_string_beyond_limit(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 5);
	json_put_string(&b, span_of("abc"));
	assert_int_equal(b.failed, ERR_OK);
	buf_clear(&b);
	json_put_string(&b, span_of("ab\n"));
	assert_int_equal(b.failed, ERR_TOO_BIG);
	buf_finish(&b);
}

static void test_writer(void **state)
{
	struct buf b;
	struct json_writer w = { .out = &b };

	(void)state;
	buf_init(&b, 1000);
	json_open(&w, '{');
	json_put(&w, "id", "x\"y");
	json_put(&w, "none", NULL);
	json_key(&w, "list");
	json_open(&w, '[');
	json_put_int(&w, NULL, -5);
	json_put_bool(&w, NULL, true);
	json_open(&w, '[');
	json_close(&w, ']');
	json_open(&w, '{');
	json_close(&w, '}');
	json_put_null(&w, NULL);
	json_close(&w, ']');
	json_put_raw(&w, "raw", span_of("{ \"a\":1e2 }"));
	json_put_span(&w, "part", (struct span){ "abcdef", 3 });
	json_put_span(&w, "empty", span_of(""));
	json_put_bool(&w, "no", false);
	json_put_time_us(&w, "at", 1000001);
	json_put_time_us(&w, "never", 0);
	json_key(&w, "last");
	json_put_int(&w, NULL, 1);
	json_close(&w, '}');
	assert_string_equal(buf_view(&b).ptr,
			    "{\"id\":\"x\\\"y\",\"none\":null,\"list\":[-5,true,[],{},null],"
			    "\"raw\":{ \"a\":1e2 },\"part\":\"abc\",\"empty\":\"\",\"no\":false,"
			    "\"at\":\"1970-01-01T00:00:01.000001Z\",\"never\":null,\"last\":1}");
	scanned(buf_view(&b).ptr);
	buf_finish(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_failure_leaves_out_alone),
		cmocka_unit_test(test_every_offset),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_mixed_brackets),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_elements),
		cmocka_unit_test(test_key_is),
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_integer),
		cmocka_unit_test(test_put_string),
		cmocka_unit_test(test_put_string_beyond_limit),
		cmocka_unit_test(test_writer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
