/* admin.h - organizations, keys and the audit: requests on an open store.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_MAIN_ADMIN_H
#define TOCSIN_MAIN_ADMIN_H

#include <stdbool.h>

#include "base/buf.h"
#include "domain/access.h"
#include "store/store.h"

struct admin {
	struct store *store;   /* borrowed */
	struct access *access; /* borrowed */
};

struct conf;

/* On the store of this configuration, which no server has: open it as its owner.
 * Owner  *out is owned either way; admin_close(). */
MUST_CHECK enum err admin_open(const struct conf *conf, struct admin *out, struct why *why);
void admin_close(struct admin *a);
/* Files that root makes in the store would lock the server's user out: be that one
 * from here on. False after a line on stderr. */
bool admin_owner_become(const char *store_path);

/* Carry out one request, as a control_fn with a struct admin as ctx:
 * "org" "add" NAME | "org" "list" | "key" "add" ORG SCOPES "live"|"test" |
 * "key" "list" [ORG] | "key" "revoke" KEY | "audit" |
 * "backup" "begin" PATH "new"|"replace" | "backup" "wait". */
int admin_answer(void *ctx, char **words, int word_count, struct buf *out);

#endif
