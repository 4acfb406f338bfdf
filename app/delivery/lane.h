/* lane.h - the slow lane: a few threads for transfers that block.
 * SPDX-License-Identifier: MIT
 * Mail (libcurl waits inside its calls for the server's answers), plugins that
 * say they are slow, and plugins with deliver(). Each channel declaration has a
 * line of its own and at most half of the threads, so that one relay that hangs
 * leaves the others room. A call that does not come back is given up, and its
 * thread replaced. All functions belong to the loop's thread. */
#ifndef TOCSIN_DELIVERY_LANE_H
#define TOCSIN_DELIVERY_LANE_H

#include "delivery/transfer.h"

struct lane;

struct lane_parts {
	unsigned threads;
	unsigned queue_max; /* transfers of one declaration that wait */
	const struct transfer_rules *rules;
	/* t->attempt and t->verdict are filled: it is yours. On a thread of the lane. */
	void (*done)(void *ctx, struct transfer *t);
	void *ctx;
};

/* Threads are started when there is work for them. */
struct lane *lane_create(const struct lane_parts *parts);
/* After lane_stop(). */
void lane_destroy(struct lane *l);

/* May another one of this channel wait? */
bool lane_has_room(const struct lane *l, const struct channel *c);
/* Taken, until done() or lane_late(). */
void lane_add(struct lane *l, struct transfer *t);

/* One whose call has not come back grace_ms after its time was over; NULL when
 * there is none. Its thread keeps t and ends with it; the caller gets what must
 * go on without it. */
struct lane_loss {
	struct item *item; /* the caller's again */
	struct destination *destination;
	struct attempt attempt;
	char event_id[EVENT_TEXT_ID_BYTES];
	const char *channel, *plugin; /* for the log */
	bool was_last;                /* no thread is left, and none is started any more */
};
bool lane_late(struct lane *l, int64_t mono_ms, struct lane_loss *out);

/* Transfers that wait or are under way. */
size_t lane_count(const struct lane *l);
/* Begin nothing new; hand back, one by one, what waits: NULL when there is no more. */
struct transfer *lane_take_back(struct lane *l);
/* End: running transfers are broken off. True when every thread has ended; false
 * when one is stuck inside a plugin, and the process must leave by _exit(). */
bool lane_stop(struct lane *l, int64_t wait_ms);

#endif
