/* members.c - a walk over one level of a JSON object.
 * Not here: whether the text is JSON at all; what is broken ends the walk.
 * Pure; any thread.
 * SPDX-License-Identifier: MIT */
#include "common/members.h"

#include <string.h>

static void blanks_skip(struct members *m)
{
	while (m->at < m->end && memchr(" \t\r\n", *m->at, 4) != NULL)
		m->at++;
}

/* Past the string that begins at m->at. Returns 0 when it does not end. */
static int string_skip(struct members *m)
{
	for (m->at++; m->at < m->end; m->at++) {
		if (*m->at == '\\')
			m->at++;
		else if (*m->at == '"')
			break;
	}
	if (m->at >= m->end)
		return 0;
	m->at++;
	return 1;
}

/* Past the object or list that begins at m->at. */
static int nest_skip(struct members *m)
{
	size_t depth = 0;

	while (m->at < m->end) {
		const char c = *m->at;

		if (c == '"') {
			if (!string_skip(m))
				return 0;
			continue;
		}
		m->at++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			return 1;
	}
	return 0;
}

/* Past a number or word; one that reaches the end may be half of it. */
static int word_skip(struct members *m)
{
	const char *start = m->at;

	while (m->at < m->end && memchr(",}] \t\r\n", *m->at, 7) == NULL)
		m->at++;
	return m->at > start && m->at < m->end;
}

static int value_skip(struct members *m)
{
	if (m->at >= m->end)
		return 0;
	if (*m->at == '"')
		return string_skip(m);
	if (*m->at == '{' || *m->at == '[')
		return nest_skip(m);
	return word_skip(m);
}

int members_init(struct members *m, struct tocsin_span json)
{
	*m = (struct members){ json.ptr, json.ptr == NULL ? NULL : json.ptr + json.len };
	blanks_skip(m);
	if (m->at >= m->end || *m->at != '{')
		return 0;
	m->at++;
	return 1;
}

int members_next(struct members *m, struct member *out)
{
	blanks_skip(m);
	if (m->at < m->end && *m->at == ',') {
		m->at++;
		blanks_skip(m);
	}
	const char *name = m->at;

	if (m->at >= m->end || *m->at != '"' || !string_skip(m))
		return 0;
	out->name = (struct tocsin_span){ name, (size_t)(m->at - name) };
	blanks_skip(m);
	if (m->at >= m->end || *m->at != ':')
		return 0;
	m->at++;
	blanks_skip(m);
	const char *value = m->at;

	if (!value_skip(m))
		return 0;
	out->value = (struct tocsin_span){ value, (size_t)(m->at - value) };
	return 1;
}

struct tocsin_span members_find(struct tocsin_span json, const char *name)
{
	const size_t len = strlen(name);
	struct members m;
	struct member one;

	if (members_init(&m, json)) {
		while (members_next(&m, &one)) {
			if (one.name.len == len + 2 && memcmp(one.name.ptr + 1, name, len) == 0)
				return one.value;
		}
	}
	return (struct tocsin_span){ NULL, 0 };
}

int value_is(struct tocsin_span value, const char *word)
{
	const size_t len = strlen(word);

	return value.ptr != NULL && value.len == len && memcmp(value.ptr, word, len) == 0;
}
