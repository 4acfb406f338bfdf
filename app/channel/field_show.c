/* field_show.c - how one value of configs is shown: masks and its JSON Schema.
 * Not here: checking (field_check.c).
 * Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "channel/field.h"

#include <stdio.h>

#include "base/url.h"

/* Every mask ends with it, so that one which stands for nothing is told from a
 * value. A short secret shows nothing of itself. */
static const char MASK[] = "****";
enum { SHOWN_CHARACTERS = 4, SHOWN_FROM_BYTES = 16 };

bool field_is_masked(struct span text)
{
	const size_t len = sizeof(MASK) - 1;

	return text.len >= len && memcmp(text.ptr + text.len - len, MASK, len) == 0;
}

/* The bytes of text that its mask may show: a URL's scheme and host, the first
 * characters (often a kind, "xoxb") of something long and ASCII. */
static size_t shown_bytes(struct span text)
{
	const char *host = text.len < 8 ? NULL : memchr(text.ptr, ':', 6);

	if (host != NULL && memcmp(host, "://", 3) == 0) {
		const size_t from = (size_t)(host - text.ptr) + 3;
		const char *slash = memchr(text.ptr + from, '/', text.len - from);

		return slash == NULL ? from : (size_t)(slash - text.ptr) + 1;
	}
	if (text.len < SHOWN_FROM_BYTES)
		return 0;
	for (size_t i = 0; i < SHOWN_CHARACTERS; i++) {
		if ((unsigned char)text.ptr[i] >= 0x80)
			return 0;
	}
	return SHOWN_CHARACTERS;
}

void field_mask(struct span text, struct buf *out)
{
	buf_span(out, (struct span){ text.ptr, shown_bytes(text) });
	buf_text(out, MASK);
}

static struct span text_of(struct json_object *value)
{
	return (struct span){ json_object_get_string(value),
			      (size_t)json_object_get_string_len(value) };
}

/* Is given what old's value is shown as? */
static bool mask_matches(struct json_object *given, struct json_object *old)
{
	struct buf mask;

	if (!json_object_is_type(given, json_type_string) ||
	    !json_object_is_type(old, json_type_string) || !field_is_masked(text_of(given)))
		return false;
	buf_init(&mask, URL_MAX_BYTES);
	field_mask(text_of(old), &mask);
	const bool matches = mask.failed == ERR_OK && span_equal(buf_view(&mask), text_of(given));

	buf_finish(&mask);
	return matches;
}

/* The old element that a list's given one is the mask of: the one in its
 * place when it fits, for several may look alike. */
static struct json_object *element_unmask(struct json_object *given, struct json_object *old,
					  size_t place)
{
	if (!json_object_is_type(old, json_type_array))
		return given;
	const size_t count = json_object_array_length(old);

	if (place < count && mask_matches(given, json_object_array_get_idx(old, place)))
		return json_object_array_get_idx(old, place);
	for (size_t i = 0; i < count; i++) {
		if (mask_matches(given, json_object_array_get_idx(old, i)))
			return json_object_array_get_idx(old, i);
	}
	return given;
}

static struct json_object *list_unmask(struct json_object *value, struct json_object *old)
{
	struct json_object *out = json_object_new_array();
	const size_t count = json_object_array_length(value);

	for (size_t i = 0; i < count; i++) {
		struct json_object *given = json_object_array_get_idx(value, i);

		json_object_array_add(out, json_object_get(element_unmask(given, old, i)));
	}
	return out;
}

static struct json_object *pairs_unmask(struct json_object *value, struct json_object *old)
{
	struct json_object *out = json_object_new_object();

	json_object_object_foreach(value, name, given)
	{
		struct json_object *was = NULL;

		if (json_object_is_type(old, json_type_object))
			json_object_object_get_ex(old, name, &was);
		json_object_object_add(out, name,
				       json_object_get(mask_matches(given, was) ? was : given));
	}
	return out;
}

struct json_object *field_unmask(const struct tocsin_field *row, struct json_object *value,
				 struct json_object *old)
{
	if (!field_is_secret(row) || value == NULL || old == NULL)
		return json_object_get(value);
	if (row->kind == TOCSIN_LIST && json_object_is_type(value, json_type_array))
		return list_unmask(value, old);
	if (row->kind == TOCSIN_PAIRS && json_object_is_type(value, json_type_object))
		return pairs_unmask(value, old);
	return json_object_get(mask_matches(value, old) ? old : value);
}

static void text_show(struct json_object *value, struct json_writer *w)
{
	struct buf mask;

	buf_init(&mask, URL_MAX_BYTES);
	field_mask(text_of(value), &mask);
	/* A mask too long to build shows nothing at all. */
	if (mask.failed == ERR_OK)
		json_put_span(w, NULL, buf_view(&mask));
	else
		json_put(w, NULL, MASK);
	buf_finish(&mask);
}

static void secret_show(struct json_object *value, struct json_writer *w)
{
	if (json_object_is_type(value, json_type_array)) {
		json_open(w, '[');
		for (size_t i = 0; i < json_object_array_length(value); i++)
			text_show(json_object_array_get_idx(value, i), w);
		json_close(w, ']');
		return;
	}
	if (!json_object_is_type(value, json_type_object)) {
		text_show(value, w);
		return;
	}
	json_open(w, '{');
	json_object_object_foreach(value, name, text)
	{
		json_put(w, NULL, name);
		buf_byte(w->out, ':');
		w->comma = false;
		text_show(text, w);
	}
	json_close(w, '}');
}

void field_show(const struct tocsin_field *row, struct json_object *value, struct json_writer *w)
{
	if (value == NULL)
		json_put_null(w, NULL);
	else if (field_is_secret(row))
		secret_show(value, w);
	else
		json_put_raw(
			w, NULL,
			span_of(json_object_to_json_string_ext(
				value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
}
