/* known.h - deliveries that are in memory, by id.
 * SPDX-License-Identifier: MIT
 * What the store gives again while it is being sent is found here and left
 * out: so nothing is sent twice. One thread. */
#ifndef TOCSIN_DELIVERY_KNOWN_H
#define TOCSIN_DELIVERY_KNOWN_H

#include "delivery/schedule.h"

struct known;

struct known *known_create(void);
/* Items still inside belong to others, but those that are settled: freed here. */
void known_destroy(struct known *k);
void known_add(struct known *k, struct item *item);
void known_remove(struct known *k, struct item *item);
struct item *known_find(const struct known *k, int64_t delivery_id);
size_t known_count(const struct known *k);
/* Settled items of one destination; fn may remove the one it is given. */
void known_each_of(struct known *k, int64_t destination, void (*fn)(void *ctx, struct item *item),
		   void *ctx);

#endif
