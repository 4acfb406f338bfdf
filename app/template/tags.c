/* tags.c - finds the tags of a template and takes them apart.
 * Not here: nesting of sections and what becomes of tags (template.c).
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "template/tags.h"

#include <stdio.h>

void tags_init(struct tags *tags, struct span text)
{
	const char *start = text.ptr == NULL ? "" : text.ptr;

	*tags = (struct tags){ .start = start,
			       .at = start,
			       .end = start + text.len,
			       .open = span_of("{{"),
			       .close = span_of("}}") };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_space(char c)
{
	return is_blank(c) || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static bool begins_with(const struct tags *tags, const char *at, struct span word)
{
	return (size_t)(tags->end - at) >= word.len && memcmp(at, word.ptr, word.len) == 0;
}

static struct span trim(struct span text)
{
	while (text.len > 0 && is_space(text.ptr[0])) {
		text.ptr++;
		text.len--;
	}
	while (text.len > 0 && is_space(text.ptr[text.len - 1]))
		text.len--;
	return text;
}

/* As much of text as a message shows: whole characters, up to a line's end. */
static int shown(struct span text)
{
	size_t len = 0;

	while (len < text.len && len < TAG_SHOWN_BYTES && (unsigned char)text.ptr[len] >= 0x20)
		len++;
	while (len > 0 && len < text.len && ((unsigned char)text.ptr[len] & 0xC0) == 0x80)
		len--;
	return (int)len;
}

static enum err refuse(struct tags *tags, const char *at, struct span tag, const char *why)
{
	tags->fault_at = at;
	snprintf(tags->fault, sizeof(tags->fault), "%.*s: %s", shown(tag), tag.ptr, why);
	return ERR_BAD_REQUEST;
}

static bool is_word(char c, bool is_first)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
	       (!is_first && c >= '0' && c <= '9');
}

/* The name in {name} at at, when neither of its braces is doubled; ptr NULL otherwise. */
static struct span brace_name(const struct tags *tags, const char *at)
{
	const char *name = at + 1, *end = name;

	if (at > tags->start && at[-1] == '{')
		return (struct span){ NULL, 0 };
	while (end < tags->end && is_word(*end, end == name))
		end++;
	if (end == name || end == tags->end || *end != '}' ||
	    (end + 1 < tags->end && end[1] == '}'))
		return (struct span){ NULL, 0 };
	return (struct span){ name, (size_t)(end - name) };
}

/* Where the closing delimiter is, with before in front of it ('\0': nothing). */
static const char *close_find(const struct tags *tags, const char *at, char before)
{
	for (; at < tags->end; at++)
		if (before == '\0' ? begins_with(tags, at, tags->close)
				   : *at == before && begins_with(tags, at + 1, tags->close))
			return at;
	return NULL;
}

/* NULL, or why this is no name. */
static const char *name_fault(struct span name)
{
	if (name.len == 0)
		return "a name is missing";
	if (span_is(name, "."))
		return NULL;
	for (size_t i = 0; i < name.len; i++) {
		const char c = name.ptr[i];

		if (is_space(c))
			return "a name has no blanks in it; helpers are not supported";
		if ((unsigned char)c < 0x20 || c == 0x7F)
			return "a name has no control characters in it";
		if (c == '.' && (i == 0 || i + 1 == name.len || name.ptr[i + 1] == '.'))
			return "a part of the name is empty";
	}
	return NULL;
}

static size_t word_length(struct span text)
{
	size_t len = 0;

	while (len < text.len && !is_space(text.ptr[len]) && text.ptr[len] != '=')
		len++;
	return len;
}

/* Two words: the delimiters from here on. */
static bool delimiters_set(struct tags *tags, struct span content)
{
	struct span rest = trim(content);
	const struct span open = { rest.ptr, word_length(rest) };

	rest = trim((struct span){ rest.ptr + open.len, rest.len - open.len });

	const struct span close = { rest.ptr, word_length(rest) };

	if (open.len == 0 || close.len == 0 || close.len != rest.len ||
	    !is_space(open.ptr[open.len]))
		return false;
	tags->open = open;
	tags->close = close;
	return true;
}

static enum tag_kind kind_of(char sign)
{
	switch (sign) {
	case '#': return TAG_SECTION;
	case '^': return TAG_INVERTED;
	case '/': return TAG_CLOSE;
	case '&':
	case '{': return TAG_RAW;
	case '!':
	case '=': return TAG_NOTHING;
	default: return TAG_VALUE;
	}
}

static const char *unsupported(char sign)
{
	switch (sign) {
	case '>': return "partials are not supported";
	case '<':
	case '$': return "inheritance is not supported";
	default: return NULL;
	}
}

/* The tag whose opening delimiter is at at; its end becomes tags->at. */
static enum err tag_read(struct tags *tags, const char *at, struct tag *out)
{
	const char *inside = at + tags->open.len;
	const struct span all = { at, (size_t)(tags->end - at) };

	while (inside < tags->end && is_space(*inside))
		inside++;

	const char sign = inside < tags->end ? *inside : '\0';
	const char before = sign == '{' ? '}' : sign == '=' ? '=' : '\0';

	out->kind = kind_of(sign);
	if (out->kind != TAG_VALUE)
		inside++;

	const char *end = close_find(tags, inside, before);

	if (end == NULL)
		return refuse(tags, at, all, "the tag is not closed");

	const struct span content = { inside, (size_t)(end - inside) };
	const char *next = end + (before != '\0') + tags->close.len;
	const struct span tag = { at, (size_t)(next - at) };

	tags->at = next;
	if (sign == '=' && !delimiters_set(tags, content))
		return refuse(tags, at, tag,
			      "two delimiters are expected, without = and with a blank between");
	if (out->kind == TAG_NOTHING)
		return ERR_OK;
	if (unsupported(sign) != NULL)
		return refuse(tags, at, tag, unsupported(sign));
	out->name = trim(content);

	const char *fault = name_fault(out->name);

	return fault == NULL ? ERR_OK : refuse(tags, at, tag, fault);
}

/* A line with nothing but this tag and blanks goes as a whole. */
static void line_trim(struct tags *tags, struct tag *tag)
{
	const char *begin = tag->at, *end = tags->at;

	while (begin > tags->start && is_blank(begin[-1]))
		begin--;
	if (begin > tags->start && begin[-1] != '\n')
		return;
	while (end < tags->end && is_blank(*end))
		end++;
	if (end < tags->end && *end == '\r' && end + 1 < tags->end && end[1] == '\n')
		end++;
	if (end < tags->end && *end++ != '\n')
		return;
	tag->text.len = (size_t)(begin - tag->text.ptr);
	tags->at = end;
}

static bool can_stand_alone(enum tag_kind kind)
{
	switch (kind) {
	case TAG_SECTION:
	case TAG_INVERTED:
	case TAG_CLOSE:
	case TAG_NOTHING: return true;
	case TAG_END:
	case TAG_VALUE:
	case TAG_RAW:
	case TAG_BRACE: break;
	}
	return false;
}

enum err tags_next(struct tags *tags, struct tag *out)
{
	const char *text = tags->at, *at = text;
	struct span brace = { NULL, 0 };

	for (; at < tags->end && !begins_with(tags, at, tags->open); at++)
		if (*at == '{' && (brace = brace_name(tags, at)).ptr != NULL)
			break;
	*out = (struct tag){ .text = { text, (size_t)(at - text) }, .name = brace, .at = at };
	tags->at = at;
	if (at == tags->end)
		return ERR_OK;
	if (brace.ptr != NULL) {
		out->kind = TAG_BRACE;
		tags->at = at + brace.len + 2;
		return ERR_OK;
	}

	const enum err rc = tag_read(tags, at, out);

	if (rc == ERR_OK && can_stand_alone(out->kind))
		line_trim(tags, out);
	return rc;
}

bool tags_is_whole(struct span text, struct tag *out)
{
	struct tags tags;

	tags_init(&tags, text);
	return tags_next(&tags, out) == ERR_OK && out->text.len == 0 && tags.at == tags.end &&
	       (out->kind == TAG_VALUE || out->kind == TAG_RAW || out->kind == TAG_BRACE);
}
