/* access.h - who is asking: keys to organizations and scopes.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_DOMAIN_ACCESS_H
#define TOCSIN_DOMAIN_ACCESS_H

#include <stdio.h>

#include "base/span.h"
#include "model/organization.h"
#include "store/store.h"

struct access;

struct caller {
	int64_t organization, key_id;
	unsigned scopes;
	bool is_test;
	char key_public_id[15];
};

struct access *access_create(struct store *s);
void access_destroy(struct access *a);
MUST_CHECK enum err access_load(struct access *a);

/* The caller behind a key's text. ERR_DENIED for an unknown or revoked one;
 * hash look-up and a constant-time compare. */
MUST_CHECK enum err access_check(struct access *a, struct span key_text, struct caller *out);

/* Management; used by the control socket and by subcommands on a closed store. */
MUST_CHECK enum err access_organization_add(struct access *a, const char *name,
					    char out_public_id[15], struct why *why);
MUST_CHECK enum err access_key_add(struct access *a, const char *organization, unsigned scopes,
				   bool is_test, char out_key[KEY_TEXT_BYTES], struct why *why);
/* id: "key_…" or the key's text. */
MUST_CHECK enum err access_key_revoke(struct access *a, const char *id, struct why *why);
/* One line per row: public id, created, name | public id, organization, scopes,
 * live|test, created, revoked or "active". */
void access_organizations_print(struct access *a, struct buf *out);
/* organization: NULL for the keys of all. ERR_NOT_FOUND with why: there is none of that id. */
MUST_CHECK enum err access_keys_print(struct access *a, const char *organization, struct buf *out,
				      struct why *why);

#endif
