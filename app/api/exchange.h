/* exchange.h - one request being answered: who asks, for what, and the reply.
 * SPDX-License-Identifier: MIT
 * Each API thread has one and uses it again and again. */
#ifndef TOCSIN_API_EXCHANGE_H
#define TOCSIN_API_EXCHANGE_H

#include "api/query.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/server.h"

struct route;

struct exchange {
	const struct api *api;
	struct request request;
	struct reply reply;
	struct query query; /* by the route's table */
	struct faults faults;
	struct caller caller; /* zeroed on routes that need no key */
	const struct route *route;
	struct span identifier; /* the path's {identifier}, decoded */
};

/* api: borrowed. Owner: x, exchange_finish(). */
void exchange_init(struct exchange *x, const struct api *api);
void exchange_finish(struct exchange *x);
/* Fill x->reply for the request behind these. Always leaves a reply. */
void exchange_run(struct exchange *x, FCGX_ParamArray params, FCGX_Stream *in);

#endif
