/* cloudevent.h - an event as CloudEvents 1.0 wants it over HTTP.
 * SPDX-License-Identifier: MIT
 * Structured: one JSON object. Binary: header lines beside the data. Both have
 * the same attributes, in the same order. Any thread. */
#ifndef PLUGINS_HTTP_CLOUDEVENT_H
#define PLUGINS_HTTP_CLOUDEVENT_H

#include "common/text.h"
#include "http/http.h"
#include "http/lines.h"

/* Most of metadata's members that become extensions, and most lines of all. */
enum { CLOUDEVENT_EXTENSIONS_MAX = 40, CLOUDEVENT_LINES_MAX = 16 + CLOUDEVENT_EXTENSIONS_MAX };

/* Append the structured form. data: JSON; ptr NULL: none. */
void cloudevent_write(const struct http *http, const struct tocsin_message *msg,
		      struct tocsin_span data, struct text *out);
/* Add the binary form's ce- lines. */
void cloudevent_lines(const struct http *http, const struct tocsin_message *msg, struct lines *out);

/* Is text fit to be a source: a URI-reference that is not empty? */
int source_is_valid(const char *text, size_t len);

#endif
