/* deliveries.h - the answers of /v1/deliveries.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_API_DELIVERIES_H
#define TOCSIN_API_DELIVERIES_H

#include "api/query.h"

struct exchange;

extern const struct query_row deliveries_query[];

void deliveries_list(struct exchange *x);
void deliveries_show(struct exchange *x);

#endif
