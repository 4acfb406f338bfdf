/* blocks.c - the limits of Slack's blocks, applied to rendered JSON.
 * Not here: whether a block's type and members exist (Slack says so itself).
 * Pure; any thread.
 * SPDX-License-Identifier: MIT */
#include "slack/blocks.h"

#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "slack/mrkdwn.h"

enum { DEPTH_MAX = 100 };

/* What stands in for a text that a placeholder left empty: Slack refuses "". */
static const char nothing[] = "-";

/* A member that holds text objects or elements; the first row that fits. */
static const struct part_rule {
	const char *type; /* of the object that it is in; NULL: any */
	const char *name;
	size_t count_max; /* elements, 0: no limit */
	size_t units_max; /* of each text object inside */
} part_rules[] = {
	{ "header", "text", 0, BLOCK_HEADER_MAX },
	{ "section", "fields", BLOCK_FIELDS_MAX, BLOCK_FIELD_MAX },
	{ "context", "elements", 10, BLOCK_TEXT_MAX },
	{ "actions", "elements", 25, BLOCK_TEXT_MAX },
	{ "button", "text", 0, 75 },
	{ NULL, "title", 0, 2000 },
	{ NULL, NULL, 0, BLOCK_TEXT_MAX },
};

/* A member that must be a string. */
static const struct string_rule {
	const char *type, *name;
	size_t units_max; /* 0: never cut */
	int is_plain;     /* 1: not mrkdwn, so the template's escapes are taken away */
} string_rules[] = {
	{ "markdown", "text", 12000, 0 }, { NULL, "alt_text", 2000, 0 },
	{ NULL, "block_id", 255, 1 },     { NULL, "action_id", 255, 1 },
	{ NULL, "value", 2000, 1 },       { NULL, "url", 0, 1 },
	{ NULL, "image_url", 0, 1 },
};

static int type_is(const char *type, const char *wanted)
{
	return wanted == NULL || (type != NULL && strcmp(type, wanted) == 0);
}

static const char *type_of(struct json_object *object)
{
	struct json_object *type = NULL;

	if (!json_object_object_get_ex(object, "type", &type) ||
	    !json_object_is_type(type, json_type_string))
		return NULL;
	return json_object_get_string(type);
}

static const struct part_rule *part_find(const char *type, const char *name)
{
	const struct part_rule *rule = part_rules;

	while (!type_is(type, rule->type) || (rule->name != NULL && strcmp(rule->name, name) != 0))
		rule++;
	return rule;
}

static const struct string_rule *string_find(const char *type, const char *name)
{
	for (size_t i = 0; i < sizeof(string_rules) / sizeof(string_rules[0]); i++) {
		if (type_is(type, string_rules[i].type) && strcmp(string_rules[i].name, name) == 0)
			return &string_rules[i];
	}
	return NULL;
}

/* Whatever value is, as the text that the template's author meant. */
static void value_read(struct json_object *value, const struct string_rule *rule, struct text *out)
{
	const char *json;

	if (json_object_is_type(value, json_type_string)) {
		const char *bytes = json_object_get_string(value);
		const size_t len = (size_t)json_object_get_string_len(value);

		if (rule->is_plain)
			mrkdwn_unescape(out, bytes, len);
		else
			text_bytes(out, bytes, len);
		return;
	}
	if (value == NULL)
		return;
	json = json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN |
							     JSON_C_TO_STRING_NOSLASHESCAPE);
	if (json == NULL)
		out->failed = 1;
	else
		mrkdwn_add(out, json, strlen(json), 0);
}

/* Returns 0 when memory is short. */
static int string_limit(struct json_object *object, const struct string_rule *rule)
{
	struct text text = { 0 };
	int is_done = 0;

	value_read(json_object_object_get(object, rule->name), rule, &text);
	if (rule->units_max > 0)
		mrkdwn_shorten(&text, rule->units_max);
	if (text.len == 0)
		text_add(&text, nothing);
	if (!text.failed) {
		struct json_object *string = json_object_new_string_len(text.ptr, (int)text.len);

		is_done = string != NULL && json_object_object_add(object, rule->name, string) == 0;
	}
	text_finish(&text);
	return is_done;
}

static int value_limit(struct json_object *value, const struct part_rule *rule);

/* The elements of a list; those that a placeholder left empty are taken out. */
static int elements_limit(struct json_object *list, const struct part_rule *rule)
{
	for (size_t i = json_object_array_length(list); i-- > 0;) {
		struct json_object *one = json_object_array_get_idx(list, i);

		if (one == NULL)
			json_object_array_del_idx(list, i, 1);
		else if (!value_limit(one, rule))
			return 0;
	}
	const size_t count = json_object_array_length(list);

	if (rule->count_max > 0 && count > rule->count_max)
		json_object_array_del_idx(list, rule->count_max, count - rule->count_max);
	return 1;
}

static int members_limit(struct json_object *object)
{
	const char *type = type_of(object);

	json_object_object_foreach(object, name, member)
	{
		const struct string_rule *string = string_find(type, name);

		if (string != NULL) {
			if (!string_limit(object, string))
				return 0;
		} else if (!value_limit(member, part_find(type, name))) {
			return 0;
		}
	}
	return 1;
}

/* Depth is that of the parsed text: DEPTH_MAX at most. */
static int value_limit(struct json_object *value, const struct part_rule *rule)
{
	if (json_object_is_type(value, json_type_array))
		return elements_limit(value, rule);
	if (!json_object_is_type(value, json_type_object))
		return 1;
	const char *type = type_of(value);

	if (type != NULL && (strcmp(type, "mrkdwn") == 0 || strcmp(type, "plain_text") == 0))
		return string_limit(value, &(struct string_rule){ .name = "text",
								  .units_max = rule->units_max });
	return members_limit(value);
}

static int fault_set(char *why, size_t why_bytes, const char *text)
{
	snprintf(why, why_bytes, "blocks_template %s", text);
	return TOCSIN_BAD_MESSAGE;
}

static int list_check(struct json_object *list, char *why, size_t why_bytes)
{
	const size_t count = json_object_array_length(list);

	for (size_t i = 0; i < count; i++) {
		if (json_object_is_type(json_object_array_get_idx(list, i), json_type_object))
			continue;
		snprintf(why, why_bytes, "blocks_template gives a block %zu that is no object",
			 i + 1);
		return TOCSIN_BAD_MESSAGE;
	}
	if (count <= BLOCKS_MAX)
		return TOCSIN_OK;
	snprintf(why, why_bytes, "blocks_template gives %zu blocks; Slack takes %d in a message",
		 count, BLOCKS_MAX);
	return TOCSIN_BAD_MESSAGE;
}

static int list_read(struct json_object *list, struct text *out, char *why, size_t why_bytes)
{
	static const struct part_rule any = { .units_max = BLOCK_TEXT_MAX };

	if (!elements_limit(list, &any))
		return TOCSIN_TRY_LATER;
	const int rc = list_check(list, why, why_bytes);

	if (rc != TOCSIN_OK || json_object_array_length(list) == 0)
		return rc;
	const char *json = json_object_to_json_string_ext(
		list, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (json == NULL)
		return TOCSIN_TRY_LATER;
	text_add(out, json);
	return out->failed ? TOCSIN_TRY_LATER : TOCSIN_OK;
}

static int root_read(struct json_object *root, struct blocks *out, char *why, size_t why_bytes)
{
	struct json_object *list = root, *text = NULL;

	if (json_object_is_type(root, json_type_object)) {
		if (!json_object_object_get_ex(root, "blocks", &list))
			return fault_set(why, why_bytes, "is an object without \"blocks\"");
		if (json_object_object_get_ex(root, "text", &text) &&
		    json_object_is_type(text, json_type_string))
			text_bytes(&out->text, json_object_get_string(text),
				   (size_t)json_object_get_string_len(text));
	}
	if (!json_object_is_type(list, json_type_array))
		return fault_set(why, why_bytes, "gives no array of blocks");
	return list_read(list, &out->json, why, why_bytes);
}

int blocks_read(struct tocsin_span rendered, struct blocks *out, char *why, size_t why_bytes)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	int rc = TOCSIN_TRY_LATER;

	*out = (struct blocks){ 0 };
	if (tokener == NULL)
		return rc;
	struct json_object *root = json_tokener_parse_ex(tokener, rendered.ptr, (int)rendered.len);

	if (root == NULL)
		rc = fault_set(why, why_bytes, "gives no JSON");
	else
		rc = root_read(root, out, why, why_bytes);
	json_object_put(root);
	json_tokener_free(tokener);
	return rc;
}

void blocks_finish(struct blocks *blocks)
{
	text_finish(&blocks->json);
	text_finish(&blocks->text);
}
