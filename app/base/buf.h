/* buf.h - a growing byte buffer born with a limit.
 * SPDX-License-Identifier: MIT
 * Errors are sticky: after the first append that does not fit (or cannot be
 * allocated) all later ones do nothing, so a writer checks once, at the end. */
#ifndef TOCSIN_BASE_BUF_H
#define TOCSIN_BASE_BUF_H

#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct buf {
	char *ptr; /* NUL-terminated whenever not NULL */
	size_t len, size, max;
	enum err failed; /* ERR_OK, ERR_TOO_BIG or ERR_MEMORY */
};

/* Start empty; nothing is allocated yet. A zeroed struct is not usable. */
void buf_init(struct buf *b, size_t max_bytes);
/* Free; NULL and a zeroed struct are fine. */
void buf_finish(struct buf *b);
/* Empty it and clear the error, keeping the memory. */
void buf_clear(struct buf *b);
/* Grow once so that bytes more fit without another allocation. */
void buf_reserve(struct buf *b, size_t bytes);

void buf_bytes(struct buf *b, const void *ptr, size_t len);
void buf_span(struct buf *b, struct span s);
void buf_text(struct buf *b, const char *text);
void buf_byte(struct buf *b, char c);
void buf_int(struct buf *b, int64_t value);
void buf_format(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The bytes so far, borrowed until the next change. */
struct span buf_view(const struct buf *b);
/* Move the text out; the buffer is empty again. NULL after a failure.
 * Owner: the caller, free with free(). */
char *buf_take(struct buf *b);

#endif
