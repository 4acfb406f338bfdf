/* wording.h - a text made fit for SMS: clean, in the cheaper coding, within its
 * parts.
 * SPDX-License-Identifier: MIT
 * Pure; any thread. */
#ifndef PLUGINS_SMS_WORDING_H
#define PLUGINS_SMS_WORDING_H

#include "common/text.h"
#include "tocsin/channel.h"

enum coding { CODING_GSM = 1, CODING_UCS2 };

struct wording_limits {
	unsigned parts_max;    /* from 1 */
	size_t characters_max; /* in UTF-16 units, as services count; 0: no limit */
	int is_transliterated; /* 1: typography may be replaced to stay in GSM-7 */
};

struct wording {
	struct text text; /* UTF-8; text_finish() frees it */
	enum coding coding;
	unsigned units; /* septets or UTF-16 units */
	unsigned parts; /* 0: the text is empty */
	int is_cut;     /* 1: it ends with an ellipsis of ours */
};

/* Controls become blanks, line ends "\n", blanks at both ends go; what is beyond
 * the limits is cut between two characters.
 * Returns TOCSIN_OK or TOCSIN_TRY_LATER (no memory).
 * Owner  out->text is owned either way; out was zeroed. */
int wording_fit(struct wording *out, struct tocsin_span text, const struct wording_limits *limits);

/* "2 parts (GSM-7)". parts: as the provider counted, or 0. */
void wording_describe(const struct wording *w, unsigned parts, char *out, size_t out_bytes);

/* The next character of UTF-8 text at *at, which is < len; *at moves behind it.
 * U+FFFD for bytes that are none. */
uint32_t wording_character(const char *bytes, size_t len, size_t *at);

#endif
