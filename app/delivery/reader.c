/* reader.c - asking the store, off the delivery loop.
 * SPDX-License-Identifier: MIT
 * Wishes that gather while one reading is under way are read together. */
#include "delivery/reader.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { WANTS_AT_ONCE = 64, AGAIN_MS = 1000 };

struct reader {
	struct reader_parts parts;
	pthread_t thread;
	bool runs;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct store_want *wants; /* under lock, as all below */
	size_t want_count, want_size;
	int64_t *reloads;
	size_t reload_count, reload_size;
	bool is_stopping;
};

void read_result_destroy(struct read_result *r)
{
	free(r->wants);
	free(r->work);
	free(r);
}

/* Take the oldest wishes. */
static size_t wants_take(struct reader *r, struct store_want *out)
{
	const size_t count = r->want_count < WANTS_AT_ONCE ? r->want_count : WANTS_AT_ONCE;

	if (count == 0) /* there may be no array yet */
		return 0;
	memcpy(out, r->wants, count * sizeof(*out));
	memmove(r->wants, r->wants + count, (r->want_count - count) * sizeof(*out));
	r->want_count -= count;
	return count;
}

static void wants_read(struct reader *r, const struct store_want *wants, size_t count)
{
	struct read_result *result = xcalloc(1, sizeof(*result));
	const int64_t now_ms = clock_wall_ms();
	size_t room = 0;

	result->wants = xcalloc(count, sizeof(*wants));
	memcpy(result->wants, wants, count * sizeof(*wants));
	result->want_count = count;
	for (size_t i = 0; i < count; i++)
		room += wants[i].room + 1; /* one more may be read than is taken */
	result->work = xcalloc(room, sizeof(*result->work));
	const struct store_work_query query = { .now_ms = now_ms,
						.payload_max_bytes = r->parts.payload_max_bytes,
						.wants = result->wants,
						.want_count = count };
	enum err rc = store_work_read(r->parts.store, &query, result->work, &result->work_count);
	if (rc != ERR_OK) {
		log_error("store: reading due deliveries: %s; trying again", err_text(rc));
		for (size_t i = 0; i < count; i++)
			result->wants[i].next_due_ms = now_ms + AGAIN_MS;
		result->work_count = 0;
	}
	r->parts.arrived(r->parts.ctx, result);
}

static void *reader_loop(void *arg)
{
	struct reader *r = arg;
	struct store_want wants[WANTS_AT_ONCE];

	pthread_mutex_lock(&r->lock);
	while (!r->is_stopping) {
		if (r->want_count == 0 && r->reload_count == 0) {
			pthread_cond_wait(&r->wake, &r->lock);
			continue;
		}
		const int64_t reload = r->reload_count > 0 ? r->reloads[--r->reload_count] : 0;
		const size_t count = wants_take(r, wants);
		pthread_mutex_unlock(&r->lock);
		if (reload != 0)
			r->parts.reload(r->parts.ctx, reload);
		if (count > 0)
			wants_read(r, wants, count);
		pthread_mutex_lock(&r->lock);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

struct reader *reader_create(const struct reader_parts *parts)
{
	struct reader *r = xcalloc(1, sizeof(*r));

	r->parts = *parts;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->wake, NULL);
	return r;
}

enum err reader_start(struct reader *r)
{
	r->runs = pthread_create(&r->thread, NULL, reader_loop, r) == 0;
	return r->runs ? ERR_OK : ERR_MEMORY;
}

void reader_stop(struct reader *r)
{
	pthread_mutex_lock(&r->lock);
	r->is_stopping = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	if (r->runs)
		pthread_join(r->thread, NULL);
	r->runs = false;
}

void reader_destroy(struct reader *r)
{
	if (r == NULL)
		return;
	reader_stop(r);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->wake);
	free(r->wants);
	free(r->reloads);
	free(r);
}

void reader_want(struct reader *r, int64_t destination, unsigned room)
{
	pthread_mutex_lock(&r->lock);
	if (r->want_count == r->want_size) {
		r->want_size = r->want_size == 0 ? 64 : r->want_size * 2;
		r->wants = xrealloc(r->wants, r->want_size * sizeof(*r->wants));
	}
	r->wants[r->want_count++] = (struct store_want){ .destination = destination, .room = room };
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
}

void reader_reload(struct reader *r, int64_t webhook)
{
	pthread_mutex_lock(&r->lock);
	if (r->reload_count == r->reload_size) {
		r->reload_size = r->reload_size == 0 ? 16 : r->reload_size * 2;
		r->reloads = xrealloc(r->reloads, r->reload_size * sizeof(*r->reloads));
	}
	r->reloads[r->reload_count++] = webhook;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
}
