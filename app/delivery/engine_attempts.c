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
#include "delivery/engine_state.h"
#include "model/ids.h"

enum { UNDECLARED_REST_MS = 30000 };

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
		attempt_tell(t, &end->attempt, s->attempt.reason);
	}
	receiver_tell(t, &end->attempt, s->attempt.reason);
	attempt_measure(t, &end->attempt);
	schedule_done(e->schedule, t->destination, end->turn, t->started_us / 1000, end->rest_ms,
		      clock_wall_ms());
	curl_easy_cleanup(t->easy);
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

void transfer_finish(struct engine *e, CURL *easy, CURLcode result)
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
	/* Never one that was used before: Debian 12's libcurl 7.88.1 keeps a pointer
	 * to the last transfer's freed headers, and a reply that begins with a folded
	 * line makes it follow that (curl issue 11101). Connections are the multi
	 * handle's and outlive this one. */
	CURL *easy = curl_easy_init();
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
	if (answer.state == RESOLVE_OK) {
		transfer_start(e, t, answer.addresses);
		return true;
	}
	if (answer.state == RESOLVE_REFUSED)
		metric_add(METRIC_ADDRESS_REFUSED, 1);
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
	t->destination = d;
	if (transfer_resolve(e, t))
		return;
	t->lookup_us = 0;
	list_add(&e->resolving, t);
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

void attempts_give_up(struct engine *e)
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
			curl_easy_cleanup(t->easy);
			event_drop(t->item->work.event);
			known_remove(e->known, t->item);
			free(t->item);
			transfer_destroy(t);
		}
	}
}
