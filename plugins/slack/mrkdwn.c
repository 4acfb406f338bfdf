/* mrkdwn.c - escaping and cutting text for Slack.
 * Not here: which text may have how many (blocks.c, message.c). Pure; any thread.
 * SPDX-License-Identifier: MIT */
#include "slack/mrkdwn.h"

#include <string.h>

static const char ellipsis[] = "\xE2\x80\xA6";

static const struct {
	char plain;
	const char *entity;
} entities[] = { { '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" } };

enum { ENTITY_COUNT = sizeof(entities) / sizeof(entities[0]), ENTITY_MAX_BYTES = 5 };

static const char *entity_of(char c)
{
	for (size_t i = 0; i < ENTITY_COUNT; i++) {
		if (entities[i].plain == c)
			return entities[i].entity;
	}
	return NULL;
}

/* The length of the entity that bytes begins with, 0: none. */
static size_t entity_len(const char *bytes, size_t len, char *out_plain)
{
	for (size_t i = 0; i < ENTITY_COUNT; i++) {
		const size_t n = strlen(entities[i].entity);

		if (n <= len && memcmp(bytes, entities[i].entity, n) == 0) {
			*out_plain = entities[i].plain;
			return n;
		}
	}
	return 0;
}

/* Units that begin at this byte: none inside a character. */
static size_t units_of(char c)
{
	const unsigned char byte = (unsigned char)c;

	if ((byte & 0xC0) == 0x80)
		return 0;
	return byte >= 0xF0 ? 2 : 1;
}

/* Bytes of the longest beginning of at most max units. */
static size_t units_cut(const char *bytes, size_t len, size_t max)
{
	for (size_t i = 0; i < len; i++) {
		const size_t units = units_of(bytes[i]);

		if (units > max)
			return i;
		/* The rest of a character whose beginning fitted still belongs to it. */
		max -= units;
		while (i + 1 < len && units_of(bytes[i + 1]) == 0)
			i++;
	}
	return len;
}

/* A cut at this byte, moved back before an entity that it would split. */
static size_t entity_cut(const char *bytes, size_t len, size_t cut)
{
	char plain;

	for (size_t back = 1; back < ENTITY_MAX_BYTES && back <= cut; back++) {
		const size_t n = entity_len(bytes + cut - back, len - cut + back, &plain);

		if (n > back)
			return cut - back;
	}
	return cut;
}

/* The same for <...>, which only a template's author can write. A lone < that is
 * never closed, or only on another line, is none. */
static size_t markup_cut(const char *bytes, size_t len, size_t cut)
{
	for (size_t at = cut; at > 0; at--) {
		if (bytes[at - 1] == '>')
			return cut;
		if (bytes[at - 1] != '<')
			continue;
		for (size_t i = cut; i < len && bytes[i] != '<' && bytes[i] != '\n'; i++) {
			if (bytes[i] == '>')
				return at - 1;
		}
		return cut;
	}
	return cut;
}

void mrkdwn_shorten(struct text *t, size_t max)
{
	if (t->failed || units_cut(t->ptr, t->len, max) == t->len)
		return;
	size_t cut = units_cut(t->ptr, t->len, max - 1);

	cut = markup_cut(t->ptr, t->len, entity_cut(t->ptr, t->len, cut));
	t->len = cut;
	t->ptr[cut] = '\0';
	text_add(t, ellipsis);
}

void mrkdwn_add(struct text *t, const char *bytes, size_t len, size_t max)
{
	struct text escaped = { 0 };
	size_t plain = 0; /* where what needs no escape began */

	if (len == 0)
		return;
	for (size_t i = 0; i < len; i++) {
		const char *entity = entity_of(bytes[i]);

		if (entity == NULL)
			continue;
		text_bytes(&escaped, bytes + plain, i - plain);
		text_add(&escaped, entity);
		plain = i + 1;
	}
	text_bytes(&escaped, bytes + plain, len - plain);
	if (max > 0)
		mrkdwn_shorten(&escaped, max);
	t->failed |= escaped.failed;
	if (!escaped.failed)
		text_bytes(t, escaped.ptr, escaped.len);
	text_finish(&escaped);
}

void mrkdwn_unescape(struct text *t, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len;) {
		char plain = bytes[i];
		const size_t n = entity_len(bytes + i, len - i, &plain);

		text_bytes(t, &plain, 1);
		i += n == 0 ? 1 : n;
	}
}
