/* writer.c - the writer thread and its queue.
 * SPDX-License-Identifier: MIT
 *
 * Batches form by themselves: while one transaction is on its way to the disk
 * the next units gather. Nothing waits on purpose, but units nobody waits for
 * (settles) ride with the next one that somebody does, for a few milliseconds. */
#include "store/writer.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"

enum { BATCH_WEIGHT_MAX = 256, LAZY_WAIT_MS = 3, TROUBLE_WAIT_MS = 250 };

/* Background work is asked again at least so often: its clock may have been set. */
enum { SLICE_LOOK_MS = 1000 };

struct unit_list {
	struct unit *first, **last;
};

struct writer {
	struct writer_driver driver;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct unit_list urgent, lazy; /* under lock */
	bool is_asleep, is_stopping;   /* under lock */
	bool is_troubled;              /* the last round failed; writer thread */
	_Atomic int health;
};

static void list_init(struct unit_list *l)
{
	l->first = NULL;
	l->last = &l->first;
}

static void list_push(struct unit_list *l, struct unit *u)
{
	u->next = NULL;
	*l->last = u;
	l->last = &u->next;
}

static struct unit *list_pop(struct unit_list *l)
{
	struct unit *u = l->first;

	if (u == NULL)
		return NULL;
	l->first = u->next;
	if (l->first == NULL)
		l->last = &l->first;
	return u;
}

/* --- The waiting side ----------------------------------------------------- */

static void futex(_Atomic uint32_t *word, int op, uint32_t value)
{
	(void)syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

struct waiting_unit {
	struct unit unit;
	struct unit *real;
	_Atomic uint32_t done;
};

static enum err waiting_run(void *driver, struct unit *u)
{
	struct waiting_unit *w = (struct waiting_unit *)u;

	return w->real->run(driver, w->real);
}

static void waiting_committed(void *driver, struct unit *u)
{
	struct waiting_unit *w = (struct waiting_unit *)u;

	if (w->real->committed != NULL)
		w->real->committed(driver, w->real);
}

static void waiting_finished(struct unit *u)
{
	struct waiting_unit *w = (struct waiting_unit *)u;

	atomic_store_explicit(&w->done, 1, memory_order_release);
	/* The waiter may be gone by now: the address is only a key here. */
	futex(&w->done, FUTEX_WAKE, 1);
}

enum err writer_run(struct writer *w, struct unit *u)
{
	struct waiting_unit waiting = {
		.unit = { .run = waiting_run,
			  .committed = waiting_committed,
			  .finished = waiting_finished,
			  .weight = u->weight },
		.real = u,
	};

	writer_submit(w, &waiting.unit);
	while (atomic_load_explicit(&waiting.done, memory_order_acquire) == 0)
		futex(&waiting.done, FUTEX_WAIT, 0);
	u->rc = waiting.unit.rc;
	return u->rc;
}

void writer_submit(struct writer *w, struct unit *u)
{
	pthread_mutex_lock(&w->lock);
	if (w->is_stopping) {
		pthread_mutex_unlock(&w->lock);
		u->rc = ERR_STOPPING;
		u->finished(u);
		return;
	}
	list_push(u->is_lazy ? &w->lazy : &w->urgent, u);
	if (w->is_asleep)
		pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

enum err writer_health(struct writer *w)
{
	return (enum err)atomic_load_explicit(&w->health, memory_order_relaxed);
}

/* --- The writer thread ---------------------------------------------------- */

static void wait_ms(struct writer *w, int64_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	until.tv_sec += (time_t)(ms / 1000) + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	w->is_asleep = true;
	pthread_cond_timedwait(&w->wake, &w->lock, &until);
	w->is_asleep = false;
}

/* After a failure background work and recovery are tried now and then, not in a spin. */
static void wait_for_units(struct writer *w, int64_t slice_wait_ms)
{
	bool has_waited = false;

	if (w->is_troubled) {
		if (w->urgent.first == NULL && w->lazy.first == NULL && !w->is_stopping)
			wait_ms(w, TROUBLE_WAIT_MS);
		return;
	}

	while (w->urgent.first == NULL && slice_wait_ms > 0 && !w->is_stopping && !has_waited) {
		const bool has_lazy = w->lazy.first != NULL;

		if (has_lazy || slice_wait_ms != INT64_MAX) {
			wait_ms(w, has_lazy                        ? LAZY_WAIT_MS
				   : slice_wait_ms < SLICE_LOOK_MS ? slice_wait_ms
								   : SLICE_LOOK_MS);
			has_waited = has_lazy || w->lazy.first == NULL;
			continue;
		}
		w->is_asleep = true;
		pthread_cond_wait(&w->wake, &w->lock);
		w->is_asleep = false;
	}
}

/* Move units up to the weight of one batch; at least one. */
static size_t batch_take(struct writer *w, struct unit_list *batch, size_t *out_weight)
{
	size_t weight = 0, count = 0;
	struct unit_list *const sources[] = { &w->urgent, &w->lazy };

	for (size_t i = 0; i < COUNT_OF(sources); i++) {
		while (sources[i]->first != NULL &&
		       (count == 0 || weight + sources[i]->first->weight <= BATCH_WEIGHT_MAX)) {
			struct unit *u = list_pop(sources[i]);

			weight += u->weight;
			count++;
			list_push(batch, u);
		}
	}
	*out_weight = weight;
	return count;
}

static void batch_fail(struct unit_list *batch, enum err rc)
{
	for (struct unit *u = batch->first; u != NULL; u = u->next)
		u->rc = rc;
}

/* Errors of the file or the disk sink the whole batch; any other is the unit's own. */
static bool is_fatal(enum err rc)
{
	return rc == ERR_IO || rc == ERR_FULL || rc == ERR_CORRUPT || rc == ERR_BUSY;
}

enum replay { REPLAY_NO, REPLAY_YES, REPLAY_FATAL };

static enum replay batch_run_plain(struct writer *w, struct unit_list *batch)
{
	const struct writer_driver *d = &w->driver;

	for (struct unit *u = batch->first; u != NULL; u = u->next) {
		const uint64_t before = d->changes(d->ctx);

		u->rc = u->run(d->ctx, u);
		if (is_fatal(u->rc))
			return REPLAY_FATAL;
		if (u->rc != ERR_OK && d->changes(d->ctx) != before)
			return REPLAY_YES; /* it failed half way: undo it alone */
	}
	return REPLAY_NO;
}

static enum replay batch_run_apart(struct writer *w, struct unit_list *batch)
{
	const struct writer_driver *d = &w->driver;

	for (struct unit *u = batch->first; u != NULL; u = u->next) {
		enum err rc = d->unit_begin(d->ctx);

		if (rc == ERR_OK)
			rc = u->run(d->ctx, u);
		u->rc = rc;
		if (is_fatal(rc))
			return REPLAY_FATAL;
		if (rc != ERR_OK)
			d->unit_undo(d->ctx);
		else if (d->unit_keep(d->ctx) != ERR_OK)
			return REPLAY_FATAL;
	}
	return REPLAY_NO;
}

static enum err fatal_of(const struct unit_list *batch)
{
	for (struct unit *u = batch->first; u != NULL; u = u->next)
		if (is_fatal(u->rc))
			return u->rc;
	return ERR_IO;
}

static enum err batch_commit(struct writer *w, struct unit_list *batch)
{
	const struct writer_driver *d = &w->driver;
	enum err rc = d->begin(d->ctx);

	if (rc != ERR_OK)
		return rc;
	enum replay next = batch_run_plain(w, batch);
	if (next == REPLAY_YES) {
		d->rollback(d->ctx);
		rc = d->begin(d->ctx);
		if (rc != ERR_OK)
			return rc;
		next = batch_run_apart(w, batch);
	}
	if (next != REPLAY_NO) {
		d->rollback(d->ctx);
		return fatal_of(batch);
	}
	return d->commit(d->ctx);
}

static void batch_finish(struct writer *w, struct unit_list *batch, enum err rc)
{
	struct unit *next;

	if (rc != ERR_OK)
		batch_fail(batch, rc);
	for (struct unit *u = batch->first; u != NULL; u = u->next)
		if (u->rc == ERR_OK && u->committed != NULL)
			u->committed(w->driver.ctx, u);
	for (struct unit *u = batch->first; u != NULL; u = next) {
		next = u->next;
		u->finished(u);
	}
}

static void batch_measure(size_t count, int64_t started_us, enum err rc)
{
	if (rc != ERR_OK) {
		metric_add(METRIC_COMMIT_ERRORS, 1);
		return;
	}
	metric_add(METRIC_COMMITS, 1);
	histogram_record(HISTOGRAM_COMMIT_UNITS, (double)count);
	histogram_record(HISTOGRAM_COMMIT_SECONDS, (double)(clock_mono_us() - started_us) / 1e6);
}

static void writer_recover(struct writer *w)
{
	const enum err rc = w->driver.recover(w->driver.ctx);

	w->is_troubled = rc != ERR_OK;
	atomic_store_explicit(&w->health, (int)rc, memory_order_relaxed);
}

/* slice: the one in the batch, or NULL. */
static void batch_write(struct writer *w, struct unit_list *batch, size_t count,
			const struct unit *slice)
{
	const int64_t started_us = clock_mono_us();
	enum err rc = batch_commit(w, batch);

	batch_measure(count, started_us, rc);
	atomic_store_explicit(&w->health, (int)rc, memory_order_relaxed);
	if (rc != ERR_OK && rc != ERR_BUSY)
		writer_recover(w);
	w->is_troubled = rc != ERR_OK || (slice != NULL && slice->rc != ERR_OK);
	batch_finish(w, batch, rc);
}

/* One round: wait, take, commit, tidy up. False when it is time to go. */
static bool writer_round(struct writer *w)
{
	const struct writer_driver *d = &w->driver;
	const int64_t slice_wait_ms = d->slice_wait_ms(d->ctx);
	struct unit_list batch;
	size_t weight = 0;

	list_init(&batch);
	pthread_mutex_lock(&w->lock);
	wait_for_units(w, slice_wait_ms);
	size_t count = batch_take(w, &batch, &weight);
	const bool is_stopping = w->is_stopping;
	pthread_mutex_unlock(&w->lock);
	if (count == 0 && is_stopping)
		return false;

	struct unit *slice = d->slice(d->ctx, weight);
	if (slice != NULL) {
		list_push(&batch, slice);
		count++;
	}
	if (count > 0)
		batch_write(w, &batch, count, slice);
	else if (w->is_troubled)
		writer_recover(w);

	pthread_mutex_lock(&w->lock);
	const bool is_idle = w->urgent.first == NULL;
	pthread_mutex_unlock(&w->lock);
	d->settled(d->ctx, is_idle);
	return true;
}

static void *writer_loop(void *arg)
{
	while (writer_round(arg))
		continue;
	return NULL;
}

struct writer *writer_create(const struct writer_driver *driver)
{
	struct writer *w = xcalloc(1, sizeof(*w));
	pthread_condattr_t attr;

	w->driver = *driver;
	list_init(&w->urgent);
	list_init(&w->lazy);
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&w->thread, NULL, writer_loop, w) != 0) {
		writer_destroy(w);
		return NULL;
	}
	return w;
}

void writer_stop(struct writer *w)
{
	pthread_mutex_lock(&w->lock);
	const bool was_running = !w->is_stopping;
	w->is_stopping = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	if (was_running)
		pthread_join(w->thread, NULL);
}

void writer_destroy(struct writer *w)
{
	if (w == NULL)
		return;
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
