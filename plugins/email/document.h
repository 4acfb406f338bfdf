/* document.h - JSON laid out for people.
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

#endif
