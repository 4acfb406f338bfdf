/* route.h - what is known of one route: enough to serve and to describe it.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_API_ROUTE_H
#define TOCSIN_API_ROUTE_H

#include <stdbool.h>

#include "api/query.h"
#include "api/request.h"

struct exchange;

enum {
	/* Takes a JSON body. Its answer may find faults of the query in x->faults: it adds
	 * those of the body and then does nothing but report them. */
	ROUTE_BODY = 1 << 0,
	ROUTE_BODY_OPTIONAL = 1 << 1, /* which may be absent */
	ROUTE_BATCH = 1 << 2,         /* under the larger cap */
	ROUTE_STRICT_QUERY = 1 << 3,  /* unknown query parameters are a 422 */
	ROUTE_CONFLICTS = 1 << 4,     /* may answer 409 */
	ROUTE_PLAIN = 1 << 5,         /* the reply is no JSON of ours: no schema */
	ROUTE_ARRAY = 1 << 6,         /* the reply is an array of reply_schema */
};

struct route {
	enum method method;
	const char *pattern; /* "/v1/…/{identifier}"; a final slash is as good as none */
	unsigned scopes;     /* any one of these SCOPE_… bits; 0: no key is needed */
	unsigned flags;      /* ROUTE_… */
	void (*answer)(struct exchange *x);
	/* Instead of answer, where the exchange has a waiter: true when the answer waits
	 * for the disk (x->resume gives it), false when it is there. NULL: there is none. */
	bool (*begin)(struct exchange *x);
	const struct query_row *query;             /* NULL: no parameters */
	int status;                                /* when all is well */
	const char *request_schema, *reply_schema; /* names in schemas.c; NULL: none */
	const char *operation_id, *tag, *summary, *description;
};

#endif
