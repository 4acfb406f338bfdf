/* store.h - all that the rest of the program may ask of the store.
 * SPDX-License-Identifier: MIT
 *
 * Writing goes to one writer thread, which commits whatever waits as one
 * transaction. Calls that write wait for that commit unless they say they do
 * not. Reading uses a few pooled read-only connections and sees every commit
 * that returned before. All calls are safe from any thread.
 *
 * Errors of writing calls: ERR_BUSY (another program locks the file),
 * ERR_FULL, ERR_IO (nothing was done, try again later), ERR_STOPPING,
 * ERR_CORRUPT (stop the process). */
#ifndef TOCSIN_STORE_STORE_H
#define TOCSIN_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "model/delivery.h"
#include "model/event.h"
#include "model/organization.h"
#include "model/webhook.h"

struct store;

/* --- Opening ------------------------------------------------------------ */

/* What is removed by itself, oldest first: events with their deliveries, attempts
 * and idempotency keys, once no delivery of theirs is due or held. 0 = no limit. */
struct store_retention {
	int64_t max_age_ms;         /* since acceptance */
	int64_t max_bytes;          /* in use in the file */
	int64_t payload_max_age_ms; /* extra and data of an event go that early */
};

struct store_options {
	const char *path;
	int64_t cache_bytes, busy_timeout_ms;
	unsigned readers, node;
	struct store_retention retention;
};

/* Take the store's lock, create or migrate the file, start the writer.
 * Returns ERR_BUSY when another process holds the lock, ERR_CORRUPT when it is
 * no store or a damaged one, ERR_BAD_REQUEST for a newer schema; why says what
 * to do.
 * Owner  *out is owned; store_close(). */
MUST_CHECK enum err store_open(const struct store_options *options, struct store **out,
			       struct why *why);
/* Commit what waits, stop the writer, close. NULL is fine. */
void store_close(struct store *s);
/* Random bytes made with the store: key of the public ids. 16 bytes. */
const unsigned char *store_id_key(const struct store *s);
/* ERR_OK while commits work; else why the last one failed. For /readyz. */
enum err store_health(struct store *s);

/* --- Organizations and keys --------------------------------------------- */

/* Store; fills id and created_at_us. The public ids are the caller's. */
MUST_CHECK enum err store_organization_add(struct store *s, struct organization *o);
MUST_CHECK enum err store_key_add(struct store *s, struct api_key *k);
/* Sets revoked_at_us; ERR_NOT_FOUND when there is none or it is revoked already. */
MUST_CHECK enum err store_key_revoke(struct store *s, int64_t key_id, int64_t now_us);

/* Called once per row; borrowed. */
typedef void (*store_organization_fn)(void *ctx, const struct organization *o);
typedef void (*store_key_fn)(void *ctx, const struct api_key *k);
MUST_CHECK enum err store_organizations_read(struct store *s, store_organization_fn fn, void *ctx);
MUST_CHECK enum err store_keys_read(struct store *s, store_key_fn fn, void *ctx);

/* --- Webhooks ------------------------------------------------------------ */

/* Store a new webhook with its channels, targets and first secret; fills the ids. */
MUST_CHECK enum err store_webhook_add(struct store *s, struct webhook *w);

/* What happens to waiting or held deliveries with a change of a webhook. */
enum store_waiting {
	STORE_WAITING_KEEP = 0,
	STORE_WAITING_HOLD,    /* due becomes held */
	STORE_WAITING_RELEASE, /* held becomes due now */
	STORE_WAITING_CANCEL,  /* due and held become cancelled */
	STORE_HELD_CANCEL,     /* held becomes cancelled */
};

/* Replace the stored webhook by w (same id). Channels and targets of the
 * stored one that w no longer has are removed and what waits for them is
 * cancelled; those with id 0 are new and get one. `waiting` applies to all
 * channels that stay. Deliveries are moved in slices after the commit that
 * carries the change, and go on after a restart. */
MUST_CHECK enum err store_webhook_replace(struct store *s, struct webhook *w,
					  enum store_waiting waiting);
/* Remove; what waits is cancelled. Its deliveries stay readable. */
MUST_CHECK enum err store_webhook_remove(struct store *s, int64_t webhook_id, int64_t now_us);
/* Replace all secrets of w. */
MUST_CHECK enum err store_webhook_secrets(struct store *s, const struct webhook *w);

typedef void (*store_webhook_fn)(void *ctx,
				 struct webhook *w); /* w is the callee's to take (zero it) */
/* All that are not removed, in order of creation. */
MUST_CHECK enum err store_webhooks_read(struct store *s, store_webhook_fn fn, void *ctx);
/* One; ERR_NOT_FOUND when removed. Owner: out, webhook_finish(). */
MUST_CHECK enum err store_webhook_read(struct store *s, int64_t webhook_id, struct webhook *out);
/* Row of a public id, also of a removed one, for lists of what it was sent; 0 in
 * *out_id when this organization never had it. */
MUST_CHECK enum err store_webhook_find(struct store *s, int64_t organization, struct span public_id,
				       int64_t *out_id);
/* last_error of some webhooks, in the order of ids. */
MUST_CHECK enum err store_webhook_errors_read(struct store *s, const int64_t *webhook_ids,
					      size_t count, struct webhook_error *out);

/* --- Accepting events ---------------------------------------------------- */

struct accept_target {
	int64_t destination, target;
	int64_t delivery_id;       /* out: 0 = not made, its channel went away meanwhile */
	enum delivery_state state; /* out: DELIVERY_DUE, or DELIVERY_HELD */
};

struct accept_event {
	struct span type, source_id, extra, data; /* as in struct event */
	int64_t occurred_at_us;                   /* 0 = moment of acceptance */
	unsigned flags;                           /* EVENT_IS_… */
	unsigned char fingerprint[16];            /* compared when source_id is known already */
	struct accept_target *targets;            /* caller's */
	size_t target_count;
	/* out: */
	int64_t event_id, accepted_at_ms;
	unsigned deliveries; /* made for it, now or when it was first accepted */
	bool duplicate;
};

struct accept {
	int64_t organization;
	struct span idempotency_key;   /* ptr NULL: none; covers all events */
	unsigned char fingerprint[16]; /* of the request, for the key */
	struct accept_event *events;
	size_t event_count;
	size_t conflict_index; /* out with ERR_CONFLICT: which event; SIZE_MAX = the key itself */
	bool duplicate;        /* out: the key was known; all events are from then */
};

/* All or nothing, on disk when it returns. A known source_id with the same
 * fingerprint is a duplicate; with another it is ERR_CONFLICT. Within one
 * accept the same holds between its events. */
MUST_CHECK enum err store_accept(struct store *s, struct accept *a);
/* The same without waiting: done() is called on the writer thread with what
 * store_accept() would have returned. a and all in it stay untouched until then.
 * done() must not call the store. */
void store_accept_begin(struct store *s, struct accept *a, void (*done)(void *ctx, enum err rc),
			void *ctx);

/* --- The queue and its results ------------------------------------------- */

/* One delivery to send. */
struct work {
	int64_t delivery_id, destination, target;
	int64_t due_ms;      /* its key in the queue */
	unsigned attempts;   /* finished so far */
	struct event *event; /* one reference; event_drop() */
};

struct store_want {
	int64_t destination;
	unsigned room; /* at most so many */
	/* out: */
	int64_t next_due_ms; /* of the first one not taken; INT64_MAX = none */
	unsigned taken;
};

/* Read due work of some destinations, oldest due first, appended to work[]
 * (room for the sum of all room). Nothing is marked: the caller remembers what
 * it has. Blocking; not for the delivery loop.
 * payload_max_bytes bounds the sum of event sizes read (at least one is). */
struct store_work_query {
	int64_t now_ms;
	size_t payload_max_bytes;
	struct store_want *wants;
	size_t want_count;
};
MUST_CHECK enum err store_work_read(struct store *s, const struct store_work_query *q,
				    struct work *work, size_t *out_count);

typedef void (*store_destination_fn)(void *ctx, int64_t destination, int64_t first_due_ms);
/* Destinations with anything in the queue, for start-up. */
MUST_CHECK enum err store_queue_read(struct store *s, store_destination_fn fn, void *ctx);

/* How one delivery's attempt ended. */
struct settle {
	int64_t delivery_id, destination, due_ms; /* as in struct work */
	enum delivery_state state;                /* DELIVERED, FAILED, or DUE for another try */
	int64_t next_due_ms;                      /* DUE only */
	unsigned attempts;                        /* finished before this one */
	struct attempt attempt; /* number 0: no attempt was made (expired in the queue) */
	bool disable_channel;   /* with attempt.reason as the reason */
	char *excerpt;          /* of the reply, valid UTF-8; owned; NULL = none */
	const char
		*event_text_id; /* for last_error: the event's id as the API shows it; borrowed with
	                               the batch's ctx */
	/* out: */
	bool channel_disabled; /* this settle did it */
};

struct settle_batch {
	struct settle_batch *next; /* the store's until done */
	struct settle *items;      /* caller's; unchanged until done() returns */
	size_t count;
	/* Called on the writer thread after the commit, or with the error when
	 * nothing of the batch was stored. Must not call the store. */
	void (*done)(struct settle_batch *b, enum err rc);
	void *ctx;
};

/* Queue a batch for the next commit. Never blocks. Always ends in done(). */
void store_settle(struct store *s, struct settle_batch *b);

/* Told on the writer thread when deliveries of a destination became due again
 * in the store (held ones were released). Set before the engine starts; must
 * not call the store. */
void store_watch(struct store *s, void (*released)(void *ctx, int64_t destination), void *ctx);

/* --- Reading for people -------------------------------------------------- */

struct event_row {
	struct event *event; /* owned; event_drop() */
	unsigned deliveries;
};
/* ERR_NOT_FOUND also when it belongs to another organization. */
MUST_CHECK enum err store_event_read(struct store *s, int64_t organization, int64_t event_id,
				     struct event_row *out);
/* Event id of a producer's own id; 0 in *out_id when unknown. */
MUST_CHECK enum err store_event_find(struct store *s, int64_t organization, struct span source_id,
				     int64_t *out_id);

struct delivery_row {
	int64_t id, event_id, organization;
	char *event_type, *source_id; /* owned; source_id may be NULL */
	char webhook_id[WEBHOOK_ID_BYTES];
	char *channel, *target,
		*configs; /* owned; target NULL: see configs (the channel's stored ones) */
	enum delivery_state state;
	unsigned attempts;
	int64_t next_attempt_at_ms; /* 0 = none planned */
	int64_t done_at_ms;         /* 0 = not final */
	struct attempt last;        /* number 0: none yet */
};
void delivery_row_finish(struct delivery_row *d);

struct delivery_query {
	int64_t organization;
	int64_t event_id;          /* 0 = any */
	int64_t webhook_id;        /* row; 0 = any */
	enum delivery_state state; /* UNSET = any */
	int64_t before;            /* cursor: only older than this delivery; 0 = from the newest */
	size_t limit;
};
/* Newest first. At most 2,000 rows are looked at: when a filter leaves the page
 * short, *out_next says where to go on (0 = the end was reached).
 * Owner  rows[0..*out_count) are owned, each. */
MUST_CHECK enum err store_deliveries_read(struct store *s, const struct delivery_query *q,
					  struct delivery_row *rows, size_t *out_count,
					  int64_t *out_next);
MUST_CHECK enum err store_delivery_read(struct store *s, int64_t organization, int64_t delivery_id,
					struct delivery_row *out);

struct attempt_row {
	struct attempt attempt;
	char *excerpt; /* owned; NULL = none kept */
};
/* All attempts, first to last. Owner  *out is owned: each excerpt, then the array. */
MUST_CHECK enum err store_attempts_read(struct store *s, int64_t delivery_id,
					struct attempt_row **out, size_t *out_count);

/* --- Backup ------------------------------------------------------------------ */

enum store_file { STORE_FILE_NEW, STORE_FILE_REPLACE /* one that is there */ };

/* Begin to copy the store, as it is when the copy ends, into a file at path that
 * only we may read; other calls go on. It has another name until it is complete.
 * Returns ERR_BUSY (one is being made), ERR_CONFLICT (path is there already),
 * ERR_BAD_REQUEST, ERR_DENIED, ERR_IO; with why. */
MUST_CHECK enum err store_backup_begin(struct store *s, const char *path, enum store_file target,
				       struct why *why);
struct store_backup_progress {
	int64_t pages, pages_left; /* 0 until the first step */
};
/* Wait for it: ERR_OK: it is on disk; ERR_BUSY: not yet, ask again (one that is not
 * asked about for 5 s may be given up); else it failed and is gone, with why. */
MUST_CHECK enum err store_backup_wait(struct store *s, int64_t wait_ms,
				      struct store_backup_progress *out, struct why *why);

struct store_restored {
	char *aside;       /* owned: the former store's new name; NULL: there was none */
	int64_t newest_ms; /* the newest event of the backup; 0 = it has none */
};
/* Put a checked copy of a backup, open for reading, in the place of the store at path.
 * Returns ERR_BUSY while a process has that store, ERR_CORRUPT or ERR_BAD_REQUEST
 * for what is no backup of ours, ERR_IO; with why. Until it returns ERR_OK the old
 * store is in its place. */
MUST_CHECK enum err store_restore(const char *path, int from, struct store_restored *out,
				  struct why *why);

/* --- Checking ----------------------------------------------------------------- */

/* What a fault was found in; id is its row's. */
enum audit_kind {
	AUDIT_ORGANIZATION = 1,
	AUDIT_WEBHOOK,
	AUDIT_CHANNEL, /* and its destination */
	AUDIT_TARGET,
	AUDIT_EVENT,
	AUDIT_DELIVERY,
	AUDIT_OTHER, /* a row of another table */
};
struct audit_fault {
	enum audit_kind kind;
	int64_t id;
	const char *what; /* "a delivery has an unknown state"; borrowed */
};
typedef void (*store_fault_fn)(void *ctx, const struct audit_fault *f);

/* Check by scanning everything, within one snapshot, that per destination created =
 * due + held + delivered + failed + cancelled + removed by retention, and that
 * events, deliveries, attempts, chains, marks, queue, rare states, targets and
 * keys fit together. fn is told each fault; ERR_CORRUPT when there was any. */
MUST_CHECK enum err store_audit(struct store *s, store_fault_fn fn, void *ctx);

#endif
