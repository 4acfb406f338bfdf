/* readers.c - the pool of read-only connections.
 * SPDX-License-Identifier: MIT
 * Any thread. Each statement step is its own read unless a caller needs one
 * snapshot: all reads here begin one, so that a page is consistent. */
#include "store/sqlite/readers.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/mem.h"

enum { READER_CACHE_BYTES = 2 << 20 };

struct readers {
	const char *path;
	int64_t busy_timeout_ms;
	pthread_mutex_t lock;
	pthread_cond_t freed;
	struct db *all;
	struct db **idle; /* a stack: the warmest is used first */
	unsigned count, idle_count;
};

struct readers *readers_create(const char *path, unsigned count, int64_t busy_timeout_ms)
{
	struct readers *r = xcalloc(1, sizeof(*r));

	r->path = path;
	r->busy_timeout_ms = busy_timeout_ms;
	r->count = count;
	r->all = xcalloc(count, sizeof(*r->all));
	r->idle = xcalloc(count, sizeof(*r->idle));
	for (unsigned i = 0; i < count; i++)
		r->idle[i] = &r->all[count - 1 - i];
	r->idle_count = count;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->freed, NULL);
	return r;
}

void readers_destroy(struct readers *r)
{
	if (r == NULL)
		return;
	for (unsigned i = 0; i < r->count; i++)
		if (r->all[i].handle != NULL)
			db_close(&r->all[i]);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->freed);
	free(r->all);
	free(r->idle);
	free(r);
}

static void reader_return(struct readers *r, struct db *db)
{
	pthread_mutex_lock(&r->lock);
	r->idle[r->idle_count++] = db;
	pthread_cond_signal(&r->freed);
	pthread_mutex_unlock(&r->lock);
}

enum err readers_take(struct readers *r, struct db **out)
{
	enum err rc = ERR_OK;

	pthread_mutex_lock(&r->lock);
	while (r->idle_count == 0)
		pthread_cond_wait(&r->freed, &r->lock);
	struct db *db = r->idle[--r->idle_count];
	pthread_mutex_unlock(&r->lock);

	if (db->handle == NULL)
		rc = db_open(db, r->path, DB_READ, READER_CACHE_BYTES, r->busy_timeout_ms, NULL);
	if (rc == ERR_OK)
		rc = db_exec(db, "BEGIN");
	if (rc != ERR_OK) {
		reader_return(r, db);
		return rc;
	}
	*out = db;
	return ERR_OK;
}

void readers_give(struct readers *r, struct db *db)
{
	if (db_exec(db, "COMMIT") != ERR_OK && !sqlite3_get_autocommit(db->handle))
		db_close(db); /* it would never begin again; the next one opens it anew */
	reader_return(r, db);
}
