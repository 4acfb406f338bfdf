/* store.c - opening, closing and driving the SQLite store.
 * SPDX-License-Identifier: MIT
 * The writer's connection is the only one that writes and the only one that
 * checkpoints. Functions behind struct writer_driver run on the writer thread. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "store/sqlite/backup.h"
#include "store/sqlite/lock.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/state.h"

enum { CHECKPOINT_PAGES = 4000, CHECKPOINT_IDLE_PAGES = 500 };

enum err store_run(struct store *s, struct unit *u, enum err (*run)(void *driver, struct unit *u))
{
	u->run = run;
	return writer_run(s->writer, u);
}

/* --- The driver ------------------------------------------------------------- */

static enum err driver_begin(void *ctx)
{
	struct store *s = ctx;

	if (s->db.handle == NULL)
		return ERR_IO; /* a former failure could not be mended yet */
	return db_run(&s->db, db_statement(&s->db, ST_BEGIN));
}

static void driver_rollback(void *ctx)
{
	struct store *s = ctx;

	if (!sqlite3_get_autocommit(s->db.handle))
		(void)!db_run(&s->db, db_statement(&s->db, ST_ROLLBACK));
	heads_undo(s->heads, 0);
}

static void gauges_set(struct store *s)
{
	metric_set(METRIC_DELIVERIES_WAITING, heads_total(s->heads, DELIVERY_DUE));
	metric_set(METRIC_DELIVERIES_HELD, heads_total(s->heads, DELIVERY_HELD));
	metric_set(METRIC_WAL_PAGES, s->db.wal_pages);
}

static void space_gauges_set(struct store *s)
{
	int64_t bytes = 0, pages = 0, free_pages = 0;

	if (removal_space(s, &bytes, &pages, &free_pages) != ERR_OK || pages == free_pages)
		return;
	metric_set(METRIC_STORE_BYTES, bytes);
	metric_set(METRIC_STORE_FREE_BYTES, bytes / (pages - free_pages) * free_pages);
}

static enum err driver_commit(void *ctx)
{
	struct store *s = ctx;
	enum err rc = heads_save(s->heads, &s->db);

	if (rc == ERR_OK)
		rc = db_run(&s->db, db_statement(&s->db, ST_COMMIT));
	if (rc != ERR_OK)
		driver_rollback(ctx);
	heads_settle(s->heads);
	gauges_set(s);
	return rc;
}

static enum err driver_unit_begin(void *ctx)
{
	struct store *s = ctx;

	s->unit_place = heads_place(s->heads);
	return db_run(&s->db, db_statement(&s->db, ST_SAVEPOINT));
}

static enum err driver_unit_keep(void *ctx)
{
	struct store *s = ctx;

	return db_run(&s->db, db_statement(&s->db, ST_SAVEPOINT_KEEP));
}

static void driver_unit_undo(void *ctx)
{
	struct store *s = ctx;

	heads_undo(s->heads, s->unit_place);
	(void)!db_run(&s->db, db_statement(&s->db, ST_SAVEPOINT_UNDO));
	(void)!db_run(&s->db, db_statement(&s->db, ST_SAVEPOINT_KEEP));
}

static uint64_t driver_changes(void *ctx)
{
	struct store *s = ctx;

	/* Heads count, too: a unit may fail after changing them and before any row. */
	return (uint64_t)sqlite3_total_changes64(s->db.handle) + heads_place(s->heads);
}

static enum err memory_load(struct store *s)
{
	enum err rc = heads_load(s->heads, &s->db);

	if (rc == ERR_OK)
		rc = sweeps_load(s);
	if (rc == ERR_OK)
		rc = retention_load(s);
	gauges_set(s);
	space_gauges_set(s);
	return rc;
}

/* A real commit. It also overwrites what a failed one may have left in the log,
 * which a restart would take for committed. */
static enum err probe_write(struct store *s)
{
	sqlite3_stmt *st = db_statement(&s->db, ST_META_SET);

	db_bind_text(st, 1, span_of("probe"));
	db_bind_int(st, 2, clock_wall_ms());
	return db_run(&s->db, st);
}

/* After a failed write or sync nothing that this connection has in its cache
 * can be trusted: start again from the file. Without all of the memory the
 * connection stays closed: deliveries and chains would be missed. */
static enum err driver_recover(void *ctx)
{
	struct store *s = ctx;

	backup_fail(s, ERR_IO);
	if (s->db.handle != NULL)
		db_close(&s->db);
	enum err rc = db_open(&s->db, s->path, DB_WRITE, s->options.cache_bytes,
			      s->options.busy_timeout_ms, NULL);
	if (rc == ERR_OK)
		rc = probe_write(s);
	if (rc == ERR_OK)
		rc = memory_load(s);
	if (rc != ERR_OK && s->db.handle != NULL)
		db_close(&s->db);
	return rc;
}

static int64_t driver_slice_wait_ms(void *ctx)
{
	struct store *s = ctx;

	if (s->sweeps != NULL || backup_is_active(s->backup))
		return 0;
	return retention_wait_ms(s, clock_mono_ms());
}

/* Sweeps first: somebody changed a webhook and waits for what that means. */
static struct unit *driver_slice(void *ctx, size_t weight)
{
	struct store *s = ctx;

	if (s->db.handle == NULL)
		return NULL;
	return s->sweeps != NULL ? sweeps_slice(s) : retention_slice(s, weight);
}

static void driver_settled(void *ctx, bool is_idle)
{
	struct store *s = ctx;
	const int limit = is_idle ? CHECKPOINT_IDLE_PAGES : CHECKPOINT_PAGES;

	if (s->db.handle == NULL)
		return; /* the writer asks for recovery again */
	backup_step(s, is_idle);
	if (s->db.wal_pages < s->checkpointed_pages)
		s->checkpointed_pages = 0; /* the log began anew */
	if (s->db.wal_pages - s->checkpointed_pages < limit)
		return;
	(void)sqlite3_wal_checkpoint_v2(s->db.handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	s->checkpointed_pages = s->db.wal_pages;
	metric_add(METRIC_CHECKPOINTS, 1);
	space_gauges_set(s);
}

/* --- Opening ------------------------------------------------------------------ */

/* SQLite would make the file with the umask's mode. */
static enum err file_create(const char *path, struct why *why)
{
	const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0) {
		why_set(why,
			"cannot open %s for writing: %s; give its folder to the user that runs "
			"tocsin",
			path, strerror(errno));
		return ERR_DENIED;
	}
	close(fd);
	return ERR_OK;
}

static enum err id_key_load(struct store *s)
{
	sqlite3_stmt *st = db_statement(&s->db, ST_META_GET);

	db_bind_text(st, 1, span_of("id_key"));
	enum err rc = db_step(&s->db, st);
	if (rc != ERR_OK)
		return rc == ERR_NOT_FOUND ? ERR_CORRUPT : rc;
	const struct span key = db_column_span(st, 0);
	if (key.len == sizeof(s->id_key))
		memcpy(s->id_key, key.ptr, key.len);
	else
		rc = ERR_CORRUPT;
	db_reset(st);
	return rc;
}

static enum err file_open(struct store *s, struct why *why)
{
	struct why detail = { "" };
	enum err rc = db_open(&s->db, s->path, DB_WRITE, s->options.cache_bytes,
			      s->options.busy_timeout_ms, &detail);

	if (rc == ERR_OK)
		rc = schema_prepare(&s->db, &detail);
	if (rc == ERR_OK)
		rc = id_key_load(s);
	if (rc == ERR_OK)
		rc = memory_load(s);
	if (rc == ERR_OK)
		return ERR_OK;
	if (detail.text[0] == '\0' && s->db.handle != NULL)
		why_set(&detail, "%s", sqlite3_errmsg(s->db.handle));
	if (rc == ERR_CORRUPT)
		why_set(why, "%s: %s; if it was a store, it is damaged: restore a backup", s->path,
			detail.text);
	else
		why_set(why, "%s: %s", s->path,
			detail.text[0] == '\0' ? err_text(rc) : detail.text);
	return rc;
}

static enum err writer_start(struct store *s, struct why *why)
{
	const struct writer_driver driver = {
		.ctx = s,
		.begin = driver_begin,
		.commit = driver_commit,
		.rollback = driver_rollback,
		.unit_begin = driver_unit_begin,
		.unit_keep = driver_unit_keep,
		.unit_undo = driver_unit_undo,
		.changes = driver_changes,
		.recover = driver_recover,
		.slice_wait_ms = driver_slice_wait_ms,
		.slice = driver_slice,
		.settled = driver_settled,
	};

	s->writer = writer_create(&driver);
	if (s->writer != NULL)
		return ERR_OK;
	why_set(why, "cannot start the writer thread; raise the limit on processes");
	return ERR_MEMORY;
}

enum err store_open(const struct store_options *options, struct store **out, struct why *why)
{
	struct store *s = xcalloc(1, sizeof(*s));
	enum err rc;

	s->options = *options;
	s->path = xstrdup(options->path);
	s->options.path = s->path;
	s->lock_fd = -1;
	s->heads = heads_create();
	s->backup = backup_create();
	rc = lock_take(s->path, &s->lock_fd, why);
	if (rc == ERR_OK)
		rc = file_create(s->path, why);
	if (rc == ERR_OK)
		rc = file_open(s, why);
	if (rc == ERR_OK) {
		s->readers = readers_create(s->path, options->readers, options->busy_timeout_ms);
		rc = writer_start(s, why);
	}
	if (rc != ERR_OK) {
		store_close(s);
		return rc;
	}
	*out = s;
	return ERR_OK;
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	if (s->writer != NULL) {
		writer_stop(s->writer);
		writer_destroy(s->writer);
	}
	readers_destroy(s->readers);
	backup_destroy(s->backup); /* reads from the connection */
	if (s->db.handle != NULL)
		db_close(&s->db);
	sweeps_finish(s);
	heads_destroy(s->heads);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s->path);
	free(s);
}

const unsigned char *store_id_key(const struct store *s)
{
	return s->id_key;
}

enum err store_health(struct store *s)
{
	return writer_health(s->writer);
}

void store_watch(struct store *s, void (*released)(void *ctx, int64_t destination), void *ctx)
{
	s->released_ctx = ctx;
	s->released = released;
}
