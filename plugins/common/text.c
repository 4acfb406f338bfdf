/* text.c - growing texts and their escapes, linked into every plugin of ours.
 * Not here: templates (the core's render()). Any thread; keeps no state.
 * SPDX-License-Identifier: MIT */
#include "common/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_START = 256 };

static int room_make(struct text *t, size_t more)
{
	size_t room = t->room == 0 ? ROOM_START : t->room;

	if (t->failed)
		return 0;
	if (more >= SIZE_MAX / 4 - t->len) {
		t->failed = 1;
		return 0;
	}
	while (room < t->len + more + 1)
		room *= 2;
	if (room == t->room)
		return 1;
	char *longer = realloc(t->ptr, room);

	if (longer == NULL) {
		t->failed = 1;
		return 0;
	}
	t->ptr = longer;
	t->room = room;
	return 1;
}

void text_bytes(struct text *t, const char *bytes, size_t len)
{
	if (!room_make(t, len))
		return;
	if (len > 0)
		memcpy(t->ptr + t->len, bytes, len);
	t->len += len;
	t->ptr[t->len] = '\0';
}

void text_add(struct text *t, const char *words)
{
	text_bytes(t, words, strlen(words));
}

void text_format(struct text *t, const char *fmt, ...)
{
	va_list args, again;

	va_start(args, fmt);
	va_copy(again, args);
	const int len = vsnprintf(NULL, 0, fmt, args);

	va_end(args);
	if (len < 0)
		t->failed = 1;
	else if (room_make(t, (size_t)len)) {
		vsnprintf(t->ptr + t->len, (size_t)len + 1, fmt, again);
		t->len += (size_t)len;
	}
	va_end(again);
}

static void json_character(struct text *t, unsigned char c)
{
	static const char *const named[] = {
		['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r"
	};

	if (c == '"' || c == '\\')
		text_format(t, "\\%c", c);
	else if (c < sizeof(named) / sizeof(named[0]) && named[c] != NULL)
		text_add(t, named[c]);
	else
		text_format(t, "\\u%04x", c);
}

void text_json(struct text *t, const char *bytes, size_t len)
{
	size_t plain = 0; /* where what needs no escape began */

	text_bytes(t, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)bytes[i];

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		text_bytes(t, bytes + plain, i - plain);
		json_character(t, c);
		plain = i + 1;
	}
	if (len > plain)
		text_bytes(t, bytes + plain, len - plain);
	text_bytes(t, "\"", 1);
}

/* --- JSON strings undone ----------------------------------------------------- */

enum { REPLACEMENT = 0xFFFD, HEX_DIGITS = 4 };

static void character_add(struct text *t, unsigned long c)
{
	char bytes[4] = { (char)c };
	size_t len = 1;

	if (c >= 0x10000) {
		bytes[0] = (char)(0xF0 | c >> 18);
		bytes[len++] = (char)(0x80 | (c >> 12 & 0x3F));
		bytes[len++] = (char)(0x80 | (c >> 6 & 0x3F));
		bytes[len++] = (char)(0x80 | (c & 0x3F));
	} else if (c >= 0x800) {
		bytes[0] = (char)(0xE0 | c >> 12);
		bytes[len++] = (char)(0x80 | (c >> 6 & 0x3F));
		bytes[len++] = (char)(0x80 | (c & 0x3F));
	} else if (c >= 0x80) {
		bytes[0] = (char)(0xC0 | c >> 6);
		bytes[len++] = (char)(0x80 | (c & 0x3F));
	}
	text_bytes(t, bytes, len);
}

/* The number behind the "\u" at `at`; REPLACEMENT when there is none. */
static unsigned long unit_read(const char *at, const char *end)
{
	unsigned long unit = 0;

	if (end - at < 2 + HEX_DIGITS || at[0] != '\\' || at[1] != 'u')
		return REPLACEMENT;
	for (int i = 2; i < 2 + HEX_DIGITS; i++) {
		static const char digits[] = "0123456789abcdef0123456789ABCDEF";
		const char *digit = at[i] == '\0' ? NULL : strchr(digits, at[i]);

		if (digit == NULL)
			return REPLACEMENT;
		unit = unit << 4 | ((unsigned long)(digit - digits) & 15);
	}
	return unit;
}

/* The escape at `at`. Returns where it ends. */
static const char *escape_undo(struct text *t, const char *at, const char *end)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *letter = end - at < 2 || at[1] == '\0' ? NULL : strchr(letters, at[1]);

	if (letter != NULL) {
		text_bytes(t, meant + (letter - letters), 1);
		return at + 2;
	}
	unsigned long c = unit_read(at, end);
	const char *next = end - at < 2 + HEX_DIGITS ? end : at + 2 + HEX_DIGITS;
	const unsigned long low = c >= 0xD800 && c <= 0xDBFF ? unit_read(next, end) : 0;

	if (low >= 0xDC00 && low <= 0xDFFF) {
		c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
		next += 2 + HEX_DIGITS;
	} else if (c >= 0xD800 && c <= 0xDFFF) {
		c = REPLACEMENT;
	}
	character_add(t, c);
	return next;
}

void text_unquote(struct text *t, const char *string, size_t len)
{
	const char *at = string + 1, *end = string + len - 1;

	if (len < 2)
		return;
	while (at < end) {
		const char *escape = memchr(at, '\\', (size_t)(end - at));

		text_bytes(t, at, (size_t)((escape == NULL ? end : escape) - at));
		at = escape == NULL ? end : escape_undo(t, escape, end);
	}
}

void text_percent(struct text *t, const char *bytes, size_t len)
{
	static const char kept[] = "-._~";

	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)bytes[i];
		const int is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				     (c >= '0' && c <= '9') ||
				     (c != '\0' && strchr(kept, c) != NULL);

		if (is_plain)
			text_bytes(t, bytes + i, 1);
		else
			text_format(t, "%%%02X", c);
	}
}

void text_base64(struct text *t, const unsigned char *bytes, size_t len)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		const unsigned have = len - i < 3 ? (unsigned)(len - i) : 3;
		const unsigned long bits = (unsigned long)bytes[i] << 16 |
					   (have > 1 ? (unsigned long)bytes[i + 1] << 8 : 0) |
					   (have > 2 ? (unsigned long)bytes[i + 2] : 0);
		char four[4] = { letters[bits >> 18], letters[bits >> 12 & 63],
				 letters[bits >> 6 & 63], letters[bits & 63] };

		if (have < 3)
			four[3] = '=';
		if (have < 2)
			four[2] = '=';
		text_bytes(t, four, sizeof(four));
	}
}

char *text_take(struct text *t)
{
	char *taken = NULL;

	if (room_make(t, 0) && t->len == 0)
		t->ptr[0] = '\0';
	if (!t->failed) {
		taken = t->ptr;
		t->ptr = NULL;
	}
	text_finish(t);
	return taken;
}

void text_finish(struct text *t)
{
	if (t == NULL)
		return;
	free(t->ptr);
	*t = (struct text){ 0 };
}

static int is_inside(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

size_t text_cut(const char *bytes, size_t len, size_t max)
{
	if (len <= max)
		return len;
	while (max > 0 && is_inside(bytes[max]))
		max--;
	return max;
}

size_t text_cut_characters(const char *bytes, size_t len, size_t max)
{
	for (size_t i = 0; i < len; i++) {
		if (is_inside(bytes[i]))
			continue;
		if (max-- == 0)
			return i;
	}
	return len;
}

size_t text_characters(const char *bytes, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += !is_inside(bytes[i]);
	return count;
}

int header_add(struct curl_slist **list, const char *name, const char *value)
{
	struct text line = { 0 };

	/* "Name:" alone would take a header away, "Name;" sends it empty. */
	text_add(&line, name);
	if (value[0] == '\0') {
		text_add(&line, ";");
	} else {
		text_add(&line, ": ");
		text_add(&line, value);
	}
	struct curl_slist *longer = line.failed ? NULL : curl_slist_append(*list, line.ptr);

	text_finish(&line);
	if (longer == NULL)
		return TOCSIN_TRY_LATER;
	*list = longer;
	return TOCSIN_OK;
}
