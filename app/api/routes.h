/* routes.h - the one table of everything the API answers to.
 * SPDX-License-Identifier: MIT
 * The router (router.c) and the description (openapi.c) both read it. */
#ifndef TOCSIN_API_ROUTES_H
#define TOCSIN_API_ROUTES_H

#include "api/route.h"

const struct route *routes_all(size_t *out_count);
/* The route for a sound path, or NULL: then *out_allowed has BIT(method) of
 * those that the path knows, 0 when there is no such path. */
const struct route *routes_find(const struct request *q, unsigned *out_allowed,
				struct span *out_identifier);

#endif
