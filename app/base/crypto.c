/* crypto.c - hashes, random bytes and their text forms, over OpenSSL's EVP.
 * Algorithms are fetched once and contexts kept per thread: OpenSSL 3 spends
 * longer on looking up "SHA256" than on hashing a small message.
 * Not here: the block cipher of public ids (pubid.c), signature formats.
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "base/crypto.h"

#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/mem.h"

struct thread_contexts {
	EVP_MD_CTX *digest;
	EVP_MAC_CTX *mac;
};

static const char digits62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t contexts_key;
static EVP_MD *sha256;
static EVP_MAC *hmac;

/* OpenSSL fails here only without memory, entropy or its own modules. */
static void must(int ok)
{
	if (!ok)
		abort();
}

static void contexts_destroy(void *ptr)
{
	struct thread_contexts *contexts = ptr;

	EVP_MD_CTX_free(contexts->digest);
	EVP_MAC_CTX_free(contexts->mac);
	free(contexts);
}

static void algorithms_fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	must(sha256 != NULL && hmac != NULL);
	must(pthread_key_create(&contexts_key, contexts_destroy) == 0);
}

static struct thread_contexts *contexts_get(void)
{
	must(pthread_once(&once, algorithms_fetch) == 0);

	struct thread_contexts *contexts = pthread_getspecific(contexts_key);

	if (contexts != NULL)
		return contexts;

	char name[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_end(),
	};

	contexts = xcalloc(1, sizeof(*contexts));
	contexts->digest = EVP_MD_CTX_new();
	contexts->mac = EVP_MAC_CTX_new(hmac);
	must(contexts->digest != NULL && contexts->mac != NULL);
	must(EVP_DigestInit_ex2(contexts->digest, sha256, NULL));
	must(EVP_MAC_CTX_set_params(contexts->mac, params));
	must(pthread_setspecific(contexts_key, contexts) == 0);
	return contexts;
}

void crypto_random(void *out, size_t bytes)
{
	unsigned char *at = out;

	while (bytes > 0) {
		const int step = bytes > INT_MAX ? INT_MAX : (int)bytes;

		must(RAND_bytes(at, step) == 1);
		at += step;
		bytes -= (size_t)step;
	}
}

void crypto_sha256(struct span data, unsigned char out[SHA256_BYTES])
{
	crypto_sha256_parts(&data, 1, out);
}

void crypto_sha256_parts(const struct span *parts, size_t count, unsigned char out[SHA256_BYTES])
{
	EVP_MD_CTX *digest = contexts_get()->digest;

	/* No name: start again with the algorithm it already has. */
	must(EVP_DigestInit_ex2(digest, NULL, NULL));
	for (size_t i = 0; i < count; i++)
		must(EVP_DigestUpdate(digest, parts[i].ptr, parts[i].len));
	must(EVP_DigestFinal_ex(digest, out, NULL));
}

void crypto_hmac_sha256(struct span key, const struct span *parts, size_t count,
			unsigned char out[SHA256_BYTES])
{
	EVP_MAC_CTX *mac = contexts_get()->mac;
	/* A NULL key would mean "the last one again". */
	const char *bytes = key.ptr == NULL ? "" : key.ptr;
	size_t len = 0;

	must(EVP_MAC_init(mac, (const unsigned char *)bytes, key.len, NULL));
	for (size_t i = 0; i < count; i++)
		must(EVP_MAC_update(mac, (const unsigned char *)parts[i].ptr, parts[i].len));
	must(EVP_MAC_final(mac, out, &len, SHA256_BYTES));
	must(len == SHA256_BYTES);
}

static EVP_PKEY *ed25519_key(const unsigned char seed[ED25519_SEED_BYTES])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed,
						     ED25519_SEED_BYTES);

	must(key != NULL);
	return key;
}

void crypto_ed25519_sign(const unsigned char seed[ED25519_SEED_BYTES], struct span data,
			 unsigned char out[ED25519_SIGNATURE_BYTES])
{
	EVP_PKEY *key = ed25519_key(seed);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = ED25519_SIGNATURE_BYTES;

	must(ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1);
	must(EVP_DigestSign(ctx, out, &len, (const unsigned char *)data.ptr, data.len) == 1);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
}

void crypto_ed25519_public(const unsigned char seed[ED25519_SEED_BYTES],
			   unsigned char out[ED25519_PUBLIC_BYTES])
{
	EVP_PKEY *key = ed25519_key(seed);
	size_t len = ED25519_PUBLIC_BYTES;

	must(EVP_PKEY_get_raw_public_key(key, out, &len) == 1);
	EVP_PKEY_free(key);
}

bool crypto_equal(const void *a, const void *b, size_t bytes)
{
	return CRYPTO_memcmp(a, b, bytes) == 0;
}

void crypto_wipe(void *ptr, size_t bytes)
{
	if (ptr != NULL)
		OPENSSL_cleanse(ptr, bytes);
}

void base64_append(struct buf *out, struct span data)
{
	enum { CHUNK = 48 }; /* a multiple of 3: padding only after the last */
	unsigned char text[CHUNK / 3 * 4 + 1];

	for (size_t at = 0; at < data.len; at += CHUNK) {
		const size_t left = data.len - at;
		const int len = EVP_EncodeBlock(text, (const unsigned char *)data.ptr + at,
						left < CHUNK ? (int)left : CHUNK);

		buf_bytes(out, text, (size_t)len);
	}
	crypto_wipe(text, sizeof(text));
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

long base64_decode(struct span text, unsigned char *out, size_t out_bytes)
{
	size_t padding = 0, len = 0;

	if (text.len % 4 != 0)
		return -1;
	while (padding < 2 && padding < text.len && text.ptr[text.len - 1 - padding] == '=')
		padding++;
	if (text.len / 4 * 3 - padding > out_bytes)
		return -1;
	for (size_t at = 0; at < text.len; at += 4) {
		const size_t missing = at + 4 == text.len ? padding : 0;
		unsigned bits = 0;

		for (size_t i = 0; i < 4; i++) {
			const int value = i < 4 - missing ? base64_value(text.ptr[at + i]) : 0;

			if (value < 0)
				return -1;
			bits = bits << 6 | (unsigned)value;
		}
		/* Bits that belong to no byte must be 0: one text per value. */
		if ((bits & ((1u << (8 * missing)) - 1)) != 0)
			return -1;
		for (size_t i = 0; i < 3 - missing; i++)
			out[len++] = (unsigned char)(bits >> (16 - 8 * i));
	}
	return (long)len;
}

void hex_format(const unsigned char *data, size_t bytes, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes; i++) {
		*out++ = digits[data[i] >> 4];
		*out++ = digits[data[i] & 15];
	}
	*out = '\0';
}

void token_random(char *out, size_t characters)
{
	enum { FAIR = 256 - 256 % 62 }; /* bytes from here up would favour some digits */
	unsigned char pool[64];
	size_t at = sizeof(pool), len = 0;

	while (len < characters) {
		if (at == sizeof(pool)) {
			crypto_random(pool, sizeof(pool));
			at = 0;
		}
		if (pool[at] < FAIR)
			out[len++] = digits62[pool[at] % 62];
		at++;
	}
	out[len] = '\0';
	crypto_wipe(pool, sizeof(pool));
}
