/* engine.h - the delivery loop, seen from outside.
 * SPDX-License-Identifier: MIT
 * One thread drives all transfers; another reads work from the store for it. */
#ifndef TOCSIN_DELIVERY_ENGINE_H
#define TOCSIN_DELIVERY_ENGINE_H

#include <stdbool.h>

#include "base/pubid.h"
#include "conf/conf.h"
#include "delivery/host.h"
#include "domain/registry.h"
#include "store/store.h"

struct engine;

struct engine_parts {
	const struct conf *conf;
	const struct channels *channels;
	struct registry *registry;
	struct store *store;
	const struct pubid *ids;
	/* A channel was disabled by a settle; called on the engine's reading thread. */
	void (*webhook_changed)(void *ctx, int64_t webhook_id);
	void *ctx;
};

MUST_CHECK enum err engine_create(const struct engine_parts *parts, struct engine **out,
				  struct why *why);
/* Find what waits in the store and start the threads. */
MUST_CHECK enum err engine_start(struct engine *e, struct why *why);
/* Start no more attempts, wait for running ones up to timeout_ms, hand back the
 * rest, settle everything, join. False when a thread is stuck inside a plugin:
 * close the store, then leave by _exit(). */
bool engine_stop(struct engine *e, int64_t timeout_ms);
/* After store_close(): the writer's last done() calls reach into the engine. */
void engine_destroy(struct engine *e);

/* Before accepting: is there room in memory for so many bytes of payload?
 * Nothing is set aside: room is counted when a delivery is taken, so the bound
 * may be passed by what is on its way. */
bool engine_room(struct engine *e, size_t bytes);
/* After the commit: take the made deliveries of one event, whose reference is
 * taken over. */
void engine_hand_over(struct engine *e, struct event *event, const struct accept_target *targets,
		      size_t count);
/* After the commit, without room: the made deliveries are in the store, to be
 * read when there is some. */
void engine_leave(struct engine *e, const struct accept_target *targets, size_t count);
/* Webhook changed: paused, resumed, removed or other configs. */
void engine_webhook_changed(struct engine *e, int64_t webhook_id);
/* Is this delivery being sent at this moment? */
bool engine_is_sending(struct engine *e, int64_t delivery_id);

#endif
