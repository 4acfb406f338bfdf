/* configs.c - the configs object of one channel of a webhook, by the table.
 * Not here: single values (field*.c), pairing old and new channels (domain/).
 * Any thread; channels are read-only.
 * SPDX-License-Identifier: MIT */
#include "channel/configs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/url.h"
#include "channel/blame.h"
#include "channel/field.h"

enum { NESTING_MAX = 256, HINT_BYTES = 400 };

static const struct tocsin_field *table_of(const struct channel *channel)
{
	return channel->plugin.vtable.fields;
}

/* The object that text is; NULL when it is none (never what we stored). */
static struct json_object *object_parse(const char *text)
{
	if (text == NULL)
		return NULL;
	struct json_tokener *tok = json_tokener_new_ex(NESTING_MAX);
	struct json_object *object = tok == NULL ? NULL : json_tokener_parse_ex(tok, text, -1);

	if (tok != NULL)
		json_tokener_free(tok);
	if (json_object_is_type(object, json_type_object))
		return object;
	json_object_put(object);
	return NULL;
}

static struct json_object *member_get(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	if (object != NULL && key != NULL)
		json_object_object_get_ex(object, key, &value);
	return value;
}

/* --- checking ------------------------------------------------------------ */

struct check {
	const struct tocsin_field *table;
	struct json_object *given, *old; /* borrowed; old may be NULL */
	struct field_rules rules;
	const struct loc *loc;
	struct faults *faults;
	const char *group; /* the group in use; NULL: none */
};

static const struct tocsin_field *row_find(const struct tocsin_field *table, const char *key)
{
	for (const struct tocsin_field *row = table; row->key != NULL; row++) {
		if (strcmp(row->key, key) == 0 || (row->alias && strcmp(row->alias, key) == 0))
			return row;
	}
	return NULL;
}

static void unknown_check(const struct check *c)
{
	json_object_object_foreach(c->given, key, value)
	{
		const struct loc loc = { c->loc, key, 0 };

		(void)value;
		if (row_find(c->table, key) == NULL)
			faults_add(c->faults, &loc, "extra_forbidden",
				   "This channel has no such field");
	}
}

/* The row's value under whichever name it was given; *out_key says which. */
static struct json_object *given_get(const struct check *c, const struct tocsin_field *row,
				     const char **out_key)
{
	struct json_object *value = member_get(c->given, row->key);

	*out_key = row->key;
	if (value != NULL || member_get(c->given, row->alias) == NULL)
		return value;
	*out_key = row->alias;
	return member_get(c->given, row->alias);
}

static bool is_active(const char *group, const struct tocsin_field *row)
{
	return row->group == NULL || (group != NULL && strcmp(group, row->group) == 0);
}

/* "webhook_url, or bot_token and channel_id" */
static void group_missing_add(const struct check *c)
{
	const struct tocsin_field *first = NULL, *last = NULL;
	struct buf hint;

	buf_init(&hint, HINT_BYTES);
	for (const struct tocsin_field *row = c->table; row->key != NULL; row++) {
		if (row->group == NULL || (row->flags & TOCSIN_REQUIRED) == 0)
			continue;
		if (last != NULL)
			buf_text(&hint, strcmp(last->group, row->group) == 0 ? " and " : ", or ");
		buf_text(&hint, row->key);
		first = first == NULL ? row : first;
		last = row;
	}
	const struct loc loc = { c->loc, first == NULL ? NULL : first->key, 0 };

	faults_add(c->faults, first == NULL ? c->loc : &loc, "missing", "Field required: give %s",
		   hint.ptr == NULL ? "the fields of one group" : hint.ptr);
	buf_finish(&hint);
}

/* Fields that belong together: exactly one group of them is in use. */
static void group_check(struct check *c)
{
	const struct tocsin_field *used = NULL;
	bool has_groups = false;

	for (const struct tocsin_field *row = c->table; row->key != NULL; row++) {
		const char *key = NULL;

		has_groups = has_groups || row->group != NULL;
		if (row->group == NULL || given_get(c, row, &key) == NULL)
			continue;
		if (used == NULL) {
			used = row;
			continue;
		}
		if (strcmp(used->group, row->group) != 0) {
			const struct loc loc = { c->loc, key, 0 };

			faults_add(c->faults, &loc, "value_error",
				   "Field cannot be given together with %s", used->key);
		}
	}
	c->group = used == NULL ? NULL : used->group;
	if (has_groups && used == NULL)
		group_missing_add(c);
}

static void default_put(const struct tocsin_field *row, struct json_writer *w)
{
	if (row->dflt == NULL)
		json_put_null(w, NULL);
	else
		json_put_raw(w, NULL, span_of(row->dflt));
}

static void row_check(const struct check *c, const struct tocsin_field *row, struct json_writer *w)
{
	const char *key = NULL;
	struct json_object *value = given_get(c, row, &key);
	const struct loc loc = { c->loc, key, 0 };
	const struct field_check field = { row, &c->rules, &loc, c->faults };
	const bool is_required = (row->flags & TOCSIN_REQUIRED) != 0;

	if (!is_active(c->group, row)) {
		json_put_null(w, NULL);
		return;
	}
	if (key == row->key && member_get(c->given, row->alias) != NULL) {
		const struct loc alias = { c->loc, row->alias, 0 };

		faults_add(c->faults, &alias, "value_error",
			   "Field is another name of %s; give one of them", row->key);
	}
	if (value == NULL && is_required && !json_object_object_get_ex(c->given, row->key, NULL)) {
		faults_add(c->faults, &loc, "missing", "Field required");
		return;
	}
	if (value == NULL && !is_required) {
		default_put(row, w);
		return;
	}
	struct json_object *whole = field_unmask(row, value, member_get(c->old, row->key));

	field_check(&field, whole, w);
	json_object_put(whole);
}

/* A channel without a target would never deliver anything. */
static void target_check(const struct check *c)
{
	const struct tocsin_field *first = NULL;
	const char *key = NULL;

	for (const struct tocsin_field *row = c->table; row->key != NULL; row++) {
		if ((row->flags & TOCSIN_IS_TARGET) == 0 || !is_active(c->group, row))
			continue;
		struct json_object *value = given_get(c, row, &key);

		first = first == NULL ? row : first;
		if (value != NULL &&
		    (row->kind != TOCSIN_LIST || json_object_array_length(value) > 0))
			return;
	}
	if (first == NULL)
		return;
	const struct loc loc = { c->loc, first->key, 0 };

	faults_add(c->faults, &loc, "missing", "At least one target is required");
}

/* What no single row can say, the plugin itself does. */
static void plugin_ask(const struct channel *channel, struct span checked, const struct loc *at,
		       struct faults *faults)
{
	struct tocsin_fault fault = { .size = sizeof(fault) };
	struct why why = { "" };
	struct compiled_configs *compiled;

	if (channel->plugin.vtable.check == NULL)
		return;
	compiled = configs_compile(channel, checked.ptr, &why);
	if (compiled == NULL) {
		faults_add(faults, at, "value_error", "%s", why.text);
		return;
	}
	blame_enter(0, channel->name, channel->plugin.vtable.name, "check");
	const int rc = channel->plugin.vtable.check(channel->state, compiled->values, &fault);

	blame_leave();
	if (rc != TOCSIN_OK) {
		fault.key[sizeof(fault.key) - 1] = fault.text[sizeof(fault.text) - 1] = '\0';
		const struct loc loc = { at, fault.key, 0 };

		faults_add(faults, fault.key[0] == '\0' ? at : &loc, "value_error", "%s",
			   fault.text[0] == '\0' ? "The channel refuses this" : fault.text);
	}
	compiled_configs_destroy(compiled);
}

void configs_check(const struct channel *channel, struct json_object *given,
		   const struct configs_rules *rules, const struct loc *loc, struct faults *faults,
		   struct buf *out)
{
	struct json_writer w = { .out = out };
	const size_t faults_before = faults->count;

	if (!json_object_is_type(given, json_type_object)) {
		faults_add(faults, loc, "dict_type", "Input should be a valid object");
		return;
	}
	struct check c = {
		.table = table_of(channel),
		.given = given,
		.old = object_parse(rules->old),
		.rules = { rules->guard, rules->targets_max },
		.loc = loc,
		.faults = faults,
	};

	unknown_check(&c);
	group_check(&c);
	json_open(&w, '{');
	for (const struct tocsin_field *row = c.table; row->key != NULL; row++) {
		json_key(&w, row->key);
		row_check(&c, row, &w);
	}
	json_close(&w, '}');
	if (faults->count == faults_before)
		target_check(&c);
	if (faults->count == faults_before && out->failed == ERR_OK)
		plugin_ask(channel, buf_view(out), loc, faults);
	json_object_put(c.old);
}

/* --- stored configs -------------------------------------------------------- */

/* The row's value in stored configs; a field that the plugin has gained since
 * then reads as its default. Owner: the caller, json_object_put(). */
static struct json_object *stored_get(struct json_object *stored, const struct tocsin_field *row)
{
	struct json_object *value = NULL;

	if (json_object_object_get_ex(stored, row->key, &value))
		return json_object_get(value);
	return row->group == NULL ? field_default(row) : NULL;
}

static bool list_has(char **list, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i], text) == 0)
			return true;
	}
	return false;
}

static char **targets_add(char **list, size_t *count, struct json_object *elements)
{
	const size_t more = json_object_is_type(elements, json_type_array)
				    ? json_object_array_length(elements)
				    : 0;

	if (more == 0)
		return list;
	list = xrealloc(list, (*count + more) * sizeof(*list));
	for (size_t i = 0; i < more; i++) {
		const char *text = json_object_get_string(json_object_array_get_idx(elements, i));

		if (text != NULL && !list_has(list, *count, text))
			list[(*count)++] = xstrdup(text);
	}
	return list;
}

char **configs_targets(const struct channel *channel, const char *stored, size_t *out_count)
{
	struct json_object *object = object_parse(stored);
	char **list = NULL;

	*out_count = 0;
	for (const struct tocsin_field *row = table_of(channel); row->key != NULL; row++) {
		if (row->kind != TOCSIN_LIST || (row->flags & TOCSIN_IS_TARGET) == 0)
			continue;
		struct json_object *elements = stored_get(object, row);

		list = targets_add(list, out_count, elements);
		json_object_put(elements);
	}
	json_object_put(object);
	return list;
}

/* The single target and the row it comes from. */
static char *target_get(const struct channel *channel, struct json_object *stored,
			const struct tocsin_field **out_row)
{
	for (const struct tocsin_field *row = table_of(channel); row->key != NULL; row++) {
		struct json_object *value = NULL;

		if (row->kind == TOCSIN_LIST || (row->flags & TOCSIN_IS_TARGET) == 0)
			continue;
		value = member_get(stored, row->key);
		if (!json_object_is_type(value, json_type_string))
			continue;
		*out_row = row;
		return xstrdup(json_object_get_string(value));
	}
	return NULL;
}

char *configs_target(const struct channel *channel, const char *stored)
{
	const struct tocsin_field *row = NULL;
	struct json_object *object = object_parse(stored);
	char *target = target_get(channel, object, &row);

	json_object_put(object);
	return target;
}

void configs_show(const struct channel *channel, const char *stored, struct buf *out)
{
	struct json_writer w = { .out = out };
	struct json_object *object = object_parse(stored);

	json_open(&w, '{');
	for (const struct tocsin_field *row = table_of(channel); row->key != NULL; row++) {
		struct json_object *value = stored_get(object, row);

		json_key(&w, row->key);
		field_show(row, value, &w);
		json_object_put(value);
	}
	json_close(&w, '}');
	json_object_put(object);
}

void configs_target_show(const struct channel *channel, struct span target, struct buf *out)
{
	const bool is_url = target.len > 4 && memcmp(target.ptr, "http", 4) == 0;

	for (const struct tocsin_field *row = table_of(channel); row->key != NULL; row++) {
		const uint32_t kind = row->kind == TOCSIN_LIST ? row->item : row->kind;

		/* Two groups may have targets of two kinds, one of them a secret. */
		if ((row->flags & TOCSIN_IS_TARGET) != 0 && field_is_secret(row) &&
		    (kind == TOCSIN_URL) == is_url) {
			field_mask(target, out);
			return;
		}
	}
	buf_span(out, target);
}

/* --- compiling ------------------------------------------------------------- */

static bool value_is_given(const struct tocsin_field *row, const void *values)
{
	return *(const int64_t *)(const void *)((const char *)values + row->offset) != 0;
}

static bool rows_fill(struct compiled_configs *c, struct json_object *stored, struct why *why)
{
	for (const struct tocsin_field *row = table_of(c->channel); row->key != NULL; row++) {
		struct json_object *value = stored_get(stored, row);
		const bool fits = field_fill(row, value, c->values);
		const bool is_missing = value == NULL && row->group == NULL &&
					(row->flags & TOCSIN_REQUIRED) != 0;

		json_object_put(value);
		if (is_missing || !fits) {
			why_set(why, "configs.%s %s plugin %s wants", row->key,
				is_missing ? "is missing, which the"
					   : "is of another type than the",
				c->channel->plugin.vtable.name);
			return false;
		}
		if ((row->flags & TOCSIN_IS_TIMEOUT) != 0 && value_is_given(row, c->values))
			memcpy(&c->timeout_ms, (char *)c->values + row->offset,
			       sizeof(c->timeout_ms));
	}
	return true;
}

static bool target_fill(struct compiled_configs *c, struct json_object *stored, struct why *why)
{
	const struct tocsin_field *row = NULL;
	struct url url = { 0 };

	c->target = target_get(c->channel, stored, &row);
	if (c->target == NULL || row->kind != TOCSIN_URL)
		return true;
	if (url_parse(span_of(c->target), &url, why) != ERR_OK)
		return false;
	c->host = xstrdup(url.host);
	c->port = url.port;
	c->is_literal = url.is_literal;
	c->address = url.address;
	url_finish(&url);
	return true;
}

struct compiled_configs *configs_compile(const struct channel *channel, const char *stored,
					 struct why *why)
{
	struct json_object *object = object_parse(stored);
	struct compiled_configs *c = NULL;

	if (object == NULL) {
		why_set(why, "the stored configs are no JSON object");
		return NULL;
	}
	c = xcalloc(1, sizeof(*c));
	c->channel = channel;
	c->timeout_ms = channel->timeout_ms;
	c->values = xcalloc(1, channel->plugin.vtable.configs_bytes);
	if (!rows_fill(c, object, why) || !target_fill(c, object, why)) {
		compiled_configs_destroy(c);
		c = NULL;
	}
	json_object_put(object);
	return c;
}

void compiled_configs_destroy(struct compiled_configs *c)
{
	if (c == NULL)
		return;
	for (const struct tocsin_field *row = table_of(c->channel); row->key != NULL; row++)
		field_finish(row, c->values);
	free(c->values);
	free(c->target);
	free(c->host);
	free(c);
}

/* --- describing ------------------------------------------------------------ */

static void alias_put(const struct tocsin_field *row, struct json_writer *w)
{
	struct tocsin_field other = *row;
	char help[128];

	if (row->alias == NULL)
		return;
	snprintf(help, sizeof(help), "Another name of %s.", row->key);
	other.key = row->alias;
	other.help = help;
	other.flags &= ~(uint32_t)TOCSIN_REQUIRED;
	json_key(w, row->alias);
	field_schema(&other, w);
}

void configs_schema(const struct channel *channel, const char *title, struct json_writer *w)
{
	json_open(w, '{');
	json_put(w, "title", title);
	json_put(w, "type", "object");
	json_key(w, "properties");
	json_open(w, '{');
	for (const struct tocsin_field *row = table_of(channel); row->key != NULL; row++) {
		json_key(w, row->key);
		field_schema(row, w);
		alias_put(row, w);
	}
	json_close(w, '}');
	json_key(w, "required");
	json_open(w, '[');
	for (const struct tocsin_field *row = table_of(channel); row->key != NULL; row++) {
		if ((row->flags & TOCSIN_REQUIRED) != 0 && row->group == NULL)
			json_put(w, NULL, row->key);
	}
	json_close(w, ']');
	json_put_bool(w, "additionalProperties", false);
	json_close(w, '}');
}
