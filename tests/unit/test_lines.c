/* test_lines.c - header lines in one block, whatever their number and length.
 * SPDX-License-Identifier: MIT */
#include "http/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_list(void **state)
{
	struct lines l;
	struct curl_slist *list = NULL;

	(void)state;
	lines_init(&l, 5, 4);
	lines_copy(&l, "A: 1\0B: 2", 10, 2);
	lines_add(&l, "C", "");
	lines_bytes(&l, "D: ", 3);
	lines_bytes(&l, "4", 1);
	lines_end(&l);
	char *block = lines_take(&l, &list);

	assert_non_null(block);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(block[i], 0);
	memset(block, 'x', 5); /* the caller's; the list is elsewhere */
	assert_string_equal(list->data, "A: 1");
	assert_string_equal(list->next->data, "B: 2");
	assert_string_equal(list->next->next->data, "C;");
	assert_string_equal(list->next->next->next->data, "D: 4");
	assert_null(list->next->next->next->next);
	assert_null(l.block);
	free(block);
}

static void test_growth(void **state)
{
	static char value[3000];
	char name[16];
	struct lines l;
	struct curl_slist *list = NULL;
	int count = 0;

	(void)state;
	memset(value, 'v', sizeof(value) - 1);
	lines_init(&l, 16, 100);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "N%d", i);
		lines_add(&l, name, value + 30 * i);
	}
	void *block = lines_take(&l, &list);

	assert_non_null(block);
	for (; list != NULL; list = list->next, count++) {
		snprintf(name, sizeof(name), "N%d: ", count);
		assert_memory_equal(list->data, name, strlen(name));
		assert_string_equal(list->data + strlen(name), value + 30 * count);
	}
	assert_int_equal(count, 100);
	free(block);
}

static void test_too_many(void **state)
{
	struct lines l;
	struct curl_slist *list = NULL;

	(void)state;
	lines_init(&l, 0, 1);
	lines_add(&l, "A", "1");
	lines_add(&l, "B", "2");
	assert_null(lines_take(&l, &list));
	assert_null(list);
	lines_finish(&l);
	lines_finish(NULL);
}

static void test_none(void **state)
{
	struct lines l;
	struct curl_slist *list = NULL;

	(void)state;
	lines_init(&l, 8, 1);
	void *block = lines_take(&l, &list);

	assert_non_null(block);
	assert_null(list);
	free(block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
