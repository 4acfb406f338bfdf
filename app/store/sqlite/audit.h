/* audit.h - what the parts of the audit share.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_STORE_SQLITE_AUDIT_H
#define TOCSIN_STORE_SQLITE_AUDIT_H

#include <stdbool.h>

#include "store/sqlite/db.h"
#include "store/store.h"

enum { AUDIT_ROWS = 1000 };

/* Which rows: equal bags have equal count and sum. */
struct bag {
	int64_t count;
	uint64_t sum;
};
void bag_add(struct bag *b, int64_t id);
bool bag_equal(const struct bag *a, const struct bag *b);

/* The hours in which a chain has something, and where they begin. */
struct hours {
	int64_t last;
	struct bag found, listed;
};

/* One destination: what its row says, and what was found. */
struct tally {
	bool is_known;
	int64_t organization;
	int64_t stored[DELIVERY_STATES]; /* [0]: created */
	int64_t stored_last, removed, created, last;
	struct bag found[DELIVERY_STATES], listed[DELIVERY_STATES];
	struct hours hours;
};

/* One organization's events. */
struct chain {
	bool is_known;
	int64_t stored_last, stored_events, removed, last, events;
	struct hours hours;
};

struct audit {
	struct db *db;
	store_fault_fn tell;
	void *ctx;
	size_t faults;
	int64_t floor;         /* of retention: below it things may be missing */
	struct tally *tallies; /* by destination row */
	size_t tally_size;
	struct chain *chains; /* by organization row */
	size_t chain_size;
	int64_t *targets; /* a target's channel, by row */
	size_t target_size;
	/* The greatest event so far: its range, organization, deliveries. */
	int64_t event, event_end, event_organization, event_found;
	/* The one after it; 0 = there is none. */
	int64_t next_event, next_fanout, next_organization;
	sqlite3_stmt *events;
};

void audit_fault(struct audit *a, enum audit_kind kind, int64_t id, const char *what);
/* NULL: no such row, so a damaged number makes no large array. */
struct tally *audit_tally(struct audit *a, int64_t destination);
struct chain *audit_chain(struct audit *a, int64_t organization);
/* Room for row id in a dense array; only for ids of our own small tables. */
void *audit_room(void *items, size_t *size, int64_t id, size_t bytes);
/* A row of a chain was found: its hour should have a mark. */
void hours_note(const struct audit *a, struct hours *h, int64_t id);

/* audit_rows.c: all but events, deliveries and their lists. */
MUST_CHECK enum err audit_targets_read(struct audit *a);
MUST_CHECK enum err audit_rows(struct audit *a);

#endif
