/* document.c - a strict reader of JSON that only ever finds where things end.
 * Not here: which members a mail shows (summary.c). Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "email/document.h"

#include <stdlib.h>
#include <string.h>

#include "email/character.h"

enum { DEPTH_MAX = 256, INDENT = 2 };

struct reader {
	const char *at, *end;
	struct text *out; /* NULL: only skip */
	int depth;
};

static int value_read(struct reader *r);

static void blanks_skip(struct reader *r)
{
	while (r->at < r->end && strchr(" \t\r\n", *r->at) != NULL && *r->at != '\0')
		r->at++;
}

static void print(struct reader *r, const char *bytes, size_t len)
{
	if (r->out != NULL)
		text_bytes(r->out, bytes, len);
}

static void line_begin(struct reader *r)
{
	if (r->out != NULL)
		text_format(r->out, "\n%*s", r->depth * INDENT, "");
}

static int byte_take(struct reader *r, char wanted)
{
	if (r->at == r->end || *r->at != wanted)
		return 0;
	r->at++;
	return 1;
}

static int is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static int escape_read(struct reader *r)
{
	const char c = r->at < r->end ? *r->at++ : '\0';

	if (c != 'u')
		return c != '\0' && strchr("\"\\/bfnrt", c) != NULL;
	if (r->end - r->at < 4)
		return 0;
	for (int i = 0; i < 4; i++) {
		if (!is_hex(*r->at++))
			return 0;
	}
	return 1;
}

static int string_read(struct reader *r)
{
	const char *start = r->at;

	if (!byte_take(r, '"'))
		return 0;
	while (r->at < r->end && *r->at != '"') {
		const unsigned char c = (unsigned char)*r->at++;

		if (c < 0x20 || (c == '\\' && !escape_read(r)))
			return 0;
	}
	if (!byte_take(r, '"'))
		return 0;
	print(r, start, (size_t)(r->at - start));
	return 1;
}

static int digits_read(struct reader *r)
{
	const char *start = r->at;

	while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
		r->at++;
	return r->at > start;
}

static int number_read(struct reader *r)
{
	const char *start = r->at;

	byte_take(r, '-');
	if (!byte_take(r, '0') && !digits_read(r))
		return 0;
	if (byte_take(r, '.') && !digits_read(r))
		return 0;
	if (byte_take(r, 'e') || byte_take(r, 'E')) {
		if (!byte_take(r, '+'))
			byte_take(r, '-');
		if (!digits_read(r))
			return 0;
	}
	print(r, start, (size_t)(r->at - start));
	return 1;
}

static int word_read(struct reader *r, const char *word)
{
	const size_t len = strlen(word);

	if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0)
		return 0;
	print(r, word, len);
	r->at += len;
	return 1;
}

static int member_read(struct reader *r)
{
	blanks_skip(r);
	if (!string_read(r))
		return 0;
	blanks_skip(r);
	if (!byte_take(r, ':'))
		return 0;
	print(r, ": ", 2);
	return value_read(r);
}

static int items_read(struct reader *r, char close)
{
	if (++r->depth > DEPTH_MAX)
		return 0;
	do {
		line_begin(r);
		if (close == '}' ? !member_read(r) : !value_read(r))
			return 0;
		blanks_skip(r);
		if (r->at < r->end && *r->at == ',')
			print(r, ",", 1);
	} while (byte_take(r, ','));
	r->depth--;
	line_begin(r);
	return 1;
}

static int container_read(struct reader *r, char close)
{
	print(r, r->at++, 1);
	blanks_skip(r);
	if ((r->at == r->end || *r->at != close) && !items_read(r, close))
		return 0;
	print(r, &close, 1);
	return byte_take(r, close);
}

static int value_read(struct reader *r)
{
	blanks_skip(r);
	switch (r->at < r->end ? *r->at : '\0') {
	case '{': return container_read(r, '}');
	case '[': return container_read(r, ']');
	case '"': return string_read(r);
	case 't': return word_read(r, "true");
	case 'f': return word_read(r, "false");
	case 'n': return word_read(r, "null");
	default: return number_read(r);
	}
}

int document_print(struct tocsin_span json, struct text *out)
{
	struct reader r = { .at = json.ptr, .end = json.ptr + json.len, .out = out };

	if (json.len == 0 || !value_read(&r))
		return 0;
	blanks_skip(&r);
	return r.at == r.end;
}

int document_next(struct tocsin_span object, size_t *at, struct document_member *out)
{
	struct reader r = { .at = object.ptr + *at, .end = object.ptr + object.len };

	if (object.len == 0)
		return 0;
	blanks_skip(&r);
	if (!byte_take(&r, *at == 0 ? '{' : ','))
		return 0;
	blanks_skip(&r);
	out->name.ptr = r.at;
	if (!string_read(&r))
		return 0;
	out->name.len = (size_t)(r.at - out->name.ptr);
	blanks_skip(&r);
	byte_take(&r, ':');
	blanks_skip(&r);
	out->value.ptr = r.at;
	if (!value_read(&r))
		return 0;
	out->value.len = (size_t)(r.at - out->value.ptr);
	*at = (size_t)(r.at - object.ptr);
	return 1;
}

struct tocsin_span document_find(struct tocsin_span object, const char *name)
{
	const size_t len = strlen(name);
	struct document_member m;

	for (size_t at = 0; document_next(object, &at, &m);) {
		if (m.name.len == len + 2 && memcmp(m.name.ptr + 1, name, len) == 0 &&
		    *m.value.ptr != 'n')
			return m.value;
	}
	return (struct tocsin_span){ NULL, 0 };
}

/* --- strings without their escapes ------------------------------------------- */

static unsigned long unit_parse(const char *four)
{
	char digits[5];

	memcpy(digits, four, 4);
	digits[4] = '\0';
	return strtoul(digits, NULL, 16);
}

/* A half of a pair alone, and NUL, become U+FFFD. Returns the bytes read behind
 * the "\u". */
static size_t unicode_append(const char *at, size_t left, struct text *out)
{
	unsigned long c = unit_parse(at);
	size_t taken = 4;

	if (c >= 0xD800 && c <= 0xDBFF && left >= 10 && at[4] == '\\' && at[5] == 'u') {
		const unsigned long low = unit_parse(at + 6);

		if (low >= 0xDC00 && low <= 0xDFFF) {
			c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
			taken = 10;
		}
	}
	if (c == 0 || (c >= 0xD800 && c <= 0xDFFF))
		c = 0xFFFD;
	character_append(out, c);
	return taken;
}

void document_text(struct tocsin_span value, struct text *out)
{
	static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";

	if (value.len < 2 || value.ptr[0] != '"') {
		text_bytes(out, value.ptr, value.len);
		return;
	}
	for (size_t i = 1; i + 1 < value.len;) {
		const char *escape = value.ptr + i + 1;
		const char *stop = memchr(value.ptr + i, '\\', value.len - 1 - i);
		const size_t plain = stop == NULL ? value.len - 1 - i
						  : (size_t)(stop - (value.ptr + i));

		if (plain > 0) {
			text_bytes(out, value.ptr + i, plain);
			i += plain;
		} else if (*escape == 'u') {
			i += 2 + unicode_append(escape + 1, value.len - 1 - (i + 2), out);
		} else {
			text_bytes(out, &meant[strchr(names, *escape) - names], 1);
			i += 2;
		}
	}
}
