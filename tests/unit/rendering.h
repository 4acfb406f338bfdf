/* rendering.h - tables of templates with what they must give, for test_template*.c.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_TESTS_RENDERING_H
#define TOCSIN_TESTS_RENDERING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/json.h"
#include "template/template.h"

enum { RENDERING_DEPTH = 64, RENDERING_MAX_BYTES = 1 << 20 };

struct rendering {
	const char *label, *text, *event, *want;
};

/* Copies of exact size on the heap: the sanitizer sees a read beyond them. */
static inline struct span exact(const char *text)
{
	const size_t len = strlen(text);
	char *copy = malloc(len == 0 ? 1 : len);

	assert_non_null(copy);
	memcpy(copy, text, len);
	return (struct span){ copy, len };
}

enum source { SOURCE_TEXT, SOURCE_JSON };

static inline struct template *compiled(const char *text, enum source source)
{
	const struct span copy = exact(text);
	struct template *t = NULL;
	struct template_fault fault;
	const enum err rc = source == SOURCE_JSON ? template_compile_json(copy, &t, &fault)
						  : template_compile(copy, &t, &fault);

	free((void *)(uintptr_t)copy.ptr);
	if (rc != ERR_OK)
		fail_msg("%s: %zu:%zu: %s", text, fault.line, fault.column, fault.text);
	return t;
}

/* The caller frees the text. Rendered twice: nothing may stay behind. */
static inline char *rendered(const struct template *t, struct template_input in, const char *event)
{
	const struct span copy = exact(event);
	struct json_value value;
	struct buf out, again;
	char *text;

	if (json_scan(copy, RENDERING_DEPTH, &value, NULL) != ERR_OK)
		fail_msg("no JSON: %s", event);
	in.event = copy;
	buf_init(&out, RENDERING_MAX_BYTES);
	buf_init(&again, RENDERING_MAX_BYTES);
	assert_int_equal(template_render(t, &in, &out), ERR_OK);
	assert_int_equal(template_render(t, &in, &again), ERR_OK);
	assert_true(span_equal(buf_view(&out), buf_view(&again)));
	text = buf_take(&out);
	assert_non_null(text);
	buf_finish(&again);
	free((void *)(uintptr_t)copy.ptr);
	return text;
}

static inline void rendering_check(const struct rendering *c, enum source source,
				   struct template_input in)
{
	struct template *t = compiled(c->text, source);
	char *got = rendered(t, in, c->event);

	if (strcmp(got, c->want) != 0)
		fail_msg("%s: %s\n got: %s\nwant: %s", c->label, c->text, got, c->want);
	free(got);
	template_destroy(t);
}

static inline void renderings_check(const struct rendering *cases, size_t count, enum source source,
				    enum tocsin_escape escape)
{
	for (size_t i = 0; i < count; i++)
		rendering_check(&cases[i], source, (struct template_input){ .escape = escape });
}

#endif
