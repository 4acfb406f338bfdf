/* event.c - one accepted event in one allocation, counted.
 * Not here: checking it (domain/ingest), its place in the store.
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "model/event.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Each copy ends with a NUL, so that a debugger or a log may print it. */
static struct span span_place(char **at, struct span from)
{
	if (from.ptr == NULL)
		return (struct span){ NULL, 0 };
	const struct span placed = { *at, from.len };

	memcpy(*at, from.ptr, from.len);
	(*at)[from.len] = '\0';
	*at += from.len + 1;
	return placed;
}

struct event *event_create(const struct event *from)
{
	const size_t bytes = sizeof(struct event) + from->type.len + from->source_id.len +
			     from->extra.len + from->data.len + 4;
	struct event *e = malloc(bytes);

	if (e == NULL)
		return NULL;
	char *at = (char *)(e + 1);

	atomic_init(&e->refs, 1);
	e->flags = from->flags;
	e->id = from->id;
	e->organization = from->organization;
	e->occurred_at_us = from->occurred_at_us;
	e->type = span_place(&at, from->type);
	e->source_id = span_place(&at, from->source_id);
	e->extra = span_place(&at, from->extra);
	e->data = span_place(&at, from->data);
	e->bytes = bytes;
	return e;
}

struct event *event_hold(struct event *e)
{
	atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
	return e;
}

void event_drop(struct event *e)
{
	/* Release what this thread did to it, acquire what others did, then free. */
	if (e != NULL && atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) == 1)
		free(e);
}
