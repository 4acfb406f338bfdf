/* writer.h - group commit: one thread runs whatever waits as one transaction.
 * SPDX-License-Identifier: MIT
 * Knows units and when to commit; what a unit does and how a transaction is
 * made is the driver's (sqlite/). */
#ifndef TOCSIN_STORE_WRITER_H
#define TOCSIN_STORE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct writer;

/* One caller's share of a transaction. */
struct unit {
	struct unit *next; /* the writer's */
	/* Do the work inside the open transaction. On failure the unit's changes
	 * are undone, the neighbours' stay. Writer thread. */
	enum err (*run)(void *driver, struct unit *u);
	/* After the commit only: changes to the driver's memory. May be NULL. */
	void (*committed)(void *driver, struct unit *u);
	/* Last call for this unit, with u->rc; the unit may be gone after it.
	 * Must not submit and wait. */
	void (*finished)(struct unit *u);
	size_t weight; /* changes it makes, roughly */
	bool is_lazy;  /* nobody waits: rides with others, alone after a few ms */
	enum err rc;
};

struct writer_driver {
	void *ctx; /* first argument of all below and of run, committed */
	enum err (*begin)(void *ctx);
	enum err (*commit)(void *ctx); /* on failure: rolled back */
	void (*rollback)(void *ctx);
	enum err (*unit_begin)(void *ctx); /* a savepoint */
	enum err (*unit_keep)(void *ctx);
	void (*unit_undo)(void *ctx);
	uint64_t (*changes)(void *ctx); /* rows changed so far; to see if a unit wrote */
	/* A commit failed: make the connection and its memory good again. */
	enum err (*recover)(void *ctx);
	/* How long background work may wait for somebody else's commit to ride with:
	 * 0 = not at all; INT64_MAX = there is none. */
	int64_t (*slice_wait_ms)(void *ctx);
	/* A piece of it for the next commit, which without it has this weight (0:
	 * nobody else commits); NULL: not now, or there is none. */
	struct unit *(*slice)(void *ctx, size_t weight);
	/* After each commit; is_idle: nobody waits. */
	void (*settled)(void *ctx, bool is_idle);
};

/* driver: copied. Starts the thread. Owner: writer_destroy(). */
struct writer *writer_create(const struct writer_driver *driver);
/* Commit what waits, join. Later submits finish with ERR_STOPPING. */
void writer_stop(struct writer *w);
void writer_destroy(struct writer *w);

/* Queue; never blocks. u->run, finished, weight, is_lazy are set. */
void writer_submit(struct writer *w, struct unit *u);
/* Queue and wait until finished; u->finished is set here. Returns u->rc. */
MUST_CHECK enum err writer_run(struct writer *w, struct unit *u);
/* Outcome of the last transaction. */
enum err writer_health(struct writer *w);

#endif
