/* pattern.h - event types and the patterns that webhooks subscribe with.
 * SPDX-License-Identifier: MIT
 * A type is two or more parts of [A-Za-z0-9_-] joined by dots, at most 200
 * bytes. A pattern is a type, a prefix "cluster.*" (any depth below, not
 * "cluster" itself) or "*". Operational types (webhook.*) match only exact
 * patterns and "webhook.*". */
#ifndef TOCSIN_MODEL_PATTERN_H
#define TOCSIN_MODEL_PATTERN_H

#include <stdbool.h>

#include "base/span.h"

enum { EVENT_TYPE_MAX_BYTES = 200 };

bool event_type_is_valid(struct span type);
bool event_type_is_operational(struct span type);
bool pattern_is_valid(struct span pattern);
bool pattern_matches(struct span pattern, struct span type);

#endif
