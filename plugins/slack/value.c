/* value.c - one value of a JSON text as people read it.
 * Not here: finding the value (common/members.c).
 * Pure; any thread.
 * SPDX-License-Identifier: MIT */
#include "slack/value.h"

#include <json-c/json.h>

static int string_add(struct text *t, struct tocsin_span value)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *string = NULL;

	if (tokener != NULL)
		string = json_tokener_parse_ex(tokener, value.ptr, (int)value.len);
	if (string != NULL && json_object_is_type(string, json_type_string))
		text_bytes(t, json_object_get_string(string),
			   (size_t)json_object_get_string_len(string));
	json_object_put(string);
	if (tokener != NULL)
		json_tokener_free(tokener);
	else
		t->failed = 1;
	return 1;
}

int value_add(struct text *t, struct tocsin_span value)
{
	if (value.len == 0 || value_is(value, "null") || value.ptr[0] == '{' || value.ptr[0] == '[')
		return 0;
	if (value.ptr[0] != '"') {
		text_bytes(t, value.ptr, value.len);
		return 1;
	}
	return value.len > 2 && string_add(t, value);
}
