/* lines.h - the header lines of one request, in one block of memory.
 * SPDX-License-Identifier: MIT
 * libcurl's list wants two allocations for each line; a delivery has seven and
 * more of them. A failed allocation makes the lines "failed": later additions do
 * nothing, and lines_take() tells. Any thread. */
#ifndef PLUGINS_HTTP_LINES_H
#define PLUGINS_HTTP_LINES_H

#include "tocsin/channel.h"

struct lines {
	char *block;             /* owned: head, list nodes, texts */
	size_t head, count_max;  /* bytes of the caller's at the beginning; most lines */
	size_t count, len, room; /* lines that are whole; bytes of their texts and for them */
	int failed;
};

/* Begin with head zeroed bytes for the caller and room for count_max lines. */
void lines_init(struct lines *l, size_t head, size_t count_max);
/* A piece of the line that is being written, and its end. */
void lines_bytes(struct lines *l, const char *bytes, size_t len);
void lines_end(struct lines *l);
/* "name: value"; an empty value is sent as such. */
void lines_add(struct lines *l, const char *name, const char *value);
/* count lines of len bytes, each with its NUL. */
void lines_copy(struct lines *l, const char *lines, size_t len, size_t count);
/* The block, with the list inside it in *out; NULL when it failed. The lines are
 * empty again. Owner: the caller, free(). */
void *lines_take(struct lines *l, struct curl_slist **out);
/* Frees what is left. NULL-safe. */
void lines_finish(struct lines *l);

#endif
