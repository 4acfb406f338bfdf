/* text.h - what a text given by a client may hold.
 * SPDX-License-Identifier: MIT
 * All take well-formed UTF-8. Any thread. */
#ifndef TOCSIN_DOMAIN_TEXT_H
#define TOCSIN_DOMAIN_TEXT_H

#include <stdbool.h>

#include "base/span.h"

/* C0, DEL and C1 controls; C1 are the two bytes 0xC2 0x80-0x9F. */
static inline bool text_control_at(struct span text, size_t i)
{
	const unsigned char c = (unsigned char)text.ptr[i];

	return c < 0x20 || c == 0x7F ||
	       (c == 0xC2 && i + 1 < text.len && (unsigned char)text.ptr[i + 1] < 0xA0);
}

/* One line: no control characters at all. */
static inline bool text_is_line(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text_control_at(text, i))
			return false;
	}
	return true;
}

/* Several lines: of the controls only tab, line feed and carriage return. */
static inline bool text_is_prose(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		const char c = text.ptr[i];

		if (c != '\t' && c != '\n' && c != '\r' && text_control_at(text, i))
			return false;
	}
	return true;
}

#endif
