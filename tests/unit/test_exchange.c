/* test_exchange.c - a thread's exchange forgets one request before the next.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/exchange.h"
#include "api/routes.h"

static void bodies_have_room_for_the_larger_cap(void **state)
{
	static const struct {
		const char *label;
		int64_t body_max_bytes, batch_max_bytes;
	} cases[] = { { "batches are larger", 100000, 300000 },
		      { "single ones are larger", 300000, 100000 } };
	static const char bytes[300000];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct conf conf = { .api = { .body_max_bytes = cases[i].body_max_bytes,
						    .batch_max_bytes = cases[i].batch_max_bytes } };
		const struct api api = { .conf = &conf };
		struct exchange x;

		exchange_init(&x, &api);
		assert_ptr_equal(x.api, &api);
		buf_bytes(&x.request.body, bytes, sizeof(bytes));
		if (x.request.body.failed != ERR_OK)
			fail_msg("%s: no room", cases[i].label);
		buf_bytes(&x.request.body, bytes, 100000);
		assert_int_equal(x.request.body.failed, ERR_TOO_BIG);
		exchange_finish(&x);
	}
}

static void the_last_request_leaves_no_trace(void **state)
{
	const struct conf conf = { .api = { .body_max_bytes = 10, .batch_max_bytes = 10 } };
	const struct api api = { .conf = &conf };
	const struct loc loc = { NULL, "body", 0 };
	struct exchange x;

	(void)state;
	exchange_init(&x, &api);
	x.routes = routes_all(&x.route_count);
	/* Twice: what a reset leaves behind must be fit for use again. */
	for (int round = 0; round < 2; round++) {
		x.route = &x.routes[0];
		x.caller = (struct caller){ .organization = 7, .key_id = 3, .scopes = SCOPE_ALL };
		faults_add(&x.faults, &loc, "missing", "M");
		reply_header(&x.reply, "Retry-After", "1");
		reply_err(&x.reply, ERR_FULL);
		exchange_reset(&x);
		assert_null(x.route);
		assert_int_equal(x.caller.organization, 0);
		assert_int_equal(x.caller.key_id, 0);
		assert_int_equal(x.caller.scopes, 0);
		assert_false(faults_any(&x.faults));
		assert_int_equal(x.faults.detail.len, 0);
		assert_int_equal(x.reply.status, 500);
		assert_int_equal(x.reply.cause, ERR_OK);
		assert_int_equal(x.reply.headers.len, 0);
		assert_int_equal(x.reply.body.len, 0);
	}
	assert_non_null(x.routes); /* the table stays */
	exchange_finish(&x);
}

static void nothing_can_be_finished(void **state)
{
	struct exchange x = { 0 };

	(void)state;
	exchange_finish(NULL);
	exchange_finish(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_have_room_for_the_larger_cap),
		cmocka_unit_test(the_last_request_leaves_no_trace),
		cmocka_unit_test(nothing_can_be_finished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
