/* document.h - JSON texts as mails show them: laid out, and walked by member.
 * SPDX-License-Identifier: MIT
 * Nothing is converted: numbers stay as they were written, however long. Any
 * thread; pure. */
#ifndef PLUGINS_EMAIL_DOCUMENT_H
#define PLUGINS_EMAIL_DOCUMENT_H

#include "common/text.h"
#include "tocsin/channel.h"

/* Append json on lines of its own, indented by two blanks a level, without a
 * newline at the end. Returns 1, or 0 when it is not one JSON value (what was
 * appended is then of no use). */
int document_print(struct tocsin_span json, struct text *out);

struct document_member {
	struct tocsin_span name;  /* with its quotes */
	struct tocsin_span value; /* as it is written */
};

/* The next member of object, which is valid JSON; *at is 0 at first. Returns 0
 * after the last one, and for what is no object. */
int document_next(struct tocsin_span object, size_t *at, struct document_member *out);

/* The value of that member, ptr NULL when it is absent or null. */
struct tocsin_span document_find(struct tocsin_span object, const char *name);

/* Append what people read of a valid value: a string without quotes and escapes,
 * anything else as it is written. */
void document_text(struct tocsin_span value, struct text *out);

#endif
