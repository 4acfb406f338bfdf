/* value_words.c - what a value is, may be and should have been, in words.
 * Not here: deciding it (value.c).
 * Thread: main, at start-up.
 * SPDX-License-Identifier: MIT */
#include "conf/value_words.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "conf/value_text.h"

enum { FAULT_MAX_BYTES = 4000, QUOTE_BYTES = 120 /* of a wrong text, shown in a fault */ };

struct kind_words {
	const char *article, *noun, *example;
};

static const struct kind_words words[] = {
	[TOCSIN_TEXT] = { "a ", "text", "" },
	[TOCSIN_INT] = { "an ", "integer", "" },
	[TOCSIN_NUMBER] = { "a ", "number", "" },
	[TOCSIN_BOOL] = { "", "true or false", "" },
	[TOCSIN_TIME_MS] = { "a ", "time", " in quotes such as \"10s\" (ms, s, m, h or d)" },
	[TOCSIN_SIZE] = { "a ", "size", " in quotes such as \"256K\" (K, M or G)" },
	[TOCSIN_CHOICE] = { "", "one of", "" },
	[TOCSIN_URL] = { "an ", "http or https URL", "" },
	[TOCSIN_OPERATOR_URL] = { "a ", "URL", " of the operator's own service" },
	[TOCSIN_EMAIL] = { "a ", "mail address", "" },
	[TOCSIN_PHONE] = { "a ", "phone number", " such as +14155550123" },
	[TOCSIN_LIST] = { "a ", "list of texts", " such as [\"a\", \"b\"]" },
	[TOCSIN_PAIRS] = { "a ", "group of texts", " such as { name = \"value\"; }" },
	[TOCSIN_OBJECT] = { "a ", "JSON object in a text", "" },
	[TOCSIN_TEMPLATE] = { "a ", "template text", "" },
	[TOCSIN_JSON_TEMPLATE] = { "a ", "JSON template", "" },
	[TOCSIN_FILE] = { "a ", "readable file's name", "" },
};

static const struct kind_words *words_of(const struct tocsin_field *row)
{
	return &words[row->kind < COUNT_OF(words) ? row->kind : TOCSIN_TEXT];
}

static void choices_describe(struct buf *out, const struct tocsin_field *row)
{
	for (const char *const *c = row->choices; c != NULL && *c != NULL; c++) {
		buf_text(out, c == row->choices ? " " : ", ");
		buf_text(out, *c);
	}
}

void value_kind_describe(struct buf *out, const struct tocsin_field *row)
{
	buf_text(out, words_of(row)->noun);
	if (row->kind == TOCSIN_CHOICE)
		choices_describe(out, row);
}

void value_bound_describe(struct buf *out, const struct tocsin_field *row, int64_t bound)
{
	if (row->kind == TOCSIN_TIME_MS)
		setting_time_format(out, bound);
	else if (row->kind == TOCSIN_SIZE)
		setting_size_format(out, bound);
	else
		buf_int(out, bound);
}

const char *value_counted_of(const struct tocsin_field *row)
{
	if (row->kind == TOCSIN_TEXT || row->kind == TOCSIN_TEMPLATE)
		return " characters";
	if (row->kind == TOCSIN_LIST)
		return " elements";
	return row->kind == TOCSIN_PAIRS ? " members" : "";
}

void value_range_describe(struct buf *out, const struct tocsin_field *row)
{
	if (!value_has_range(row))
		return;
	value_bound_describe(out, row, row->min);
	buf_text(out, " to ");
	value_bound_describe(out, row, row->max);
	buf_text(out, value_counted_of(row));
}

void value_allowed_describe(struct buf *out, const struct tocsin_field *row)
{
	buf_text(out, words_of(row)->article);
	value_kind_describe(out, row);
	buf_text(out, words_of(row)->example);
	if (value_has_range(row)) {
		buf_text(out, ", ");
		value_range_describe(out, row);
	}
	if (value_is_secret(row))
		buf_text(out, ", also as env:NAME or file:PATH");
}

static void place_describe(struct buf *out, const struct value_place *at)
{
	if (at->file != NULL && at->line > 0)
		buf_format(out, "%s:%u: ", at->file, at->line);
	else if (at->file != NULL)
		buf_format(out, "%s: ", at->file);
	else if (at->line > 0)
		buf_format(out, "line %u: ", at->line);
	buf_text(out, at->key);
	if (at->index >= 0)
		buf_format(out, "[%ld]", at->index);
	buf_byte(out, ' ');
}

void value_fault_add(const struct value_place *at, const char *fmt, ...)
{
	struct buf place;
	char text[FAULT_MAX_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	buf_init(&place, FAULT_MAX_BYTES);
	place_describe(&place, at);
	setting_faults_add(at->faults, "%s%s", place.ptr == NULL ? "" : place.ptr, text);
	buf_finish(&place);
}

void value_kind_refuse(const struct value_place *at, const struct tocsin_field *row,
		       const char *found)
{
	struct buf allowed;

	buf_init(&allowed, FAULT_MAX_BYTES);
	value_allowed_describe(&allowed, row);
	value_fault_add(at, "is %s; allowed is %s", found, allowed.ptr);
	buf_finish(&allowed);
}

void value_range_refuse(const struct value_place *at, const struct tocsin_field *row,
			const char *found)
{
	struct buf allowed;

	buf_init(&allowed, FAULT_MAX_BYTES);
	value_range_describe(&allowed, row);
	value_fault_add(at, "is %s; allowed is %s", found, allowed.ptr);
	buf_finish(&allowed);
}

void value_text_refuse(const struct value_place *at, const struct tocsin_field *row,
		       const char *text)
{
	char quoted[QUOTE_BYTES], found[QUOTE_BYTES + sizeof("the text ")];

	if (value_is_secret(row)) {
		value_kind_refuse(at, row, "another text (not shown, it may be a secret)");
		return;
	}
	snprintf(found, sizeof(found), "the text %s", log_quote(text, quoted, sizeof(quoted)));
	value_kind_refuse(at, row, found);
}

static void number_describe(struct buf *out, const struct tocsin_field *row,
			    const config_setting_t *s)
{
	if (value_is_secret(row)) {
		buf_text(out, "a number");
		return;
	}
	buf_text(out, "the number ");
	if (config_setting_type(s) == CONFIG_TYPE_FLOAT)
		buf_format(out, "%g", config_setting_get_float(s));
	else
		buf_int(out, config_setting_get_int64(s));
	if (row->kind == TOCSIN_TIME_MS)
		buf_text(out, " without a unit");
}

static void string_describe(struct buf *out, const struct tocsin_field *row,
			    const config_setting_t *s)
{
	char quoted[QUOTE_BYTES];

	if (value_is_secret(row))
		buf_text(out, "a text");
	else
		buf_format(out, "the text %s",
			   log_quote(config_setting_get_string(s), quoted, sizeof(quoted)));
}

/* What stands there, when its type is wrong already. */
static void found_describe(struct buf *out, const struct tocsin_field *row,
			   const config_setting_t *s)
{
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
	case CONFIG_TYPE_FLOAT: number_describe(out, row, s); break;
	case CONFIG_TYPE_BOOL: buf_text(out, config_setting_get_bool(s) ? "true" : "false"); break;
	case CONFIG_TYPE_STRING: string_describe(out, row, s); break;
	case CONFIG_TYPE_GROUP: buf_text(out, "a group"); break;
	default: buf_text(out, "a list");
	}
}

/* The spelling that a bare number for a time or a size was meant to have. */
static void spelling_suggest(struct buf *out, const struct tocsin_field *row,
			     const config_setting_t *s)
{
	const int type = config_setting_type(s);

	if (value_is_secret(row) || (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64))
		return;

	const int64_t number = config_setting_get_int64(s);

	if (number <= 0 || (row->kind != TOCSIN_TIME_MS && row->kind != TOCSIN_SIZE))
		return;
	buf_text(out, "; write \"");
	if (row->kind == TOCSIN_TIME_MS)
		buf_format(out, "%llds\" or \"%lldms", (long long)number, (long long)number);
	else
		setting_size_format(out, number);
	buf_text(out, "\"");
}

void value_type_refuse(const struct value_place *at, const struct tocsin_field *row,
		       const config_setting_t *s)
{
	struct buf found, allowed;

	buf_init(&found, FAULT_MAX_BYTES);
	buf_init(&allowed, FAULT_MAX_BYTES);
	found_describe(&found, row, s);
	value_allowed_describe(&allowed, row);
	spelling_suggest(&allowed, row, s);
	value_fault_add(at, "is %s; allowed is %s", found.ptr, allowed.ptr);
	buf_finish(&found);
	buf_finish(&allowed);
}
