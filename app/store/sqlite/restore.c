/* restore.c - putting a backup in the place of a store.
 * SPDX-License-Identifier: MIT
 *
 * What is checked is the very copy that then gets the store's name; until that
 * one rename the old store stands, and it is kept under another name afterwards.
 * No server runs meanwhile: the store's lock is held. A subcommand's main thread. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "model/ids.h"
#include "store/sqlite/heads.h"
#include "store/sqlite/lock.h"
#include "store/sqlite/meta.h"
#include "store/sqlite/schema.h"
#include "store/store.h"

enum { CHUNK_BYTES = 1 << 20, CACHE_BYTES = 16 << 20, BUSY_MS = 1000 };

struct restore {
	const char *path; /* the store */
	char *fresh;      /* the copy */
	char *aside;      /* the former store's new name */
	int64_t last_id;  /* the greatest id that either has given */
	bool had_store;
};

/* --- The copy --------------------------------------------------------------------------- */

static enum err bytes_copy(int from, int to)
{
	char *chunk = xmalloc(CHUNK_BYTES);
	enum err rc = ERR_OK;

	for (;;) {
		const ssize_t n = read(from, chunk, CHUNK_BYTES);
		ssize_t done = 0;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			rc = n == 0 ? ERR_OK : ERR_IO;
			break;
		}
		while (done < n) {
			const ssize_t put = write(to, chunk + done, (size_t)(n - done));

			if (put < 0 && errno != EINTR)
				break;
			done += put > 0 ? put : 0;
		}
		if (done < n) {
			rc = errno == ENOSPC ? ERR_FULL : ERR_IO;
			break;
		}
	}
	free(chunk);
	return rc;
}

static enum err fresh_make(const struct restore *r, int from, struct why *why)
{
	(void)unlink(r->fresh);
	const int fd = open(r->fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		why_set(why, "cannot make %s: %s", r->fresh, strerror(errno));
		return ERR_DENIED;
	}
	const enum err rc = bytes_copy(from, fd);
	if (rc != ERR_OK)
		why_set(why, "copying the backup into %s failed: %s", r->fresh, err_text(rc));
	close(fd);
	return rc;
}

/* --- Checking ---------------------------------------------------------------------------- */

/* The first row's first column, as text; false when there is none. */
static bool text_read(struct db *db, const char *sql, char *out, size_t bytes)
{
	sqlite3_stmt *st = NULL;
	bool is_there = false;

	if (sqlite3_prepare_v2(db->handle, sql, -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW && sqlite3_column_text(st, 0) != NULL) {
		snprintf(out, bytes, "%s", (const char *)sqlite3_column_text(st, 0));
		is_there = true;
	}
	sqlite3_finalize(st);
	return is_there;
}

static enum err fresh_check(struct db *db, struct why *why)
{
	char text[256] = "";

	if (!text_read(db, "PRAGMA application_id", text, sizeof(text))) {
		why_set(why, "the backup cannot be read: %s", sqlite3_errmsg(db->handle));
		return ERR_CORRUPT;
	}
	if (strtol(text, NULL, 10) != DB_APPLICATION_ID) {
		why_set(why, "the backup is not one of a tocsin store");
		return ERR_CORRUPT;
	}
	if (!text_read(db, "PRAGMA user_version", text, sizeof(text)) ||
	    strtol(text, NULL, 10) < 1 || strtol(text, NULL, 10) > SCHEMA_VERSION) {
		why_set(why, "the backup's schema is version %s and this program knows 1 to %d",
			text, SCHEMA_VERSION);
		return ERR_BAD_REQUEST;
	}
	if (!text_read(db, "PRAGMA integrity_check(1)", text, sizeof(text)) ||
	    strcmp(text, "ok") != 0) {
		why_set(why, "the backup is damaged: %s", text);
		return ERR_CORRUPT;
	}
	return ERR_OK;
}

static enum err fresh_settle(struct restore *r, int64_t *out_newest_ms, struct why *why)
{
	struct db db;
	int64_t own = 0;
	struct why unread = { "" };
	enum err rc = db_open(&db, r->fresh, DB_PLAIN, CACHE_BYTES, BUSY_MS, &unread);

	if (rc != ERR_OK) {
		why_set(why, "the backup cannot be read: %s", unread.text);
		return rc;
	}
	rc = fresh_check(&db, why);
	if (rc == ERR_OK)
		rc = db_exec(&db, "PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL");
	if (rc == ERR_OK)
		rc = heads_last_id_read(&db, &own);
	*out_newest_ms = own == 0 ? 0 : id_time_ms(own);
	if (rc == ERR_OK && r->last_id > own)
		rc = meta_int_write(&db, META_LAST_ID, r->last_id);
	if (rc != ERR_OK && why->text[0] == '\0')
		why_set(why, "%s: %s", r->fresh, sqlite3_errmsg(db.handle));
	db_close(&db);
	return rc;
}

/* --- The old store ------------------------------------------------------------------------- */

/* Opening what is no database would cost its log, which may be worth a look. */
static bool is_database(const char *path)
{
	static const char magic[16] = "SQLite format 3";
	char bytes[sizeof(magic)];
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const bool is_it = fd >= 0 && read(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes) &&
			   memcmp(bytes, magic, sizeof(magic)) == 0;

	if (fd >= 0)
		close(fd);
	return is_it;
}

/* Closing it takes its log in, so that it is one file again. One that cannot be
 * read, perhaps the reason for all this, is moved as it is. */
static enum err old_settle(struct restore *r, struct why *why)
{
	struct why unread = { "" };
	char text[32] = "";
	struct db db;

	r->had_store = access(r->path, F_OK) == 0;
	if (!is_database(r->path) ||
	    db_open(&db, r->path, DB_PLAIN, CACHE_BYTES, BUSY_MS, &unread) != ERR_OK)
		return ERR_OK;
	const bool is_read = text_read(&db,
				       "SELECT application_id FROM pragma_application_id"
				       " WHERE EXISTS (SELECT 1 FROM sqlite_schema)",
				       text, sizeof(text));
	const bool is_foreign = is_read && strtol(text, NULL, 10) != DB_APPLICATION_ID;
	if (is_foreign)
		why_set(why, "%s is a file of another program; name another store.path", r->path);
	else if (is_read && heads_last_id_read(&db, &r->last_id) != ERR_OK)
		r->last_id = 0;
	db_close(&db);
	return is_foreign ? ERR_CORRUPT : ERR_OK;
}

static enum err old_move(const struct restore *r, struct why *why)
{
	char *log = xformat("%s-wal", r->path), *log_aside = xformat("%s-wal", r->aside);
	char *index = xformat("%s-shm", r->path);
	enum err rc = ERR_OK;

	/* Its log must be gone before another file has its name: it would be taken for
	 * that one's. */
	if (r->had_store && link(r->path, r->aside) != 0)
		rc = ERR_IO;
	if (rc == ERR_OK && rename(log, log_aside) != 0 && errno != ENOENT)
		rc = ERR_IO;
	if (rc != ERR_OK)
		why_set(why, "cannot keep the former store as %s: %s", r->aside, strerror(errno));
	(void)unlink(index);
	free(log);
	free(log_aside);
	free(index);
	return rc == ERR_OK ? folder_sync(r->path) : rc;
}

/* The new one did not get its place: the old one stands as it was. */
static void old_return(const struct restore *r)
{
	char *log = xformat("%s-wal", r->path), *log_aside = xformat("%s-wal", r->aside);

	if (access(log_aside, F_OK) == 0)
		(void)!rename(log_aside, log);
	(void)unlink(r->aside);
	free(log);
	free(log_aside);
}

static enum err fresh_place(const struct restore *r, struct why *why)
{
	const int fd = open(r->fresh, O_RDONLY | O_CLOEXEC);
	const bool is_safe = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	if (is_safe && rename(r->fresh, r->path) == 0)
		return folder_sync(r->path);
	why_set(why, "cannot put the backup in place: %s", strerror(errno));
	return ERR_IO;
}

/* "20261124T075500.123456Z": sorts, and no two are the same. */
static char *aside_name(const char *path)
{
	char text[TIME_TEXT_BYTES];
	size_t len = 0;

	time_format(clock_wall_us(), text);
	for (const char *c = text; *c != '\0'; c++)
		if (*c != '-' && *c != ':')
			text[len++] = *c;
	text[len] = '\0';
	return xformat("%s.before-restore-%s", path, text);
}

static enum err restore_run(struct restore *r, int from, struct store_restored *out,
			    struct why *why)
{
	enum err rc = fresh_make(r, from, why);

	if (rc == ERR_OK)
		rc = old_settle(r, why);
	if (rc == ERR_OK)
		rc = fresh_settle(r, &out->newest_ms, why);
	if (rc == ERR_OK) {
		rc = old_move(r, why);
		if (rc == ERR_OK)
			rc = fresh_place(r, why);
		if (rc != ERR_OK)
			old_return(r);
	}
	if (rc != ERR_OK)
		(void)unlink(r->fresh);
	return rc;
}

enum err store_restore(const char *path, int from, struct store_restored *out, struct why *why)
{
	struct restore r = { .path = path };
	int lock_fd = -1;
	enum err rc = lock_take(path, &lock_fd, why);

	*out = (struct store_restored){ .aside = NULL };
	if (rc == ERR_OK) {
		r.fresh = xformat("%s.restore", path);
		r.aside = aside_name(path);
		rc = restore_run(&r, from, out, why);
	}
	if (rc == ERR_OK && r.had_store) {
		out->aside = r.aside;
		r.aside = NULL;
	}
	if (lock_fd >= 0)
		close(lock_fd);
	free(r.fresh);
	free(r.aside);
	return rc;
}
