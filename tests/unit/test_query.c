/* test_query.c - query strings against a table.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/query.h"

enum { LIMIT, NAME, FLAG, KIND, CURSOR };

static const char *const kinds[] = { "one", "two", NULL };
static const struct query_row rows[] = {
	[LIMIT] = { "limit", "L.", QUERY_INT, 1, 1000, 100, NULL },
	[NAME] = { "name", "N.", QUERY_TEXT, 0, 0, 0, NULL },
	[FLAG] = { "flag", "F.", QUERY_BOOL, 0, 0, 0, NULL },
	[KIND] = { "kind", "K.", QUERY_CHOICE, 0, 0, 0, kinds },
	[CURSOR] = { "cursor", "C.", QUERY_POSITION, PUBID_DELIVERY_CURSOR, 0, 0, NULL },
	{ NULL, NULL, 0, 0, 0, 0, NULL },
};
static struct pubid *ids;

static void test_good(void **state)
{
	static const struct {
		const char *raw;
		int64_t limit, flag, kind;
		const char *name; /* NULL: not given */
	} cases[] = {
		{ "", 100, 0, 0, NULL },
		{ "&&", 100, 0, 0, NULL },
		{ "limit=1000&name=a%20b+c%2B", 1000, 0, 0, "a b c+" },
		{ "l%69mit=1", 1, 0, 0, NULL },
		{ "name", 100, 0, 0, "" },
		{ "name=%zz%4", 100, 0, 0, "%zz%4" },
		{ "flag=True&kind=two", 100, 1, 1, NULL },
		{ "flag=off", 100, 0, 0, NULL },
		{ "unknown=1&limit=5", 5, 0, 0, NULL },
	};
	struct query q;

	(void)state;
	query_init(&q, ids);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct faults faults;

		faults_init(&faults);
		query_parse(&q, span_of(cases[i].raw), rows, QUERY_LENIENT, &faults);
		if (faults.count > 0)
			fail_msg("%s: %s", cases[i].raw, faults.detail.ptr);
		assert_int_equal(q.values[LIMIT].number, cases[i].limit);
		assert_int_equal(q.values[FLAG].number, cases[i].flag);
		assert_int_equal(q.values[KIND].number, cases[i].kind);
		assert_int_equal(q.values[NAME].is_given, cases[i].name != NULL);
		if (cases[i].name != NULL)
			assert_true(span_is(q.values[NAME].text, cases[i].name));
		faults_finish(&faults);
	}
	query_finish(&q);
}

static void test_bad(void **state)
{
	static const struct {
		const char *raw;
		size_t count;
		const char *has;
	} cases[] = {
		{ "limit=0", 1,
		  "[\"query\",\"limit\"],\"msg\":\"Input should be greater than or equal" },
		{ "limit=1001", 1, "less_than_equal" },
		{ "limit=", 1, "int_parsing" },
		{ "limit=1.0", 1, "int_parsing" },
		{ "limit=-", 1, "int_parsing" },
		{ "limit=99999999999999999999", 1, "int_parsing" },
		{ "limit=1&limit=2", 1, "more than once" },
		{ "flag=maybe&kind=three", 2, "bool_parsing" },
		{ "cursor=", 1, "[\"query\",\"cursor\"],\"msg\":\"Input should be a next_cursor" },
		{ "limit=0&cursor=zz&kind=q&zz=1", 4, "[\"query\",\"cursor\"]" },
		{ "x=1", 1, "[\"query\",\"x\"],\"msg\":\"Extra inputs" },
		{ "%FF=1", 1, "extra_forbidden" },
	};
	struct query q;

	(void)state;
	query_init(&q, ids);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct faults faults;

		faults_init(&faults);
		query_parse(&q, span_of(cases[i].raw), rows, QUERY_STRICT, &faults);
		if (faults.count != cases[i].count ||
		    strstr(faults.detail.ptr, cases[i].has) == NULL)
			fail_msg("%s: %zu %s", cases[i].raw, faults.count,
				 faults.count > 0 ? faults.detail.ptr : "");
		faults_finish(&faults);
	}
	query_finish(&q);
}

/* A cursor of another list is a fault, not the end of this one. */
static void test_cursors(void **state)
{
	char text[PUBID_TEXT_BYTES], raw[64];
	struct query q;

	(void)state;
	query_init(&q, ids);
	for (int kind = PUBID_WEBHOOK_CURSOR; kind <= PUBID_DELIVERY_CURSOR; kind++) {
		const bool is_ours = kind == PUBID_DELIVERY_CURSOR;
		struct faults faults;

		faults_init(&faults);
		pubid_format(ids, (enum pubid_kind)kind, 7, text);
		snprintf(raw, sizeof(raw), "cursor=%s", text);
		query_parse(&q, span_of(raw), rows, QUERY_STRICT, &faults);
		assert_int_equal(faults.count, is_ours ? 0 : 1);
		assert_int_equal(q.values[CURSOR].number, is_ours ? 7 : 0);
		faults_finish(&faults);
	}
	query_finish(&q);
}

static void test_too_long(void **state)
{
	char raw[20000];
	struct faults faults;
	struct query q;

	(void)state;
	memset(raw, 'a', sizeof(raw));
	query_init(&q, ids);
	faults_init(&faults);
	query_parse(&q, (struct span){ raw, sizeof(raw) }, rows, QUERY_LENIENT, &faults);
	assert_int_equal(faults.count, 1);
	faults_finish(&faults);
	query_finish(&q);
}

static int ids_make(void **state)
{
	static const unsigned char key[PUBID_KEY_BYTES] = "0123456789abcdef";

	(void)state;
	ids = pubid_create(key);
	return 0;
}

static int ids_drop(void **state)
{
	(void)state;
	pubid_destroy(ids);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_good), cmocka_unit_test(test_bad),
					    cmocka_unit_test(test_cursors),
					    cmocka_unit_test(test_too_long) };

	return cmocka_run_group_tests(tests, ids_make, ids_drop);
}
