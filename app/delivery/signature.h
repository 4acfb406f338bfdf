/* signature.h - Standard Webhooks 1.0.0, "Signature scheme": v1 and v1a.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_DELIVERY_SIGNATURE_H
#define TOCSIN_DELIVERY_SIGNATURE_H

#include "base/span.h"
#include "model/webhook.h"
#include "tocsin/channel.h"

struct signature_input {
	const char *id;                       /* holds no '.' */
	int64_t timestamp_s;                  /* of this attempt */
	struct span body;                     /* exactly the bytes sent */
	const struct signing_secret *secrets; /* newest first; expired ones are left out */
	size_t secret_count;
	uint32_t kinds; /* TOCSIN_SIGN_V1 | TOCSIN_SIGN_V1A */
};

/* Write "v1,… v1,… v1a,… v1a,…" and a NUL. Returns the length, 0 when out is too small or
 * there is no secret. Thread: any. */
size_t signature_format(const struct signature_input *in, char *out, size_t out_bytes);

enum { PUBLIC_KEY_TEXT_BYTES = 5 + 44 + 1 }; /* "whpk_", base64 of 32 bytes, NUL */
/* The public half, "whpk_…", of the Ed25519 key that v1a signs with: it is
 * derived from the secret, and so rotates with it. */
void signature_public_key(const struct signing_secret *secret, char out[PUBLIC_KEY_TEXT_BYTES]);

#endif
