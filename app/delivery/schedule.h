/* schedule.h - whose turn it is. Pure: time is a parameter.
 * SPDX-License-Identifier: MIT
 * A destination (one channel of one webhook) has a line of deliveries, a window
 * of attempts at once and a moment before which it rests. Organizations take
 * turns, and the destinations of each take turns, so nobody waits for a dead
 * receiver but its own deliveries. One thread. */
#ifndef TOCSIN_DELIVERY_SCHEDULE_H
#define TOCSIN_DELIVERY_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

struct line; /* one organization's ready destinations */

/* One delivery in memory. */
struct item {
	struct item *next;       /* in its destination's line */
	struct item *known_next; /* in the engine's table of known ids */
	struct work work;
	size_t bytes;    /* its share of the memory bound */
	bool is_settled; /* committed while its destination was being read */
};

struct destination {
	int64_t id, webhook; /* webhook 0: not looked up yet */
	struct line *line;
	struct destination *next; /* in its line */
	struct item *first, **last;
	unsigned queued, in_flight;
	unsigned in_memory;       /* queued, in flight, or settled and not on disk yet */
	unsigned window, trouble; /* trouble: rounds of failures in a row */
	unsigned failures;        /* attempts that failed since the last that did not */
	int64_t trouble_at_ms;    /* attempts begun before this count no further */
	int64_t rest_until_ms;
	int64_t next_due_ms; /* earliest in the store and not in memory; INT64_MAX = none */
	bool is_ready;       /* stands in its line */
	bool is_reading;     /* the store is being asked */
	int64_t wake_ms;     /* key in the heap */
	size_t heap_at;      /* 0 = not in it */
};

struct schedule_rules {
	unsigned window_start, window_max, queue_max;
	int64_t rest_max_ms;
};

struct schedule;

struct schedule *schedule_create(const struct schedule_rules *rules);
/* Frees destinations and the items still in line (their events too). */
void schedule_destroy(struct schedule *s);

/* Found or made. organization 0: not known yet; nothing may be pushed then. */
struct destination *schedule_destination(struct schedule *s, int64_t id, int64_t organization);
/* NULL: never seen. */
struct destination *schedule_find(struct schedule *s, int64_t id);
/* Call fn for every destination. */
void schedule_each(struct schedule *s, void (*fn)(void *ctx, struct destination *d), void *ctx);

/* How many deliveries of d may be in memory: queue_max, or, while memory is
 * tight, about what its window sends next. So many dead receivers together
 * cannot fill the memory that the live ones need. */
unsigned schedule_limit(const struct schedule *s, const struct destination *d);
enum schedule_memory { MEMORY_ROOMY, MEMORY_TIGHT };
void schedule_memory_set(struct schedule *s, enum schedule_memory memory);

/* Put at the end of its line. */
void schedule_push(struct schedule *s, struct destination *d, struct item *item, int64_t now_ms);
/* Put back at the front (its turn came, but it cannot be sent now). */
void schedule_unpop(struct schedule *s, struct destination *d, struct item *item, int64_t now_ms);
/* The next delivery to send, NULL when none may. Counts it in flight. */
struct item *schedule_pop(struct schedule *s, int64_t now_ms, struct destination **out);

enum turn_result { TURN_FINE, TURN_TROUBLE, TURN_SKIPPED };
/* An attempt that began at started_ms is over. asked_ms: the receiver asked for
 * a pause (Retry-After with 429 or 503); 0 = none. */
void schedule_done(struct schedule *s, struct destination *d, enum turn_result result,
		   int64_t started_ms, int64_t asked_ms, int64_t now_ms);
/* Rest until then. */
void schedule_rest(struct schedule *s, struct destination *d, int64_t until_ms, int64_t now_ms);
/* There is work in the store, due at due_ms. */
void schedule_stored(struct schedule *s, struct destination *d, int64_t due_ms, int64_t now_ms);
/* Put it in line or set its alarm, after its members were changed. */
void schedule_update(struct schedule *s, struct destination *d, int64_t now_ms);

enum waiting_for { WAITING_TURN, WAITING_WINDOW, WAITING_REST, WAITING_KINDS };
/* When the oldest due delivery of d became due, in memory or in the store, and
 * what it waits for. INT64_MAX when nothing is due. */
int64_t destination_oldest_ms(const struct destination *d, int64_t now_ms, enum waiting_for *out);

/* Wake what is due. Returns a destination whose work should be read from the
 * store (is_reading is set), NULL when there is no more. */
struct destination *schedule_wake(struct schedule *s, int64_t now_ms);
/* When schedule_wake() has something again; INT64_MAX = never. */
int64_t schedule_next_ms(const struct schedule *s);

#endif
