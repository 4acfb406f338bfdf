/* escape.c - text made safe for where it lands.
 * Not here: what is rendered there (render.c).
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "template/template.h"

#include "base/json.h"

enum { HTML = 1, SLACK = 2, MARKDOWN = 4 };

/* Which bytes each escape replaces. Beyond CommonMark's own, = (underlines a
 * heading) and ~ (fences code). */
static const unsigned char marks[256] = {
	['&'] = HTML | SLACK | MARKDOWN,
	['<'] = HTML | SLACK | MARKDOWN,
	['>'] = HTML | SLACK | MARKDOWN,
	['"'] = HTML,
	['\''] = HTML,
	['\\'] = MARKDOWN,
	['`'] = MARKDOWN,
	['*'] = MARKDOWN,
	['_'] = MARKDOWN,
	['{'] = MARKDOWN,
	['}'] = MARKDOWN,
	['['] = MARKDOWN,
	[']'] = MARKDOWN,
	['('] = MARKDOWN,
	[')'] = MARKDOWN,
	['#'] = MARKDOWN,
	['+'] = MARKDOWN,
	['-'] = MARKDOWN,
	['.'] = MARKDOWN,
	['!'] = MARKDOWN,
	['|'] = MARKDOWN,
	['='] = MARKDOWN,
	['~'] = MARKDOWN,
};

static const char *marks_skip(const char *at, const char *end, unsigned char which)
{
	while (at < end && (marks[(unsigned char)*at] & which) == 0)
		at++;
	return at;
}

static const char *entity(char c)
{
	switch (c) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	default: return "&#39;";
	}
}

static void entities_put(struct span text, unsigned char which, struct buf *out)
{
	const char *at = text.ptr, *end = at + text.len;

	while (at < end) {
		const char *stop = marks_skip(at, end, which);

		buf_bytes(out, at, (size_t)(stop - at));
		if (stop == end)
			return;
		buf_text(out, entity(*stop));
		at = stop + 1;
	}
}

static void markdown_run_put(struct span text, struct buf *out)
{
	const char *at = text.ptr, *end = at + text.len;

	while (at < end) {
		const char *stop = marks_skip(at, end, MARKDOWN);

		buf_bytes(out, at, (size_t)(stop - at));
		if (stop == end)
			return;
		buf_byte(out, '\\');
		buf_byte(out, *stop);
		at = stop + 1;
	}
}

/* Line by line: blanks in front of one would make it code. */
static void markdown_put(struct span text, struct buf *out)
{
	const char *at = text.ptr, *end = at + text.len;

	while (at < end) {
		const char *line = at;

		while (at < end && *at != '\n' && *at != '\r')
			at++;
		if (line < at && (*line == ' ' || *line == '\t'))
			buf_text(out, *line++ == ' ' ? "&#32;" : "&#9;");
		markdown_run_put((struct span){ line, (size_t)(at - line) }, out);
		if (at < end)
			buf_byte(out, *at++);
	}
}

/* Bytes of the character at at that some reader takes for a control or for the
 * end of a line: C0 and DEL, U+0085, U+2028, U+2029. 0: none. */
static size_t control_length(const char *at, const char *end)
{
	const unsigned char c = (unsigned char)*at;

	if (c < 0x20 || c == 0x7F)
		return 1;
	if (c == 0xC2 && end - at >= 2 && (unsigned char)at[1] == 0x85)
		return 2;
	if (c == 0xE2 && end - at >= 3 && (unsigned char)at[1] == 0x80 &&
	    ((unsigned char)at[2] & 0xFE) == 0xA8)
		return 3;
	return 0;
}

static void header_put(struct span text, struct buf *out)
{
	const char *at = text.ptr, *end = at + text.len, *done = at;

	while (at < end) {
		const size_t len = control_length(at, end);

		if (len == 0) {
			at++;
			continue;
		}
		buf_bytes(out, done, (size_t)(at - done));
		buf_byte(out, ' ');
		at += len;
		done = at;
	}
	buf_bytes(out, done, (size_t)(at - done));
}

static bool is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

static void url_put(struct span text, struct buf *out)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		const unsigned char c = (unsigned char)text.ptr[i];
		const char percent[3] = { '%', digits[c >> 4], digits[c & 15] };

		if (is_unreserved(text.ptr[i]))
			buf_byte(out, text.ptr[i]);
		else
			buf_bytes(out, percent, sizeof(percent));
	}
}

void template_escape(struct span text, enum tocsin_escape escape, struct buf *out)
{
	if (text.len == 0)
		return;
	switch (escape) {
	case TOCSIN_ESCAPE_NONE: buf_span(out, text); return;
	case TOCSIN_ESCAPE_HTML: entities_put(text, HTML, out); return;
	case TOCSIN_ESCAPE_JSON: json_put_characters(out, text); return;
	case TOCSIN_ESCAPE_SLACK: entities_put(text, SLACK, out); return;
	case TOCSIN_ESCAPE_MARKDOWN: markdown_put(text, out); return;
	case TOCSIN_ESCAPE_HEADER: header_put(text, out); return;
	case TOCSIN_ESCAPE_URL: url_put(text, out); return;
	}
	/* No such place: nothing is safe there. */
}
