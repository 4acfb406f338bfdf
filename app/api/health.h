/* health.h - answers about the process itself.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_API_HEALTH_H
#define TOCSIN_API_HEALTH_H

struct exchange;

void health_live(struct exchange *x);
void health_ready(struct exchange *x);
void health_metrics(struct exchange *x);

#endif
