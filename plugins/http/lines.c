/* lines.c - header lines one after the other, and libcurl's list of them.
 * Not here: which lines there are (headers.c). Any thread.
 * SPDX-License-Identifier: MIT */
#include "http/lines.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM_START = 512 };

static size_t texts_start(const struct lines *l)
{
	return l->head + l->count_max * sizeof(struct curl_slist);
}

void lines_init(struct lines *l, size_t head, size_t count_max)
{
	const size_t align = sizeof(struct curl_slist);

	*l = (struct lines){ .head = (head + align - 1) / align * align, .count_max = count_max };
	l->block = malloc(texts_start(l) + ROOM_START);
	if (l->block == NULL) {
		l->failed = 1;
		return;
	}
	memset(l->block, 0, l->head);
	l->room = ROOM_START;
}

/* The list's nodes are written at the end, so the block may move until then. */
static int room_make(struct lines *l, size_t more)
{
	size_t room = l->room;

	if (l->failed)
		return 0;
	if (more <= room - l->len)
		return 1;
	while (room - l->len < more && room < SIZE_MAX / 4)
		room *= 2;
	char *larger = room - l->len < more ? NULL : realloc(l->block, texts_start(l) + room);

	if (larger == NULL) {
		l->failed = 1;
		return 0;
	}
	l->block = larger;
	l->room = room;
	return 1;
}

void lines_bytes(struct lines *l, const char *bytes, size_t len)
{
	if (len == 0 || !room_make(l, len))
		return;
	memcpy(l->block + texts_start(l) + l->len, bytes, len);
	l->len += len;
}

void lines_end(struct lines *l)
{
	lines_bytes(l, "", 1);
	if (++l->count > l->count_max)
		l->failed = 1;
}

void lines_add(struct lines *l, const char *name, const char *value)
{
	lines_bytes(l, name, strlen(name));
	/* "Name:" alone would take a header away, "Name;" sends it empty. */
	if (value[0] == '\0') {
		lines_bytes(l, ";", 1);
	} else {
		lines_bytes(l, ": ", 2);
		lines_bytes(l, value, strlen(value));
	}
	lines_end(l);
}

void lines_copy(struct lines *l, const char *lines, size_t len, size_t count)
{
	lines_bytes(l, lines, len);
	l->count += count;
	if (l->count > l->count_max)
		l->failed = 1;
}

void *lines_take(struct lines *l, struct curl_slist **out)
{
	if (l->failed) {
		lines_finish(l);
		return NULL;
	}
	void *block = l->block;
	struct curl_slist *nodes = (struct curl_slist *)(void *)(l->block + l->head);
	char *at = l->block + texts_start(l);

	for (size_t i = 0; i < l->count; i++) {
		nodes[i].data = at;
		nodes[i].next = i + 1 < l->count ? &nodes[i + 1] : NULL;
		at += strlen(at) + 1;
	}
	*out = l->count == 0 ? NULL : nodes;
	*l = (struct lines){ .block = NULL };
	return block;
}

void lines_finish(struct lines *l)
{
	if (l == NULL)
		return;
	free(l->block);
	*l = (struct lines){ .block = NULL };
}
