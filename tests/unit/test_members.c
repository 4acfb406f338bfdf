/* test_members.c - walks over JSON objects, whole ones and such as were cut off.
 * SPDX-License-Identifier: MIT */
#include "common/members.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct tocsin_span span(const char *text)
{
	return (struct tocsin_span){ text, text == NULL ? 0 : strlen(text) };
}

static void test_find(void **state)
{
	static const struct {
		const char *json, *name, *wanted; /* wanted NULL: not there */
	} cases[] = {
		{ "{\"a\":1}", "a", "1" },
		{ " { \"a\" : 1.50 , \"b\" : \"x\" } ", "b", "\"x\"" },
		{ "{\"n\":{\"a\":1},\"a\":[1,{\"a\":\"]\"}],\"b\":2}", "a", "[1,{\"a\":\"]\"}]" },
		{ "{\"x\":\"\\\"a\\\":5\",\"a\":true}", "a", "true" },
		{ "{\"a\":1,\"a\":2}", "a", "1" },
		{ "{\"a\":{}}", "b", NULL },
		{ "{}", "a", NULL },
		{ "[\"a\"]", "a", NULL },
		{ "", "a", NULL },
		{ NULL, "a", NULL },
		/* Cut off: what is whole is found. */
		{ "{\"a\":1,\"b\":\"x", "a", "1" },
		{ "{\"a\":1,\"b\":\"x", "b", NULL },
		{ "{\"a\":12", "a", NULL },
		{ "{\"a\":[1,2", "a", NULL },
		{ "{\"a\"", "a", NULL },
		{ "{\"a\":\"x\\", "a", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct tocsin_span found = members_find(span(cases[i].json), cases[i].name);

		if (cases[i].wanted == NULL ? found.ptr != NULL : !value_is(found, cases[i].wanted))
			fail_msg("row %zu: '%.*s'", i, (int)found.len, found.ptr);
	}
}

static void test_walk(void **state)
{
	struct members m;
	struct member one;

	(void)state;
	assert_int_equal(members_init(&m, span("{\"a\\u0062\":null,\"c\":-1}")), 1);
	assert_int_equal(members_next(&m, &one), 1);
	assert_true(value_is(one.name, "\"a\\u0062\"") && value_is(one.value, "null"));
	assert_int_equal(members_next(&m, &one), 1);
	assert_true(value_is(one.name, "\"c\"") && value_is(one.value, "-1"));
	assert_int_equal(members_next(&m, &one), 0);
	assert_int_equal(members_next(&m, &one), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
