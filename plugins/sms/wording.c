/* wording.c - cleans, codes, counts and cuts the text of a short message.
 * Not here: the alphabet's tables (alphabet.c), who sends it. Pure; any thread.
 * SPDX-License-Identifier: MIT */
#include "sms/wording.h"

#include <stdio.h>
#include <string.h>

#include "sms/alphabet.h"

enum {
	REPLACEMENT = 0xFFFD,
	ZERO_WIDTH_JOINER = 0x200D,
	PLANE_0_MAX = 0xFFFF,
	TEXT_MAX_BYTES = 256 * 1024 /* what render() may give */
};

/* What each coding holds. The ellipsis takes as many units as it has characters. */
static const struct shape {
	unsigned single, part; /* units: of a lone message, of one of several parts */
	const char *ellipsis;
	unsigned ellipsis_units;
} shapes[] = {
	[CODING_GSM] = { 160, 153, "...", 3 },
	[CODING_UCS2] = { 70, 67, "…", 1 },
};

/* --- characters ---------------------------------------------------------------- */

static unsigned sequence_bytes(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xC2 && first <= 0xDF)
		return 2;
	if (first >= 0xE0 && first <= 0xEF)
		return 3;
	return first >= 0xF0 && first <= 0xF4 ? 4 : 0;
}

uint32_t wording_character(const char *bytes, size_t len, size_t *at)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	static const unsigned char kept[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
	const unsigned char first = (unsigned char)bytes[*at];
	const unsigned count = sequence_bytes(first);
	uint32_t character = first & kept[count];

	if (count == 0 || count > len - *at) {
		(*at)++;
		return REPLACEMENT;
	}
	for (unsigned i = 1; i < count; i++) {
		const unsigned char c = (unsigned char)bytes[*at + i];

		if ((c & 0xC0) != 0x80) {
			(*at)++;
			return REPLACEMENT;
		}
		character = character << 6 | (c & 0x3F);
	}
	*at += count;
	if (character < least[count] || character > 0x10FFFF ||
	    (character >= 0xD800 && character <= 0xDFFF))
		return REPLACEMENT;
	return character;
}

/* Belongs to the character before it: accents, variation selectors, skin tones,
 * joiners, tags. A cut before one would leave another character than was meant. */
static int is_joined(uint32_t c)
{
	return (c >= 0x0300 && c <= 0x036F) || (c >= 0xFE00 && c <= 0xFE0F) ||
	       c == ZERO_WIDTH_JOINER || c == 0x20E3 || (c >= 0x1F3FB && c <= 0x1F3FF) ||
	       (c >= 0xE0020 && c <= 0xE007F);
}

static unsigned units_of(uint32_t c, enum coding coding)
{
	if (coding == CODING_GSM)
		return alphabet_septets(c);
	return c > PLANE_0_MAX ? 2 : 1;
}

/* --- cleaning ------------------------------------------------------------------ */

static int is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\f';
}

/* The text with its edges' blanks gone, in place. */
static void text_trim(struct text *t)
{
	size_t start = 0;

	while (t->len > 0 && is_blank(t->ptr[t->len - 1]))
		t->len--;
	while (start < t->len && is_blank(t->ptr[start]))
		start++;
	t->len -= start;
	if (t->ptr != NULL) {
		memmove(t->ptr, t->ptr + start, t->len);
		t->ptr[t->len] = '\0';
	}
}

/* Line ends of all systems, U+0085, U+2028 and U+2029 are "\n". */
static int is_line_end(uint32_t c)
{
	return c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029;
}

static int is_control(uint32_t c)
{
	return (c < 0x20 && c != '\f') || (c >= 0x7F && c <= 0x9F);
}

static void text_clean(struct text *out, struct tocsin_span text)
{
	for (size_t at = 0; at < text.len;) {
		const size_t start = at;
		const uint32_t c = wording_character(text.ptr, text.len, &at);

		if (is_line_end(c)) {
			if (c == '\r' && at < text.len && text.ptr[at] == '\n')
				at++;
			text_add(out, "\n");
		} else if (is_control(c)) {
			text_add(out, " ");
		} else if (c == REPLACEMENT) {
			text_add(out, "\xEF\xBF\xBD");
		} else {
			text_bytes(out, text.ptr + start, at - start);
		}
	}
	text_trim(out);
}

/* The text with typography replaced, so that it may fit GSM-7. */
static void text_transliterate(struct text *out, const struct text *text)
{
	for (size_t at = 0; at < text->len;) {
		const size_t start = at;
		const uint32_t c = wording_character(text->ptr, text->len, &at);
		const char *plain = alphabet_septets(c) == 0 ? alphabet_equivalent(c) : NULL;

		if (plain != NULL)
			text_add(out, plain);
		else
			text_bytes(out, text->ptr + start, at - start);
	}
	text_trim(out);
}

/* --- counting and cutting ------------------------------------------------------ */

/* Where a walk over the text stands. */
struct walk {
	size_t characters; /* UTF-16 units */
	unsigned units;
	unsigned parts, used; /* were it several parts: which one, and what is in it */
	int is_over;          /* 1: beyond the limits */
	size_t cut_at;        /* last place where an ellipsis still fits */
};

static void walk_add(struct walk *w, uint32_t c, enum coding coding)
{
	const unsigned units = units_of(c, coding);

	w->characters += c > PLANE_0_MAX ? 2 : 1;
	w->units += units;
	/* Neither an escape's two septets nor a surrogate pair is split. */
	if (w->used + units > shapes[coding].part) {
		w->parts++;
		w->used = 0;
	}
	w->used += units;
}

static int walk_fits(const struct walk *w, enum coding coding, unsigned more,
		     const struct wording_limits *limits)
{
	const struct shape *shape = &shapes[coding];

	if (limits->characters_max != 0 && w->characters + more > limits->characters_max)
		return 0;
	if (w->units + more <= shape->single)
		return 1;
	if (limits->parts_max == 1)
		return 0;
	return (uint64_t)(w->parts - 1) * shape->part + w->used + more <=
	       (uint64_t)limits->parts_max * shape->part;
}

/* Walk until the text or its room ends. Returns 0 at a character that the coding
 * does not have. */
static int text_walk(const struct text *text, enum coding coding,
		     const struct wording_limits *limits, struct walk *w)
{
	uint32_t before = 0;

	*w = (struct walk){ .parts = 1 };
	for (size_t at = 0; at < text->len;) {
		const size_t start = at;
		const uint32_t c = wording_character(text->ptr, text->len, &at);

		if (units_of(c, coding) == 0)
			return 0;
		if (!is_joined(c) && before != ZERO_WIDTH_JOINER &&
		    walk_fits(w, coding, shapes[coding].ellipsis_units, limits))
			w->cut_at = start;
		walk_add(w, c, coding);
		before = c;
		if (!walk_fits(w, coding, 0, limits)) {
			w->is_over = 1;
			return 1;
		}
	}
	return 1;
}

static void wording_cut(struct wording *out, size_t at)
{
	out->text.len = at;
	text_trim(&out->text);
	text_add(&out->text, shapes[out->coding].ellipsis);
	out->is_cut = 1;
}

/* Make the text *out's if the coding has all of it that can be sent. */
static int coding_try(struct wording *out, struct text *text, enum coding coding,
		      const struct wording_limits *limits)
{
	struct walk w;

	if (text->failed || !text_walk(text, coding, limits, &w))
		return 0;
	out->text = *text;
	*text = (struct text){ 0 };
	out->coding = coding;
	if (w.is_over) {
		wording_cut(out, w.cut_at);
		text_walk(&out->text, coding, limits, &w);
	}
	out->units = w.units;
	out->parts = w.units <= shapes[coding].single ? 1 : w.parts;
	if (out->text.len == 0)
		out->parts = 0;
	return 1;
}

int wording_fit(struct wording *out, struct tocsin_span text, const struct wording_limits *limits)
{
	struct text clean = { 0 }, plain = { 0 };

	text.len = text.len > TEXT_MAX_BYTES ? TEXT_MAX_BYTES : text.len;
	text_clean(&clean, text);
	int is_done = coding_try(out, &clean, CODING_GSM, limits);

	/* Where it does not save the message from UCS-2, typography is kept. */
	if (!is_done && limits->is_transliterated) {
		text_transliterate(&plain, &clean);
		is_done = coding_try(out, &plain, CODING_GSM, limits);
	}
	if (!is_done)
		is_done = coding_try(out, &clean, CODING_UCS2, limits);
	text_finish(&clean);
	text_finish(&plain);
	return is_done && !out->text.failed ? TOCSIN_OK : TOCSIN_TRY_LATER;
}

void wording_describe(const struct wording *w, unsigned parts, char *out, size_t out_bytes)
{
	const unsigned count = parts == 0 ? w->parts : parts;

	snprintf(out, out_bytes, "%u part%s (%s)%s", count, count == 1 ? "" : "s",
		 w->coding == CODING_GSM ? "GSM-7" : "UCS-2", w->is_cut ? ", text cut" : "");
}
