/* signature.c - HMAC-SHA256 over id.timestamp.body, once per valid secret.
 * SPDX-License-Identifier: MIT */
#include "delivery/signature.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/crypto.h"

enum {
	V1_TEXT_BYTES = 3 + 44,  /* "v1," and base64 of 32 bytes */
	V1A_TEXT_BYTES = 4 + 88, /* "v1a," and base64 of 64 bytes */
	STAMP_BYTES = 32,        /* ".1700000000." */
	ID_MAX_BYTES = 256,
};

/* The one key of a webhook serves both schemes: seed = HMAC-SHA256(secret, this). */
static const char seed_label[] = "tocsin ed25519 v1a";

static void separate(struct buf *b)
{
	if (b->len > 0)
		buf_byte(b, ' ');
}

static void v1_append(struct buf *b, const struct signature_input *in,
		      const struct signing_secret *secret)
{
	unsigned char mac[SHA256_BYTES];
	char stamp[STAMP_BYTES];
	const int len = snprintf(stamp, sizeof(stamp), ".%" PRId64 ".", in->timestamp_s);
	const struct span parts[] = { span_of(in->id), { stamp, (size_t)len }, in->body };

	crypto_hmac_sha256((struct span){ (const char *)secret->bytes, secret->len }, parts, 3,
			   mac);
	separate(b);
	buf_text(b, "v1,");
	base64_append(b, (struct span){ (const char *)mac, sizeof(mac) });
}

static void seed_make(const struct signing_secret *secret, unsigned char out[ED25519_SEED_BYTES])
{
	const struct span part = span_of(seed_label);

	crypto_hmac_sha256((struct span){ (const char *)secret->bytes, secret->len }, &part, 1,
			   out);
}

static void v1a_append(struct buf *b, struct span content, const struct signing_secret *secret)
{
	unsigned char seed[ED25519_SEED_BYTES], signature[ED25519_SIGNATURE_BYTES];

	seed_make(secret, seed);
	crypto_ed25519_sign(seed, content, signature);
	crypto_wipe(seed, sizeof(seed));
	separate(b);
	buf_text(b, "v1a,");
	base64_append(b, (struct span){ (const char *)signature, sizeof(signature) });
}

static bool is_valid(const struct signature_input *in, const struct signing_secret *secret)
{
	return secret->expires_at_us == 0 || secret->expires_at_us > in->timestamp_s * 1000000;
}

/* Ed25519 wants what it signs in one piece. */
static void v1a_append_all(struct buf *b, const struct signature_input *in)
{
	struct buf content;

	buf_init(&content, in->body.len + ID_MAX_BYTES + STAMP_BYTES);
	buf_format(&content, "%s.%" PRId64 ".", in->id, in->timestamp_s);
	buf_span(&content, in->body);
	if (content.failed != ERR_OK)
		b->failed = content.failed;
	for (size_t i = 0; i < in->secret_count && content.failed == ERR_OK; i++) {
		if (is_valid(in, &in->secrets[i]))
			v1a_append(b, buf_view(&content), &in->secrets[i]);
	}
	buf_finish(&content);
}

size_t signature_format(const struct signature_input *in, char *out, size_t out_bytes)
{
	struct buf b;
	size_t len = 0;

	buf_init(&b, (V1_TEXT_BYTES + V1A_TEXT_BYTES + 2) * WEBHOOK_SECRETS_MAX);
	for (size_t i = 0; i < in->secret_count && (in->kinds & TOCSIN_SIGN_V1) != 0; i++) {
		if (is_valid(in, &in->secrets[i]))
			v1_append(&b, in, &in->secrets[i]);
	}
	if ((in->kinds & TOCSIN_SIGN_V1A) != 0)
		v1a_append_all(&b, in);
	if (b.failed == ERR_OK && b.len > 0 && b.len < out_bytes) {
		memcpy(out, b.ptr, b.len + 1);
		len = b.len;
	}
	buf_finish(&b);
	return len;
}

void signature_public_key(const struct signing_secret *secret, char out[PUBLIC_KEY_TEXT_BYTES])
{
	unsigned char seed[ED25519_SEED_BYTES], public[ED25519_PUBLIC_BYTES];
	struct buf b;

	seed_make(secret, seed);
	crypto_ed25519_public(seed, public);
	crypto_wipe(seed, sizeof(seed));
	buf_init(&b, PUBLIC_KEY_TEXT_BYTES);
	buf_text(&b, "whpk_");
	base64_append(&b, (struct span){ (const char *)public, sizeof(public) });
	snprintf(out, PUBLIC_KEY_TEXT_BYTES, "%s", b.ptr == NULL ? "" : b.ptr);
	buf_finish(&b);
}
