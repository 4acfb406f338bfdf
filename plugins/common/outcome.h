/* outcome.h - what every HTTP channel makes of a transfer that brought no reply
 * to judge, and of a status that says nothing special.
 * SPDX-License-Identifier: MIT
 * Pure; any thread. */
#ifndef PLUGINS_COMMON_OUTCOME_H
#define PLUGINS_COMMON_OUTCOME_H

#include "tocsin/channel.h"

/* Did a reply come whose status can be judged? Also one that was cut off or too
 * large after a 2xx was known: the receiver has the message. */
int outcome_has_status(const struct tocsin_outcome *out);

/* For out without such a status: kind, throttled and a reason for people. */
void outcome_transport(CURL *easy, const struct tocsin_outcome *out, struct tocsin_verdict *v);

/* By the status alone: 2xx delivered; 410 gone; all else a retry, 408, 425, 429
 * and 5xx throttled. reason: "receiver answered 503 Service Unavailable". */
void outcome_status(CURL *easy, const struct tocsin_outcome *out, struct tocsin_verdict *v);

#endif
