/* place.h - where a request goes, as far as the core must know.
 * SPDX-License-Identifier: MIT
 * A literal address is checked here, each time: a connection that is kept open
 * to an operator's host must not serve anybody else. Pure; any thread. */
#ifndef TOCSIN_DELIVERY_PLACE_H
#define TOCSIN_DELIVERY_PLACE_H

#include "base/url.h"
#include "channel/configs.h"

struct place {
	char host[HOST_MAX_BYTES + 1];
	uint16_t port;
	bool is_literal;  /* host is an address */
	bool is_operator; /* the channel's own settings name it: the guard lets it pass */
	bool is_http;
};

/* The webhook's own URL, taken apart when its configs were compiled (host is there).
 * Returns ERR_OK, or ERR_DENIED with why. */
MUST_CHECK enum err place_of_target(const struct compiled_configs *c, const struct guard *guard,
				    struct place *out, struct why *why);
/* Whatever URL the plugin made up. Also ERR_BAD_REQUEST. */
MUST_CHECK enum err place_of_url(const struct channel *c, const char *url,
				 const struct guard *guard, struct place *out, struct why *why);

#endif
