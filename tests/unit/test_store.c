/* test_store.c - the SQLite store from outside: accept, settle, sweeps, reading.
 * SPDX-License-Identifier: MIT
 * Real files. Each test ends with the audit and after a restart with another. */
#include "store/store.h"

#include <pthread.h>

#include "model/ids.h"
#include "store/sqlite/state.h"

#include "store_world.h"

enum { MANY = 700 }; /* more than two slices */

static int world_setup(void **state)
{
	static struct world w;

	world_start(&w);
	*state = &w;
	return 0;
}

static int world_teardown(void **state)
{
	struct world *w = *state;

	world_audit_ok(w);
	world_reopen(w);
	world_audit_ok(w);
	world_end(w);
	return 0;
}

/* --- Accepting ----------------------------------------------------------------- */

static void accept_makes_a_delivery_per_target(void **state)
{
	struct world *w = *state;
	struct publish p;
	struct event_row row;

	assert_int_equal(world_webhook_add(w, 2, 2), ERR_OK);
	const int64_t to[] = { world_channel(w, 0, 0), world_channel(w, 0, 1),
			       world_channel(w, 0, 1) };
	for (int i = 0; i < 3; i++) {
		publish_fill(w, &p, NULL, to, 3);
		p.targets[1].target = w->webhooks[0].channels[1].targets[0].id;
		p.targets[2].target = w->webhooks[0].channels[1].targets[1].id;
		assert_int_equal(store_accept(w->s, &p.accept), ERR_OK);
		assert_int_equal(p.event.deliveries, 3);
		for (int t = 0; t < 3; t++) {
			assert_true(p.targets[t].delivery_id == p.event.event_id + t + 1);
			assert_int_equal(p.targets[t].state, DELIVERY_DUE);
		}
	}
	assert_int_equal(world_sql(w, "SELECT count(*) FROM delivery"), 9);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM queue"), 9);
	assert_int_equal(store_event_read(w->s, w->organization, p.event.event_id, &row), ERR_OK);
	assert_int_equal(row.deliveries, 3);
	assert_true(span_is(row.event->data, "{\"a\":1}"));
	event_drop(row.event);
	assert_int_equal(store_event_read(w->s, w->organization + 1, p.event.event_id, &row),
			 ERR_NOT_FOUND);
}

static void a_known_event_id_answers_the_same(void **state)
{
	struct world *w = *state;
	struct publish first, again;
	int64_t found = 0;

	assert_int_equal(world_webhook_add(w, 1, 0), ERR_OK);
	const int64_t to = world_channel(w, 0, 0);
	publish_fill(w, &first, "order-1", &to, 1);
	assert_int_equal(store_accept(w->s, &first.accept), ERR_OK);
	assert_false(first.event.duplicate);
	for (int i = 0; i < 2; i++) {
		publish_fill(w, &again, "order-1", &to, 1);
		assert_int_equal(store_accept(w->s, &again.accept), ERR_OK);
		assert_true(again.event.duplicate);
		assert_true(again.event.event_id == first.event.event_id);
		assert_true(again.event.accepted_at_ms == first.event.accepted_at_ms);
		assert_int_equal(again.event.deliveries, 1);
		assert_true(again.targets[0].delivery_id == 0);
		world_reopen(w);
	}
	publish_fill(w, &again, "order-1", &to, 1);
	again.event.fingerprint[3] = 1;
	again.accept.conflict_index = 7;
	assert_int_equal(store_accept(w->s, &again.accept), ERR_CONFLICT);
	assert_int_equal(again.accept.conflict_index, 0);
	assert_int_equal(store_event_find(w->s, w->organization, span_of("order-1"), &found),
			 ERR_OK);
	assert_true(found == first.event.event_id);
	assert_int_equal(store_event_find(w->s, w->organization, span_of("order-2"), &found),
			 ERR_OK);
	assert_true(found == 0);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM event"), 1);
}

/* A batch of three; the names of the events, NULL = none. */
static enum err batch_accept(struct world *w, const char *const names[3], const char *key,
			     struct accept *a, struct accept_event events[3])
{
	static struct accept_target targets[3];

	memset(events, 0, 3 * sizeof(*events));
	for (int i = 0; i < 3; i++) {
		targets[i] = (struct accept_target){ .destination = world_channel(w, 0, 0) };
		events[i].type = span_of("a.b");
		events[i].source_id = span_of(names[i]);
		events[i].fingerprint[0] = (unsigned char)i;
		events[i].targets = &targets[i];
		events[i].target_count = 1;
	}
	*a = (struct accept){ .organization = w->organization,
			      .events = events,
			      .event_count = 3,
			      .idempotency_key = span_of(key) };
	return store_accept(w->s, a);
}

static void a_known_key_answers_the_same_for_all(void **state)
{
	struct world *w = *state;
	const char *const names[3] = { NULL, "x", NULL };
	struct accept_event first[3], again[3];
	struct accept a;

	assert_int_equal(world_webhook_add(w, 1, 0), ERR_OK);
	assert_int_equal(batch_accept(w, names, "k", &a, first), ERR_OK);
	assert_false(a.duplicate);
	world_reopen(w);
	assert_int_equal(batch_accept(w, names, "k", &a, again), ERR_OK);
	assert_true(a.duplicate);
	for (int i = 0; i < 3; i++)
		assert_true(again[i].event_id == first[i].event_id && again[i].duplicate);
	a.fingerprint[0] = 9;
	assert_int_equal(store_accept(w->s, &a), ERR_CONFLICT);
	assert_true(a.conflict_index == SIZE_MAX);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM delivery"), 3);
}

static void a_conflict_half_way_stores_nothing(void **state)
{
	struct world *w = *state;
	const char *const old[3] = { "a", "b", "c" }, *const names[3] = { "d", NULL, "a" };
	const char *const twice[3] = { "e", NULL, "e" };
	struct accept_event events[3];
	struct accept a;

	assert_int_equal(world_webhook_add(w, 1, 0), ERR_OK);
	assert_int_equal(batch_accept(w, old, NULL, &a, events), ERR_OK);
	assert_int_equal(batch_accept(w, names, "key", &a, events), ERR_CONFLICT);
	assert_int_equal(a.conflict_index, 2);
	assert_int_equal(batch_accept(w, twice, NULL, &a, events), ERR_CONFLICT);
	assert_int_equal(a.conflict_index, 2);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM event"), 3);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM seen"), 3);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM queue"), 3);
}

/* The first row of an event cannot be written: its memory must be undone though
 * no row was changed. */
static void a_failure_before_the_first_row_leaves_the_chains(void **state)
{
	struct world *w = *state;
	struct publish p;
	static char data[1500];

	assert_int_equal(world_webhook_add(w, 1, 0), ERR_OK);
	const int64_t to = world_channel(w, 0, 0);
	world_publish(w, to, 0);
	memset(data, '1', sizeof(data));
	publish_fill(w, &p, NULL, &to, 1);
	p.event.data = (struct span){ data, sizeof(data) };
	p.event.extra = p.event.data; /* each fits, the row does not */
	const int was = sqlite3_limit(w->s->db.handle, SQLITE_LIMIT_LENGTH, 2000);
	assert_int_equal(store_accept(w->s, &p.accept), ERR_TOO_BIG);
	sqlite3_limit(w->s->db.handle, SQLITE_LIMIT_LENGTH, was);
	assert_int_equal(store_health(w->s), ERR_OK);
	world_publish(w, to, 0);
	assert_int_equal(world_sql(w, "SELECT events FROM organization_head"), 2);
}

/* --- Many threads at once ---------------------------------------------------------- */

enum { THREADS = 6, ROUNDS = 40 };

struct publisher {
	pthread_t thread;
	struct world *w;
	bool conflicts; /* its second event does, each time */
	int wrong;
};

static void *publisher_run(void *arg)
{
	struct publisher *me = arg;

	for (int i = 0; i < ROUNDS; i++) {
		struct accept_target targets[2] = {
			{ .destination = world_channel(me->w, 0, 0) },
			{ .destination = world_channel(me->w, 0, 1) },
		};
		struct accept_event events[2] = {
			{ .type = span_of("a"), .targets = targets, .target_count = 2 },
			{ .type = span_of("a") },
		};
		struct accept a = { .organization = me->w->organization,
				    .events = events,
				    .event_count = 2 };

		if (me->conflicts) {
			events[1].source_id = span_of("taken");
			events[1].fingerprint[0] = 1;
		}
		const enum err rc = store_accept(me->w->s, &a);
		me->wrong += rc != (me->conflicts ? ERR_CONFLICT : ERR_OK);
		me->wrong += me->conflicts && a.conflict_index != 1;
		me->wrong += !me->conflicts && targets[1].delivery_id == 0;
	}
	return NULL;
}

static void a_conflict_never_sinks_its_neighbours(void **state)
{
	struct world *w = *state;
	struct publisher all[THREADS];
	struct publish p;

	assert_int_equal(world_webhook_add(w, 2, 0), ERR_OK);
	publish_fill(w, &p, "taken", NULL, 0);
	assert_int_equal(store_accept(w->s, &p.accept), ERR_OK);
	for (int i = 0; i < THREADS; i++) {
		all[i] = (struct publisher){ .w = w, .conflicts = i % 2 == 1 };
		assert_int_equal(pthread_create(&all[i].thread, NULL, publisher_run, &all[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(all[i].thread, NULL);
		assert_int_equal(all[i].wrong, 0);
	}
	const int good = THREADS / 2 * ROUNDS;
	assert_int_equal(world_sql(w, "SELECT count(*) FROM event"), 1 + good * 2);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM delivery"), good * 2);
}

/* --- Settling ------------------------------------------------------------------------ */

static void settling_moves_to_each_state(void **state)
{
	struct world *w = *state;
	struct settle items[3];
	struct attempt_row *attempts = NULL;
	struct delivery_row row;
	size_t count = 0;
	static char excerpt[] = "sorry";

	assert_int_equal(world_webhook_add(w, 1, 0), ERR_OK);
	const int64_t to = world_channel(w, 0, 0);
	const enum delivery_state states[3] = { DELIVERY_DELIVERED, DELIVERY_FAILED, DELIVERY_DUE };
	for (int i = 0; i < 3; i++) {
		const int64_t id = world_publish(w, to, 0);

		items[i] = settle_make(to, id, states[i]);
		items[i].due_ms = id_time_ms(id);
	}
	items[2].next_due_ms = INT64_C(9000000000000);
	items[2].excerpt = excerpt;
	assert_int_equal(world_settle_all(w, items, 3), ERR_OK);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
			store_delivery_read(w->s, w->organization, items[i].delivery_id, &row),
			ERR_OK);
		assert_int_equal(row.state, states[i]);
		assert_int_equal(row.attempts, 1);
		assert_int_equal(row.last.status, i == 0 ? 200 : 500);
		assert_int_equal(row.done_at_ms != 0, i < 2);
		assert_true(row.next_attempt_at_ms == (i == 2 ? items[2].next_due_ms : 0));
		delivery_row_finish(&row);
		assert_int_equal(store_attempts_read(w->s, items[i].delivery_id, &attempts, &count),
				 ERR_OK);
		assert_int_equal(count, 1);
		assert_int_equal(attempts[0].attempt.number, 1);
		if (i == 2)
			assert_string_equal(attempts[0].excerpt, "sorry");
		free(attempts[0].excerpt);
		free(attempts);
	}
	assert_int_equal(world_sql(w, "SELECT count(*) FROM queue"), 1);
	assert_int_equal(world_sql(w, "SELECT state FROM rare"), DELIVERY_FAILED);
	assert_int_equal(store_delivery_read(w->s, w->organization + 1, items[0].delivery_id, &row),
			 ERR_NOT_FOUND);
}

static bool has_error(struct world *w, size_t webhook, struct webhook_error *out)
{
	assert_int_equal(store_webhook_errors_read(w->s, &w->webhooks[webhook].id, 1, out), ERR_OK);
	return out->is_set;
}

static enum err settle_new(struct world *w, const enum delivery_state *states, size_t count)
{
	const int64_t to = world_channel(w, 0, 0);
	struct settle items[4];

	for (size_t i = 0; i < count; i++)
		items[i] = settle_make(to, world_publish(w, to, 0), states[i]);
	return world_settle_all(w, items, count);
}

static void the_last_error_is_set_and_cleared(void **state)
{
	static const struct {
		enum delivery_state states[2];
		size_t count;
		bool is_set;
	} rows[] = {
		{ { DELIVERY_FAILED }, 1, true },
		{ { DELIVERY_DELIVERED }, 1, false },
		{ { DELIVERY_FAILED, DELIVERY_DELIVERED }, 2, false },
		{ { DELIVERY_DELIVERED, DELIVERY_FAILED }, 2, true },
		{ { DELIVERY_DELIVERED }, 1, false },
		{ { DELIVERY_DUE }, 1, true },
	};
	struct world *w = *state;
	struct webhook_error error;

	assert_int_equal(world_webhook_add(w, 1, 0), ERR_OK);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(settle_new(w, rows[i].states, rows[i].count), ERR_OK);
		assert_int_equal(has_error(w, 0, &error), rows[i].is_set);
	}
	assert_string_equal(error.message, "it said 500");
	assert_string_equal(error.channel, "web");
	assert_string_equal(error.event_id, "evt_1");
	assert_int_equal(error.status_code, 500);
	world_reopen(w);
	assert_int_equal(settle_new(w, rows[1].states, 1), ERR_OK);
	assert_false(has_error(w, 0, &error));
}

static void the_last_channel_takes_its_webhook_along(void **state)
{
	struct world *w = *state;
	struct webhook read;

	assert_int_equal(world_webhook_add(w, 2, 0), ERR_OK);
	for (size_t i = 0; i < 2; i++) {
		const int64_t to = world_channel(w, 0, i);
		const int64_t id = world_publish(w, to, 0);
		struct settle x[2] = { settle_make(to, id, DELIVERY_FAILED) };

		x[1] = settle_make(to, world_publish(w, to, 0), DELIVERY_FAILED);
		world_publish(w, to, 0);
		x[0].disable_channel = x[1].disable_channel = true;
		assert_int_equal(world_settle_all(w, x, 2), ERR_OK);
		assert_true(x[0].channel_disabled);
		assert_false(x[1].channel_disabled);
		world_sweeps_wait(w);
		assert_int_equal(world_state_count(w, to, DELIVERY_HELD), 1);
		assert_int_equal(store_webhook_read(w->s, w->webhooks[0].id, &read), ERR_OK);
		assert_int_equal(read.channels[i].status, CHANNEL_DISABLED);
		assert_string_equal(read.channels[i].disabled_reason, "it said 500");
		assert_int_equal(read.is_active, i == 0);
		assert_int_equal(read.disabled_reason != NULL, i == 1);
		webhook_finish(&read);
	}
	/* It goes on collecting, also after a restart. */
	for (int i = 0; i < 2; i++) {
		world_publish(w, world_channel(w, 0, 0), 0);
		assert_int_equal(world_state_count(w, world_channel(w, 0, 0), DELIVERY_HELD),
				 2 + i);
		world_reopen(w);
	}
}

/* --- Sweeps ----------------------------------------------------------------------- */

static void publish_many(struct world *w, int64_t to, int64_t target)
{
	for (int done = 0; done < MANY;) {
		struct accept_event events[70];
		struct accept_target targets[70];
		struct accept a = { .organization = w->organization,
				    .events = events,
				    .event_count = 70 };

		memset(events, 0, sizeof(events));
		for (int i = 0; i < 70; i++, done++) {
			targets[i] = (struct accept_target){ .destination = to, .target = target };
			events[i].type = span_of("a.b");
			events[i].targets = &targets[i];
			events[i].target_count = 1;
		}
		assert_int_equal(store_accept(w->s, &a), ERR_OK);
	}
}

static void replace(struct world *w, bool is_active, enum store_waiting waiting)
{
	w->webhooks[0].is_active = is_active;
	assert_int_equal(store_webhook_replace(w->s, &w->webhooks[0], waiting), ERR_OK);
}

static void released_note(void *ctx, int64_t destination)
{
	atomic_store((_Atomic int64_t *)ctx, destination);
}

static void a_replacement_moves_what_waits(void **state)
{
	struct world *w = *state;
	_Atomic int64_t released = 0;

	store_watch(w->s, released_note, &released);
	assert_int_equal(world_webhook_add(w, 1, 0), ERR_OK);
	const int64_t to = world_channel(w, 0, 0);
	publish_many(w, to, 0);
	replace(w, false, STORE_WAITING_HOLD);
	world_sweeps_wait(w);
	assert_int_equal(world_state_count(w, to, DELIVERY_HELD), MANY);
	assert_true(world_publish(w, to, 0) == 0); /* paused: not made */
	replace(w, true, STORE_WAITING_RELEASE);
	world_sweeps_wait(w);
	assert_int_equal(world_state_count(w, to, DELIVERY_DUE), MANY);
	assert_true(atomic_load(&released) == to);
	replace(w, true, STORE_HELD_CANCEL); /* nothing is held */
	world_sweeps_wait(w);
	assert_int_equal(world_state_count(w, to, DELIVERY_DUE), MANY);
	replace(w, false, STORE_WAITING_HOLD);
	replace(w, true, STORE_HELD_CANCEL);
	world_publish(w, to, 0); /* while the sweeps of before are under way */
	world_sweeps_wait(w);
	assert_int_equal(world_state_count(w, to, DELIVERY_CANCELLED), MANY);
	assert_int_equal(world_state_count(w, to, DELIVERY_DUE), 1);
	replace(w, true, STORE_WAITING_CANCEL);
	world_sweeps_wait(w);
	assert_int_equal(world_state_count(w, to, DELIVERY_CANCELLED), MANY + 1);
	store_watch(w->s, NULL, NULL);
}

/* A sweep takes what was there when it was asked for, whatever comes meanwhile. */
static void sweeps_leave_what_is_accepted_later(void **state)
{
	struct world *w = *state;

	assert_int_equal(world_webhook_add(w, 1, 0), ERR_OK);
	const int64_t to = world_channel(w, 0, 0);
	publish_many(w, to, 0);
	publish_many(w, to, 0);
	replace(w, true, STORE_WAITING_CANCEL);
	publish_many(w, to, 0);
	world_reopen(w);
	world_publish(w, to, 0);
	replace(w, false, STORE_WAITING_HOLD);
	replace(w, true, STORE_HELD_CANCEL);
	world_publish(w, to, 0);
	world_sweeps_wait(w);
	assert_int_equal(world_state_count(w, to, DELIVERY_CANCELLED), 3 * MANY + 1);
	assert_int_equal(world_state_count(w, to, DELIVERY_DUE), 1);
}

/* The same without a race: the sweep as it would be found after a restart. */
static void a_sweep_has_an_end(void **state)
{
	struct world *w = *state;
	char sql[160];

	assert_int_equal(world_webhook_add(w, 1, 0), ERR_OK);
	const int64_t to = world_channel(w, 0, 0);
	world_publish(w, to, 0);
	const int64_t later = world_publish(w, to, 0);
	world_close(w);
	snprintf(sql, sizeof(sql), "INSERT INTO sweep VALUES(1,%lld,0,%d,%lld)", (long long)to,
		 SWEEP_CANCEL, (long long)later);
	assert_int_equal(world_sql(w, sql), 1);
	world_open(w);
	world_sweeps_wait(w);
	assert_int_equal(world_state_count(w, to, DELIVERY_CANCELLED), 1);
	assert_true(world_sql(w, "SELECT id FROM delivery WHERE state=1") == later);
}

static void sweeps_go_on_after_a_restart(void **state)
{
	struct world *w = *state;

	assert_int_equal(world_webhook_add(w, 1, 0), ERR_OK);
	const int64_t to = world_channel(w, 0, 0);
	publish_many(w, to, 0);
	publish_many(w, to, 0);
	replace(w, false, STORE_WAITING_HOLD);
	world_reopen(w);
	replace(w, true, STORE_WAITING_RELEASE);
	world_reopen(w);
	replace(w, true, STORE_WAITING_CANCEL);
	world_reopen(w);
	world_sweeps_wait(w);
	assert_int_equal(world_state_count(w, to, DELIVERY_CANCELLED), 2 * MANY);
}

static void a_removed_target_cancels_its_own(void **state)
{
	struct world *w = *state;
	struct webhook *h = &w->webhooks[0];

	assert_int_equal(world_webhook_add(w, 1, 2), ERR_OK);
	struct webhook_channel *c = &h->channels[0];
	const int64_t first = c->targets[0].id, second = c->targets[1].id;
	publish_many(w, c->id, first);
	publish_many(w, c->id, second);
	free(c->targets[0].value);
	c->targets[0] = c->targets[1];
	c->target_count = 1;
	replace(w, true, STORE_WAITING_KEEP);
	world_sweeps_wait(w);
	assert_int_equal(world_state_count(w, c->id, DELIVERY_CANCELLED), MANY);
	assert_int_equal(world_sql(w, "SELECT count(DISTINCT target) FROM delivery WHERE state=1"),
			 1);
	assert_true(world_sql(w, "SELECT target FROM delivery WHERE state=1 LIMIT 1") == second);
	assert_int_equal(store_webhook_remove(w->s, h->id, 5), ERR_OK);
	assert_int_equal(store_webhook_remove(w->s, h->id, 5), ERR_NOT_FOUND);
	world_sweeps_wait(w);
	assert_int_equal(world_state_count(w, c->id, DELIVERY_CANCELLED), 2 * MANY);
	assert_true(world_publish(w, c->id, second) == 0);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM secret"), 0);
}

/* What was sent meanwhile: to is what the settle wants, then what comes of it. */
static void settling_what_moved_meanwhile(void **state)
{
	static const struct {
		bool is_released;
		enum delivery_state to, becomes;
	} rows[] = {
		{ false, DELIVERY_DELIVERED, DELIVERY_DELIVERED },
		{ false, DELIVERY_FAILED, DELIVERY_FAILED },
		{ false, DELIVERY_DUE, DELIVERY_HELD },
		{ true, DELIVERY_DELIVERED, DELIVERY_DELIVERED },
		{ true, DELIVERY_FAILED, DELIVERY_FAILED },
		{ true, DELIVERY_DUE, DELIVERY_DUE },
	};
	struct world *w = *state;
	struct delivery_row row;

	assert_int_equal(world_webhook_add(w, 1, 0), ERR_OK);
	const int64_t to = world_channel(w, 0, 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		replace(w, true, STORE_WAITING_RELEASE);
		struct settle x = settle_make(to, world_publish(w, to, 0), rows[i].to);

		x.due_ms = id_time_ms(x.delivery_id) - 1; /* a key it has no more */
		x.next_due_ms = INT64_C(9000000000000);
		replace(w, false, STORE_WAITING_HOLD);
		if (rows[i].is_released)
			replace(w, true, STORE_WAITING_RELEASE);
		world_sweeps_wait(w);
		assert_int_equal(world_settle_all(w, &x, 1), ERR_OK);
		assert_int_equal(store_delivery_read(w->s, w->organization, x.delivery_id, &row),
				 ERR_OK);
		assert_int_equal(row.state, rows[i].becomes);
		delivery_row_finish(&row);
		world_audit_ok(w);
	}
	/* Final stays final, and its attempt is recorded. */
	struct settle x = settle_make(to, world_publish(w, to, 0), DELIVERY_FAILED);
	replace(w, true, STORE_WAITING_CANCEL);
	world_sweeps_wait(w);
	assert_int_equal(world_settle_all(w, &x, 1), ERR_OK);
	assert_int_equal(store_delivery_read(w->s, w->organization, x.delivery_id, &row), ERR_OK);
	assert_int_equal(row.state, DELIVERY_CANCELLED);
	delivery_row_finish(&row);
	assert_int_equal(world_sql(w, "SELECT count(*) FROM attempt"), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
		STORE_TEST(accept_makes_a_delivery_per_target),
		STORE_TEST(a_known_event_id_answers_the_same),
		STORE_TEST(a_known_key_answers_the_same_for_all),
		STORE_TEST(a_conflict_half_way_stores_nothing),
		STORE_TEST(a_failure_before_the_first_row_leaves_the_chains),
		STORE_TEST(a_conflict_never_sinks_its_neighbours),
		STORE_TEST(settling_moves_to_each_state),
		STORE_TEST(the_last_error_is_set_and_cleared),
		STORE_TEST(the_last_channel_takes_its_webhook_along),
		STORE_TEST(a_replacement_moves_what_waits),
		STORE_TEST(sweeps_leave_what_is_accepted_later),
		STORE_TEST(a_sweep_has_an_end),
		STORE_TEST(sweeps_go_on_after_a_restart),
		STORE_TEST(a_removed_target_cancels_its_own),
		STORE_TEST(settling_what_moved_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
