/* plain.c - a small reader of tags, entities and blanks.
 * Not here: HTML's whole grammar; whoever wants a finer text gives content_type
 * plain_text. Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "email/plain.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "email/character.h"

enum { TAG_NAME_BYTES = 12, ENTITY_MAX_BYTES = 10 };

enum tag_effect {
	TAG_INLINE, /* unknown ones too */
	TAG_LINE,   /* begins a line */
	TAG_BLOCK,  /* stands between empty lines */
	TAG_HIDDEN, /* up to its end nothing is shown */
	TAG_PRE,    /* a block that keeps its blanks */
	TAG_ITEM,   /* a line with a dash */
	TAG_CELL,   /* a gap, unless its row begins */
	TAG_RULE,
	TAG_LINK
};

static const struct tag {
	const char *name;
	enum tag_effect effect;
} tags[] = {
	{ "a", TAG_LINK },           { "address", TAG_BLOCK }, { "article", TAG_BLOCK },
	{ "blockquote", TAG_BLOCK }, { "br", TAG_LINE },       { "div", TAG_LINE },
	{ "dl", TAG_BLOCK },         { "dd", TAG_LINE },       { "dt", TAG_LINE },
	{ "footer", TAG_BLOCK },     { "h1", TAG_BLOCK },      { "h2", TAG_BLOCK },
	{ "h3", TAG_BLOCK },         { "h4", TAG_BLOCK },      { "h5", TAG_BLOCK },
	{ "h6", TAG_BLOCK },         { "header", TAG_BLOCK },  { "hr", TAG_RULE },
	{ "li", TAG_ITEM },          { "ol", TAG_BLOCK },      { "p", TAG_BLOCK },
	{ "pre", TAG_PRE },          { "script", TAG_HIDDEN }, { "section", TAG_BLOCK },
	{ "style", TAG_HIDDEN },     { "table", TAG_BLOCK },   { "td", TAG_CELL },
	{ "th", TAG_CELL },          { "title", TAG_HIDDEN },  { "tr", TAG_LINE },
	{ "ul", TAG_BLOCK },
};

struct page {
	const char *at, *end;
	struct text *out;
	size_t start;      /* of ours in out */
	int newlines;      /* wanted before the next character: 0, 1 or 2 */
	int blank;         /* one blank is wanted before it */
	int pre;           /* inside <pre> */
	int is_item_fresh; /* a dash was written and nothing behind it */
	size_t link_at;    /* where the text of the link began */
	struct text link;  /* its address */
	struct text other; /* an attribute that is shown at once */
};

/* --- what is written ------------------------------------------------------------ */

static void gap_flush(struct page *p)
{
	struct text *out = p->out;
	const int is_first = out->len == p->start;

	for (int have = 0; p->newlines > 0 && !is_first; p->newlines--, have++)
		text_bytes(out, "\n", 1);
	if (p->blank && out->len > p->start && strchr("\n ", out->ptr[out->len - 1]) == NULL)
		text_bytes(out, " ", 1);
	p->newlines = 0;
	p->blank = 0;
	p->is_item_fresh = 0;
}

static void bytes_show(struct page *p, const char *bytes, size_t len)
{
	gap_flush(p);
	text_bytes(p->out, bytes, len);
}

static void lines_want(struct page *p, int count)
{
	if (count > p->newlines && !p->is_item_fresh)
		p->newlines = count;
	p->blank = 0;
}

/* --- entities ------------------------------------------------------------------- */

static unsigned long entity_number(const char *name, size_t len)
{
	static const struct {
		const char *name;
		unsigned long number;
	} known[] = {
		{ "amp", '&' },       { "apos", '\'' },  { "copy", 0xA9 },    { "gt", '>' },
		{ "hellip", 0x2026 }, { "laquo", 0xAB }, { "lt", '<' },       { "mdash", 0x2014 },
		{ "middot", 0xB7 },   { "nbsp", ' ' },   { "ndash", 0x2013 }, { "quot", '"' },
		{ "raquo", 0xBB },
	};
	char digits[ENTITY_MAX_BYTES];

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].name) == len && memcmp(known[i].name, name, len) == 0)
			return known[i].number;
	}
	if (len < 2 || len >= sizeof(digits) || name[0] != '#')
		return 0;
	memcpy(digits, name + 1, len - 1);
	digits[len - 1] = '\0';
	char *end = digits;
	const int is_hex = digits[0] == 'x' || digits[0] == 'X';
	const unsigned long number = is_hex ? strtoul(digits + 1, &end, 16)
					    : strtoul(digits, &end, 10);

	return *end == '\0' ? number : 0;
}

/* Append the entity at *at, or the byte there when it is none; moves on. */
static void entity_append(const char **at, const char *end, struct text *out)
{
	const size_t left = (size_t)(end - *at);
	const char *stop = memchr(*at, ';',
				  left < ENTITY_MAX_BYTES + 2 ? left : ENTITY_MAX_BYTES + 2);
	const unsigned long number = stop == NULL
					     ? 0
					     : entity_number(*at + 1, (size_t)(stop - *at - 1));

	if (number == 0) {
		text_bytes(out, *at, 1);
		*at += 1;
		return;
	}
	character_append(out, number);
	*at = stop + 1;
}

/* --- tags ----------------------------------------------------------------------- */

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

static int is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct element {
	char name[TAG_NAME_BYTES];
	int is_end;
	const char *attributes, *end; /* up to its '>' */
};

/* Quotes hide a '>'. Returns the end when the tag is never closed. */
static const char *tag_end_find(const char *at, const char *end)
{
	char quote = '\0';

	for (; at < end; at++) {
		if (quote != '\0')
			quote = *at == quote ? '\0' : quote;
		else if (*at == '"' || *at == '\'')
			quote = *at;
		else if (*at == '>')
			break;
	}
	return at;
}

static void element_read(struct page *p, struct element *e)
{
	size_t len = 0;

	p->at++;
	e->is_end = p->at < p->end && *p->at == '/';
	p->at += e->is_end;
	for (; p->at < p->end && (is_letter(*p->at) || (*p->at >= '0' && *p->at <= '9')); p->at++) {
		if (len < TAG_NAME_BYTES - 1)
			e->name[len++] = *p->at;
	}
	e->name[len] = '\0';
	e->attributes = p->at;
	e->end = tag_end_find(p->at, p->end);
	p->at = e->end < p->end ? e->end + 1 : p->end;
}

/* The value of that attribute, its entities read, in out; empty when absent. */
static void attribute_read(const struct element *e, const char *name, struct text *out)
{
	const size_t len = strlen(name);

	for (const char *at = e->attributes; (size_t)(e->end - at) > len + 1; at++) {
		if (!is_blank(*at) || strncasecmp(at + 1, name, len) != 0 || at[len + 1] != '=')
			continue;
		at += len + 2;
		const char quote = at < e->end && (*at == '"' || *at == '\'') ? *at++ : '\0';

		while (at < e->end && (quote != '\0' ? *at != quote : !is_blank(*at))) {
			if (*at == '&')
				entity_append(&at, e->end, out);
			else
				text_bytes(out, at++, 1);
		}
		return;
	}
}

/* What is inside is skipped up to the end tag of that name. */
static void element_skip(struct page *p, const char *name)
{
	const size_t len = strlen(name);

	for (; p->at < p->end; p->at++) {
		if ((size_t)(p->end - p->at) > len + 2 && p->at[0] == '<' && p->at[1] == '/' &&
		    strncasecmp(p->at + 2, name, len) == 0) {
			p->at = tag_end_find(p->at, p->end);
			p->at += p->at < p->end;
			return;
		}
	}
}

static int is_shown_address(const struct text *link)
{
	return link->len > 0 && (strncasecmp(link->ptr, "https:", 6) == 0 ||
				 strncasecmp(link->ptr, "http:", 5) == 0 ||
				 strncasecmp(link->ptr, "mailto:", 7) == 0);
}

/* "text <address>", unless the text is the address. */
static void link_end(struct page *p)
{
	const struct text *link = &p->link;
	const char *bare = NULL;

	if (is_shown_address(link)) {
		const char *shown = p->out->ptr == NULL ? "" : p->out->ptr + p->link_at;

		bare = strncasecmp(link->ptr, "mailto:", 7) == 0 ? link->ptr + 7 : link->ptr;
		while (is_blank(*shown))
			shown++;
		if (strcmp(shown, bare) == 0)
			bare = NULL;
	}
	if (bare != NULL) {
		const char *const pieces[] = { " <", bare, ">" };

		p->blank = 0;
		for (size_t i = 0; i < 3; i++)
			bytes_show(p, pieces[i], strlen(pieces[i]));
	}
	text_finish(&p->link);
}

static void link_see(struct page *p, const struct element *e)
{
	if (e->is_end || p->link.len > 0)
		link_end(p);
	if (e->is_end)
		return;
	attribute_read(e, "href", &p->link);
	p->link_at = p->out->len;
}

static void image_see(struct page *p, const struct element *e)
{
	text_finish(&p->other);
	attribute_read(e, "alt", &p->other);
	if (p->other.len > 0)
		bytes_show(p, p->other.ptr, p->other.len);
}

static enum tag_effect effect_find(const char *name)
{
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		if (strcasecmp(tags[i].name, name) == 0)
			return tags[i].effect;
	}
	return TAG_INLINE;
}

static void cell_see(struct page *p, const struct element *e)
{
	if (e->is_end || p->newlines > 0 || p->out->len == p->start)
		return;
	p->blank = 0;
	bytes_show(p, "  ", 2);
}

static void element_see(struct page *p, const struct element *e)
{
	switch (effect_find(e->name)) {
	case TAG_LINE: lines_want(p, 1); break;
	case TAG_BLOCK: lines_want(p, 2); break;
	case TAG_PRE:
		lines_want(p, 2);
		p->pre = !e->is_end;
		break;
	case TAG_ITEM:
		lines_want(p, 1);
		if (!e->is_end) {
			bytes_show(p, "- ", 2);
			p->is_item_fresh = 1;
		}
		break;
	case TAG_RULE:
		lines_want(p, 2);
		bytes_show(p, "----", 4);
		lines_want(p, 2);
		break;
	case TAG_HIDDEN:
		if (!e->is_end)
			element_skip(p, e->name);
		break;
	case TAG_CELL: cell_see(p, e); break;
	case TAG_LINK: link_see(p, e); break;
	case TAG_INLINE:
		if (strcasecmp(e->name, "img") == 0)
			image_see(p, e);
		break;
	}
}

/* --- the whole -------------------------------------------------------------------- */

static void comment_skip(struct page *p)
{
	const char *stop = memmem(p->at, (size_t)(p->end - p->at), "-->", 3);

	p->at = stop == NULL ? p->end : stop + 3;
}

static int is_tag(const char *at, const char *end)
{
	if (end - at < 2)
		return 0;
	return at[1] == '/' || at[1] == '!' || at[1] == '?' || is_letter(at[1]);
}

static void markup_see(struct page *p)
{
	struct element e;

	if (p->end - p->at >= 4 && memcmp(p->at, "<!--", 4) == 0) {
		comment_skip(p);
		return;
	}
	element_read(p, &e);
	element_see(p, &e);
}

static void text_see(struct page *p)
{
	if (*p->at == '&') {
		gap_flush(p);
		entity_append(&p->at, p->end, p->out);
	} else if (is_blank(*p->at) && !p->pre) {
		p->blank = 1;
		p->at++;
	} else if (*p->at == '\r') {
		p->at++;
	} else if (*p->at == '\n' && p->out->len == p->start) {
		p->at++;
	} else {
		bytes_show(p, p->at++, 1);
	}
}

void plain_append(struct tocsin_span html, struct text *out)
{
	struct page p = { .at = html.ptr, .out = out, .start = out->len };

	if (html.len == 0)
		return;
	p.end = html.ptr + html.len;
	while (p.at < p.end) {
		if (*p.at == '<' && is_tag(p.at, p.end))
			markup_see(&p);
		else
			text_see(&p);
	}
	if (p.link.len > 0)
		link_end(&p);
	if (out->len > p.start && out->ptr[out->len - 1] != '\n')
		text_bytes(out, "\n", 1);
	out->failed |= p.link.failed | p.other.failed;
	text_finish(&p.link);
	text_finish(&p.other);
}
