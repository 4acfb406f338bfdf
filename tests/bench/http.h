/* http.h - just enough HTTP/1.1 to see where a message ends.
 * SPDX-License-Identifier: MIT
 * For peers we start ourselves on loopback; not a parser for strangers. */
#ifndef TOCSIN_BENCH_HTTP_H
#define TOCSIN_BENCH_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct http_head {
	size_t head_bytes; /* with the empty line */
	size_t body_bytes; /* 0 when not said */
	bool chunked;
	bool is_closing; /* "Connection: close" */
};

/* False while the head is incomplete. */
bool http_head_parse(const char *ptr, size_t len, struct http_head *out);
/* Bytes of the whole message, 0 while it is incomplete. */
size_t http_message_bytes(const struct http_head *head, const char *ptr, size_t len);

#endif
