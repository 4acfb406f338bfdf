/* url.h - receivers' URLs: refused or normalised before they are stored.
 * SPDX-License-Identifier: MIT
 * One rule set for every channel, over libcurl's own parser, so that what was
 * checked is what libcurl will connect to. */
#ifndef TOCSIN_BASE_URL_H
#define TOCSIN_BASE_URL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum { URL_MAX_BYTES = 2048, HOST_MAX_BYTES = 253, SCHEME_BYTES = 16 };

struct url {
	char *text;                    /* normalised; owned */
	char scheme[SCHEME_BYTES];     /* lower case: "https" */
	char host[HOST_MAX_BYTES + 1]; /* lower-case ASCII (A-labels), no brackets, no final dot */
	uint16_t port;                 /* explicit or the scheme's */
	bool is_literal; /* the host is an address: in address, ready for guard_check() */
	struct sockaddr_storage address;
};

/* Accept http:// and https:// with a host; refuse user information, '%' or
 * zone ids in the host, port 0, controls, blanks, backslash, non-ASCII outside
 * the host, a fragment, more than URL_MAX_BYTES. International names become
 * A-labels. Decimal, octal and hex IPv4 spellings become dotted decimal.
 * Returns ERR_BAD_REQUEST with why for people.
 * Owner  *out is owned; url_finish(). Untouched on failure. Thread: any. */
MUST_CHECK enum err url_parse(struct span text, struct url *out, struct why *why);
/* The same with these schemes ("smtp,smtps"), or, with NULL, every one that
 * libcurl drives over a network. */
MUST_CHECK enum err url_parse_of(struct span text, const char *schemes, struct url *out,
				 struct why *why);
void url_finish(struct url *u);

/* RFC 9110 rules for a custom header that a tenant gives (5.6.2 name, 5.5
 * value) and the reserved names. why says which. */
MUST_CHECK enum err header_check(struct span name, struct span value, struct why *why);

#endif
