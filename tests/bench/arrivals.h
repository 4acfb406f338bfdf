/* arrivals.h - which events arrived where, how often and how late.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_BENCH_ARRIVALS_H
#define TOCSIN_BENCH_ARRIVALS_H

#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "tally.h"

enum { ARRIVAL_PATHS_MAX = 1024, ARRIVAL_PATH_BYTES = 96 };
#define ARRIVAL_SEQ_MAX 50000000 /* one bit each, per path */

struct arrival_path {
	char name[ARRIVAL_PATH_BYTES];
	uint8_t *seen; /* bit per sequence number */
	size_t seen_bytes;
	uint64_t distinct;
};

/* A zeroed struct is empty and counts run 0. */
struct arrivals {
	int64_t run; /* events stamped with another run are only counted */
	uint64_t distinct, duplicated, stale, unreadable;
	int64_t first_us, last_us; /* CLOCK_MONOTONIC; 0 before the first */
	struct tally late;         /* sent_us to first arrival */
	struct arrival_path paths[ARRIVAL_PATHS_MAX];
	unsigned path_count;
};

/* Forget everything and count this run from now on. */
void arrivals_reset(struct arrivals *a, int64_t run);
void arrivals_finish(struct arrivals *a);
/* Count one request. */
void arrivals_add(struct arrivals *a, const char *path, size_t path_len,
		  const struct event_stamp *stamp, int64_t now_us);
/* One flat JSON object into out; lost is expected less distinct, never below
 * 0, and absent when expected is below 0. Returns its length. */
size_t arrivals_format(const struct arrivals *a, int64_t expected, char *out, size_t size);

#endif
