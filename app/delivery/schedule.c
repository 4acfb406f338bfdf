/* schedule.c - rings, windows, rests and alarms.
 * SPDX-License-Identifier: MIT
 * Not here: how an attempt is made (transfer.c) or stored. One thread. */
#include "delivery/schedule.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { REST_FIRST_MS = 100, TROUBLE_FREE = 3 };

struct line {
	struct line *next; /* in the ring of lines with somebody ready */
	int64_t organization;
	struct destination *first, **last;
	bool is_ready;
};

struct schedule {
	struct schedule_rules rules;
	enum schedule_memory memory;
	struct destination **by_id; /* destinations' ids are dense row numbers */
	size_t by_id_size;
	struct line **lines;
	size_t line_count;
	struct line *first, **last;
	struct destination **heap; /* from 1; by wake_ms */
	size_t heap_count, heap_size;
};

struct schedule *schedule_create(const struct schedule_rules *rules)
{
	struct schedule *s = xcalloc(1, sizeof(*s));

	s->rules = *rules;
	s->last = &s->first;
	return s;
}

static void destination_destroy(struct destination *d)
{
	while (d->first != NULL) {
		struct item *next = d->first->next;

		event_drop(d->first->work.event);
		free(d->first);
		d->first = next;
	}
	free(d);
}

void schedule_destroy(struct schedule *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->by_id_size; i++)
		if (s->by_id[i] != NULL)
			destination_destroy(s->by_id[i]);
	for (size_t i = 0; i < s->line_count; i++)
		free(s->lines[i]);
	free(s->by_id);
	free(s->lines);
	free(s->heap);
	free(s);
}

/* --- Finding ------------------------------------------------------------------ */

static struct line *line_find(struct schedule *s, int64_t organization)
{
	for (size_t i = 0; i < s->line_count; i++)
		if (s->lines[i]->organization == organization)
			return s->lines[i];
	s->lines = xrealloc(s->lines, (s->line_count + 1) * sizeof(struct line *));
	struct line *l = xcalloc(1, sizeof(*l));
	l->organization = organization;
	l->last = &l->first;
	s->lines[s->line_count++] = l;
	return l;
}

struct destination *schedule_find(struct schedule *s, int64_t id)
{
	return id > 0 && (size_t)id < s->by_id_size ? s->by_id[id] : NULL;
}

static void by_id_grow(struct schedule *s, size_t id)
{
	const size_t size = id + id / 2 + 64;

	s->by_id = xrealloc(s->by_id, size * sizeof(*s->by_id));
	memset(s->by_id + s->by_id_size, 0, (size - s->by_id_size) * sizeof(*s->by_id));
	s->by_id_size = size;
}

struct destination *schedule_destination(struct schedule *s, int64_t id, int64_t organization)
{
	struct destination *d = schedule_find(s, id);

	if (d != NULL && (organization == 0 || d->line->organization == organization))
		return d;
	if ((size_t)id >= s->by_id_size)
		by_id_grow(s, (size_t)id);
	if (d == NULL) {
		d = xcalloc(1, sizeof(*d));
		d->id = id;
		d->last = &d->first;
		d->window = s->rules.window_start;
		d->next_due_ms = INT64_MAX;
		s->by_id[id] = d;
	}
	d->line = line_find(s, organization);
	return d;
}

void schedule_each(struct schedule *s, void (*fn)(void *ctx, struct destination *d), void *ctx)
{
	for (size_t i = 0; i < s->by_id_size; i++)
		if (s->by_id[i] != NULL)
			fn(ctx, s->by_id[i]);
}

/* --- The heap of alarms --------------------------------------------------------- */

static void heap_put(struct schedule *s, struct destination *d, size_t at)
{
	s->heap[at] = d;
	d->heap_at = at;
}

static void heap_up(struct schedule *s, size_t at)
{
	struct destination *d = s->heap[at];

	for (; at > 1 && s->heap[at / 2]->wake_ms > d->wake_ms; at /= 2)
		heap_put(s, s->heap[at / 2], at);
	heap_put(s, d, at);
}

static void heap_down(struct schedule *s, size_t at)
{
	struct destination *d = s->heap[at];

	for (size_t child; (child = at * 2) <= s->heap_count; at = child) {
		if (child < s->heap_count && s->heap[child + 1]->wake_ms < s->heap[child]->wake_ms)
			child++;
		if (s->heap[child]->wake_ms >= d->wake_ms)
			break;
		heap_put(s, s->heap[child], at);
	}
	heap_put(s, d, at);
}

static void alarm_clear(struct schedule *s, struct destination *d)
{
	const size_t at = d->heap_at;

	if (at == 0)
		return;
	d->heap_at = 0;
	struct destination *moved = s->heap[s->heap_count--];
	if (moved == d)
		return;
	heap_put(s, moved, at);
	heap_up(s, at);
	heap_down(s, moved->heap_at);
}

static void alarm_set(struct schedule *s, struct destination *d, int64_t at_ms)
{
	if (d->heap_at != 0 && d->wake_ms == at_ms)
		return;
	alarm_clear(s, d);
	if (at_ms == INT64_MAX)
		return;
	if (s->heap_count + 2 > s->heap_size) {
		s->heap_size = s->heap_size == 0 ? 64 : s->heap_size * 2;
		s->heap = xrealloc(s->heap, s->heap_size * sizeof(struct destination *));
	}
	d->wake_ms = at_ms;
	s->heap[++s->heap_count] = d;
	heap_up(s, s->heap_count);
}

/* --- Lines ------------------------------------------------------------------------ */

unsigned schedule_limit(const struct schedule *s, const struct destination *d)
{
	const unsigned tight = 2 * d->window;

	return s->memory == MEMORY_TIGHT && tight < s->rules.queue_max ? tight : s->rules.queue_max;
}

void schedule_memory_set(struct schedule *s, enum schedule_memory memory)
{
	s->memory = memory;
}

static void line_push(struct schedule *s, struct line *l)
{
	if (l->is_ready)
		return;
	l->is_ready = true;
	l->next = NULL;
	*s->last = l;
	s->last = &l->next;
}

static void ready_push(struct schedule *s, struct destination *d)
{
	if (d->is_ready)
		return;
	d->is_ready = true;
	d->next = NULL;
	*d->line->last = d;
	d->line->last = &d->next;
	line_push(s, d->line);
}

static bool may_send(const struct destination *d, int64_t now_ms)
{
	return d->queued > 0 && d->in_flight < d->window && d->rest_until_ms <= now_ms;
}

/* Worth asking the store: it has something due, and memory ran low. */
static bool wants_reading(const struct schedule *s, const struct destination *d)
{
	return !d->is_reading && d->next_due_ms != INT64_MAX &&
	       d->in_memory <= schedule_limit(s, d) / 4;
}

void schedule_update(struct schedule *s, struct destination *d, int64_t now_ms)
{
	int64_t wake_ms = INT64_MAX;

	if (may_send(d, now_ms))
		ready_push(s, d);
	else if (d->queued > 0 && d->rest_until_ms > now_ms)
		wake_ms = d->rest_until_ms;
	if (wants_reading(s, d)) {
		const int64_t due_ms = d->next_due_ms > d->rest_until_ms ? d->next_due_ms
									 : d->rest_until_ms;

		if (due_ms < wake_ms)
			wake_ms = due_ms;
	}
	alarm_set(s, d, wake_ms);
}

void schedule_push(struct schedule *s, struct destination *d, struct item *item, int64_t now_ms)
{
	item->next = NULL;
	*d->last = item;
	d->last = &item->next;
	d->queued++;
	schedule_update(s, d, now_ms);
}

void schedule_unpop(struct schedule *s, struct destination *d, struct item *item, int64_t now_ms)
{
	item->next = d->first;
	d->first = item;
	if (item->next == NULL)
		d->last = &item->next;
	d->queued++;
	d->in_flight--;
	schedule_update(s, d, now_ms);
}

/* The line at the front gives one destination a turn and goes to the back. */
static struct destination *turn_take(struct schedule *s)
{
	struct line *l = s->first;

	if (l == NULL)
		return NULL;
	s->first = l->next;
	if (s->first == NULL)
		s->last = &s->first;
	l->is_ready = false;
	struct destination *d = l->first;
	l->first = d->next;
	if (l->first == NULL)
		l->last = &l->first;
	else
		line_push(s, l);
	d->is_ready = false;
	return d;
}

struct item *schedule_pop(struct schedule *s, int64_t now_ms, struct destination **out)
{
	struct destination *d;

	while ((d = turn_take(s)) != NULL) {
		if (!may_send(d, now_ms)) { /* it rests, or its window shrank meanwhile */
			schedule_update(s, d, now_ms);
			continue;
		}
		struct item *item = d->first;
		d->first = item->next;
		if (d->first == NULL)
			d->last = &d->first;
		item->next = NULL;
		d->queued--;
		d->in_flight++;
		schedule_update(s, d, now_ms);
		*out = d;
		return item;
	}
	return NULL;
}

/* --- Windows ------------------------------------------------------------------------ */

static void window_shrink(struct schedule *s, struct destination *d, int64_t started_ms,
			  int64_t now_ms)
{
	if (started_ms < d->trouble_at_ms)
		return; /* one of the same round: counted already */
	d->trouble_at_ms = now_ms;
	d->trouble++;
	d->window = d->window > 1 ? d->window / 2 : 1;
	if (d->trouble < TROUBLE_FREE)
		return;
	const unsigned doublings = d->trouble - TROUBLE_FREE;
	int64_t rest_ms = (int64_t)REST_FIRST_MS << (doublings < 20 ? doublings : 20);
	if (rest_ms > s->rules.rest_max_ms)
		rest_ms = s->rules.rest_max_ms;
	d->rest_until_ms = now_ms + rest_ms;
}

void schedule_done(struct schedule *s, struct destination *d, enum turn_result result,
		   int64_t started_ms, int64_t asked_ms, int64_t now_ms)
{
	d->in_flight--;
	switch (result) {
	case TURN_FINE:
		d->trouble = 0;
		if (d->window < s->rules.window_max)
			d->window++;
		break;
	case TURN_TROUBLE: window_shrink(s, d, started_ms, now_ms); break;
	case TURN_SKIPPED: break;
	}
	if (asked_ms > 0 && d->rest_until_ms < now_ms + asked_ms)
		d->rest_until_ms = now_ms + asked_ms;
	schedule_update(s, d, now_ms);
}

void schedule_rest(struct schedule *s, struct destination *d, int64_t until_ms, int64_t now_ms)
{
	d->rest_until_ms = until_ms;
	schedule_update(s, d, now_ms);
}

void schedule_stored(struct schedule *s, struct destination *d, int64_t due_ms, int64_t now_ms)
{
	if (due_ms < d->next_due_ms)
		d->next_due_ms = due_ms;
	schedule_update(s, d, now_ms);
}

struct destination *schedule_wake(struct schedule *s, int64_t now_ms)
{
	while (s->heap_count > 0 && s->heap[1]->wake_ms <= now_ms) {
		struct destination *d = s->heap[1];

		alarm_clear(s, d);
		const bool reads = wants_reading(s, d) && d->next_due_ms <= now_ms &&
				   d->rest_until_ms <= now_ms;
		if (reads) {
			d->is_reading = true;
			d->next_due_ms = INT64_MAX; /* what comes up meanwhile is added */
		}
		schedule_update(s, d, now_ms);
		if (reads)
			return d;
	}
	return NULL;
}

int64_t schedule_next_ms(const struct schedule *s)
{
	return s->heap_count == 0 ? INT64_MAX : s->heap[1]->wake_ms;
}

int64_t destination_oldest_ms(const struct destination *d, int64_t now_ms, enum waiting_for *out)
{
	int64_t oldest_ms = d->next_due_ms;

	if (d->first != NULL && d->first->work.due_ms < oldest_ms)
		oldest_ms = d->first->work.due_ms;
	if (oldest_ms > now_ms)
		return INT64_MAX;
	if (d->rest_until_ms > now_ms)
		*out = WAITING_REST;
	else
		*out = d->in_flight >= d->window ? WAITING_WINDOW : WAITING_TURN;
	return oldest_ms;
}
