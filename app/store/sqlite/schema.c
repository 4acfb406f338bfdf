/* schema.c - the tables of the SQLite store.
 * SPDX-License-Identifier: MIT
 *
 * Rows that grow without end (event, delivery, attempt) are appended in time
 * order and have no second index: an index with a scattered key would cost one
 * page per row and commit. Newest-first lists are chains (prev), waiting work
 * and rare states have small tables of their own. Writer thread only. */
#include "store/sqlite/schema.h"

#include "base/crypto.h"
#include "base/pubid.h"

/* Version 1, as it was; what came later is in migrations.c. */
static const char tables_1[] =
	"CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"

	"CREATE TABLE organization ("
	" id INTEGER PRIMARY KEY, public_id TEXT NOT NULL UNIQUE,"
	" internal_id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, created_at INTEGER NOT NULL);"
	/* Hot, so apart from the names: newest event of the chain, events so far. */
	"CREATE TABLE organization_head ("
	" organization INTEGER PRIMARY KEY, last INTEGER NOT NULL, events INTEGER NOT NULL);"
	"CREATE TABLE api_key ("
	" id INTEGER PRIMARY KEY, organization INTEGER NOT NULL, public_id TEXT NOT NULL UNIQUE,"
	" hash BLOB NOT NULL UNIQUE, scopes INTEGER NOT NULL, is_test INTEGER NOT NULL,"
	" created_at INTEGER NOT NULL, revoked_at INTEGER NOT NULL DEFAULT 0);"

	"CREATE TABLE webhook ("
	" id INTEGER PRIMARY KEY, organization INTEGER NOT NULL, public_id TEXT NOT NULL UNIQUE,"
	" name TEXT NOT NULL, description TEXT, event_types TEXT NOT NULL,"
	" is_active INTEGER NOT NULL, disabled_reason TEXT, created_at INTEGER NOT NULL,"
	" updated_at INTEGER NOT NULL, removed_at INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX webhook_of_organization ON webhook (organization);"
	/* value: a format byte, then the secret; 0 = plain. */
	"CREATE TABLE secret ("
	" webhook INTEGER NOT NULL, position INTEGER NOT NULL, value BLOB NOT NULL,"
	" created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,"
	" PRIMARY KEY (webhook, position)) WITHOUT ROWID;"
	"CREATE TABLE webhook_error ("
	" webhook INTEGER PRIMARY KEY, message TEXT NOT NULL, channel TEXT NOT NULL,"
	" event_id TEXT NOT NULL, status_code INTEGER NOT NULL, occurred_at INTEGER NOT NULL);"

	/* configs and target values may hold secrets: a format byte, then the text. */
	"CREATE TABLE channel ("
	" id INTEGER PRIMARY KEY, webhook INTEGER NOT NULL, position INTEGER NOT NULL,"
	" name TEXT NOT NULL, description TEXT, configs BLOB NOT NULL, status INTEGER NOT NULL,"
	" disabled_reason TEXT, removed_at INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX channel_of_webhook ON channel (webhook);"
	"CREATE TABLE target ("
	" id INTEGER PRIMARY KEY, channel INTEGER NOT NULL, position INTEGER NOT NULL,"
	" value BLOB NOT NULL, removed_at INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX target_of_channel ON target (channel);"
	/* One channel of one webhook, its hot part: same id as the channel. */
	"CREATE TABLE destination ("
	" id INTEGER PRIMARY KEY, organization INTEGER NOT NULL, webhook INTEGER NOT NULL,"
	" last INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL DEFAULT 0,"
	" due INTEGER NOT NULL DEFAULT 0, held INTEGER NOT NULL DEFAULT 0,"
	" delivered INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,"
	" cancelled INTEGER NOT NULL DEFAULT 0);"

	/* prev: the organization's previous event. fanout: next free delivery number.
	 * made: deliveries made when it was accepted. */
	"CREATE TABLE event ("
	" id INTEGER PRIMARY KEY, organization INTEGER NOT NULL, prev INTEGER NOT NULL,"
	" fanout INTEGER NOT NULL, made INTEGER NOT NULL, occurred_at INTEGER NOT NULL,"
	" flags INTEGER NOT NULL, type TEXT NOT NULL, source_id TEXT, extra TEXT, data TEXT);"
	/* prev: the destination's previous delivery. The last attempt is folded in. */
	"CREATE TABLE delivery ("
	" id INTEGER PRIMARY KEY, destination INTEGER NOT NULL, target INTEGER NOT NULL,"
	" state INTEGER NOT NULL, attempts INTEGER NOT NULL, prev INTEGER NOT NULL,"
	" done_at INTEGER, started_at INTEGER, outcome INTEGER, status INTEGER, dns INTEGER,"
	" connect INTEGER, tls INTEGER, first_byte INTEGER, total INTEGER, reason TEXT);"
	/* Attempts that did not deliver; the one that did is in its delivery. */
	"CREATE TABLE attempt ("
	" delivery INTEGER NOT NULL, number INTEGER NOT NULL, started_at INTEGER NOT NULL,"
	" outcome INTEGER NOT NULL, status INTEGER NOT NULL, dns INTEGER, connect INTEGER,"
	" tls INTEGER, first_byte INTEGER, total INTEGER, reason TEXT, excerpt TEXT,"
	" PRIMARY KEY (delivery, number)) WITHOUT ROWID;"
	/* A row exists exactly while the delivery is due. */
	"CREATE TABLE queue ("
	" destination INTEGER NOT NULL, due INTEGER NOT NULL, delivery INTEGER NOT NULL,"
	" PRIMARY KEY (destination, due, delivery)) WITHOUT ROWID;"
	/* A row exists exactly while the delivery is failed, held or cancelled. */
	"CREATE TABLE rare ("
	" destination INTEGER NOT NULL, state INTEGER NOT NULL, delivery INTEGER NOT NULL,"
	" PRIMARY KEY (destination, state, delivery)) WITHOUT ROWID;"
	/* Idempotency: 63 bits of a keyed hash; the next place on a collision.
	 * events: all event ids of a batch with a key, 8 bytes each. */
	"CREATE TABLE seen ("
	" hash INTEGER PRIMARY KEY, proof INTEGER NOT NULL, event INTEGER NOT NULL,"
	" fingerprint BLOB NOT NULL, events BLOB);"
	/* First id of a chain in an hour (destination, or minus the organization):
	 * where to jump into the past. */
	"CREATE TABLE mark ("
	" chain INTEGER NOT NULL, hour INTEGER NOT NULL, first INTEGER NOT NULL,"
	" PRIMARY KEY (chain, hour)) WITHOUT ROWID;"
	/* Moves of many deliveries, done in slices. target 0 = all of them; before: only
	 * those with a smaller id, for what is accepted later is not meant. */
	"CREATE TABLE sweep ("
	" id INTEGER PRIMARY KEY, destination INTEGER NOT NULL, target INTEGER NOT NULL,"
	" action INTEGER NOT NULL, before INTEGER NOT NULL);";

static enum err pragma_get(struct db *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *st = NULL;
	enum err rc = ERR_OK;

	if (sqlite3_prepare_v2(db->handle, sql, -1, &st, NULL) != SQLITE_OK)
		return db_err(db);
	if (sqlite3_step(st) == SQLITE_ROW)
		*out = sqlite3_column_int64(st, 0);
	else
		rc = db_err(db);
	sqlite3_finalize(st);
	return rc;
}

static enum err id_key_create(struct db *db)
{
	unsigned char key[PUBID_KEY_BYTES];
	sqlite3_stmt *st = db_statement(db, ST_META_SET);

	if (st == NULL)
		return db_err(db);
	crypto_random(key, sizeof(key));
	db_bind_text(st, 1, span_of("id_key"));
	db_bind_blob(st, 2, key, sizeof(key));
	return db_run(db, st);
}

static enum err schema_create(struct db *db)
{
	enum err rc = db_exec(db, "BEGIN IMMEDIATE");

	if (rc != ERR_OK)
		return rc;
	rc = db_exec(db, tables_1);
	if (rc == ERR_OK)
		rc = id_key_create(db);
	if (rc == ERR_OK)
		rc = db_exec(db, "PRAGMA application_id = 0x54637331; PRAGMA user_version = 1;");
	if (rc == ERR_OK)
		return db_exec(db, "COMMIT");
	(void)!db_exec(db, "ROLLBACK");
	return rc;
}

enum err schema_prepare(struct db *db, struct why *why)
{
	int64_t application = 0, version = 0, tables = 0;
	enum err rc = pragma_get(db, "PRAGMA application_id", &application);

	if (rc == ERR_OK)
		rc = pragma_get(db, "PRAGMA user_version", &version);
	if (rc == ERR_OK)
		rc = pragma_get(db, "SELECT count(*) FROM sqlite_schema", &tables);
	if (rc != ERR_OK) {
		why_set(why, "cannot read it: %s", sqlite3_errmsg(db->handle));
		return rc;
	}
	if (application == 0 && version == 0 && tables == 0) {
		rc = schema_create(db);
		if (rc != ERR_OK)
			why_set(why, "cannot create the tables: %s", sqlite3_errmsg(db->handle));
		return rc == ERR_OK ? migrations_run(db, 1, why) : rc;
	}
	if (application != DB_APPLICATION_ID) {
		why_set(why, "it is an SQLite file of another program; name another store.path");
		return ERR_CORRUPT;
	}
	if (version > SCHEMA_VERSION) {
		why_set(why,
			"its schema is version %lld and this program knows %d; "
			"start the newer tocsin again or restore a backup",
			(long long)version, SCHEMA_VERSION);
		return ERR_BAD_REQUEST;
	}
	if (version < 1) {
		why_set(why, "it has no schema version");
		return ERR_CORRUPT;
	}
	return migrations_run(db, version, why);
}
