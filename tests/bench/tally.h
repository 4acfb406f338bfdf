/* tally.h - moments, CPU time and a latency histogram for the bench programs.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_BENCH_TALLY_H
#define TOCSIN_BENCH_TALLY_H

#include <stdint.h>

/* 64 slots an octave (1.6 % wide) up to 2^40 us: twelve days. */
enum { TALLY_SLOTS = 36 * 64 };

/* A zeroed struct is an empty tally. */
struct tally {
	uint64_t count;
	int64_t max_us;
	uint32_t slots[TALLY_SLOTS];
};

/* Below 0 counts as 0. */
void tally_add(struct tally *t, int64_t us);
/* The value below which per_mille of all values lie; 0 when empty. */
int64_t tally_quantile(const struct tally *t, unsigned per_mille);

/* CLOCK_MONOTONIC: on one machine the same in every process, which is what
 * lets the sink subtract a moment the load generator wrote. */
int64_t tally_now_us(void);
/* CPU time this process has used. */
int64_t tally_cpu_us(void);

#endif
