/* admin.h - organizations, keys and the audit: requests on an open store.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_MAIN_ADMIN_H
#define TOCSIN_MAIN_ADMIN_H

#include "base/buf.h"
#include "domain/access.h"
#include "store/store.h"

struct admin {
	struct store *store;   /* borrowed */
	struct access *access; /* borrowed */
};

/* Carry out one request, as a control_fn with a struct admin as ctx:
 * "org" "add" NAME | "org" "list" | "key" "add" ORG SCOPES "live"|"test" |
 * "key" "list" [ORG] | "key" "revoke" KEY | "audit". */
int admin_answer(void *ctx, char **words, int word_count, struct buf *out);

#endif
