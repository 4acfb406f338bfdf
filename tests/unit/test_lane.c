/* test_lane.c - the slow lane: blocking channels, their shares, what hangs.
 * SPDX-License-Identifier: MIT */
#include "delivery/lane.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

/* --- Channels whose deliver() waits for a gate --------------------------------------- */

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_open;
	unsigned inside, inside_most, done;
};

struct gated_configs {
	const char *where;
};

static const struct tocsin_field gated_fields[] = {
	{ .key = "where",
	  .help = "W.",
	  .kind = TOCSIN_TEXT,
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET,
	  .offset = offsetof(struct gated_configs, where) },
	{ .key = NULL },
};

static void gated_deliver(void *channel, const struct tocsin_message *msg, struct tocsin_verdict *v)
{
	struct gate *g = channel;

	(void)msg;
	pthread_mutex_lock(&g->lock);
	g->inside++;
	if (g->inside > g->inside_most)
		g->inside_most = g->inside;
	pthread_cond_broadcast(&g->changed);
	while (!g->is_open)
		pthread_cond_wait(&g->changed, &g->lock);
	g->inside--;
	g->done++;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
	v->kind = TOCSIN_DELIVERED;
	v->status = 250;
}

#define GATE                                                                           \
	{                                                                              \
		.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER \
	}
#define CHANNEL(label, its_gate)                                                     \
	{                                                                            \
		.name = (label), .lane = LANE_SLOW, .state = (its_gate), .plugin = { \
			.vtable = { .name = "gated",                                 \
				    .fields = gated_fields,                          \
				    .configs_bytes = sizeof(struct gated_configs),   \
				    .deliver = gated_deliver }                       \
		}                                                                    \
	}

static char slow_name[] = "slow", other_name[] = "other";
static struct gate gates[2] = { GATE, GATE };
static const struct channel channels[2] = { CHANNEL(slow_name, &gates[0]),
					    CHANNEL(other_name, &gates[1]) };

static struct conf conf = {
	.delivery = { .timeout_ms = 1000, .reply_max_bytes = 1024, .excerpt_bytes = 64 }
};
static struct transfer_rules rules = { .conf = &conf };
static struct event *event;

static void gate_set(struct gate *g, bool is_open)
{
	pthread_mutex_lock(&g->lock);
	g->is_open = is_open;
	pthread_cond_broadcast(&g->changed);
	pthread_mutex_unlock(&g->lock);
}

/* Wait until so many are inside, or done. */
static void gate_wait(struct gate *g, const unsigned *what, unsigned count)
{
	pthread_mutex_lock(&g->lock);
	while (*what < count)
		pthread_cond_wait(&g->changed, &g->lock);
	pthread_mutex_unlock(&g->lock);
}

/* --- Results ---------------------------------------------------------------------------- */

static pthread_mutex_t result_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t result_came = PTHREAD_COND_INITIALIZER;
static unsigned results, delivered;

static void done(void *ctx, struct transfer *t)
{
	(void)ctx;
	pthread_mutex_lock(&result_lock);
	results++;
	delivered += t->attempt.outcome == ATTEMPT_DELIVERED && t->attempt.status == 250;
	pthread_cond_signal(&result_came);
	pthread_mutex_unlock(&result_lock);
	free(t->item);
	transfer_destroy(t);
}

static void results_wait(unsigned count)
{
	pthread_mutex_lock(&result_lock);
	while (results < count)
		pthread_cond_wait(&result_came, &result_lock);
	pthread_mutex_unlock(&result_lock);
}

static struct transfer *transfer_make(const struct channel *channel)
{
	struct entry *entry = xcalloc(1, sizeof(*entry));
	struct item *item = xcalloc(1, sizeof(*item));
	struct why why = { "" };

	entry->refs = 1;
	entry->webhook.name = xstrdup("n");
	entry->webhook.channels = xcalloc(1, sizeof(*entry->webhook.channels));
	entry->webhook.channel_count = 1;
	entry->compiled = xcalloc(1, sizeof(struct compiled_configs *));
	entry->compiled[0] = configs_compile(channel, "{\"where\":\"w\"}", &why);
	assert_non_null(entry->compiled[0]);
	item->work = (struct work){ .delivery_id = 7, .event = event };
	return transfer_create(&rules, item, entry, 0);
}

static struct lane *lane_make(unsigned threads, unsigned queue_max)
{
	for (size_t i = 0; i < COUNT_OF(gates); i++) {
		gates[i].inside = gates[i].inside_most = gates[i].done = 0;
		gates[i].is_open = false;
	}
	results = delivered = 0;
	return lane_create(&(struct lane_parts){
		.threads = threads, .queue_max = queue_max, .rules = &rules, .done = done });
}

static int setup(void **state)
{
	static const unsigned char key[PUBID_KEY_BYTES] = { 1 };

	(void)state;
	curl_global_init(CURL_GLOBAL_ALL);
	rules.ids = pubid_create(key);
	event = event_create(&(struct event){
		.id = 1 << 20, .organization = 1, .type = span_of("a.b"), .data = span_of("{}") });
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	event_drop(event);
	pubid_destroy((struct pubid *)(uintptr_t)rules.ids);
	curl_global_cleanup();
	return 0;
}

/* --- Tests -------------------------------------------------------------------------------- */

/* One declaration that hangs gets half of the threads; the other goes on. */
static void test_shares(void **state)
{
	struct lane *l = lane_make(4, 100);

	(void)state;
	for (int i = 0; i < 10; i++)
		lane_add(l, transfer_make(&channels[0]));
	gate_wait(&gates[0], &gates[0].inside, 2);
	gate_set(&gates[1], true);
	for (int i = 0; i < 10; i++)
		lane_add(l, transfer_make(&channels[1]));
	results_wait(10);
	assert_int_equal(gates[0].inside_most, 2);
	assert_int_equal(lane_count(l), 10);
	gate_set(&gates[0], true);
	results_wait(20);
	assert_int_equal(delivered, 20);
	assert_int_equal(lane_count(l), 0);
	assert_true(lane_stop(l, 5000));
	lane_destroy(l);
}

static void test_room(void **state)
{
	struct lane *l = lane_make(2, 3);

	(void)state;
	lane_add(l, transfer_make(&channels[0]));
	gate_wait(&gates[0], &gates[0].inside, 1);
	for (int i = 0; i < 3; i++) {
		assert_true(lane_has_room(l, &channels[0]));
		lane_add(l, transfer_make(&channels[0]));
	}
	assert_false(lane_has_room(l, &channels[0]));
	assert_true(lane_has_room(l, &channels[1]));
	gate_set(&gates[0], true);
	results_wait(4);
	assert_true(lane_has_room(l, &channels[0]));
	assert_true(lane_stop(l, 5000));
	lane_destroy(l);
}

/* A call that does not come back is given up, its place taken by another thread. */
static void test_late(void **state)
{
	struct lane *l = lane_make(2, 100);
	struct lane_loss loss;

	(void)state;
	lane_add(l, transfer_make(&channels[0]));
	gate_wait(&gates[0], &gates[0].inside, 1);
	assert_false(lane_late(l, clock_mono_ms(), &loss));
	const int64_t later_ms = clock_mono_ms() + 60000;

	assert_true(lane_late(l, later_ms, &loss));
	assert_int_equal(loss.attempt.outcome, ATTEMPT_RETRY);
	assert_string_equal(loss.channel, "slow");
	assert_non_null(strstr(loss.attempt.reason, "did not come back in time"));
	free(loss.item);
	assert_false(lane_late(l, later_ms, &loss));
	assert_int_equal(lane_count(l), 0);
	gate_set(&gates[1], true);
	lane_add(l, transfer_make(&channels[1]));
	results_wait(1);
	/* The lost one comes back in the end and is nobody's result. */
	gate_set(&gates[0], true);
	gate_wait(&gates[0], &gates[0].done, 1);
	assert_true(lane_stop(l, 5000));
	assert_int_equal(results, 1);
	lane_destroy(l);
}

/* A stop takes back what waits and says when a thread is stuck. */
static void test_stop(void **state)
{
	struct lane *l = lane_make(2, 100);
	struct transfer *t;
	unsigned waiting = 0;

	(void)state;
	for (int i = 0; i < 5; i++)
		lane_add(l, transfer_make(&channels[0]));
	gate_wait(&gates[0], &gates[0].inside, 1);
	while ((t = lane_take_back(l)) != NULL) {
		waiting++;
		free(t->item);
		transfer_destroy(t);
	}
	assert_int_equal(waiting, 4);
	assert_false(lane_stop(l, 0));
	gate_set(&gates[0], true);
	assert_true(lane_stop(l, 5000));
	assert_int_equal(results, 1);
	lane_destroy(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
