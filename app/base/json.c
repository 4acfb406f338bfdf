/* json.c - the strict check of a whole JSON text, in one pass.
 * Not here: reading what passed (json_read.c), writing (json_write.c).
 * Nothing is allocated, but for an outermost object with many members.
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <stdlib.h>

#include "base/json_run.h"
#include "base/json_text.h"
#include "base/utf8.h"

enum { DEPTH_LIMIT = 1024, KEYS_MAX = 32 };

struct scan {
	const char *start, *end;
	struct json_fault fault;
	enum err rc;
	unsigned depth, depth_max;
	uint64_t objects[DEPTH_LIMIT / 64]; /* a bit a level: object or array */

	/* Names in the outermost object: the first KEYS_MAX, and a filter with
	 * a bit a name by which most of them are known to be new at once. */
	struct span keys[KEYS_MAX];
	size_t key_count;
	uint64_t key_filter;
	bool keys_unsure; /* a name with escapes, or more than KEYS_MAX names */
};

/* All scanning functions return where they stopped, or NULL after this. */
static const char *refuse(struct scan *s, const char *at, enum err rc, const char *reason)
{
	s->rc = rc;
	s->fault = (struct json_fault){ (size_t)(at - s->start), reason };
	return NULL;
}

static const char *refuse_syntax(struct scan *s, const char *at, const char *reason)
{
	return refuse(s, at, ERR_BAD_REQUEST, at < s->end ? reason : "the text ends too early");
}

/* Four hex digits at at, or -1. */
static long hex_get(const char *at, const char *end)
{
	long value = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		const char c = at[i];

		if (c >= '0' && c <= '9')
			value = value * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value = value * 16 + ((c | 0x20) - 'a') + 10;
		else
			return -1;
	}
	return value;
}

/* at: on the backslash of "\u". */
static const char *unicode_scan(struct scan *s, const char *at)
{
	const long code = hex_get(at + 2, s->end);

	if (code < 0)
		return refuse_syntax(s, at, "\\u needs four hexadecimal digits");
	if (code < 0xD800 || code > 0xDFFF)
		return at + 6;
	if (code > 0xDBFF || s->end - at < 12 || at[6] != '\\' || at[7] != 'u')
		return refuse_syntax(s, at, "\\u names half a surrogate pair");

	const long low = hex_get(at + 8, s->end);

	if (low < 0xDC00 || low > 0xDFFF)
		return refuse_syntax(s, at, "\\u names half a surrogate pair");
	return at + 12;
}

static const char *escape_scan(struct scan *s, const char *at)
{
	if (s->end - at < 2)
		return refuse_syntax(s, s->end, "");
	if (at[1] == 'u')
		return unicode_scan(s, at);
	if (memchr("\"\\/bfnrt", at[1], 8) == NULL)
		return refuse_syntax(s, at, "unknown escape in a string");
	return at + 2;
}

/* Text beyond ASCII mostly comes in runs. */
static const char *foreign_scan(struct scan *s, const char *at)
{
	while (at < s->end && (unsigned char)*at >= 0x80) {
		const size_t step = utf8_step((struct span){ at, (size_t)(s->end - at) }, NULL);

		if (step == 0)
			return refuse_syntax(s, at, "not well-formed UTF-8");
		at += step;
	}
	return at;
}

/* at: behind the opening quote. Returns behind the closing one. */
static const char *string_scan(struct scan *s, const char *at, bool *out_escaped)
{
	while (at != NULL) {
		at = json_plain_skip(at, s->end);
		if (at == s->end)
			return refuse_syntax(s, at, "");
		if (*at == '"')
			return at + 1;
		if (*at == '\\') {
			*out_escaped = true;
			at = escape_scan(s, at);
		} else if ((unsigned char)*at < 0x20) {
			return refuse_syntax(s, at, "control character in a string");
		} else {
			at = foreign_scan(s, at);
		}
	}
	return NULL;
}

static inline bool is_digit(const char *at, const char *end)
{
	return at < end && *at >= '0' && *at <= '9';
}

static const char *digits_skip(const char *at, const char *end)
{
	while (is_digit(at, end))
		at++;
	return at;
}

static const char *number_scan(struct scan *s, const char *at)
{
	const char *end = s->end;

	if (*at == '-')
		at++;
	if (!is_digit(at, end))
		return refuse_syntax(s, at, "a number needs a digit here");
	if (*at == '0' && is_digit(at + 1, end))
		return refuse_syntax(s, at, "a number begins with a zero too many");
	at = digits_skip(at, end);
	if (at < end && *at == '.') {
		if (!is_digit(++at, end))
			return refuse_syntax(s, at, "a number needs a digit here");
		at = digits_skip(at, end);
	}
	if (at < end && (*at == 'e' || *at == 'E')) {
		at++;
		if (at < end && (*at == '+' || *at == '-'))
			at++;
		if (!is_digit(at, end))
			return refuse_syntax(s, at, "a number needs a digit here");
		at = digits_skip(at, end);
	}
	return at;
}

static const char *word_scan(struct scan *s, const char *at, const char *word, size_t len)
{
	const size_t left = (size_t)(s->end - at);

	if (left >= len && memcmp(at, word, len) == 0)
		return at + len;
	return refuse(s, at, ERR_BAD_REQUEST, "a value is expected here");
}

static const char *open_scan(struct scan *s, const char *at)
{
	if (s->depth >= s->depth_max)
		return refuse(s, at, ERR_TOO_BIG, "nested too deeply");

	uint64_t *word = &s->objects[s->depth / 64];
	const uint64_t bit = UINT64_C(1) << (s->depth % 64);

	if (s->depth % 64 == 0)
		*word = 0;
	*word = *at == '{' ? *word | bit : *word & ~bit;
	s->depth++;
	return at + 1;
}

static inline bool in_object(const struct scan *s)
{
	const unsigned top = s->depth - 1;

	return (s->objects[top / 64] >> (top % 64) & 1) != 0;
}

/* Is this name new in the outermost object? True also when only key_check()
 * can tell. */
static bool key_add(struct scan *s, struct span key, bool escaped)
{
	const unsigned char first = key.len > 0 ? (unsigned char)key.ptr[0] : 0;
	const unsigned char last = key.len > 0 ? (unsigned char)key.ptr[key.len - 1] : 0;
	const uint32_t mix = (uint32_t)key.len << 16 | (uint32_t)first << 8 | last;
	const uint64_t bit = UINT64_C(1) << (mix * UINT32_C(2654435761) >> 26);

	if (s->key_filter & bit)
		for (size_t i = 0; i < s->key_count; i++)
			if (span_equal(s->keys[i], key))
				return false;
	s->key_filter |= bit;
	if (s->key_count < KEYS_MAX)
		s->keys[s->key_count++] = key;
	else
		s->keys_unsure = true;
	s->keys_unsure |= escaped;
	return true;
}

/* "name": up to where its value begins. */
static const char *key_scan(struct scan *s, const char *at)
{
	bool escaped = false;

	at = json_blank_skip(at, s->end);
	if (at == s->end || *at != '"')
		return refuse_syntax(s, at, "a member name in quotes is expected here");

	const char *key = at + 1;

	at = string_scan(s, key, &escaped);
	if (at == NULL)
		return NULL;
	if (s->depth == 1 && !key_add(s, (struct span){ key, (size_t)(at - key) - 1 }, escaped))
		return refuse(s, key - 1, ERR_BAD_REQUEST, "a member name appears twice");
	at = json_blank_skip(at, s->end);
	if (at == s->end || *at != ':')
		return refuse_syntax(s, at, "a colon is expected here");
	return at + 1;
}

/* One value that is neither array nor object. */
static const char *scalar_scan(struct scan *s, const char *at)
{
	bool escaped = false;

	switch (*at) {
	case '"': return string_scan(s, at + 1, &escaped);
	case 't': return word_scan(s, at, "true", 4);
	case 'f': return word_scan(s, at, "false", 5);
	case 'n': return word_scan(s, at, "null", 4);
	default: break;
	}
	if (*at == '-' || is_digit(at, s->end))
		return number_scan(s, at);
	return refuse(s, at, ERR_BAD_REQUEST, "a value is expected here");
}

/* A value from its first byte to where its own end, or its first member's or
 * element's first byte, may be: *out_done says which. */
static const char *value_scan(struct scan *s, const char *at, bool *out_done)
{
	*out_done = true;
	if (at == s->end)
		return refuse_syntax(s, at, "");
	if (*at != '{' && *at != '[')
		return scalar_scan(s, at);

	const char close = *at == '{' ? '}' : ']';

	at = open_scan(s, at);
	if (at == NULL)
		return NULL;
	at = json_blank_skip(at, s->end);
	if (at < s->end && *at == close) {
		s->depth--;
		return at + 1;
	}
	*out_done = false;
	return close == '}' ? key_scan(s, at) : at;
}

/* Behind a value: leave what ends here, up to where the next value may begin
 * (or, with depth 0, behind the outermost value). */
static const char *after_scan(struct scan *s, const char *at)
{
	while (s->depth > 0) {
		const bool object = in_object(s);

		at = json_blank_skip(at, s->end);
		if (at < s->end && *at == ',')
			return object ? key_scan(s, at + 1) : at + 1;
		if (at == s->end || *at != (object ? '}' : ']'))
			return refuse_syntax(s, at,
					     "a comma or a closing bracket is expected here");
		at++;
		s->depth--;
	}
	return at;
}

static const char *text_scan(struct scan *s, struct json_value *out)
{
	const char *at = json_blank_skip(s->start, s->end);
	const char *value = at;

	do {
		bool done;

		at = value_scan(s, json_blank_skip(at, s->end), &done);
		if (at != NULL && done)
			at = after_scan(s, at);
	} while (at != NULL && s->depth > 0);
	if (at == NULL)
		return NULL;
	out->raw = (struct span){ value, (size_t)(at - value) };
	out->type = json_kind_of(*value);
	at = json_blank_skip(at, s->end);
	if (at < s->end)
		return refuse_syntax(s, at, "something follows the value");
	return at;
}

static int key_order(const void *a, const void *b)
{
	return json_key_compare(*(const struct span *)a, *(const struct span *)b);
}

/* Sorting keeps a hostile object with a hundred thousand names cheap. */
static const char *keys_sort(struct scan *s, struct span *keys, size_t count)
{
	qsort(keys, count, sizeof(*keys), key_order);
	for (size_t i = 1; i < count; i++) {
		const char *a = keys[i - 1].ptr, *b = keys[i].ptr;

		if (json_key_compare(keys[i - 1], keys[i]) == 0)
			return refuse(s, (a > b ? a : b) - 1, ERR_BAD_REQUEST,
				      "a member name appears twice");
	}
	return s->end;
}

static const char *keys_check(struct scan *s, const struct json_value *object)
{
	struct json_member member;
	struct span *keys = NULL;
	size_t count = 0, at = 0;

	while (json_member_next(object, &at, &member))
		count++;
	if (count <= KEYS_MAX)
		return keys_sort(s, s->keys, s->key_count);
	/* Bounded by the text, which its reader has capped. */
	keys = calloc(count, sizeof(*keys));
	if (keys == NULL)
		return refuse(s, s->start, ERR_MEMORY, "too many members for the memory left");
	count = 0;
	at = 0;
	while (json_member_next(object, &at, &member))
		keys[count++] = member.key;

	const char *end = keys_sort(s, keys, count);

	free(keys);
	return end;
}

enum err json_scan(struct span text, unsigned depth_max, struct json_value *out,
		   struct json_fault *fault)
{
	const char *start = text.ptr == NULL ? "" : text.ptr;
	struct json_value value = { 0 };
	struct scan s; /* not zeroed: the names are 512 bytes */

	s.start = start;
	s.end = start + text.len;
	s.rc = ERR_OK;
	s.depth = 0;
	s.depth_max = depth_max < DEPTH_LIMIT ? depth_max : DEPTH_LIMIT;
	s.key_count = 0;
	s.key_filter = 0;
	s.keys_unsure = false;
	if (text_scan(&s, &value) == NULL || (s.keys_unsure && keys_check(&s, &value) == NULL)) {
		if (fault != NULL)
			*fault = s.fault;
		return s.rc;
	}
	*out = value;
	return ERR_OK;
}
