/* mem.c - allocations that abort when memory is out.
 * Not here: anything a stranger can size; that is buf.c with its cap.
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* No log_line() here: it formats, and formatting may want memory. */
_Noreturn static void give_up(void)
{
	static const char text[] = "tocsin: out of memory\n";

	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		abort();
	abort();
}

void *xmalloc(size_t bytes)
{
	void *ptr = malloc(bytes == 0 ? 1 : bytes);

	if (ptr == NULL)
		give_up();
	return ptr;
}

void *xcalloc(size_t count, size_t bytes)
{
	void *ptr = count == 0 || bytes == 0 ? calloc(1, 1) : calloc(count, bytes);

	if (ptr == NULL)
		give_up();
	return ptr;
}

void *xrealloc(void *ptr, size_t bytes)
{
	void *grown = realloc(ptr, bytes == 0 ? 1 : bytes);

	if (grown == NULL)
		give_up();
	return grown;
}

char *xstrdup(const char *text)
{
	return xspandup(span_of(text));
}

char *xspandup(struct span s)
{
	if (s.ptr == NULL)
		return NULL;
	if (s.len == SIZE_MAX)
		give_up();

	char *copy = xmalloc(s.len + 1);

	memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	return copy;
}

char *xformat(const char *fmt, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, fmt);
	const int len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0)
		give_up();
	return text;
}
