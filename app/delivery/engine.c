/* engine.c - the delivery loop: intake, turns, transfers, settles.
 * SPDX-License-Identifier: MIT
 *
 * The loop's thread owns the schedule, the table of known deliveries, the
 * resolver's cache and all transfers. Others reach it through the intake (a
 * locked list and a wake). A second thread, the reader, asks the store for due
 * work and re-reads webhooks, so that the loop never waits for the disk. */
#include "delivery/engine.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "channel/blame.h"
#include "delivery/engine_state.h"
#include "model/ids.h"

enum {
	TICK_MS = 500, /* of deadlines in the resolver and the lane, gauges */
	LANE_QUEUE_MAX = 256,
	OPERATOR_RESOLVER_THREADS = 4,
};

/* --- The intake: any thread --------------------------------------------------- */

static void bytes_count(struct engine *e, int64_t by)
{
	atomic_fetch_add_explicit(&e->bytes, by, memory_order_relaxed);
}

struct note *note_create(enum note_kind kind, size_t targets)
{
	struct note *n = xcalloc(1, sizeof(*n) + targets * sizeof(n->targets[0]));

	n->kind = kind;
	return n;
}

void note_push(struct engine *e, struct note *n)
{
	pthread_mutex_lock(&e->lock);
	n->next = NULL;
	*e->last = n;
	e->last = &n->next;
	pthread_mutex_unlock(&e->lock);
	sockets_wake(e->sockets);
}

bool engine_room(struct engine *e, size_t bytes)
{
	const int64_t used = atomic_load_explicit(&e->bytes, memory_order_relaxed);

	return !atomic_load_explicit(&e->stopping, memory_order_relaxed) &&
	       used + (int64_t)bytes <= e->parts.conf->delivery.in_memory_bytes;
}

static struct note *note_of_targets(enum note_kind kind, const struct accept_target *targets,
				    size_t count)
{
	struct note *n = note_create(kind, count);

	for (size_t i = 0; i < count; i++)
		if (targets[i].delivery_id != 0 && targets[i].state == DELIVERY_DUE)
			n->targets[n->count++] = targets[i];
	return n;
}

void engine_hand_over(struct engine *e, struct event *event, const struct accept_target *targets,
		      size_t count)
{
	struct note *n = note_of_targets(NOTE_HAND_OVER, targets, count);

	n->event = event;
	n->bytes = n->count > 0 ? event->bytes / n->count + sizeof(struct item) : 0;
	bytes_count(e, (int64_t)(n->bytes * n->count));
	note_push(e, n);
}

void engine_leave(struct engine *e, const struct accept_target *targets, size_t count)
{
	note_push(e, note_of_targets(NOTE_STORED, targets, count));
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
	for (int64_t i = 0; i < e->sending_max; i++)
		if (atomic_load_explicit(&e->sending_ids[i], memory_order_relaxed) == delivery_id)
			return true;
	return false;
}

/* --- Items ---------------------------------------------------------------------- */

void item_forget(struct engine *e, struct item *item)
{
	struct destination *d = schedule_find(e->schedule, item->work.destination);

	known_remove(e->known, item);
	bytes_count(e, -(int64_t)item->bytes);
	event_drop(item->work.event);
	free(item);
	if (d != NULL) {
		d->in_memory--;
		schedule_update(e->schedule, d, clock_wall_ms());
	}
}

/* Not taken: it is read from the store when there is room. */
static void item_leave(struct engine *e, struct destination *d, struct item *item)
{
	bytes_count(e, -(int64_t)item->bytes);
	if (known_find(e->known, item->work.delivery_id) == NULL)
		schedule_stored(e->schedule, d, item->work.due_ms, clock_wall_ms());
	event_drop(item->work.event);
	free(item);
}

/* item: its bytes are counted already. */
static void item_take(struct engine *e, struct item *item, enum note_kind from)
{
	const int64_t now_ms = clock_wall_ms();
	struct destination *d = schedule_destination(e->schedule, item->work.destination,
						     item->work.event->organization);
	/* What waits in the store is older: new ones must not overtake it for long. */
	const bool is_behind = from == NOTE_HAND_OVER &&
			       (d->is_reading || d->next_due_ms <= now_ms);

	if (is_behind || known_find(e->known, item->work.delivery_id) != NULL ||
	    d->in_memory >= schedule_limit(e->schedule, d)) {
		item_leave(e, d, item);
		return;
	}
	known_add(e->known, item);
	d->in_memory++;
	schedule_push(e->schedule, d, item, now_ms);
}

static struct item *item_create(const struct work *work, size_t bytes)
{
	struct item *item = xcalloc(1, sizeof(*item));

	item->work = *work;
	item->bytes = bytes;
	return item;
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

		item_take(e, item_create(&work, n->bytes), NOTE_HAND_OVER);
	}
	event_drop(n->event);
}

static void stored_take(struct engine *e, const struct note *n)
{
	const int64_t now_ms = clock_wall_ms();

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
	const int64_t now_ms = clock_wall_ms();

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
	const int64_t now_ms = clock_wall_ms();

	for (size_t i = 0; i < r->work_count; i++) {
		const size_t bytes = r->work[i].event->bytes + sizeof(struct item);

		bytes_count(e, (int64_t)bytes);
		item_take(e, item_create(&r->work[i], bytes), NOTE_READ);
	}
	for (size_t i = 0; i < r->want_count; i++) {
		struct destination *d = schedule_find(e->schedule, r->wants[i].destination);

		d->is_reading = false;
		known_each_of(e->known, d->id, settled_forget, e);
		schedule_stored(e->schedule, d, r->wants[i].next_due_ms, now_ms);
	}
	read_result_destroy(r);
}

/* Past half the bound each destination keeps no more than it sends next. */
static void memory_look(struct engine *e)
{
	const int64_t used = atomic_load_explicit(&e->bytes, memory_order_relaxed);

	schedule_memory_set(e->schedule, used > e->parts.conf->delivery.in_memory_bytes / 2
						 ? MEMORY_TIGHT
						 : MEMORY_ROOMY);
}

static void note_take(struct engine *e, struct note *n)
{
	struct change change = { e, n->id };

	memory_look(e);
	switch (n->kind) {
	case NOTE_HAND_OVER: hand_over_take(e, n); break;
	case NOTE_STORED: stored_take(e, n); break;
	case NOTE_CHANGED: schedule_each(e->schedule, destination_refresh, &change); break;
	case NOTE_READ: read_take(e, n->read); break;
	case NOTE_SETTLED: settles_take(e, n->settles, n->rc); break;
	case NOTE_LANE: lane_take(e, n->transfer); break;
	}
	free(n);
}

static bool notes_wait(struct engine *e)
{
	pthread_mutex_lock(&e->lock);
	const bool any = e->first != NULL;
	pthread_mutex_unlock(&e->lock);
	return any;
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
	const int64_t now_ms = clock_wall_ms();

	if (atomic_load_explicit(&e->stopping, memory_order_relaxed))
		return;
	while ((d = schedule_wake(e->schedule, now_ms)) != NULL)
		reader_want(e->reader, d->id,
			    d->in_memory + (schedule_limit(e->schedule, d) + 1) / 2);
}

static int64_t wait_ms(const struct engine *e)
{
	const int64_t next_ms = schedule_next_ms(e->schedule);
	int64_t ms = TICK_MS;

	if (next_ms != INT64_MAX && !atomic_load_explicit(&e->stopping, memory_order_relaxed)) {
		const int64_t left_ms = next_ms - clock_wall_ms();

		if (left_ms < ms)
			ms = left_ms < 0 ? 0 : left_ms;
	}
	return ms;
}

struct oldest {
	int64_t now_ms, due_ms[WAITING_KINDS];
};

static void oldest_look(void *ctx, struct destination *d)
{
	struct oldest *o = ctx;
	enum waiting_for kind = WAITING_TURN;
	const int64_t due_ms = destination_oldest_ms(d, o->now_ms, &kind);

	if (due_ms < o->due_ms[kind])
		o->due_ms[kind] = due_ms;
}

static void gauges_set(struct engine *e)
{
	static const enum metric metrics[WAITING_KINDS] = {
		[WAITING_TURN] = METRIC_OLDEST_READY_MS,
		[WAITING_WINDOW] = METRIC_OLDEST_WINDOW_MS,
		[WAITING_REST] = METRIC_OLDEST_RESTING_MS,
	};
	struct oldest o = { .now_ms = clock_wall_ms() };

	for (size_t i = 0; i < WAITING_KINDS; i++)
		o.due_ms[i] = o.now_ms;
	schedule_each(e->schedule, oldest_look, &o);
	for (size_t i = 0; i < WAITING_KINDS; i++)
		metric_set(metrics[i], o.now_ms - o.due_ms[i]);
	metric_set(METRIC_DELIVERIES_IN_MEMORY, (int64_t)known_count(e->known));
}

static void tick(struct engine *e)
{
	const int64_t mono_ms = clock_mono_ms();

	const size_t found = resolver_collect(e->resolver, mono_ms) +
			     resolver_collect(e->operator_resolver, mono_ms);

	if (found > 0 || mono_ms - e->ticked_ms >= TICK_MS)
		resolving_look(e);
	if (mono_ms - e->ticked_ms < TICK_MS)
		return;
	e->ticked_ms = mono_ms;
	settles_retry(e, mono_ms);
	lane_look(e);
	gauges_set(e);
}

static bool is_busy(const struct engine *e)
{
	return e->sending != NULL || e->resolving != NULL || e->lane_out > 0;
}

static bool is_over(struct engine *e)
{
	const int64_t mono_ms = clock_mono_ms();

	if (!atomic_load(&e->ending))
		return false;
	lane_hand_back(e);
	if (!e->lane_has_stopped && is_busy(e)) {
		if (mono_ms < atomic_load(&e->stop_at_ms))
			return false;
		attempts_give_up(e);
		notes_take(e);
	}
	settles_flush(e);
	return e->settles_out == 0;
}

static void *engine_loop(void *arg)
{
	struct engine *e = arg;
	CURLcode result;
	CURL *easy;

	blame_thread_begin();
	while (!is_over(e)) {
		notes_take(e);
		tick(e);
		reads_begin(e);
		turns_take(e);
		metric_set(METRIC_ATTEMPTS_IN_FLIGHT, (int64_t)e->in_flight);
		sockets_doze(e->sockets);
		sockets_poll(e->sockets, notes_wait(e) ? 0 : wait_ms(e));
		while ((easy = sockets_finished(e->sockets, &result)) != NULL)
			transfer_finish(e, easy, result);
		settles_flush(e);
	}
	blame_thread_end();
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

static void lane_done(void *ctx, struct transfer *t)
{
	struct note *n = note_create(NOTE_LANE, 0);

	n->transfer = t;
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

	e->parts = (struct engine_source){ .conf = c,
					   .channels = parts->channels,
					   .registry = parts->registry,
					   .store = parts->store,
					   .webhook_changed = parts->webhook_changed,
					   .ctx = parts->ctx };
	e->rules = (struct transfer_rules){ .conf = c, .ids = parts->ids };
	e->backoff = (struct backoff){ .pauses_ms = c->retry.pauses_ms,
				       .pause_count = c->retry.pause_count,
				       .jitter_percent = c->retry.jitter_percent,
				       .max_age_ms = c->retry.max_age_ms,
				       .retry_after_max_ms = c->retry.retry_after_max_ms };
	e->last = &e->first;
	pthread_mutex_init(&e->lock, NULL);
	e->sending_max = c->delivery.in_flight + c->delivery.lane_threads + LANE_QUEUE_MAX;
	e->sending_ids = xcalloc((size_t)e->sending_max, sizeof(*e->sending_ids));
	e->of_channel = xcalloc(parts->channels->count + 1, sizeof(*e->of_channel));
	e->pace = pace_create();
	e->lane = lane_create(&(struct lane_parts){ .threads = (unsigned)c->delivery.lane_threads,
						    .queue_max = LANE_QUEUE_MAX,
						    .rules = &e->rules,
						    .done = lane_done,
						    .ctx = e });
	e->sockets = sockets_create((long)c->delivery.in_flight * 2, why);
	if (e->sockets == NULL) {
		engine_destroy(e);
		return ERR_IO;
	}
	e->resolver = resolver_create((unsigned)c->delivery.resolver_threads, &c->guard.guard, NULL,
				      loop_wake, e);
	/* The operator's own hosts, from tocsin.conf: no guard, and few. */
	e->operator_resolver = resolver_create(OPERATOR_RESOLVER_THREADS, NULL, NULL, loop_wake, e);
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

	schedule_stored(e->schedule, d, first_due_ms, clock_wall_ms());
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

bool engine_stop(struct engine *e, int64_t timeout_ms)
{
	if (!e->runs)
		return true;
	atomic_store(&e->stopping, true);
	reader_stop(e->reader);
	atomic_store(&e->stop_at_ms, clock_mono_ms() + timeout_ms);
	atomic_store(&e->ending, true);
	sockets_wake(e->sockets);
	pthread_join(e->thread, NULL);
	e->runs = false;
	store_watch(e->parts.store, NULL, NULL);
	notes_take(e);
	if (!e->lane_has_stopped)
		e->lane_has_ended = lane_stop(e->lane, LANE_STOP_MS);
	e->lane_has_stopped = true;
	return e->lane_has_ended;
}

/* What came after the stop: the store has it. */
static void notes_drop(struct engine *e)
{
	struct note *next;

	for (struct note *n = e->first; n != NULL; n = next) {
		next = n->next;
		if (n->kind == NOTE_HAND_OVER)
			event_drop(n->event);
		if (n->kind == NOTE_SETTLED)
			settles_free(n->settles);
		free(n);
	}
}

void engine_destroy(struct engine *e)
{
	if (e == NULL)
		return;
	reader_destroy(e->reader);
	resolver_destroy(e->resolver);
	resolver_destroy(e->operator_resolver);
	lane_destroy(e->lane);
	pace_destroy(e->pace);
	free(e->of_channel);
	while (e->again != NULL) {
		struct settles *s = e->again;

		e->again = s->next;
		settles_free(s);
	}
	if (e->open != NULL)
		settles_free(e->open);
	notes_drop(e);
	known_destroy(e->known);
	schedule_destroy(e->schedule);
	sockets_destroy(e->sockets);
	pthread_mutex_destroy(&e->lock);
	free(e->sending_ids);
	free(e);
}
