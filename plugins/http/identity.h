/* identity.h - whom a channel trusts by TLS, and who it is itself.
 * SPDX-License-Identifier: MIT */
#ifndef PLUGINS_HTTP_IDENTITY_H
#define PLUGINS_HTTP_IDENTITY_H

#include "tocsin/channel.h"

/* PEM texts in memory: nothing is read while delivering, and libcurl's cache of
 * the system's CAs, of which there is one, is not thrown out. */
struct identity {
	struct curl_blob ca, cert, key; /* data NULL: none; owned */
};

struct identity_files {
	const char *ca, *cert, *key; /* NULL: none */
	const char *password;        /* of the key; NULL: none */
};

/* Read and check the files. Returns TOCSIN_OK, TOCSIN_BAD_CONFIG or
 * TOCSIN_TRY_LATER with err.
 * Owner  *out; identity_finish() also after a failure. Thread: main, at start-up. */
int identity_open(const struct identity_files *files, struct identity *out, char *err,
		  size_t err_bytes);
/* Into a transfer. Returns TOCSIN_OK or TOCSIN_TRY_LATER. Thread: any. */
int identity_set(const struct identity *id, CURL *easy);
/* NULL-safe. */
void identity_finish(const struct tocsin_host *host, struct identity *id);

#endif
