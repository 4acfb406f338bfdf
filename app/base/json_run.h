/* json_run.h - finding the next byte that matters, 8 or 16 at a time.
 * SPDX-License-Identifier: MIT
 * For json.c, json_read.c and json_write.c only. Nothing is read at or beyond
 * end; each function returns end when no such byte is left. */
#ifndef TOCSIN_BASE_JSON_RUN_H
#define TOCSIN_BASE_JSON_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define JSON_EVERY_BYTE(b) (UINT64_C(0x0101010101010101) * (b))

/* Is one of eight bytes 0? (The borrow only spoils bytes above a true 0.) */
static inline uint64_t json_zero_bytes(uint64_t x)
{
	return (x - JSON_EVERY_BYTE(0x01)) & ~x & JSON_EVERY_BYTE(0x80);
}

/* To the first quote, backslash, control or byte above 7F. */
static inline const char *json_plain_skip(const char *at, const char *end)
{
#if defined(__SSE2__)
	const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
	const __m128i blank = _mm_set1_epi8(0x20);

	for (; end - at >= 16; at += 16) {
		const __m128i x = _mm_loadu_si128((const __m128i *)(const void *)at);
		/* Signed: bytes above 7F are below the blank as well. */
		const __m128i stop = _mm_or_si128(
			_mm_cmplt_epi8(x, blank),
			_mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, slash)));
		const unsigned mask = (unsigned)_mm_movemask_epi8(stop);

		if (mask != 0)
			return at + __builtin_ctz(mask);
	}
#endif
	for (; end - at >= 8; at += 8) {
		uint64_t x;

		memcpy(&x, at, sizeof(x));
		if (((x | ((x - JSON_EVERY_BYTE(0x20)) & ~x)) & JSON_EVERY_BYTE(0x80)) != 0 ||
		    json_zero_bytes(x ^ JSON_EVERY_BYTE('"')) != 0 ||
		    json_zero_bytes(x ^ JSON_EVERY_BYTE('\\')) != 0)
			break;
	}
	while (at < end && (unsigned char)*at >= 0x20 && (unsigned char)*at < 0x80 && *at != '"' &&
	       *at != '\\')
		at++;
	return at;
}

/* To the first quote or bracket of a text that was scanned before. */
static inline const char *json_border_skip(const char *at, const char *end)
{
#if defined(__SSE2__)
	const __m128i quote = _mm_set1_epi8('"'), bit = _mm_set1_epi8(0x20);
	const __m128i opening = _mm_set1_epi8('{'), closing = _mm_set1_epi8('}');

	for (; end - at >= 16; at += 16) {
		const __m128i x = _mm_loadu_si128((const __m128i *)(const void *)at);
		/* That bit is all that tells [ from { and ] from }. */
		const __m128i folded = _mm_or_si128(x, bit);
		const __m128i stop = _mm_or_si128(_mm_cmpeq_epi8(x, quote),
						  _mm_or_si128(_mm_cmpeq_epi8(folded, opening),
							       _mm_cmpeq_epi8(folded, closing)));
		const unsigned mask = (unsigned)_mm_movemask_epi8(stop);

		if (mask != 0)
			return at + __builtin_ctz(mask);
	}
#endif
	while (at < end && *at != '"' && (*at | 0x20) != '{' && (*at | 0x20) != '}')
		at++;
	return at;
}

static inline bool json_is_blank(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static inline const char *json_blank_skip(const char *at, const char *end)
{
	while (at < end && json_is_blank(*at))
		at++;
	return at;
}

#endif
