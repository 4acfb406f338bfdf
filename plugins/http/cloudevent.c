/* cloudevent.c - the attributes of a CloudEvent and their two spellings.
 * Not here: the data itself and its bytes (content.c).
 * Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "http/cloudevent.h"

#include <stdio.h>

#include "common/members.h"

enum {
	NAME_MAX_BYTES = 64,
	EXTENSIONS_MAX_BYTES = 8 * 1024, /* of the binary form: servers refuse more */
	INTEGER_MAX_BYTES = 11,          /* of a CloudEvents Integer, 32 bits with its sign */
};

/* Where attributes go: one of the two is there. */
struct sink {
	struct text *json;
	struct lines *lines;
	struct text clean;   /* the value in hand */
	int attribute_count; /* written so far */
	/* The extensions written so far. */
	struct tocsin_span names[CLOUDEVENT_EXTENSIONS_MAX];
	size_t name_count;
};

/* What of the envelope is used. JSON; ptr NULL: not there. */
struct parts {
	struct tocsin_span occurred_at, subject, namespace_id, metadata;
	struct tocsin_span source, dataschema; /* of metadata */
};

/* --- Characters ------------------------------------------------------------------ */

/* The character at `at` of well-formed UTF-8 and its length in *len. */
static unsigned long character_at(const char *at, size_t *len)
{
	const unsigned char *c = (const unsigned char *)at;

	*len = c[0] < 0x80 ? 1 : c[0] < 0xE0 ? 2 : c[0] < 0xF0 ? 3 : 4;
	switch (*len) {
	case 1: return c[0];
	case 2: return (c[0] & 0x1FUL) << 6 | (c[1] & 0x3F);
	case 3: return (c[0] & 0x0FUL) << 12 | (c[1] & 0x3FUL) << 6 | (c[2] & 0x3F);
	default:
		return (c[0] & 0x07UL) << 18 | (c[1] & 0x3FUL) << 12 | (c[2] & 0x3FUL) << 6 |
		       (c[3] & 0x3F);
	}
}

/* What a CloudEvents string must not hold: controls and noncharacters. */
static int is_forbidden(unsigned long c)
{
	return c < 0x20 || (c >= 0x7F && c <= 0x9F) || (c >= 0xFDD0 && c <= 0xFDEF) ||
	       (c & 0xFFFE) == 0xFFFE;
}

/* In place: each forbidden character becomes a blank. */
static void text_clean(struct text *t)
{
	size_t from = 0, to = 0, len = 0;

	while (!t->failed && from < t->len) {
		if (is_forbidden(character_at(t->ptr + from, &len))) {
			t->ptr[to++] = ' ';
		} else {
			memmove(t->ptr + to, t->ptr + from, len);
			to += len;
		}
		from += len;
	}
	t->len = to;
}

int source_is_valid(const char *text, size_t len)
{
	static const char allowed[] = "-._~:/?#[]@!$&'()*+,;=";
	static const char hex[] = "0123456789abcdefABCDEF";

	for (size_t i = 0; i < len; i++) {
		const char c = text[i];
		const int is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				     (c >= '0' && c <= '9');

		if (c == '%' && len - i > 2 && memchr(hex, text[i + 1], 22) != NULL &&
		    memchr(hex, text[i + 2], 22) != NULL)
			i += 2;
		else if (!is_plain && memchr(allowed, c, sizeof(allowed) - 1) == NULL)
			return 0;
	}
	return len > 0;
}

/* --- One attribute ------------------------------------------------------------------ */

/* Header values: all but visible ASCII, and `"` and `%`, percent-encoded. */
static void value_line(struct sink *s)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t plain = 0;

	for (size_t i = 0; i < s->clean.len; i++) {
		const unsigned char c = (unsigned char)s->clean.ptr[i];
		const char code[3] = { '%', digits[c >> 4], digits[c & 15] };

		if (c > 0x20 && c < 0x7F && c != '"' && c != '%')
			continue;
		lines_bytes(s->lines, s->clean.ptr + plain, i - plain);
		lines_bytes(s->lines, code, sizeof(code));
		plain = i + 1;
	}
	if (plain < s->clean.len)
		lines_bytes(s->lines, s->clean.ptr + plain, s->clean.len - plain);
}

static void line_add(struct sink *s, const char *name, size_t name_len)
{
	lines_bytes(s->lines, "ce-", 3);
	lines_bytes(s->lines, name, name_len);
	if (s->clean.len == 0) {
		lines_bytes(s->lines, ";", 1); /* libcurl: the header is empty */
	} else {
		lines_bytes(s->lines, ": ", 2);
		value_line(s);
	}
	lines_end(s->lines);
}

static void member_add(struct sink *s, const char *name, size_t name_len, int is_literal)
{
	text_bytes(s->json, s->attribute_count == 0 ? "{" : ",", 1);
	text_json(s->json, name, name_len);
	text_bytes(s->json, ":", 1);
	if (is_literal)
		text_bytes(s->json, s->clean.ptr, s->clean.len);
	else
		text_json(s->json, s->clean.ptr == NULL ? "" : s->clean.ptr, s->clean.len);
}

/* The attribute whose value is in s->clean. is_literal: a JSON number or word. */
static void attribute_write(struct sink *s, const char *name, size_t name_len, int is_literal)
{
	if (s->json != NULL)
		member_add(s, name, name_len, is_literal);
	else
		line_add(s, name, name_len);
	s->attribute_count++;
}

static void attribute_add(struct sink *s, const char *name, const char *value)
{
	s->clean.len = 0;
	text_add(&s->clean, value);
	text_clean(&s->clean);
	attribute_write(s, name, strlen(name), 0);
}

/* From a JSON string with its quotes; none when there is none, or nothing in it. */
static void string_add(struct sink *s, const char *name, struct tocsin_span string)
{
	if (string.len < 3 || string.ptr[0] != '"')
		return;
	s->clean.len = 0;
	text_unquote(&s->clean, string.ptr, string.len);
	text_clean(&s->clean);
	attribute_write(s, name, strlen(name), 0);
}

/* --- Metadata as extensions ----------------------------------------------------------- */

/* Names that CloudEvents or we give a meaning. */
static int is_reserved(const char *name, size_t len)
{
	static const char *const names[] = {
		"id",      "source", "specversion", "type",      "datacontenttype", "dataschema",
		"subject", "time",   "data",        "webhookid", "namespaceid",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
			return 1;
	}
	return 0;
}

static int is_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9')))
			return 0;
	}
	return len > 0 && len <= NAME_MAX_BYTES && !is_reserved(name, len);
}

/* JSON does not forbid a name twice inside metadata; the first one counts. */
static int is_repeated(const struct sink *s, struct tocsin_span name)
{
	for (size_t i = 0; i < s->name_count; i++) {
		if (s->names[i].len == name.len && memcmp(s->names[i].ptr, name.ptr, name.len) == 0)
			return 1;
	}
	return 0;
}

/* Is value what CloudEvents calls an Integer: 32 bits, no fraction, no exponent? */
static int is_integer(struct tocsin_span value)
{
	const size_t sign = value.ptr[0] == '-';
	int64_t number = 0;

	if (value.len > INTEGER_MAX_BYTES || value.len == sign)
		return 0;
	for (size_t i = sign; i < value.len; i++) {
		if (value.ptr[i] < '0' || value.ptr[i] > '9')
			return 0;
		number = number * 10 + (value.ptr[i] - '0');
	}
	return number <= (sign ? -(int64_t)INT32_MIN : INT32_MAX);
}

/* A scalar; what is no Boolean or Integer is a String. */
static void extension_add(struct sink *s, const struct member *member)
{
	const struct tocsin_span value = member->value;
	int is_literal = 0;

	s->clean.len = 0;
	if (value.ptr[0] == '"') {
		text_unquote(&s->clean, value.ptr, value.len);
		text_clean(&s->clean);
	} else {
		text_bytes(&s->clean, value.ptr, value.len);
		is_literal = value.ptr[0] == 't' || value.ptr[0] == 'f' || is_integer(value);
	}
	attribute_write(s, member->name.ptr + 1, member->name.len - 2, is_literal);
}

/* A line that would make the header too large is taken back. */
static void extension_add_fitting(struct sink *s, const struct member *member, size_t len_max)
{
	const size_t len = s->lines->len, count = s->lines->count;

	extension_add(s, member);
	if (s->lines->len <= len_max)
		return;
	s->lines->len = len;
	s->lines->count = count;
}

static void extensions_add(struct sink *s, struct tocsin_span metadata)
{
	const size_t len_max = s->lines == NULL ? 0 : s->lines->len + EXTENSIONS_MAX_BYTES;
	struct members m;
	struct member one;

	if (!members_init(&m, metadata))
		return;
	while (s->name_count < CLOUDEVENT_EXTENSIONS_MAX && members_next(&m, &one)) {
		const int is_scalar = memchr("{[n", one.value.ptr[0], 3) == NULL;

		if (!is_scalar || !is_name(one.name.ptr + 1, one.name.len - 2) ||
		    is_repeated(s, one.name))
			continue;
		if (s->lines == NULL)
			extension_add(s, &one);
		else
			extension_add_fitting(s, &one, len_max);
		s->names[s->name_count++] = one.name;
	}
}

/* --- The whole ------------------------------------------------------------------------ */

struct wanted {
	const char *name;
	struct tocsin_span *out;
};

/* The first of each name, all in one walk: data may be large. */
static void members_collect(struct tocsin_span object, const struct wanted *wanted, size_t count)
{
	struct members m;
	struct member one;

	if (!members_init(&m, object))
		return;
	while (members_next(&m, &one)) {
		for (size_t i = 0; i < count; i++) {
			if (wanted[i].out->ptr == NULL && value_is(one.name, wanted[i].name))
				*wanted[i].out = one.value;
		}
	}
}

static void parts_find(struct tocsin_span envelope, struct parts *p)
{
	const struct wanted outer[] = { { "\"occurred_at\"", &p->occurred_at },
					{ "\"subject\"", &p->subject },
					{ "\"namespace_id\"", &p->namespace_id },
					{ "\"metadata\"", &p->metadata } };
	const struct wanted inner[] = { { "\"source\"", &p->source },
					{ "\"dataschema\"", &p->dataschema } };

	*p = (struct parts){ .metadata = { NULL, 0 } };
	members_collect(envelope, outer, sizeof(outer) / sizeof(outer[0]));
	members_collect(p->metadata, inner, sizeof(inner) / sizeof(inner[0]));
}

/* string's characters into s->clean. Returns whether they are a URI-reference. */
static int reference_read(struct sink *s, struct tocsin_span string)
{
	s->clean.len = 0;
	if (string.len > 2 && string.ptr[0] == '"')
		text_unquote(&s->clean, string.ptr, string.len);
	return s->clean.len > 0 && source_is_valid(s->clean.ptr, s->clean.len);
}

/* The webhook's own, then the event's (one that came in as a CloudEvent keeps
 * it), then the channel's. */
static void source_add(struct sink *s, const struct http *http, const struct http_configs *configs,
		       struct tocsin_span own)
{
	if (configs->cloudevents_source != NULL)
		attribute_add(s, "source", configs->cloudevents_source);
	else if (reference_read(s, own))
		attribute_write(s, "source", strlen("source"), 0);
	else
		attribute_add(s, "source", http->source);
}

/* An absolute URI, which has a scheme. */
static void dataschema_add(struct sink *s, struct tocsin_span own)
{
	if (!reference_read(s, own))
		return;
	const char *colon = memchr(s->clean.ptr, ':', s->clean.len);
	const char *other = strpbrk(s->clean.ptr, "/?#");

	if (colon != NULL && colon > s->clean.ptr && (other == NULL || colon < other))
		attribute_write(s, "dataschema", strlen("dataschema"), 0);
}

static void attributes_add(struct sink *s, const struct http *http,
			   const struct tocsin_message *msg)
{
	struct parts parts;

	parts_find(msg->envelope, &parts);
	attribute_add(s, "specversion", "1.0");
	attribute_add(s, "id", msg->event_id);
	source_add(s, http, msg->configs, parts.source);
	attribute_add(s, "type", msg->event_type);
	string_add(s, "time", parts.occurred_at);
	string_add(s, "subject", parts.subject);
	dataschema_add(s, parts.dataschema);
	string_add(s, "namespaceid", parts.namespace_id);
	attribute_add(s, "webhookid", msg->webhook_id);
	extensions_add(s, parts.metadata);
}

void cloudevent_write(const struct http *http, const struct tocsin_message *msg,
		      struct tocsin_span data, struct text *out)
{
	struct sink s = { .json = out };

	attributes_add(&s, http, msg);
	if (data.ptr != NULL) {
		text_add(out, ",\"datacontenttype\":\"application/json\",\"data\":");
		text_bytes(out, data.ptr, data.len);
	}
	text_add(out, "}");
	out->failed |= s.clean.failed;
	text_finish(&s.clean);
}

void cloudevent_lines(const struct http *http, const struct tocsin_message *msg, struct lines *out)
{
	struct sink s = { .lines = out };

	attributes_add(&s, http, msg);
	out->failed |= s.clean.failed;
	text_finish(&s.clean);
}
