/* delivery.h - one event for one target of one channel of one webhook.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_MODEL_DELIVERY_H
#define TOCSIN_MODEL_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* Written states. "sending" is shown while a process has it in flight and is
 * not written. Numbers are stored: never renumber. */
enum delivery_state {
	DELIVERY_UNSET = 0,
	DELIVERY_DUE = 1,
	DELIVERY_HELD = 2,
	DELIVERY_DELIVERED = 3,
	DELIVERY_FAILED = 4,
	DELIVERY_CANCELLED = 5,
	DELIVERY_STATES
};

/* "due", "held", …; NULL for UNSET. */
const char *delivery_state_text(enum delivery_state s);
/* Is this move allowed? due: anything; held: due, delivered, failed,
 * cancelled; failed and cancelled: due (a retry by hand); delivered: due. */
bool delivery_may_move(enum delivery_state from, enum delivery_state to);

enum attempt_outcome {
	ATTEMPT_UNSET = 0,
	ATTEMPT_DELIVERED = 1,
	ATTEMPT_RETRY = 2,
	ATTEMPT_FAILED = 3,
	ATTEMPT_GONE = 4,
};
const char *attempt_outcome_text(enum attempt_outcome o);

enum { REASON_BYTES = 200 };

/* One finished attempt. Durations are microseconds; -1 = the phase did not occur. */
struct attempt {
	unsigned number; /* from 1 */
	enum attempt_outcome outcome;
	int64_t started_at_us; /* wall clock */
	int64_t dns_us, connect_us, tls_us, first_byte_us, total_us;
	long status;               /* 0 = no reply */
	char reason[REASON_BYTES]; /* for people; "" = none */
};

#endif
