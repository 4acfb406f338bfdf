/* test_calls.c - calls between arrival and answer: the pool, its bound, commits.
 * SPDX-License-Identifier: MIT */
#include "api/calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>

#include "api_world.h"

static struct api_world w;

static int setup(void **state)
{
	(void)state;
	api_world_start(&w);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	api_world_end(&w);
	return 0;
}

static bool is_readable(const struct calls *c)
{
	struct pollfd p = { calls_fd(c), POLLIN, 0 };

	return poll(&p, 1, 0) == 1;
}

static void test_bound(void **state)
{
	struct calls *c = calls_create(&w.api, 0, 2);
	struct call *first = calls_get(c), *second = calls_get(c);

	(void)state;
	assert_non_null(first);
	assert_non_null(second);
	assert_ptr_not_equal(first, second);
	assert_null(calls_get(c));
	calls_give(c, first);
	assert_ptr_equal(calls_get(c), first);
	calls_give(c, first);
	calls_give(c, second);
	calls_give(c, NULL);
	calls_destroy(c);
}

/* In order, and the event is readable exactly while there is one. */
static void test_committed(void **state)
{
	struct calls *c = calls_create(&w.api, 0, 3);
	struct call *call[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		call[i] = calls_get(c);
	assert_null(calls_take(c));
	assert_false(is_readable(c));
	for (int i = 0; i < 3; i++)
		call[i]->exchange.waiter.committed(call[i]->exchange.waiter.ctx,
						   &call[i]->exchange);
	for (int i = 0; i < 3; i++) {
		assert_true(is_readable(c));
		assert_ptr_equal(calls_take(c), call[i]);
	}
	assert_false(is_readable(c));
	assert_null(calls_take(c));
	for (int i = 0; i < 3; i++)
		calls_give(c, call[i]);
	calls_destroy(c);
}

static void test_wait(void **state)
{
	struct calls *c = calls_create(&w.api, 0, 1);
	struct call *call = calls_get(c);

	(void)state;
	assert_false(calls_wait(c));
	calls_count(c, 1);
	call->exchange.waiter.committed(call->exchange.waiter.ctx, &call->exchange);
	assert_true(calls_wait(c));
	assert_ptr_equal(calls_take(c), call);
	calls_count(c, -1);
	assert_false(calls_wait(c));
	calls_give(c, call);
	calls_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_committed),
		cmocka_unit_test(test_wait),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
