/* http.c - just enough HTTP/1.1 to see where a message ends.
 * Not here: reading and writing sockets.
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "http.h"

#include <string.h>
#include <strings.h>

#define NAME_IS(line, name) (strncasecmp((line), (name), sizeof(name) - 1) == 0)

static size_t number_get(const char *at, const char *end)
{
	size_t value = 0;

	while (at < end && *at == ' ')
		at++;
	/* Ten digits at most: nothing here is larger, and it cannot overflow. */
	for (int i = 0; i < 10 && at < end && *at >= '0' && *at <= '9'; i++, at++)
		value = value * 10 + (size_t)(*at - '0');
	return value;
}

static void line_read(const char *line, const char *end, struct http_head *out)
{
	if (NAME_IS(line, "content-length:"))
		out->body_bytes = number_get(line + sizeof("content-length:") - 1, end);
	else if (NAME_IS(line, "transfer-encoding:"))
		out->chunked = memmem(line, (size_t)(end - line), "chunked", 7) != NULL;
	else if (NAME_IS(line, "connection:"))
		out->is_closing = memmem(line, (size_t)(end - line), "lose", 4) != NULL;
}

bool http_head_parse(const char *ptr, size_t len, struct http_head *out)
{
	const char *end = memmem(ptr, len, "\r\n\r\n", 4);

	if (end == NULL)
		return false;
	*out = (struct http_head){ .head_bytes = (size_t)(end - ptr) + 4 };
	const char *line = memchr(ptr, '\n', len);
	while (line != NULL && line < end) {
		const char *next = memchr(line + 1, '\n', (size_t)(end + 2 - (line + 1)));
		if (next == NULL)
			next = end + 1;
		line_read(line + 1, next, out);
		line = next;
	}
	return true;
}

size_t http_message_bytes(const struct http_head *head, const char *ptr, size_t len)
{
	if (!head->chunked) {
		const size_t bytes = head->head_bytes + head->body_bytes;
		return bytes <= len ? bytes : 0;
	}
	/* The last chunk follows either the head or another chunk's line end. */
	const char *from = ptr + head->head_bytes - 2;
	const char *last = memmem(from, len - (size_t)(from - ptr), "\r\n0\r\n\r\n", 7);
	return last == NULL ? 0 : (size_t)(last - ptr) + 7;
}
