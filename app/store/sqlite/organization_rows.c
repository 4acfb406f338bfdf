/* organization_rows.c - organizations and API keys as rows.
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/sqlite/state.h"

struct organization_unit {
	struct unit unit;
	struct organization *organization;
};

static enum err organization_run(void *driver, struct unit *unit)
{
	struct store *s = driver;
	struct organization *o = ((struct organization_unit *)unit)->organization;
	sqlite3_stmt *st = db_statement(&s->db, ST_ORGANIZATION_ADD);

	db_bind_text(st, 1, span_of(o->public_id));
	db_bind_text(st, 2, span_of(o->internal_id));
	db_bind_text(st, 3, span_of(o->name));
	db_bind_int(st, 4, o->created_at_us);
	enum err rc = db_run(&s->db, st);
	if (rc == ERR_OK)
		o->id = sqlite3_last_insert_rowid(s->db.handle);
	return rc;
}

enum err store_organization_add(struct store *s, struct organization *o)
{
	struct organization_unit u = { .organization = o };

	o->created_at_us = clock_wall_us();
	return store_run(s, &u.unit, organization_run);
}

struct key_unit {
	struct unit unit;
	struct api_key *key;
};

static enum err key_run(void *driver, struct unit *unit)
{
	struct store *s = driver;
	struct api_key *k = ((struct key_unit *)unit)->key;
	sqlite3_stmt *st = db_statement(&s->db, ST_KEY_ADD);

	db_bind_int(st, 1, k->organization);
	db_bind_text(st, 2, span_of(k->public_id));
	db_bind_blob(st, 3, k->hash, sizeof(k->hash));
	db_bind_int(st, 4, k->scopes);
	db_bind_int(st, 5, k->is_test);
	db_bind_int(st, 6, k->created_at_us);
	enum err rc = db_run(&s->db, st);
	if (rc == ERR_OK)
		k->id = sqlite3_last_insert_rowid(s->db.handle);
	return rc;
}

enum err store_key_add(struct store *s, struct api_key *k)
{
	struct key_unit u = { .key = k };

	k->created_at_us = clock_wall_us();
	return store_run(s, &u.unit, key_run);
}

struct revoke_unit {
	struct unit unit;
	int64_t key_id, now_us;
};

static enum err revoke_run(void *driver, struct unit *unit)
{
	struct store *s = driver;
	const struct revoke_unit *u = (struct revoke_unit *)unit;
	sqlite3_stmt *st = db_statement(&s->db, ST_KEY_REVOKE);

	db_bind_int(st, 1, u->key_id);
	db_bind_int(st, 2, u->now_us);
	enum err rc = db_run(&s->db, st);
	return rc == ERR_OK && db_changes(&s->db) == 0 ? ERR_NOT_FOUND : rc;
}

enum err store_key_revoke(struct store *s, int64_t key_id, int64_t now_us)
{
	struct revoke_unit u = { .key_id = key_id, .now_us = now_us };

	return store_run(s, &u.unit, revoke_run);
}

static void column_text(sqlite3_stmt *st, int column, char *out, size_t out_bytes)
{
	const struct span text = db_column_span(st, column);

	memset(out, 0, out_bytes);
	if (text.len < out_bytes)
		memcpy(out, text.ptr, text.len);
}

enum err store_organizations_read(struct store *s, store_organization_fn fn, void *ctx)
{
	struct db *db;
	enum err rc = readers_take(s->readers, &db);

	if (rc != ERR_OK)
		return rc;
	sqlite3_stmt *st = db_statement(db, ST_ORGANIZATIONS);
	while ((rc = db_step(db, st)) == ERR_OK) {
		struct organization o = { .id = db_column_int(st, 0) };

		column_text(st, 1, o.public_id, sizeof(o.public_id));
		column_text(st, 2, o.internal_id, sizeof(o.internal_id));
		o.name = db_column_dup(st, 3);
		o.created_at_us = db_column_int(st, 4);
		fn(ctx, &o);
		organization_finish(&o);
	}
	readers_give(s->readers, db);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

enum err store_keys_read(struct store *s, store_key_fn fn, void *ctx)
{
	struct db *db;
	enum err rc = readers_take(s->readers, &db);

	if (rc != ERR_OK)
		return rc;
	sqlite3_stmt *st = db_statement(db, ST_KEYS);
	while ((rc = db_step(db, st)) == ERR_OK) {
		struct api_key k = { .id = db_column_int(st, 0),
				     .organization = db_column_int(st, 1) };
		const struct span hash = db_column_span(st, 3);

		column_text(st, 2, k.public_id, sizeof(k.public_id));
		if (hash.len == sizeof(k.hash))
			memcpy(k.hash, hash.ptr, hash.len);
		k.scopes = (unsigned)db_column_int(st, 4);
		k.is_test = db_column_int(st, 5) != 0;
		k.created_at_us = db_column_int(st, 6);
		k.revoked_at_us = db_column_int(st, 7);
		fn(ctx, &k);
	}
	readers_give(s->readers, db);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}
