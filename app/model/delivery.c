/* delivery.c - the states of a delivery and the moves between them.
 * Not here: who moves it and writes it down (store/).
 * Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "model/delivery.h"

#include <stddef.h>

/* due -> due is a try that failed and has a next one. A final state only ever
 * goes back to due, when a person asks for a retry. */
static const unsigned may_follow[DELIVERY_STATES] = {
	[DELIVERY_DUE] = BIT(DELIVERY_DUE) | BIT(DELIVERY_HELD) | BIT(DELIVERY_DELIVERED) |
			 BIT(DELIVERY_FAILED) | BIT(DELIVERY_CANCELLED),
	[DELIVERY_HELD] = BIT(DELIVERY_DUE) | BIT(DELIVERY_DELIVERED) | BIT(DELIVERY_FAILED) |
			  BIT(DELIVERY_CANCELLED),
	[DELIVERY_DELIVERED] = BIT(DELIVERY_DUE),
	[DELIVERY_FAILED] = BIT(DELIVERY_DUE),
	[DELIVERY_CANCELLED] = BIT(DELIVERY_DUE),
};

const char *delivery_state_text(enum delivery_state s)
{
	switch (s) {
	case DELIVERY_DUE: return "due";
	case DELIVERY_HELD: return "held";
	case DELIVERY_DELIVERED: return "delivered";
	case DELIVERY_FAILED: return "failed";
	case DELIVERY_CANCELLED: return "cancelled";
	case DELIVERY_UNSET:
	case DELIVERY_STATES: break;
	}
	return NULL;
}

bool delivery_may_move(enum delivery_state from, enum delivery_state to)
{
	if ((unsigned)from >= DELIVERY_STATES || (unsigned)to >= DELIVERY_STATES)
		return false;
	return (may_follow[from] & BIT(to)) != 0;
}

const char *attempt_outcome_text(enum attempt_outcome o)
{
	switch (o) {
	case ATTEMPT_DELIVERED: return "delivered";
	case ATTEMPT_RETRY: return "retry";
	case ATTEMPT_FAILED: return "failed";
	case ATTEMPT_GONE: return "gone";
	case ATTEMPT_UNSET: break;
	}
	return NULL;
}
