/* test_registry.c - webhooks in memory: matching, replacing, holding, loading.
 * SPDX-License-Identifier: MIT */
#include "domain/registry.h"

#include <pthread.h>

#include "store_world.h"

static const struct channels no_channels;

/* Webhook `id` of an organization with channels id*10, id*10+1 …; the last has
 * two targets. */
static void put(struct registry *r, int64_t organization, int64_t id, const char *pattern,
		size_t channels)
{
	struct webhook w = { .id = id,
			     .organization = organization,
			     .name = xstrdup("n"),
			     .is_active = true,
			     .event_type_count = 1,
			     .channel_count = channels };

	snprintf(w.public_id, sizeof(w.public_id), "wh_%010lld", (long long)id);
	w.event_types = xcalloc(1, sizeof(*w.event_types));
	w.event_types[0] = xstrdup(pattern);
	w.channels = xcalloc(channels, sizeof(*w.channels));
	for (size_t i = 0; i < channels; i++) {
		w.channels[i].id = id * 10 + (int64_t)i;
		w.channels[i].name = xstrdup("web");
		w.channels[i].configs = xstrdup("{}");
	}
	struct webhook_channel *last = &w.channels[channels - 1];
	last->targets = xcalloc(2, sizeof(*last->targets));
	last->target_count = 2;
	last->targets[0] = (struct channel_target){ 1, xstrdup("a") };
	last->targets[1] = (struct channel_target){ 2, xstrdup("b") };
	registry_put(r, &w);
	assert_int_equal(w.channel_count, 0); /* taken */
}

static size_t match_count(struct registry *r, int64_t organization, const char *type, int64_t skip)
{
	struct accept_target *targets = NULL;
	size_t count = 0;

	assert_int_equal(registry_match(r, organization, span_of(type), skip, &targets, &count),
			 ERR_OK);
	free(targets);
	return count;
}

static void patterns_choose_the_targets(void **state)
{
	struct registry *r = registry_create(&no_channels);
	struct accept_target *targets = NULL;
	size_t count = 0;

	(void)state;
	put(r, 1, 1, "order.*", 2);
	put(r, 1, 2, "*", 1);
	put(r, 3, 3, "*", 1);
	assert_int_equal(registry_match(r, 1, span_of("order.paid"), 0, &targets, &count), ERR_OK);
	assert_int_equal(count, 5);
	static const int64_t wanted[5][2] = {
		{ 10, 0 }, { 11, 1 }, { 11, 2 }, { 20, 1 }, { 20, 2 }
	};
	for (size_t i = 0; i < count; i++) {
		assert_true(targets[i].destination == wanted[i][0]);
		assert_true(targets[i].target == wanted[i][1]);
	}
	free(targets);
	assert_int_equal(match_count(r, 1, "user.new", 0), 2);
	assert_int_equal(match_count(r, 1, "order.paid", 2), 3);
	assert_int_equal(match_count(r, 2, "order.paid", 0), 0);
	assert_int_equal(match_count(r, 900, "order.paid", 0), 0);
	registry_destroy(r);
}

static void only_its_owners_pause_stops_collecting(void **state)
{
	static const struct {
		bool is_active, is_disabled;
		size_t matches;
	} rows[] = { { true, false, 1 }, { false, false, 0 }, { false, true, 1 } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct registry *r = registry_create(&no_channels);
		struct webhook w = { .id = 1, .organization = 1, .is_active = rows[i].is_active };

		w.disabled_reason = rows[i].is_disabled ? xstrdup("gone") : NULL;
		w.event_types = xcalloc(1, sizeof(*w.event_types));
		w.event_types[0] = xstrdup("*");
		w.event_type_count = 1;
		w.channels = xcalloc(1, sizeof(*w.channels));
		w.channels[0].id = 1;
		w.channels[0].name = xstrdup("web");
		w.channel_count = 1;
		registry_put(r, &w);
		assert_int_equal(match_count(r, 1, "a", 0), rows[i].matches);
		registry_destroy(r);
	}
}

static void a_replaced_one_lives_while_it_is_held(void **state)
{
	struct registry *r = registry_create(&no_channels);
	size_t at = 9, count = 0;

	(void)state;
	put(r, 1, 1, "*", 2);
	put(r, 1, 2, "*", 1);
	struct entry *old = registry_find_destination(r, 11, &at);
	assert_non_null(old);
	assert_int_equal(at, 1);
	put(r, 1, 1, "b.*", 1); /* its second channel is gone */
	assert_string_equal(old->webhook.event_types[0], "*");
	assert_null(registry_find_destination(r, 11, &at));
	struct entry *now = registry_find(r, 1, span_of("wh_0000000001"));
	assert_string_equal(now->webhook.event_types[0], "b.*");
	assert_true(now->position == old->position);
	assert_null(registry_find(r, 2, span_of("wh_0000000001")));
	struct entry **list = registry_list(r, 1, &count);
	assert_int_equal(count, 2);
	assert_ptr_equal(list[0], now);
	registry_remove(r, 1, 1);
	registry_remove(r, 1, 1); /* twice does no harm */
	assert_int_equal(registry_count(r, 1), 1);
	assert_int_equal(registry_count(r, 0), 1);
	assert_null(registry_find_destination(r, 10, &at));
	assert_null(registry_find_destination(r, 999999, &at));
	registry_destroy(r);
	assert_string_equal(old->webhook.public_id, "wh_0000000001");
	entry_drop(old);
	entry_drop(now);
	for (size_t i = 0; i < count; i++)
		entry_drop(list[i]);
	free(list);
	entry_drop(NULL);
}

static void it_is_loaded_from_the_store(void **state)
{
	struct registry *r = registry_create(&no_channels);
	struct world w;
	size_t at;

	(void)state;
	world_start(&w);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(world_webhook_add(&w, 2, 3), ERR_OK);
	assert_int_equal(store_webhook_remove(w.s, w.webhooks[1].id, 1), ERR_OK);
	world_reopen(&w);
	assert_int_equal(registry_load(r, w.s), ERR_OK);
	assert_int_equal(registry_count(r, w.organization), 2);
	assert_int_equal(match_count(r, w.organization, "x.y", 0), 8);
	struct entry *e = registry_find_destination(r, world_channel(&w, 2, 1), &at);
	assert_non_null(e);
	assert_int_equal(e->webhook.channels[at].target_count, 3);
	assert_string_equal(e->webhook.channels[at].targets[2].value, "+44200002");
	assert_int_equal(e->webhook.secrets[0].len, 32);
	entry_drop(e);
	registry_destroy(r);
	world_end(&w);
}

/* --- Readers beside a writer ------------------------------------------------------- */

struct reading {
	pthread_t thread;
	struct registry *r;
	_Atomic bool *is_over;
	int wrong;
};

static void *reading_run(void *arg)
{
	struct reading *me = arg;

	while (!atomic_load(me->is_over)) {
		const size_t matches = match_count(me->r, 1, "a", 0);
		size_t at = 0;
		struct entry *e = registry_find_destination(me->r, 10, &at);

		me->wrong += matches != 2 && matches != 3; /* one channel, or two */
		me->wrong += e == NULL || e->webhook.channels[at].id != 10;
		entry_drop(e);
	}
	return NULL;
}

static void readers_see_whole_webhooks(void **state)
{
	struct registry *r = registry_create(&no_channels);
	_Atomic bool is_over = false;
	struct reading all[3];

	(void)state;
	put(r, 1, 1, "*", 1);
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		all[i] = (struct reading){ .r = r, .is_over = &is_over };
		assert_int_equal(pthread_create(&all[i].thread, NULL, reading_run, &all[i]), 0);
	}
	for (size_t i = 0; i < 500; i++)
		put(r, 1, 1, "*", 1 + i % 2);
	atomic_store(&is_over, true);
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		pthread_join(all[i].thread, NULL);
		assert_int_equal(all[i].wrong, 0);
	}
	registry_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_choose_the_targets),
		cmocka_unit_test(only_its_owners_pause_stops_collecting),
		cmocka_unit_test(a_replaced_one_lives_while_it_is_held),
		cmocka_unit_test(it_is_loaded_from_the_store),
		cmocka_unit_test(readers_see_whole_webhooks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
