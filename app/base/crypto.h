/* crypto.h - the few primitives we need, over OpenSSL's EVP.
 * SPDX-License-Identifier: MIT
 * All are safe from any thread. A failure of OpenSSL itself (no memory, no
 * entropy) aborts: nothing sensible can be done without them. */
#ifndef TOCSIN_BASE_CRYPTO_H
#define TOCSIN_BASE_CRYPTO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum { SHA256_BYTES = 32 };

void crypto_random(void *out, size_t bytes);
void crypto_sha256(struct span data, unsigned char out[SHA256_BYTES]);
/* SHA-256 over parts[0..count) one after the other. */
void crypto_sha256_parts(const struct span *parts, size_t count, unsigned char out[SHA256_BYTES]);
/* HMAC-SHA256 (RFC 2104) over parts one after the other. */
void crypto_hmac_sha256(struct span key, const struct span *parts, size_t count,
			unsigned char out[SHA256_BYTES]);
enum { ED25519_SEED_BYTES = 32, ED25519_PUBLIC_BYTES = 32, ED25519_SIGNATURE_BYTES = 64 };
/* Ed25519 (RFC 8032, pure): the signature of data, the public key of a seed. */
void crypto_ed25519_sign(const unsigned char seed[ED25519_SEED_BYTES], struct span data,
			 unsigned char out[ED25519_SIGNATURE_BYTES]);
void crypto_ed25519_public(const unsigned char seed[ED25519_SEED_BYTES],
			   unsigned char out[ED25519_PUBLIC_BYTES]);
/* Time does not depend on where they differ. */
bool crypto_equal(const void *a, const void *b, size_t bytes);
/* Overwrite in a way the compiler keeps. */
void crypto_wipe(void *ptr, size_t bytes);

/* Standard base64 with padding (RFC 4648 section 4). */
void base64_append(struct buf *out, struct span data);
/* Strict decode into out (room for out_bytes). Returns the length or -1. */
long base64_decode(struct span text, unsigned char *out, size_t out_bytes);
void hex_format(const unsigned char *data, size_t bytes, char *out); /* 2n+1 */

/* Unbiased random characters from [0-9A-Za-z] and a NUL. */
void token_random(char *out, size_t characters);

#endif
