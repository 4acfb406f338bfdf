/* tally.c - moments, CPU time and a latency histogram for the bench programs.
 * Not here: what is measured and how it is printed.
 * Any thread; a tally belongs to one thread at a time.
 * SPDX-License-Identifier: MIT */
#include "tally.h"

#include <time.h>

static unsigned slot_of(uint64_t us)
{
	if (us < 64)
		return (unsigned)us;
	const unsigned octave = 63u - (unsigned)__builtin_clzll(us) - 6u;
	const unsigned slot = octave * 64u + (unsigned)(us >> octave);
	return slot < TALLY_SLOTS ? slot : TALLY_SLOTS - 1;
}

static int64_t slot_middle(unsigned slot)
{
	if (slot < 128)
		return slot;
	const unsigned octave = slot / 64u - 1u;
	const int64_t low = (int64_t)(slot - octave * 64u) << octave;
	return low + ((int64_t)1 << octave) / 2;
}

void tally_add(struct tally *t, int64_t us)
{
	if (us < 0)
		us = 0;
	if (us > t->max_us)
		t->max_us = us;
	t->count++;
	t->slots[slot_of((uint64_t)us)]++;
}

int64_t tally_quantile(const struct tally *t, unsigned per_mille)
{
	uint64_t seen = 0;
	const uint64_t wanted = (t->count * per_mille + 999) / 1000;

	if (t->count == 0)
		return 0;
	for (unsigned i = 0; i < TALLY_SLOTS; i++) {
		seen += t->slots[i];
		if (seen >= wanted && seen > 0)
			return slot_middle(i) < t->max_us ? slot_middle(i) : t->max_us;
	}
	return t->max_us;
}

static int64_t clock_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t tally_now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

int64_t tally_cpu_us(void)
{
	return clock_us(CLOCK_PROCESS_CPUTIME_ID);
}
