/* organization.c - tenants, and the scopes of their keys as text.
 * Not here: making and checking keys (domain/access).
 * Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "model/organization.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/span.h"

static const struct {
	const char *name;
	unsigned bit;
} scopes[] = {
	{ "publish", SCOPE_PUBLISH },
	{ "read", SCOPE_READ },
	{ "manage", SCOPE_MANAGE },
};

void organization_finish(struct organization *o)
{
	if (o == NULL)
		return;
	free(o->name);
	*o = (struct organization){ 0 };
}

static unsigned scope_find(struct span name)
{
	for (size_t i = 0; i < COUNT_OF(scopes); i++) {
		if (span_is(name, scopes[i].name))
			return scopes[i].bit;
	}
	return 0;
}

unsigned scopes_parse(const char *text)
{
	unsigned bits = 0;

	while (text != NULL) {
		const char *comma = strchr(text, ',');
		const size_t len = comma == NULL ? strlen(text) : (size_t)(comma - text);
		const unsigned bit = scope_find((struct span){ text, len });

		if (bit == 0)
			return 0;
		bits |= bit;
		text = comma == NULL ? NULL : comma + 1;
	}
	return bits;
}

void scopes_format(unsigned bits, char out[32])
{
	size_t len = 0;

	for (size_t i = 0; i < COUNT_OF(scopes); i++) {
		const size_t name_len = strlen(scopes[i].name);

		if ((bits & scopes[i].bit) == 0)
			continue;
		if (len > 0)
			out[len++] = ',';
		memcpy(out + len, scopes[i].name, name_len);
		len += name_len;
	}
	out[len] = '\0';
}
