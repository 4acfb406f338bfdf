/* faults.c - collects what is wrong with a request's body as JSON.
 * Not here: the rules themselves, nor the reply around the list (api/).
 * Any thread; a struct faults belongs to one.
 * SPDX-License-Identifier: MIT */
#include "model/faults.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"

/* A key is a stranger's text: enough of it to recognise it is shown. */
enum { KEY_SHOWN_BYTES = 200, MESSAGE_BYTES = 512, DETAIL_MAX_BYTES = 1024 * 1024 };

void faults_init(struct faults *f)
{
	buf_init(&f->detail, DETAIL_MAX_BYTES);
	f->count = 0;
}

void faults_finish(struct faults *f)
{
	if (f == NULL)
		return;
	buf_finish(&f->detail);
	f->count = 0;
}

/* At most max bytes of text, never ending inside a character. */
static struct span text_cut(const char *text, size_t max)
{
	struct span s = span_of(text);

	if (s.len <= max)
		return s;
	s.len = max;
	while (s.len > 0 && ((unsigned char)s.ptr[s.len] & 0xC0) == 0x80)
		s.len--;
	return s;
}

static void loc_append(struct json_writer *w, const struct loc *loc)
{
	const struct loc *chain[LOC_DEPTH_MAX];
	size_t depth = 0;

	for (; loc != NULL && depth < LOC_DEPTH_MAX; loc = loc->parent)
		chain[depth++] = loc;
	while (depth > 0) {
		const struct loc *place = chain[--depth];

		if (place->key == NULL)
			json_put_int(w, NULL, (int64_t)place->index);
		else
			json_put_span(w, NULL, text_cut(place->key, KEY_SHOWN_BYTES));
	}
}

void faults_add(struct faults *f, const struct loc *loc, const char *type, const char *fmt, ...)
{
	char message[MESSAGE_BYTES];
	struct json_writer w = { .out = &f->detail, .comma = f->count > 0 };
	va_list args;

	if (f->count++ >= FAULTS_MAX)
		return;
	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	json_open(&w, '{');
	json_key(&w, "loc");
	json_open(&w, '[');
	loc_append(&w, loc);
	json_close(&w, ']');
	/* vsnprintf may have cut inside a character. */
	json_put_span(&w, "msg", text_cut(message, sizeof(message) - 4));
	json_put(&w, "type", type);
	json_close(&w, '}');
}
