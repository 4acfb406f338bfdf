/* value.c - one value: from the file or a text into its slot, by its row.
 * Not here: which keys a group has (settings_reader.c); words (value_words.c).
 * Thread: main, at start-up; `file:` waits for the disk.
 * SPDX-License-Identifier: MIT */
#include "conf/value.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/contact.h"
#include "base/mem.h"
#include "base/url.h"
#include "conf/file.h"
#include "conf/raws.h"
#include "conf/value_text.h"
#include "conf/value_words.h"
#include "template/template.h"

enum {
	FAULT_MAX_BYTES = 4000,
	SECRET_MAX_BYTES = 64 * 1024,
	OBJECT_DEPTH_MAX = 64,
};

static void *slot_of(const struct tocsin_field *row, void *values)
{
	return (char *)values + row->offset;
}

/* --- Numbers ------------------------------------------------------------ */

static void integer_store(const struct value_place *at, const struct tocsin_field *row,
			  int64_t number, void *values)
{
	struct buf found;

	if (!value_has_range(row) || (number >= row->min && number <= row->max)) {
		*(int64_t *)slot_of(row, values) = number;
		return;
	}
	buf_init(&found, FAULT_MAX_BYTES);
	value_bound_describe(&found, row, number);
	value_range_refuse(at, row, value_is_secret(row) ? "another number" : found.ptr);
	buf_finish(&found);
}

static void number_store(const struct value_place *at, const struct tocsin_field *row,
			 double number, void *values)
{
	char found[64];

	if (isfinite(number) &&
	    (!value_has_range(row) || (number >= (double)row->min && number <= (double)row->max))) {
		*(double *)slot_of(row, values) = number;
		return;
	}
	snprintf(found, sizeof(found), "%g", number);
	if (value_has_range(row))
		value_range_refuse(at, row, value_is_secret(row) ? "another number" : found);
	else
		value_kind_refuse(at, row, value_is_secret(row) ? "no number" : found);
}

static void integer_text_store(const struct value_place *at, const struct tocsin_field *row,
			       const char *text, void *values)
{
	char *end = NULL;
	int64_t number = 0;
	bool good = false;

	if (row->kind == TOCSIN_TIME_MS) {
		good = setting_time_parse(text, &number);
	} else if (row->kind == TOCSIN_SIZE) {
		good = setting_size_parse(text, &number);
	} else {
		errno = 0;
		number = strtoll(text, &end, 10);
		good = errno == 0 && end != text && *end == '\0' && strchr("-0123456789", *text);
	}
	if (good)
		integer_store(at, row, number, values);
	else
		value_text_refuse(at, row, text);
}

static void number_text_store(const struct value_place *at, const struct tocsin_field *row,
			      const char *text, void *values)
{
	char *end = NULL;
	const double number = strtod(text, &end);

	if (end == text || *end != '\0')
		value_text_refuse(at, row, text);
	else
		number_store(at, row, number, values);
}

static void bool_text_store(const struct value_place *at, const struct tocsin_field *row,
			    const char *text, void *values)
{
	const bool yes = strcmp(text, "true") == 0;

	if (yes || strcmp(text, "false") == 0)
		*(uint8_t *)slot_of(row, values) = yes;
	else
		value_text_refuse(at, row, text);
}

/* --- Texts -------------------------------------------------------------- */

static void text_free(const struct tocsin_field *row, const char *text)
{
	char *mine = (char *)(uintptr_t)text; /* handed out as const, but ours */

	if (mine != NULL && value_is_secret(row))
		explicit_bzero(mine, strlen(mine));
	free(mine);
}

static char *secret_file_load(const struct value_place *at, const char *name)
{
	struct buf text;
	struct why why = { "" };
	char *path = file_path(at->folder, name);
	char *copy = NULL;

	buf_init(&text, SECRET_MAX_BYTES);
	buf_text(&text, ""); /* a text also when the file is empty */
	if (file_load(path, &text, &why) != ERR_OK) {
		value_fault_add(at, "names the file %s, which %s", path, why.text);
	} else if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL) {
		value_fault_add(at, "names the file %s, which is no text: it holds NUL bytes",
				path);
	} else {
		if (text.len > 0 && text.ptr[text.len - 1] == '\n')
			text.ptr[--text.len] = '\0';
		copy = xspandup(text.len > 0 ? buf_view(&text) : span_of(""));
	}
	if (text.ptr != NULL)
		explicit_bzero(text.ptr, text.size);
	buf_finish(&text);
	free(path);
	return copy;
}

/* The text itself, or what env: or file: names. NULL after a fault. Owner: caller. */
static char *source_text_load(const struct value_place *at, const struct tocsin_field *row,
			      const char *raw)
{
	if (!value_is_secret(row))
		return xstrdup(raw);
	if (strncmp(raw, "file:", 5) == 0)
		return secret_file_load(at, raw + 5);
	if (strncmp(raw, "env:", 4) != 0)
		return xstrdup(raw);

	const char *value = getenv(raw + 4);

	if (value == NULL)
		value_fault_add(at, "names the environment variable %s, which is not set", raw + 4);
	return xstrdup(value);
}

static bool choice_check(const struct tocsin_field *row, const char *text)
{
	for (const char *const *c = row->choices; c != NULL && *c != NULL; c++) {
		if (strcmp(*c, text) == 0)
			return true;
	}
	return false;
}

static bool object_check(const char *text)
{
	struct json_value value = { 0 };
	struct json_fault fault = { 0 };

	return json_scan(span_of(text), OBJECT_DEPTH_MAX, &value, &fault) == ERR_OK &&
	       value.type == JSON_OBJECT;
}

static bool url_normalise(const struct value_place *at, const struct tocsin_field *row, char **text)
{
	struct url url;
	struct why why = { "" };

	const char *schemes = row->kind == TOCSIN_URL ? "http,https" : NULL;

	if (url_parse_of(span_of(*text), schemes, &url, &why) != ERR_OK) {
		value_fault_add(at, "is no URL that can be used: %s",
				value_is_secret(row) ? "it breaks a rule" : why.text);
		return false;
	}
	text_free(row, *text);
	*text = xstrdup(url.text);
	url_finish(&url);
	return true;
}

/* The whole path of a file that can be read; what is in it is its reader's concern. */
static bool file_find(const struct value_place *at, char **text)
{
	char *path = file_path(at->folder, *text);

	if (access(path, R_OK) != 0) {
		value_fault_add(at, "names the file %s: %s", path, strerror(errno));
		free(path);
		return false;
	}
	free(*text);
	*text = path;
	return true;
}

/* In place: the normal form is never longer. */
static bool contact_normalise(uint32_t kind, char *text)
{
	char normal[EMAIL_TEXT_BYTES];
	const enum err rc = kind == TOCSIN_EMAIL ? contact_email_parse(span_of(text), normal, NULL)
						 : contact_phone_parse(span_of(text), normal, NULL);

	if (rc == ERR_OK)
		memcpy(text, normal, strlen(normal) + 1);
	return rc == ERR_OK;
}

/* Does the text keep its kind's rules? Range and characters come before. */
static bool kind_check(const struct tocsin_field *row, char *text)
{
	switch ((enum tocsin_kind)row->kind) {
	case TOCSIN_CHOICE: return choice_check(row, text);
	case TOCSIN_EMAIL:
	case TOCSIN_PHONE: return contact_normalise(row->kind, text);
	case TOCSIN_OBJECT: return object_check(text);
	case TOCSIN_TEXT:
	case TOCSIN_TEMPLATE:
	case TOCSIN_JSON_TEMPLATE:
	case TOCSIN_FILE:
	case TOCSIN_URL:
	case TOCSIN_OPERATOR_URL:
	case TOCSIN_INT:
	case TOCSIN_NUMBER:
	case TOCSIN_BOOL:
	case TOCSIN_TIME_MS:
	case TOCSIN_SIZE:
	case TOCSIN_LIST:
	case TOCSIN_PAIRS: return true;
	}
	return false;
}

static bool text_check(const struct value_place *at, const struct tocsin_field *row, char **text)
{
	if (!utf8_check(span_of(*text))) {
		value_kind_refuse(at, row, "not valid UTF-8");
		return false;
	}
	if (row->kind == TOCSIN_URL || row->kind == TOCSIN_OPERATOR_URL)
		return url_normalise(at, row, text);
	if (row->kind == TOCSIN_FILE)
		return file_find(at, text);
	if (!kind_check(row, *text)) {
		value_text_refuse(at, row, *text);
		return false;
	}

	const int64_t characters = (int64_t)utf8_length(span_of(*text));
	const bool counts = row->kind == TOCSIN_TEXT || row->kind == TOCSIN_TEMPLATE;
	char found[64];

	if (!counts || !value_has_range(row) || (characters >= row->min && characters <= row->max))
		return true;
	snprintf(found, sizeof(found), "%lld characters long", (long long)characters);
	value_range_refuse(at, row, value_is_secret(row) ? "too short or too long" : found);
	return false;
}

/* The checked, normalised text; NULL after a fault. Owner: caller. */
static char *text_load(const struct value_place *at, const struct tocsin_field *row,
		       const char *raw)
{
	char *text = source_text_load(at, row, raw);

	if (text == NULL || text_check(at, row, &text))
		return text;
	text_free(row, text);
	return NULL;
}

static void template_store(const struct value_place *at, const struct tocsin_field *row,
			   const char *text, void *values)
{
	struct template_fault fault = { 0 };
	struct template *template = NULL;

	if (template_compile(span_of(text), &template, &fault) != ERR_OK) {
		value_fault_add(at, "is no template: line %zu, column %zu: %s", fault.line,
				fault.column, fault.text);
		return;
	}
	value_finish(row, values);
	*(struct template **)slot_of(row, values) = template;
}

static void text_store(const struct value_place *at, const struct tocsin_field *row,
		       const char *raw, void *values)
{
	char *text = text_load(at, row, raw);

	if (text == NULL)
		return;
	if (row->kind == TOCSIN_TEMPLATE) {
		template_store(at, row, text, values);
		text_free(row, text);
		return;
	}
	value_finish(row, values);
	if (row->kind == TOCSIN_OBJECT)
		*(struct tocsin_span *)slot_of(row, values) = (struct tocsin_span){ text,
										    strlen(text) };
	else
		*(const char **)slot_of(row, values) = text;
}

/* --- Lists and pairs ---------------------------------------------------- */

static void raw_locate(struct value_place *place, const struct raw *raw)
{
	if (raw->file == NULL && raw->line == 0)
		return;
	place->file = raw->file;
	place->line = raw->line;
}

static bool count_check(const struct value_place *at, const struct tocsin_field *row, size_t count)
{
	char found[64];

	if (!value_has_range(row) || ((int64_t)count >= row->min && (int64_t)count <= row->max))
		return true;
	snprintf(found, sizeof(found), "%zu%s long", count, value_counted_of(row));
	value_range_refuse(at, row, found);
	return false;
}

static void list_store(const struct value_place *at, const struct tocsin_field *row,
		       const struct raws *raws, void *values)
{
	const struct tocsin_field item = { .key = row->key,
					   .kind = row->item,
					   .flags = row->flags & TOCSIN_SECRET };
	const char **items = xcalloc(raws->count + 1, sizeof(*items));
	bool good = count_check(at, row, raws->count);

	for (size_t i = 0; i < raws->count; i++) {
		const struct raw *raw = &raws->items[i];
		struct value_place place = *at;

		raw_locate(&place, raw);
		place.index = (long)i;
		if (raw->text == NULL)
			value_kind_refuse(&place, &item, "no text");
		else
			items[i] = text_load(&place, &item, raw->text);
		good = good && items[i] != NULL;
	}
	if (good) {
		value_finish(row, values);
		*(struct tocsin_list *)slot_of(row, values) = (struct tocsin_list){ items,
										    raws->count };
		return;
	}
	for (size_t i = 0; i < raws->count; i++)
		text_free(row, items[i]);
	free(items);
}

static void pairs_free(const struct tocsin_field *row, const struct tocsin_pair *items,
		       size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free((char *)(uintptr_t)items[i].name);
		text_free(row, items[i].value);
	}
	free((void *)(uintptr_t)items);
}

/* One pair; false after a fault, *out is owned either way. */
static bool pair_load(const struct value_place *at, const struct tocsin_field *row,
		      const struct raw *raw, struct tocsin_pair *out)
{
	const struct tocsin_field value = { .key = row->key,
					    .kind = TOCSIN_TEXT,
					    .flags = row->flags & TOCSIN_SECRET };
	struct why why = { "" };
	char *key = xformat("%s.%s", at->key, raw->name);
	struct value_place place = *at;
	bool good = false;

	place.key = key;
	raw_locate(&place, raw);
	out->name = xstrdup(raw->name);
	if (raw->text == NULL)
		value_kind_refuse(&place, &value, "no text");
	else
		out->value = text_load(&place, &value, raw->text);
	good = out->value != NULL;
	if (good && (row->flags & TOCSIN_IS_HEADERS) != 0 &&
	    header_check(span_of(out->name), span_of(out->value), &why) != ERR_OK) {
		value_fault_add(&place, "cannot be an HTTP header: %s",
				value_is_secret(row) ? "its name or value breaks a rule"
						     : why.text);
		good = false;
	}
	free(key);
	return good;
}

static void pairs_store(const struct value_place *at, const struct tocsin_field *row,
			const struct raws *raws, void *values)
{
	struct tocsin_pair *items = xcalloc(raws->count + 1, sizeof(*items));
	bool good = count_check(at, row, raws->count);

	for (size_t i = 0; i < raws->count; i++)
		good = pair_load(at, row, &raws->items[i], &items[i]) && good;
	if (!good) {
		pairs_free(row, items, raws->count);
		return;
	}
	value_finish(row, values);
	*(struct tocsin_pairs *)slot_of(row, values) = (struct tocsin_pairs){ items, raws->count };
}

/* --- Into the slot ------------------------------------------------------ */

static void aggregate_text_store(const struct value_place *at, const struct tocsin_field *row,
				 const char *text, void *values)
{
	struct raws raws = raws_from_text(text);

	if (row->kind == TOCSIN_PAIRS) {
		raws_part(&raws);
		pairs_store(at, row, &raws, values);
	} else {
		list_store(at, row, &raws, values);
	}
	raws_finish(&raws);
}

void value_text_store(const struct value_place *at, const struct tocsin_field *row,
		      const char *text, void *values)
{
	switch ((enum tocsin_kind)row->kind) {
	case TOCSIN_INT:
	case TOCSIN_TIME_MS:
	case TOCSIN_SIZE: integer_text_store(at, row, text, values); return;
	case TOCSIN_NUMBER: number_text_store(at, row, text, values); return;
	case TOCSIN_BOOL: bool_text_store(at, row, text, values); return;
	case TOCSIN_LIST:
	case TOCSIN_PAIRS: aggregate_text_store(at, row, text, values); return;
	case TOCSIN_TEXT:
	case TOCSIN_CHOICE:
	case TOCSIN_URL:
	case TOCSIN_OPERATOR_URL:
	case TOCSIN_EMAIL:
	case TOCSIN_PHONE:
	case TOCSIN_OBJECT:
	case TOCSIN_FILE:
	case TOCSIN_TEMPLATE: text_store(at, row, text, values); return;
	case TOCSIN_JSON_TEMPLATE: break; /* of fields only; table.c refuses the row */
	}
	value_fault_add(at, "has a kind that this program does not know (%u)", row->kind);
}

static void aggregate_setting_store(const struct value_place *at, const struct tocsin_field *row,
				    const config_setting_t *s, void *values)
{
	struct raws raws = raws_from_setting(s);

	if (row->kind == TOCSIN_PAIRS)
		pairs_store(at, row, &raws, values);
	else
		list_store(at, row, &raws, values);
	raws_finish(&raws);
}

static bool type_fits(const struct tocsin_field *row, int type)
{
	const bool whole = type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;

	switch ((enum tocsin_kind)row->kind) {
	case TOCSIN_INT: return whole;
	case TOCSIN_NUMBER: return whole || type == CONFIG_TYPE_FLOAT;
	case TOCSIN_BOOL: return type == CONFIG_TYPE_BOOL;
	case TOCSIN_LIST: return type == CONFIG_TYPE_ARRAY || type == CONFIG_TYPE_LIST;
	case TOCSIN_PAIRS: return type == CONFIG_TYPE_GROUP;
	case TOCSIN_TIME_MS:
	case TOCSIN_SIZE:
	case TOCSIN_TEXT:
	case TOCSIN_CHOICE:
	case TOCSIN_URL:
	case TOCSIN_OPERATOR_URL:
	case TOCSIN_EMAIL:
	case TOCSIN_PHONE:
	case TOCSIN_OBJECT:
	case TOCSIN_FILE:
	case TOCSIN_JSON_TEMPLATE:
	case TOCSIN_TEMPLATE: return type == CONFIG_TYPE_STRING;
	}
	return true; /* value_text_store() says that the kind is unknown */
}

void value_setting_store(const struct value_place *at, const struct tocsin_field *row,
			 const config_setting_t *setting, void *values)
{
	const int type = config_setting_type(setting);

	if (!type_fits(row, type))
		value_type_refuse(at, row, setting);
	else if (config_setting_is_aggregate(setting))
		aggregate_setting_store(at, row, setting, values);
	else if (row->kind == TOCSIN_INT)
		integer_store(at, row, config_setting_get_int64(setting), values);
	else if (row->kind == TOCSIN_NUMBER)
		number_store(at, row,
			     type == CONFIG_TYPE_FLOAT ? config_setting_get_float(setting)
						       : (double)config_setting_get_int64(setting),
			     values);
	else if (row->kind == TOCSIN_BOOL)
		*(uint8_t *)slot_of(row, values) = config_setting_get_bool(setting) != 0;
	else
		value_text_store(at, row,
				 type == CONFIG_TYPE_STRING ? config_setting_get_string(setting)
							    : "",
				 values);
}

void value_finish(const struct tocsin_field *row, void *values)
{
	void *slot = slot_of(row, values);

	switch ((enum tocsin_kind)row->kind) {
	case TOCSIN_LIST: {
		struct tocsin_list *list = slot;

		for (size_t i = 0; i < list->count; i++)
			text_free(row, list->items[i]);
		free((void *)(uintptr_t)list->items);
		*list = (struct tocsin_list){ 0 };
		return;
	}
	case TOCSIN_PAIRS: {
		struct tocsin_pairs *pairs = slot;

		pairs_free(row, pairs->items, pairs->count);
		*pairs = (struct tocsin_pairs){ 0 };
		return;
	}
	case TOCSIN_OBJECT: {
		struct tocsin_span *span = slot;

		text_free(row, span->ptr);
		*span = (struct tocsin_span){ 0 };
		return;
	}
	case TOCSIN_INT:
	case TOCSIN_TIME_MS:
	case TOCSIN_SIZE:
	case TOCSIN_NUMBER:
	case TOCSIN_BOOL: return;
	case TOCSIN_TEXT:
	case TOCSIN_CHOICE:
	case TOCSIN_URL:
	case TOCSIN_OPERATOR_URL:
	case TOCSIN_EMAIL:
	case TOCSIN_FILE:
	case TOCSIN_PHONE: {
		const char **text = slot;

		text_free(row, *text);
		*text = NULL;
		return;
	}
	case TOCSIN_TEMPLATE:
	case TOCSIN_JSON_TEMPLATE: {
		struct template **template = slot;

		template_destroy(*template);
		*template = NULL;
		return;
	}
	}
}
