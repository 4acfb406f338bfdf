/* engine_attempts.c - from a turn to a transfer to a result.
 * SPDX-License-Identifier: MIT
 * Not here: what one transfer is (transfer.c), whose turn it is (schedule.c).
 * The loop's thread only. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "channel/blame.h"
#include "delivery/engine_state.h"
#include "model/ids.h"

enum {
	UNDECLARED_REST_MS = 30000,
	FULL_REST_MS = 20,  /* before a full lane, or a full gateway, is asked again */
	OPERATOR_SHARE = 4, /* a gateway that hangs holds at most this part of the turns */
};

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
	for (int64_t i = 0; i < e->sending_max; i++) {
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
						 .now_ms = clock_wall_ms(),
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
				 (double)(clock_wall_ms() - id_time_ms(t->item->work.event->id)) /
					 1e3);
}

/* 1, 10, 100 …: a receiver that fails is told of at growing intervals. */
static bool is_told(unsigned failures)
{
	while (failures % 10 == 0 && failures > 0)
		failures /= 10;
	return failures == 1;
}

static void attempt_tell(const struct transfer *t, const struct attempt *a, const char *reason)
{
	const struct webhook *w = &t->entry->webhook;
	char name[128];

	log_info("delivery=%s webhook=%s name=%s attempt=%u status=%ld outcome=%s reason=\"%s\"",
		 t->delivery_id, w->public_id, log_quote(w->name, name, sizeof(name)), a->number,
		 a->status, attempt_outcome_text(a->outcome), reason);
}

static void receiver_tell(struct transfer *t, const struct attempt *a, const char *reason)
{
	const struct webhook *w = &t->entry->webhook;
	struct destination *d = t->destination;
	char name[128];

	if (a->outcome != ATTEMPT_DELIVERED) {
		if (is_told(++d->failures))
			log_warning("webhook=%s name=%s channel=%zu failing attempts=%u status=%ld "
				    "reason=\"%s\"",
				    w->public_id, log_quote(w->name, name, sizeof(name)),
				    t->channel_at, d->failures, a->status, reason);
		return;
	}
	if (d->failures > 0)
		log_notice("webhook=%s name=%s channel=%zu recovered attempts=%u", w->public_id,
			   log_quote(w->name, name, sizeof(name)), t->channel_at, d->failures);
	d->failures = 0;
}

struct ending {
	struct attempt attempt;
	enum turn_result turn;
	int64_t asked_ms, rest_ms;
};

static void settle_fill(struct settle *s, const struct work *work, const struct attempt *a)
{
	s->delivery_id = work->delivery_id;
	s->destination = work->destination;
	s->due_ms = work->due_ms;
	s->attempts = work->attempts;
	s->attempt = *a;
}

/* Record the attempt and let go of its transfer. */
static void attempt_end(struct engine *e, struct transfer *t, const struct ending *end)
{
	const struct work *work = &t->item->work;
	struct settle *s = settle_next(e, t->item);

	settle_fill(s, work, &end->attempt);
	settle_decide(e, work, end->asked_ms, s);
	if (end->attempt.outcome != ATTEMPT_DELIVERED) {
		s->excerpt = transfer_excerpt(t, (size_t)e->parts.conf->delivery.excerpt_bytes);
		s->event_text_id = xstrdup(t->event_id);
		attempt_tell(t, &end->attempt, s->attempt.reason);
	}
	receiver_tell(t, &end->attempt, s->attempt.reason);
	attempt_measure(t, &end->attempt);
	schedule_done(e->schedule, t->destination, end->turn, t->started_us / 1000, end->rest_ms,
		      clock_wall_ms());
	if (s->state != DELIVERY_DUE)
		blame_forget(t->delivery);
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

/* What the schedule makes of a verdict. */
static void verdict_take(const struct tocsin_verdict *verdict, struct ending *end)
{
	end->turn = verdict->throttled != 0 ? TURN_TROUBLE : TURN_FINE;
	end->asked_ms = verdict->retry_after_ms;
	if (verdict->throttled != 0 && end->attempt.status != 0)
		end->rest_ms = verdict->retry_after_ms;
}

/* Counted where the operator owns the host, so that it cannot take all turns. */
static unsigned *operator_count(struct engine *e, const struct channel *c)
{
	return &e->of_channel[c - e->parts.channels->items];
}

static void in_flight_add(struct engine *e, struct transfer *t)
{
	list_add(&e->sending, t);
	e->in_flight++;
	(*operator_count(e, transfer_channel(t)))++;
	sending_slot(e, 0, t->delivery);
}

static void in_flight_remove(struct engine *e, struct transfer *t)
{
	list_remove(t);
	e->in_flight--;
	(*operator_count(e, transfer_channel(t)))--;
	sending_slot(e, t->delivery, 0);
}

void transfer_finish(struct engine *e, CURL *easy, CURLcode result)
{
	struct tocsin_verdict verdict;
	struct ending end = { .turn = TURN_FINE };
	char *private = NULL;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
	struct transfer *t = (struct transfer *)(void *)private;
	transfer_judge(t, result, &end.attempt, &verdict);
	sockets_remove(e->sockets, easy);
	in_flight_remove(e, t);
	verdict_take(&verdict, &end);
	attempt_end(e, t, &end);
}

/* --- The slow lane -------------------------------------------------------------------- */

/* Not sent after all: the store still has it. */
static void item_hand_back(struct engine *e, struct item *item)
{
	event_drop(item->work.event);
	known_remove(e->known, item);
	free(item);
}

static void lane_leave(struct engine *e, int64_t delivery)
{
	e->lane_out--;
	sending_slot(e, delivery, 0);
}

void lane_take(struct engine *e, struct transfer *t)
{
	struct ending end = { .attempt = t->attempt };

	lane_leave(e, t->delivery);
	if (t->attempt.outcome == ATTEMPT_UNSET) { /* broken off by a stop */
		item_hand_back(e, t->item);
		transfer_destroy(t);
		return;
	}
	verdict_take(&t->verdict, &end);
	/* Without a judgement there was no receiver that answered. */
	if (t->verdict.kind == TOCSIN_UNKNOWN)
		end.turn = TURN_TROUBLE;
	attempt_end(e, t, &end);
}

/* An attempt whose call did not come back: recorded without its transfer. */
static void loss_settle(struct engine *e, struct lane_loss *loss)
{
	const struct work *work = &loss->item->work;
	struct settle *s = settle_next(e, loss->item);

	log_error("plugin=%s channel=%s did not come back in time; its thread is given up%s",
		  loss->plugin, loss->channel,
		  loss->was_last ? "; no thread is left for slow channels: restart tocsin" : "");
	lane_leave(e, work->delivery_id);
	settle_fill(s, work, &loss->attempt);
	settle_decide(e, work, 0, s);
	s->event_text_id = xstrdup(loss->event_id);
	schedule_done(e->schedule, loss->destination, TURN_TROUBLE,
		      loss->attempt.started_at_us / 1000, 0, clock_wall_ms());
}

void lane_look(struct engine *e)
{
	struct lane_loss loss;

	while (lane_late(e->lane, clock_mono_ms(), &loss))
		loss_settle(e, &loss);
}

void lane_hand_back(struct engine *e)
{
	struct transfer *t;

	while ((t = lane_take_back(e->lane)) != NULL) {
		lane_leave(e, t->delivery);
		item_hand_back(e, t->item);
		transfer_destroy(t);
	}
}

/* --- The beginning of an attempt ------------------------------------------------------ */

static void transfer_start(struct engine *e, struct transfer *t, const char *addresses)
{
	transfer_arm(t, &e->rules, addresses);
	if (sockets_add(e->sockets, t->easy) != ERR_OK) {
		attempt_end_unsent(e, t, ATTEMPT_RETRY, "out of memory");
		return;
	}
	in_flight_add(e, t);
}

/* True when the transfer went on or ended; false when it waits for its name. */
static bool transfer_resolve(struct engine *e, struct transfer *t)
{
	struct resolver *resolver = t->place.is_operator ? e->operator_resolver : e->resolver;
	struct resolve_answer answer;

	if (t->place.is_literal) {
		transfer_start(e, t, NULL);
		return true;
	}
	answer = resolver_find(resolver, t->place.host, clock_mono_ms());
	if (answer.state == RESOLVE_PENDING)
		return false;
	if (t->lookup_us == 0)
		t->lookup_us = clock_mono_us() - t->started_mono_us;
	if (answer.state == RESOLVE_OK) {
		transfer_start(e, t, answer.addresses);
		return true;
	}
	if (answer.state == RESOLVE_REFUSED)
		metric_add(METRIC_ADDRESS_REFUSED, 1);
	attempt_end_unsent(e, t, ATTEMPT_RETRY, answer.reason);
	return true;
}

static void transfer_go(struct engine *e, struct transfer *t)
{
	struct why why = { "" };
	/* Never one that was used before: Debian 12's libcurl 7.88.1 keeps a pointer
	 * to the last transfer's freed headers, and a reply that begins with a folded
	 * line makes it follow that (curl issue 11101). Connections are the multi
	 * handle's and outlive this one. */
	const enum err rc = transfer_prepare(t, &e->rules, curl_easy_init(), &why);

	if (rc != ERR_OK) {
		attempt_end_unsent(e, t, rc == ERR_BAD_REQUEST ? ATTEMPT_FAILED : ATTEMPT_RETRY,
				   why.text);
		return;
	}
	if (transfer_resolve(e, t))
		return;
	t->lookup_us = 0;
	list_add(&e->resolving, t);
}

/* Why it has to wait, as the moment to ask again; 0 = its turn is now. */
static int64_t turn_delay(struct engine *e, const struct transfer *t, int64_t now_ms)
{
	const struct channel *c = transfer_channel(t);
	const int64_t share = e->parts.conf->delivery.in_flight / OPERATOR_SHARE;

	if (c->lane == LANE_SLOW && !lane_has_room(e->lane, c))
		return now_ms + FULL_REST_MS;
	if (c->lane == LANE_FAST && c->operator_count > 0 && *operator_count(e, c) > share)
		return now_ms + FULL_REST_MS;
	return pace_take(e->pace, c, t->target, now_ms);
}

/* The process died inside the plugin with this very delivery, again and again. */
static bool has_struck_out(const struct transfer *t)
{
	return blame_strikes(t->delivery) >= STRIKES_MAX;
}

static void turn_use(struct engine *e, struct transfer *t)
{
	if (has_struck_out(t)) {
		attempt_end_unsent(e, t, ATTEMPT_FAILED,
				   "the channel's plugin crashed on it three times");
		return;
	}
	if (transfer_channel(t)->lane == LANE_FAST) {
		transfer_go(e, t);
		return;
	}
	e->lane_out++;
	sending_slot(e, 0, t->delivery);
	lane_add(e->lane, t);
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
	const int64_t now_ms = clock_wall_ms();

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
	const int64_t again_ms = turn_delay(e, t, now_ms);

	t->destination = d;
	if (again_ms == 0) {
		turn_use(e, t);
		return;
	}
	transfer_destroy(t);
	schedule_unpop(e->schedule, d, item, now_ms);
	schedule_rest(e->schedule, d, again_ms, now_ms);
}

void turns_take(struct engine *e)
{
	const size_t max = (size_t)e->parts.conf->delivery.in_flight;
	struct destination *d;
	struct item *item;

	if (atomic_load_explicit(&e->stopping, memory_order_relaxed))
		return;
	const int64_t now_ms = clock_wall_ms();
	while (e->in_flight < max && (item = schedule_pop(e->schedule, now_ms, &d)) != NULL)
		attempt_start(e, item, d);
}

void resolving_look(struct engine *e)
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

/* --- At a stop ------------------------------------------------------------ */

static void lane_end(struct engine *e)
{
	lane_hand_back(e);
	e->lane_has_ended = lane_stop(e->lane, LANE_STOP_MS);
	e->lane_has_stopped = true;
}

void attempts_give_up(struct engine *e)
{
	struct transfer *next;

	for (struct transfer *t = e->sending; t != NULL; t = next) {
		next = t->next;
		sockets_remove(e->sockets, t->easy);
		in_flight_remove(e, t);
		item_hand_back(e, t->item);
		transfer_destroy(t);
	}
	for (struct transfer *t = e->resolving; t != NULL; t = next) {
		next = t->next;
		list_remove(t);
		item_hand_back(e, t->item);
		transfer_destroy(t);
	}
	lane_end(e);
}
