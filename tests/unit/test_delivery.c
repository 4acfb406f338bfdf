/* test_delivery.c - every move between every pair of states.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/delivery.h"

static void test_moves(void **state)
{
	/* From (rows) unset, due, held, delivered, failed, cancelled; to likewise. */
	static const bool allowed[DELIVERY_STATES][DELIVERY_STATES] = {
		{ 0, 0, 0, 0, 0, 0 }, { 0, 1, 1, 1, 1, 1 }, { 0, 1, 0, 1, 1, 1 },
		{ 0, 1, 0, 0, 0, 0 }, { 0, 1, 0, 0, 0, 0 }, { 0, 1, 0, 0, 0, 0 },
	};

	(void)state;
	for (int from = 0; from < DELIVERY_STATES; from++) {
		for (int to = 0; to < DELIVERY_STATES; to++) {
			if (delivery_may_move((enum delivery_state)from, (enum delivery_state)to) !=
			    allowed[from][to])
				fail_msg("%d to %d", from, to);
		}
	}
	assert_false(delivery_may_move((enum delivery_state)77, DELIVERY_DUE));
	assert_false(delivery_may_move(DELIVERY_DUE, (enum delivery_state)77));
}

static void test_texts(void **state)
{
	(void)state;
	assert_null(delivery_state_text(DELIVERY_UNSET));
	assert_string_equal(delivery_state_text(DELIVERY_DUE), "due");
	assert_string_equal(delivery_state_text(DELIVERY_HELD), "held");
	assert_string_equal(delivery_state_text(DELIVERY_DELIVERED), "delivered");
	assert_string_equal(delivery_state_text(DELIVERY_FAILED), "failed");
	assert_string_equal(delivery_state_text(DELIVERY_CANCELLED), "cancelled");
	assert_null(attempt_outcome_text(ATTEMPT_UNSET));
	assert_string_equal(attempt_outcome_text(ATTEMPT_DELIVERED), "delivered");
	assert_string_equal(attempt_outcome_text(ATTEMPT_RETRY), "retry");
	assert_string_equal(attempt_outcome_text(ATTEMPT_FAILED), "failed");
	assert_string_equal(attempt_outcome_text(ATTEMPT_GONE), "gone");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
