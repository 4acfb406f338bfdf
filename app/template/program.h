/* program.h - a compiled template: a flat list of steps, and its names.
 * SPDX-License-Identifier: MIT
 * For the files of this floor only; everyone else uses template.h.
 * Thread: any; read-only once it is compiled. */
#ifndef TOCSIN_TEMPLATE_PROGRAM_H
#define TOCSIN_TEMPLATE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum op_kind {
	OP_TEXT,     /* text, as it is (JSON templates: serialised already) */
	OP_VALUE,    /* {{name}}: found through the contexts */
	OP_BRACE,    /* {name}: of the caller or the event only; else its own text */
	OP_SECTION,  /* jump: behind its OP_END */
	OP_INVERTED, /* jump: behind its last step */
	OP_END,      /* of an OP_SECTION */
};

struct op {
	uint8_t kind;               /* enum op_kind */
	uint8_t is_raw;             /* {{{name}}}, {{&name}} */
	uint8_t is_whole;           /* all of a JSON template's string: the value with its type */
	uint32_t name;              /* which of the names */
	uint32_t jump;              /* which of the steps */
	uint32_t text_at, text_len; /* in the pool */
};

struct name {
	uint32_t first, count; /* its parts; count 0: {{.}} */
	uint32_t is_event;     /* 1: a member that events have, so {name} stands for it */
};

struct part {
	uint32_t at, len; /* in the pool, with a NUL behind it */
};

/* What template.h calls struct template. Places, not pointers: all of it grows
 * while it is compiled. */
struct template
{
	struct buf pool;  /* texts and parts of names */
	struct buf ops;   /* struct op, all of them */
	struct buf names; /* struct name */
	struct buf parts; /* struct part */
	uint32_t barrier; /* a step from here on may not join the text before it */
	bool is_json;
};

static inline size_t program_op_count(const struct template *t)
{
	return t->ops.len / sizeof(struct op);
}

static inline struct op *program_ops(const struct template *t)
{
	return (struct op *)(void *)t->ops.ptr;
}

static inline size_t program_name_count(const struct template *t)
{
	return t->names.len / sizeof(struct name);
}

static inline const struct name *program_name(const struct template *t, uint32_t name)
{
	return (const struct name *)(const void *)t->names.ptr + name;
}

static inline const struct part *program_part(const struct template *t, uint32_t part)
{
	return (const struct part *)(const void *)t->parts.ptr + part;
}

static inline struct span program_text(const struct template *t, const struct op *op)
{
	return (struct span){ t->pool.ptr + op->text_at, op->text_len };
}

void program_init(struct template *t);
void program_finish(struct template *t);

/* Append a text step, or lengthen the last one. */
void program_add_text(struct template *t, struct span text);
/* The same with text as the inside of a JSON string. */
void program_add_characters(struct template *t, struct span text);
/* Append op with a name ("." or "a.b", checked by the caller). Returns its place. */
uint32_t program_add(struct template *t, struct op op, struct span name);
/* End the section or inverted section at place. */
void program_end(struct template *t, uint32_t place);
/* Whether all of it was kept: ERR_OK, ERR_TOO_BIG or ERR_MEMORY. */
MUST_CHECK enum err program_check(const struct template *t);

#endif
