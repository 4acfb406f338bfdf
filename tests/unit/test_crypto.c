/* test_crypto.c - published vectors for hashes and text forms.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/crypto.h"

static void expect_hex(const unsigned char sum[SHA256_BYTES], const char *want)
{
	char text[2 * SHA256_BYTES + 1];

	hex_format(sum, SHA256_BYTES, text);
	assert_string_equal(text, want);
}

static void test_sha256(void **state)
{
	static const char abc[] =
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	const struct span parts[] = { span_of("a"), { NULL, 0 }, span_of("bc") };
	unsigned char sum[SHA256_BYTES];

	(void)state;
	for (int again = 0; again < 2; again++) {
		crypto_sha256(span_of("abc"), sum);
		expect_hex(sum, abc);
		crypto_sha256_parts(parts, COUNT_OF(parts), sum);
		expect_hex(sum, abc);
		crypto_sha256((struct span){ NULL, 0 }, sum);
		expect_hex(sum, "e3b0c44298fc1c149afbf4c8996fb924"
				"27ae41e4649b934ca495991b7852b855");
	}
}

/* RFC 4231, test cases 1, 2 and 6, and an empty key. */
static void test_hmac(void **state)
{
	char key1[20], key6[131];
	const struct span parts2[] = { span_of("what do ya want "), span_of("for nothing?") };
	const struct span part1 = span_of("Hi There");
	const struct span part6 = span_of("Test Using Larger Than Block-Size Key - Hash Key First");
	unsigned char sum[SHA256_BYTES];

	(void)state;
	memset(key1, 0x0b, sizeof(key1));
	memset(key6, 0xaa, sizeof(key6));
	crypto_hmac_sha256((struct span){ key1, sizeof(key1) }, &part1, 1, sum);
	expect_hex(sum, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	crypto_hmac_sha256(span_of("Jefe"), parts2, 2, sum);
	expect_hex(sum, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	crypto_hmac_sha256((struct span){ key6, sizeof(key6) }, &part6, 1, sum);
	expect_hex(sum, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	/* The last key must not be used again for an empty one. */
	crypto_hmac_sha256((struct span){ NULL, 0 }, NULL, 0, sum);
	expect_hex(sum, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void test_base64(void **state)
{
	static const struct {
		const char *plain, *text;
	} cases[] = {
		{ "", "" },        { "f", "Zg==" },          { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foobar", "Zm9vYmFy" }, { "\xFF\xEF\xBE", "/+++" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		unsigned char back[8];
		struct buf b;

		buf_init(&b, 100);
		base64_append(&b, span_of(cases[i].plain));
		assert_string_equal(buf_view(&b).ptr, cases[i].text);
		const long len = base64_decode(buf_view(&b), back, sizeof(back));
		assert_int_equal(len, strlen(cases[i].plain));
		assert_memory_equal(back, cases[i].plain, (size_t)len);
		buf_finish(&b);
	}
}

static void test_base64_refused(void **state)
{
	static const char *const cases[] = {
		"Z",    "Zg",   "Zg=",    "Zg===", "====", "=g==",     "Z===",
		"Zh==", "Zm9=", "Zm9v\n", "Zm 9",  "Zm-_", "Zg==Zg==", "Zm9v=AAA",
	};
	unsigned char out[16];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (base64_decode(span_of(cases[i]), out, sizeof(out)) != -1)
			fail_msg("accepted: %s", cases[i]);
	assert_int_equal(base64_decode(span_of("Zm9v"), out, 2), -1);
	assert_int_equal(base64_decode(span_of("Zm9v"), out, 3), 3);
	assert_int_equal(base64_decode(span_of("Zg=="), out, 1), 1);
}

static void test_base64_lengths(void **state)
{
	unsigned char data[200], back[200];

	(void)state;
	crypto_random(data, sizeof(data));
	for (size_t len = 0; len <= sizeof(data); len++) {
		struct buf b;

		buf_init(&b, 1000);
		base64_append(&b, (struct span){ (const char *)data, len });
		assert_int_equal(b.len, (len + 2) / 3 * 4);
		assert_int_equal(base64_decode(buf_view(&b), back, len), len);
		assert_memory_equal(data, back, len);
		buf_finish(&b);
	}
}

static void test_equal_and_wipe(void **state)
{
	char a[] = "secret", b[] = "secreT";

	(void)state;
	assert_true(crypto_equal(a, "secret", 6));
	assert_false(crypto_equal(a, b, 6));
	assert_true(crypto_equal(a, b, 5));
	assert_true(crypto_equal(a, b, 0));
	crypto_wipe(a, 3);
	assert_memory_equal(a, "\0\0\0ret", 7);
	crypto_wipe(NULL, 0);
}

/* 62,000 characters: each digit about 1,000 times. The bounds are nine
 * standard deviations away, a bias of the plain remainder would be eight. */
static void test_token(void **state)
{
	enum { LENGTH = 62000 };
	static char token[LENGTH + 1];
	unsigned seen[128] = { 0 };
	char other[41];

	(void)state;
	token_random(token, LENGTH);
	assert_int_equal(strlen(token), LENGTH);
	for (size_t i = 0; i < LENGTH; i++)
		seen[(unsigned char)token[i] & 127]++;
	for (int c = 0; c < 128; c++) {
		const bool digit = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
				   (c >= 'a' && c <= 'z');

		if (digit)
			assert_in_range(seen[c], 720, 1280);
		else
			assert_int_equal(seen[c], 0);
	}
	token_random(other, 40);
	assert_int_equal(strlen(other), 40);
	assert_memory_not_equal(other, token, 40);
	token_random(other, 0);
	assert_string_equal(other, "");
}

static void *thread_hash(void *arg)
{
	unsigned char sum[SHA256_BYTES], *want = arg;
	const struct span part = span_of("data");

	for (int i = 0; i < 1000; i++) {
		crypto_hmac_sha256(span_of("key"), &part, 1, sum);
		if (memcmp(sum, want, sizeof(sum)) != 0)
			return arg;
		crypto_sha256(part, sum);
	}
	return NULL;
}

static void test_threads(void **state)
{
	unsigned char want[SHA256_BYTES];
	const struct span part = span_of("data");
	pthread_t threads[4];

	(void)state;
	crypto_hmac_sha256(span_of("key"), &part, 1, want);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thread_hash, want), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++) {
		void *failed = want;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),         cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_base64),         cmocka_unit_test(test_base64_refused),
		cmocka_unit_test(test_base64_lengths), cmocka_unit_test(test_equal_and_wipe),
		cmocka_unit_test(test_token),          cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
