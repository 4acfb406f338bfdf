/* json_write.c - writing JSON: strings that are safe anywhere, and commas.
 * Not here: scanning (json.c) and reading (json_read.c).
 * One writer belongs to one thread.
 * SPDX-License-Identifier: MIT */
#include "base/json.h"

#include "base/clock.h"
#include "base/json_run.h"
#include "base/utf8.h"

static void escape_put(struct buf *out, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	static const char shorts[0x20] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'
	};
	char text[6] = { '\\', 'u', '0', '0', digits[c >> 4], digits[c & 15] };

	if (c < 0x20 && shorts[c] == 0) {
		buf_bytes(out, text, sizeof(text));
		return;
	}
	text[1] = c < 0x20 ? shorts[c] : (char)c;
	buf_bytes(out, text, 2);
}

/* One character beyond ASCII; returns the bytes taken. */
static size_t foreign_put(struct buf *out, struct span text)
{
	size_t bad = 0;
	const size_t step = utf8_step(text, &bad);

	if (step == 0) {
		buf_text(out, "\xEF\xBF\xBD");
		return bad;
	}
	/* Line and paragraph separator end a line in older JavaScript. */
	if (step == 3 && memcmp(text.ptr, "\xE2\x80\xA8", 3) == 0)
		buf_text(out, "\\u2028");
	else if (step == 3 && memcmp(text.ptr, "\xE2\x80\xA9", 3) == 0)
		buf_text(out, "\\u2029");
	else
		buf_bytes(out, text.ptr, step);
	return step;
}

void json_put_characters(struct buf *out, struct span text)
{
	const char *at = text.ptr == NULL ? "" : text.ptr;
	const char *end = at + text.len;

	while (at < end) {
		const char *stop = json_plain_skip(at, end);

		buf_bytes(out, at, (size_t)(stop - at));
		at = stop;
		if (at == end)
			break;
		if ((unsigned char)*at < 0x80)
			escape_put(out, (unsigned char)*at++);
		else
			at += foreign_put(out, (struct span){ at, (size_t)(end - at) });
	}
}

void json_put_string(struct buf *out, struct span text)
{
	buf_reserve(out, text.len + 2);
	buf_byte(out, '"');
	json_put_characters(out, text);
	buf_byte(out, '"');
}

static void comma_put(struct json_writer *w)
{
	if (w->comma)
		buf_byte(w->out, ',');
	w->comma = false;
}

void json_open(struct json_writer *w, char bracket)
{
	comma_put(w);
	buf_byte(w->out, bracket);
}

void json_close(struct json_writer *w, char bracket)
{
	buf_byte(w->out, bracket);
	w->comma = true;
}

void json_key(struct json_writer *w, const char *key)
{
	comma_put(w);
	buf_byte(w->out, '"');
	buf_text(w->out, key);
	buf_bytes(w->out, "\":", 2);
}

/* What comes before any value: its key, or in an array the comma. */
static void value_begin(struct json_writer *w, const char *key)
{
	if (key != NULL)
		json_key(w, key);
	else
		comma_put(w);
}

void json_put(struct json_writer *w, const char *key, const char *text)
{
	json_put_span(w, key, span_of(text));
}

void json_put_span(struct json_writer *w, const char *key, struct span text)
{
	if (text.ptr == NULL) {
		json_put_null(w, key);
		return;
	}
	value_begin(w, key);
	json_put_string(w->out, text);
	w->comma = true;
}

void json_put_int(struct json_writer *w, const char *key, int64_t value)
{
	value_begin(w, key);
	buf_int(w->out, value);
	w->comma = true;
}

void json_put_bool(struct json_writer *w, const char *key, bool value)
{
	json_put_raw(w, key, span_of(value ? "true" : "false"));
}

void json_put_null(struct json_writer *w, const char *key)
{
	json_put_raw(w, key, span_of("null"));
}

void json_put_raw(struct json_writer *w, const char *key, struct span json)
{
	value_begin(w, key);
	buf_span(w->out, json);
	w->comma = true;
}

void json_put_time_us(struct json_writer *w, const char *key, int64_t wall_us)
{
	char text[TIME_TEXT_BYTES];

	if (wall_us == 0) {
		json_put_null(w, key);
		return;
	}
	time_format(wall_us, text);
	value_begin(w, key);
	buf_byte(w->out, '"');
	buf_bytes(w->out, text, TIME_TEXT_BYTES - 1);
	buf_byte(w->out, '"');
	w->comma = true;
}
