/* headers.h - the header lines of one request.
 * SPDX-License-Identifier: MIT */
#ifndef PLUGINS_HTTP_HEADERS_H
#define PLUGINS_HTTP_HEADERS_H

#include "http/content.h"
#include "http/lines.h"

/* What the webhook leaves to us is made ready in http->usual.
 * Returns TOCSIN_OK or TOCSIN_TRY_LATER. Thread: main, at start-up. */
int headers_prepare(struct http *http);

/* Begin *out with head bytes for the caller and add all lines.
 * Returns TOCSIN_OK or TOCSIN_TRY_LATER: nothing leaves unsigned.
 * Owner  *out; lines_take() or lines_finish(), also after a failure. Thread: any. */
int headers_build(const struct http *http, const struct tocsin_message *msg,
		  const struct content *content, size_t head, struct lines *out);

#endif
