/* events.h - the answers of /v1/events.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_API_EVENTS_H
#define TOCSIN_API_EVENTS_H

#include "api/exchange.h"

/* Waits for the commit. */
void events_publish(struct exchange *x);
/* Does not: true when x->resume answers after it, false when the answer is there. */
bool events_publish_begin(struct exchange *x);
void events_publish_batch(struct exchange *x);
void events_show(struct exchange *x);

/* The stored event that text names: "evt_…" or a producer's own id.
 * *out_id is 0 when there is none. */
MUST_CHECK enum err events_find(const struct exchange *x, struct span text, int64_t *out_id);

#endif
