/* known.c - a growing hash table of items by delivery id.
 * SPDX-License-Identifier: MIT */
#include "delivery/known.h"

#include <stdlib.h>

#include "base/mem.h"

enum { BUCKETS_FIRST = 1024 };

struct known {
	struct item **buckets;
	size_t size, count; /* size is a power of two */
};

static size_t bucket_of(const struct known *k, int64_t id)
{
	return (size_t)(((uint64_t)id * UINT64_C(0x9E3779B97F4A7C15)) >> 20) & (k->size - 1);
}

struct known *known_create(void)
{
	struct known *k = xcalloc(1, sizeof(*k));

	k->size = BUCKETS_FIRST;
	k->buckets = xcalloc(k->size, sizeof(struct item *));
	return k;
}

void known_destroy(struct known *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->size; i++) {
		struct item *next;

		for (struct item *item = k->buckets[i]; item != NULL; item = next) {
			next = item->known_next;
			if (!item->is_settled)
				continue;
			event_drop(item->work.event);
			free(item);
		}
	}
	free(k->buckets);
	free(k);
}

static void known_grow(struct known *k)
{
	struct item **old = k->buckets;
	const size_t old_size = k->size;

	k->size *= 2;
	k->buckets = xcalloc(k->size, sizeof(struct item *));
	for (size_t i = 0; i < old_size; i++) {
		struct item *next;

		for (struct item *item = old[i]; item != NULL; item = next) {
			struct item **head = &k->buckets[bucket_of(k, item->work.delivery_id)];

			next = item->known_next;
			item->known_next = *head;
			*head = item;
		}
	}
	free(old);
}

void known_add(struct known *k, struct item *item)
{
	if (k->count >= k->size)
		known_grow(k);
	struct item **head = &k->buckets[bucket_of(k, item->work.delivery_id)];
	item->known_next = *head;
	*head = item;
	k->count++;
}

void known_remove(struct known *k, struct item *item)
{
	struct item **link = &k->buckets[bucket_of(k, item->work.delivery_id)];

	while (*link != NULL && *link != item)
		link = &(*link)->known_next;
	if (*link == NULL)
		return;
	*link = item->known_next;
	k->count--;
}

struct item *known_find(const struct known *k, int64_t delivery_id)
{
	struct item *item = k->buckets[bucket_of(k, delivery_id)];

	while (item != NULL && item->work.delivery_id != delivery_id)
		item = item->known_next;
	return item;
}

size_t known_count(const struct known *k)
{
	return k->count;
}

void known_each_of(struct known *k, int64_t destination, void (*fn)(void *ctx, struct item *item),
		   void *ctx)
{
	for (size_t i = 0; i < k->size; i++) {
		struct item *next;

		for (struct item *item = k->buckets[i]; item != NULL; item = next) {
			next = item->known_next;
			if (item->work.destination == destination && item->is_settled)
				fn(ctx, item);
		}
	}
}
