/* test_engine.c - the loop from outside: what is handed over, left or found in the
 * store is sent once, and a stop loses nothing.
 * SPDX-License-Identifier: MIT
 * Store, registry and transfers are real; the receiver is a thread on loopback. */
#include "delivery/engine.h"

#include "base/log.h"
#include "domain/registry.h"
#include "model/ids.h"

#include "engine_world.h"
#include "store_world.h"

enum { WAIT_TURNS = 20000 };

static struct world w;
static struct conf conf;
static struct pubid *ids;
static struct registry *registry;
static struct engine *engine;
static struct webhook hook; /* as last stored */
static _Atomic int64_t webhook_changed;

static void changed(void *ctx, int64_t webhook)
{
	assert_ptr_equal(ctx, &w);
	atomic_store(&webhook_changed, webhook);
}

static void engine_make(void)
{
	const struct engine_parts parts = { .conf = &conf,
					    .channels = &engine_channels,
					    .registry = registry,
					    .store = w.s,
					    .ids = ids,
					    .webhook_changed = changed,
					    .ctx = &w };
	struct why why = { "" };

	if (engine_create(&parts, &engine, &why) != ERR_OK)
		fail_msg("%s", why.text);
}

static void engine_begin(void)
{
	struct why why = { "" };

	if (engine_start(engine, &why) != ERR_OK)
		fail_msg("%s", why.text);
}

/* As a process would at its end; the store stays open for looking. */
static void engine_end(int64_t timeout_ms)
{
	if (engine == NULL)
		return;
	assert_true(engine_stop(engine, timeout_ms));
	world_close(&w);
	engine_destroy(engine);
	engine = NULL;
	world_open(&w);
}

/* Make it visible to the engine, as domain/webhooks.c does. */
static void hook_publish(void)
{
	struct webhook copy;

	webhook_copy(&hook, &copy);
	registry_put(registry, &copy);
}

static int setup(void **state)
{
	(void)state;
	engine_world_start();
	world_start(&w);
	conf = engine_conf();
	ids = pubid_create(store_id_key(w.s));
	registry = registry_create(&engine_channels);
	atomic_store(&webhook_changed, 0);
	hook = (struct webhook){ .organization = w.organization,
				 .public_id = "wh_aaaaaaaaaa",
				 .name = xstrdup("Orders"),
				 .is_active = true,
				 .created_at_us = 1,
				 .updated_at_us = 1,
				 .event_type_count = 1,
				 .channel_count = 1,
				 .secret_count = 1 };
	hook.event_types = xcalloc(1, sizeof(*hook.event_types));
	hook.event_types[0] = xstrdup("*");
	hook.channels = xcalloc(1, sizeof(*hook.channels));
	hook.channels[0].name = xstrdup("web");
	hook.channels[0].configs = xformat("{\"url\":\"http://127.0.0.1:%u/\"}", receiver.port);
	hook.secrets[0].len = 32;
	assert_int_equal(store_webhook_add(w.s, &hook), ERR_OK);
	hook_publish();
	engine_make();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	receiver_release();
	engine_end(0);
	world_audit_ok(&w);
	registry_destroy(registry);
	webhook_finish(&hook);
	pubid_destroy(ids);
	world_end(&w);
	engine_world_end();
	return 0;
}

/* --- Publishing and waiting ------------------------------------------------------ */

static void event_accept(struct publish *p)
{
	publish_fill(&w, p, NULL, &hook.channels[0].id, 1);
	assert_int_equal(store_accept(w.s, &p->accept), ERR_OK);
	assert_int_equal(p->event.deliveries, 1);
}

/* As api/events does; returns the delivery. */
static int64_t event_hand_over(void)
{
	struct publish p;

	event_accept(&p);
	const struct event made = { .id = p.event.event_id,
				    .organization = w.organization,
				    .type = p.event.type,
				    .data = p.event.data };

	engine_hand_over(engine, event_create(&made), p.targets, 1);
	return p.targets[0].delivery_id;
}

static int64_t event_leave(void)
{
	struct publish p;

	event_accept(&p);
	engine_leave(engine, p.targets, 1);
	return p.targets[0].delivery_id;
}

static void moment(int turn)
{
	const struct timespec span = { .tv_nsec = 1000000 };

	assert_true(turn < WAIT_TURNS);
	nanosleep(&span, NULL);
}

static void state_wait(enum delivery_state state, int64_t count)
{
	for (int i = 0; world_state_count(&w, hook.channels[0].id, state) != count; i++)
		moment(i);
}

static void number_wait(const _Atomic int *number, int at_least)
{
	for (int i = 0; atomic_load(number) < at_least; i++)
		moment(i);
}

/* --- Sending --------------------------------------------------------------------- */

static void sent_whichever_way_it_comes(void **state)
{
	static int64_t (*const ways[])(void) = { event_hand_over, event_leave };

	(void)state;
	engine_begin();
	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		ways[i]();
		state_wait(DELIVERY_DELIVERED, (int64_t)i + 1);
		assert_int_equal(atomic_load(&receiver.arrivals), i + 1);
		receiver_got("\"event_type\":\"order.paid\"");
	}
}

static void found_at_the_start(void **state)
{
	struct publish p;

	(void)state;
	for (int i = 0; i < 10; i++)
		event_accept(&p);
	engine_begin();
	state_wait(DELIVERY_DELIVERED, 10);
	assert_int_equal(atomic_load(&receiver.arrivals), 10);
}

static void tried_again(void **state)
{
	(void)state;
	atomic_store(&receiver.failures, 2);
	engine_begin();
	event_hand_over();
	state_wait(DELIVERY_DELIVERED, 1);
	assert_int_equal(atomic_load(&receiver.arrivals), 3);
	assert_int_equal(world_sql(&w, "SELECT attempts FROM delivery"), 3);
	assert_int_equal(world_sql(&w, "SELECT count(*) FROM attempt"), 2);
}

static void failed_for_good(void **state)
{
	(void)state;
	atomic_store(&receiver.status, 500);
	engine_begin();
	event_leave();
	state_wait(DELIVERY_FAILED, 1);
	assert_int_equal(atomic_load(&receiver.arrivals), 1 + COUNT_OF(engine_pauses_ms));
}

/* A backlog far beyond what one destination keeps in memory, from both sides. */
static void each_once(void **state)
{
	enum { BEFORE = 60, LATER = 60 };
	struct publish p;

	(void)state;
	conf.delivery.queue_max = 8;
	engine_end(0);
	engine_make();
	for (int i = 0; i < BEFORE; i++)
		event_accept(&p);
	engine_begin();
	for (int i = 0; i < LATER; i++) {
		if (i % 3 == 0)
			event_leave();
		else
			event_hand_over();
	}
	state_wait(DELIVERY_DELIVERED, BEFORE + LATER);
	assert_int_equal(atomic_load(&receiver.arrivals), BEFORE + LATER);
	assert_int_equal(world_sql(&w, "SELECT sum(attempts) FROM delivery"), BEFORE + LATER);
}

static void shown_as_sending(void **state)
{
	(void)state;
	atomic_store(&receiver.holds, true);
	engine_begin();
	const int64_t id = event_hand_over();

	number_wait(&receiver.held, 1);
	assert_true(engine_is_sending(engine, id));
	assert_false(engine_is_sending(engine, id + 1));
	receiver_release();
	state_wait(DELIVERY_DELIVERED, 1);
	for (int i = 0; engine_is_sending(engine, id); i++)
		moment(i);
}

/* --- Memory ---------------------------------------------------------------------- */

static void room(void **state)
{
	static const struct {
		size_t bytes;
		bool want;
	} cases[] = {
		{ 0, true },
		{ MEMORY_BYTES / 2, true },
		{ MEMORY_BYTES, true },
		{ MEMORY_BYTES + 1, false },
		{ (size_t)8 * MEMORY_BYTES, false },
	};

	(void)state;
	engine_begin();
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(engine_room(engine, cases[i].bytes), cases[i].want);
	/* What is in memory counts until it is on disk. */
	atomic_store(&receiver.holds, true);
	event_hand_over();
	assert_false(engine_room(engine, MEMORY_BYTES));
	assert_true(engine_room(engine, MEMORY_BYTES / 2));
	receiver_release();
	state_wait(DELIVERY_DELIVERED, 1);
	for (int i = 0; !engine_room(engine, MEMORY_BYTES); i++)
		moment(i);
}

/* Nothing that was made, or only held deliveries: an event without work. */
static void handed_over_without_work(void **state)
{
	struct accept_target targets[] = {
		{ .destination = hook.channels[0].id }, /* its channel went away */
		{ .destination = hook.channels[0].id, .delivery_id = 1, .state = DELIVERY_HELD },
	};
	const struct event made = { .id = 1, .organization = w.organization };

	(void)state;
	engine_begin();
	engine_hand_over(engine, event_create(&made), targets, COUNT_OF(targets));
	engine_leave(engine, targets, COUNT_OF(targets));
	assert_true(engine_room(engine, MEMORY_BYTES));
	event_hand_over();
	state_wait(DELIVERY_DELIVERED, 1);
	assert_int_equal(atomic_load(&receiver.arrivals), 1);
}

/* --- Changes of webhooks --------------------------------------------------------- */

static void held_and_released(void **state)
{
	(void)state;
	engine_begin();
	hook.is_active = false;
	hook_publish();
	event_leave();
	assert_int_equal(store_webhook_replace(w.s, &hook, STORE_WAITING_HOLD), ERR_OK);
	engine_webhook_changed(engine, hook.id);
	state_wait(DELIVERY_HELD, 1);
	assert_int_equal(atomic_load(&receiver.arrivals), 0);
	hook.is_active = true;
	hook_publish();
	/* The store tells the engine of what it has released. */
	assert_int_equal(store_webhook_replace(w.s, &hook, STORE_WAITING_RELEASE), ERR_OK);
	engine_webhook_changed(engine, hook.id);
	state_wait(DELIVERY_DELIVERED, 1);
}

/* A receiver that says 410: whoever knows the webhook must read it again. */
static void gone(void **state)
{
	(void)state;
	atomic_store(&receiver.status, 410);
	engine_begin();
	event_hand_over();
	state_wait(DELIVERY_FAILED, 1);
	for (int i = 0; atomic_load(&webhook_changed) != hook.id; i++)
		moment(i);
	assert_int_equal(world_sql(&w, "SELECT status FROM channel"), CHANNEL_DISABLED);
}

/* --- Stopping -------------------------------------------------------------------- */

/* Given up after the time limit, unrecorded; the next process sends it. */
static void a_stop_hands_back(void **state)
{
	(void)state;
	atomic_store(&receiver.holds, true);
	engine_begin();
	event_hand_over();
	number_wait(&receiver.held, 1);
	engine_end(0);
	assert_int_equal(world_state_count(&w, hook.channels[0].id, DELIVERY_DUE), 1);
	assert_int_equal(world_sql(&w, "SELECT attempts FROM delivery"), 0);
	assert_int_equal(world_sql(&w, "SELECT count(*) FROM queue"), 1);
	receiver_release();
	engine_make();
	engine_begin();
	state_wait(DELIVERY_DELIVERED, 1);
	assert_int_equal(atomic_load(&receiver.arrivals), 2);
}

static void *stop_run(void *arg)
{
	*(bool *)arg = engine_stop(engine, 20000);
	return NULL;
}

static void a_stop_waits_for_what_runs(void **state)
{
	bool has_ended = false;
	pthread_t stopper;

	(void)state;
	atomic_store(&receiver.holds, true);
	engine_begin();
	event_hand_over();
	number_wait(&receiver.held, 1);
	assert_int_equal(pthread_create(&stopper, NULL, stop_run, &has_ended), 0);
	for (int i = 0; engine_room(engine, 0); i++) /* none once it stops */
		moment(i);
	receiver_release();
	pthread_join(stopper, NULL);
	assert_true(has_ended);
	/* Settled before the stop returned. */
	assert_int_equal(world_state_count(&w, hook.channels[0].id, DELIVERY_DELIVERED), 1);
	assert_true(engine_stop(engine, 0)); /* twice does no harm */
}

/* Accepted while the last attempts end: for the next process. */
static void what_comes_during_a_stop_stays_in_the_store(void **state)
{
	bool has_ended = false;
	pthread_t stopper;

	(void)state;
	atomic_store(&receiver.holds, true);
	engine_begin();
	event_hand_over();
	number_wait(&receiver.held, 1);
	assert_int_equal(pthread_create(&stopper, NULL, stop_run, &has_ended), 0);
	for (int i = 0; engine_room(engine, 0); i++)
		moment(i);
	event_hand_over();
	event_leave();
	engine_webhook_changed(engine, hook.id);
	receiver_release();
	pthread_join(stopper, NULL);
	assert_true(has_ended);
	assert_int_equal(atomic_load(&receiver.arrivals), 1);
	assert_int_equal(world_state_count(&w, hook.channels[0].id, DELIVERY_DUE), 2);
	engine_end(0);
	engine_make();
	engine_begin();
	state_wait(DELIVERY_DELIVERED, 3);
	assert_int_equal(atomic_load(&receiver.arrivals), 3);
}

static void never_started(void **state)
{
	(void)state;
	assert_true(engine_stop(engine, 0));
	engine_destroy(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(sent_whichever_way_it_comes),
		TEST(found_at_the_start),
		TEST(tried_again),
		TEST(failed_for_good),
		TEST(each_once),
		TEST(shown_as_sending),
		TEST(room),
		TEST(handed_over_without_work),
		TEST(held_and_released),
		TEST(gone),
		TEST(a_stop_hands_back),
		TEST(a_stop_waits_for_what_runs),
		TEST(what_comes_during_a_stop_stays_in_the_store),
		TEST(never_started),
	};

	log_level_set(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
