/* mem.h - allocations that abort when memory is out.
 * SPDX-License-Identifier: MIT
 * Only for small, fixed sizes of our own: the store is durable, a restart is
 * safe. Whatever a stranger can size goes through buf.h with a cap. */
#ifndef TOCSIN_BASE_MEM_H
#define TOCSIN_BASE_MEM_H

#include <stddef.h>

#include "base/span.h"

/* All: never NULL. Owner: the caller, free with free(). Thread: any. */
void *xmalloc(size_t bytes);
void *xcalloc(size_t count, size_t bytes);
void *xrealloc(void *ptr, size_t bytes);
/* NULL gives NULL. */
char *xstrdup(const char *text);
/* A NUL-terminated copy; an absent span (ptr NULL) gives NULL. */
char *xspandup(struct span s);
/* Formatted copy. */
char *xformat(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
