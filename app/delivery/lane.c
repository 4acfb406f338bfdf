/* lane.c - threads that take transfers one by one and wait for each.
 * SPDX-License-Identifier: MIT
 * The lists are under one lock; a transfer that runs belongs to its thread. The
 * connections stay with their thread, so a relay's are used again. */
#include "delivery/lane.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "channel/blame.h"

enum {
	GRACE_MS = 5000,      /* after its time, before a call is given up */
	POLL_MS = 1000,       /* how soon a running transfer notices a stop */
	IDLE_CONNECTIONS = 4, /* kept by each thread */
	STACK_BYTES = 512 * 1024,
};

/* One declaration's line. */
struct line {
	const struct channel *channel;
	struct transfer *first, **last;
	size_t waiting;
	unsigned running;
};

struct worker {
	struct worker *next;
	struct lane *lane;
	pthread_t thread;
	CURLM *multi;
	struct transfer *running; /* under the lock */
	struct line *line;
	int64_t limit_mono_ms; /* when it must have come back */
	bool is_lost;          /* given up: ends when it comes back */
	bool has_ended;
};

struct lane {
	struct lane_parts parts;
	pthread_mutex_t lock;
	pthread_cond_t work, ended;
	struct line *lines;
	size_t line_count, turn; /* whose line is looked at first */
	struct worker *workers;
	unsigned alive, idle, lost; /* alive: not counting the lost */
	size_t count;
	bool stopping;
};

/* --- Lines ------------------------------------------------------------------------ */

static struct line *line_find(const struct lane *l, const struct channel *c)
{
	for (size_t i = 0; i < l->line_count; i++) {
		if (l->lines[i].channel == c)
			return &l->lines[i];
	}
	return NULL;
}

static unsigned running_max(const struct lane *l)
{
	return l->parts.threads > 1 ? l->parts.threads / 2 : 1;
}

/* The next transfer, declarations taking turns; NULL when none may run. */
static struct transfer *next_take(struct lane *l, struct line **out)
{
	for (size_t i = 0; i < l->line_count; i++) {
		struct line *line = &l->lines[(l->turn + i) % l->line_count];
		struct transfer *t = line->first;

		if (t == NULL || line->running >= running_max(l))
			continue;
		line->first = t->next;
		if (line->first == NULL)
			line->last = &line->first;
		line->waiting--;
		line->running++;
		l->turn = (l->turn + i + 1) % l->line_count;
		*out = line;
		return t;
	}
	return NULL;
}

/* --- One transfer, blocking ---------------------------------------------------------- */

static bool is_stopping(struct lane *l)
{
	pthread_mutex_lock(&l->lock);
	const bool stopping = l->stopping;
	pthread_mutex_unlock(&l->lock);
	return stopping;
}

/* False when it was broken off by a stop. */
static bool transfer_perform(struct worker *w, struct transfer *t, CURLcode *result)
{
	int running = 1, left = 0;
	CURLMsg *message;

	*result = CURLE_OUT_OF_MEMORY;
	if (curl_multi_add_handle(w->multi, t->easy) != CURLM_OK)
		return true;
	while (running > 0 && !is_stopping(w->lane)) {
		if (curl_multi_perform(w->multi, &running) != CURLM_OK)
			break;
		if (running > 0 && curl_multi_poll(w->multi, NULL, 0, POLL_MS, NULL) != CURLM_OK)
			break;
	}
	while ((message = curl_multi_info_read(w->multi, &left)) != NULL)
		*result = message->data.result;
	curl_multi_remove_handle(w->multi, t->easy);
	return running == 0 || !is_stopping(w->lane);
}

static enum attempt_outcome outcome_of(enum err rc)
{
	return rc == ERR_BAD_REQUEST ? ATTEMPT_FAILED : ATTEMPT_RETRY;
}

/* False when a stop broke it off: it was no attempt. */
static bool transfer_run(struct worker *w, struct transfer *t)
{
	const struct transfer_rules *rules = w->lane->parts.rules;
	struct why why = { "" };
	CURLcode result;

	if (transfer_channel(t)->plugin.vtable.deliver != NULL) {
		transfer_deliver(t, rules, &t->attempt, &t->verdict);
		return true;
	}
	const enum err rc = transfer_prepare(t, rules, curl_easy_init(), &why);

	if (rc != ERR_OK) {
		transfer_unsent(t, outcome_of(rc), why.text, &t->attempt);
		return true;
	}
	transfer_arm(t, rules, NULL);
	if (!transfer_perform(w, t, &result))
		return false;
	transfer_judge(t, result, &t->attempt, &t->verdict);
	return true;
}

/* --- A thread -------------------------------------------------------------------------- */

static void begin(struct worker *w, struct transfer *t, struct line *line)
{
	transfer_begin(t);
	w->running = t;
	w->line = line;
	w->limit_mono_ms = clock_mono_ms() + t->timeout_ms + GRACE_MS;
}

/* Wait for something to do. False at the end. */
static bool work_wait(struct worker *w, struct transfer **out)
{
	struct lane *l = w->lane;
	struct line *line = NULL;

	pthread_mutex_lock(&l->lock);
	while (!l->stopping && (*out = next_take(l, &line)) == NULL) {
		l->idle++;
		pthread_cond_wait(&l->work, &l->lock);
		l->idle--;
	}
	if (!l->stopping)
		begin(w, *out, line);
	const bool goes_on = !l->stopping;
	pthread_mutex_unlock(&l->lock);
	return goes_on;
}

/* True: the transfer is still ours, its line has room again. */
static bool work_end(struct worker *w)
{
	struct lane *l = w->lane;

	pthread_mutex_lock(&l->lock);
	const bool is_ours = !w->is_lost;
	if (is_ours) {
		w->running = NULL;
		w->line->running--;
		l->count--;
	}
	if (l->count > 0)
		pthread_cond_signal(&l->work);
	pthread_mutex_unlock(&l->lock);
	return is_ours;
}

static bool work_do(struct worker *w)
{
	struct transfer *t = NULL;

	if (!work_wait(w, &t))
		return false;
	const bool is_attempt = transfer_run(w, t);

	if (!work_end(w)) {
		log_warning("channel=%s plugin=%s came back after it was given up",
			    transfer_channel(t)->name, transfer_channel(t)->plugin.vtable.name);
		transfer_destroy(t);
		return false;
	}
	if (!is_attempt)
		t->attempt.outcome = ATTEMPT_UNSET;
	w->lane->parts.done(w->lane->parts.ctx, t);
	return true;
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;
	struct lane *l = w->lane;

	CURLM *multi = w->multi;

	blame_thread_begin();
	while (work_do(w))
		;
	pthread_mutex_lock(&l->lock);
	w->multi = NULL; /* nobody wakes it any more */
	pthread_mutex_unlock(&l->lock);
	/* Says QUIT to mail servers, and may wait for their answer. */
	curl_multi_cleanup(multi);
	blame_thread_end();
	pthread_mutex_lock(&l->lock);
	w->has_ended = true;
	if (w->is_lost)
		l->lost--;
	else
		l->alive--;
	pthread_cond_signal(&l->ended);
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

/* Under the lock. False when the system has no thread to give. */
static bool worker_start(struct lane *l)
{
	struct worker *w = xcalloc(1, sizeof(*w));
	pthread_attr_t attributes;

	w->lane = l;
	w->multi = curl_multi_init();
	if (w->multi == NULL) {
		free(w);
		return false;
	}
	curl_multi_setopt(w->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	const int rc = pthread_create(&w->thread, &attributes, worker_run, w);

	pthread_attr_destroy(&attributes);
	if (rc != 0) {
		curl_multi_cleanup(w->multi);
		free(w);
		return false;
	}
	w->next = l->workers;
	l->workers = w;
	l->alive++;
	return true;
}

/* As many again as there are threads may be lost inside plugins before no more
 * are replaced: one that always hangs must not eat all memory. */
static bool may_start(const struct lane *l)
{
	return l->alive < l->parts.threads && l->alive + l->lost < 2 * l->parts.threads;
}

/* Lost ones that came back and ended. Under the lock. */
static void workers_reap(struct lane *l)
{
	struct worker **link = &l->workers;

	while (*link != NULL) {
		struct worker *w = *link;

		if (!w->is_lost || !w->has_ended) {
			link = &w->next;
			continue;
		}
		*link = w->next;
		pthread_join(w->thread, NULL);
		free(w);
	}
}

/* --- The loop's side ---------------------------------------------------------------------- */

struct lane *lane_create(const struct lane_parts *parts)
{
	struct lane *l = xcalloc(1, sizeof(*l));

	l->parts = *parts;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->work, NULL);
	pthread_cond_init(&l->ended, NULL);
	return l;
}

bool lane_has_room(const struct lane *l, const struct channel *c)
{
	struct lane *mine = (struct lane *)(uintptr_t)l;

	pthread_mutex_lock(&mine->lock);
	const struct line *line = line_find(l, c);
	const bool has_room = line == NULL || line->waiting < l->parts.queue_max;
	pthread_mutex_unlock(&mine->lock);
	return has_room;
}

/* Running workers point into the lines, so they are all made at the first need
 * of each: an array of pointers would do as well, but channels are few. */
static struct line *line_get(struct lane *l, const struct channel *c)
{
	struct line *line = line_find(l, c);

	if (line != NULL)
		return line;
	struct line *lines = xcalloc(l->line_count + 1, sizeof(*lines));

	for (size_t i = 0; i < l->line_count; i++) {
		lines[i] = l->lines[i];
		if (lines[i].first == NULL)
			lines[i].last = &lines[i].first;
	}
	for (struct worker *w = l->workers; w != NULL; w = w->next) {
		if (w->line != NULL)
			w->line = lines + (w->line - l->lines);
	}
	free(l->lines);
	l->lines = lines;
	line = &lines[l->line_count++];
	line->channel = c;
	line->last = &line->first;
	return line;
}

void lane_add(struct lane *l, struct transfer *t)
{
	pthread_mutex_lock(&l->lock);
	struct line *line = line_get(l, transfer_channel(t));

	t->next = NULL;
	*line->last = t;
	line->last = &t->next;
	line->waiting++;
	l->count++;
	if (l->idle == 0 && may_start(l) && !worker_start(l) && l->alive == 0)
		log_error("no thread can be started for channel=%s; raise the limit on processes",
			  line->channel->name);
	pthread_cond_signal(&l->work);
	pthread_mutex_unlock(&l->lock);
}

size_t lane_count(const struct lane *l)
{
	struct lane *mine = (struct lane *)(uintptr_t)l;

	pthread_mutex_lock(&mine->lock);
	const size_t count = l->count;
	pthread_mutex_unlock(&mine->lock);
	return count;
}

static void loss_fill(const struct worker *w, struct lane_loss *out)
{
	struct transfer *t = w->running;
	const struct channel *c = transfer_channel(t);

	*out = (struct lane_loss){ .item = t->item,
				   .destination = t->destination,
				   .channel = c->name,
				   .plugin = c->plugin.vtable.name };
	memcpy(out->event_id, t->event_id, sizeof(out->event_id));
	transfer_unsent(t, ATTEMPT_RETRY,
			"the channel did not come back in time; it may have sent the message",
			&out->attempt);
}

bool lane_late(struct lane *l, int64_t mono_ms, struct lane_loss *out)
{
	bool found = false;

	pthread_mutex_lock(&l->lock);
	workers_reap(l);
	for (struct worker *w = l->workers; w != NULL && !found; w = w->next) {
		if (w->running == NULL || w->is_lost || mono_ms < w->limit_mono_ms)
			continue;
		loss_fill(w, out);
		w->is_lost = found = true;
		w->line->running--;
		l->count--;
		l->alive--;
		l->lost++;
		if (may_start(l))
			(void)!worker_start(l);
		out->was_last = l->alive == 0;
	}
	pthread_mutex_unlock(&l->lock);
	return found;
}

struct transfer *lane_take_back(struct lane *l)
{
	struct transfer *t = NULL;

	pthread_mutex_lock(&l->lock);
	for (size_t i = 0; i < l->line_count && t == NULL; i++) {
		struct line *line = &l->lines[i];

		t = line->first;
		if (t == NULL)
			continue;
		line->first = t->next;
		if (line->first == NULL)
			line->last = &line->first;
		line->waiting--;
		l->count--;
	}
	pthread_mutex_unlock(&l->lock);
	return t;
}

bool lane_stop(struct lane *l, int64_t wait_ms)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += (time_t)(wait_ms / 1000);
	pthread_mutex_lock(&l->lock);
	l->stopping = true;
	pthread_cond_broadcast(&l->work);
	for (struct worker *w = l->workers; w != NULL; w = w->next) {
		if (w->multi != NULL)
			(void)!curl_multi_wakeup(w->multi);
	}
	while (l->alive + l->lost > 0 &&
	       pthread_cond_timedwait(&l->ended, &l->lock, &until) != ETIMEDOUT)
		;
	const bool all_ended = l->alive + l->lost == 0;
	pthread_mutex_unlock(&l->lock);
	return all_ended;
}

void lane_destroy(struct lane *l)
{
	if (l == NULL)
		return;
	while (l->workers != NULL) {
		struct worker *w = l->workers;

		l->workers = w->next;
		pthread_join(w->thread, NULL);
		free(w);
	}
	free(l->lines);
	pthread_cond_destroy(&l->ended);
	pthread_cond_destroy(&l->work);
	pthread_mutex_destroy(&l->lock);
	free(l);
}
