/* value_text.h - texts with a meaning: what is well-formed, how units are spelled.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_CONF_VALUE_TEXT_H
#define TOCSIN_CONF_VALUE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* One address as CHANNELS.md's Address row has it: dot-atom local part, host name. */
bool email_check(const char *text);
/* E.164: '+', then 2 to 15 digits, the first not 0. Blanks, dashes, dots and
 * brackets between them are dropped in place. */
bool phone_normalise(char *text);

/* Append in the largest unit that divides it: "10s", "256K". */
void setting_time_format(struct buf *out, int64_t ms);
void setting_size_format(struct buf *out, int64_t bytes);

#endif
