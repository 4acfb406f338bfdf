/* pace.h - at most so many messages a second to one target, or by one channel.
 * SPDX-License-Identifier: MIT
 * Rates come from the channels' settings; time is a parameter. The loop's
 * thread only. */
#ifndef TOCSIN_DELIVERY_PACE_H
#define TOCSIN_DELIVERY_PACE_H

#include <stdint.h>

#include "channel/channels.h"

struct pace;

struct pace *pace_create(void);
void pace_destroy(struct pace *p);
/* May a message go to target by this channel now? Returns 0 and counts it, or
 * the moment (like now_ms) from which it may be asked again. */
int64_t pace_take(struct pace *p, const struct channel *c, const char *target, int64_t now_ms);

#endif
