/* registry.c - webhooks by organization and by destination.
 * SPDX-License-Identifier: MIT
 * Row numbers are dense, so both tables are arrays. One read-write lock covers
 * them; it is held for a look-up or a swap only. Any thread. */
#include "domain/registry.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct group { /* one organization, in order of creation */
	struct entry **items;
	size_t count, size;
};

struct place {
	struct entry *entry; /* not counted: the group's reference covers it */
	size_t channel_at;
};

struct registry {
	const struct channels *channels;
	pthread_rwlock_t lock;
	struct group *groups; /* by organization row */
	size_t group_size;
	struct place *places; /* by destination row */
	size_t place_size;
	uint64_t position;
};

struct entry *entry_hold(struct entry *e)
{
	if (e != NULL)
		atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
	return e;
}

void entry_drop(struct entry *e)
{
	if (e == NULL || atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < e->webhook.channel_count; i++)
		compiled_configs_destroy(e->compiled[i]);
	free(e->compiled);
	webhook_finish(&e->webhook);
	free(e);
}

struct entry *entry_create(const struct channels *channels, struct webhook *w)
{
	struct entry *e = xcalloc(1, sizeof(*e));

	e->refs = 1;
	e->webhook = *w;
	memset(w, 0, sizeof(*w));
	e->compiled = xcalloc(e->webhook.channel_count + 1, sizeof(struct compiled_configs *));
	for (size_t i = 0; i < e->webhook.channel_count; i++) {
		const struct webhook_channel *c = &e->webhook.channels[i];
		const struct channel *channel = channels_find(channels, c->name);

		if (channel != NULL)
			e->compiled[i] = configs_compile(channel, c->configs, NULL);
	}
	return e;
}

struct registry *registry_create(const struct channels *channels)
{
	struct registry *r = xcalloc(1, sizeof(*r));

	r->channels = channels;
	pthread_rwlock_init(&r->lock, NULL);
	return r;
}

void registry_destroy(struct registry *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->group_size; i++) {
		for (size_t k = 0; k < r->groups[i].count; k++)
			entry_drop(r->groups[i].items[k]);
		free(r->groups[i].items);
	}
	free(r->groups);
	free(r->places);
	pthread_rwlock_destroy(&r->lock);
	free(r);
}

static void load_one(void *ctx, struct webhook *w)
{
	registry_put(ctx, w);
}

enum err registry_load(struct registry *r, struct store *s)
{
	return store_webhooks_read(s, load_one, r);
}

/* --- Changing, under the write lock -------------------------------------------- */

static struct group *group_make(struct registry *r, int64_t organization)
{
	const size_t at = (size_t)organization;

	if (at >= r->group_size) {
		const size_t size = at + at / 2 + 16;

		r->groups = xrealloc(r->groups, size * sizeof(*r->groups));
		memset(r->groups + r->group_size, 0, (size - r->group_size) * sizeof(*r->groups));
		r->group_size = size;
	}
	return &r->groups[at];
}

static void place_set(struct registry *r, int64_t destination, struct place place)
{
	const size_t at = (size_t)destination;

	if (at >= r->place_size) {
		const size_t size = at + at / 2 + 64;

		r->places = xrealloc(r->places, size * sizeof(*r->places));
		memset(r->places + r->place_size, 0, (size - r->place_size) * sizeof(*r->places));
		r->place_size = size;
	}
	r->places[at] = place;
}

static void places_clear(struct registry *r, const struct entry *e)
{
	for (size_t i = 0; i < e->webhook.channel_count; i++)
		place_set(r, e->webhook.channels[i].id, (struct place){ NULL, 0 });
}

static void places_fill(struct registry *r, struct entry *e)
{
	for (size_t i = 0; i < e->webhook.channel_count; i++)
		place_set(r, e->webhook.channels[i].id, (struct place){ e, i });
}

static struct entry **slot_find(struct group *g, int64_t webhook_id)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->items[i]->webhook.id == webhook_id)
			return &g->items[i];
	return NULL;
}

static void group_append(struct group *g, struct entry *e)
{
	if (g->count == g->size) {
		g->size = g->size == 0 ? 8 : g->size * 2;
		g->items = xrealloc(g->items, g->size * sizeof(struct entry *));
	}
	g->items[g->count++] = e;
}

void registry_put(struct registry *r, struct webhook *w)
{
	struct entry *e = entry_create(r->channels, w), *old = NULL;

	pthread_rwlock_wrlock(&r->lock);
	struct group *g = group_make(r, e->webhook.organization);
	struct entry **slot = slot_find(g, e->webhook.id);
	if (slot != NULL) {
		old = *slot;
		places_clear(r, old);
		e->position = old->position;
		*slot = e;
	} else {
		e->position = ++r->position;
		group_append(g, e);
	}
	places_fill(r, e);
	pthread_rwlock_unlock(&r->lock);
	entry_drop(old);
}

void registry_remove(struct registry *r, int64_t organization, int64_t webhook_id)
{
	struct entry *old = NULL;

	pthread_rwlock_wrlock(&r->lock);
	struct group *g = group_make(r, organization);
	struct entry **slot = slot_find(g, webhook_id);
	if (slot != NULL) {
		old = *slot;
		places_clear(r, old);
		const size_t at = (size_t)(slot - g->items);
		memmove(slot, slot + 1, (g->count - at - 1) * sizeof(struct entry *));
		g->count--;
	}
	pthread_rwlock_unlock(&r->lock);
	entry_drop(old);
}

/* --- Reading, under the read lock ------------------------------------------------ */

static const struct group *group_find(const struct registry *r, int64_t organization)
{
	static const struct group none;

	return organization > 0 && (size_t)organization < r->group_size ? &r->groups[organization]
									: &none;
}

struct entry *registry_find(struct registry *r, int64_t organization, struct span public_id)
{
	struct entry *found = NULL;

	pthread_rwlock_rdlock(&r->lock);
	const struct group *g = group_find(r, organization);
	for (size_t i = 0; i < g->count && found == NULL; i++)
		if (span_is(public_id, g->items[i]->webhook.public_id))
			found = entry_hold(g->items[i]);
	pthread_rwlock_unlock(&r->lock);
	return found;
}

struct entry *registry_find_destination(struct registry *r, int64_t destination,
					size_t *out_channel)
{
	struct entry *found = NULL;

	pthread_rwlock_rdlock(&r->lock);
	if (destination > 0 && (size_t)destination < r->place_size) {
		found = entry_hold(r->places[destination].entry);
		*out_channel = r->places[destination].channel_at;
	}
	pthread_rwlock_unlock(&r->lock);
	return found;
}

struct entry **registry_list(struct registry *r, int64_t organization, size_t *out_count)
{
	pthread_rwlock_rdlock(&r->lock);
	const struct group *g = group_find(r, organization);
	struct entry **list = xcalloc(g->count + 1, sizeof(struct entry *));
	for (size_t i = 0; i < g->count; i++)
		list[i] = entry_hold(g->items[i]);
	*out_count = g->count;
	pthread_rwlock_unlock(&r->lock);
	return list;
}

size_t registry_count(struct registry *r, int64_t organization)
{
	size_t count = 0;

	pthread_rwlock_rdlock(&r->lock);
	if (organization != 0)
		count = group_find(r, organization)->count;
	for (size_t i = 0; organization == 0 && i < r->group_size; i++)
		count += r->groups[i].count;
	pthread_rwlock_unlock(&r->lock);
	return count;
}

/* --- Matching ------------------------------------------------------------------------ */

struct match {
	struct accept_target *items;
	size_t count, size;
};

static void match_add(struct match *m, int64_t destination, int64_t target)
{
	if (m->count == m->size) {
		m->size = m->size == 0 ? 8 : m->size * 2;
		m->items = xrealloc(m->items, m->size * sizeof(*m->items));
	}
	m->items[m->count++] = (struct accept_target){ .destination = destination,
						       .target = target };
}

static void match_webhook(struct match *m, const struct webhook *w)
{
	for (size_t i = 0; i < w->channel_count; i++) {
		const struct webhook_channel *c = &w->channels[i];

		if (c->target_count == 0)
			match_add(m, c->id, 0);
		for (size_t k = 0; k < c->target_count; k++)
			match_add(m, c->id, c->targets[k].id);
	}
}

/* One that Tocsin disabled goes on collecting; one its owner paused does not. */
static bool collects(const struct webhook *w)
{
	return w->is_active || w->disabled_reason != NULL;
}

enum err registry_match(struct registry *r, int64_t organization, struct span type,
			int64_t skip_webhook, struct accept_target **out_targets, size_t *out_count)
{
	struct match m = { 0 };

	pthread_rwlock_rdlock(&r->lock);
	const struct group *g = group_find(r, organization);
	for (size_t i = 0; i < g->count; i++) {
		const struct webhook *w = &g->items[i]->webhook;

		if (w->id != skip_webhook && collects(w) && webhook_matches(w, type.ptr, type.len))
			match_webhook(&m, w);
	}
	pthread_rwlock_unlock(&r->lock);
	*out_targets = m.items;
	*out_count = m.count;
	return ERR_OK;
}
