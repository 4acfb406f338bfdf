/* trial_rounds.c - many attempts: what do they leave behind, and may they overlap?
 * Not here: single ones (trial_requests.c, trial_judging.c).
 * Main thread, and some of its own.
 * SPDX-License-Identifier: MIT */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>

#include "delivery/trial_state.h"

enum {
	BATCHES = 4,
	ROUNDS = 400,
	GROWTH_MAX_BYTES = ROUNDS * 8, /* allocators' own ups and downs */
	THREADS = 4,
	THREAD_ROUNDS = 100,
	OPENS = 20,
	ROUNDS_MAX_S = 60,
};

/* Attempt n: events and answers take turns. */
static void round_make(struct trial *t, const struct trial_configs *configs, size_t n)
{
	struct trial_attempt a;
	struct trial_outcome out;
	struct tocsin_verdict v;

	if (!trial_outcome_make(t->channel, n, &out))
		trial_outcome_make(t->channel, n % 7, &out);
	trial_attempt_make(t, configs, &t->events[n % TRIAL_EVENTS], 1 + n % 3, &a);
	if (a.transfer->is_prepared && n % 4 != 3)
		trial_judge(t, &a, &out, &v);
	trial_attempt_finish(&a);
}

static void rounds_make(struct trial *t, const struct trial_configs *configs, size_t count)
{
	trial_call(t, "many attempts, configs %s", configs->label);
	trial_limit(t, ROUNDS_MAX_S);
	for (size_t n = 0; n < count; n++)
		round_make(t, configs, n);
	trial_return(t);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static size_t memory_bytes(void)
{
	return 0; /* a sanitizer's allocator counts elsewhere, and finds leaks itself */
}
#else
static size_t memory_bytes(void)
{
	const struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}
#endif

/* Free memory in malloc's caches counts as taken, so one batch may grow without
 * a leak; a leak grows in every one. Returns the growth of the best. */
static size_t growth_measure(struct trial *t, const struct trial_configs *configs)
{
	size_t least = SIZE_MAX;

	for (unsigned i = 0; i < BATCHES && least > GROWTH_MAX_BYTES; i++) {
		const size_t before = memory_bytes();

		rounds_make(t, configs, ROUNDS);
		const size_t after = memory_bytes();
		const size_t growth = after > before ? after - before : 0;

		least = growth < least ? growth : least;
	}
	return least;
}

static void configs_try(struct trial *t, const struct trial_configs *configs)
{
	rounds_make(t, configs, ROUNDS);
	const unsigned files = trial_files_count();
	const size_t growth = growth_measure(t, configs);

	if (trial_files_count() > files)
		trial_find(t, TRIAL_FAIL,
			   "attempts leave files open: %u more than before (configs %s)",
			   trial_files_count() - files, configs->label);
	if (growth > GROWTH_MAX_BYTES)
		trial_find(t, TRIAL_FAIL,
			   "%zu bytes are left allocated by %d attempts (configs %s)", growth,
			   ROUNDS, configs->label);
}

/* --- At once -------------------------------------------------------------------- */

struct thread {
	struct trial *t;
	pthread_t id;
	bool is_running;
	size_t first;
};

static void *thread_run(void *arg)
{
	struct thread *thread = arg;
	struct trial *t = thread->t;

	for (size_t n = 0; n < THREAD_ROUNDS; n++)
		round_make(t, &t->configs[(thread->first + n) % t->configs_count],
			   thread->first + n);
	return NULL;
}

static void threads_try(struct trial *t)
{
	struct thread threads[THREADS] = { { 0 } };

	trial_topic(t, "threads");
	trial_call(t, "attempts on %d threads at once", THREADS);
	trial_limit(t, ROUNDS_MAX_S);
	for (size_t i = 0; i < THREADS; i++) {
		threads[i] = (struct thread){ .t = t, .first = i * 3 };
		threads[i].is_running = pthread_create(&threads[i].id, NULL, thread_run,
						       &threads[i]) == 0;
	}
	for (size_t i = 0; i < THREADS; i++) {
		if (threads[i].is_running)
			pthread_join(threads[i].id, NULL);
	}
	trial_return(t);
	trial_settle(t, "%d threads, %d attempts each, at once", THREADS, THREAD_ROUNDS);
}

/* --- Opening -------------------------------------------------------------------- */

static void opens_try(struct trial *t)
{
	const struct tocsin_channel *v = &t->channel->plugin.vtable;
	char reason[256] = "";

	trial_topic(t, "open, close");
	if (v->open == NULL) {
		trial_settle(t, "the plugin has no open()");
		return;
	}
	const unsigned files = trial_files_count();

	for (unsigned i = 0; i < OPENS; i++) {
		void *state = NULL;

		trial_call(t, "open() once more");
		const int rc = v->open(t->host, t->channel->settings, &state, reason,
				       sizeof(reason));

		trial_call(t, "close()");
		if (rc == TOCSIN_OK && v->close != NULL)
			v->close(state);
		trial_return(t);
	}
	if (trial_files_count() > files)
		trial_find(t, TRIAL_FAIL, "%u files are left open by open() and close(), %d times",
			   trial_files_count() - files, OPENS);
	trial_settle(t, "two declarations side by side, then %d more", OPENS);
}

void trial_rounds(struct trial *t)
{
	opens_try(t);
	if (t->channel->plugin.vtable.deliver != NULL || t->configs_count == 0)
		return;
	trial_topic(t, "leaks");
	if (t->is_slow) {
		trial_find(t, TRIAL_NOTE,
			   "not tried, nor are answers and threads: prepare() is too slow");
		return;
	}
	for (size_t c = 0; c < t->configs_count; c++)
		configs_try(t, &t->configs[c]);
	trial_settle(t, "%d attempts, %zu configs%s", ROUNDS, t->configs_count,
		     memory_bytes() == 0 ? " (files only: memory is the sanitizer's)" : "");
	threads_try(t);
}
