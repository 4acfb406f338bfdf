/* test_compression.c - which bodies become gzip, and that they come out again.
 * SPDX-License-Identifier: MIT */
#include "http/compression.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

static char body[COMPRESSION_MAX_BYTES + 1];

/* Letters from an alphabet of that many, by a fixed rule. */
static void body_fill(size_t from, size_t len, unsigned letters)
{
	static const char all[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static uint64_t state = 4711;

	for (size_t i = from; i < from + len; i++) {
		state = state * 6364136223846793005U + 1442695040888963407U;
		body[i] = all[(state >> 40) % letters];
	}
}

static void expect_undone(struct tocsin_span packed, size_t len)
{
	static char out[sizeof(body)];
	z_stream z = { .zalloc = Z_NULL };

	z.next_in = (Bytef *)(uintptr_t)packed.ptr;
	z.avail_in = (uInt)packed.len;
	z.next_out = (Bytef *)out;
	z.avail_out = sizeof(out);
	assert_int_equal(inflateInit2(&z, MAX_WBITS + 16), Z_OK); /* gzip and nothing else */
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.total_out, len);
	assert_int_equal(z.avail_in, 0);
	assert_memory_equal(out, body, len);
	inflateEnd(&z);
}

static void test_bodies(void **state)
{
	static const struct {
		size_t len, odd_from; /* from there on it does not get smaller */
		int is_packed;
	} cases[] = {
		{ 0, 0, 0 },
		{ COMPRESSION_MIN_BYTES - 1, SIZE_MAX, 0 },
		{ COMPRESSION_MIN_BYTES, SIZE_MAX, 1 },
		{ 100000, SIZE_MAX, 1 },
		{ COMPRESSION_MAX_BYTES, SIZE_MAX, 1 },
		{ COMPRESSION_MAX_BYTES + 1, SIZE_MAX, 0 },
		{ COMPRESSION_MIN_BYTES, 0, 0 },
		{ 100000, 0, 0 },
		{ COMPRESSION_MAX_BYTES, 0, 0 },
		{ 100000, 5000, 0 },
		{ 100000, 90000, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const size_t len = cases[i].len;
		const size_t odd = cases[i].odd_from < len ? cases[i].odd_from : len;
		struct tocsin_span packed, again;

		body_fill(0, odd, 4);
		body_fill(odd, len - odd, 64);
		assert_int_equal(compression_make((struct tocsin_span){ body, len }, &packed),
				 TOCSIN_OK);
		if ((packed.ptr != NULL) != cases[i].is_packed)
			fail_msg("row %zu: %zu became %zu", i, len, packed.len);
		if (packed.ptr == NULL)
			continue;
		assert_true(packed.len <= len - len / 4);
		expect_undone(packed, len);
		assert_int_equal(compression_make((struct tocsin_span){ body, len }, &again),
				 TOCSIN_OK);
		assert_int_equal(again.len, packed.len);
		assert_memory_equal(again.ptr, packed.ptr, packed.len);
		free((char *)packed.ptr);
		free((char *)again.ptr);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_bodies) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
