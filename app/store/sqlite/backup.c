/* backup.c - a copy of the store while it is in use.
 * SPDX-License-Identifier: MIT
 *
 * SQLite's own copying, on the writer's connection and between its commits: what
 * is committed meanwhile is then written to the copy, too, and nothing begins
 * again. The writer only copies pages; the one who asked for it then makes the file
 * safe on disk, which may take long, and gives it its name.
 * store_… on any thread but the writer's, one caller at a time; the rest on the writer's. */
#include "store/sqlite/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/sqlite/lock.h"
#include "store/sqlite/state.h"

enum { IDLE_PAGES = 256, BUSY_PAGES = 32, ABANDONED_MS = 5000, ABANDON_WAIT_MS = 2000 };

enum phase { PHASE_NONE = 0, PHASE_COPYING, PHASE_COPIED };

struct backup {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under lock: */
	enum phase phase;
	enum err rc; /* PHASE_COPIED: how it went */
	bool is_cancelled;
	int64_t pages, pages_left, asked_mono_ms;
	/* The writer's in PHASE_COPYING, else the caller's: */
	sqlite3 *to;
	sqlite3_backup *copy;
	char *path, *part;
	enum store_file target;
};

struct backup *backup_create(void)
{
	struct backup *b = xcalloc(1, sizeof(*b));
	pthread_condattr_t attr;

	pthread_mutex_init(&b->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&b->changed, &attr);
	pthread_condattr_destroy(&attr);
	return b;
}

/* Back to nothing; the unfinished file goes. */
static void backup_clear(struct backup *b)
{
	if (b->copy != NULL)
		sqlite3_backup_finish(b->copy);
	if (b->to != NULL)
		sqlite3_close_v2(b->to);
	if (b->part != NULL)
		(void)unlink(b->part);
	free(b->path);
	free(b->part);
	b->copy = NULL;
	b->to = NULL;
	b->path = b->part = NULL;
	pthread_mutex_lock(&b->lock);
	b->phase = PHASE_NONE;
	b->is_cancelled = false;
	pthread_mutex_unlock(&b->lock);
}

void backup_destroy(struct backup *b)
{
	if (b == NULL)
		return;
	backup_clear(b);
	pthread_cond_destroy(&b->changed);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

/* --- Writer thread ------------------------------------------------------------------ */

bool backup_is_active(struct backup *b)
{
	pthread_mutex_lock(&b->lock);
	const bool is_it = b->phase == PHASE_COPYING;
	pthread_mutex_unlock(&b->lock);
	return is_it;
}

static void copy_end(struct backup *b, enum err rc)
{
	if (b->copy != NULL && sqlite3_backup_finish(b->copy) != SQLITE_OK && rc == ERR_OK)
		rc = ERR_IO;
	b->copy = NULL;
	pthread_mutex_lock(&b->lock);
	b->rc = rc;
	b->phase = PHASE_COPIED;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

void backup_fail(struct store *s, enum err rc)
{
	if (backup_is_active(s->backup))
		copy_end(s->backup, rc);
}

static enum err step_err(int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL: return ERR_FULL;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: return ERR_CORRUPT;
	case SQLITE_NOMEM: return ERR_MEMORY;
	default: return ERR_IO;
	}
}

void backup_step(struct store *s, bool is_idle)
{
	struct backup *b = s->backup;

	pthread_mutex_lock(&b->lock);
	const bool is_active = b->phase == PHASE_COPYING, is_cancelled = b->is_cancelled;
	pthread_mutex_unlock(&b->lock);
	if (!is_active)
		return;
	if (is_cancelled) {
		copy_end(b, ERR_STOPPING);
		return;
	}
	if (b->copy == NULL)
		b->copy = sqlite3_backup_init(b->to, "main", s->db.handle, "main");
	if (b->copy == NULL) {
		copy_end(b, step_err(sqlite3_errcode(b->to)));
		return;
	}
	const int code = sqlite3_backup_step(b->copy, is_idle ? IDLE_PAGES : BUSY_PAGES);
	if (code == SQLITE_DONE) {
		copy_end(b, ERR_OK);
		return;
	}
	if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY && (code & 0xff) != SQLITE_LOCKED) {
		copy_end(b, step_err(code));
		return;
	}
	pthread_mutex_lock(&b->lock);
	b->pages = sqlite3_backup_pagecount(b->copy);
	b->pages_left = sqlite3_backup_remaining(b->copy);
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

/* --- Beginning ------------------------------------------------------------------------ */

static enum err noop_run(void *driver, struct unit *u)
{
	(void)driver, (void)u;
	return ERR_OK;
}

/* With the lock held, until something changes or the time is up. */
static void change_wait(struct backup *b, int64_t wait_ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(wait_ms / 1000);
	until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&b->changed, &b->lock, &until);
}

/* One that nobody asks about any more makes room. */
static enum err place_take(struct backup *b, struct why *why)
{
	pthread_mutex_lock(&b->lock);
	if (b->phase == PHASE_COPYING && clock_mono_ms() - b->asked_mono_ms >= ABANDONED_MS) {
		const int64_t until_mono_ms = clock_mono_ms() + ABANDON_WAIT_MS;

		b->is_cancelled = true;
		while (b->phase == PHASE_COPYING && clock_mono_ms() < until_mono_ms)
			change_wait(b, until_mono_ms - clock_mono_ms());
	}
	const bool is_taken = b->phase == PHASE_COPYING;
	pthread_mutex_unlock(&b->lock);
	if (is_taken) {
		why_set(why, "another backup of this store is being made");
		return ERR_BUSY;
	}
	backup_clear(b);
	return ERR_OK;
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static enum err path_check(const struct store *s, const struct backup *b, struct why *why)
{
	if (is_same_file(b->path, s->path) || is_same_file(b->part, s->path)) {
		why_set(why, "%s is the store itself", b->path);
		return ERR_BAD_REQUEST;
	}
	if (b->target == STORE_FILE_NEW && access(b->path, F_OK) == 0) {
		why_set(why, "%s is there already; name another file or say --force", b->path);
		return ERR_CONFLICT;
	}
	return ERR_OK;
}

static enum err part_open(struct backup *b, struct why *why)
{
	(void)unlink(b->part); /* of a backup that was cut short */
	const int fd = open(b->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		why_set(why, "cannot make %s: %s", b->part, strerror(errno));
		return ERR_DENIED;
	}
	close(fd);
	/* It is synced when it is complete; before that it is nothing. */
	if (sqlite3_open_v2(b->part, &b->to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
		    SQLITE_OK &&
	    sqlite3_exec(b->to, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", NULL, NULL,
			 NULL) == SQLITE_OK)
		return ERR_OK;
	why_set(why, "cannot open %s: %s", b->part, sqlite3_errmsg(b->to));
	return ERR_IO;
}

enum err store_backup_begin(struct store *s, const char *path, enum store_file target,
			    struct why *why)
{
	struct backup *b = s->backup;
	struct unit u = { .weight = 0 };
	enum err rc = place_take(b, why);

	if (rc != ERR_OK)
		return rc;
	b->path = xstrdup(path);
	b->part = xformat("%s.part", path);
	b->target = target;
	rc = path_check(s, b, why);
	if (rc != ERR_OK) { /* what is there is not ours to remove */
		free(b->part);
		b->part = NULL;
	}
	if (rc == ERR_OK)
		rc = part_open(b, why);
	if (rc != ERR_OK) {
		backup_clear(b);
		return rc;
	}
	pthread_mutex_lock(&b->lock);
	b->asked_mono_ms = clock_mono_ms();
	b->pages = b->pages_left = 0;
	b->phase = PHASE_COPYING;
	pthread_mutex_unlock(&b->lock);
	return store_run(s, &u, noop_run); /* the writer may be asleep */
}

/* --- Ending ------------------------------------------------------------------------------ */

/* The copy has the store's log mode; a file on its own is easier to carry about. */
static enum err part_settle(struct backup *b, struct why *why)
{
	struct db db;
	enum err rc;

	sqlite3_close_v2(b->to);
	b->to = NULL;
	rc = db_open(&db, b->part, DB_PLAIN, 1 << 20, 0, why);
	if (rc != ERR_OK)
		return rc;
	rc = db_exec(&db, "PRAGMA journal_mode=DELETE");
	if (rc != ERR_OK)
		why_set(why, "%s: %s", b->part, sqlite3_errmsg(db.handle));
	db_close(&db);
	return rc;
}

static enum err part_sync(struct backup *b, struct why *why)
{
	const int fd = open(b->part, O_RDONLY | O_CLOEXEC);
	const bool is_safe = fd >= 0 && fsync(fd) == 0;

	if (!is_safe)
		why_set(why, "cannot make %s safe on disk: %s", b->part, strerror(errno));
	if (fd >= 0)
		close(fd);
	return is_safe ? ERR_OK : ERR_IO;
}

/* Not every file system can refuse to replace; a second name always can. */
static int rename_new(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	return link(from, to) == 0 ? unlink(from) : -1;
}

static enum err part_name(struct backup *b, struct why *why)
{
	const int rc = b->target == STORE_FILE_NEW ? rename_new(b->part, b->path)
						   : rename(b->part, b->path);

	if (rc != 0) {
		why_set(why, "cannot name the backup %s: %s", b->path, strerror(errno));
		return errno == EEXIST ? ERR_CONFLICT : ERR_IO;
	}
	return folder_sync(b->path);
}

enum err store_backup_wait(struct store *s, int64_t wait_ms, struct store_backup_progress *out,
			   struct why *why)
{
	struct backup *b = s->backup;

	pthread_mutex_lock(&b->lock);
	b->asked_mono_ms = clock_mono_ms();
	const int64_t until_mono_ms = b->asked_mono_ms + wait_ms;
	while (b->phase == PHASE_COPYING && clock_mono_ms() < until_mono_ms)
		change_wait(b, until_mono_ms - clock_mono_ms());
	const enum phase phase = b->phase;
	enum err rc = b->rc;
	*out = (struct store_backup_progress){ .pages = b->pages, .pages_left = b->pages_left };
	pthread_mutex_unlock(&b->lock);
	if (phase == PHASE_COPYING)
		return ERR_BUSY;
	if (phase == PHASE_NONE) {
		why_set(why, "no backup is being made");
		return ERR_NOT_FOUND;
	}
	if (rc != ERR_OK)
		why_set(why, "copying into %s failed: %s", b->part, err_text(rc));
	if (rc == ERR_OK)
		rc = part_settle(b, why);
	if (rc == ERR_OK)
		rc = part_sync(b, why);
	if (rc == ERR_OK)
		rc = part_name(b, why);
	backup_clear(b);
	return rc;
}
