/* value_text.h - times and sizes: how units are spelled.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_CONF_VALUE_TEXT_H
#define TOCSIN_CONF_VALUE_TEXT_H

#include <stdint.h>

#include "base/buf.h"

/* Append in the largest unit that divides it: "10s", "256K". */
void setting_time_format(struct buf *out, int64_t ms);
void setting_size_format(struct buf *out, int64_t bytes);

#endif
