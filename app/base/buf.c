/* buf.c - a growing byte buffer with a limit and a sticky error.
 * Not here: what is written into it (json.c, crypto.c, …).
 * One buffer belongs to one thread at a time.
 * SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIZE_FIRST = 128, INT_DIGITS = 20 };

void buf_init(struct buf *b, size_t max_bytes)
{
	/* One below the top, so that len + 1 for the NUL never wraps. */
	*b = (struct buf){ .max = max_bytes < SIZE_MAX ? max_bytes : SIZE_MAX - 1 };
}

void buf_finish(struct buf *b)
{
	if (b == NULL)
		return;
	free(b->ptr);
	*b = (struct buf){ 0 };
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = ERR_OK;
	if (b->ptr != NULL)
		b->ptr[0] = '\0';
}

/* Make room for bytes more and the NUL. False after setting failed. */
static bool grow(struct buf *b, size_t bytes)
{
	if (b->failed != ERR_OK)
		return false;
	if (bytes > b->max - b->len) {
		b->failed = ERR_TOO_BIG;
		return false;
	}

	const size_t need = b->len + bytes + 1;
	size_t size = b->size < SIZE_FIRST ? SIZE_FIRST : b->size;

	if (need <= b->size)
		return true;
	while (size < need)
		size = size > SIZE_MAX / 2 ? need : size * 2;
	if (size > b->max + 1)
		size = b->max + 1;

	char *ptr = realloc(b->ptr, size);

	if (ptr == NULL) {
		b->failed = ERR_MEMORY;
		return false;
	}
	ptr[b->len] = '\0';
	b->ptr = ptr;
	b->size = size;
	return true;
}

/* The common case is decided by one comparison. A failed buffer must not take
 * it, or a short append after a long one that did not fit would be kept. */
static inline bool has_room(const struct buf *b, size_t bytes)
{
	return bytes < b->size - b->len && b->failed == ERR_OK;
}

void buf_reserve(struct buf *b, size_t bytes)
{
	if (b->failed != ERR_OK)
		return;

	const size_t left = b->max - b->len;

	/* A guess beyond the limit is not yet an error: nothing was appended. */
	grow(b, bytes < left ? bytes : left);
}

void buf_bytes(struct buf *b, const void *ptr, size_t len)
{
	if (!has_room(b, len) && !grow(b, len))
		return;
	if (len > 0)
		memcpy(b->ptr + b->len, ptr, len);
	b->len += len;
	b->ptr[b->len] = '\0';
}

void buf_span(struct buf *b, struct span s)
{
	buf_bytes(b, s.ptr, s.len);
}

void buf_text(struct buf *b, const char *text)
{
	buf_bytes(b, text, strlen(text));
}

void buf_byte(struct buf *b, char c)
{
	if (!has_room(b, 1) && !grow(b, 1))
		return;
	b->ptr[b->len++] = c;
	b->ptr[b->len] = '\0';
}

void buf_int(struct buf *b, int64_t value)
{
	char digits[INT_DIGITS];
	size_t at = sizeof(digits);
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

	do {
		digits[--at] = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (value < 0)
		digits[--at] = '-';
	buf_bytes(b, digits + at, sizeof(digits) - at);
}

void buf_format(struct buf *b, const char *fmt, ...)
{
	va_list args;

	if (b->failed != ERR_OK || !grow(b, 0))
		return;
	va_start(args, fmt);
	const int len = vsnprintf(b->ptr + b->len, b->size - b->len, fmt, args);
	va_end(args);
	if (len < 0) {
		b->ptr[b->len] = '\0';
		b->failed = ERR_MEMORY;
		return;
	}
	if ((size_t)len >= b->size - b->len) {
		b->ptr[b->len] = '\0'; /* no half of it stays */
		if (!grow(b, (size_t)len))
			return;
		va_start(args, fmt);
		vsnprintf(b->ptr + b->len, b->size - b->len, fmt, args);
		va_end(args);
	}
	b->len += (size_t)len;
}

struct span buf_view(const struct buf *b)
{
	return (struct span){ b->ptr == NULL ? "" : b->ptr, b->len };
}

char *buf_take(struct buf *b)
{
	/* grow(0) gives an untouched buffer its empty text. */
	if (b->failed != ERR_OK || !grow(b, 0))
		return NULL;

	char *text = b->ptr;

	*b = (struct buf){ .max = b->max };
	return text;
}
