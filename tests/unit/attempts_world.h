/* attempts_world.h - an engine whose loop is turned by hand.
 * SPDX-License-Identifier: MIT
 * Transfers, schedule and lane are real, the store and the registry are
 * stand-ins; results are looked at before they leave. Included once a program. */
#ifndef TESTS_UNIT_ATTEMPTS_WORLD_H
#define TESTS_UNIT_ATTEMPTS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "channel/configs.h"
#include "delivery/engine.h"
#include "delivery/engine_state.h"
#include "model/ids.h"

#include "engine_world.h"

enum { DESTINATION = 7, TURNS_MAX = 4000, TURN_MS = 5 };

/* --- Stand-ins ------------------------------------------------------------------- */

static struct entry *registered; /* what every destination leads to; NULL: none */

void store_settle(struct store *s, struct settle_batch *b)
{
	(void)s, (void)b;
	fail_msg("nothing is flushed here");
}

enum err store_queue_read(struct store *s, store_destination_fn fn, void *ctx)
{
	(void)s, (void)fn, (void)ctx;
	return ERR_OK;
}

void store_watch(struct store *s, void (*released)(void *ctx, int64_t destination), void *ctx)
{
	(void)s, (void)released, (void)ctx;
}

enum err store_work_read(struct store *s, const struct store_work_query *q, struct work *work,
			 size_t *out_count)
{
	(void)s, (void)q, (void)work, (void)out_count;
	return ERR_IO;
}

struct entry *registry_find_destination(struct registry *r, int64_t id, size_t *out_channel)
{
	(void)r;
	assert_int_equal(id, DESTINATION);
	*out_channel = 0;
	if (registered != NULL)
		registered->refs++;
	return registered;
}

void entry_drop(struct entry *e)
{
	if (e == NULL || --e->refs > 0)
		return;
	compiled_configs_destroy(e->compiled[0]);
	free(e->compiled);
	webhook_finish(&e->webhook);
	free(e);
}

/* --- An engine, and what it has to send ------------------------------------------ */

static struct conf conf;
static struct pubid *ids;
static struct engine *engine;
static struct destination *destination;
static int64_t last_delivery;

/* The webhook's one channel becomes this one, with this target. */
static void channel_set(const char *name, const char *host)
{
	struct entry *e = xcalloc(1, sizeof(*e));
	char *configs = xformat("{\"url\":\"http://%s:%u/hook\"}", host, receiver.port);
	struct why why = { "" };

	entry_drop(registered);
	e->refs = 1;
	e->webhook = (struct webhook){ .id = 70,
				       .public_id = "wh_aaaaaaaaaa",
				       .name = xstrdup("Orders"),
				       .is_active = true,
				       .channel_count = 1 };
	e->webhook.channels = xcalloc(1, sizeof(*e->webhook.channels));
	e->webhook.channels[0].id = DESTINATION;
	e->webhook.channels[0].name = xstrdup(name);
	e->webhook.channels[0].configs = configs;
	e->compiled = xcalloc(1, sizeof(struct compiled_configs *));
	e->compiled[0] = configs_compile(channels_find(&engine_channels, name), configs, &why);
	if (e->compiled[0] == NULL)
		fail_msg("%s", why.text);
	registered = e;
}

static int setup(void **state)
{
	static const unsigned char key[PUBID_KEY_BYTES] = { 1 };
	struct why why = { "" };

	(void)state;
	engine_world_start();
	conf = engine_conf();
	ids = pubid_create(key);
	const struct engine_parts parts = { .conf = &conf,
					    .channels = &engine_channels,
					    .ids = ids };

	if (engine_create(&parts, &engine, &why) != ERR_OK)
		fail_msg("%s", why.text);
	destination = schedule_destination(engine->schedule, DESTINATION, 1);
	channel_set("web", "127.0.0.1");
	last_delivery = 0;
	return 0;
}

/* As the loop does once they are stored. */
static void results_forget(void)
{
	struct settles *s = engine->open;

	if (s == NULL)
		return;
	engine->open = NULL;
	for (size_t i = 0; i < s->batch.count; i++)
		item_forget(engine, s->sent[i]);
	settles_free(s);
	destination->rest_until_ms = destination->trouble_at_ms = 0;
	destination->trouble = 0;
	destination->window = WINDOW;
	schedule_update(engine->schedule, destination, clock_wall_ms());
}

static void notes_free(void)
{
	while (engine->first != NULL) {
		struct note *n = engine->first;

		engine->first = n->next;
		free(n);
	}
}

static int teardown(void **state)
{
	(void)state;
	receiver_release();
	atomic_store(&plugin.is_gated, false);
	results_forget();
	if (!engine->lane_has_stopped)
		attempts_give_up(engine);
	notes_free();
	engine_destroy(engine);
	entry_drop(registered);
	registered = NULL;
	pubid_destroy(ids);
	engine_world_end();
	return 0;
}

/* One more delivery in line, with so many attempts behind it. */
static struct item *item_add(unsigned attempts, int64_t accepted_at_ms)
{
	struct item *item = xcalloc(1, sizeof(*item));

	item->work = (struct work){ .delivery_id = ++last_delivery,
				    .destination = DESTINATION,
				    .due_ms = 123,
				    .attempts = attempts };
	item->work.event = event_create(&(struct event){ .id = id_floor(accepted_at_ms),
							 .organization = 1,
							 .type = span_of("a.b"),
							 .source_id = span_of("mine"),
							 .data = span_of("{\"d\":1}") });
	known_add(engine->known, item);
	destination->in_memory++;
	schedule_push(engine->schedule, destination, item, clock_wall_ms());
	return item;
}

/* One round of the loop, as far as attempts go. */
static void turn(void)
{
	CURLcode result;
	CURL *easy;

	resolver_collect(engine->resolver, clock_mono_ms());
	resolver_collect(engine->operator_resolver, clock_mono_ms());
	resolving_look(engine);
	turns_take(engine);
	sockets_doze(engine->sockets);
	sockets_poll(engine->sockets, TURN_MS);
	while ((easy = sockets_finished(engine->sockets, &result)) != NULL)
		transfer_finish(engine, easy, result);
}

static size_t results_count(void)
{
	return engine->open == NULL ? 0 : engine->open->batch.count;
}

static const struct settle *results_wait(size_t count)
{
	for (int i = 0; results_count() < count; i++) {
		assert_true(i < TURNS_MAX);
		turn();
	}
	return &engine->open->items[count - 1];
}

#endif
