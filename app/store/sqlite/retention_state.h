/* retention_state.h - removing what is old, a slice at a time.
 * SPDX-License-Identifier: MIT
 * Writer thread only (store_open loads it before that thread starts). */
#ifndef TOCSIN_STORE_SQLITE_RETENTION_STATE_H
#define TOCSIN_STORE_SQLITE_RETENTION_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct store;
struct unit;

/* What a pass does, in this order. */
enum retention_stage {
	RETENTION_REST = 0,
	RETENTION_EVENTS,   /* whole events below the cutoff */
	RETENTION_PAYLOADS, /* payloads below theirs */
	RETENTION_LATE,     /* full passes: payloads that were not ready to go */
	RETENTION_SEEN,     /* full passes: idempotency keys without an event */
	RETENTION_MARKS,    /* full passes: hours below the floor */
	RETENTION_SPACE,    /* free pages go back to the disk */
};

/* Where it stands. A slice works on a copy, which is kept when its commit is. */
struct retention_place {
	enum retention_stage stage;
	bool is_full; /* looks again at what earlier passes skipped */
	bool is_over; /* the store was larger than it may be when the events ended */
	int64_t cutoff, payload_cutoff; /* ids of this pass: older ones may go */
	int64_t event, delivery;        /* EVENTS: from here on */
	int64_t late, hash, chain;      /* LATE, SEEN, MARKS: from here on */
	int64_t floor, payload_floor;   /* as in meta.h */
};

struct retention {
	struct retention_place place;
	int64_t next_mono_ms, next_full_mono_ms;
	int64_t credit;                       /* ids that may be looked at now */
	int64_t credit_mono_ms, busy_mono_ms; /* when it last grew; when others last wrote */
};

MUST_CHECK enum err retention_load(struct store *s);
/* As slice_wait_ms and slice of struct writer_driver. */
int64_t retention_wait_ms(struct store *s, int64_t now_mono_ms);
struct unit *retention_slice(struct store *s, size_t weight);

/* removal.c: what a slice does in each stage. */
struct removal {
	struct retention_place *place;
	int64_t budget; /* ids, rows or pages; a stage ends its slice at 0 */
	int64_t removed_events, removed_deliveries, emptied;
	bool is_over; /* the store is larger than it may be */
};
/* Until the budget is used up or the stage ends; then place->stage is the next one. */
MUST_CHECK enum err removal_run(struct store *s, struct removal *r);
/* Bytes of the file in use, and pages that are free. */
MUST_CHECK enum err removal_space(struct store *s, int64_t *out_bytes, int64_t *out_pages,
				  int64_t *out_free_pages);

#endif
