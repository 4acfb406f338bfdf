/* backoff.c - when the next attempt is due, or why there is none.
 * Not here: a destination's rest after trouble (delivery/schedule).
 * Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "model/backoff.h"

#include <assert.h>

/* 0 … percent of pause, drawn by 16 of the random bits: the product of a
 * year's pause and 1,000 percent still fits. */
static int64_t jitter_of(int64_t pause_ms, int64_t percent, uint32_t random)
{
	return (pause_ms * percent / 100 * (int64_t)(random >> 16)) >> 16;
}

bool backoff_next(const struct backoff *b, const struct backoff_case *c, int64_t *out_due_ms,
		  const char **out_reason)
{
	assert(c->attempts > 0);
	if ((int64_t)c->attempts > b->pause_count) {
		*out_reason = "the retry schedule is used up";
		return false;
	}
	const int64_t pause_ms = b->pauses_ms[c->attempts - 1];
	int64_t wait_ms = pause_ms + jitter_of(pause_ms, b->jitter_percent, c->random);
	int64_t asked_ms = c->asked_ms;

	if (asked_ms > b->retry_after_max_ms)
		asked_ms = b->retry_after_max_ms;
	if (wait_ms < asked_ms)
		wait_ms = asked_ms;
	/* Waiting for a moment at which it will be too old helps nobody. */
	if (c->now_ms + wait_ms - c->accepted_at_ms > b->max_age_ms) {
		*out_reason = "the next attempt would be past the maximum age";
		return false;
	}
	*out_due_ms = c->now_ms + wait_ms;
	return true;
}
