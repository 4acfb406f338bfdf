/* json_text.h - member names of scanned texts, compared with escapes undone.
 * SPDX-License-Identifier: MIT
 * Defined in json_read.c for json.c; everyone else uses json.h. */
#ifndef TOCSIN_BASE_JSON_TEXT_H
#define TOCSIN_BASE_JSON_TEXT_H

#include "base/span.h"

/* Order of two raw keys by the bytes they stand for: <0, 0, >0. */
int json_key_compare(struct span a, struct span b);

#endif
