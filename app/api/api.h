/* api.h - the parts that answers are made with.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_API_API_H
#define TOCSIN_API_API_H

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

#endif
