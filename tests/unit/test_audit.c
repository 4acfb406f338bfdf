/* test_audit.c - the audit finds every kind of damage and nothing in a sound store.
 * SPDX-License-Identifier: MIT */
#include "store/store.h"

#include "store_world.h"

enum { AUDIT_EVENTS = 30 };

/* Two webhooks; deliveries due, held, delivered, failed and cancelled. */
static void store_fill(struct world *w)
{
	assert_int_equal(world_webhook_add(w, 1, 0), ERR_OK);
	assert_int_equal(world_webhook_add(w, 1, 0), ERR_OK);
	const int64_t to[] = { world_channel(w, 0, 0), world_channel(w, 1, 0) };
	for (int i = 0; i < AUDIT_EVENTS; i++) {
		struct publish p;

		publish_fill(w, &p, NULL, to, 2);
		assert_int_equal(store_accept(w->s, &p.accept), ERR_OK);
		struct settle x = settle_make(to[0], p.targets[0].delivery_id,
					      i % 2 == 0 ? DELIVERY_FAILED : DELIVERY_DELIVERED);
		if (i < AUDIT_EVENTS / 2)
			assert_int_equal(world_settle_all(w, &x, 1), ERR_OK);
	}
	struct webhook *h = &w->webhooks[1];
	h->is_active = false;
	assert_int_equal(store_webhook_replace(w->s, h, STORE_WAITING_HOLD), ERR_OK);
	world_sweeps_wait(w);
}

static int world_setup(void **state)
{
	static struct world w;

	world_start(&w);
	store_fill(&w);
	*state = &w;
	return 0;
}

static int world_teardown(void **state)
{
	world_end(*state);
	return 0;
}

#define ONE_OF(state)    "(SELECT min(id) FROM delivery WHERE state=" #state ")"
#define SECOND_OF(state) "(SELECT id FROM delivery WHERE state=" #state " LIMIT 1 OFFSET 1)"

static const struct {
	const char *damage, *said;
} damages[] = {
	{ "UPDATE destination SET created=created+1", "created deliveries" },
	{ "UPDATE destination SET due=due+1 WHERE id=1", "counters" },
	{ "UPDATE destination SET held=held-1 WHERE id=2", "counters" },
	{ "UPDATE destination SET due=due-1,failed=failed+1 WHERE id=1", "counters" },
	{ "UPDATE destination SET last=last-1 WHERE id=1", "newest delivery" },
	{ "UPDATE delivery SET state=4 WHERE id=" ONE_OF(1), "counters" },
	{ "UPDATE delivery SET state=9 WHERE id=" ONE_OF(3), "unknown state" },
	{ "UPDATE delivery SET prev=0 WHERE id=" SECOND_OF(1), "not chained" },
	{ "UPDATE delivery SET destination=77 WHERE id=" ONE_OF(1), "no destination" },
	{ "DELETE FROM delivery WHERE id=" ONE_OF(3), "as many deliveries" },
	{ "DELETE FROM delivery WHERE id=(SELECT max(id) FROM delivery)", "as many deliveries" },
	{ "UPDATE delivery SET id=id+5 WHERE id=" ONE_OF(3), "no event" },
	{ "DELETE FROM queue WHERE delivery=" ONE_OF(1), "queue" },
	{ "INSERT INTO queue VALUES(1,5," ONE_OF(3) ")", "queue" },
	{ "UPDATE queue SET delivery=" ONE_OF(3) " WHERE delivery=" ONE_OF(1), "queue" },
	{ "INSERT INTO queue VALUES(99,5,5)", "of no destination" },
	{ "DELETE FROM rare WHERE delivery=" ONE_OF(2), "rare list" },
	{ "UPDATE rare SET state=5 WHERE delivery=" ONE_OF(4), "rare list" },
	{ "INSERT INTO rare VALUES(1,3," ONE_OF(3) ")", "rare list" },
	{ "INSERT INTO rare VALUES(1,8,5)", "unknown state" },
	{ "DELETE FROM event WHERE id=(SELECT min(id) FROM event)", "not chained" },
	{ "DELETE FROM event WHERE id=(SELECT max(id) FROM event)", "" },
	{ "UPDATE event SET fanout=fanout+1 WHERE id=(SELECT max(id) FROM event)",
	  "as many deliveries" },
	{ "UPDATE event SET prev=0 WHERE id=(SELECT max(id) FROM event)", "not chained" },
	{ "UPDATE event SET organization=5 WHERE id=(SELECT max(id) FROM event)",
	  "no organization" },
	{ "UPDATE organization_head SET events=events+1", "count of events" },
	{ "UPDATE organization_head SET last=last-1024", "newest event" },
};

static void every_damage_is_found(void **state)
{
	struct world *w = *state;
	char *sound = xformat("%s.sound", w->path);

	world_audit_ok(w);
	world_close(w);
	file_copy(w->path, sound);
	for (size_t i = 0; i < COUNT_OF(damages); i++) {
		struct why why = { "" };

		file_copy(sound, w->path);
		assert_true(world_sql(w, damages[i].damage) > 0);
		world_open(w);
		if (store_audit(w->s, &why) != ERR_CORRUPT)
			fail_msg("not found: %s", damages[i].damage);
		if (strstr(why.text, damages[i].said) == NULL)
			fail_msg("%s: %s", damages[i].damage, why.text);
		world_close(w);
	}
	assert_int_equal(unlink(sound), 0);
	free(sound);
}

static void an_empty_store_is_sound(void **state)
{
	struct world w;

	(void)state;
	world_start(&w);
	world_audit_ok(&w);
	assert_int_equal(world_webhook_add(&w, 1, 1), ERR_OK);
	world_audit_ok(&w);
	world_end(&w);
}

/* More rows than it reads at a time. */
static void a_page_ends_anywhere(void **state)
{
	static const int counts[] = { 999, 1, 1, 1000 };
	struct world w;

	(void)state;
	world_start(&w);
	assert_int_equal(world_webhook_add(&w, 1, 0), ERR_OK);
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		for (int k = 0; k < counts[i]; k++)
			world_publish(&w, world_channel(&w, 0, 0), 0);
		world_audit_ok(&w);
	}
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_damage_is_found, world_setup, world_teardown),
		cmocka_unit_test(an_empty_store_is_sound),
		cmocka_unit_test(a_page_ends_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
