/* signature.h - Standard Webhooks 1.0.0, "Signature scheme": v1.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_DELIVERY_SIGNATURE_H
#define TOCSIN_DELIVERY_SIGNATURE_H

#include "base/span.h"
#include "model/webhook.h"

struct signature_input {
	const char *id;                       /* holds no '.' */
	int64_t timestamp_s;                  /* of this attempt */
	struct span body;                     /* exactly the bytes sent */
	const struct signing_secret *secrets; /* newest first; expired ones are left out */
	size_t secret_count;
};

/* Write "v1,… v1,…" and a NUL. Returns the length, 0 when out is too small or
 * there is no secret. Thread: any. */
size_t signature_format(const struct signature_input *in, char *out, size_t out_bytes);

#endif
