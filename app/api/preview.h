/* preview.h - what each channel of a webhook would send for a sample event.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_API_PREVIEW_H
#define TOCSIN_API_PREVIEW_H

#include "api/exchange.h"

void preview_show(struct exchange *x);

#endif
