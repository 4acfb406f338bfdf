/* audit.c - does every counter and list agree with the rows?
 * SPDX-License-Identifier: MIT
 * Scans deliveries in slices within one snapshot and compares them with the
 * destinations' counters, the queue and the rare states. Any thread. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/sqlite/state.h"

enum { AUDIT_ROWS = 1000 };

struct tally {
	int64_t created, by_state[DELIVERY_STATES], last;
};

struct audit {
	struct db *db;
	struct why *why;
	struct tally *tallies; /* by destination row */
	size_t size;
	size_t faults;
};

static void fault(struct audit *a, const char *what, int64_t id)
{
	if (a->faults++ == 0)
		why_set(a->why, "%s (row %lld)", what, (long long)id);
}

static struct tally *tally_of(struct audit *a, int64_t destination)
{
	const size_t at = (size_t)destination;

	if (at >= a->size) {
		const size_t size = at + at / 2 + 64;

		a->tallies = xrealloc(a->tallies, size * sizeof(*a->tallies));
		memset(a->tallies + a->size, 0, (size - a->size) * sizeof(*a->tallies));
		a->size = size;
	}
	return &a->tallies[at];
}

static enum err has_row(struct audit *a, enum statement id, int64_t destination, int64_t state,
			int64_t delivery, const char *what)
{
	sqlite3_stmt *st = db_statement(a->db, id);

	db_bind_int(st, 1, destination);
	if (id == ST_AUDIT_HAS_RARE)
		db_bind_int(st, 2, state);
	db_bind_int(st, id == ST_AUDIT_HAS_RARE ? 3 : 2, delivery);
	enum err rc = db_step(a->db, st);
	db_reset(st);
	if (rc == ERR_NOT_FOUND) {
		fault(a, what, delivery);
		return ERR_OK;
	}
	return rc;
}

static enum err delivery_audit(struct audit *a, int64_t id, int64_t destination, int64_t state,
			       int64_t prev)
{
	struct tally *t = tally_of(a, destination);

	if (state <= DELIVERY_UNSET || state >= DELIVERY_STATES) {
		fault(a, "a delivery has an unknown state", id);
		return ERR_OK;
	}
	t->created++;
	t->by_state[state]++;
	if (prev != t->last)
		fault(a, "a delivery is not chained to its destination's previous one", id);
	t->last = id;
	if (state == DELIVERY_DELIVERED || state == DELIVERY_DUE)
		return ERR_OK; /* due ones are counted against the queue as a whole */
	return has_row(a, ST_AUDIT_HAS_RARE, destination, state, id,
		       "a held, failed or cancelled delivery is missing from its list");
}

static enum err deliveries_audit(struct audit *a)
{
	int64_t after = 0;
	size_t rows;

	do {
		sqlite3_stmt *st = db_statement(a->db, ST_AUDIT_DELIVERIES);
		enum err rc;

		rows = 0;
		db_bind_int(st, 1, after);
		db_bind_int(st, 2, AUDIT_ROWS);
		while ((rc = db_step(a->db, st)) == ERR_OK) {
			after = db_column_int(st, 0);
			rc = delivery_audit(a, after, db_column_int(st, 1), db_column_int(st, 2),
					    db_column_int(st, 3));
			rows++;
			if (rc != ERR_OK) {
				db_reset(st);
				return rc;
			}
		}
		if (rc != ERR_NOT_FOUND)
			return rc;
	} while (rows == AUDIT_ROWS);
	return ERR_OK;
}

static enum err delivery_state_of(struct audit *a, int64_t id, int64_t *out)
{
	sqlite3_stmt *st = db_statement(a->db, ST_DELIVERY_STATE);

	db_bind_int(st, 1, id);
	enum err rc = db_step(a->db, st);
	*out = rc == ERR_OK ? db_column_int(st, 0) : DELIVERY_UNSET;
	db_reset(st);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

/* Every row of the queue is a due delivery; their number must fit, too. */
static enum err queue_audit(struct audit *a, int64_t *out_rows)
{
	int64_t at[3] = { INT64_MIN, INT64_MIN, INT64_MIN }, state;
	size_t rows;

	*out_rows = 0;
	do {
		sqlite3_stmt *st = db_statement(a->db, ST_AUDIT_QUEUE);
		enum err rc;

		rows = 0;
		for (int i = 0; i < 3; i++)
			db_bind_int(st, i + 1, at[i]);
		db_bind_int(st, 4, AUDIT_ROWS);
		while ((rc = db_step(a->db, st)) == ERR_OK) {
			for (int i = 0; i < 3; i++)
				at[i] = db_column_int(st, i);
			rows++;
			rc = delivery_state_of(a, at[2], &state);
			if (rc != ERR_OK)
				break;
			if (state != DELIVERY_DUE)
				fault(a, "the queue holds a delivery that is not due", at[2]);
		}
		db_reset(st);
		if (rc != ERR_NOT_FOUND)
			return rc;
		*out_rows += (int64_t)rows;
	} while (rows == AUDIT_ROWS);
	return ERR_OK;
}

static enum err destinations_audit(struct audit *a, int64_t *out_due)
{
	sqlite3_stmt *st = db_statement(a->db, ST_DESTINATIONS);
	enum err rc;

	*out_due = 0;
	while ((rc = db_step(a->db, st)) == ERR_OK) {
		const int64_t id = db_column_int(st, 0);
		const struct tally *t = tally_of(a, id);

		if (db_column_int(st, 3) != t->last)
			fault(a, "a destination's newest delivery is not the last of its chain",
			      id);
		if (db_column_int(st, 4) != t->created)
			fault(a, "a destination's count of created deliveries is wrong", id);
		for (int s = DELIVERY_DUE; s < DELIVERY_STATES; s++)
			if (db_column_int(st, 4 + s) != t->by_state[s])
				fault(a, "a destination's counters do not fit its deliveries", id);
		*out_due += t->by_state[DELIVERY_DUE];
	}
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

enum err store_audit(struct store *s, struct why *why)
{
	struct audit a = { .why = why };
	int64_t queued = 0, due = 0;
	enum err rc = readers_take(s->readers, &a.db);

	if (rc != ERR_OK)
		return rc;
	rc = deliveries_audit(&a);
	if (rc == ERR_OK)
		rc = queue_audit(&a, &queued);
	if (rc == ERR_OK)
		rc = destinations_audit(&a, &due);
	readers_give(s->readers, a.db);
	if (rc == ERR_OK && queued != due)
		fault(&a, "the queue and the due deliveries differ in number", queued - due);
	free(a.tallies);
	return rc == ERR_OK && a.faults > 0 ? ERR_CORRUPT : rc;
}
