/* template.h - Mustache templates: compiled once, rendered for every attempt.
 * SPDX-License-Identifier: MIT
 * The language (docs/channels.md, "Templates"): variables, dotted names,
 * sections, inverted sections, comments, other delimiters, standalone lines as
 * mustache(5) has them; {name} for the names of an event; no partials, no
 * lambdas. Values come from JSON that json_scan() accepted and are read in
 * place. A value is never read again for tags.
 * Thread: any; a compiled template is read-only. */
#ifndef TOCSIN_TEMPLATE_TEMPLATE_H
#define TOCSIN_TEMPLATE_TEMPLATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "tocsin/channel.h"

enum {
	TEMPLATE_MAX_BYTES = 64 * 1024,        /* of source */
	TEMPLATE_DEPTH_MAX = 32,               /* sections inside one another; also JSON nesting */
	TEMPLATE_STEPS_MAX = 100 * 1000,       /* tags and texts passed while rendering */
	TEMPLATE_OUTPUT_MAX_BYTES = 256 * 1024 /* what a render may give */
};

/* What the contract calls struct tocsin_template. */
struct template;

/* Where and why a template is refused: for people ("section {{#a}} is not closed"). */
struct template_fault {
	size_t line, column; /* both from 1; column in characters */
	char text[160];
};

/* Compile text. Returns ERR_OK, or ERR_BAD_REQUEST / ERR_TOO_BIG with *fault.
 * Owner  *out is owned; template_destroy(). */
MUST_CHECK enum err template_compile(struct span text, struct template **out,
				     struct template_fault *fault);

/* Compile a JSON text (already strict: json_scan() accepted it) whose strings,
 * at any depth, are templates; member names and other values are kept as they
 * are. Line and column of a fault are those inside the string at fault; its
 * text names the string by its path ("blocks[0].text.text: …"). */
MUST_CHECK enum err template_compile_json(struct span json, struct template **out,
					  struct template_fault *fault);
void template_destroy(struct template *t);

struct template_input {
	struct span event;         /* a scanned JSON object: the names that templates see */
	struct tocsin_pairs extra; /* texts by name, looked up before the event's */
	enum tocsin_escape escape; /* for JSON templates: inside their strings */
	size_t output_max_bytes;   /* 0: TEMPLATE_OUTPUT_MAX_BYTES */
};

/* Append what t gives for in. A JSON template gives JSON: a string that is one
 * whole tag becomes the value itself with its type (null when it is missing).
 * Returns ERR_OK, ERR_TOO_BIG (output or steps) or ERR_MEMORY; out is then of no use. */
MUST_CHECK enum err template_render(const struct template *t, const struct template_input *in,
				    struct buf *out);

/* Append text escaped for where it lands; what render does with a value. */
void template_escape(struct span text, enum tocsin_escape escape, struct buf *out);

#endif
