/* header.c - folding, encoded words, quoted names.
 * Not here: which lines a mail has (mail.c). Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "email/header.h"

#include <string.h>

enum {
	LINE_MAX_BYTES = 76,
	WORD_FRAME_BYTES = 12, /* =?UTF-8?B??= */
	WORD_MAX_BYTES = 45,   /* of text: 60 in base64, 72 with the frame */
	PLAIN_WORD_MAX_BYTES = 60,
	SUBJECT_MAX_CHARACTERS = 250,
	ADDRESS_MAX_BYTES = 254
};

/* Where the next byte goes. */
struct cursor {
	struct text *out;
	size_t column;
	int has_words; /* 1: something stands behind the name already */
};

static void piece_put(struct cursor *c, const char *bytes, size_t len)
{
	text_bytes(c->out, bytes, len);
	c->column += len;
}

static struct cursor header_begin(struct text *out, const char *name)
{
	struct cursor c = { .out = out };

	piece_put(&c, name, strlen(name));
	piece_put(&c, ":", 1);
	return c;
}

/* The blank before a word of len bytes, or a fold. The first word stays beside
 * the name: a folded line of blanks only is not allowed. */
static void gap_put(struct cursor *c, size_t len)
{
	if (c->has_words && c->column + 1 + len > LINE_MAX_BYTES) {
		text_add(c->out, "\r\n");
		c->column = 0;
	}
	piece_put(c, " ", 1);
	c->has_words = 1;
}

static void header_end(struct cursor *c)
{
	text_add(c->out, "\r\n");
}

static int is_control(char c)
{
	return (c >= 0 && c < 0x20) || c == 0x7F;
}

/* One line without controls or runs of blanks. */
static void text_flatten(struct tocsin_span text, struct text *out)
{
	for (size_t i = 0; i < text.len; i++) {
		const char c = is_control(text.ptr[i]) ? ' ' : text.ptr[i];

		if (c == ' ' && (out->len == 0 || out->ptr[out->len - 1] == ' '))
			continue;
		text_bytes(out, &c, 1);
	}
	if (out->len > 0 && out->ptr[out->len - 1] == ' ')
		out->ptr[--out->len] = '\0';
}

/* Can it be written as it is: ASCII words that can be folded, nothing that looks
 * like an encoded word? */
static int is_plain(const char *text, size_t len)
{
	size_t word = 0;

	for (size_t i = 0; i < len; i++) {
		word = text[i] == ' ' ? 0 : word + 1;
		if ((unsigned char)text[i] >= 0x80 || word > PLAIN_WORD_MAX_BYTES)
			return 0;
		if (text[i] == '=' && i + 1 < len && text[i + 1] == '?')
			return 0;
	}
	return 1;
}

static void plain_put(struct cursor *c, const char *text, size_t len)
{
	while (len > 0) {
		const char *blank = memchr(text, ' ', len);
		const size_t word = blank == NULL ? len : (size_t)(blank - text);

		gap_put(c, word);
		piece_put(c, text, word);
		if (blank == NULL)
			return;
		text = blank + 1;
		len -= word + 1;
	}
}

/* Blanks between two encoded words are not part of the text, so each word may
 * stand on its own line; each holds whole characters. */
static void words_put(struct cursor *c, const char *text, size_t len)
{
	while (len > 0) {
		const size_t used = c->column + 1 + WORD_FRAME_BYTES;
		const size_t room = used < LINE_MAX_BYTES ? (LINE_MAX_BYTES - used) / 4 * 3 : 0;
		size_t take = text_cut(text, len, room < WORD_MAX_BYTES ? room : WORD_MAX_BYTES);

		if (take == 0 || c->has_words)
			take = text_cut(text, len, WORD_MAX_BYTES);
		if (take == 0) /* no UTF-8 after all */
			take = len < WORD_MAX_BYTES ? len : WORD_MAX_BYTES;
		gap_put(c, WORD_FRAME_BYTES + (take + 2) / 3 * 4);
		text_add(c->out, "=?UTF-8?B?");
		text_base64(c->out, (const unsigned char *)text, take);
		text_add(c->out, "?=");
		c->column += WORD_FRAME_BYTES + (take + 2) / 3 * 4;
		text += take;
		len -= take;
	}
}

void header_line(struct text *out, const char *name, const char *value)
{
	struct text flat = { 0 };

	text_flatten((struct tocsin_span){ value, strlen(value) }, &flat);
	text_format(out, "%s: %s\r\n", name, flat.ptr == NULL ? "" : flat.ptr);
	out->failed |= flat.failed;
	text_finish(&flat);
}

void header_text(struct text *out, const char *name, struct tocsin_span value)
{
	struct cursor c = header_begin(out, name);
	struct text flat = { 0 };

	text_flatten(value, &flat);
	const size_t most = text_cut_characters(flat.ptr, flat.len, SUBJECT_MAX_CHARACTERS);

	if (most < flat.len) {
		flat.len = most;
		text_add(&flat, "\xE2\x80\xA6");
	}
	if (is_plain(flat.ptr, flat.len))
		plain_put(&c, flat.ptr, flat.len);
	else
		words_put(&c, flat.ptr, flat.len);
	header_end(&c);
	out->failed |= flat.failed;
	text_finish(&flat);
}

/* --- addresses ------------------------------------------------------------------ */

static int is_atoms(const char *text, size_t len)
{
	static const char others[] = "!#$%&'*+-/=?^_`{|}~ ";

	for (size_t i = 0; i < len; i++) {
		const char c = text[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      (c != '\0' && strchr(others, c) != NULL)))
			return 0;
	}
	return 1;
}

/* Blanks inside quotes can be folded like any others. */
static void quoted_put(struct cursor *c, const char *text, size_t len)
{
	struct text quoted = { 0 };

	text_bytes(&quoted, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"' || text[i] == '\\')
			text_bytes(&quoted, "\\", 1);
		text_bytes(&quoted, text + i, 1);
	}
	text_bytes(&quoted, "\"", 1);
	plain_put(c, quoted.ptr, quoted.len);
	c->out->failed |= quoted.failed;
	text_finish(&quoted);
}

static void display_put(struct cursor *c, const char *display)
{
	struct text flat = { 0 };

	text_flatten((struct tocsin_span){ display, strlen(display) }, &flat);
	if (!is_plain(flat.ptr, flat.len))
		words_put(c, flat.ptr, flat.len);
	else if (is_atoms(flat.ptr, flat.len))
		plain_put(c, flat.ptr, flat.len);
	else
		quoted_put(c, flat.ptr, flat.len);
	c->out->failed |= flat.failed;
	text_finish(&flat);
}

void header_mailbox(struct text *out, const char *name, const char *display, const char *address)
{
	struct cursor c = header_begin(out, name);
	const size_t len = strlen(address);

	if (display != NULL)
		display_put(&c, display);
	const int is_named = c.has_words;

	gap_put(&c, len + 2);
	if (is_named)
		piece_put(&c, "<", 1);
	piece_put(&c, address, len);
	if (is_named)
		piece_put(&c, ">", 1);
	header_end(&c);
}

void header_addresses(struct text *out, const char *name, struct tocsin_list addresses)
{
	if (addresses.count == 0)
		return;
	struct cursor c = header_begin(out, name);

	for (size_t i = 0; i < addresses.count; i++) {
		const size_t len = strlen(addresses.items[i]);

		gap_put(&c, len + 1);
		piece_put(&c, addresses.items[i], len);
		if (i + 1 < addresses.count)
			piece_put(&c, ",", 1);
	}
	header_end(&c);
}

int header_address_is_safe(const char *address)
{
	const char *at = address == NULL ? NULL : strchr(address, '@');

	if (at == NULL || at == address || at[1] == '\0' || strchr(at + 1, '@') != NULL ||
	    strlen(address) > ADDRESS_MAX_BYTES)
		return 0;
	for (const char *c = address; *c != '\0'; c++) {
		if (*c <= 0x20 || *c >= 0x7F || strchr("<>,;:\\\"()[]", *c) != NULL)
			return 0;
	}
	return 1;
}
