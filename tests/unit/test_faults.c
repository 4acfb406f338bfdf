/* test_faults.c - the 422 list that model/faults.c builds.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "model/faults.h"

static void expect_detail(const struct faults *f, const char *want)
{
	assert_int_equal(f->detail.failed, ERR_OK);
	assert_string_equal(f->detail.ptr, want);
}

static void test_location(void **state)
{
	struct faults f;
	const struct loc body = { NULL, "body", 0 };
	const struct loc list = { &body, "channels", 0 };
	const struct loc item = { &list, NULL, 3 };
	const struct loc odd = { &item, "a\"\xC3\xBC", 0 };

	(void)state;
	faults_init(&f);
	assert_false(faults_any(&f));
	faults_add(&f, &odd, "missing", "Field %s", "required");
	faults_add(&f, NULL, "json_invalid", "x");
	assert_true(faults_any(&f));
	expect_detail(&f, "{\"loc\":[\"body\",\"channels\",3,\"a\\\"\xC3\xBC\"],"
			  "\"msg\":\"Field required\",\"type\":\"missing\"},"
			  "{\"loc\":[],\"msg\":\"x\",\"type\":\"json_invalid\"}");
	faults_finish(&f);
	faults_finish(NULL);
}

static void test_cap(void **state)
{
	struct faults f;
	char key[4000];
	const struct loc loc = { NULL, key, 0 };
	struct json_value all;
	struct json_fault fault;
	struct buf text;

	(void)state;
	memset(key, '\x01', sizeof(key) - 1);
	key[sizeof(key) - 1] = '\0';
	faults_init(&f);
	buf_init(&text, 2 * 1024 * 1024);
	for (int i = 0; i < FAULTS_MAX + 7; i++)
		faults_add(&f, &loc, "value_error", "%s", key);
	assert_int_equal(f.count, FAULTS_MAX + 7);
	assert_int_equal(f.detail.failed, ERR_OK);
	buf_format(&text, "[%s]", f.detail.ptr);
	assert_int_equal(json_scan(buf_view(&text), 8, &all, &fault), ERR_OK);
	size_t at = 0, kept = 0;
	struct json_value one;

	while (json_element_next(&all, &at, &one))
		kept++;
	assert_int_equal(kept, FAULTS_MAX);
	buf_finish(&text);
	faults_finish(&f);
}

/* A text that is cut must not end in half a character. */
static void test_cut(void **state)
{
	char long_text[900];
	struct faults f;

	(void)state;
	for (size_t shift = 0; shift < 3; shift++) {
		memset(long_text, 'a', shift);
		for (size_t i = shift; i + 3 < sizeof(long_text); i += 3)
			memcpy(long_text + i, "\xE2\x82\xAC", 4);
		faults_init(&f);
		faults_add(&f, NULL, "value_error", "%s", long_text);
		assert_null(strstr(f.detail.ptr, "\xEF\xBF\xBD"));
		assert_true(utf8_check(buf_view(&f.detail)));
		faults_finish(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_location),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
