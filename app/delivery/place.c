/* place.c - takes a request's URL apart and asks the guard about literals.
 * Not here: names (resolve.c), the socket's own check (transfer.c).
 * Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "delivery/place.h"

#include <stdio.h>
#include <string.h>

#include "base/metrics.h"

static enum err literal_check(const struct place *place, const struct sockaddr_storage *address,
			      const struct guard *guard, struct why *why)
{
	const char *rule = NULL;

	if (place->is_operator || !place->is_literal ||
	    guard_check(guard, (const struct sockaddr *)address, &rule) == ERR_OK)
		return ERR_OK;
	metric_add(METRIC_ADDRESS_REFUSED, 1);
	why_set(why, "address refused: %s", rule);
	return ERR_DENIED;
}

enum err place_of_target(const struct compiled_configs *c, const struct guard *guard,
			 struct place *out, struct why *why)
{
	snprintf(out->host, sizeof(out->host), "%s", c->host);
	out->port = c->port;
	out->is_literal = c->is_literal;
	out->is_operator = false;
	out->is_http = true;
	return literal_check(out, &c->address, guard, why);
}

enum err place_of_url(const struct channel *c, const char *url, const struct guard *guard,
		      struct place *out, struct why *why)
{
	struct url parts;

	if (url_parse_of(span_of(url), c->plugin.vtable.schemes, &parts, why) != ERR_OK)
		return ERR_BAD_REQUEST;
	memcpy(out->host, parts.host, sizeof(out->host));
	out->port = parts.port;
	out->is_literal = parts.is_literal;
	out->is_http = strncmp(parts.scheme, "http", 4) == 0;
	out->is_operator = channel_is_operator(c, parts.host, parts.port);
	const enum err rc = literal_check(out, &parts.address, guard, why);

	url_finish(&parts);
	return rc;
}
