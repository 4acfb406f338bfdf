/* quoted.c - the quoted-printable writer.
 * Not here: what is sent in base64 (mail.c). Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "email/quoted.h"

#include <string.h>

enum { LINE_MAX_BYTES = 76 };

struct line {
	struct text *out;
	size_t len; /* of what stands on it */
};

static void line_end(struct line *line)
{
	text_add(line->out, "\r\n");
	line->len = 0;
}

/* A line may be cut anywhere but inside "=XX"; one column is kept for the "=". */
static void piece_add(struct line *line, const char *bytes, size_t len)
{
	if (line->len + len > LINE_MAX_BYTES - 1) {
		text_add(line->out, "=");
		line_end(line);
	}
	text_bytes(line->out, bytes, len);
	line->len += len;
}

/* Mailboxes and relays of old read a line that begins with "From " or "." as
 * theirs. The line may also begin here because it has to be cut. */
static int is_special_at_start(const struct line *line, const char *at, size_t left)
{
	if (line->len != 0 && line->len < LINE_MAX_BYTES - 1)
		return 0;
	return *at == '.' || (left >= 5 && memcmp(at, "From ", 5) == 0);
}

static int is_line_end(const char *at, size_t left)
{
	return left == 0 || *at == '\r' || *at == '\n';
}

static void byte_add(struct line *line, const char *at, size_t left)
{
	static const char hex[] = "0123456789ABCDEF";
	const unsigned char c = (unsigned char)*at;
	const int is_blank = c == ' ' || c == '\t';
	const int is_plain = is_blank ? !is_line_end(at + 1, left - 1)
				      : c > 0x20 && c < 0x7F && c != '=';

	if (is_plain && !is_special_at_start(line, at, left))
		piece_add(line, at, 1);
	else
		piece_add(line, (char[]){ '=', hex[c >> 4], hex[c & 15] }, 3);
}

/* How many bytes from at on can be written as they are, on this line. */
static size_t plain_run(const struct line *line, const char *at, size_t left)
{
	const size_t room = LINE_MAX_BYTES - 1 - line->len;
	size_t len = 0;

	if (line->len == 0)
		return 0;
	while (len < left && len < room && at[len] > 0x20 && at[len] < 0x7F && at[len] != '=')
		len++;
	return len;
}

void quoted_append(struct tocsin_span text, struct text *out)
{
	struct line line = { .out = out };

	for (size_t i = 0; i < text.len; i++) {
		const char *at = text.ptr + i;
		const size_t run = plain_run(&line, at, text.len - i);

		if (run > 0) {
			piece_add(&line, at, run);
			i += run - 1;
			continue;
		}
		if (*at != '\r' && *at != '\n') {
			byte_add(&line, at, text.len - i);
			continue;
		}
		line_end(&line);
		if (*at == '\r' && i + 1 < text.len && at[1] == '\n')
			i++;
	}
	if (line.len > 0 || text.len == 0)
		line_end(&line);
}
