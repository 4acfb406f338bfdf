/* openapi.h - the API described by itself.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_API_OPENAPI_H
#define TOCSIN_API_OPENAPI_H

struct exchange;

void openapi_show(struct exchange *x);

#endif
