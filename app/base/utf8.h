/* utf8.h - checking, counting and repairing UTF-8.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_BASE_UTF8_H
#define TOCSIN_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

struct buf;

/* Number of code points of well-formed UTF-8. */
size_t utf8_length(struct span text);
/* Is text well-formed UTF-8? */
bool utf8_check(struct span text);
/* Append text with each ill-formed sequence replaced by U+FFFD. */
void utf8_repair(struct buf *out, struct span text);

/* Bytes of the well-formed sequence (Unicode table 3-7: no overlong forms, no
 * surrogates, nothing above U+10FFFF) that text begins with, 0 when there is
 * none. Then *out_bad, unless NULL, is how many bytes to give up on: the part
 * that a well-formed sequence could have begun with, at least 1.
 * text must not be empty. Thread: any. */
size_t utf8_step(struct span text, size_t *out_bad);

/* The code point of the well-formed sequence of len bytes at ptr. */
uint32_t utf8_code(const char *ptr, size_t len);
/* Write code (no surrogate) as UTF-8 and return the number of bytes. */
size_t utf8_put(uint32_t code, char out[4]);

#endif
