/* event.h - one accepted event, shared by all of its deliveries in memory.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_MODEL_EVENT_H
#define TOCSIN_MODEL_EVENT_H

#include <stdint.h>

#include "base/span.h"

enum {
	EVENT_IS_TEST = 1 << 0,
	EVENT_IS_OPERATIONAL = 1 << 1,
	EVENT_IS_EMPTIED = 1 << 2, /* retention removed its payload: extra and data */
};

/* Immutable once made; counted, freed with the last event_drop(). One
 * allocation: the spans point into it. */
struct event {
	_Atomic unsigned refs;
	unsigned flags; /* EVENT_IS_… */
	int64_t id, organization;
	int64_t occurred_at_us;
	struct span type;
	struct span source_id; /* the producer's own id; ptr NULL: none */
	struct span extra;     /* envelope members as raw JSON, in the contract's order and
	                            comma-joined: "namespace_id":…,"subject":…,"metadata":…,
	                            "cache_scope":…; ptr NULL: none */
	struct span data;      /* raw JSON of `data`; ptr NULL: absent */
	size_t bytes;          /* of the whole allocation */
};

/* Copies all spans of from; refs = 1. Owner: the caller; event_drop().
 * NULL when memory is out. Thread: any. */
struct event *event_create(const struct event *from);
struct event *event_hold(struct event *e); /* one reference more; returns e */
void event_drop(struct event *e);          /* NULL is fine */

#endif
