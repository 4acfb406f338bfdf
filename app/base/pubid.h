/* pubid.h - public ids: the internal 64-bit id under a keyed block cipher.
 * SPDX-License-Identifier: MIT
 * "evt_" or "dlv_" + 22 base62 characters hold one AES-128 block of (id, kind
 * tag). Nobody can guess one, a false one is refused without a look-up, and
 * no index is needed to find the row again. */
#ifndef TOCSIN_BASE_PUBID_H
#define TOCSIN_BASE_PUBID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/* Each list has a kind of cursor of its own: another's is no cursor there. */
enum pubid_kind {
	PUBID_EVENT = 1,
	PUBID_DELIVERY = 2,
	PUBID_WEBHOOK_CURSOR = 3,
	PUBID_DELIVERY_CURSOR = 4,
};
enum { PUBID_KEY_BYTES = 16, PUBID_TEXT_BYTES = 4 + 22 + 1 };

struct pubid; /* the cipher with its key; read-only after creation */

/* key: copied. Owner: the caller, free with pubid_destroy(). */
struct pubid *pubid_create(const unsigned char key[PUBID_KEY_BYTES]);
void pubid_destroy(struct pubid *p);

/* "evt_…", "dlv_…" or "cur_…" of id. Thread: any (each thread has its own
 * cipher context inside). */
void pubid_format(const struct pubid *p, enum pubid_kind kind, int64_t id,
		  char out[PUBID_TEXT_BYTES]);
/* False when text is not an id that pubid_format() made for this kind. */
bool pubid_parse(const struct pubid *p, enum pubid_kind kind, struct span text, int64_t *out_id);

#endif
