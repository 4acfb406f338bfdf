/* test_audit.c - the audit finds every kind of damage and nothing in a sound store.
 * SPDX-License-Identifier: MIT */
#include "store/store.h"

#include "store_world.h"

enum { AUDIT_EVENTS = 30 };

/* Two webhooks, one with targets; deliveries due, held, delivered and failed; keys. */
static void store_fill(struct world *w)
{
	assert_int_equal(world_webhook_add(w, 1, 0), ERR_OK);
	assert_int_equal(world_webhook_add(w, 1, 2), ERR_OK);
	const int64_t to[] = { world_channel(w, 0, 0), world_channel(w, 1, 0) };
	for (int i = 0; i < AUDIT_EVENTS; i++) {
		struct publish p;

		char name[24];

		snprintf(name, sizeof(name), "order-%d", i);
		publish_fill(w, &p, i % 3 == 0 ? name : NULL, to, 2);
		p.targets[1].target = w->webhooks[1].channels[0].targets[i % 2].id;
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
	{ "UPDATE destination SET removed=removed+1", "created deliveries" },
	{ "UPDATE organization_head SET removed=removed-1", "count of events" },
	{ "UPDATE delivery SET done_at=NULL WHERE id=" ONE_OF(3), "time of ending" },
	{ "UPDATE delivery SET done_at=5 WHERE id=" ONE_OF(1), "time of ending" },
	{ "UPDATE delivery SET target=99 WHERE id=" ONE_OF(1), "target" },
	{ "UPDATE delivery SET target=1 WHERE destination=1", "target" },
	{ "UPDATE delivery SET target=-1 WHERE id=" ONE_OF(1), "target" },
	{ "INSERT INTO attempt(delivery,number,started_at,outcome,status) VALUES(77,1,1,2,0)",
	  "attempt belongs" },
	{ "UPDATE attempt SET number=7 WHERE delivery=" ONE_OF(4), "attempt's number" },
	{ "UPDATE attempt SET number=0 WHERE delivery=" ONE_OF(4), "attempt's number" },
	{ "DELETE FROM mark WHERE chain=1", "marks" },
	{ "DELETE FROM mark WHERE chain=-1", "organization's marks" },
	{ "UPDATE mark SET first=first+1 WHERE chain=2", "destination's marks" },
	{ "UPDATE mark SET hour=hour+1", "not of its hour" },
	{ "INSERT INTO mark VALUES(55,5,5)", "no chain" },
	{ "UPDATE seen SET event=5 WHERE hash=(SELECT min(hash) FROM seen)",
	  "belongs to no event" },
	{ "UPDATE seen SET events=x'0102'", "broken list" },
	{ "INSERT INTO organization VALUES(9,'o','i','n',1);"
	  "UPDATE destination SET organization=9 WHERE id=1",
	  "another organization" },
	{ "UPDATE destination SET webhook=2 WHERE id=1", "no destination of its own" },
	{ "DELETE FROM destination WHERE id=1", "no destination of its own" },
	{ "DELETE FROM channel WHERE id=1", "belongs to no channel" },
	{ "UPDATE webhook SET organization=9 WHERE id=1", "not its organization's" },
	{ "UPDATE webhook SET removed_at=1 WHERE id=1", "without its webhook" },
	{ "UPDATE target SET channel=9 WHERE id=1", "target belongs to no channel" },
	{ "UPDATE secret SET webhook=9 WHERE webhook=1", "secret is there" },
	{ "INSERT INTO webhook_error VALUES(9,'m','c','e',1,1)", "last error" },
	{ "INSERT INTO api_key VALUES(9,9,'k',x'00',1,0,1,0)", "API key" },
	{ "INSERT INTO organization_head VALUES(9,0,0,0)", "chain of events" },
	/* Retention's floor excuses what is below it, and only that. */
	{ "INSERT INTO meta VALUES('floor',(SELECT max(id) FROM event));"
	  "DELETE FROM delivery WHERE id=" ONE_OF(3),
	  "created deliveries" },
	{ "INSERT INTO meta VALUES('floor',(SELECT min(id) FROM event));"
	  "UPDATE delivery SET prev=prev-1 WHERE id=(SELECT max(id) FROM delivery)",
	  "not chained" },
};

/* One statement after the other; the last one must change something. */
static void damage_do(const struct world *w, const char *damage)
{
	char *text = xstrdup(damage), *rest = NULL;
	int64_t changed = 0;

	for (char *part = strtok_r(text, ";", &rest); part != NULL;
	     part = strtok_r(NULL, ";", &rest))
		changed = world_sql(w, part);
	assert_true(changed > 0);
	free(text);
}

static void every_damage_is_found(void **state)
{
	struct world *w = *state;
	char *sound = xformat("%s.sound", w->path);

	world_audit_ok(w);
	world_close(w);
	file_copy(w->path, sound);
	for (size_t i = 0; i < COUNT_OF(damages); i++) {
		struct fault_texts faults = { .len = 0 };

		file_copy(sound, w->path);
		damage_do(w, damages[i].damage);
		world_open(w);
		if (store_audit(w->s, fault_note, &faults) != ERR_CORRUPT)
			fail_msg("not found: %s", damages[i].damage);
		assert_true(faults.count > 0);
		if (strstr(faults.text, damages[i].said) == NULL)
			fail_msg("%s: %s", damages[i].damage, faults.text);
		world_close(w);
	}
	assert_int_equal(unlink(sound), 0);
	free(sound);
}

/* Written under an open store: one that is opened works off what is there. */
static void a_move_without_meaning_is_found(void **state)
{
	struct fault_texts faults = { .len = 0 };
	struct world w;

	(void)state;
	world_start(&w);
	assert_int_equal(world_webhook_add(&w, 1, 0), ERR_OK);
	assert_int_equal(world_sql(&w, "INSERT INTO sweep VALUES(9,1,0,7,5)"), 1);
	assert_int_equal(world_sql(&w, "INSERT INTO sweep VALUES(8,77,0,1,5)"), 1);
	assert_int_equal(store_audit(w.s, fault_note, &faults), ERR_CORRUPT);
	assert_int_equal(faults.count, 2);
	assert_non_null(strstr(faults.text, "no meaning"));
	world_end(&w);
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
		cmocka_unit_test(a_move_without_meaning_is_found),
		cmocka_unit_test(an_empty_store_is_sound),
		cmocka_unit_test(a_page_ends_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
