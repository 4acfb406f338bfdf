/* seen.c - what was published already: idempotency keys and producers' ids.
 * SPDX-License-Identifier: MIT
 * A row's key is 63 bits of a keyed hash; 63 more prove that it is not a
 * collision, which would take the next place. This is the one table whose rows
 * land all over, so only keyed events pay for it. A row counts as long as an event
 * of it is in the store: what retention removed may be published anew. Writer
 * thread; readers find. */
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "model/ids.h"
#include "store/sqlite/state.h"

struct seen_hash {
	int64_t place, proof;
};

static struct seen_hash seen_hash(const struct store *s, int64_t organization, enum seen_kind kind,
				  struct span key)
{
	unsigned char digest[SHA256_BYTES];
	const unsigned char kind_byte = (unsigned char)kind;
	const struct span parts[] = {
		{ (const char *)s->id_key, sizeof(s->id_key) },
		{ (const char *)&organization, sizeof(organization) },
		{ (const char *)&kind_byte, 1 },
		key,
	};
	struct seen_hash h;

	crypto_sha256_parts(parts, COUNT_OF(parts), digest);
	memcpy(&h.place, digest, sizeof(h.place));
	memcpy(&h.proof, digest + sizeof(h.place), sizeof(h.proof));
	h.place &= INT64_MAX;
	h.proof &= INT64_MAX;
	return h;
}

static void seen_read(sqlite3_stmt *st, struct seen *out)
{
	const struct span print = db_column_span(st, 2), events = db_column_span(st, 3);

	memset(out, 0, sizeof(*out));
	out->event = db_column_int(st, 1);
	if (print.len == sizeof(out->fingerprint))
		memcpy(out->fingerprint, print.ptr, print.len);
	if (events.len >= sizeof(int64_t)) {
		out->event_count = events.len / sizeof(int64_t);
		out->events = xmalloc(out->event_count * sizeof(int64_t));
		memcpy(out->events, events.ptr, out->event_count * sizeof(int64_t));
	}
}

enum err seen_find(const struct store *s, struct db *db, int64_t organization, enum seen_kind kind,
		   struct span key, struct seen *out)
{
	struct seen_hash h = seen_hash(s, organization, kind, key);
	sqlite3_stmt *st = db_statement(db, ST_SEEN_FIND);

	for (;; h.place = (h.place + 1) & INT64_MAX) {
		db_bind_int(st, 1, h.place);
		enum err rc = db_step(db, st);
		if (rc != ERR_OK)
			return rc;
		const bool is_it = db_column_int(st, 0) == h.proof;
		if (is_it)
			seen_read(st, out);
		db_reset(st);
		if (is_it)
			return ERR_OK;
	}
}

enum err seen_is_kept(struct db *db, const struct seen *what)
{
	const int64_t last = what->event_count > 0 ? what->events[what->event_count - 1]
						   : what->event;
	const bool is_rising = what->event <= last;
	sqlite3_stmt *st = db_statement(db, ST_EVENT_ANY);

	db_bind_int(st, 1, is_rising ? what->event : last);
	db_bind_int(st, 2, is_rising ? last : what->event);
	const enum err rc = db_step(db, st);
	db_reset(st);
	return rc;
}

/* Over a row of the same key, whose events are gone. ERR_NOT_FOUND: it is another's. */
static enum err seen_replace(struct db *db, const struct seen_hash *h, const struct seen *what)
{
	sqlite3_stmt *st = db_statement(db, ST_SEEN_REPLACE);

	db_bind_int(st, 1, h->place);
	db_bind_int(st, 2, h->proof);
	db_bind_int(st, 3, what->event);
	db_bind_blob(st, 4, what->fingerprint, sizeof(what->fingerprint));
	db_bind_blob(st, 5, what->events, what->event_count * sizeof(int64_t));
	const enum err rc = db_run(db, st);
	return rc == ERR_OK && db_changes(db) == 0 ? ERR_NOT_FOUND : rc;
}

enum err seen_add(const struct store *s, struct db *db, int64_t organization, enum seen_kind kind,
		  struct span key, const struct seen *what)
{
	struct seen_hash h = seen_hash(s, organization, kind, key);
	sqlite3_stmt *st = db_statement(db, ST_SEEN_ADD);
	enum err rc;

	do {
		db_bind_int(st, 1, h.place);
		db_bind_int(st, 2, h.proof);
		db_bind_int(st, 3, what->event);
		db_bind_blob(st, 4, what->fingerprint, sizeof(what->fingerprint));
		db_bind_blob(st, 5, what->events, what->event_count * sizeof(int64_t));
		rc = db_run(db, st);
		if (rc == ERR_CONFLICT && seen_replace(db, &h, what) == ERR_OK)
			return ERR_OK;
		h.place = (h.place + 1) & INT64_MAX;
	} while (rc == ERR_CONFLICT); /* another key has this place */
	return rc;
}

enum err mark_note(struct db *db, int64_t chain, int64_t *last_hour, int64_t id)
{
	const int64_t hour = id_time_ms(id) / 3600000;
	sqlite3_stmt *st = db_statement(db, ST_MARK_ADD);

	if (*last_hour == hour)
		return ERR_OK;
	*last_hour = hour;
	db_bind_int(st, 1, chain);
	db_bind_int(st, 2, hour);
	db_bind_int(st, 3, id);
	return db_run(db, st);
}
