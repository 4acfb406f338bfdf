/* organization.h - tenants and their keys.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_MODEL_ORGANIZATION_H
#define TOCSIN_MODEL_ORGANIZATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/crypto.h"

struct organization {
	int64_t id;                   /* row; 0 = not stored yet */
	char public_id[4 + 10 + 1];   /* "org_…", what operators see */
	char internal_id[4 + 24 + 1]; /* "int_…", never leaves */
	char *name;                   /* owned */
	int64_t created_at_us;
};

enum {
	SCOPE_PUBLISH = 1 << 0,
	SCOPE_READ = 1 << 1,
	SCOPE_MANAGE = 1 << 2,
	SCOPE_ALL = SCOPE_PUBLISH | SCOPE_READ | SCOPE_MANAGE
};

enum { KEY_RANDOM_CHARACTERS = 32, KEY_TEXT_BYTES = 8 + KEY_RANDOM_CHARACTERS + 1 };

struct api_key {
	int64_t id;
	int64_t organization;
	char public_id[4 + 10 + 1];       /* "key_…": names it in lists and logs */
	unsigned char hash[SHA256_BYTES]; /* of the whole text; the text is not kept */
	unsigned scopes;                  /* SCOPE_… bits */
	bool is_test;                     /* sk_test_ */
	int64_t created_at_us;
	int64_t revoked_at_us; /* 0 = valid */
};

void organization_finish(struct organization *o);
/* "publish,read" to bits; 0 when a name is unknown or none is given. */
unsigned scopes_parse(const char *text);
/* Bits to "publish,read"; out has room for 32 bytes. */
void scopes_format(unsigned scopes, char out[32]);

#endif
