/* test_event.c - an event is a copy, and lives as long as it is held.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/event.h"

static void test_copy(void **state)
{
	char data[] = "{\"n\":1}";
	struct event from = { .flags = EVENT_IS_TEST,
			      .id = 1024,
			      .organization = 3,
			      .occurred_at_us = 99,
			      .type = { "a.b", 3 },
			      .source_id = { NULL, 0 },
			      .extra = { "", 0 },
			      .data = { data, sizeof(data) - 1 } };
	struct event *e = event_create(&from);

	(void)state;
	assert_non_null(e);
	memset(data, 'x', sizeof(data) - 1);
	assert_int_equal(e->flags, EVENT_IS_TEST);
	assert_int_equal(e->id, 1024);
	assert_int_equal(e->organization, 3);
	assert_int_equal(e->occurred_at_us, 99);
	assert_true(span_is(e->type, "a.b"));
	assert_null(e->source_id.ptr);
	assert_non_null(e->extra.ptr);
	assert_int_equal(e->extra.len, 0);
	assert_true(span_is(e->data, "{\"n\":1}"));
	assert_true(e->bytes >= sizeof(*e) + 10);
	event_drop(e);
}

static void test_count(void **state)
{
	const struct event from = { .type = { "a.b", 3 } };
	struct event *e = event_create(&from);

	(void)state;
	assert_ptr_equal(event_hold(e), e);
	assert_int_equal(e->refs, 2);
	event_drop(e);
	assert_int_equal(e->refs, 1);
	assert_true(span_is(e->type, "a.b"));
	event_drop(e);
	event_drop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
