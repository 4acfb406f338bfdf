/* compression.h - large bodies as gzip.
 * SPDX-License-Identifier: MIT */
#ifndef PLUGINS_HTTP_COMPRESSION_H
#define PLUGINS_HTTP_COMPRESSION_H

#include "tocsin/channel.h"

/* Below COMPRESSION_MIN_BYTES it is not worth it; above the most it would take
 * longer than a plugin may hold a delivery thread. */
enum { COMPRESSION_MIN_BYTES = 8 * 1024, COMPRESSION_MAX_BYTES = 256 * 1024 };

/* body as gzip in *out; NULL there when it is too small or too large, or a quarter
 * of it would not be saved. The same bytes each time.
 * Returns TOCSIN_OK or TOCSIN_TRY_LATER.
 * Owner  out->ptr is the caller's, free(). Thread: any. */
int compression_make(struct tocsin_span body, struct tocsin_span *out);

#endif
