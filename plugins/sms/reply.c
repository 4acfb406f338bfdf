/* reply.c - finds values in providers' JSON replies.
 * Not here: what they mean (twilio.c, gateway.c). Pure; any thread.
 * SPDX-License-Identifier: MIT */
#include "sms/reply.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 32, KEY_MAX_BYTES = 128 };

struct json_object *reply_parse(struct tocsin_span body)
{
	struct json_tokener *reader = NULL;
	struct json_object *json = NULL;

	if (body.len == 0 || body.len > INT_MAX)
		return NULL;
	reader = json_tokener_new_ex(DEPTH_MAX);
	if (reader == NULL)
		return NULL;
	json = json_tokener_parse_ex(reader, body.ptr, (int)body.len);
	json_tokener_free(reader);
	if (!json_object_is_type(json, json_type_object) &&
	    !json_object_is_type(json, json_type_array)) {
		json_object_put(json);
		return NULL;
	}
	return json;
}

static struct json_object *element_find(struct json_object *array, const char *key)
{
	char *end = NULL;
	const unsigned long index = strtoul(key, &end, 10);

	if (key[0] < '0' || key[0] > '9' || *end != '\0')
		return NULL;
	return index < json_object_array_length(array) ? json_object_array_get_idx(array, index)
						       : NULL;
}

static struct json_object *member_find(struct json_object *json, const char *key)
{
	struct json_object *found = NULL;

	if (json_object_is_type(json, json_type_array))
		return element_find(json, key);
	if (json_object_is_type(json, json_type_object) &&
	    json_object_object_get_ex(json, key, &found))
		return found;
	return NULL;
}

/* One part of the path into key, with ~0 and ~1 of RFC 6901 undone. Returns the
 * rest of the path, NULL when the part is too long for a key of ours. */
static const char *part_take(const char *path, char separator, char key[KEY_MAX_BYTES])
{
	size_t len = 0;

	for (; *path != '\0' && *path != separator; path++) {
		if (len + 1 >= KEY_MAX_BYTES)
			return NULL;
		key[len] = *path;
		if (separator == '/' && *path == '~' && (path[1] == '0' || path[1] == '1'))
			key[len] = *++path == '0' ? '~' : '/';
		len++;
	}
	key[len] = '\0';
	return path;
}

struct json_object *reply_find(struct json_object *json, const char *path)
{
	const char separator = path[0] == '/' ? '/' : '.';
	char key[KEY_MAX_BYTES];

	if (separator == '/')
		path++;
	while (json != NULL) {
		path = part_take(path, separator, key);
		if (path == NULL)
			return NULL;
		json = member_find(json, key);
		if (*path++ == '\0')
			break;
	}
	return json;
}

const char *reply_text(struct json_object *json, const char *path)
{
	struct json_object *found = reply_find(json, path);
	const char *text = NULL;

	if (found == NULL || json_object_is_type(found, json_type_object) ||
	    json_object_is_type(found, json_type_array))
		return "";
	text = json_object_get_string(found);
	return text == NULL ? "" : text;
}
