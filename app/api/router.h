/* router.h - from a request to the answer of its resource.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_API_ROUTER_H
#define TOCSIN_API_ROUTER_H

#include "api/exchange.h"

enum router_outcome {
	ROUTER_ANSWERED, /* x->reply is there */
	/* The answer waits for the disk: x is another thread's from now on. When the
	 * waiter was told, router_resume(x) fills the reply; until then params stay. */
	ROUTER_WAITING,
};

/* Answer the request behind params and in. Without a waiter it is always answered. */
enum router_outcome router_run(struct exchange *x, FCGX_ParamArray params, FCGX_Stream *in);
void router_resume(struct exchange *x);

#endif
