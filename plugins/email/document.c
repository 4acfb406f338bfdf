/* document.c - a strict reader of JSON that prints what it passes.
 * Not here: single members (common/members.c). Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "email/document.h"

#include <string.h>

enum { DEPTH_MAX = 256, INDENT = 2 };

struct reader {
	const char *at, *end;
	struct text *out;
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
	text_bytes(r->out, bytes, len);
}

static void line_begin(struct reader *r)
{
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
	struct reader r = { .at = json.ptr, .out = out };

	if (json.len == 0)
		return 0;
	r.end = json.ptr + json.len;
	if (!value_read(&r))
		return 0;
	blanks_skip(&r);
	return r.at == r.end;
}
