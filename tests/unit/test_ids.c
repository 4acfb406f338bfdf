/* test_ids.c - ids only grow, keep to their node and hold their time.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/ids.h"

#define NOW_MS (ID_EPOCH_MS + INT64_C(90000000000))

enum { NODE_SHIFT = ID_DELIVERY_BITS + ID_COUNTER_BITS };

static unsigned node_of(int64_t id)
{
	return (unsigned)(id >> NODE_SHIFT) & ((1u << ID_NODE_BITS) - 1);
}

static void test_layout(void **state)
{
	const int64_t id = id_next(0, NOW_MS, 3);

	(void)state;
	assert_int_equal(id_time_ms(id), NOW_MS);
	assert_int_equal(node_of(id), 3);
	assert_int_equal(id % ID_STEP, 0);
	assert_true(id >= id_floor(NOW_MS));
	assert_true(id < id_floor(NOW_MS + 1));
	assert_int_equal(id_time_ms(id + 1023), NOW_MS);
	assert_int_equal(id_floor(0), 0);
	assert_int_equal(id_floor(ID_EPOCH_MS), 0);
	assert_true(id_floor(INT64_MAX) > 0);
	assert_true(id_next(0, 0, 0) >= ID_STEP);
}

/* Many in one millisecond, and a clock that steps back. */
static void test_growth(void **state)
{
	(void)state;
	for (unsigned node = 0; node < 1u << ID_NODE_BITS; node += 31) {
		int64_t last = id_next(0, NOW_MS, node);

		for (int i = 0; i < 1000; i++) {
			const int64_t next = id_next(last, NOW_MS - i, node);

			assert_true(next >= last + ID_STEP);
			assert_int_equal(next % ID_STEP, 0);
			assert_int_equal(node_of(next), node);
			last = next;
		}
		assert_true(id_time_ms(last) <= NOW_MS + 1000 / 128 + 1);
	}
}

/* The id before may be another node's (the setting was changed). */
static void test_other_node(void **state)
{
	const int64_t last = id_next(0, NOW_MS, 9);

	(void)state;
	assert_int_equal(node_of(id_next(last, NOW_MS, 4)), 4);
	assert_true(id_next(last, NOW_MS, 4) >= last + ID_STEP);
	assert_int_equal(node_of(id_next(last, NOW_MS, 12)), 12);
	assert_int_equal(id_time_ms(id_next(last, NOW_MS, 12)), NOW_MS);
	/* The id before may be a delivery's. */
	assert_int_equal(id_next(last + 5, NOW_MS, 9) % ID_STEP, 0);
	assert_true(id_next(last + 5, NOW_MS, 9) >= last + 5 + ID_STEP);
}

static void test_after(void **state)
{
	const int64_t id = id_next(0, NOW_MS, 0);

	(void)state;
	assert_int_equal(id_after(id, 0), id + ID_STEP);
	assert_int_equal(id_after(id, 1023), id + ID_STEP);
	assert_int_equal(id_after(id, 1024), id + 2 * ID_STEP);
	assert_int_equal(id_after(id, 5000), id + 5 * ID_STEP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_other_node),
		cmocka_unit_test(test_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
