/* signature.c - HMAC-SHA256 over id.timestamp.body, once per valid secret.
 * SPDX-License-Identifier: MIT */
#include "delivery/signature.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/crypto.h"

enum { SIGNATURE_TEXT_BYTES = 3 + 44 }; /* "v1," and base64 of 32 bytes */

static void signature_append(struct buf *b, const struct signature_input *in,
			     const struct signing_secret *secret)
{
	unsigned char mac[SHA256_BYTES];
	char stamp[32];
	const int len = snprintf(stamp, sizeof(stamp), ".%" PRId64 ".", in->timestamp_s);
	const struct span parts[] = { span_of(in->id), { stamp, (size_t)len }, in->body };

	crypto_hmac_sha256((struct span){ (const char *)secret->bytes, secret->len }, parts, 3,
			   mac);
	if (b->len > 0)
		buf_byte(b, ' ');
	buf_text(b, "v1,");
	base64_append(b, (struct span){ (const char *)mac, sizeof(mac) });
}

size_t signature_format(const struct signature_input *in, char *out, size_t out_bytes)
{
	struct buf b;
	size_t len = 0;

	buf_init(&b, (SIGNATURE_TEXT_BYTES + 1) * WEBHOOK_SECRETS_MAX);
	for (size_t i = 0; i < in->secret_count; i++) {
		const struct signing_secret *secret = &in->secrets[i];

		if (secret->expires_at_us == 0 || secret->expires_at_us > in->timestamp_s * 1000000)
			signature_append(&b, in, secret);
	}
	if (b.failed == ERR_OK && b.len > 0 && b.len < out_bytes) {
		memcpy(out, b.ptr, b.len + 1);
		len = b.len;
	}
	buf_finish(&b);
	return len;
}
