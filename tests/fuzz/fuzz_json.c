/* fuzz_json.c - the scanner against json-c, its own readers and its writer.
 * What it takes json-c must take too; members and elements must cover a value
 * exactly; a decoded string written again must scan and mean the same.
 * SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/json.h"

enum { DEPTH = 30, TEXT_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Only blanks and the given separators may lie between two items. */
static void gap_check(const char *from, const char *to, const char *allowed)
{
	must(from <= to);
	for (; from < to; from++)
		must(*from != '\0' && strchr(allowed, *from) != NULL);
}

static void string_check(const struct json_value *string)
{
	struct buf text, again, twice;
	struct json_value value;

	buf_init(&text, TEXT_MAX);
	buf_init(&again, 6 * TEXT_MAX);
	buf_init(&twice, TEXT_MAX);
	json_string_decode(string, &text);
	must(utf8_check(buf_view(&text)));
	must(utf8_length(buf_view(&text)) <= text.len);
	json_put_string(&again, buf_view(&text));
	must(again.failed == ERR_OK);
	must(json_scan(buf_view(&again), 0, &value, NULL) == ERR_OK);
	must(value.type == JSON_STRING && value.raw.len == again.len);
	json_string_decode(&value, &twice);
	must(span_equal(buf_view(&text), buf_view(&twice)));
	buf_finish(&text);
	buf_finish(&again);
	buf_finish(&twice);
}

static void value_check(const struct json_value *value);

/* Returns where the last member ends. */
static const char *members_check(const struct json_value *object)
{
	const char *done = object->raw.ptr + 1;
	struct json_member member;
	size_t at = 0;

	while (json_member_next(object, &at, &member)) {
		const struct json_value key = { JSON_STRING,
						{ member.key.ptr - 1, member.key.len + 2 } };

		gap_check(done, key.raw.ptr, ", \t\r\n");
		must(key.raw.ptr[0] == '"' && key.raw.ptr[key.raw.len - 1] == '"');
		gap_check(key.raw.ptr + key.raw.len, member.value.raw.ptr, ": \t\r\n");
		string_check(&key);
		value_check(&member.value);
		done = member.value.raw.ptr + member.value.raw.len;
	}
	return done;
}

static const char *elements_check(const struct json_value *array)
{
	const char *done = array->raw.ptr + 1;
	struct json_value element;
	size_t at = 0;

	while (json_element_next(array, &at, &element)) {
		gap_check(done, element.raw.ptr, ", \t\r\n");
		value_check(&element);
		done = element.raw.ptr + element.raw.len;
	}
	return done;
}

/* Every part of a good text is itself a good text of the same type. */
static void value_check(const struct json_value *value)
{
	const char *end = value->raw.ptr + value->raw.len;
	struct json_value again;
	int64_t number;

	if (value->type == JSON_OBJECT)
		gap_check(members_check(value), end, "} \t\r\n");
	else if (value->type == JSON_ARRAY)
		gap_check(elements_check(value), end, "] \t\r\n");
	else if (value->type == JSON_STRING)
		string_check(value);
	else if (value->type == JSON_NUMBER)
		(void)json_integer(value, &number);
	if (value->type == JSON_OBJECT || value->type == JSON_ARRAY)
		return; /* names may repeat inside, which alone would be refused */
	must(json_scan(value->raw, 0, &again, NULL) == ERR_OK);
	must(again.type == value->type && span_equal(again.raw, value->raw));
}

/* json-c is laxer in all but depth, and its own limit is 32. */
static void reference_check(struct span text)
{
	struct json_tokener *tokener = json_tokener_new();

	must(tokener != NULL);

	struct json_object *root = json_tokener_parse_ex(tokener, text.ptr, (int)text.len);

	must(json_tokener_get_error(tokener) == json_tokener_success ||
	     json_tokener_get_error(tokener) == json_tokener_continue);
	json_object_put(root);
	json_tokener_free(tokener);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span text = { (const char *)data, size };
	struct json_fault fault = { 0, NULL };
	struct json_value value;
	struct buf repaired;

	if (size > TEXT_MAX / 8)
		return 0;
	buf_init(&repaired, TEXT_MAX);
	utf8_repair(&repaired, text);
	must(repaired.failed == ERR_OK && utf8_check(buf_view(&repaired)));
	must(!utf8_check(text) || span_equal(text, buf_view(&repaired)));
	buf_finish(&repaired);

	if (json_scan(text, DEPTH, &value, &fault) != ERR_OK) {
		must(fault.reason != NULL && fault.offset <= size);
		return 0;
	}
	must(utf8_check(text));
	gap_check(text.ptr, value.raw.ptr, " \t\r\n");
	gap_check(value.raw.ptr + value.raw.len, text.ptr + text.len, " \t\r\n");
	value_check(&value);
	reference_check(value.raw);
	return 0;
}
