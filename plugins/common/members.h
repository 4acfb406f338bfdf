/* members.h - reading the members of a JSON object one after the other, in place.
 * SPDX-License-Identifier: MIT
 * For JSON whose bytes matter (numbers as they are spelled), also such that may
 * end anywhere (a reply of which only the first bytes are kept). Pure. */
#ifndef PLUGINS_COMMON_MEMBERS_H
#define PLUGINS_COMMON_MEMBERS_H

#include "tocsin/channel.h"

/* The rest of an object. */
struct members {
	const char *at, *end;
};

struct member {
	struct tocsin_span name;  /* with its quotes, escapes and all */
	struct tocsin_span value; /* from its first to its last byte; a string with its quotes */
};

/* Start with json. Returns 1, or 0 when it is no object. */
int members_init(struct members *m, struct tocsin_span json);
/* The next member that is there as a whole. Returns 0 at the end, wherever it is. */
int members_next(struct members *m, struct member *out);
/* json's member of that name; ptr NULL when it is not there. */
struct tocsin_span members_find(struct tocsin_span json, const char *name);

/* Is value spelled like that? A string is spelled with its quotes. */
int value_is(struct tocsin_span value, const char *word);

#endif
