/* state.h - what one open SQLite store is made of.
 * SPDX-License-Identifier: MIT
 * Shared by the files of this folder only. Members up to `sweeps` belong to the
 * writer thread once it runs. */
#ifndef TOCSIN_STORE_SQLITE_STATE_H
#define TOCSIN_STORE_SQLITE_STATE_H

#include "base/pubid.h"
#include "store/sqlite/db.h"
#include "store/sqlite/heads.h"
#include "store/sqlite/readers.h"
#include "store/sqlite/retention_state.h"
#include "store/store.h"
#include "store/writer.h"

/* Move the deliveries of one destination, a slice a commit. Numbers are stored. */
enum sweep_action {
	SWEEP_HOLD = 1,      /* due becomes held */
	SWEEP_RELEASE = 2,   /* held becomes due */
	SWEEP_CANCEL = 3,    /* due, then held, become cancelled */
	SWEEP_DROP_HELD = 4, /* held becomes cancelled */
};

struct backup;

struct sweep {
	struct sweep *next;
	int64_t id, destination;
	int64_t target; /* 0 = all */
	int64_t before; /* takes deliveries with smaller ids only: those of its time */
	enum sweep_action action;
	int64_t at_due, at_delivery; /* where to go on; not stored: done rows are gone */
	bool is_second_half;         /* SWEEP_CANCEL: through with what was due */
};

struct store {
	struct db db;
	struct heads *heads;
	int checkpointed_pages; /* of the log, at the last checkpoint */
	size_t unit_place;      /* of the undo log, where the unit under way began */
	struct sweep *sweeps;   /* oldest first */
	struct retention retention;
	struct backup *backup;
	struct store_options options;
	char *path;
	struct writer *writer;
	struct readers *readers;
	int lock_fd;
	unsigned char id_key[PUBID_KEY_BYTES];
	void (*released)(void *ctx, int64_t destination);
	void *released_ctx;
};

/* A unit with its arguments: the functions of this folder put their own struct
 * around it. Shorthand for running one and waiting. */
MUST_CHECK enum err store_run(struct store *s, struct unit *u,
			      enum err (*run)(void *driver, struct unit *u));

/* sweeps.c */
MUST_CHECK enum err sweeps_load(struct store *s);
void sweeps_finish(struct store *s);
/* In a transaction: note it in the table; sweep_begin() after the commit. */
MUST_CHECK enum err sweep_add(struct store *s, int64_t destination, int64_t target,
			      enum sweep_action action, struct sweep **out);
void sweep_begin(struct store *s, struct sweep *sweep); /* taken */
struct unit *sweeps_slice(struct store *s);
/* One delivery from one waiting or final state to another, with its queue or
 * rare row and the counts. due_ms: the queue key, old when leaving DUE, new
 * when entering. ERR_NOT_FOUND when it is not in `from` any more. */
struct delivery_change {
	int64_t id;
	enum delivery_state from, to;
	int64_t due_ms;
	const char *reason; /* NULL keeps the old one */
};
MUST_CHECK enum err delivery_move(struct store *s, struct head *head,
				  const struct delivery_change *c);

/* seen.c: idempotency. */
enum seen_kind { SEEN_EVENT_ID = 1, SEEN_KEY = 2 };
struct seen {
	int64_t event;
	unsigned char fingerprint[16];
	int64_t *events; /* owned; NULL unless a batch with a key */
	size_t event_count;
};
/* ERR_NOT_FOUND when it was never seen. Owner: out->events, free(). */
MUST_CHECK enum err seen_find(const struct store *s, struct db *db, int64_t organization,
			      enum seen_kind kind, struct span key, struct seen *out);
/* ERR_NOT_FOUND: retention removed all its events, the row means nothing. */
MUST_CHECK enum err seen_is_kept(struct db *db, const struct seen *what);
MUST_CHECK enum err seen_add(const struct store *s, struct db *db, int64_t organization,
			     enum seen_kind kind, struct span key, const struct seen *what);

/* marks: the first id of a chain in an hour. */
MUST_CHECK enum err mark_note(struct db *db, int64_t chain, int64_t *last_hour, int64_t id);

#endif
