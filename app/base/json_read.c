/* json_read.c - finding borders and meaning in a text that json_scan() passed.
 * Not here: checking (json.c). These trust the grammar, but never leave the
 * span they are given.
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"

#include "base/json_run.h"
#include "base/json_text.h"
#include "base/utf8.h"

enum json_kind json_kind_of(char first)
{
	switch (first) {
	case '{': return JSON_OBJECT;
	case '[': return JSON_ARRAY;
	case '"': return JSON_STRING;
	case 't':
	case 'f': return JSON_BOOL;
	case 'n': return JSON_NULL;
	default: return JSON_NUMBER;
	}
}

/* at: behind the opening quote. Returns behind the closing one. */
static const char *string_skip(const char *at, const char *end)
{
	while (at < end) {
		at = json_plain_skip(at, end);
		if (at == end)
			break;
		if (*at == '"')
			return at + 1;
		at += *at == '\\' && end - at > 1 ? 2 : 1;
	}
	return end;
}

/* Behind the bracket that closes the one at at. */
static const char *brackets_skip(const char *at, const char *end)
{
	size_t depth = 0;

	while (at < end) {
		at = json_border_skip(at, end);
		if (at == end)
			break;

		const char c = *at++;

		if (c == '"')
			at = string_skip(at, end);
		else if (c == '{' || c == '[')
			depth++;
		else if (--depth == 0)
			return at;
	}
	return end;
}

/* Behind the value that begins at at. */
static const char *value_skip(const char *at, const char *end)
{
	if (*at == '"')
		return string_skip(at + 1, end);
	if (*at == '{' || *at == '[')
		return brackets_skip(at, end);
	while (at < end && *at != ',' && *at != '}' && *at != ']' && !json_is_blank(*at))
		at++;
	return at;
}

static struct json_value value_at(const char *at, const char *end)
{
	return (struct json_value){ .type = json_kind_of(*at),
				    .raw = { at, (size_t)(value_skip(at, end) - at) } };
}

/* Where the next member or element begins; NULL at the closing bracket. */
static const char *item_find(const struct json_value *container, size_t at)
{
	const char *end = container->raw.ptr + container->raw.len;
	const char *item = container->raw.ptr + (at == 0 ? 1 : at);

	while (item < end && (json_is_blank(*item) || *item == ','))
		item++;
	return item == end || *item == '}' || *item == ']' ? NULL : item;
}

bool json_member_next(const struct json_value *object, size_t *at, struct json_member *out)
{
	if (object->type != JSON_OBJECT)
		return false;

	const char *end = object->raw.ptr + object->raw.len;
	const char *key = item_find(object, *at);

	if (key == NULL || *key != '"')
		return false;

	const char *value = string_skip(key + 1, end);

	out->key = (struct span){ key + 1, (size_t)(value - key) - 2 };
	value = json_blank_skip(value, end);
	value = json_blank_skip(value + (value < end), end); /* the colon */
	if (value == end)
		return false;
	out->value = value_at(value, end);
	*at = (size_t)(out->value.raw.ptr - object->raw.ptr) + out->value.raw.len;
	return true;
}

bool json_element_next(const struct json_value *array, size_t *at, struct json_value *out)
{
	if (array->type != JSON_ARRAY)
		return false;

	const char *element = item_find(array, *at);

	if (element == NULL)
		return false;
	*out = value_at(element, array->raw.ptr + array->raw.len);
	*at = (size_t)(element - array->raw.ptr) + out->raw.len;
	return true;
}

struct json_value json_find(const struct json_value *object, const char *key)
{
	struct json_member member;
	size_t at = 0;

	while (json_member_next(object, &at, &member))
		if (json_key_is(member.key, key))
			return member.value;
	return (struct json_value){ .type = JSON_NONE };
}

static uint32_t hex_value(const char *at)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++) {
		const char c = at[i];

		value = value << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return value;
}

/* Undo the escape at *at (on its backslash) and move *at behind it. A text
 * that was not scanned gives U+FFFD, never a read beyond end. */
static uint32_t escape_take(const char **at, const char *end)
{
	const char *escape = *at;
	const size_t left = (size_t)(end - escape);

	*at += left < 2 ? left : 2;
	if (left < 2)
		return 0xFFFD;
	switch (escape[1]) {
	case 'b': return '\b';
	case 'f': return '\f';
	case 'n': return '\n';
	case 'r': return '\r';
	case 't': return '\t';
	case 'u': break;
	default: return (unsigned char)escape[1];
	}
	if (left < 6)
		return 0xFFFD;

	const uint32_t code = hex_value(escape + 2);

	*at += 4;
	if (code < 0xD800 || code > 0xDFFF)
		return code;
	if (left < 12)
		return 0xFFFD;
	*at += 6;
	return 0x10000 + ((code & 0x3FF) << 10 | (hex_value(escape + 8) & 0x3FF));
}

/* The bytes that a raw string stands for, one after the other. */
struct key_reader {
	const char *at, *end;
	char bytes[4]; /* of an escape: used..have are still to be given */
	size_t used, have;
};

static int byte_next(struct key_reader *r)
{
	if (r->used < r->have)
		return (unsigned char)r->bytes[r->used++];
	if (r->at == r->end)
		return -1;
	if (*r->at != '\\')
		return (unsigned char)*r->at++;
	r->have = utf8_put(escape_take(&r->at, r->end), r->bytes);
	r->used = 1;
	return (unsigned char)r->bytes[0];
}

static bool has_escapes(struct span raw)
{
	return raw.len > 0 && memchr(raw.ptr, '\\', raw.len) != NULL;
}

int json_key_compare(struct span a, struct span b)
{
	if (!has_escapes(a) && !has_escapes(b)) {
		const size_t len = a.len < b.len ? a.len : b.len;
		const int order = len == 0 ? 0 : memcmp(a.ptr, b.ptr, len);

		return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
	}

	struct key_reader ra = { .at = a.ptr, .end = a.ptr + a.len };
	struct key_reader rb = { .at = b.ptr, .end = b.ptr + b.len };

	for (;;) {
		const int x = byte_next(&ra), y = byte_next(&rb);

		if (x != y || x < 0)
			return x - y;
	}
}

bool json_key_is(struct span raw_key, const char *text)
{
	if (!has_escapes(raw_key))
		return span_is(raw_key, text);

	struct key_reader r = { .at = raw_key.ptr, .end = raw_key.ptr + raw_key.len };

	for (; *text != '\0'; text++)
		if (byte_next(&r) != (unsigned char)*text)
			return false;
	return byte_next(&r) < 0;
}

void json_string_decode(const struct json_value *string, struct buf *out)
{
	if (string->type != JSON_STRING || string->raw.len < 2)
		return;

	const char *at = string->raw.ptr + 1, *end = at + string->raw.len - 2;

	while (at < end) {
		const char *slash = memchr(at, '\\', (size_t)(end - at));
		char bytes[4];

		buf_bytes(out, at, (size_t)((slash == NULL ? end : slash) - at));
		if (slash == NULL)
			return;
		at = slash;

		const size_t len = utf8_put(escape_take(&at, end), bytes);

		buf_bytes(out, bytes, len);
	}
}

bool json_integer(const struct json_value *number, int64_t *out)
{
	if (number->type != JSON_NUMBER)
		return false;

	struct span raw = number->raw;
	const bool negative = raw.len > 0 && raw.ptr[0] == '-';
	const uint64_t max = (uint64_t)INT64_MAX + negative;
	uint64_t value = 0;

	for (size_t i = negative; i < raw.len; i++) {
		const unsigned digit = (unsigned)(unsigned char)raw.ptr[i] - '0';

		/* A fraction or an exponent, even one that changes nothing. */
		if (digit > 9 || value > (max - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = (int64_t)(negative ? -value : value);
	return true;
}

bool json_is_true(const struct json_value *value)
{
	return value->type == JSON_BOOL && value->raw.ptr[0] == 't';
}
