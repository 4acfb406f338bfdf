/* test_engine_settles.c - batches of results: filled, stored, tried again.
 * SPDX-License-Identifier: MIT
 * The loop's other parts and the store are stand-ins; the schedule is real. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "delivery/engine_state.h"

enum { DESTINATION = 7, WEBHOOK = 70, BATCHES_MAX = 16 };

static struct engine engine;
static struct destination *destination;

/* --- What is below and beside it ------------------------------------------------- */

static struct settle_batch *stored[BATCHES_MAX]; /* what the store was given */
static size_t stored_count;
static struct note *pushed; /* the last note */
static struct item *forgotten[SETTLES_AT_ONCE * 2];
static size_t forgotten_count;
static int64_t reloaded; /* webhook that is to be read again */
static struct entry *entry;

void store_settle(struct store *s, struct settle_batch *b)
{
	(void)s;
	assert_true(stored_count < BATCHES_MAX);
	stored[stored_count++] = b;
}

struct note *note_create(enum note_kind kind, size_t targets)
{
	struct note *n = xcalloc(1, sizeof(*n) + targets * sizeof(n->targets[0]));

	n->kind = kind;
	return n;
}

void note_push(struct engine *e, struct note *n)
{
	assert_ptr_equal(e, &engine);
	free(pushed);
	pushed = n;
}

void item_forget(struct engine *e, struct item *item)
{
	(void)e;
	forgotten[forgotten_count++] = item;
	free(item);
}

void reader_reload(struct reader *r, int64_t webhook)
{
	(void)r;
	reloaded = webhook;
}

struct entry *registry_find_destination(struct registry *r, int64_t id, size_t *out_channel)
{
	(void)r;
	assert_int_equal(id, DESTINATION);
	*out_channel = 0;
	return entry;
}

void entry_drop(struct entry *e)
{
	assert_ptr_equal(e, entry);
}

static int setup(void **state)
{
	(void)state;
	memset(&engine, 0, sizeof(engine));
	stored_count = forgotten_count = 0;
	pushed = NULL;
	reloaded = 0;
	entry = NULL;
	engine.schedule = schedule_create(&(struct schedule_rules){
		.window_start = 4, .window_max = 8, .queue_max = 100, .rest_max_ms = 1000 });
	destination = schedule_destination(engine.schedule, DESTINATION, 1);
	destination->webhook = WEBHOOK;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(pushed);
	schedule_destroy(engine.schedule);
	return 0;
}

static struct settle *settle_add(enum delivery_state to)
{
	struct settle *s = settle_next(&engine, xcalloc(1, sizeof(struct item)));

	assert_int_equal(s->delivery_id, 0); /* nothing of an earlier one */
	s->destination = DESTINATION;
	s->state = to;
	s->excerpt = xstrdup("its reply");
	s->event_text_id = xstrdup("evt_1");
	return s;
}

/* The store's answer to its last batch, as the loop takes it. */
static void answer(enum err rc)
{
	struct settle_batch *b = stored[stored_count - 1];

	b->done(b, rc);
	assert_non_null(pushed);
	assert_int_equal(pushed->kind, NOTE_SETTLED);
	assert_int_equal(pushed->rc, rc);
	settles_take(&engine, pushed->settles, pushed->rc);
}

/* --- Filling --------------------------------------------------------------------- */

static void nothing_to_flush(void **state)
{
	(void)state;
	settles_flush(&engine);
	assert_int_equal(stored_count, 0);
	assert_int_equal(engine.settles_out, 0);
}

static void batches(void **state)
{
	static const struct {
		size_t settles, batches, last;
	} cases[] = {
		{ 1, 1, 1 },
		{ SETTLES_AT_ONCE, 1, SETTLES_AT_ONCE },
		{ SETTLES_AT_ONCE + 1, 2, 1 },
		{ 2 * SETTLES_AT_ONCE, 2, SETTLES_AT_ONCE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		stored_count = forgotten_count = 0;
		for (size_t n = 0; n < cases[i].settles; n++)
			settle_add(DELIVERY_DELIVERED)->delivery_id = (int64_t)n + 1;
		/* Full ones leave by themselves; the rest waits for more. */
		assert_int_equal(stored_count, cases[i].batches - 1);
		settles_flush(&engine);
		assert_int_equal(stored_count, cases[i].batches);
		assert_null(engine.open);
		assert_int_equal(engine.settles_out, cases[i].batches);
		assert_int_equal(stored[stored_count - 1]->count, cases[i].last);
		for (size_t b = 0; b < stored_count; b++) {
			for (size_t n = 0; n < stored[b]->count; n++)
				assert_int_equal(stored[b]->items[n].delivery_id,
						 b * SETTLES_AT_ONCE + n + 1);
		}
		for (; stored_count > 0; stored_count--)
			answer(ERR_OK);
		assert_int_equal(forgotten_count, cases[i].settles);
		assert_int_equal(engine.settles_out, 0);
	}
}

/* --- Answers of the store -------------------------------------------------------- */

static void refusals(void **state)
{
	static const struct {
		enum err rc;
		bool is_kept; /* to be tried again */
	} cases[] = {
		{ ERR_OK, false },      { ERR_BUSY, true },       { ERR_FULL, true },
		{ ERR_IO, true },       { ERR_MEMORY, true },     { ERR_STOPPING, false },
		{ ERR_CORRUPT, false }, { ERR_NOT_FOUND, false }, { ERR_CONFLICT, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		stored_count = forgotten_count = 0;
		settle_add(DELIVERY_DELIVERED);
		settles_flush(&engine);
		const int64_t before_ms = clock_mono_ms();

		answer(cases[i].rc);
		assert_int_equal(engine.settles_out, 0);
		assert_int_equal(forgotten_count, cases[i].is_kept ? 0 : 1);
		assert_int_equal(engine.again != NULL, cases[i].is_kept);
		if (!cases[i].is_kept)
			continue;
		const int64_t again_ms = engine.again->again_at_ms;

		/* A while later, not before, and then it is as it was. */
		assert_true(again_ms > before_ms && again_ms <= clock_mono_ms() + 1000);
		settles_retry(&engine, again_ms - 1);
		assert_int_equal(stored_count, 1);
		settles_retry(&engine, again_ms);
		assert_int_equal(stored_count, 2);
		assert_ptr_equal(stored[0], stored[1]);
		assert_string_equal(stored[1]->items[0].excerpt, "its reply");
		assert_null(engine.again);
		assert_int_equal(engine.settles_out, 1);
		answer(ERR_OK);
		assert_int_equal(forgotten_count, 1);
	}
}

/* Only those whose time has come, wherever they stand. */
static void some_are_tried_again(void **state)
{
	static const int64_t at_ms[] = { 300, 100, 200 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(at_ms); i++) {
		settle_add(DELIVERY_DELIVERED)->delivery_id = at_ms[i];
		settles_flush(&engine);
		answer(ERR_BUSY);
		engine.again->again_at_ms = at_ms[i];
	}
	for (int64_t now_ms = 100; now_ms <= 300; now_ms += 100) {
		stored_count = 0;
		settles_retry(&engine, now_ms);
		assert_int_equal(stored_count, 1);
		assert_int_equal(stored[0]->items[0].delivery_id, now_ms);
		answer(ERR_OK);
	}
	assert_null(engine.again);
}

/* --- What follows from a result -------------------------------------------------- */

static void due_again(void **state)
{
	static const struct {
		const char *label;
		enum delivery_state to;
		int64_t want; /* the destination's next moment */
	} cases[] = {
		{ "another try", DELIVERY_DUE, INT64_C(5000000000000) },
		{ "delivered", DELIVERY_DELIVERED, INT64_MAX },
		{ "failed", DELIVERY_FAILED, INT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		destination->next_due_ms = INT64_MAX;
		settle_add(cases[i].to)->next_due_ms = INT64_C(5000000000000);
		settles_flush(&engine);
		answer(ERR_OK);
		if (destination->next_due_ms != cases[i].want)
			fail_msg("%s: %lld", cases[i].label, (long long)destination->next_due_ms);
	}
}

/* The store may be giving its row at this moment: it stays known. */
static void settled_while_its_destination_is_read(void **state)
{
	(void)state;
	settle_add(DELIVERY_DELIVERED);
	struct item *item = engine.open->sent[0];

	destination->is_reading = true;
	settles_flush(&engine);
	answer(ERR_OK);
	assert_int_equal(forgotten_count, 0);
	assert_true(item->is_settled);
	free(item);
}

static void of_a_destination_that_is_gone(void **state)
{
	(void)state;
	struct settle *s = settle_add(DELIVERY_DUE);

	s->destination = DESTINATION + 1; /* never seen */
	s->channel_disabled = true;
	settles_flush(&engine);
	answer(ERR_OK);
	assert_int_equal(forgotten_count, 1);
	assert_int_equal(reloaded, 0);
}

/* A channel that was disabled is told of, and its webhook is read again. */
static void disabled_channels(void **state)
{
	static char name[] = "Orders";
	static struct entry known = { .webhook = { .public_id = "wh_aaaaaaaaaa", .name = name } };

	(void)state;
	for (int round = 0; round < 2; round++) {
		entry = round == 0 ? &known : NULL; /* it may be removed meanwhile */
		reloaded = 0;
		settle_add(DELIVERY_FAILED)->channel_disabled = true;
		settles_flush(&engine);
		answer(ERR_OK);
		assert_int_equal(reloaded, WEBHOOK);
	}
	reloaded = 0;
	settle_add(DELIVERY_FAILED);
	settles_flush(&engine);
	answer(ERR_OK);
	assert_int_equal(reloaded, 0);
}

/* What was not stored when the process ends; its texts go with it. */
static void freed_unsent(void **state)
{
	(void)state;
	settle_add(DELIVERY_FAILED);
	struct settles *s = engine.open;

	free(s->sent[0]);
	settles_free(s);
	engine.open = NULL;
	assert_int_equal(stored_count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(nothing_to_flush),
		TEST(batches),
		TEST(refusals),
		TEST(some_are_tried_again),
		TEST(due_again),
		TEST(settled_while_its_destination_is_read),
		TEST(of_a_destination_that_is_gone),
		TEST(disabled_channels),
		TEST(freed_unsent),
	};

	log_level_set(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
