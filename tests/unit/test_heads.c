/* test_heads.c - counters and chain heads in memory: undoing, saving, loading.
 * SPDX-License-Identifier: MIT */
#include "store/sqlite/heads.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/ids.h"
#include "store/sqlite/schema.h"

static void changes_are_undone_to_a_place(void **state)
{
	struct heads *h = heads_create();

	(void)state;
	heads_add(h, 5, 1, 2);
	struct head *head = heads_find(h, 5);
	heads_change(h, head);
	heads_count(h, head, DELIVERY_UNSET, DELIVERY_DUE);
	head->last = 10;
	const size_t place = heads_place(h);
	for (int i = 0; i < 300; i++) { /* more than the log's first size */
		heads_change(h, head);
		heads_count(h, head, DELIVERY_UNSET, DELIVERY_HELD);
		head->last = 11 + i;
	}
	heads_change(h, head);
	heads_count(h, head, DELIVERY_DUE, DELIVERY_DELIVERED);
	head->mode = HEAD_DISABLED;
	struct organization_head *o = heads_organization(h, 3);
	heads_change_organization(h, o);
	o->events = 9;
	assert_int_equal(heads_total(h, DELIVERY_HELD), 300);
	heads_undo(h, place);
	assert_int_equal(heads_place(h), place);
	assert_true(head->last == 10 && head->created == 1);
	assert_int_equal(head->by_state[DELIVERY_DUE], 1);
	assert_int_equal(head->mode, HEAD_ACTIVE);
	assert_int_equal(heads_total(h, DELIVERY_HELD), 0);
	assert_int_equal(heads_total(h, DELIVERY_DELIVERED), 0);
	assert_int_equal(heads_total(h, DELIVERY_DUE), 1);
	assert_true(o->events == 0);
	heads_undo(h, 0);
	assert_true(head->last == 0 && head->created == 0);
	assert_int_equal(heads_total(h, DELIVERY_DUE), 0);
	heads_destroy(h);
}

static void what_is_settled_stays(void **state)
{
	struct heads *h = heads_create();

	(void)state;
	heads_add(h, 1, 1, 1);
	struct head *head = heads_find(h, 1);
	heads_change(h, head);
	heads_count(h, head, DELIVERY_UNSET, DELIVERY_DUE);
	heads_settle(h);
	assert_int_equal(heads_place(h), 0);
	heads_undo(h, 0);
	assert_int_equal(head->by_state[DELIVERY_DUE], 1);
	heads_destroy(h);
}

static void ids_may_be_anything(void **state)
{
	static const int64_t strange[] = { 0, -1, 2, 1000000, INT64_MIN, INT64_MAX };
	struct heads *h = heads_create();

	(void)state;
	heads_add(h, 1, 1, 1);
	heads_add(h, 40, 1, 1);
	for (size_t i = 0; i < COUNT_OF(strange); i++)
		assert_null(heads_find(h, strange[i]));
	assert_non_null(heads_find(h, 40));
	assert_null(heads_organization(h, 0));
	assert_non_null(heads_organization(h, 7));
	heads_mode(h, 40, HEAD_PAUSED);
	heads_mode(h, 41, HEAD_PAUSED); /* there is none */
	assert_int_equal(heads_find(h, 40)->mode, HEAD_PAUSED);
	heads_destroy(h);
}

static void errors_are_remembered_by_webhook(void **state)
{
	struct heads *h = heads_create();

	(void)state;
	assert_false(heads_has_error(h, 500));
	heads_error(h, 500, true);
	heads_error(h, 2, true);
	heads_error(h, 2, false);
	assert_true(heads_has_error(h, 500));
	assert_false(heads_has_error(h, 499));
	assert_false(heads_has_error(h, 2));
	heads_destroy(h);
}

/* Channel status, channel removed, webhook active, removed, disabled. */
static const struct {
	const char *sql;
	enum head_mode mode;
} modes[] = {
	{ "UPDATE webhook SET is_active=1", HEAD_ACTIVE },
	{ "UPDATE webhook SET is_active=0", HEAD_PAUSED },
	{ "UPDATE channel SET status=1", HEAD_DISABLED },
	{ "UPDATE webhook SET disabled_reason='x'", HEAD_DISABLED },
	{ "UPDATE channel SET removed_at=5", HEAD_REMOVED },
	{ "UPDATE webhook SET removed_at=5", HEAD_REMOVED },
};

static void what_is_saved_is_loaded(void **state)
{
	struct heads *h = heads_create();
	struct db db;

	(void)state;
	assert_int_equal(db_open(&db, ":memory:", DB_WRITE, 1 << 20, 0, NULL), ERR_OK);
	assert_int_equal(schema_prepare(&db, NULL), ERR_OK);
	assert_int_equal(
		db_exec(&db, "INSERT INTO webhook VALUES(2,1,'wh','n',NULL,'*',1,NULL,0,0,0);"
			     "INSERT INTO channel VALUES(5,2,0,'web',NULL,x'00',0,NULL,0);"
			     "INSERT INTO destination(id,organization,webhook) VALUES(5,1,2);"
			     "INSERT INTO webhook_error VALUES(2,'m','c','e',500,1);"
			     "INSERT INTO event(id,organization,prev,fanout,made,occurred_at,flags,"
			     "type) VALUES(4096,1,0,1500,1499,0,0,'t')"),
		ERR_OK);
	assert_int_equal(heads_load(h, &db), ERR_OK);
	struct head *head = heads_find(h, 5);
	heads_change(h, head);
	heads_count(h, head, DELIVERY_UNSET, DELIVERY_DUE);
	heads_count(h, head, DELIVERY_UNSET, DELIVERY_FAILED);
	head->last = 4098;
	struct organization_head *o = heads_organization(h, 1);
	heads_change_organization(h, o);
	o->last = 4096;
	o->events = 1;
	assert_int_equal(heads_save(h, &db), ERR_OK);
	heads_settle(h);
	for (size_t i = 0; i < COUNT_OF(modes); i++) {
		assert_int_equal(db_exec(&db, modes[i].sql), ERR_OK);
		assert_int_equal(heads_load(h, &db), ERR_OK);
		head = heads_find(h, 5);
		assert_non_null(head);
		assert_int_equal(head->mode, modes[i].mode);
		assert_true(head->webhook == 2 && head->organization == 1 && head->last == 4098);
		assert_true(head->created == 2 && head->by_state[DELIVERY_FAILED] == 1);
		assert_int_equal(heads_total(h, DELIVERY_DUE), 1);
		assert_int_equal(heads_organization(h, 1)->events, 1);
		assert_true(heads_has_error(h, 2));
		/* Its 1,499 deliveries reach into the next slot. */
		assert_true(heads_last_id(h) == 4096 + ID_STEP);
	}
	db_close(&db);
	heads_destroy(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_are_undone_to_a_place),
		cmocka_unit_test(what_is_settled_stays),
		cmocka_unit_test(ids_may_be_anything),
		cmocka_unit_test(errors_are_remembered_by_webhook),
		cmocka_unit_test(what_is_saved_is_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
