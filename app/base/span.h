/* span.h - borrowed bytes with a length; not NUL-terminated.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_BASE_SPAN_H
#define TOCSIN_BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
	const char *ptr; /* NULL means absent; "" with len 0 is present */
	size_t len;
};

static inline struct span span_of(const char *text)
{
	return (struct span){ text, text == NULL ? 0 : strlen(text) };
}

static inline bool span_is(struct span s, const char *text)
{
	return s.ptr != NULL && s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

static inline bool span_equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

#endif
