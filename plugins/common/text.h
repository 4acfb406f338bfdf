/* text.h - a text that grows, for plugins: bodies, headers, escapes.
 * SPDX-License-Identifier: MIT
 * A failed allocation makes the text "failed": later additions do nothing, and
 * one check at the end suffices. Any thread. */
#ifndef PLUGINS_COMMON_TEXT_H
#define PLUGINS_COMMON_TEXT_H

#include "tocsin/channel.h"

/* Zero-initialise. */
struct text {
	char *ptr; /* owned; NUL-terminated; NULL while empty */
	size_t len, room;
	int failed; /* 1: out of memory */
};

void text_bytes(struct text *t, const char *bytes, size_t len);
void text_add(struct text *t, const char *words);
void text_format(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* As a JSON string with its quotes. */
void text_json(struct text *t, const char *bytes, size_t len);
/* What a JSON string with its quotes stands for; ill-formed escapes become U+FFFD. */
void text_unquote(struct text *t, const char *string, size_t len);
/* Percent-encoded: all but A-Z a-z 0-9 - . _ ~. */
void text_percent(struct text *t, const char *bytes, size_t len);
/* Standard base64 with padding, on one line. */
void text_base64(struct text *t, const unsigned char *bytes, size_t len);
/* The text, NUL-terminated, NULL when it failed. Owner: the caller, free(). The
 * text is empty again. */
char *text_take(struct text *t);
/* Frees what is left. NULL-safe. */
void text_finish(struct text *t);

/* The length of the longest beginning of bytes that is at most max bytes long
 * and ends between two UTF-8 characters. */
size_t text_cut(const char *bytes, size_t len, size_t max);
/* The same with max counted in characters. */
size_t text_cut_characters(const char *bytes, size_t len, size_t max);
/* Characters in UTF-8 text. */
size_t text_characters(const char *bytes, size_t len);

/* Add "name: value" at the end of *list. An empty value is sent as such.
 * Returns TOCSIN_OK or TOCSIN_TRY_LATER; *list stays valid either way. */
int header_add(struct curl_slist **list, const char *name, const char *value);

#endif
