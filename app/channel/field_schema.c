/* field_schema.c - one row of a fields table as JSON Schema, for /openapi.json.
 * Not here: the object around the rows (configs.c).
 * Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "channel/field.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/url.h"

enum { TITLE_BYTES = 80 };

/* "webhook_url" as "Webhook Url". */
static void title_put(const char *key, struct json_writer *w)
{
	char title[TITLE_BYTES];
	size_t len = 0;

	for (; key[len] != '\0' && len + 1 < sizeof(title); len++) {
		const bool is_first = len == 0 || key[len - 1] == '_';
		char c = key[len] == '_' ? ' ' : key[len];

		if (is_first && c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		title[len] = c;
	}
	title[len] = '\0';
	json_put(w, "title", title);
}

static void limits_put(const struct tocsin_field *row, const char *min_key, const char *max_key,
		       struct json_writer *w)
{
	if (row->min > 0)
		json_put_int(w, min_key, row->min);
	if (row->max > 0)
		json_put_int(w, max_key, row->max);
}

/* minimum and maximum in the API's unit. */
static void range_put(const struct tocsin_field *row, struct json_writer *w)
{
	char text[SECONDS_TEXT_BYTES];

	if (row->min == 0 && row->max == 0)
		return;
	if (row->kind != TOCSIN_TIME_MS) {
		json_put_int(w, "minimum", row->min);
		json_put_int(w, "maximum", row->max);
		return;
	}
	field_seconds_format(row->min, text);
	json_put_raw(w, "minimum", span_of(text));
	field_seconds_format(row->max, text);
	json_put_raw(w, "maximum", span_of(text));
}

static void text_put(const struct tocsin_field *row, uint32_t kind, struct json_writer *w)
{
	json_put(w, "type", "string");
	if (kind == TOCSIN_URL || kind == TOCSIN_OPERATOR_URL) {
		json_put_int(w, "maxLength", URL_MAX_BYTES);
		return;
	}
	if (kind == TOCSIN_EMAIL) {
		json_put(w, "format", "email");
		return;
	}
	if (kind == TOCSIN_CHOICE) {
		json_key(w, "enum");
		json_open(w, '[');
		for (size_t i = 0; row->choices[i] != NULL; i++)
			json_put(w, NULL, row->choices[i]);
		json_close(w, ']');
	}
}

static void type_put(const struct tocsin_field *row, struct json_writer *w)
{
	switch ((enum tocsin_kind)row->kind) {
	case TOCSIN_TEXT:
	case TOCSIN_TEMPLATE:
		text_put(row, row->kind, w);
		limits_put(row, "minLength", "maxLength", w);
		return;
	case TOCSIN_CHOICE:
	case TOCSIN_URL:
	case TOCSIN_OPERATOR_URL:
	case TOCSIN_EMAIL:
	case TOCSIN_FILE:
	case TOCSIN_PHONE: text_put(row, row->kind, w); return;
	case TOCSIN_INT:
	case TOCSIN_SIZE:
		json_put(w, "type", "integer");
		range_put(row, w);
		return;
	case TOCSIN_NUMBER:
	case TOCSIN_TIME_MS:
		json_put(w, "type", "number");
		range_put(row, w);
		return;
	case TOCSIN_BOOL: json_put(w, "type", "boolean"); return;
	case TOCSIN_LIST:
		json_put(w, "type", "array");
		json_key(w, "items");
		json_open(w, '{');
		text_put(row, row->item, w);
		json_close(w, '}');
		limits_put(row, "minItems", "maxItems", w);
		return;
	case TOCSIN_PAIRS:
		json_put(w, "type", "object");
		json_put_raw(w, "additionalProperties", span_of("{\"type\":\"string\"}"));
		limits_put(row, "minProperties", "maxProperties", w);
		return;
	case TOCSIN_JSON_TEMPLATE:
		if (row->item != TOCSIN_OBJECT) {
			json_put_raw(w, "type", span_of("[\"string\",\"array\",\"object\"]"));
			json_put_raw(w, "items", span_of("{}"));
			return;
		}
		json_put(w, "type", "object");
		json_put_bool(w, "additionalProperties", true);
		return;
	case TOCSIN_OBJECT:
		json_put(w, "type", "object");
		json_put_bool(w, "additionalProperties", true);
		return;
	}
}

/* Replies show null for what is absent and has no default. */
static bool may_be_null(const struct tocsin_field *row)
{
	const bool is_required = (row->flags & TOCSIN_REQUIRED) != 0 && row->group == NULL;

	return !is_required && row->dflt == NULL;
}

void field_schema(const struct tocsin_field *row, struct json_writer *w)
{
	json_open(w, '{');
	if (may_be_null(row)) {
		json_key(w, "anyOf");
		json_open(w, '[');
		json_open(w, '{');
		type_put(row, w);
		json_close(w, '}');
		json_put_raw(w, NULL, span_of("{\"type\":\"null\"}"));
		json_close(w, ']');
	} else {
		type_put(row, w);
	}
	title_put(row->key, w);
	json_put(w, "description", row->help);
	if (row->dflt != NULL)
		json_put_raw(w, "default", span_of(row->dflt));
	json_close(w, '}');
}
