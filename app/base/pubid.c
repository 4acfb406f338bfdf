/* pubid.c - internal ids as public text and back, by one AES-128 block.
 * The block is the id (8 bytes, big-endian) and a tag that names the kind; a
 * made-up text decrypts to a wrong tag with a chance of 1 - 2^-64.
 * Not here: where the key comes from (the store keeps it).
 * Any thread: each has its own cipher contexts, freed when it ends.
 * SPDX-License-Identifier: MIT */
#include "base/pubid.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/mem.h"

__extension__ typedef unsigned __int128 u128; /* ISO C has no name for it */

enum { BLOCK_BYTES = 16, PREFIX_BYTES = 4, DIGITS = 22, HIGH_DIGITS = 2, LOW_DIGITS = 10 };

/* 62^10: ten digits at a time fit 64 bits, where division is cheap. */
#define LOW_RANGE UINT64_C(839299365868340224)

struct pubid {
	unsigned char key[PUBID_KEY_BYTES];
	uint64_t serial; /* never 0, never used twice: tells a thread to take the key */
};

struct thread_ciphers {
	EVP_CIPHER_CTX *encrypt, *decrypt;
	uint64_t serial; /* of the struct pubid whose key they hold; 0 none */
};

static const char digits62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
static const char tag_head[7] = { 't', 'o', 'c', 's', 'i', 'n', '1' };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t ciphers_key;
static EVP_CIPHER *aes;
static atomic_uint_fast64_t serial_last;

static void must(int ok)
{
	if (!ok)
		abort();
}

static void ciphers_destroy(void *ptr)
{
	struct thread_ciphers *ciphers = ptr;

	if (ciphers == NULL)
		return;
	EVP_CIPHER_CTX_free(ciphers->encrypt);
	EVP_CIPHER_CTX_free(ciphers->decrypt);
	free(ciphers);
}

static void cipher_fetch(void)
{
	aes = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
	must(aes != NULL);
	must(pthread_key_create(&ciphers_key, ciphers_destroy) == 0);
}

static void ciphers_rekey(struct thread_ciphers *ciphers, const struct pubid *p)
{
	must(EVP_EncryptInit_ex2(ciphers->encrypt, aes, p->key, NULL, NULL));
	must(EVP_DecryptInit_ex2(ciphers->decrypt, aes, p->key, NULL, NULL));
	must(EVP_CIPHER_CTX_set_padding(ciphers->encrypt, 0));
	must(EVP_CIPHER_CTX_set_padding(ciphers->decrypt, 0));
	ciphers->serial = p->serial;
}

static struct thread_ciphers *ciphers_get(const struct pubid *p)
{
	struct thread_ciphers *ciphers = pthread_getspecific(ciphers_key);

	if (ciphers == NULL) {
		ciphers = xcalloc(1, sizeof(*ciphers));
		ciphers->encrypt = EVP_CIPHER_CTX_new();
		ciphers->decrypt = EVP_CIPHER_CTX_new();
		must(ciphers->encrypt != NULL && ciphers->decrypt != NULL);
		must(pthread_setspecific(ciphers_key, ciphers) == 0);
	}
	if (ciphers->serial != p->serial)
		ciphers_rekey(ciphers, p);
	return ciphers;
}

struct pubid *pubid_create(const unsigned char key[PUBID_KEY_BYTES])
{
	struct pubid *p = xcalloc(1, sizeof(*p));

	must(pthread_once(&once, cipher_fetch) == 0);
	memcpy(p->key, key, PUBID_KEY_BYTES);
	p->serial = atomic_fetch_add(&serial_last, 1) + 1;
	return p;
}

void pubid_destroy(struct pubid *p)
{
	if (p == NULL)
		return;
	/* This thread's contexts go now: for the main thread nobody else would. */
	ciphers_destroy(pthread_getspecific(ciphers_key));
	must(pthread_setspecific(ciphers_key, NULL) == 0);
	OPENSSL_cleanse(p, sizeof(*p));
	free(p);
}

static const char *prefix_of(enum pubid_kind kind)
{
	switch (kind) {
	case PUBID_EVENT: return "evt_";
	case PUBID_DELIVERY: return "dlv_";
	case PUBID_WEBHOOK_CURSOR:
	case PUBID_DELIVERY_CURSOR: return "cur_";
	}
	abort();
}

static void tag_put(enum pubid_kind kind, unsigned char out[8])
{
	memcpy(out, tag_head, sizeof(tag_head));
	out[7] = (unsigned char)kind;
}

static void digits_put(char *out, unsigned count, uint64_t value)
{
	while (count-- > 0) {
		out[count] = digits62[value % 62];
		value /= 62;
	}
}

static void block_format(const unsigned char block[BLOCK_BYTES], char out[DIGITS])
{
	u128 value = 0;

	for (size_t i = 0; i < BLOCK_BYTES; i++)
		value = value << 8 | block[i];
	digits_put(out + HIGH_DIGITS + LOW_DIGITS, LOW_DIGITS, (uint64_t)(value % LOW_RANGE));
	value /= LOW_RANGE;
	digits_put(out + HIGH_DIGITS, LOW_DIGITS, (uint64_t)(value % LOW_RANGE));
	digits_put(out, HIGH_DIGITS, (uint64_t)(value / LOW_RANGE));
}

static bool digits_get(const char *text, unsigned count, uint64_t *out)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < count; i++) {
		const char c = text[i];
		unsigned digit;

		if (c >= '0' && c <= '9')
			digit = (unsigned)(c - '0');
		else if (c >= 'A' && c <= 'Z')
			digit = (unsigned)(c - 'A') + 10;
		else if (c >= 'a' && c <= 'z')
			digit = (unsigned)(c - 'a') + 36;
		else
			return false;
		value = value * 62 + digit;
	}
	*out = value;
	return true;
}

/* False for foreign characters and for numbers of more than 128 bits. */
static bool block_parse(const char text[DIGITS], unsigned char out[BLOCK_BYTES])
{
	uint64_t high, middle, low;

	if (!digits_get(text, HIGH_DIGITS, &high) ||
	    !digits_get(text + HIGH_DIGITS, LOW_DIGITS, &middle) ||
	    !digits_get(text + HIGH_DIGITS + LOW_DIGITS, LOW_DIGITS, &low))
		return false;

	const u128 top = (u128)high * LOW_RANGE + middle;

	if (top > ~(u128)0 / LOW_RANGE)
		return false;

	u128 value = top * LOW_RANGE + low;

	if (value < low)
		return false;
	for (size_t i = BLOCK_BYTES; i-- > 0; value >>= 8)
		out[i] = (unsigned char)value;
	return true;
}

void pubid_format(const struct pubid *p, enum pubid_kind kind, int64_t id,
		  char out[PUBID_TEXT_BYTES])
{
	unsigned char plain[BLOCK_BYTES], block[BLOCK_BYTES];
	int len = 0;

	for (size_t i = 0; i < 8; i++)
		plain[i] = (unsigned char)((uint64_t)id >> (56 - 8 * i));
	tag_put(kind, plain + 8);
	must(EVP_EncryptUpdate(ciphers_get(p)->encrypt, block, &len, plain, BLOCK_BYTES));
	must(len == BLOCK_BYTES);
	memcpy(out, prefix_of(kind), PREFIX_BYTES);
	block_format(block, out + PREFIX_BYTES);
	out[PUBID_TEXT_BYTES - 1] = '\0';
}

bool pubid_parse(const struct pubid *p, enum pubid_kind kind, struct span text, int64_t *out_id)
{
	unsigned char block[BLOCK_BYTES], plain[BLOCK_BYTES], tag[8];
	uint64_t id = 0;
	int len = 0;

	if (text.len != PUBID_TEXT_BYTES - 1 ||
	    memcmp(text.ptr, prefix_of(kind), PREFIX_BYTES) != 0 ||
	    !block_parse(text.ptr + PREFIX_BYTES, block))
		return false;
	must(EVP_DecryptUpdate(ciphers_get(p)->decrypt, plain, &len, block, BLOCK_BYTES));
	must(len == BLOCK_BYTES);
	tag_put(kind, tag);
	if (CRYPTO_memcmp(plain + 8, tag, sizeof(tag)) != 0)
		return false;
	for (size_t i = 0; i < 8; i++)
		id = id << 8 | plain[i];
	*out_id = (int64_t)id;
	return true;
}
