/* raws.h - the texts of a list or a group of texts, before they are checked.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_CONF_RAWS_H
#define TOCSIN_CONF_RAWS_H

#include <libconfig.h>
#include <stddef.h>

/* A text before it is checked, and where it was written. */
struct raw {
	const char *name; /* of a pair; NULL in lists */
	const char *text; /* NULL: it was no text */
	const char *file; /* NULL: where the whole value was */
	unsigned line;
};

struct raws {
	struct raw *items;
	size_t count;
	char *copy; /* what the items point into when it was one text */
};

/* A list's elements, or a group's members with their names; borrowed from it. */
struct raws raws_from_setting(const config_setting_t *setting);
/* "a, b": what stands between commas; a text of blanks has no elements. */
struct raws raws_from_text(const char *text);
/* Part each "name=value", for pairs that came as one text; text becomes NULL
 * where there is no '='. */
void raws_part(struct raws *raws);
void raws_finish(struct raws *raws);

#endif
