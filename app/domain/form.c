/* form.c - the members of a webhook's body and their rules.
 * Not here: the list of channels (form_channels.c), what a change means for
 * deliveries (webhooks.c), the fields of any channel (channel/configs).
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "domain/form.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "domain/catalogue.h"
#include "domain/text.h"
#include "model/pattern.h"

/* The longest whole numbers that json-c keeps: INT64_MIN and UINT64_MAX. */
static const char whole_min[] = "9223372036854775808", whole_max[] = "18446744073709551615";

/* The scanner has bounded the depth already; json-c counts one more. */
enum { PARSER_SPARE_DEPTH = 2 };

static const struct loc body_loc = { NULL, "body", 0 };

/* --- Parts ------------------------------------------------------------------ */

static struct span text_of(struct json_object *string)
{
	return (struct span){ json_object_get_string(string),
			      (size_t)json_object_get_string_len(string) };
}

char *form_text_read(struct form *f, struct json_object *value, const struct form_text *rule,
		     const struct loc *loc)
{
	if (!json_object_is_type(value, json_type_string)) {
		faults_add(f->faults, loc, "string_type", "Input should be a valid string");
		return NULL;
	}
	const struct span text = text_of(value);
	const size_t characters = utf8_length(text);

	if (characters < rule->min)
		faults_add(f->faults, loc, "string_too_short",
			   "String should have at least %zu character", rule->min);
	else if (characters > rule->max)
		faults_add(f->faults, loc, "string_too_long",
			   "String should have at most %zu characters", rule->max);
	else if (rule->has_lines ? !text_is_prose(text) : !text_is_line(text))
		faults_add(f->faults, loc, "value_error",
			   "String should not hold control characters");
	else
		return xspandup(text);
	return NULL;
}

static bool name_is_known(const char *name, const char *const *known)
{
	for (; *known != NULL; known++) {
		if (strcmp(*known, name) == 0)
			return true;
	}
	return false;
}

void form_members_check(struct form *f, struct json_object *object, const char *const *known,
			const struct loc *loc)
{
	struct json_object_iterator at = json_object_iter_begin(object);
	const struct json_object_iterator end = json_object_iter_end(object);

	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
		const char *name = json_object_iter_peek_name(&at);
		const struct loc member = { loc, name, 0 };

		if (!name_is_known(name, known) &&
		    (f->also == NULL || loc->parent != NULL || strcmp(name, f->also) != 0))
			faults_add(f->faults, &member, "extra_forbidden",
				   "Extra inputs are not permitted");
	}
}

/* --- Members ------------------------------------------------------------------ */

/* Those after channels are the server's: accepted, whatever they are, and ignored. */
static const char *const members[] = {
	"webhook_name", "description", "event_types", "is_active",  "channels",        "webhook_id",
	"internal_id",  "created_at",  "updated_at",  "last_error", "disabled_reason", NULL,
};

/* Is this member there, with anything but null? Adds the fault when it must be. */
static bool member_get(struct form *f, struct json_object *root, const char *name,
		       struct json_object **out)
{
	const struct loc loc = { &body_loc, name, 0 };
	const bool is_there = json_object_object_get_ex(root, name, out);

	if (is_there && *out != NULL)
		return true;
	if (f->kind == FORM_PATCH)
		return false;
	if (is_there)
		faults_add(f->faults, &loc, "value_error", "Input should not be null");
	else
		faults_add(f->faults, &loc, "missing", "Field required");
	return false;
}

static void name_read(struct form *f, struct json_object *root, struct webhook *w)
{
	static const struct form_text rule = { .min = 1, .max = 200 };
	const struct loc loc = { &body_loc, "webhook_name", 0 };
	struct json_object *value;

	if (!member_get(f, root, "webhook_name", &value))
		return;
	free(w->name);
	w->name = form_text_read(f, value, &rule, &loc);
}

static void description_read(struct form *f, struct json_object *root, struct webhook *w)
{
	static const struct form_text rule = { .max = 2000, .has_lines = true };
	const struct loc loc = { &body_loc, "description", 0 };
	struct json_object *value;

	if (!json_object_object_get_ex(root, "description", &value))
		return;
	free(w->description);
	w->description = value == NULL ? NULL : form_text_read(f, value, &rule, &loc);
}

static void is_active_read(struct form *f, struct json_object *root, struct webhook *w)
{
	const struct loc loc = { &body_loc, "is_active", 0 };
	struct json_object *value;

	if (!json_object_object_get_ex(root, "is_active", &value) || value == NULL)
		return;
	if (!json_object_is_type(value, json_type_boolean)) {
		faults_add(f->faults, &loc, "bool_type", "Input should be a valid boolean");
		return;
	}
	w->is_active = json_object_get_boolean(value);
	f->active_is_given = true;
}

static bool pattern_check(struct form *f, struct json_object *value, const struct loc *loc)
{
	if (!json_object_is_type(value, json_type_string)) {
		faults_add(f->faults, loc, "string_type", "Input should be a valid string");
		return false;
	}
	const struct span pattern = text_of(value);

	if (!pattern_is_valid(pattern)) {
		faults_add(f->faults, loc, "value_error",
			   "Should be an event type like cluster.created, a prefix like "
			   "cluster.* or *");
		return false;
	}
	if (event_type_is_valid(pattern) && !event_type_is_operational(pattern) &&
	    !catalogue_admits(&f->conf->events, pattern)) {
		faults_add(f->faults, loc, "value_error",
			   "This event type is not in the server's catalogue");
		return false;
	}
	return true;
}

static void event_type_add(struct webhook *w, const char *pattern)
{
	for (size_t i = 0; i < w->event_type_count; i++) {
		if (strcmp(w->event_types[i], pattern) == 0)
			return;
	}
	w->event_types[w->event_type_count++] = xstrdup(pattern);
}

static void event_types_drop(struct webhook *w)
{
	for (size_t i = 0; i < w->event_type_count; i++)
		free(w->event_types[i]);
	free(w->event_types);
	w->event_types = NULL;
	w->event_type_count = 0;
}

static void event_types_read(struct form *f, struct json_object *root, struct webhook *w)
{
	const struct loc loc = { &body_loc, "event_types", 0 };
	const size_t max = (size_t)f->conf->limits.event_types;
	struct json_object *list;

	if (!member_get(f, root, "event_types", &list))
		return;
	if (!json_object_is_type(list, json_type_array)) {
		faults_add(f->faults, &loc, "list_type", "Input should be a valid list");
		return;
	}
	const size_t count = json_object_array_length(list);

	if (count == 0)
		faults_add(f->faults, &loc, "too_short", "List should have at least 1 item");
	if (count > max)
		faults_add(f->faults, &loc, "too_long", "List should have at most %zu items", max);
	if (count == 0 || count > max)
		return;
	event_types_drop(w);
	w->event_types = xcalloc(count, sizeof(*w->event_types));
	for (size_t i = 0; i < count; i++) {
		struct json_object *value = json_object_array_get_idx(list, i);
		const struct loc item = { &loc, NULL, i };

		if (pattern_check(f, value, &item))
			event_type_add(w, json_object_get_string(value));
	}
}

static void channels_read(struct form *f, struct json_object *root, struct webhook *w)
{
	struct json_object *list;

	if (member_get(f, root, "channels", &list))
		form_channels_read(f, list, w);
}

/* --- The whole ---------------------------------------------------------------- */

/* Would json-c bend this number? It keeps fractions and exponents as text, but
 * moves whole numbers beyond 64 bits silently to the nearest one that fits. */
static bool number_is_kept(struct span number)
{
	const bool is_negative = number.ptr[0] == '-';
	const char *limit = is_negative ? whole_min : whole_max;
	const size_t limit_len = strlen(limit);
	const struct span digits = { number.ptr + is_negative, number.len - is_negative };

	for (size_t i = 0; i < digits.len; i++) {
		if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
			return true;
	}
	/* JSON has no leading zeros. */
	return digits.len < limit_len ||
	       (digits.len == limit_len && memcmp(digits.ptr, limit, limit_len) <= 0);
}

/* Behind the string whose opening quote is at `at` of a scanned text. */
static size_t string_skip(struct span text, size_t at)
{
	for (at++; text.ptr[at] != '"'; at++)
		at += text.ptr[at] == '\\';
	return at + 1;
}

/* Are all numbers inside this scanned value kept as they are written? */
static bool numbers_are_kept(struct span text)
{
	static const char of_numbers[] = "+-.0123456789Ee";
	size_t at = 0;

	while (at < text.len) {
		const char c = text.ptr[at];
		const size_t begin = at;

		if (c == '"') {
			at = string_skip(text, at);
		} else if (c != '-' && (c < '0' || c > '9')) {
			at++;
		} else {
			while (at < text.len &&
			       memchr(of_numbers, text.ptr[at], sizeof(of_numbers) - 1) != NULL)
				at++;
			if (!number_is_kept((struct span){ text.ptr + begin, at - begin }))
				return false;
		}
	}
	return true;
}

static struct json_object *body_parse(struct form *f, struct span body)
{
	const unsigned depth_max = (unsigned)f->conf->api.depth_max;
	struct json_fault why = { 0, "" };
	struct json_value root;

	if (body.len == 0) {
		faults_add(f->faults, &body_loc, "missing", "Field required");
		return NULL;
	}
	if (json_scan(body, depth_max, &root, &why) != ERR_OK) {
		faults_add(f->faults, &body_loc, "json_invalid", "Invalid JSON at byte %zu: %s",
			   why.offset, why.reason);
		return NULL;
	}
	if (root.type != JSON_OBJECT) {
		faults_add(f->faults, &body_loc, "model_attributes_type",
			   "Input should be a valid object");
		return NULL;
	}
	/* Only channels' configs may hold numbers that are kept. */
	if (!numbers_are_kept(json_find(&root, "channels").raw)) {
		faults_add(f->faults, &body_loc, "value_error",
			   "Whole numbers beyond 64 bits cannot be kept exactly: "
			   "write them as text");
		return NULL;
	}
	struct json_tokener *parser = json_tokener_new_ex((int)depth_max + PARSER_SPARE_DEPTH);
	struct json_object *object = parser == NULL ? NULL
						    : json_tokener_parse_ex(parser, root.raw.ptr,
									    (int)root.raw.len);

	json_tokener_free(parser);
	if (object == NULL)
		faults_add(f->faults, &body_loc, "json_invalid", "Invalid JSON");
	return object;
}

enum err form_read(struct form *f, struct span body, struct webhook *w)
{
	struct json_object *root = body_parse(f, body);

	if (root == NULL)
		return ERR_BAD_REQUEST;
	if (f->kind == FORM_CREATE)
		w->is_active = true;
	form_members_check(f, root, members, &body_loc);
	name_read(f, root, w);
	description_read(f, root, w);
	event_types_read(f, root, w);
	is_active_read(f, root, w);
	channels_read(f, root, w);
	json_object_put(root);
	return faults_any(f->faults) ? ERR_BAD_REQUEST : ERR_OK;
}
