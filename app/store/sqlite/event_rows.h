/* event_rows.h - reading event rows, for work and for people.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_STORE_SQLITE_EVENT_ROWS_H
#define TOCSIN_STORE_SQLITE_EVENT_ROWS_H

#include "store/sqlite/db.h"
#include "store/store.h"

/* The event of a delivery: the greatest event id not above it. Owner: *out,
 * event_drop(). fanout: next free delivery number; may be NULL. */
MUST_CHECK enum err event_row_at(struct db *db, int64_t id, struct event **out, unsigned *out_made,
				 int64_t *out_fanout);
/* The row with exactly this id. */
MUST_CHECK enum err event_row_get(struct db *db, int64_t id, struct event **out, unsigned *out_made,
				  int64_t *out_fanout);

#endif
