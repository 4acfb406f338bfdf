/* engine_settles.c - batches of results: filled, stored, tried again.
 * SPDX-License-Identifier: MIT
 * A delivery stays known until its result is on disk, so that it is neither sent
 * twice nor forgotten. The loop's thread, but settles_done(). */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "delivery/engine_state.h"

enum { SETTLE_AGAIN_MS = 250 }; /* after the store could not take a batch */

static void settles_done(struct settle_batch *b, enum err rc)
{
	struct settles *s = b->ctx;
	struct note *n = note_create(NOTE_SETTLED, 0);

	n->settles = s;
	n->rc = rc;
	note_push(s->engine, n);
}

static void settles_submit(struct engine *e, struct settles *s)
{
	e->settles_out++;
	store_settle(e->parts.store, &s->batch);
}

void settles_flush(struct engine *e)
{
	struct settles *s = e->open;

	if (s == NULL || s->batch.count == 0)
		return;
	e->open = NULL;
	settles_submit(e, s);
}

struct settle *settle_next(struct engine *e, struct item *item)
{
	struct settles *s = e->open;

	if (s != NULL && s->batch.count == SETTLES_AT_ONCE) {
		settles_flush(e);
		s = NULL;
	}
	if (s == NULL) {
		s = xcalloc(1, sizeof(*s));
		s->engine = e;
		s->batch.items = s->items;
		s->batch.done = settles_done;
		s->batch.ctx = s;
		e->open = s;
	}
	s->sent[s->batch.count] = item;
	return &s->items[s->batch.count++];
}

static bool may_succeed_later(enum err rc)
{
	return rc == ERR_BUSY || rc == ERR_FULL || rc == ERR_IO || rc == ERR_MEMORY;
}

static void disabling_tell(struct engine *e, const struct settle *settle)
{
	size_t channel_at = 0;
	struct entry *entry = registry_find_destination(e->parts.registry, settle->destination,
							&channel_at);
	char name[128];

	if (entry == NULL)
		return;
	log_warning("webhook=%s name=%s channel=%zu disabled reason=\"%s\"; its deliveries are "
		    "held until it is made active again",
		    entry->webhook.public_id, log_quote(entry->webhook.name, name, sizeof(name)),
		    channel_at, settle->attempt.reason);
	entry_drop(entry);
}

static void settle_applied(struct engine *e, const struct settle *settle, struct item *item)
{
	struct destination *d = schedule_find(e->schedule, settle->destination);

	if (settle->state == DELIVERY_DUE && d != NULL)
		schedule_stored(e->schedule, d, settle->next_due_ms, clock_wall_ms());
	if (settle->channel_disabled && d != NULL) {
		disabling_tell(e, settle);
		reader_reload(e->reader, d->webhook);
	}
	/* The store may be giving us its row at this moment: stay known. */
	if (d != NULL && d->is_reading)
		item->is_settled = true;
	else
		item_forget(e, item);
}

void settles_free(struct settles *s)
{
	for (size_t i = 0; i < s->batch.count; i++) {
		free(s->items[i].excerpt);
		free((char *)(uintptr_t)s->items[i].event_text_id);
	}
	free(s);
}

void settles_take(struct engine *e, struct settles *s, enum err rc)
{
	e->settles_out--;
	if (may_succeed_later(rc)) {
		s->again_at_ms = clock_mono_ms() + SETTLE_AGAIN_MS;
		s->next = e->again;
		e->again = s;
		return;
	}
	if (rc != ERR_OK)
		log_error("settles=%zu store: %s; they are sent again after a restart",
			  s->batch.count, err_text(rc));
	for (size_t i = 0; i < s->batch.count; i++)
		settle_applied(e, &s->items[i], s->sent[i]);
	settles_free(s);
}

void settles_retry(struct engine *e, int64_t mono_ms)
{
	struct settles **link = &e->again;

	while (*link != NULL) {
		struct settles *s = *link;

		if (s->again_at_ms > mono_ms) {
			link = &s->next;
			continue;
		}
		*link = s->next;
		settles_submit(e, s);
	}
}
