/* sample.c - makes configs up by a table: values that each row must take.
 * Not here: what is done with them (delivery/trial*.c).
 * Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "channel/sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "channel/field.h"

enum { TEXT_MAX_BYTES = 64 * 1024, TARGETS_MAX = 1000, FAULTS_SHOWN_MAX = 4, KEY_MAX_BYTES = 80 };

/* What a reply or a reason must not show can be found in it. */
static const char SECRET[] = "hidden-Zk3Qx9vT-sample";
static const char TEMPLATE[] = "{{event_type}}: {{subject}} {{metadata.text}}";
static const char JSON_TEMPLATE[] = "{\"text\":\"{{event_type}} {{metadata.text}}\","
				    "\"fields\":[\"{{subject}}\",1,true,null]}";

static const struct tocsin_field *table_of(const struct channel *channel)
{
	return channel->plugin.vtable.fields;
}

const char *sample_group_next(const struct channel *channel, const char *after)
{
	const struct tocsin_field *table = table_of(channel);
	bool is_past = after == NULL;

	for (const struct tocsin_field *row = table; row->key != NULL; row++) {
		bool is_first = row->group != NULL;

		for (const struct tocsin_field *other = table; other < row && is_first; other++)
			is_first = other->group == NULL || strcmp(other->group, row->group) != 0;
		if (is_first && is_past)
			return row->group;
		if (is_first)
			is_past = strcmp(row->group, after) == 0;
	}
	return NULL;
}

/* --- Values -------------------------------------------------------------------- */

/* text, lengthened or cut to what the row allows; it is ASCII. */
static void text_put(const struct tocsin_field *row, const char *text, struct json_writer *w)
{
	const size_t least = row->min > 0 ? (size_t)row->min : 0;
	const size_t most = row->max > 0 ? (size_t)row->max : TEXT_MAX_BYTES;
	struct buf out;

	buf_init(&out, TEXT_MAX_BYTES);
	buf_text(&out, text);
	while (out.failed == ERR_OK && out.len < least)
		buf_byte(&out, 'x');
	json_put_span(w, NULL, (struct span){ out.ptr, out.len < most ? out.len : most });
	buf_finish(&out);
}

enum { SAMPLE_TEXT_BYTES = 128 };

/* The n-th value of a kind that is a text; limits are the caller's. */
static const char *text_make(uint32_t kind, bool is_secret, size_t n, char out[SAMPLE_TEXT_BYTES])
{
	switch ((enum tocsin_kind)kind) {
	case TOCSIN_URL:
		snprintf(out, SAMPLE_TEXT_BYTES, "https://receiver.example/%s/%zu",
			 is_secret ? SECRET : "sample", n);
		return out;
	case TOCSIN_EMAIL:
		snprintf(out, SAMPLE_TEXT_BYTES, "person%zu@receiver.example", n);
		return out;
	case TOCSIN_PHONE:
		snprintf(out, SAMPLE_TEXT_BYTES, "+49151123450%02zu", n % 100);
		return out;
	case TOCSIN_TEXT:
	case TOCSIN_INT:
	case TOCSIN_NUMBER:
	case TOCSIN_BOOL:
	case TOCSIN_TIME_MS:
	case TOCSIN_SIZE:
	case TOCSIN_CHOICE:
	case TOCSIN_OPERATOR_URL:
	case TOCSIN_LIST:
	case TOCSIN_PAIRS:
	case TOCSIN_OBJECT:
	case TOCSIN_TEMPLATE:
	case TOCSIN_JSON_TEMPLATE:
	case TOCSIN_FILE: break;
	}
	snprintf(out, SAMPLE_TEXT_BYTES, "%s%zu", is_secret ? SECRET : "sample", n);
	return out;
}

static void list_put(const struct tocsin_field *row, bool is_secret, struct json_writer *w)
{
	size_t count = row->min > 2 ? (size_t)row->min : 2;
	char text[SAMPLE_TEXT_BYTES];

	if (row->max > 0 && count > (size_t)row->max)
		count = (size_t)row->max;
	json_open(w, '[');
	for (size_t n = 1; n <= count; n++)
		json_put(w, NULL, text_make(row->item, is_secret, n, text));
	json_close(w, ']');
}

static void pairs_put(bool is_secret, struct json_writer *w)
{
	json_open(w, '{');
	json_put(w, "X-Sample", is_secret ? SECRET : "sample");
	json_close(w, '}');
}

static int64_t number_of(const struct tocsin_field *row)
{
	const int64_t wanted = row->kind == TOCSIN_TIME_MS ? 5000 : 1;

	if (row->min == 0 && row->max == 0)
		return wanted;
	return wanted < row->min ? row->min : wanted > row->max ? row->max : wanted;
}

static void value_put(const struct tocsin_field *row, struct json_writer *w)
{
	const bool is_secret = (row->flags & TOCSIN_SECRET) != 0;
	char text[SAMPLE_TEXT_BYTES];

	switch ((enum tocsin_kind)row->kind) {
	case TOCSIN_TEXT:
	case TOCSIN_OPERATOR_URL:
	case TOCSIN_FILE: text_put(row, text_make(row->kind, is_secret, 1, text), w); return;
	case TOCSIN_URL:
	case TOCSIN_EMAIL:
	case TOCSIN_PHONE: json_put(w, NULL, text_make(row->kind, is_secret, 1, text)); return;
	case TOCSIN_INT:
	case TOCSIN_SIZE:
	case TOCSIN_NUMBER: json_put_int(w, NULL, number_of(row)); return;
	case TOCSIN_TIME_MS:
		field_seconds_format(number_of(row), text);
		json_put_raw(w, NULL, span_of(text));
		return;
	case TOCSIN_BOOL: json_put_bool(w, NULL, true); return;
	case TOCSIN_CHOICE: json_put(w, NULL, row->choices[0]); return;
	case TOCSIN_LIST: list_put(row, is_secret, w); return;
	case TOCSIN_PAIRS: pairs_put(is_secret, w); return;
	case TOCSIN_OBJECT: json_put_raw(w, NULL, span_of("{\"sample\":true}")); return;
	case TOCSIN_TEMPLATE: text_put(row, TEMPLATE, w); return;
	case TOCSIN_JSON_TEMPLATE:
		json_open(w, row->item == TOCSIN_LIST ? '[' : '{');
		if (row->item == TOCSIN_LIST)
			json_put_raw(w, NULL, span_of(JSON_TEMPLATE));
		else
			json_put_raw(w, "sample", span_of(JSON_TEMPLATE));
		json_close(w, row->item == TOCSIN_LIST ? ']' : '}');
		return;
	}
}

/* --- Objects ------------------------------------------------------------------- */

static bool row_is_in(const struct tocsin_field *row, const char *group)
{
	return row->group == NULL || (group != NULL && strcmp(group, row->group) == 0);
}

/* A channel without a target is refused, so the first that may be given is. */
static const struct tocsin_field *target_find(const struct channel *channel, const char *group)
{
	const struct tocsin_field *first = NULL;

	for (const struct tocsin_field *row = table_of(channel); row->key != NULL; row++) {
		if ((row->flags & TOCSIN_IS_TARGET) == 0 || !row_is_in(row, group))
			continue;
		if ((row->flags & TOCSIN_REQUIRED) != 0)
			return row;
		first = first == NULL ? row : first;
	}
	return first;
}

/* Which rows are in, by their number. */
struct choice {
	const struct channel *channel;
	const char *group;
	bool *is_in; /* owned */
};

static void choice_init(struct choice *c, enum sample_size size)
{
	const struct tocsin_field *table = table_of(c->channel);
	const struct tocsin_field *target = target_find(c->channel, c->group);
	size_t count = 0;

	while (table[count].key != NULL)
		count++;
	c->is_in = xcalloc(count + 1, sizeof(*c->is_in));
	for (size_t i = 0; i < count; i++) {
		const bool is_needed = (table[i].flags & TOCSIN_REQUIRED) != 0 ||
				       &table[i] == target;

		c->is_in[i] = row_is_in(&table[i], c->group) && (size == SAMPLE_WHOLE || is_needed);
	}
}

static void object_write(const struct choice *c, struct buf *out)
{
	const struct tocsin_field *table = table_of(c->channel);
	struct json_writer w = { .out = out };

	json_open(&w, '{');
	for (size_t i = 0; table[i].key != NULL; i++) {
		if (!c->is_in[i])
			continue;
		json_key(&w, table[i].key);
		/* A default is a value that means something to the plugin. */
		if (table[i].dflt != NULL &&
		    (table[i].kind == TOCSIN_TEXT || table[i].kind == TOCSIN_INT))
			json_put_raw(&w, NULL, span_of(table[i].dflt));
		else
			value_put(&table[i], &w);
	}
	json_close(&w, '}');
}

/* Take out the row that a fault is about. False when it is none that may go. */
static bool choice_drop(struct choice *c, const char *key, struct buf *left)
{
	const struct tocsin_field *table = table_of(c->channel);

	for (size_t i = 0; table[i].key != NULL; i++) {
		if (!c->is_in[i] || strcmp(table[i].key, key) != 0 ||
		    (table[i].flags & (TOCSIN_REQUIRED | TOCSIN_IS_TARGET)) != 0)
			continue;
		c->is_in[i] = false;
		buf_format(left, "%s%s", left->len == 0 ? "" : ", ", key);
		return true;
	}
	return false;
}

/* --- Checking ------------------------------------------------------------------ */

static void loc_describe(struct json_object *loc, struct buf *out)
{
	for (size_t i = 0; i < json_object_array_length(loc); i++) {
		if (i > 0)
			buf_byte(out, '.');
		buf_text(out, json_object_get_string(json_object_array_get_idx(loc, i)));
	}
}

/* Also the field that the first fault is about. */
static void faults_describe(const struct faults *faults, char key[KEY_MAX_BYTES], struct why *why)
{
	struct buf json, words;

	buf_init(&json, TEXT_MAX_BYTES);
	buf_init(&words, sizeof(why->text));
	buf_format(&json, "[%s]", faults->detail.ptr == NULL ? "" : faults->detail.ptr);
	struct json_object *list = json.ptr == NULL ? NULL : json_tokener_parse(json.ptr);
	const size_t count = list == NULL ? 0 : json_object_array_length(list);

	for (size_t i = 0; i < count && i < FAULTS_SHOWN_MAX; i++) {
		struct json_object *fault = json_object_array_get_idx(list, i);
		struct json_object *loc = json_object_object_get(fault, "loc");
		struct buf one;

		if (i == 0 && json_object_array_length(loc) > 1)
			snprintf(key, KEY_MAX_BYTES, "%s",
				 json_object_get_string(json_object_array_get_idx(loc, 1)));
		buf_init(&one, sizeof(why->text));
		loc_describe(loc, &one);
		buf_format(&one, ": %s",
			   json_object_get_string(json_object_object_get(fault, "msg")));
		buf_format(&words, "%s%s", i == 0 ? "" : "; ", one.ptr == NULL ? "" : one.ptr);
		buf_finish(&one);
	}
	why_set(why, "%s", words.ptr == NULL ? "they are refused" : words.ptr);
	json_object_put(list);
	buf_finish(&words);
	buf_finish(&json);
}

static enum err text_check(const struct channel *channel, const char *text, struct buf *out,
			   char key[KEY_MAX_BYTES], struct why *why)
{
	const struct configs_rules rules = { .targets_max = TARGETS_MAX };
	const struct loc loc = { NULL, "configs", 0 };
	struct json_object *given = json_tokener_parse(text);
	struct faults faults;

	if (given == NULL) {
		why_set(why, "they are no JSON");
		return ERR_BAD_REQUEST;
	}
	faults_init(&faults);
	configs_check(channel, given, &rules, &loc, &faults, out);
	const enum err rc = faults_any(&faults) ? ERR_BAD_REQUEST : out->failed;

	if (rc != ERR_OK)
		faults_describe(&faults, key, why);
	faults_finish(&faults);
	json_object_put(given);
	return rc;
}

enum err sample_check(const struct channel *channel, const char *text, struct buf *out,
		      struct why *why)
{
	char key[KEY_MAX_BYTES] = "";

	return text_check(channel, text, out, key, why);
}

/* --- Making ---------------------------------------------------------------------- */

enum err sample_make(const struct channel *channel, const char *group, enum sample_size size,
		     struct buf *out, struct buf *left, struct why *why)
{
	struct choice c = { .channel = channel, .group = group };
	struct buf text;
	enum err rc;

	choice_init(&c, size);
	buf_init(&text, out->max);
	for (;;) {
		char key[KEY_MAX_BYTES] = "";

		buf_clear(&text);
		buf_clear(out);
		object_write(&c, &text);
		rc = text.failed != ERR_OK ? text.failed
					   : text_check(channel, text.ptr, out, key, why);
		if (rc != ERR_BAD_REQUEST || !choice_drop(&c, key, left))
			break;
	}
	buf_finish(&text);
	free(c.is_in);
	return rc;
}
