/* pace.c - a table of moments before which nothing may be sent.
 * SPDX-License-Identifier: MIT
 * One row per target (or channel) that was sent to within its interval; rows
 * that have passed are dropped when the table is looked over. Pure. */
#include "delivery/pace.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { BUCKETS = 1024 /* a power of two */, ROWS_LOOKED_OVER = 4096, LATE_US = 10000 };

struct row {
	struct row *next;
	const struct channel *channel;
	int64_t free_us; /* from then on another may go */
	char target[];   /* "" for the channel as a whole */
};

struct pace {
	struct row *buckets[BUCKETS];
	size_t count;
};

struct pace *pace_create(void)
{
	return xcalloc(1, sizeof(struct pace));
}

static void rows_drop(struct pace *p, int64_t until_us)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		struct row **link = &p->buckets[i];

		while (*link != NULL) {
			struct row *row = *link;

			if (row->free_us > until_us) {
				link = &row->next;
				continue;
			}
			*link = row->next;
			free(row);
			p->count--;
		}
	}
}

void pace_destroy(struct pace *p)
{
	if (p == NULL)
		return;
	rows_drop(p, INT64_MAX);
	free(p);
}

/* FNV-1a; tenants gain nothing from collisions but slower messages of their own. */
static size_t bucket_of(const struct channel *c, const char *target)
{
	uint64_t h = UINT64_C(14695981039346656037) ^ (uint64_t)(uintptr_t)c;

	for (; *target != '\0'; target++)
		h = (h ^ (unsigned char)*target) * UINT64_C(1099511628211);
	return (size_t)(h >> 32) & (BUCKETS - 1);
}

static struct row *row_get(struct pace *p, const struct channel *c, const char *target)
{
	struct row **head = &p->buckets[bucket_of(c, target)];

	for (struct row *row = *head; row != NULL; row = row->next) {
		if (row->channel == c && strcmp(row->target, target) == 0)
			return row;
	}
	const size_t bytes = strlen(target) + 1;
	struct row *row = xcalloc(1, sizeof(*row) + bytes);

	row->channel = c;
	memcpy(row->target, target, bytes);
	row->next = *head;
	*head = row;
	p->count++;
	return row;
}

/* A turn that comes a little late does not push back the ones behind it. */
static void row_take(struct row *row, double rate, int64_t now_us)
{
	const int64_t pause_us = (int64_t)(1e6 / rate);
	const int64_t late_us = pause_us < LATE_US ? pause_us : LATE_US;

	if (row->free_us < now_us - late_us)
		row->free_us = now_us - late_us;
	row->free_us += pause_us;
}

int64_t pace_take(struct pace *p, const struct channel *c, const char *target, int64_t now_ms)
{
	const int64_t now_us = now_ms * 1000;
	struct row *of_channel = NULL, *of_target = NULL;
	int64_t free_us = 0;

	if (c->target_rate <= 0 && c->channel_rate <= 0)
		return 0;
	if (p->count > ROWS_LOOKED_OVER)
		rows_drop(p, now_us);
	if (c->channel_rate > 0) {
		of_channel = row_get(p, c, "");
		free_us = of_channel->free_us;
	}
	if (c->target_rate > 0 && target != NULL) {
		of_target = row_get(p, c, target);
		if (of_target->free_us > free_us)
			free_us = of_target->free_us;
	}
	if (free_us > now_us)
		return (free_us + 999) / 1000;
	if (of_channel != NULL)
		row_take(of_channel, c->channel_rate, now_us);
	if (of_target != NULL)
		row_take(of_target, c->target_rate, now_us);
	return 0;
}
