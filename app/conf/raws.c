/* raws.c - the texts of a list or a group of texts, before they are checked.
 * Not here: checking them (value.c).
 * Thread: main, at start-up.
 * SPDX-License-Identifier: MIT */
#include "conf/raws.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void raws_finish(struct raws *raws)
{
	free(raws->items);
	free(raws->copy);
}

struct raws raws_from_setting(const config_setting_t *setting)
{
	const int count = config_setting_length(setting);
	struct raws raws = { .items = xcalloc((size_t)count + 1, sizeof(*raws.items)),
			     .count = (size_t)count };

	for (int i = 0; i < count; i++) {
		const config_setting_t *s = config_setting_get_elem(setting, (unsigned)i);

		raws.items[i] = (struct raw){ config_setting_name(s), config_setting_get_string(s),
					      config_setting_source_file(s),
					      config_setting_source_line(s) };
	}
	return raws;
}

static char *blanks_drop(char *text)
{
	text += strspn(text, " \t");

	size_t bytes = strlen(text);

	while (bytes > 0 && strchr(" \t", text[bytes - 1]) != NULL)
		text[--bytes] = '\0';
	return text;
}

struct raws raws_from_text(const char *text)
{
	struct raws raws = { .copy = xstrdup(text) };
	char *rest = blanks_drop(raws.copy);

	while (rest != NULL && (*rest != '\0' || raws.count > 0)) {
		char *comma = strchr(rest, ',');

		if (comma != NULL)
			*comma++ = '\0';
		raws.items = xrealloc(raws.items, (raws.count + 1) * sizeof(*raws.items));
		raws.items[raws.count++] = (struct raw){ .text = blanks_drop(rest) };
		rest = comma;
	}
	return raws;
}

void raws_part(struct raws *raws)
{
	for (size_t i = 0; i < raws->count; i++) {
		struct raw *raw = &raws->items[i];
		char *equals = (char *)(uintptr_t)strchr(raw->text, '=');

		raw->name = raw->text;
		raw->text = NULL;
		if (equals == NULL)
			continue;
		*equals = '\0';
		raw->text = equals + 1;
	}
}
