/* field.c - the kinds of a fields table and their form in the plugin's struct.
 * Not here: checking (field_check.c), showing (field_show.c), which rows there
 * are (configs.c), a table's own faults (table.c), tocsin.conf (conf/).
 * Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "channel/field.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "template/template.h"

size_t field_bytes(uint32_t kind)
{
	switch ((enum tocsin_kind)kind) {
	case TOCSIN_TEXT:
	case TOCSIN_CHOICE:
	case TOCSIN_URL:
	case TOCSIN_OPERATOR_URL:
	case TOCSIN_EMAIL:
	case TOCSIN_FILE:
	case TOCSIN_PHONE: return sizeof(const char *);
	case TOCSIN_TEMPLATE:
	case TOCSIN_JSON_TEMPLATE: return sizeof(struct template *);
	case TOCSIN_INT:
	case TOCSIN_TIME_MS:
	case TOCSIN_SIZE: return sizeof(int64_t);
	case TOCSIN_NUMBER: return sizeof(double);
	case TOCSIN_BOOL: return sizeof(uint8_t);
	case TOCSIN_LIST: return sizeof(struct tocsin_list);
	case TOCSIN_PAIRS: return sizeof(struct tocsin_pairs);
	case TOCSIN_OBJECT: return sizeof(struct tocsin_span);
	}
	return 0;
}

bool field_is_text(uint32_t kind)
{
	return kind == TOCSIN_TEXT || kind == TOCSIN_CHOICE || kind == TOCSIN_URL ||
	       kind == TOCSIN_OPERATOR_URL || kind == TOCSIN_EMAIL || kind == TOCSIN_PHONE ||
	       kind == TOCSIN_FILE;
}

bool field_is_secret(const struct tocsin_field *row)
{
	return (row->flags & TOCSIN_SECRET) != 0 &&
	       (field_is_text(row->kind) || row->kind == TOCSIN_LIST || row->kind == TOCSIN_PAIRS);
}

struct json_object *field_default(const struct tocsin_field *row)
{
	return row->dflt == NULL ? NULL : json_tokener_parse(row->dflt);
}

/* Seconds with a fraction, as the API writes them: 10.0, 1.25 */
void field_seconds_format(int64_t ms, char out[SECONDS_TEXT_BYTES])
{
	int len = snprintf(out, SECONDS_TEXT_BYTES, "%" PRId64 ".%03d", ms / 1000,
			   (int)(ms % 1000));

	while (out[len - 1] == '0' && out[len - 2] != '.')
		out[--len] = '\0';
}

static char *text_copy(struct json_object *value)
{
	const size_t len = (size_t)json_object_get_string_len(value);

	return xspandup((struct span){ json_object_get_string(value), len });
}

static bool list_fill(struct json_object *value, struct tocsin_list *out)
{
	if (!json_object_is_type(value, json_type_array))
		return false;
	const size_t count = json_object_array_length(value);
	const char **items = xcalloc(count + 1, sizeof(*items));

	/* Placed first, so that field_finish() frees what is there. */
	out->items = items;
	for (size_t i = 0; i < count; i++) {
		struct json_object *item = json_object_array_get_idx(value, i);

		if (!json_object_is_type(item, json_type_string))
			return false;
		items[i] = text_copy(item);
		out->count = i + 1;
	}
	return true;
}

static bool pairs_fill(struct json_object *value, struct tocsin_pairs *out)
{
	if (!json_object_is_type(value, json_type_object))
		return false;
	const size_t count = (size_t)json_object_object_length(value);
	struct tocsin_pair *items = xcalloc(count + 1, sizeof(*items));

	out->items = items;
	json_object_object_foreach(value, name, text)
	{
		if (!json_object_is_type(text, json_type_string))
			return false;
		items[out->count].name = xstrdup(name);
		items[out->count++].value = text_copy(text);
	}
	return true;
}

static bool object_fill(struct json_object *value, struct tocsin_span *out)
{
	if (!json_object_is_type(value, json_type_object))
		return false;
	const char *text = json_object_to_json_string_ext(
		value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	out->ptr = xstrdup(text);
	out->len = strlen(text);
	return true;
}

static bool template_fill(struct json_object *value, struct template **out)
{
	struct template_fault fault;

	if (!json_object_is_type(value, json_type_string))
		return false;
	const struct span text = { json_object_get_string(value),
				   (size_t)json_object_get_string_len(value) };

	return template_compile(text, out, &fault) == ERR_OK;
}

/* A text holds the JSON, or value is it. */
static bool json_template_fill(struct json_object *value, struct template **out)
{
	struct template_fault fault;
	struct json_value whole;
	struct span text;

	if (json_object_is_type(value, json_type_string))
		text = (struct span){ json_object_get_string(value),
				      (size_t)json_object_get_string_len(value) };
	else
		text = span_of(json_object_to_json_string_ext(
			value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	return json_scan(text, TEMPLATE_DEPTH_MAX, &whole, NULL) == ERR_OK &&
	       template_compile_json(text, out, &fault) == ERR_OK;
}

static bool number_fill(const struct tocsin_field *row, struct json_object *value, void *at)
{
	const bool is_whole = json_object_is_type(value, json_type_int);

	if (!is_whole && !json_object_is_type(value, json_type_double))
		return false;
	if (row->kind == TOCSIN_NUMBER) {
		*(double *)at = json_object_get_double(value);
		return true;
	}
	if (row->kind == TOCSIN_TIME_MS) {
		const double ms = json_object_get_double(value) * 1000;

		if (!(ms >= 0 && ms <= 9.0e15))
			return false;
		*(int64_t *)at = llround(ms);
		return true;
	}
	*(int64_t *)at = json_object_get_int64(value);
	return is_whole;
}

static bool value_fill(const struct tocsin_field *row, struct json_object *value, void *at)
{
	switch ((enum tocsin_kind)row->kind) {
	case TOCSIN_TEXT:
	case TOCSIN_CHOICE:
	case TOCSIN_URL:
	case TOCSIN_OPERATOR_URL:
	case TOCSIN_EMAIL:
	case TOCSIN_FILE:
	case TOCSIN_PHONE:
		if (!json_object_is_type(value, json_type_string))
			return false;
		*(char **)at = text_copy(value);
		return true;
	case TOCSIN_INT:
	case TOCSIN_SIZE:
	case TOCSIN_NUMBER:
	case TOCSIN_TIME_MS: return number_fill(row, value, at);
	case TOCSIN_BOOL:
		*(uint8_t *)at = json_object_get_boolean(value) ? 1 : 0;
		return json_object_is_type(value, json_type_boolean);
	case TOCSIN_LIST: return list_fill(value, at);
	case TOCSIN_PAIRS: return pairs_fill(value, at);
	case TOCSIN_OBJECT: return object_fill(value, at);
	case TOCSIN_TEMPLATE: return template_fill(value, at);
	case TOCSIN_JSON_TEMPLATE: return json_template_fill(value, at);
	}
	return false;
}

bool field_fill(const struct tocsin_field *row, struct json_object *value, void *values)
{
	return value == NULL || value_fill(row, value, (char *)values + row->offset);
}

static void pairs_finish(struct tocsin_pairs *pairs)
{
	for (size_t i = 0; i < pairs->count; i++) {
		free((char *)pairs->items[i].name);
		free((char *)pairs->items[i].value);
	}
	free((struct tocsin_pair *)pairs->items);
	*pairs = (struct tocsin_pairs){ NULL, 0 };
}

static void list_finish(struct tocsin_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free((char *)list->items[i]);
	free((char **)list->items);
	*list = (struct tocsin_list){ NULL, 0 };
}

/* The struct shows plugins const texts; they are ours. */
void field_finish(const struct tocsin_field *row, void *values)
{
	void *at = (char *)values + row->offset;

	if (field_is_text(row->kind)) {
		free(*(char **)at);
		*(char **)at = NULL;
	} else if (row->kind == TOCSIN_LIST) {
		list_finish(at);
	} else if (row->kind == TOCSIN_PAIRS) {
		pairs_finish(at);
	} else if (row->kind == TOCSIN_TEMPLATE || row->kind == TOCSIN_JSON_TEMPLATE) {
		template_destroy(*(struct template **)at);
		*(struct template **)at = NULL;
	} else if (row->kind == TOCSIN_OBJECT) {
		struct tocsin_span *span = at;

		free((char *)span->ptr);
		*span = (struct tocsin_span){ NULL, 0 };
	}
}
