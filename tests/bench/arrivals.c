/* arrivals.c - which events arrived where, how often and how late.
 * Not here: connections and control requests (sink.c).
 * The sink's only thread.
 * SPDX-License-Identifier: MIT */
#include "arrivals.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void arrivals_finish(struct arrivals *a)
{
	for (unsigned i = 0; i < a->path_count; i++)
		free(a->paths[i].seen);
	a->path_count = 0;
}

void arrivals_reset(struct arrivals *a, int64_t run)
{
	arrivals_finish(a);
	memset(a, 0, sizeof(*a));
	a->run = run;
}

static struct arrival_path *path_get(struct arrivals *a, const char *name, size_t len)
{
	if (len >= ARRIVAL_PATH_BYTES)
		len = ARRIVAL_PATH_BYTES - 1;
	for (unsigned i = 0; i < a->path_count; i++) {
		struct arrival_path *p = &a->paths[i];
		if (memcmp(p->name, name, len) == 0 && p->name[len] == '\0')
			return p;
	}
	if (a->path_count == ARRIVAL_PATHS_MAX)
		return NULL;
	struct arrival_path *p = &a->paths[a->path_count++];
	memset(p, 0, sizeof(*p));
	memcpy(p->name, name, len);
	return p;
}

static int path_grow(struct arrival_path *p, size_t bytes)
{
	size_t size = p->seen_bytes < 65536 ? 65536 : p->seen_bytes;

	while (size < bytes)
		size *= 2;
	uint8_t *seen = realloc(p->seen, size);
	if (seen == NULL)
		return -1;
	memset(seen + p->seen_bytes, 0, size - p->seen_bytes);
	p->seen = seen;
	p->seen_bytes = size;
	return 0;
}

void arrivals_add(struct arrivals *a, const char *path, size_t path_len,
		  const struct event_stamp *stamp, int64_t now_us)
{
	if (stamp->run != a->run) {
		a->stale++;
		return;
	}
	struct arrival_path *p = path_get(a, path, path_len);
	const size_t at = (size_t)stamp->seq / 8;
	const uint8_t bit = (uint8_t)(1u << (stamp->seq % 8));
	if (p == NULL || stamp->seq >= ARRIVAL_SEQ_MAX ||
	    (at >= p->seen_bytes && path_grow(p, at + 1) != 0)) {
		a->unreadable++;
		return;
	}
	if (p->seen[at] & bit) {
		a->duplicated++;
		return;
	}
	p->seen[at] |= bit;
	p->distinct++;
	a->distinct++;
	if (a->first_us == 0)
		a->first_us = now_us;
	a->last_us = now_us;
	tally_add(&a->late, now_us - stamp->sent_us);
}

size_t arrivals_format(const struct arrivals *a, int64_t expected, char *out, size_t size)
{
	const int64_t span_us = a->last_us - a->first_us;
	const double per_s = span_us > 0 ? (double)a->distinct * 1e6 / (double)span_us : 0;
	char lost[48] = "";

	if (expected >= 0) {
		const int64_t missing = expected - (int64_t)a->distinct;
		snprintf(lost, sizeof(lost), "\"lost\":%" PRId64 ",", missing > 0 ? missing : 0);
	}
	const int len = snprintf(
		out, size,
		"{\"run\":%" PRId64 ",\"distinct\":%" PRIu64 ",%s\"duplicated\":%" PRIu64
		",\"stale\":%" PRIu64 ",\"unreadable\":%" PRIu64
		",\"paths\":%u,\"first_us\":%" PRId64 ",\"last_us\":%" PRId64
		",\"delivered_per_s\":%.0f,\"p50_us\":%" PRId64 ",\"p99_us\":%" PRId64
		",\"max_us\":%" PRId64 "}\n",
		a->run, a->distinct, lost, a->duplicated, a->stale, a->unreadable, a->path_count,
		a->first_us, a->last_us, per_s, tally_quantile(&a->late, 500),
		tally_quantile(&a->late, 990), a->late.max_us);
	return len < 0 ? 0 : (size_t)len < size ? (size_t)len : size - 1;
}
