/* backoff.h - when the next attempt is due. Pure.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_MODEL_BACKOFF_H
#define TOCSIN_MODEL_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

struct backoff {
	const int64_t *pauses_ms; /* before the 2nd, 3rd … attempt */
	int64_t pause_count;
	int64_t jitter_percent; /* a pause is lengthened by 0 … this many percent */
	int64_t max_age_ms;     /* from acceptance */
	int64_t retry_after_max_ms;
};

struct backoff_case {
	unsigned attempts; /* made so far, this one included */
	int64_t now_ms, accepted_at_ms;
	int64_t asked_ms; /* Retry-After; 0 = none; only lengthens */
	uint32_t random;  /* any 32 random bits */
};

/* True and *out_due_ms when there is a next attempt; false when the schedule
 * or the age is used up, with *out_reason saying which (static text). */
bool backoff_next(const struct backoff *b, const struct backoff_case *c, int64_t *out_due_ms,
		  const char **out_reason);

#endif
