/* hooks.h - the answers of /v1/organizations/webhooks.
 * SPDX-License-Identifier: MIT
 * Named apart from domain/webhooks.h, which has the rules behind them. */
#ifndef TOCSIN_API_HOOKS_H
#define TOCSIN_API_HOOKS_H

#include "api/query.h"

struct exchange;

extern const struct query_row hooks_query[], hooks_patch_query[];

void hooks_add(struct exchange *x);
void hooks_list(struct exchange *x);
void hooks_list_plain(struct exchange *x);
void hooks_show(struct exchange *x);
void hooks_put(struct exchange *x);
void hooks_patch(struct exchange *x);
void hooks_remove(struct exchange *x);
void hooks_secret_show(struct exchange *x);
void hooks_secret_rotate(struct exchange *x);

#endif
