/* exchange.h - one request being answered: who asks, for what, and the reply.
 * SPDX-License-Identifier: MIT
 * Each API thread has one and uses it again and again. */
#ifndef TOCSIN_API_EXCHANGE_H
#define TOCSIN_API_EXCHANGE_H

#include "api/api.h"
#include "api/query.h"
#include "api/reply.h"
#include "api/request.h"

struct exchange;
struct route;

/* Who goes on with an exchange whose answer waits for the disk; NULL members:
 * nobody, the answer is waited for. */
struct exchange_waiter {
	/* The commit is over, x->commit_rc says how. On the writer's thread: leave x for
	 * exchange_resume() on one of ours, and do not block. */
	void (*committed)(void *ctx, struct exchange *x);
	void *ctx;
};

struct exchange {
	const struct api *api;
	struct exchange_waiter waiter;
	/* Set while the answer waits: what gives it once the commit is over. */
	void (*resume)(struct exchange *x);
	enum err commit_rc;
	struct ingest_request publishing; /* of the events' routes */
	bool has_room;                    /* the engine had, before the commit */
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
