/* webhooks.h - validating and changing webhooks as the contract says.
 * SPDX-License-Identifier: MIT
 * Changes are serialised by one lock: read, merge, commit, publish. */
#ifndef TOCSIN_DOMAIN_WEBHOOKS_H
#define TOCSIN_DOMAIN_WEBHOOKS_H

#include "conf/conf.h"
#include "domain/registry.h"
#include "model/faults.h"

struct webhooks;

/* Told after a change has been committed and published (which destinations
 * changed). Used to wake the engine; called without locks. */
typedef void (*webhooks_changed_fn)(void *ctx, int64_t webhook_id);

struct webhooks *webhooks_create(const struct conf *conf, const struct channels *channels,
				 struct registry *registry, struct store *store);
void webhooks_destroy(struct webhooks *w);
void webhooks_watch(struct webhooks *w, webhooks_changed_fn fn, void *ctx);

enum held_policy { HELD_SEND = 0, HELD_DROP };

/* One change of one webhook, as a request asks for it. All borrowed. */
struct webhook_change {
	int64_t organization;
	struct span id; /* the public one; not for webhooks_create_one() */
	struct span body;
	enum held_policy held; /* what becomes of held deliveries when it is resumed */
};

/* All return ERR_OK, ERR_BAD_REQUEST (see faults), ERR_NOT_FOUND, ERR_LIMIT
 * (too many webhooks), or the store's errors. *out is a reference. */
MUST_CHECK enum err webhooks_create_one(struct webhooks *w, const struct webhook_change *c,
					struct faults *faults, struct entry **out);
MUST_CHECK enum err webhooks_put(struct webhooks *w, const struct webhook_change *c,
				 struct faults *faults, struct entry **out);
MUST_CHECK enum err webhooks_patch(struct webhooks *w, const struct webhook_change *c,
				   struct faults *faults, struct entry **out);
/* What c->body would make of a webhook, without storing it: of the stored one when
 * c->id is given (ptr NULL: none), else of a new one that needs channels only.
 * A member named also is somebody else's. *out is in no registry; its targets
 * are numbered from 1. */
MUST_CHECK enum err webhooks_preview(struct webhooks *w, const struct webhook_change *c,
				     const char *also, struct faults *faults, struct entry **out);
/* ERR_OK also when there is none. */
MUST_CHECK enum err webhooks_remove(struct webhooks *w, int64_t organization, struct span id);
/* New signing secret; the old one stays valid for the configured overlap. */
MUST_CHECK enum err webhooks_secret_rotate(struct webhooks *w, int64_t organization, struct span id,
					   struct entry **out);
/* Read one webhook again from the store after the engine's settle changed it. */
void webhooks_reload(struct webhooks *w, int64_t webhook_id);

struct webhook_query {
	int64_t organization;
	struct span event_type;  /* ptr NULL: any; else subscriptions that would match it */
	int is_active;           /* -1 any, 0, 1 */
	uint64_t after_position; /* cursor; 0 = from the first */
	size_t offset, limit;
};

struct webhook_page {
	struct entry **entries; /* owned, as each reference in it; webhook_page_finish() */
	size_t count;
	size_t total;           /* of all that match, on whatever page */
	uint64_t next_position; /* to go on from; 0 = that was the end */
};

/* Matching entries in order of creation. Owner: *out, webhook_page_finish(). */
void webhooks_list(struct webhooks *w, const struct webhook_query *q, struct webhook_page *out);
void webhook_page_finish(struct webhook_page *p);

#endif
