/* engine.c - the delivery loop: intake, turns, transfers, settles.
 * SPDX-License-Identifier: MIT
 *
 * The loop's thread owns the schedule, the table of known deliveries, the
 * resolver's cache and all transfers. Others reach it through the intake (a
 * locked list and a wake). A second thread, the reader, asks the store for due
 * work and re-reads webhooks, so that the loop never waits for the disk. */
#include "delivery/engine.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "delivery/known.h"
#include "delivery/reader.h"
#include "delivery/resolve.h"
#include "delivery/sockets.h"
#include "delivery/transfer.h"
#include "model/backoff.h"
#include "model/ids.h"

enum {
	SETTLES_AT_ONCE = 64,
	TICK_MS = 500,         /* of deadlines in the resolver, gauges */
	SETTLE_AGAIN_MS = 250, /* after the store could not take a batch */
	UNDECLARED_REST_MS = 30000,
};

/* What others tell the loop. */
enum note_kind { NOTE_HAND_OVER, NOTE_STORED, NOTE_CHANGED, NOTE_READ, NOTE_SETTLED };

struct note {
	struct note *next;
	enum note_kind kind;
	struct event *event;      /* HAND_OVER: a reference */
	int64_t id;               /* STORED: destination; CHANGED: webhook */
	struct read_result *read; /* READ */
	struct settles *settles;  /* SETTLED */
	enum err rc;
	size_t count;
	struct accept_target targets[]; /* HAND_OVER, STORED */
};

/* A batch on its way to the store. */
struct settles {
	struct settle_batch batch;
	struct engine *engine;
	struct settles *next; /* waiting to be tried again */
	int64_t again_at_ms;
	struct settle items[SETTLES_AT_ONCE];
	struct item *sent[SETTLES_AT_ONCE];
};

struct engine {
	struct engine_parts parts;
	struct transfer_rules rules;
	struct backoff backoff;
	struct sockets *sockets;
	struct resolver *resolver;
	struct schedule *schedule;
	struct known *known;
	struct reader *reader;
	struct transfer *resolving; /* waiting for their name */
	struct transfer *sending;   /* in libcurl's hands */
	size_t in_flight;
	struct settles *open;  /* being filled */
	struct settles *again; /* refused by the store for now */
	size_t settles_out;    /* at the store */
	pthread_t thread;
	bool runs;
	pthread_mutex_t lock;
	struct note *first, **last;   /* under lock */
	_Atomic bool stopping;        /* begin nothing new */
	_Atomic bool ending;          /* leave when all is settled */
	_Atomic int64_t stop_at_ms;   /* monotonic: give running attempts up */
	_Atomic int64_t bytes;        /* of events in memory, counted per delivery */
	_Atomic int64_t *sending_ids; /* one slot per attempt in flight */
	int64_t ticked_ms;
};

static int64_t now_wall(void)
{
	return clock_wall_ms();
}

/* --- The intake: any thread --------------------------------------------------- */

static struct note *note_create(enum note_kind kind, size_t targets)
{
	struct note *n = xcalloc(1, sizeof(*n) + targets * sizeof(n->targets[0]));

	n->kind = kind;
	return n;
}

static void note_push(struct engine *e, struct note *n)
{
	pthread_mutex_lock(&e->lock);
	n->next = NULL;
	*e->last = n;
	e->last = &n->next;
	pthread_mutex_unlock(&e->lock);
	sockets_wake(e->sockets);
}

size_t engine_reserve(struct engine *e, size_t count, size_t bytes)
{
	const int64_t used = atomic_load_explicit(&e->bytes, memory_order_relaxed);

	if (atomic_load_explicit(&e->stopping, memory_order_relaxed) ||
	    used + (int64_t)bytes > e->parts.conf->delivery.in_memory_bytes)
		return 0;
	return count;
}

void engine_release(struct engine *e, size_t count, size_t bytes)
{
	(void)e, (void)count, (void)bytes; /* room is counted when it is taken */
}

void engine_hand_over(struct engine *e, struct event *event, const struct accept_target *targets,
		      size_t count, bool reserved)
{
	struct note *n = note_create(reserved ? NOTE_HAND_OVER : NOTE_STORED, count);

	n->id = event->id;
	for (size_t i = 0; i < count; i++)
		if (targets[i].delivery_id != 0 && targets[i].state == DELIVERY_DUE)
			n->targets[n->count++] = targets[i];
	if (reserved) {
		n->event = event;
		atomic_fetch_add_explicit(&e->bytes, (int64_t)(event->bytes * n->count),
					  memory_order_relaxed);
	} else {
		event_drop(event);
	}
	note_push(e, n);
}

static void engine_released(void *ctx, int64_t destination)
{
	struct note *n = note_create(NOTE_STORED, 1);

	n->targets[n->count++].destination = destination;
	note_push(ctx, n);
}

void engine_webhook_changed(struct engine *e, int64_t webhook_id)
{
	struct note *n = note_create(NOTE_CHANGED, 0);

	n->id = webhook_id;
	note_push(e, n);
}

bool engine_is_sending(struct engine *e, int64_t delivery_id)
{
	for (int64_t i = 0; i < e->parts.conf->delivery.in_flight; i++)
		if (atomic_load_explicit(&e->sending_ids[i], memory_order_relaxed) == delivery_id)
			return true;
	return false;
}

/* --- Items ---------------------------------------------------------------------- */

/* Forget a delivery: it is settled, or stays in the store only. */
static void item_forget(struct engine *e, struct item *item)
{
	struct destination *d = schedule_find(e->schedule, item->work.destination);

	known_remove(e->known, item);
	atomic_fetch_sub_explicit(&e->bytes, (int64_t)item->work.event->bytes,
				  memory_order_relaxed);
	event_drop(item->work.event);
	free(item);
	if (d != NULL) {
		d->in_memory--;
		schedule_update(e->schedule, d, now_wall());
	}
}

/* Its bytes are counted already. */
static void item_take(struct engine *e, const struct work *work)
{
	const int64_t now_ms = now_wall();
	struct destination *d = schedule_destination(e->schedule, work->destination,
						     work->event->organization);
	struct item *item;

	if (known_find(e->known, work->delivery_id) != NULL ||
	    d->in_memory >= (unsigned)e->parts.conf->delivery.queue_max) {
		atomic_fetch_sub_explicit(&e->bytes, (int64_t)work->event->bytes,
					  memory_order_relaxed);
		if (known_find(e->known, work->delivery_id) == NULL)
			schedule_stored(e->schedule, d, work->due_ms, now_ms);
		event_drop(work->event);
		return;
	}
	item = xcalloc(1, sizeof(*item));
	item->work = *work;
	known_add(e->known, item);
	d->in_memory++;
	schedule_push(e->schedule, d, item, now_ms);
}

/* --- Settling --------------------------------------------------------------------- */

static void settles_done(struct settle_batch *b, enum err rc)
{
	struct settles *s = b->ctx;
	struct note *n = note_create(NOTE_SETTLED, 0);

	n->settles = s;
	n->rc = rc;
	note_push(s->engine, n);
}

static void settles_submit(struct engine *e, struct settles *s)
{
	e->settles_out++;
	store_settle(e->parts.store, &s->batch);
}

static void settles_flush(struct engine *e)
{
	struct settles *s = e->open;

	if (s == NULL || s->batch.count == 0)
		return;
	e->open = NULL;
	settles_submit(e, s);
}

static struct settle *settle_next(struct engine *e, struct item *item)
{
	struct settles *s = e->open;

	if (s != NULL && s->batch.count == SETTLES_AT_ONCE) {
		settles_flush(e);
		s = NULL;
	}
	if (s == NULL) {
		s = xcalloc(1, sizeof(*s));
		s->engine = e;
		s->batch.items = s->items;
		s->batch.done = settles_done;
		s->batch.ctx = s;
		e->open = s;
	}
	s->sent[s->batch.count] = item;
	return &s->items[s->batch.count++];
}

static bool may_succeed_later(enum err rc)
{
	return rc == ERR_BUSY || rc == ERR_FULL || rc == ERR_IO || rc == ERR_MEMORY;
}

static void settle_applied(struct engine *e, const struct settle *settle, struct item *item)
{
	struct destination *d = schedule_find(e->schedule, settle->destination);

	if (settle->state == DELIVERY_DUE && d != NULL)
		schedule_stored(e->schedule, d, settle->next_due_ms, now_wall());
	if (settle->channel_disabled && d != NULL)
		reader_reload(e->reader, d->webhook);
	/* The store may be giving us its row at this moment: stay known. */
	if (d != NULL && d->is_reading)
		item->is_settled = true;
	else
		item_forget(e, item);
}

static void settles_free(struct settles *s)
{
	for (size_t i = 0; i < s->batch.count; i++) {
		free(s->items[i].excerpt);
		free((char *)(uintptr_t)s->items[i].event_text_id);
	}
	free(s);
}

static void settles_take(struct engine *e, struct settles *s, enum err rc)
{
	e->settles_out--;
	if (may_succeed_later(rc)) {
		s->again_at_ms = clock_mono_ms() + SETTLE_AGAIN_MS;
		s->next = e->again;
		e->again = s;
		return;
	}
	if (rc != ERR_OK)
		log_error("settles=%zu store: %s; they are sent again after a restart",
			  s->batch.count, err_text(rc));
	for (size_t i = 0; i < s->batch.count; i++)
		settle_applied(e, &s->items[i], s->sent[i]);
	settles_free(s);
}

static void settles_retry(struct engine *e, int64_t mono_ms)
{
	struct settles **link = &e->again;

	while (*link != NULL) {
		struct settles *s = *link;

		if (s->again_at_ms > mono_ms) {
			link = &s->next;
			continue;
		}
		*link = s->next;
		settles_submit(e, s);
	}
}

/* --- The end of an attempt ---------------------------------------------------------- */

static void list_add(struct transfer **list, struct transfer *t)
{
	t->next = *list;
	t->prev_link = list;
	if (t->next != NULL)
		t->next->prev_link = &t->next;
	*list = t;
}

static void list_remove(struct transfer *t)
{
	*t->prev_link = t->next;
	if (t->next != NULL)
		t->next->prev_link = t->prev_link;
}

static void sending_slot(struct engine *e, int64_t from, int64_t to)
{
	for (int64_t i = 0; i < e->parts.conf->delivery.in_flight; i++) {
		if (atomic_load_explicit(&e->sending_ids[i], memory_order_relaxed) != from)
			continue;
		atomic_store_explicit(&e->sending_ids[i], to, memory_order_relaxed);
		return;
	}
}

/* State and next moment after an attempt, by outcome and schedule. */
static void settle_decide(struct engine *e, const struct work *work, int64_t asked_ms,
			  struct settle *s)
{
	const char *reason = NULL;
	uint32_t random;

	if (s->attempt.outcome == ATTEMPT_DELIVERED) {
		s->state = DELIVERY_DELIVERED;
		return;
	}
	s->state = DELIVERY_FAILED;
	s->disable_channel = s->attempt.outcome == ATTEMPT_GONE;
	if (s->attempt.outcome != ATTEMPT_RETRY)
		return;
	crypto_random(&random, sizeof(random));
	if (backoff_next(&e->backoff,
			 &(struct backoff_case){ .attempts = s->attempt.number,
						 .now_ms = now_wall(),
						 .accepted_at_ms = id_time_ms(work->event->id),
						 .asked_ms = asked_ms,
						 .random = random },
			 &s->next_due_ms, &reason)) {
		s->state = DELIVERY_DUE;
		return;
	}
	const size_t len = strlen(s->attempt.reason);
	snprintf(s->attempt.reason + len, sizeof(s->attempt.reason) - len, "; %s", reason);
}

static void attempt_measure(const struct transfer *t, const struct attempt *a)
{
	metric_add(METRIC_ATTEMPTS, 1);
	histogram_record(HISTOGRAM_ATTEMPT_SECONDS, (double)a->total_us / 1e6);
	if (a->outcome == ATTEMPT_DELIVERED && a->number == 1)
		histogram_record(HISTOGRAM_ARRIVAL_SECONDS,
				 (double)(now_wall() - id_time_ms(t->item->work.event->id)) / 1e3);
}

struct ending {
	struct attempt attempt;
	enum turn_result turn;
	int64_t asked_ms, rest_ms;
};

/* Record the attempt and let go of its transfer. */
static void attempt_end(struct engine *e, struct transfer *t, const struct ending *end)
{
	const struct work *work = &t->item->work;
	struct settle *s = settle_next(e, t->item);

	s->delivery_id = work->delivery_id;
	s->destination = work->destination;
	s->due_ms = work->due_ms;
	s->attempts = work->attempts;
	s->attempt = end->attempt;
	settle_decide(e, work, end->asked_ms, s);
	if (end->attempt.outcome != ATTEMPT_DELIVERED) {
		s->excerpt = transfer_excerpt(t, (size_t)e->parts.conf->delivery.excerpt_bytes);
		s->event_text_id = xstrdup(t->event_id);
		log_info("delivery=%s webhook=%s attempt=%u status=%ld outcome=%s reason=\"%s\"",
			 t->delivery_id, t->entry->webhook.public_id, end->attempt.number,
			 end->attempt.status, attempt_outcome_text(end->attempt.outcome),
			 s->attempt.reason);
	}
	attempt_measure(t, &end->attempt);
	schedule_done(e->schedule, t->destination, end->turn, t->started_us / 1000, end->rest_ms,
		      now_wall());
	sockets_easy_give(e->sockets, t->easy);
	t->easy = NULL;
	transfer_destroy(t);
}

/* The name failed, or the plugin refused: no transfer took place. */
static void attempt_end_unsent(struct engine *e, struct transfer *t, enum attempt_outcome outcome,
			       const char *reason)
{
	struct ending end = { .turn = TURN_TROUBLE };

	transfer_unsent(t, outcome, reason, &end.attempt);
	attempt_end(e, t, &end);
}

static void transfer_finish(struct engine *e, CURL *easy, CURLcode result)
{
	struct tocsin_verdict verdict;
	struct ending end = { .turn = TURN_FINE };
	char *private = NULL;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
	struct transfer *t = (struct transfer *)(void *)private;
	transfer_judge(t, result, &end.attempt, &verdict);
	sockets_remove(e->sockets, easy);
	list_remove(t);
	e->in_flight--;
	sending_slot(e, t->item->work.delivery_id, 0);
	end.asked_ms = verdict.retry_after_ms;
	if (verdict.throttled != 0)
		end.turn = TURN_TROUBLE;
	if (verdict.throttled != 0 && end.attempt.status != 0)
		end.rest_ms = verdict.retry_after_ms;
	attempt_end(e, t, &end);
}

/* --- The beginning of an attempt ------------------------------------------------------ */

static void transfer_start(struct engine *e, struct transfer *t, const char *addresses)
{
	struct why why = { "" };
	CURL *easy = sockets_easy_take(e->sockets);
	enum err rc = easy == NULL ? ERR_MEMORY
				   : transfer_prepare(t, &e->rules, easy, addresses, &why);

	t->easy = easy;
	if (rc == ERR_OK)
		rc = sockets_add(e->sockets, easy);
	if (rc != ERR_OK) {
		attempt_end_unsent(e, t, rc == ERR_BAD_REQUEST ? ATTEMPT_FAILED : ATTEMPT_RETRY,
				   why.text[0] == '\0' ? "out of memory" : why.text);
		return;
	}
	list_add(&e->sending, t);
	e->in_flight++;
	sending_slot(e, 0, t->item->work.delivery_id);
}

/* True when the transfer went on or ended; false when it waits for its name. */
static bool transfer_resolve(struct engine *e, struct transfer *t)
{
	const struct compiled_configs *c = transfer_configs(t);
	struct resolve_answer answer;

	if (c->host == NULL || c->is_literal) {
		transfer_start(e, t, NULL);
		return true;
	}
	answer = resolver_find(e->resolver, c->host, clock_mono_ms());
	if (answer.state == RESOLVE_PENDING)
		return false;
	if (t->lookup_us == 0)
		t->lookup_us = clock_mono_us() - t->started_mono_us;
	if (answer.state == RESOLVE_OK)
		transfer_start(e, t, answer.addresses);
	else
		attempt_end_unsent(e, t, ATTEMPT_RETRY, answer.reason);
	return true;
}

static bool channel_may_send(const struct entry *entry, size_t channel_at)
{
	return entry->webhook.is_active &&
	       entry->webhook.channels[channel_at].status == CHANNEL_ACTIVE;
}

static void attempt_start(struct engine *e, struct item *item, struct destination *d)
{
	size_t channel_at = 0;
	struct entry *entry = registry_find_destination(e->parts.registry, d->id, &channel_at);
	const int64_t now_ms = now_wall();

	if (entry != NULL)
		d->webhook = entry->webhook.id;
	if (entry == NULL || !channel_may_send(entry, channel_at)) {
		/* Paused, disabled or removed: the store holds or cancels it. */
		entry_drop(entry);
		schedule_done(e->schedule, d, TURN_SKIPPED, now_ms, 0, now_ms);
		item_forget(e, item);
		return;
	}
	if (entry->compiled[channel_at] == NULL) { /* its channel is not declared now */
		entry_drop(entry);
		schedule_unpop(e->schedule, d, item, now_ms);
		schedule_rest(e->schedule, d, now_ms + UNDECLARED_REST_MS, now_ms);
		return;
	}
	struct transfer *t = transfer_create(&e->rules, item, entry, channel_at);
	t->destination = d;
	if (transfer_resolve(e, t))
		return;
	t->lookup_us = 0;
	list_add(&e->resolving, t);
}

static void turns_take(struct engine *e)
{
	const size_t max = (size_t)e->parts.conf->delivery.in_flight;
	struct destination *d;
	struct item *item;

	if (atomic_load_explicit(&e->stopping, memory_order_relaxed))
		return;
	const int64_t now_ms = now_wall();
	while (e->in_flight < max && (item = schedule_pop(e->schedule, now_ms, &d)) != NULL)
		attempt_start(e, item, d);
}

static void resolving_look(struct engine *e)
{
	const int64_t mono_us = clock_mono_us();
	struct transfer *next;

	for (struct transfer *t = e->resolving; t != NULL; t = next) {
		next = t->next;
		list_remove(t);
		if (transfer_resolve(e, t))
			continue;
		if (mono_us - t->started_mono_us > t->timeout_ms * 1000) {
			t->lookup_us = mono_us - t->started_mono_us;
			attempt_end_unsent(e, t, ATTEMPT_RETRY, "name lookup timed out");
			continue;
		}
		list_add(&e->resolving, t);
	}
}

/* --- Notes ------------------------------------------------------------------------------ */

static void hand_over_take(struct engine *e, struct note *n)
{
	for (size_t i = 0; i < n->count; i++) {
		const struct work work = {
			.delivery_id = n->targets[i].delivery_id,
			.destination = n->targets[i].destination,
			.target = n->targets[i].target,
			.due_ms = id_time_ms(n->event->id),
			.event = event_hold(n->event),
		};

		item_take(e, &work);
	}
	event_drop(n->event);
}

static void stored_take(struct engine *e, const struct note *n)
{
	const int64_t now_ms = now_wall();

	for (size_t i = 0; i < n->count; i++) {
		struct destination *d = schedule_destination(e->schedule, n->targets[i].destination,
							     0);

		schedule_stored(e->schedule, d, now_ms, now_ms);
	}
}

struct change {
	struct engine *engine;
	int64_t webhook;
};

static void destination_refresh(void *ctx, struct destination *d)
{
	const struct change *c = ctx;
	const int64_t now_ms = now_wall();

	if (d->webhook != c->webhook)
		return;
	d->rest_until_ms = 0;
	d->trouble = 0;
	schedule_stored(c->engine->schedule, d, now_ms, now_ms);
}

static void settled_forget(void *ctx, struct item *item)
{
	if (item->is_settled)
		item_forget(ctx, item);
}

static void read_take(struct engine *e, struct read_result *r)
{
	const int64_t now_ms = now_wall();

	for (size_t i = 0; i < r->work_count; i++) {
		atomic_fetch_add_explicit(&e->bytes, (int64_t)r->work[i].event->bytes,
					  memory_order_relaxed);
		item_take(e, &r->work[i]);
	}
	for (size_t i = 0; i < r->want_count; i++) {
		struct destination *d = schedule_find(e->schedule, r->wants[i].destination);

		d->is_reading = false;
		known_each_of(e->known, d->id, settled_forget, e);
		schedule_stored(e->schedule, d, r->wants[i].next_due_ms, now_ms);
	}
	read_result_destroy(r);
}

static void note_take(struct engine *e, struct note *n)
{
	struct change change = { e, n->id };

	switch (n->kind) {
	case NOTE_HAND_OVER: hand_over_take(e, n); break;
	case NOTE_STORED: stored_take(e, n); break;
	case NOTE_CHANGED: schedule_each(e->schedule, destination_refresh, &change); break;
	case NOTE_READ: read_take(e, n->read); break;
	case NOTE_SETTLED: settles_take(e, n->settles, n->rc); break;
	}
	free(n);
}

static void notes_take(struct engine *e)
{
	struct note *first, *next;

	pthread_mutex_lock(&e->lock);
	first = e->first;
	e->first = NULL;
	e->last = &e->first;
	pthread_mutex_unlock(&e->lock);
	for (struct note *n = first; n != NULL; n = next) {
		next = n->next;
		note_take(e, n);
	}
}

/* --- The loop ----------------------------------------------------------------------------- */

static void reads_begin(struct engine *e)
{
	struct destination *d;
	const int64_t now_ms = now_wall();

	if (atomic_load_explicit(&e->stopping, memory_order_relaxed))
		return;
	while ((d = schedule_wake(e->schedule, now_ms)) != NULL)
		reader_want(e->reader, d->id,
			    d->in_memory + (unsigned)e->parts.conf->delivery.queue_max / 2);
}

static int64_t wait_ms(const struct engine *e)
{
	const int64_t next_ms = schedule_next_ms(e->schedule);
	int64_t ms = TICK_MS;

	if (next_ms != INT64_MAX && !atomic_load_explicit(&e->stopping, memory_order_relaxed)) {
		const int64_t left_ms = next_ms - now_wall();

		if (left_ms < ms)
			ms = left_ms < 0 ? 0 : left_ms;
	}
	return ms;
}

static void tick(struct engine *e)
{
	const int64_t mono_ms = clock_mono_ms();

	if (resolver_collect(e->resolver, mono_ms) > 0 || mono_ms - e->ticked_ms >= TICK_MS)
		resolving_look(e);
	if (mono_ms - e->ticked_ms < TICK_MS)
		return;
	e->ticked_ms = mono_ms;
	settles_retry(e, mono_ms);
	metric_set(METRIC_DELIVERIES_IN_MEMORY, (int64_t)known_count(e->known));
}

/* At a stop: attempts still under way are handed back, unrecorded. */
static void attempts_give_up(struct engine *e)
{
	struct transfer *const lists[] = { e->sending, e->resolving };

	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		struct transfer *next;

		for (struct transfer *t = lists[i]; t != NULL; t = next) {
			next = t->next;
			list_remove(t);
			if (i == 0) {
				sockets_remove(e->sockets, t->easy);
				e->in_flight--;
			}
			sockets_easy_give(e->sockets, t->easy);
			event_drop(t->item->work.event);
			known_remove(e->known, t->item);
			free(t->item);
			transfer_destroy(t);
		}
	}
}

static bool is_over(struct engine *e)
{
	const int64_t mono_ms = clock_mono_ms();

	if (!atomic_load(&e->ending))
		return false;
	if (e->sending != NULL || e->resolving != NULL) {
		if (mono_ms < atomic_load(&e->stop_at_ms))
			return false;
		attempts_give_up(e);
	}
	settles_flush(e);
	return e->settles_out == 0;
}

static void *engine_loop(void *arg)
{
	struct engine *e = arg;
	CURLcode result;
	CURL *easy;

	while (!is_over(e)) {
		notes_take(e);
		tick(e);
		reads_begin(e);
		turns_take(e);
		metric_set(METRIC_ATTEMPTS_IN_FLIGHT, (int64_t)e->in_flight);
		sockets_poll(e->sockets, wait_ms(e));
		while ((easy = sockets_finished(e->sockets, &result)) != NULL)
			transfer_finish(e, easy, result);
		settles_flush(e);
	}
	return NULL;
}

/* --- Life ----------------------------------------------------------------------------------- */

static void loop_wake(void *ctx)
{
	sockets_wake(((struct engine *)ctx)->sockets);
}

static void read_arrived(void *ctx, struct read_result *r)
{
	struct note *n = note_create(NOTE_READ, 0);

	n->read = r;
	note_push(ctx, n);
}

static void webhook_reload(void *ctx, int64_t webhook)
{
	struct engine *e = ctx;

	e->parts.webhook_changed(e->parts.ctx, webhook);
}

enum err engine_create(const struct engine_parts *parts, struct engine **out, struct why *why)
{
	const struct conf *c = parts->conf;
	struct engine *e = xcalloc(1, sizeof(*e));

	e->parts = *parts;
	e->rules = (struct transfer_rules){ .conf = c, .ids = parts->ids };
	e->backoff = (struct backoff){ .pauses_ms = c->retry.pauses_ms,
				       .pause_count = c->retry.pause_count,
				       .jitter_percent = c->retry.jitter_percent,
				       .max_age_ms = c->retry.max_age_ms,
				       .retry_after_max_ms = c->retry.retry_after_max_ms };
	e->last = &e->first;
	pthread_mutex_init(&e->lock, NULL);
	e->sending_ids = xcalloc((size_t)c->delivery.in_flight, sizeof(*e->sending_ids));
	e->sockets = sockets_create((long)c->delivery.in_flight * 2, why);
	if (e->sockets == NULL) {
		engine_destroy(e);
		return ERR_IO;
	}
	e->resolver = resolver_create((unsigned)c->delivery.resolver_threads, &c->guard.guard, NULL,
				      loop_wake, e);
	e->schedule = schedule_create(&(struct schedule_rules){
		.window_start = (unsigned)c->delivery.window_start,
		.window_max = (unsigned)c->delivery.window_max,
		.queue_max = (unsigned)c->delivery.queue_max,
		.rest_max_ms = c->retry.pause_count > 0 ? c->retry.pauses_ms[0] : SECONDS_MS(5) });
	e->known = known_create();
	e->reader = reader_create(&(struct reader_parts){
		.store = parts->store,
		.payload_max_bytes = (size_t)c->delivery.in_memory_bytes / 4,
		.arrived = read_arrived,
		.reload = webhook_reload,
		.ctx = e });
	*out = e;
	return ERR_OK;
}

static void destination_waits(void *ctx, int64_t destination, int64_t first_due_ms)
{
	struct engine *e = ctx;
	struct destination *d = schedule_destination(e->schedule, destination, 0);

	schedule_stored(e->schedule, d, first_due_ms, now_wall());
}

enum err engine_start(struct engine *e, struct why *why)
{
	enum err rc = store_queue_read(e->parts.store, destination_waits, e);

	if (rc != ERR_OK) {
		why_set(why, "cannot read the queue: %s", err_text(rc));
		return rc;
	}
	store_watch(e->parts.store, engine_released, e);
	rc = reader_start(e->reader);
	if (rc != ERR_OK || pthread_create(&e->thread, NULL, engine_loop, e) != 0) {
		why_set(why, "cannot start the delivery threads; raise the limit on processes");
		return ERR_MEMORY;
	}
	e->runs = true;
	return ERR_OK;
}

void engine_stop(struct engine *e, int64_t timeout_ms)
{
	if (!e->runs)
		return;
	atomic_store(&e->stopping, true);
	reader_stop(e->reader);
	atomic_store(&e->stop_at_ms, clock_mono_ms() + timeout_ms);
	atomic_store(&e->ending, true);
	sockets_wake(e->sockets);
	pthread_join(e->thread, NULL);
	e->runs = false;
	store_watch(e->parts.store, NULL, NULL);
	notes_take(e);
}

void engine_destroy(struct engine *e)
{
	if (e == NULL)
		return;
	reader_destroy(e->reader);
	resolver_destroy(e->resolver);
	while (e->again != NULL) {
		struct settles *s = e->again;

		e->again = s->next;
		settles_free(s);
	}
	if (e->open != NULL)
		settles_free(e->open);
	known_destroy(e->known);
	schedule_destroy(e->schedule);
	sockets_destroy(e->sockets);
	pthread_mutex_destroy(&e->lock);
	free(e->sending_ids);
	free(e);
}
