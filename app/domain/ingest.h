/* ingest.h - from a request's bytes to stored events and their deliveries.
 * SPDX-License-Identifier: MIT
 * Scans, matches and submits; knows neither the engine nor HTTP. */
#ifndef TOCSIN_DOMAIN_INGEST_H
#define TOCSIN_DOMAIN_INGEST_H

#include "base/json.h"
#include "conf/conf.h"
#include "domain/access.h"
#include "domain/registry.h"
#include "model/faults.h"
#include "store/store.h"

struct ingest {
	const struct conf *conf;
	struct registry *registry;
	struct store *store;
};

/* One request's events on their way; zero-initialised. */
struct ingest_request {
	const struct caller *caller;
	struct span body;
	struct span idempotency_key; /* ptr NULL: none */
	struct accept accept;        /* filled; events and targets are owned here */
	size_t target_count;         /* of all events together */
	struct buf scratch;          /* decoded texts and built fragments; owned */
};

/* Scan and check one event (or {"events": […]}), and find its targets.
 * Returns ERR_OK, ERR_BAD_REQUEST with faults, ERR_MEMORY. */
MUST_CHECK enum err ingest_one(const struct ingest *in, struct ingest_request *r,
			       struct faults *faults);
MUST_CHECK enum err ingest_batch(const struct ingest *in, struct ingest_request *r,
				 struct faults *faults);
/* Check one event that is inside r->body and will not be stored, at loc; it is
 * r->accept.events[0] then. */
MUST_CHECK enum err ingest_sample(const struct ingest *in, struct ingest_request *r,
				  const struct json_value *event, const struct loc *loc,
				  struct faults *faults);
/* Store it: results are in r->accept afterwards. Waits for the commit. */
MUST_CHECK enum err ingest_commit(const struct ingest *in, struct ingest_request *r);
/* The same without waiting; done() is called on another thread and must not block. */
void ingest_commit_begin(const struct ingest *in, struct ingest_request *r,
			 void (*done)(void *ctx, enum err rc), void *ctx);
void ingest_request_finish(struct ingest_request *r);

#endif
