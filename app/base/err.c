/* err.c - names for error causes and the sentence that goes with one.
 * Not here: what a cause means to a caller (each floor decides that).
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

const char *err_text(enum err rc)
{
	switch (rc) {
	case ERR_OK: return "no error";
	case ERR_BAD_REQUEST: return "bad request";
	case ERR_DENIED: return "not allowed";
	case ERR_NOT_FOUND: return "not found";
	case ERR_CONFLICT: return "exists already with another content";
	case ERR_TOO_BIG: return "too big";
	case ERR_LIMIT: return "a limit is used up";
	case ERR_BUSY: return "busy, try again";
	case ERR_FULL: return "no space left";
	case ERR_IO: return "reading or writing failed";
	case ERR_CORRUPT: return "stored data is damaged";
	case ERR_MEMORY: return "out of memory";
	case ERR_STOPPING: return "shutting down";
	}
	return "unknown error";
}

void why_set(struct why *why, const char *fmt, ...)
{
	va_list args;

	if (why == NULL)
		return;
	va_start(args, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	/* One sentence on one line, whatever the arguments held. */
	for (char *c = why->text; *c != '\0'; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
}
