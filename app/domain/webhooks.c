/* webhooks.c - changing webhooks: read, merge, commit, publish.
 * Not here: what a body may hold (form.c), matching (registry.c), what the
 * store does to waiting deliveries (store/).
 * Any thread; changes are serialised by one lock, held over the commit.
 * SPDX-License-Identifier: MIT */
#include "domain/webhooks.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "domain/form.h"

enum { SECRET_BYTES = 32, PREFIX_CHARACTERS = 3, ID_TRIES = 3 };

struct webhooks {
	const struct conf *conf;
	const struct channels *channels;
	struct registry *registry;
	struct store *store;
	pthread_mutex_t lock; /* over every change, from reading to publishing */
	webhooks_changed_fn changed;
	void *ctx;
};

struct webhooks *webhooks_create(const struct conf *conf, const struct channels *channels,
				 struct registry *registry, struct store *store)
{
	struct webhooks *w = xcalloc(1, sizeof(*w));

	w->conf = conf;
	w->channels = channels;
	w->registry = registry;
	w->store = store;
	pthread_mutex_init(&w->lock, NULL);
	return w;
}

void webhooks_destroy(struct webhooks *w)
{
	if (w == NULL)
		return;
	pthread_mutex_destroy(&w->lock);
	free(w);
}

void webhooks_watch(struct webhooks *w, webhooks_changed_fn fn, void *ctx)
{
	w->changed = fn;
	w->ctx = ctx;
}

static void changed_tell(struct webhooks *w, int64_t webhook_id)
{
	if (w->changed != NULL)
		w->changed(w->ctx, webhook_id);
}

/* --- Creating ---------------------------------------------------------------- */

static void secret_fill(struct signing_secret *secret, int64_t now_us)
{
	*secret = (struct signing_secret){ .len = SECRET_BYTES, .created_at_us = now_us };
	crypto_random(secret->bytes, SECRET_BYTES);
}

static void public_id_fill(struct webhook *webhook)
{
	memcpy(webhook->public_id, "wh_", PREFIX_CHARACTERS);
	token_random(webhook->public_id + PREFIX_CHARACTERS,
		     WEBHOOK_ID_BYTES - PREFIX_CHARACTERS - 1);
}

/* Make what the stored row has become visible. Takes webhook. */
static struct entry *publish(struct webhooks *w, struct webhook *webhook)
{
	const int64_t organization = webhook->organization;
	char public_id[WEBHOOK_ID_BYTES];

	memcpy(public_id, webhook->public_id, sizeof(public_id));
	registry_put(w->registry, webhook);
	return registry_find(w->registry, organization, span_of(public_id));
}

/* The caller holds the lock. Takes webhook when it returns ERR_OK. */
static enum err add(struct webhooks *w, struct webhook *webhook, struct entry **out)
{
	enum err rc = ERR_CONFLICT;

	if (registry_count(w->registry, webhook->organization) >= (size_t)w->conf->limits.webhooks)
		return ERR_LIMIT;
	for (int i = 0; rc == ERR_CONFLICT && i < ID_TRIES; i++) {
		public_id_fill(webhook);
		rc = store_webhook_add(w->store, webhook);
	}
	if (rc == ERR_OK)
		*out = publish(w, webhook);
	return rc;
}

enum err webhooks_create_one(struct webhooks *w, const struct webhook_change *c,
			     struct faults *faults, struct entry **out)
{
	const int64_t now_us = clock_wall_us();
	struct form form = {
		.conf = w->conf, .channels = w->channels, .kind = FORM_CREATE, .faults = faults
	};
	struct webhook webhook = { .organization = c->organization,
				   .created_at_us = now_us,
				   .updated_at_us = now_us,
				   .secret_count = 1 };
	enum err rc = form_read(&form, c->body, &webhook);

	if (rc == ERR_OK) {
		secret_fill(&webhook.secrets[0], now_us);
		pthread_mutex_lock(&w->lock);
		rc = add(w, &webhook, out);
		pthread_mutex_unlock(&w->lock);
	}
	webhook_finish(&webhook);
	if (rc == ERR_OK)
		changed_tell(w, (*out)->webhook.id);
	return rc;
}

/* --- Changing ---------------------------------------------------------------- */

/* The stored webhook behind a public id, newer than the registry's when a
 * settle has just disabled a channel. Owner: out, webhook_finish(). */
static enum err stored_read(struct webhooks *w, int64_t organization, struct span id,
			    struct webhook *out)
{
	struct entry *entry = registry_find(w->registry, organization, id);

	if (entry == NULL)
		return ERR_NOT_FOUND;
	const enum err rc = store_webhook_read(w->store, entry->webhook.id, out);

	entry_drop(entry);
	return rc;
}

static bool texts_equal(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

static bool event_types_equal(const struct webhook *a, const struct webhook *b)
{
	if (a->event_type_count != b->event_type_count)
		return false;
	for (size_t i = 0; i < a->event_type_count; i++) {
		if (strcmp(a->event_types[i], b->event_types[i]) != 0)
			return false;
	}
	return true;
}

static bool channels_equal(const struct webhook *a, const struct webhook *b)
{
	if (a->channel_count != b->channel_count)
		return false;
	for (size_t i = 0; i < a->channel_count; i++) {
		const struct webhook_channel *one = &a->channels[i], *other = &b->channels[i];

		if (one->id != other->id || one->status != other->status ||
		    strcmp(one->name, other->name) != 0 ||
		    strcmp(one->configs, other->configs) != 0 ||
		    !texts_equal(one->description, other->description))
			return false;
	}
	return true;
}

/* Was there a channel that Tocsin had disabled and that now is active again? */
static bool is_revived(const struct webhook *old, const struct webhook *next)
{
	for (size_t i = 0; i < next->channel_count; i++) {
		const struct webhook_channel *channel = &next->channels[i];

		for (size_t n = 0; n < old->channel_count; n++) {
			if (old->channels[n].id == channel->id &&
			    old->channels[n].status == CHANNEL_DISABLED &&
			    channel->status == CHANNEL_ACTIVE)
				return true;
		}
	}
	return false;
}

/* "is_active": true, sent in so many words, says: try everything again. */
static void channels_revive(struct webhook *next)
{
	for (size_t i = 0; i < next->channel_count; i++) {
		next->channels[i].status = CHANNEL_ACTIVE;
		free(next->channels[i].disabled_reason);
		next->channels[i].disabled_reason = NULL;
	}
}

static void disabled_reason_clear(struct webhook *next)
{
	free(next->disabled_reason);
	next->disabled_reason = NULL;
}

static enum store_waiting waiting_of(const struct webhook *old, const struct webhook *next,
				     bool was_revived, enum held_policy held)
{
	if (!next->is_active)
		return old->is_active ? STORE_WAITING_HOLD : STORE_WAITING_KEEP;
	if (old->is_active && !was_revived)
		return STORE_WAITING_KEEP;
	return held == HELD_DROP ? STORE_HELD_CANCEL : STORE_WAITING_RELEASE;
}

/* Merge, and store when anything is different. The caller holds the lock.
 * Takes next when it has been stored. */
static enum err replace(struct webhooks *w, const struct webhook *old, struct webhook *next,
			bool active_is_given, enum held_policy held)
{
	if (active_is_given && next->is_active) {
		channels_revive(next);
		disabled_reason_clear(next);
	}
	const bool was_revived = is_revived(old, next);

	if (was_revived)
		disabled_reason_clear(next);
	const bool has_moved = !event_types_equal(old, next) || !channels_equal(old, next) ||
			       old->is_active != next->is_active;

	if (!has_moved && texts_equal(old->name, next->name) &&
	    texts_equal(old->description, next->description) &&
	    texts_equal(old->disabled_reason, next->disabled_reason))
		return ERR_OK;
	if (has_moved)
		next->updated_at_us = clock_wall_us();
	const enum err rc = store_webhook_replace(w->store, next,
						  waiting_of(old, next, was_revived, held));

	if (rc == ERR_OK)
		registry_put(w->registry, next);
	return rc;
}

static enum err change_merge(struct webhooks *w, const struct webhook_change *c,
			     enum form_kind kind, struct faults *faults)
{
	struct form form = {
		.conf = w->conf, .channels = w->channels, .kind = kind, .faults = faults
	};
	struct webhook old = { 0 }, next = { 0 };
	enum err rc = stored_read(w, c->organization, c->id, &old);

	if (rc == ERR_OK) {
		webhook_copy(&old, &next);
		rc = form_read(&form, c->body, &next);
	}
	if (rc == ERR_OK)
		rc = replace(w, &old, &next, form.active_is_given, c->held);
	webhook_finish(&next);
	webhook_finish(&old);
	return rc;
}

static enum err change_make(struct webhooks *w, const struct webhook_change *c, enum form_kind kind,
			    struct faults *faults, struct entry **out)
{
	struct entry *entry = NULL;

	pthread_mutex_lock(&w->lock);
	enum err rc = change_merge(w, c, kind, faults);

	if (rc == ERR_OK)
		entry = registry_find(w->registry, c->organization, c->id);
	pthread_mutex_unlock(&w->lock);
	if (rc == ERR_OK && entry == NULL)
		rc = ERR_NOT_FOUND;
	if (rc != ERR_OK)
		return rc;
	changed_tell(w, entry->webhook.id);
	*out = entry;
	return ERR_OK;
}

enum err webhooks_put(struct webhooks *w, const struct webhook_change *c, struct faults *faults,
		      struct entry **out)
{
	return change_make(w, c, FORM_PUT, faults, out);
}

enum err webhooks_patch(struct webhooks *w, const struct webhook_change *c, struct faults *faults,
			struct entry **out)
{
	return change_make(w, c, FORM_PATCH, faults, out);
}

/* --- Previewing ---------------------------------------------------------------- */

static enum err preview_base(struct webhooks *w, const struct webhook_change *c,
			     struct webhook *out)
{
	if (c->id.ptr != NULL)
		return stored_read(w, c->organization, c->id, out);
	const int64_t now_us = clock_wall_us();

	*out = (struct webhook){ .organization = c->organization,
				 .name = xstrdup("Preview"),
				 .event_types = xcalloc(1, sizeof(*out->event_types)),
				 .event_type_count = 1,
				 .is_active = true,
				 .created_at_us = now_us,
				 .updated_at_us = now_us,
				 .secret_count = 1 };
	out->event_types[0] = xstrdup("*");
	public_id_fill(out);
	secret_fill(&out->secrets[0], now_us);
	return ERR_OK;
}

/* Deliveries name their target by its row; those of a preview have none yet. */
static void targets_number(struct webhook *w)
{
	for (size_t i = 0; i < w->channel_count; i++) {
		for (size_t n = 0; n < w->channels[i].target_count; n++)
			w->channels[i].targets[n].id = (int64_t)n + 1;
	}
}

enum err webhooks_preview(struct webhooks *w, const struct webhook_change *c, const char *also,
			  struct faults *faults, struct entry **out)
{
	static const struct loc body = { NULL, "body", 0 }, channels = { &body, "channels", 0 };
	struct form form = { .conf = w->conf,
			     .channels = w->channels,
			     .kind = FORM_PATCH,
			     .faults = faults,
			     .also = also };
	struct webhook webhook = { 0 };
	enum err rc = preview_base(w, c, &webhook);

	if (rc == ERR_OK)
		rc = form_read(&form, c->body, &webhook);
	if (rc == ERR_OK && webhook.channel_count == 0) {
		faults_add(faults, &channels, "missing", "Field required");
		rc = ERR_BAD_REQUEST;
	}
	if (rc == ERR_OK) {
		targets_number(&webhook);
		*out = entry_create(w->channels, &webhook);
	}
	webhook_finish(&webhook);
	return rc;
}

enum err webhooks_remove(struct webhooks *w, int64_t organization, struct span id)
{
	enum err rc = ERR_OK;
	int64_t webhook_id = 0;

	pthread_mutex_lock(&w->lock);
	struct entry *entry = registry_find(w->registry, organization, id);

	if (entry != NULL) {
		webhook_id = entry->webhook.id;
		rc = store_webhook_remove(w->store, webhook_id, clock_wall_us());
		if (rc == ERR_NOT_FOUND)
			rc = ERR_OK;
		if (rc == ERR_OK)
			registry_remove(w->registry, organization, webhook_id);
		entry_drop(entry);
	}
	pthread_mutex_unlock(&w->lock);
	if (rc == ERR_OK && webhook_id != 0)
		changed_tell(w, webhook_id);
	return rc;
}

/* --- Secrets ------------------------------------------------------------------ */

/* A new first secret; older ones move down, and those no longer valid leave. */
static void secrets_shift(struct webhook *webhook, int64_t now_us, int64_t overlap_us)
{
	struct signing_secret kept[WEBHOOK_SECRETS_MAX] = { 0 };
	size_t count = 1;

	secret_fill(&kept[0], now_us);
	for (size_t i = 0; i < webhook->secret_count && count < WEBHOOK_SECRETS_MAX; i++) {
		struct signing_secret *old = &webhook->secrets[i];

		if (old->expires_at_us == 0)
			old->expires_at_us = now_us + overlap_us;
		if (old->expires_at_us > now_us)
			kept[count++] = *old;
	}
	memcpy(webhook->secrets, kept, sizeof(kept));
	webhook->secret_count = count;
	crypto_wipe(kept, sizeof(kept));
}

enum err webhooks_secret_rotate(struct webhooks *w, int64_t organization, struct span id,
				struct entry **out)
{
	const int64_t overlap_us = w->conf->events.secret_overlap_ms * 1000;
	struct webhook webhook = { 0 };

	pthread_mutex_lock(&w->lock);
	enum err rc = stored_read(w, organization, id, &webhook);

	if (rc == ERR_OK) {
		secrets_shift(&webhook, clock_wall_us(), overlap_us);
		rc = store_webhook_secrets(w->store, &webhook);
	}
	if (rc == ERR_OK)
		*out = publish(w, &webhook);
	pthread_mutex_unlock(&w->lock);
	webhook_finish(&webhook);
	return rc;
}

void webhooks_reload(struct webhooks *w, int64_t webhook_id)
{
	struct webhook webhook = { 0 };

	pthread_mutex_lock(&w->lock);
	if (store_webhook_read(w->store, webhook_id, &webhook) == ERR_OK)
		registry_put(w->registry, &webhook);
	pthread_mutex_unlock(&w->lock);
	webhook_finish(&webhook);
}

/* --- Listing ------------------------------------------------------------------- */

static bool query_admits(const struct webhook_query *q, const struct webhook *webhook)
{
	if (q->is_active >= 0 && webhook->is_active != (q->is_active != 0))
		return false;
	return q->event_type.ptr == NULL ||
	       webhook_matches(webhook, q->event_type.ptr, q->event_type.len);
}

void webhooks_list(struct webhooks *w, const struct webhook_query *q, struct webhook_page *out)
{
	size_t all_count = 0, skipped = 0;
	struct entry **all = registry_list(w->registry, q->organization, &all_count);
	uint64_t last = 0;

	*out = (struct webhook_page){ .entries = all };
	for (size_t i = 0; i < all_count; i++) {
		struct entry *entry = all[i];
		const bool is_match = query_admits(q, &entry->webhook);
		const bool is_here = is_match && entry->position > q->after_position;

		out->total += is_match;
		if (is_here && skipped < q->offset) {
			skipped++;
		} else if (is_here && out->count < q->limit) {
			last = entry->position;
			all[out->count++] = entry; /* count <= i: what was there has been seen */
			continue;
		} else if (is_here) {
			out->next_position = last;
		}
		entry_drop(entry);
	}
}

void webhook_page_finish(struct webhook_page *p)
{
	for (size_t i = 0; i < p->count; i++)
		entry_drop(p->entries[i]);
	free(p->entries);
	*p = (struct webhook_page){ 0 };
}
