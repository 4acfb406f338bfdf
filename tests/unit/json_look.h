/* json_look.h - looking at members of a JSON text, and whether it is what a
 * schema of the API's description says.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_JSON_LOOK_H
#define TESTS_UNIT_JSON_LOOK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "api/schemas.h"

/* A member by its path, as in "results|0|state", and its text as JSON. A text
 * of NULL: the member must not be there; LOOK_ANY: anything but null. */
struct look {
	const char *path, *json;
};

#define LOOK_ANY   "*"
#define LOOKS(...) ((const struct look[]){ __VA_ARGS__, { NULL, NULL } })

static inline struct json_object *tree_parse(struct span text)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *root = json_tokener_parse_ex(tokener, text.ptr, (int)text.len);

	if (json_tokener_get_error(tokener) != json_tokener_success ||
	    json_tokener_get_parse_end(tokener) != text.len)
		fail_msg("this is no JSON: %.*s", (int)text.len, text.ptr);
	json_tokener_free(tokener);
	return root;
}

/* False when there is no such member; *out is NULL for null. */
static inline bool tree_find(struct json_object *from, const char *path, struct json_object **out)
{
	char copy[256];
	char *rest = copy;

	snprintf(copy, sizeof(copy), "%s", path);
	*out = from;
	for (char *key = path[0] == '\0' ? NULL : strsep(&rest, "|"); key != NULL;
	     key = strsep(&rest, "|")) {
		if (json_object_is_type(*out, json_type_array)) {
			const size_t index = (size_t)strtoul(key, NULL, 10);

			if (index >= json_object_array_length(*out))
				return false;
			*out = json_object_array_get_idx(*out, index);
		} else if (!json_object_object_get_ex(*out, key, out)) {
			return false;
		}
	}
	return true;
}

static inline const char *tree_text(struct json_object *value)
{
	return value == NULL
		       ? "null"
		       : json_object_to_json_string_ext(
				 value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

static inline void json_look(const char *label, struct span text, const struct look *looks)
{
	struct json_object *root = tree_parse(text);

	for (; looks->path != NULL; looks++) {
		struct json_object *value = NULL;
		const bool is_there = tree_find(root, looks->path, &value);
		bool is_right = is_there == (looks->json != NULL);

		if (is_right && is_there)
			is_right = strcmp(looks->json, LOOK_ANY) == 0
					   ? value != NULL
					   : strcmp(tree_text(value), looks->json) == 0;
		if (!is_right)
			fail_msg("%s: %s is %s instead of %s in\n%.*s", label, looks->path,
				 is_there ? tree_text(value) : "absent",
				 looks->json == NULL ? "absent" : looks->json, (int)text.len,
				 text.ptr);
	}
	json_object_put(root);
}

/* --- Against the description ------------------------------------------------------ */

/* The members of value are those of the schema: none missing, none more. */
static inline void members_check(struct json_object *value, struct json_object *schema,
				 const char *name)
{
	struct json_object *properties = NULL, *required = NULL, *found = NULL;

	assert_true(tree_find(schema, "properties", &properties));
	struct json_object_iterator at = json_object_iter_begin(value);
	const struct json_object_iterator end = json_object_iter_end(value);

	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
		const char *key = json_object_iter_peek_name(&at);

		if (!json_object_object_get_ex(properties, key, &found))
			fail_msg("%s: %s is not in the description", name, key);
	}
	if (!tree_find(schema, "required", &required))
		return;
	for (size_t i = 0; i < json_object_array_length(required); i++) {
		const char *key = json_object_get_string(json_object_array_get_idx(required, i));

		if (!json_object_object_get_ex(value, key, &found))
			fail_msg("%s: %s is missing", name, key);
	}
}

/* Is the object at path in text what the description calls by this name? */
static inline void schema_check(const struct channels *channels, struct span text, const char *path,
				const char *name)
{
	struct buf all;
	struct json_writer w = { .out = &all };
	struct json_object *schema = NULL, *value = NULL;

	buf_init(&all, (size_t)1 << 20);
	json_open(&w, '{');
	schemas_write(channels, &w);
	json_close(&w, '}');
	struct json_object *schemas = tree_parse(buf_view(&all));
	struct json_object *root = tree_parse(text);

	if (!tree_find(schemas, name, &schema) || !tree_find(root, path, &value))
		fail_msg("there is no schema %s, or no %s in %.*s", name, path, (int)text.len,
			 text.ptr);
	members_check(value, schema, name);
	json_object_put(root);
	json_object_put(schemas);
	buf_finish(&all);
}

#endif
