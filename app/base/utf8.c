/* utf8.c - checking, counting and repairing UTF-8.
 * Not here: characters' properties; JSON's own rules (json.c).
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include "base/buf.h"

/* What may follow a first byte: how many bytes in all, and the range of the
 * second one; the rest are 80-BF. */
struct lead {
	unsigned char bytes, second_min, second_max;
};

static struct lead lead_of(unsigned char c)
{
	if (c < 0x80)
		return (struct lead){ 1, 0, 0 };
	if (c < 0xC2 || c > 0xF4)
		return (struct lead){ 0, 0, 0 };
	if (c < 0xE0)
		return (struct lead){ 2, 0x80, 0xBF };
	if (c < 0xF0)
		return (struct lead){ 3, c == 0xE0 ? 0xA0 : 0x80, c == 0xED ? 0x9F : 0xBF };
	return (struct lead){ 4, c == 0xF0 ? 0x90 : 0x80, c == 0xF4 ? 0x8F : 0xBF };
}

size_t utf8_step(struct span text, size_t *out_bad)
{
	const unsigned char *at = (const unsigned char *)text.ptr;
	const struct lead lead = lead_of(at[0]);
	size_t good = 1;

	while (good < lead.bytes && good < text.len) {
		const unsigned char min = good == 1 ? lead.second_min : 0x80;
		const unsigned char max = good == 1 ? lead.second_max : 0xBF;

		if (at[good] < min || at[good] > max)
			break;
		good++;
	}
	if (good == lead.bytes)
		return good;
	if (out_bad != NULL)
		*out_bad = good;
	return 0;
}

uint32_t utf8_code(const char *ptr, size_t len)
{
	static const unsigned char lead_bits[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
	uint32_t code = (unsigned char)ptr[0] & lead_bits[len];

	for (size_t i = 1; i < len; i++)
		code = code << 6 | ((unsigned char)ptr[i] & 0x3F);
	return code;
}

size_t utf8_put(uint32_t code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}

	const size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const unsigned char lead_marks[] = { 0, 0, 0xC0, 0xE0, 0xF0 };

	for (size_t i = len - 1; i > 0; i--, code >>= 6)
		out[i] = (char)(0x80 | (code & 0x3F));
	out[0] = (char)(lead_marks[len] | code);
	return len;
}

static struct span span_from(struct span s, size_t at)
{
	return (struct span){ s.ptr + at, s.len - at };
}

size_t utf8_length(struct span text)
{
	size_t count = 0;

	/* Every code point has one byte that is not a continuation. */
	for (size_t i = 0; i < text.len; i++)
		count += ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
	return count;
}

bool utf8_check(struct span text)
{
	for (size_t at = 0; at < text.len;) {
		const size_t step = utf8_step(span_from(text, at), NULL);

		if (step == 0)
			return false;
		at += step;
	}
	return true;
}

void utf8_repair(struct buf *out, struct span text)
{
	size_t from = 0;

	for (size_t at = 0; at < text.len;) {
		size_t bad = 0;
		const size_t step = utf8_step(span_from(text, at), &bad);

		if (step > 0) {
			at += step;
			continue;
		}
		buf_bytes(out, text.ptr + from, at - from);
		buf_text(out, "\xEF\xBF\xBD");
		at += bad;
		from = at;
	}
	if (text.len > from)
		buf_bytes(out, text.ptr + from, text.len - from);
}
