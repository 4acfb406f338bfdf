/* server.h - the FastCGI front: threads that accept, route and reply.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_API_SERVER_H
#define TOCSIN_API_SERVER_H

#include "api/api.h"

struct server;

/* Start conf->server.threads threads on the listening socket (made non-blocking;
 * not closed by us). Thread: main. */
MUST_CHECK enum err server_start(const struct api *api, int listen_fd, struct server **out,
				 struct why *why);
/* No new requests; those being answered are finished; join. NULL is fine. */
void server_stop(struct server *s);

#endif
