/* character.c - numbers, from escapes and entities, to UTF-8.
 * Not here: who reads them (document.c, plain.c). Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "email/character.h"

void character_append(struct text *out, unsigned long number)
{
	const unsigned long c = number == 0 || number > 0x10FFFF ||
						(number >= 0xD800 && number <= 0xDFFF)
					? 0xFFFD
					: number;
	char bytes[4];
	size_t len = 0;

	if (c < 0x80) {
		bytes[len++] = (char)c;
	} else if (c < 0x800) {
		bytes[len++] = (char)(0xC0 | c >> 6);
	} else if (c < 0x10000) {
		bytes[len++] = (char)(0xE0 | c >> 12);
		bytes[len++] = (char)(0x80 | (c >> 6 & 0x3F));
	} else {
		bytes[len++] = (char)(0xF0 | c >> 18);
		bytes[len++] = (char)(0x80 | (c >> 12 & 0x3F));
		bytes[len++] = (char)(0x80 | (c >> 6 & 0x3F));
	}
	if (c >= 0x80)
		bytes[len++] = (char)(0x80 | (c & 0x3F));
	text_bytes(out, bytes, len);
}
