/* tags.h - a template's source as texts and tags, one after the other.
 * SPDX-License-Identifier: MIT
 * For template.c; knows delimiters, standalone lines and single braces, not
 * what sections belong together. Thread: any; one reader each. */
#ifndef TOCSIN_TEMPLATE_TAGS_H
#define TOCSIN_TEMPLATE_TAGS_H

#include "base/err.h"
#include "base/span.h"

enum tag_kind {
	TAG_END = 0, /* the source is at its end; only text is set */
	TAG_VALUE,
	TAG_RAW,
	TAG_BRACE, /* {name} */
	TAG_SECTION,
	TAG_INVERTED,
	TAG_CLOSE,
	TAG_NOTHING, /* a comment, or new delimiters */
};

struct tag {
	enum tag_kind kind;
	struct span text; /* what stands before it */
	struct span name; /* checked: no blanks, no empty part; "." is the item */
	const char *at;   /* where it begins, to name its place */
};

/* How a tag looks in a message, cut if it is long. */
enum { TAG_SHOWN_BYTES = 48 };

struct tags {
	const char *start, *at, *end;
	struct span open, close;
	const char *fault_at; /* after ERR_BAD_REQUEST: where, and why */
	char fault[120];
};

/* text: borrowed until the last tag was read; well-formed UTF-8. */
void tags_init(struct tags *tags, struct span text);
/* Returns ERR_OK, or ERR_BAD_REQUEST with tags->fault. */
MUST_CHECK enum err tags_next(struct tags *tags, struct tag *out);
/* Is the text one tag that gives a value, and nothing else? */
bool tags_is_whole(struct span text, struct tag *out);

#endif
