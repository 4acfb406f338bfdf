/* registry.h - all webhooks in memory, matched and looked up without a lock's wait.
 * SPDX-License-Identifier: MIT
 * Entries are immutable and counted: a change puts a new one in the old one's
 * place, and whoever holds the old one finishes with it. Any thread. */
#ifndef TOCSIN_DOMAIN_REGISTRY_H
#define TOCSIN_DOMAIN_REGISTRY_H

#include <stdbool.h>

#include "channel/configs.h"
#include "model/webhook.h"
#include "store/store.h"

struct registry;

/* One webhook, ready to match and send. Read-only. */
struct entry {
	_Atomic unsigned refs;
	struct webhook webhook;
	struct compiled_configs **compiled; /* per channel; NULL: its channel is not declared any
	                                       more or its configs do not fit */
	uint64_t position;                  /* order of creation, for lists */
};

/* A webhook ready to send that is in no registry. Takes *w (zeroed). */
struct entry *entry_create(const struct channels *channels, struct webhook *w);

struct registry *registry_create(const struct channels *channels);
void registry_destroy(struct registry *r);
/* Read all from the store. */
MUST_CHECK enum err registry_load(struct registry *r, struct store *s);

/* Put w (taken; zeroed) in; replaces the entry with the same id. */
void registry_put(struct registry *r, struct webhook *w);
void registry_remove(struct registry *r, int64_t organization, int64_t webhook_id);

/* A reference, or NULL. entry_drop() it. */
struct entry *registry_find(struct registry *r, int64_t organization, struct span public_id);
struct entry *registry_find_destination(struct registry *r, int64_t destination,
					size_t *out_channel);
struct entry *entry_hold(struct entry *e); /* one reference more; returns e */
void entry_drop(struct entry *e);

/* All of an organization in order of creation. Owner: an owned array of references. */
struct entry **registry_list(struct registry *r, int64_t organization, size_t *out_count);
/* Webhooks of an organization; 0: of all. */
size_t registry_count(struct registry *r, int64_t organization);

/* Targets of every active webhook and active channel whose patterns match.
 * Owner  *out_targets is owned; free(). skip_webhook (0: none) is never matched. */
MUST_CHECK enum err registry_match(struct registry *r, int64_t organization, struct span type,
				   int64_t skip_webhook, struct accept_target **out_targets,
				   size_t *out_count);

#endif
