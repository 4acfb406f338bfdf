/* ids.c - makes and reads event and delivery ids.
 * Not here: the public form (base/pubid.h), remembering the last one (store/).
 * Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "model/ids.h"

enum { NODE_SHIFT = ID_DELIVERY_BITS + ID_COUNTER_BITS, TIME_SHIFT = NODE_SHIFT + ID_NODE_BITS };

#define NODE_MASK ((INT64_C(1) << ID_NODE_BITS) - 1)
#define TIME_MAX  ((INT64_C(1) << 41) - 1)

static int64_t slot_round_up(int64_t id)
{
	return (id + ID_STEP - 1) & ~(ID_STEP - 1);
}

/* The first slot of this node in the millisecond of id, or in the next one
 * when id is past it. */
static int64_t node_slot(int64_t id, int64_t node)
{
	const int64_t time = id >> TIME_SHIFT;
	const int64_t found = (id >> NODE_SHIFT) & NODE_MASK;

	if (found == node)
		return id;
	return ((found < node ? time : time + 1) << TIME_SHIFT) | (node << NODE_SHIFT);
}

int64_t id_floor(int64_t wall_ms)
{
	int64_t time = wall_ms - ID_EPOCH_MS;

	if (time < 0)
		time = 0;
	if (time > TIME_MAX)
		time = TIME_MAX;
	return time << TIME_SHIFT;
}

int64_t id_next(int64_t last, int64_t now_ms, unsigned node)
{
	const int64_t own = (int64_t)node & NODE_MASK;
	const int64_t clock = id_floor(now_ms) | (own << NODE_SHIFT);
	const int64_t least = slot_round_up(last + ID_STEP);

	/* A used-up counter carries into the node's bits: those ids are another
	 * node's, so the next millisecond is taken instead. */
	return clock >= least ? clock : node_slot(least, own);
}

int64_t id_time_ms(int64_t id)
{
	return (id >> TIME_SHIFT) + ID_EPOCH_MS;
}

int64_t id_after(int64_t event_id, int64_t deliveries)
{
	return slot_round_up(event_id + deliveries + 1);
}
