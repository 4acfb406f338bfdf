/* test_engine_attempts.c - from a turn to a result: what each answer makes of a
 * delivery, who gets no turn, and what a stop takes back.
 * SPDX-License-Identifier: MIT */
#include "attempts_world.h"

#include "base/metrics.h"

/* --- Answers --------------------------------------------------------------------- */

static void answers(void **state)
{
	static const struct {
		const char *label;
		int status;
		const char *headers;
		unsigned attempts; /* behind it */
		enum delivery_state to;
		enum attempt_outcome outcome;
		const char *reason;                  /* begins like this; "" = none */
		int64_t wait_least_ms, wait_most_ms; /* DUE: from now */
		bool disables, troubles, rests;
	} cases[] = {
		{ "delivered", 204, "", 0, DELIVERY_DELIVERED, ATTEMPT_DELIVERED, "", 0, 0, false,
		  false, false },
		{ "delivered at last", 200, "", 2, DELIVERY_DELIVERED, ATTEMPT_DELIVERED, "", 0, 0,
		  false, false, false },
		{ "to be tried again", 500, "", 0, DELIVERY_DUE, ATTEMPT_RETRY, "it said 500", 0,
		  PAUSE_MS, false, false, false },
		{ "the last try", 500, "", 2, DELIVERY_FAILED, ATTEMPT_RETRY,
		  "it said 500; the retry schedule is used up", 0, 0, false, false, false },
		{ "final", 400, "", 0, DELIVERY_FAILED, ATTEMPT_FAILED, "it said 400", 0, 0, false,
		  false, false },
		{ "gone", 410, "", 0, DELIVERY_FAILED, ATTEMPT_GONE, "it said 410", 0, 0, true,
		  false, false },
		{ "asks for patience", 429, "Retry-After: 30\r\n", 0, DELIVERY_DUE, ATTEMPT_RETRY,
		  "it said 429", 29000, 30000, false, true, true },
		{ "for more than there is", 503, "Retry-After: 999999\r\n", 0, DELIVERY_DUE,
		  ATTEMPT_RETRY, "it said 503", HOURS_MS(1) - 1000, HOURS_MS(1), false, true,
		  true },
		{ "no answer", 0, "", 0, DELIVERY_DUE, ATTEMPT_RETRY, "no answer", 0, PAUSE_MS,
		  false, true, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		atomic_store(&receiver.status, cases[i].status);
		atomic_store(&receiver.headers, cases[i].headers);
		item_add(cases[i].attempts, clock_wall_ms());
		const struct settle *s = results_wait(1);
		const int64_t now_ms = clock_wall_ms(), waits_ms = s->next_due_ms - now_ms;

		if (s->state != cases[i].to || s->attempt.outcome != cases[i].outcome ||
		    s->disable_channel != cases[i].disables ||
		    strcmp(s->attempt.reason, cases[i].reason) != 0 ||
		    (destination->trouble > 0) != cases[i].troubles ||
		    (destination->rest_until_ms > now_ms) != cases[i].rests)
			fail_msg("%s: state %d, outcome %d, trouble %u, rests %d: %s",
				 cases[i].label, s->state, s->attempt.outcome, destination->trouble,
				 destination->rest_until_ms > now_ms, s->attempt.reason);
		if (cases[i].to == DELIVERY_DUE &&
		    (waits_ms > cases[i].wait_most_ms || waits_ms < cases[i].wait_least_ms - 1000))
			fail_msg("%s: waits %lld ms", cases[i].label, (long long)waits_ms);
		/* What the store finds its row and its place in the queue by. */
		assert_int_equal(s->delivery_id, last_delivery);
		assert_int_equal(s->destination, DESTINATION);
		assert_int_equal(s->due_ms, 123);
		assert_int_equal(s->attempts, cases[i].attempts);
		assert_int_equal(s->attempt.number, cases[i].attempts + 1);
		assert_int_equal(s->attempt.status, cases[i].status);
		assert_int_equal(engine->in_flight, 0);
		assert_int_equal(atomic_load(&plugin.prepared), i + 1);
		assert_int_equal(atomic_load(&plugin.released), i + 1);
		results_forget();
	}
}

/* Kept of replies that are no success, as valid UTF-8, with the event's own id. */
static void what_is_kept_of_a_reply(void **state)
{
	(void)state;
	atomic_store(&receiver.status, 500);
	item_add(0, clock_wall_ms());
	const struct settle *s = results_wait(1);

	assert_string_equal(s->excerpt, "the \xEF\xBF\xBD reply");
	assert_string_equal(s->event_text_id, "mine");
	results_forget();
	atomic_store(&receiver.status, 200);
	item_add(0, clock_wall_ms());
	s = results_wait(1);
	assert_null(s->excerpt);
	assert_null(s->event_text_id);
	assert_true(s->attempt.total_us > 0 && s->attempt.started_at_us > 0);
	/* And what was sent is the event. */
	receiver_got("POST /hook ");
	receiver_got("\"event_id\":\"mine\",\"event_type\":\"a.b\"");
}

static void too_old(void **state)
{
	(void)state;
	atomic_store(&receiver.status, 500);
	item_add(0, clock_wall_ms() - DAYS_MS(1) - 1000);
	const struct settle *s = results_wait(1);

	assert_int_equal(s->state, DELIVERY_FAILED);
	assert_non_null(strstr(s->attempt.reason, "it said 500; "));
	assert_non_null(strstr(s->attempt.reason, "maximum age"));
}

/* --- Attempts that come to no transfer ------------------------------------------- */

static void unsent(void **state)
{
	static const struct {
		const char *label, *host;
		int rc; /* of prepare() */
		bool is_guarded;
		enum delivery_state to;
		const char *has;
	} cases[] = {
		{ "the plugin cannot", "127.0.0.1", TOCSIN_BAD_MESSAGE, false, DELIVERY_FAILED,
		  "cannot say it" },
		{ "the plugin cannot now", "127.0.0.1", TOCSIN_TRY_LATER, false, DELIVERY_DUE,
		  "cannot say it" },
		{ "a refused address", "127.0.0.1", TOCSIN_OK, true, DELIVERY_DUE,
		  "address refused: 127.0.0.0/8" },
		{ "a name of refused addresses", "localhost", TOCSIN_OK, true, DELIVERY_DUE,
		  "refused" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		atomic_store(&plugin.rc, cases[i].rc);
		conf.guard.guard.allowed_count = cases[i].is_guarded ? 0 : 1;
		channel_set("web", cases[i].host);
		item_add(0, clock_wall_ms());
		const struct settle *s = results_wait(1);

		if (s->state != cases[i].to || strstr(s->attempt.reason, cases[i].has) == NULL)
			fail_msg("%s: %d: %s", cases[i].label, s->state, s->attempt.reason);
		assert_int_equal(s->attempt.status, 0);
		assert_int_equal(s->attempt.number, 1);
		assert_int_equal(destination->trouble, 1);
		results_forget();
	}
	assert_int_equal(atomic_load(&receiver.arrivals), 0);
	assert_int_equal(atomic_load(&plugin.prepared), atomic_load(&plugin.released));
}

/* A name is looked up beside the loop, and its time is part of the attempt. */
static void names_are_looked_up(void **state)
{
	(void)state;
	channel_set("web", "localhost");
	item_add(0, clock_wall_ms());
	turns_take(engine);
	assert_non_null(engine->resolving);
	assert_int_equal(engine->in_flight, 0);
	const struct settle *s = results_wait(1);

	assert_int_equal(s->state, DELIVERY_DELIVERED);
	assert_true(s->attempt.dns_us >= 0);
	assert_null(engine->resolving);
}

/* --- Who gets no turn ------------------------------------------------------------ */

static void no_turn(void **state)
{
	enum what { PAUSED, DISABLED, REMOVED, UNDECLARED };
	static const struct {
		const char *label;
		enum what what;
		bool is_kept; /* in line, until its channel is declared again */
	} cases[] = {
		{ "paused", PAUSED, false },
		{ "disabled", DISABLED, false },
		{ "removed", REMOVED, false },
		{ "undeclared", UNDECLARED, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		channel_set("web", "127.0.0.1");
		registered->webhook.is_active = cases[i].what != PAUSED;
		if (cases[i].what == DISABLED)
			registered->webhook.channels[0].status = CHANNEL_DISABLED;
		if (cases[i].what == UNDECLARED) {
			compiled_configs_destroy(registered->compiled[0]);
			registered->compiled[0] = NULL;
		}
		if (cases[i].what == REMOVED) {
			entry_drop(registered);
			registered = NULL;
		}
		item_add(0, clock_wall_ms());
		turn();
		if ((known_find(engine->known, last_delivery) != NULL) != cases[i].is_kept)
			fail_msg("%s", cases[i].label);
		assert_int_equal(results_count(), 0); /* the store holds or cancels it */
		assert_int_equal(destination->in_flight, 0);
		assert_int_equal(destination->in_memory, cases[i].is_kept ? 1 : 0);
		assert_int_equal(destination->rest_until_ms > clock_wall_ms(), cases[i].is_kept);
	}
	assert_int_equal(atomic_load(&receiver.arrivals), 0);
}

static void at_most_so_many_at_once(void **state)
{
	static const struct {
		int64_t in_flight;
		size_t want;
	} cases[] = { { 2, 2 }, { IN_FLIGHT, WINDOW } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const int64_t first = last_delivery + 1;

		conf.delivery.in_flight = cases[i].in_flight;
		atomic_store(&receiver.holds, true);
		for (size_t n = 0; n < WINDOW + 2; n++)
			item_add(0, clock_wall_ms());
		for (int n = 0; atomic_load(&receiver.held) < (int)cases[i].want; n++) {
			assert_true(n < TURNS_MAX);
			turn();
		}
		turn();
		assert_int_equal(engine->in_flight, cases[i].want);
		/* In their order, and shown as being sent. */
		for (int64_t id = first; id <= last_delivery; id++)
			assert_int_equal(engine_is_sending(engine, id),
					 id < first + (int64_t)cases[i].want);
		receiver_release();
		results_wait(WINDOW + 2);
		for (int64_t id = first; id <= last_delivery; id++)
			assert_false(engine_is_sending(engine, id));
		assert_int_equal(engine->in_flight, 0);
		results_forget();
	}
}

static void none_while_stopping(void **state)
{
	(void)state;
	atomic_store(&engine->stopping, true);
	item_add(0, clock_wall_ms());
	turn();
	assert_int_equal(engine->in_flight, 0);
	assert_int_equal(atomic_load(&plugin.prepared), 0);
}

/* --- Telling --------------------------------------------------------------------- */

/* So many attempts with this status; the log's lines go to out. */
static void log_catch(int attempts, int status, char *out, size_t out_bytes)
{
	char path[] = "/tmp/tocsin-test-XXXXXX";
	const int file = mkstemp(path), saved = dup(STDERR_FILENO);

	assert_true(file >= 0 && saved >= 0);
	unlink(path);
	dup2(file, STDERR_FILENO);
	log_level_set(LOG_LEVEL_NOTICE);
	atomic_store(&receiver.status, status);
	for (int i = 0; i < attempts; i++) {
		item_add(0, clock_wall_ms());
		results_wait(1);
		results_forget();
	}
	log_level_set(LOG_LEVEL_ERROR);
	dup2(saved, STDERR_FILENO);
	close(saved);
	const ssize_t len = pread(file, out, out_bytes - 1, 0);

	out[len < 0 ? 0 : len] = '\0';
	close(file);
}

static size_t lines_of(const char *text)
{
	size_t count = 0;

	for (; (text = strchr(text, '\n')) != NULL; text++)
		count++;
	return count;
}

/* A receiver that fails complains at growing intervals, and its recovery is told. */
static void failing_receivers(void **state)
{
	static char text[16384];

	(void)state;
	log_catch(12, 500, text, sizeof(text));
	assert_int_equal(lines_of(text), 2);
	assert_non_null(strstr(text, "failing attempts=1 status=500 reason=\"it said 500\""));
	assert_non_null(strstr(text, "failing attempts=10 "));
	assert_null(strstr(text, "/hook")); /* never a receiver's URL */
	log_catch(2, 204, text, sizeof(text));
	assert_int_equal(lines_of(text), 1);
	assert_non_null(strstr(text, "webhook=wh_aaaaaaaaaa"));
	assert_non_null(strstr(text, "recovered attempts=12"));
	log_catch(1, 500, text, sizeof(text));
	assert_non_null(strstr(text, "failing attempts=1 "));
}

static void attempts_are_counted(void **state)
{
	const int64_t before = metric_get(METRIC_ATTEMPTS);

	(void)state;
	item_add(0, clock_wall_ms());
	item_add(1, clock_wall_ms());
	results_wait(2);
	assert_int_equal(metric_get(METRIC_ATTEMPTS) - before, 2);
}

/* --- The slow lane --------------------------------------------------------------- */

/* What the lane gives back, as the loop takes it. */
static void lane_notes_take(size_t count)
{
	for (int i = 0; count > 0; i++) {
		assert_true(i < TURNS_MAX);
		pthread_mutex_lock(&engine->lock);
		struct note *n = engine->first;

		if (n != NULL) {
			engine->first = n->next;
			if (engine->first == NULL)
				engine->last = &engine->first;
		}
		pthread_mutex_unlock(&engine->lock);
		if (n == NULL) {
			turn();
			continue;
		}
		assert_int_equal(n->kind, NOTE_LANE);
		lane_take(engine, n->transfer);
		free(n);
		count--;
	}
}

static void slow_channels(void **state)
{
	(void)state;
	channel_set("slow", "127.0.0.1");
	item_add(0, clock_wall_ms());
	turns_take(engine);
	assert_int_equal(engine->lane_out, 1);
	assert_int_equal(engine->in_flight, 0); /* the fast loop is free */
	assert_true(engine_is_sending(engine, last_delivery));
	lane_notes_take(1);
	assert_int_equal(results_count(), 1);
	assert_int_equal(engine->open->items[0].state, DELIVERY_DELIVERED);
	assert_int_equal(engine->open->items[0].attempt.status, 250);
	assert_int_equal(engine->lane_out, 0);
	assert_false(engine_is_sending(engine, last_delivery));
	results_forget();
}

/* At a stop what waits for a thread goes back; what is inside a plugin is waited for. */
static void the_lane_hands_back(void **state)
{
	const struct timespec moment = { .tv_nsec = 1000000 };

	(void)state;
	atomic_store(&plugin.is_gated, true);
	channel_set("slow", "127.0.0.1");
	for (int i = 0; i < WINDOW; i++)
		item_add(0, clock_wall_ms());
	turns_take(engine);
	assert_int_equal(engine->lane_out, WINDOW);
	/* One declaration has half of the two threads. */
	for (int i = 0; atomic_load(&plugin.inside) < 1; i++) {
		assert_true(i < TURNS_MAX);
		nanosleep(&moment, NULL);
	}
	lane_hand_back(engine);
	assert_int_equal(engine->lane_out, 1);
	assert_int_equal(known_count(engine->known), 1);
	assert_true(engine_is_sending(engine, 1));
	assert_false(engine_is_sending(engine, 2));
	atomic_store(&plugin.is_gated, false);
	lane_notes_take(1);
	assert_int_equal(engine->lane_out, 0);
	assert_int_equal(results_count(), 1);
	results_forget();
}

/* --- At a stop ------------------------------------------------------------------- */

static void running_attempts_are_given_up(void **state)
{
	(void)state;
	atomic_store(&receiver.holds, true);
	for (int i = 0; i < WINDOW; i++)
		item_add(0, clock_wall_ms());
	for (int i = 0; atomic_load(&receiver.held) < WINDOW; i++) {
		assert_true(i < TURNS_MAX);
		turn();
	}
	attempts_give_up(engine);
	assert_null(engine->sending);
	assert_int_equal(engine->in_flight, 0);
	assert_int_equal(known_count(engine->known), 0);
	assert_int_equal(results_count(), 0); /* unrecorded: the store still has them */
	assert_false(engine_is_sending(engine, last_delivery));
	assert_int_equal(atomic_load(&plugin.released), WINDOW);
	assert_true(engine->lane_has_stopped && engine->lane_has_ended);
}

static void those_without_an_address_too(void **state)
{
	(void)state;
	channel_set("web", "localhost");
	item_add(0, clock_wall_ms());
	turns_take(engine);
	assert_non_null(engine->resolving);
	attempts_give_up(engine);
	assert_null(engine->resolving);
	assert_int_equal(known_count(engine->known), 0);
	assert_int_equal(atomic_load(&plugin.released), 1);
	assert_int_equal(atomic_load(&receiver.arrivals), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(answers),
		TEST(what_is_kept_of_a_reply),
		TEST(too_old),
		TEST(unsent),
		TEST(names_are_looked_up),
		TEST(no_turn),
		TEST(at_most_so_many_at_once),
		TEST(none_while_stopping),
		TEST(failing_receivers),
		TEST(attempts_are_counted),
		TEST(slow_channels),
		TEST(the_lane_hands_back),
		TEST(running_attempts_are_given_up),
		TEST(those_without_an_address_too),
	};

	log_level_set(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
