/* server.h - the FastCGI front: threads that accept, route and reply.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_API_SERVER_H
#define TOCSIN_API_SERVER_H

#include "base/pubid.h"
#include "conf/conf.h"
#include "delivery/engine.h"
#include "domain/access.h"
#include "domain/ingest.h"
#include "domain/webhooks.h"

/* Everything handlers may use; all borrowed. */
struct api {
	const struct conf *conf;
	const struct channels *channels;
	struct store *store;
	struct access *access;
	struct registry *registry;
	struct webhooks *webhooks;
	struct ingest ingest;
	struct engine *engine;
	const struct pubid *ids;
};

struct server;

/* Start conf->server.threads threads on the listening socket (made non-blocking;
 * not closed by us). Thread: main. */
MUST_CHECK enum err server_start(const struct api *api, int listen_fd, struct server **out,
                                 struct why *why);
/* No new requests; those being answered are finished; join. NULL is fine. */
void server_stop(struct server *s);

#endif
