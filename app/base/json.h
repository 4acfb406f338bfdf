/* json.h - a strict scanner: RFC 8259 and UTF-8, spans instead of a tree.
 * SPDX-License-Identifier: MIT
 * json_scan() checks a whole text once; the other readers then trust it and
 * only find borders, so that bytes can be stored and sent as they came. */
#ifndef TOCSIN_BASE_JSON_H
#define TOCSIN_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "base/utf8.h"

enum json_kind { /* not json_type: json-c has that */
		 JSON_NONE = 0,
		 JSON_NULL,
		 JSON_BOOL,
		 JSON_NUMBER,
		 JSON_STRING,
		 JSON_ARRAY,
		 JSON_OBJECT,
};

struct json_value {
	enum json_kind type; /* JSON_NONE: absent */
	struct span raw;     /* the value's own bytes; strings with their quotes */
};

struct json_member {
	struct span key; /* raw, without quotes; escapes not undone */
	struct json_value value;
};

/* Where and why a text is refused. */
struct json_fault {
	size_t offset;      /* byte offset in the text */
	const char *reason; /* static text */
};

/* Check all of text: one value, blanks around it, nothing else; well-formed
 * UTF-8 (no overlong forms, no surrogates, also none lone in \u escapes), no
 * raw controls in strings, at most depth_max arrays and objects inside one
 * another, no member name twice in the outermost object (compared after
 * undoing escapes).
 * Returns ERR_OK, ERR_BAD_REQUEST, ERR_TOO_BIG for depth, or ERR_MEMORY (only
 * for an outermost object of more than 32 members). fault may be NULL. */
MUST_CHECK enum err json_scan(struct span text, unsigned depth_max, struct json_value *out,
			      struct json_fault *fault);

/* Iterate a scanned array or object: start with *at = 0; false at the end.
 *   size_t at = 0;
 *   while (json_member_next(&object, &at, &member)) … */
bool json_member_next(const struct json_value *object, size_t *at, struct json_member *out);
bool json_element_next(const struct json_value *array, size_t *at, struct json_value *out);
/* The member called key (plain ASCII, escapes in the text are undone for the
 * comparison); type JSON_NONE when there is none. */
struct json_value json_find(const struct json_value *object, const char *key);

/* Is a member's raw key this text, escapes undone? */
bool json_key_is(struct span raw_key, const char *text);
/* Append a scanned string's characters, escapes undone (\u0000 becomes a NUL
 * byte in the buffer: callers that need C strings check). */
void json_string_decode(const struct json_value *string, struct buf *out);
/* The number as an int64; false when it is out of range or has a fraction or an
 * exponent (1.0 and 1e3 too). */
bool json_integer(const struct json_value *number, int64_t *out);
bool json_is_true(const struct json_value *value);

/* The type of a value by its first byte. */
enum json_kind json_kind_of(char first);

/* Writing: append text as a JSON string with quotes. Controls, quotes,
 * backslash, U+2028/2029 are escaped; ill-formed UTF-8 becomes U+FFFD. */
void json_put_string(struct buf *out, struct span text);
/* The same without the quotes around it. */
void json_put_characters(struct buf *out, struct span text);

/* A writer that places the commas. Zero-initialise with { .out = &buf }.
 *   json_open(&w, '{'); json_put(&w, "id", id); json_close(&w, '}'); */
struct json_writer {
	struct buf *out;
	bool comma; /* the next value needs one before it */
};

void json_open(struct json_writer *w, char bracket);   /* '{' or '[' */
void json_close(struct json_writer *w, char bracket);  /* '}' or ']' */
void json_key(struct json_writer *w, const char *key); /* plain ASCII */
/* Values; key NULL inside arrays or after json_key(). text NULL writes null. */
void json_put(struct json_writer *w, const char *key, const char *text);
void json_put_span(struct json_writer *w, const char *key, struct span text);
void json_put_int(struct json_writer *w, const char *key, int64_t value);
void json_put_bool(struct json_writer *w, const char *key, bool value);
void json_put_null(struct json_writer *w, const char *key);
/* Already JSON; copied as it is. */
void json_put_raw(struct json_writer *w, const char *key, struct span json);
/* A moment as RFC 3339 text; 0 writes null. */
void json_put_time_us(struct json_writer *w, const char *key, int64_t wall_us);

#endif
