/* catalogue.h - the event types that tocsin.conf lists.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_DOMAIN_CATALOGUE_H
#define TOCSIN_DOMAIN_CATALOGUE_H

#include <stdbool.h>

#include "base/span.h"
#include "conf/conf.h"

/* May this type be used? Any type while the catalogue is open. Any thread. */
static inline bool catalogue_admits(const struct conf_events *events, struct span type)
{
	if (!events->closed)
		return true;
	for (size_t i = 0; i < events->types.count; i++) {
		if (span_is(type, events->types.items[i]))
			return true;
	}
	return false;
}

#endif
