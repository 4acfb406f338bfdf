/* router.h - from a request to the answer of its resource.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_API_ROUTER_H
#define TOCSIN_API_ROUTER_H

#include "api/exchange.h"

/* Fill x->reply for the request behind params and in. Always leaves a reply. */
void router_run(struct exchange *x, FCGX_ParamArray params, FCGX_Stream *in);

#endif
