/* exchange.h - one request being answered: who asks, for what, and the reply.
 * SPDX-License-Identifier: MIT
 * Each API thread has one and uses it again and again. */
#ifndef TOCSIN_API_EXCHANGE_H
#define TOCSIN_API_EXCHANGE_H

#include "api/api.h"
#include "api/query.h"
#include "api/reply.h"
#include "api/request.h"

struct route;

struct exchange {
	const struct api *api;
	struct request request;
	struct reply reply;
	struct query query; /* by the route's table */
	struct faults faults;
	struct caller caller;       /* zeroed on routes that need no key */
	const struct route *route;  /* NULL: none was found */
	const struct route *routes; /* all of them, for the description */
	size_t route_count;
	struct span identifier; /* the path's {identifier}, decoded */
};

/* api: borrowed. Owner: x, exchange_finish(). */
void exchange_init(struct exchange *x, const struct api *api);
void exchange_finish(struct exchange *x);
/* Forget the last request. */
void exchange_reset(struct exchange *x);

#endif
