/* field_check.c - checks one value of configs and writes its normalised form.
 * Not here: its form in the plugin's struct (field.c), masks (field_show.c).
 * Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "channel/field.h"

#include <inttypes.h>
#include <math.h>
#include <strings.h>

#include "base/url.h"
#include "base/contact.h"
#include "template/template.h"

/* What a table without a limit of its own gets. */
enum { PAIRS_MAX = 50, LIST_MAX = 1000, CHOICES_SHOWN_BYTES = 256 };

static struct span text_of(struct json_object *value)
{
	return (struct span){ json_object_get_string(value),
			      (size_t)json_object_get_string_len(value) };
}

static void text_limits_check(const struct field_check *c, struct span text)
{
	const int64_t length = (int64_t)utf8_length(text);

	for (size_t i = 0; i < text.len; i++) {
		const unsigned char byte = (unsigned char)text.ptr[i];

		if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F) {
			faults_add(c->faults, c->loc, "value_error",
				   "String should have no control characters");
			return;
		}
	}
	if (c->row->kind == TOCSIN_LIST || (c->row->min == 0 && c->row->max == 0))
		return;
	if (length < c->row->min)
		faults_add(c->faults, c->loc, "string_too_short",
			   "String should have at least %" PRId64 " characters", c->row->min);
	if (length > c->row->max)
		faults_add(c->faults, c->loc, "string_too_long",
			   "String should have at most %" PRId64 " characters", c->row->max);
}

static void choice_check(const struct field_check *c, struct span text)
{
	struct buf list;

	buf_init(&list, CHOICES_SHOWN_BYTES);
	for (size_t i = 0; c->row->choices[i] != NULL; i++) {
		if (span_is(text, c->row->choices[i])) {
			buf_finish(&list);
			return;
		}
		buf_format(&list, "%s'%s'", i == 0 ? "" : ", ", c->row->choices[i]);
	}
	faults_add(c->faults, c->loc, "enum", "Input should be one of %s",
		   list.ptr == NULL ? "the documented values" : list.ptr);
	buf_finish(&list);
}

static void url_check(const struct field_check *c, struct span text, struct json_writer *w)
{
	struct url url = { 0 };
	struct why why = { "" };
	const char *rule = "";

	if (url_parse(text, &url, &why) != ERR_OK) {
		faults_add(c->faults, c->loc, "url_parsing", "Input should be a valid URL: %s",
			   why.text);
		return;
	}
	if (c->rules->guard != NULL && url.is_literal &&
	    guard_check(c->rules->guard, (const struct sockaddr *)&url.address, &rule) != ERR_OK)
		faults_add(c->faults, c->loc, "value_error", "Address may not be delivered to: %s",
			   rule);
	json_put(w, NULL, url.text);
	url_finish(&url);
}

static void contact_check(const struct field_check *c, uint32_t kind, struct span text,
			  struct json_writer *w)
{
	char out[EMAIL_TEXT_BYTES];
	struct why why = { "" };
	const enum err rc = kind == TOCSIN_EMAIL ? contact_email_parse(text, out, &why)
						 : contact_phone_parse(text, out, &why);

	if (rc == ERR_OK)
		json_put(w, NULL, out);
	else
		faults_add(c->faults, c->loc, "value_error", "Input %s", why.text);
}

static void mask_fault_add(const struct field_check *c)
{
	faults_add(c->faults, c->loc, "value_error",
		   "Input is a masked value that stands for none kept here: give it whole");
}

static void template_fault_add(const struct field_check *c, const struct template_fault *fault)
{
	faults_add(c->faults, c->loc, "template_syntax",
		   "Input should be a valid template: line %zu, column %zu: %s", fault->line,
		   fault->column, fault->text);
}

static void template_check(const struct field_check *c, struct span text)
{
	struct template_fault fault = { 0 };
	struct template *template = NULL;

	if (template_compile(text, &template, &fault) != ERR_OK)
		template_fault_add(c, &fault);
	template_destroy(template);
}

/* Line and column of a byte in text, for people. */
static void place_find(struct span text, size_t offset, size_t *line, size_t *column)
{
	size_t start = 0;

	*line = 1;
	for (size_t i = 0; i < offset && i < text.len; i++) {
		if (text.ptr[i] != '\n')
			continue;
		(*line)++;
		start = i + 1;
	}
	*column = utf8_length((struct span){ text.ptr + start, offset - start }) + 1;
}

static void json_template_check(const struct field_check *c, struct span text)
{
	struct template_fault fault = { 0 };
	struct template *template = NULL;
	struct json_fault at = { 0, "" };
	struct json_value whole = { JSON_NONE, { NULL, 0 } };

	if (json_scan(text, TEMPLATE_DEPTH_MAX, &whole, &at) != ERR_OK) {
		size_t line = 0, column = 0;

		place_find(text, at.offset, &line, &column);
		faults_add(c->faults, c->loc, "json_invalid",
			   "Input should hold valid JSON: line %zu, column %zu: %s", line, column,
			   at.reason);
		return;
	}
	if (whole.type != JSON_OBJECT &&
	    (whole.type != JSON_ARRAY || c->row->item == TOCSIN_OBJECT))
		faults_add(c->faults, c->loc, "value_error", "Input should be a JSON object%s",
			   c->row->item == TOCSIN_OBJECT ? "" : " or array");
	else if (template_compile_json(text, &template, &fault) != ERR_OK)
		template_fault_add(c, &fault);
	template_destroy(template);
}

/* JSON whose strings are templates, or, where the row allows it, a text of that. */
static void json_value_check(const struct field_check *c, struct json_object *value,
			     struct json_writer *w)
{
	const bool is_text = json_object_is_type(value, json_type_string);
	const bool is_list = json_object_is_type(value, json_type_array);
	const struct span json = span_of(json_object_to_json_string_ext(
		value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));

	if (c->row->item == TOCSIN_OBJECT && !json_object_is_type(value, json_type_object))
		faults_add(c->faults, c->loc, "dict_type", "Input should be a valid object");
	else if (!is_text && !is_list && !json_object_is_type(value, json_type_object))
		faults_add(c->faults, c->loc, "value_error",
			   "Input should be a JSON array, an object, or a text that holds one");
	else
		json_template_check(c, is_text ? text_of(value) : json);
	json_put_raw(w, NULL, json);
}

static void text_check(const struct field_check *c, uint32_t kind, struct json_object *value,
		       struct json_writer *w)
{
	if (!json_object_is_type(value, json_type_string)) {
		faults_add(c->faults, c->loc, "string_type", "Input should be a valid string");
		return;
	}
	const struct span text = text_of(value);

	if (field_is_secret(c->row) && field_is_masked(text)) {
		mask_fault_add(c);
		return;
	}
	if (kind == TOCSIN_URL || kind == TOCSIN_OPERATOR_URL) {
		url_check(c, text, w);
		return;
	}
	if (kind == TOCSIN_EMAIL || kind == TOCSIN_PHONE) {
		contact_check(c, kind, text, w);
		return;
	}
	if (kind == TOCSIN_CHOICE)
		choice_check(c, text);
	else
		text_limits_check(c, text);
	if (kind == TOCSIN_TEMPLATE)
		template_check(c, text);
	json_put_span(w, NULL, text);
}

/* Is value within the row's range? divisor makes the API's unit of it. */
static void range_check(const struct field_check *c, double value, double divisor)
{
	if (c->row->min == 0 && c->row->max == 0)
		return;
	if (value < (double)c->row->min)
		faults_add(c->faults, c->loc, "greater_than_equal",
			   "Input should be greater than or equal to %g",
			   (double)c->row->min / divisor);
	if (value > (double)c->row->max)
		faults_add(c->faults, c->loc, "less_than_equal",
			   "Input should be less than or equal to %g",
			   (double)c->row->max / divisor);
}

static void whole_check(const struct field_check *c, struct json_object *value,
			struct json_writer *w)
{
	if (!json_object_is_type(value, json_type_int)) {
		faults_add(c->faults, c->loc, "int_type", "Input should be a valid integer");
		return;
	}
	const int64_t number = json_object_get_int64(value);

	range_check(c, (double)number, 1);
	json_put_int(w, NULL, number);
}

/* NUMBER and TIME_MS: the latter is seconds here and milliseconds inside. */
static void number_check(const struct field_check *c, struct json_object *value,
			 struct json_writer *w)
{
	const double number = json_object_get_double(value);
	char text[SECONDS_TEXT_BYTES];

	if (!json_object_is_type(value, json_type_int) &&
	    !json_object_is_type(value, json_type_double)) {
		faults_add(c->faults, c->loc, "float_type", "Input should be a valid number");
		return;
	}
	/* Past 2^53 / 1000 seconds a double no longer tells milliseconds. */
	if (!isfinite(number) || (c->row->kind == TOCSIN_TIME_MS && fabs(number) > 9.0e12)) {
		faults_add(c->faults, c->loc, "finite_number", "Input should be a finite number");
		return;
	}
	if (c->row->kind == TOCSIN_NUMBER) {
		range_check(c, number, 1);
		json_put_raw(w, NULL, span_of(json_object_to_json_string(value)));
		return;
	}
	range_check(c, number * 1000, 1000);
	if (number < 0 && c->row->min == 0 && c->row->max == 0)
		faults_add(c->faults, c->loc, "greater_than_equal",
			   "Input should be greater than or equal to 0");
	field_seconds_format(number < 0 ? 0 : llround(number * 1000), text);
	json_put_raw(w, NULL, span_of(text));
}

static size_t elements_max(const struct field_check *c)
{
	size_t max = c->row->max > 0 ? (size_t)c->row->max : LIST_MAX;

	if ((c->row->flags & TOCSIN_IS_TARGET) != 0 && max > c->rules->targets_max)
		max = c->rules->targets_max;
	return max;
}

static void list_check(const struct field_check *c, struct json_object *value,
		       struct json_writer *w)
{
	if (!json_object_is_type(value, json_type_array)) {
		faults_add(c->faults, c->loc, "list_type", "Input should be a valid list");
		return;
	}
	const size_t count = json_object_array_length(value);

	if ((int64_t)count < c->row->min)
		faults_add(c->faults, c->loc, "too_short",
			   "List should have at least %" PRId64 " items, not %zu", c->row->min,
			   count);
	if (count > elements_max(c)) {
		faults_add(c->faults, c->loc, "too_long",
			   "List should have at most %zu items, not %zu", elements_max(c), count);
		return;
	}
	json_open(w, '[');
	for (size_t i = 0; i < count; i++) {
		const struct loc loc = { c->loc, NULL, i };
		const struct field_check item = { c->row, c->rules, &loc, c->faults };

		text_check(&item, c->row->item, json_object_array_get_idx(value, i), w);
	}
	json_close(w, ']');
}

/* Header names are the same in any case; two of one name would both be sent. */
static bool pair_is_double(struct json_object *pairs, const char *name)
{
	size_t found = 0;

	json_object_object_foreach(pairs, key, value)
	{
		(void)value;
		if (strcasecmp(key, name) == 0)
			found++;
	}
	return found > 1;
}

static void pair_check(const struct field_check *c, struct json_object *pairs, const char *name,
		       struct json_object *value, struct json_writer *w)
{
	struct why why = { "" };

	if (!json_object_is_type(value, json_type_string)) {
		faults_add(c->faults, c->loc, "string_type", "Input should be a valid string");
		return;
	}
	const struct span text = text_of(value);

	if (field_is_secret(c->row) && field_is_masked(text))
		mask_fault_add(c);
	else if (memchr(text.ptr, '\0', text.len) != NULL)
		faults_add(c->faults, c->loc, "value_error", "String should have no NUL character");
	else if ((c->row->flags & TOCSIN_IS_HEADERS) != 0 &&
		 header_check(span_of(name), text, &why) != ERR_OK)
		faults_add(c->faults, c->loc, "value_error", "%s", why.text);
	else if ((c->row->flags & TOCSIN_IS_HEADERS) != 0 && pair_is_double(pairs, name))
		faults_add(c->faults, c->loc, "value_error",
			   "Header is given twice in different spelling");
	json_put_span(w, NULL, span_of(name));
	buf_byte(w->out, ':');
	w->comma = false;
	json_put_span(w, NULL, text);
}

static void pairs_check(const struct field_check *c, struct json_object *value,
			struct json_writer *w)
{
	if (!json_object_is_type(value, json_type_object)) {
		faults_add(c->faults, c->loc, "dict_type", "Input should be a valid object");
		return;
	}
	const int count = json_object_object_length(value);
	const int max = c->row->max > 0 && c->row->max < PAIRS_MAX ? (int)c->row->max : PAIRS_MAX;

	if (count > max) {
		faults_add(c->faults, c->loc, "too_long",
			   "Object should have at most %d members, not %d", max, count);
		return;
	}
	json_open(w, '{');
	json_object_object_foreach(value, name, text)
	{
		const struct loc loc = { c->loc, name, 0 };
		const struct field_check pair = { c->row, c->rules, &loc, c->faults };

		pair_check(&pair, value, name, text, w);
	}
	json_close(w, '}');
}

void field_check(const struct field_check *c, struct json_object *value, struct json_writer *w)
{
	switch ((enum tocsin_kind)c->row->kind) {
	case TOCSIN_TEXT:
	case TOCSIN_TEMPLATE:
	case TOCSIN_CHOICE:
	case TOCSIN_URL:
	case TOCSIN_OPERATOR_URL:
	case TOCSIN_EMAIL:
	case TOCSIN_FILE:
	case TOCSIN_PHONE: text_check(c, c->row->kind, value, w); return;
	case TOCSIN_JSON_TEMPLATE: json_value_check(c, value, w); return;
	case TOCSIN_INT:
	case TOCSIN_SIZE: whole_check(c, value, w); return;
	case TOCSIN_NUMBER:
	case TOCSIN_TIME_MS: number_check(c, value, w); return;
	case TOCSIN_BOOL:
		if (!json_object_is_type(value, json_type_boolean))
			faults_add(c->faults, c->loc, "bool_type", "Input should be true or false");
		json_put_bool(w, NULL, json_object_get_boolean(value));
		return;
	case TOCSIN_LIST: list_check(c, value, w); return;
	case TOCSIN_PAIRS: pairs_check(c, value, w); return;
	case TOCSIN_OBJECT:
		if (!json_object_is_type(value, json_type_object))
			faults_add(c->faults, c->loc, "dict_type",
				   "Input should be a valid object");
		json_put_raw(
			w, NULL,
			span_of(json_object_to_json_string_ext(
				value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)));
		return;
	}
}
