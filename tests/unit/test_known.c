/* test_known.c - the table of deliveries in memory.
 * SPDX-License-Identifier: MIT */
#include "delivery/known.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "base/mem.h"

enum { KNOWN_MANY = 5000 };

static struct item *item_make(int64_t id, int64_t destination, bool is_settled)
{
	struct item *item = xcalloc(1, sizeof(*item));

	item->work.delivery_id = id;
	item->work.destination = destination;
	item->is_settled = is_settled;
	return item;
}

/* Ids as they are: many share their low bits. */
static int64_t id_at(int i)
{
	return (INT64_C(1) << 40) + (int64_t)i * 1024 + 1;
}

static void what_is_added_is_found(void **state)
{
	struct known *k = known_create();
	static struct item *items[KNOWN_MANY];

	(void)state;
	assert_null(known_find(k, 1));
	for (int i = 0; i < KNOWN_MANY; i++) { /* it grows on the way */
		items[i] = item_make(id_at(i), 1, false);
		known_add(k, items[i]);
	}
	assert_int_equal(known_count(k), KNOWN_MANY);
	for (int i = 0; i < KNOWN_MANY; i++)
		assert_ptr_equal(known_find(k, id_at(i)), items[i]);
	for (int i = 0; i < KNOWN_MANY; i += 2)
		known_remove(k, items[i]);
	assert_int_equal(known_count(k), KNOWN_MANY / 2);
	for (int i = 0; i < KNOWN_MANY; i++)
		assert_ptr_equal(known_find(k, id_at(i)), i % 2 == 0 ? NULL : items[i]);
	known_remove(k, items[0]); /* it is gone already */
	assert_int_equal(known_count(k), KNOWN_MANY / 2);
	known_destroy(k);
	for (int i = 0; i < KNOWN_MANY; i++)
		free(items[i]);
}

struct visit {
	struct known *k;
	int count, removed;
};

static void visit_remove(void *ctx, struct item *item)
{
	struct visit *v = ctx;

	assert_true(item->is_settled);
	assert_true(item->work.destination == 2);
	v->count++;
	known_remove(v->k, item);
	free(item);
}

static void the_settled_of_a_destination_are_visited(void **state)
{
	struct known *k = known_create();
	struct visit v = { .k = k };
	static struct item *kept[KNOWN_MANY];
	int kept_count = 0;

	(void)state;
	for (int i = 0; i < KNOWN_MANY; i++) {
		struct item *item = item_make(id_at(i), i % 3, i % 2 == 0);

		known_add(k, item);
		if (!item->is_settled)
			kept[kept_count++] = item;
	}
	known_each_of(k, 2, visit_remove, &v);
	assert_int_equal(v.count, KNOWN_MANY / 6);
	assert_int_equal(known_count(k), KNOWN_MANY - v.count);
	v.count = 0;
	known_each_of(k, 2, visit_remove, &v);
	assert_int_equal(v.count, 0);
	known_destroy(k); /* frees the settled ones only */
	for (int i = 0; i < kept_count; i++)
		free(kept[i]);
	known_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_added_is_found),
		cmocka_unit_test(the_settled_of_a_destination_are_visited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
