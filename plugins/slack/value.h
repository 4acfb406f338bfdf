/* value.h - one value of a JSON text as people read it.
 * SPDX-License-Identifier: MIT
 * Pure. */
#ifndef PLUGINS_SLACK_VALUE_H
#define PLUGINS_SLACK_VALUE_H

#include "common/members.h"
#include "common/text.h"

/* Add a scalar as text: strings without quotes and escapes, numbers and booleans
 * as they are spelled. Returns 0 and adds nothing for null, "", {} and []. */
int value_add(struct text *t, struct tocsin_span value);

#endif
