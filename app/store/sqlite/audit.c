/* audit.c - does every counter and list agree with the rows?
 * SPDX-License-Identifier: MIT
 *
 * Reads each table once, in the order of its key, within one snapshot, and
 * compares counts per destination and organization. Repairs nothing. Memory
 * grows with destinations and organizations only: which deliveries a list
 * holds is compared by their number and the sum of their mixed ids.
 * Any thread but the delivery loop's. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "store/sqlite/state.h"

enum { AUDIT_ROWS = 1000 };

/* Which deliveries: equal bags have equal count and sum. */
struct bag {
	int64_t count;
	uint64_t sum;
};

/* One destination: what its row says, and what was found. */
struct tally {
	bool is_known;
	int64_t stored[DELIVERY_STATES]; /* [0]: created */
	int64_t stored_last, created, last;
	struct bag found[DELIVERY_STATES], listed[DELIVERY_STATES];
};

struct chain { /* one organization's events */
	bool is_known;
	int64_t stored_last, stored_events, last, events;
};

struct audit {
	struct db *db;
	struct why first;
	size_t faults;
	struct tally *tallies; /* by destination row */
	size_t tally_size;
	struct chain *chains; /* by organization row */
	size_t chain_size;
	int64_t event, event_end,
		event_found;             /* the greatest event so far: its range, deliveries */
	int64_t next_event, next_fanout; /* the one after it; 0 = there is none */
	sqlite3_stmt *events;
};

static void fault(struct audit *a, const char *what, int64_t id)
{
	if (a->faults++ == 0)
		why_set(&a->first, "%s (row %lld)", what, (long long)id);
}

static void bag_add(struct bag *b, int64_t id)
{
	uint64_t x = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 31)) * UINT64_C(0xd6e8feb86659fd93);
	b->sum += x ^ (x >> 32);
	b->count++;
}

static bool bag_equal(const struct bag *a, const struct bag *b)
{
	return a->count == b->count && a->sum == b->sum;
}

/* Room for row id in a dense array; only for ids of our own small tables. */
static void *row_make(void *items, size_t *size, int64_t id, size_t bytes)
{
	const size_t at = (size_t)id;

	if (at < *size)
		return items;
	const size_t grown = at + at / 2 + 64;
	items = xrealloc(items, grown * bytes);
	memset((char *)items + *size * bytes, 0, (grown - *size) * bytes);
	*size = grown;
	return items;
}

/* NULL: no such row, so a damaged number makes no large array. */
static struct tally *tally_of(struct audit *a, int64_t destination)
{
	if (destination <= 0 || (uint64_t)destination >= a->tally_size)
		return NULL;
	return a->tallies[destination].is_known ? &a->tallies[destination] : NULL;
}

static struct chain *chain_of(struct audit *a, int64_t organization)
{
	if (organization <= 0 || (uint64_t)organization >= a->chain_size)
		return NULL;
	return a->chains[organization].is_known ? &a->chains[organization] : NULL;
}

/* --- What the heads say --------------------------------------------------------- */

static enum err destinations_read(struct audit *a)
{
	sqlite3_stmt *st = db_statement(a->db, ST_DESTINATIONS);
	enum err rc;

	while ((rc = db_step(a->db, st)) == ERR_OK) {
		const int64_t id = db_column_int(st, 0);

		a->tallies = row_make(a->tallies, &a->tally_size, id, sizeof(*a->tallies));
		struct tally *t = &a->tallies[id];
		t->is_known = true;
		t->stored_last = db_column_int(st, 3);
		for (int s = 0; s < DELIVERY_STATES; s++)
			t->stored[s] = db_column_int(st, 4 + s);
	}
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static enum err organizations_read(struct audit *a)
{
	sqlite3_stmt *st = db_statement(a->db, ST_ORGANIZATION_HEADS);
	enum err rc;

	while ((rc = db_step(a->db, st)) == ERR_OK) {
		const int64_t id = db_column_int(st, 0);

		a->chains = row_make(a->chains, &a->chain_size, id, sizeof(*a->chains));
		a->chains[id].is_known = true;
		a->chains[id].stored_last = db_column_int(st, 1);
		a->chains[id].stored_events = db_column_int(st, 2);
	}
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

/* --- Events, along with the deliveries ------------------------------------------- */

static void event_audit(struct audit *a, int64_t id, int64_t organization, int64_t prev)
{
	struct chain *c = chain_of(a, organization);

	if (c == NULL) {
		fault(a, "an event belongs to no organization", id);
		return;
	}
	if (prev != c->last)
		fault(a, "an event is not chained to its organization's previous one", id);
	c->last = id;
	c->events++;
}

static enum err event_peek(struct audit *a)
{
	enum err rc = db_step(a->db, a->events);

	a->next_event = 0;
	if (rc != ERR_OK)
		return rc == ERR_NOT_FOUND ? ERR_OK : rc;
	a->next_event = db_column_int(a->events, 0);
	a->next_fanout = db_column_int(a->events, 2);
	event_audit(a, a->next_event, db_column_int(a->events, 1), db_column_int(a->events, 3));
	return ERR_OK;
}

/* The present event's deliveries were all seen. */
static void event_close(struct audit *a)
{
	if (a->event != 0 && a->event_found != a->event_end - a->event - 1)
		fault(a, "an event has not as many deliveries as it was given", a->event);
}

/* Make the greatest event not above id the present one. */
static enum err events_pass(struct audit *a, int64_t id)
{
	enum err rc = ERR_OK;

	while (rc == ERR_OK && a->next_event != 0 && a->next_event <= id) {
		event_close(a);
		if (a->next_event < a->event_end)
			fault(a, "an event lies among another one's deliveries", a->next_event);
		a->event = a->next_event;
		a->event_end = a->event + a->next_fanout;
		a->event_found = 0;
		rc = event_peek(a);
	}
	return rc;
}

/* --- Deliveries and lists ---------------------------------------------------------- */

static enum err delivery_audit(struct audit *a, sqlite3_stmt *st)
{
	const int64_t id = db_column_int(st, 0), state = db_column_int(st, 2);
	struct tally *t = tally_of(a, db_column_int(st, 1));
	enum err rc = events_pass(a, id);

	if (rc != ERR_OK)
		return rc;
	if (a->event == 0 || id <= a->event || id >= a->event_end)
		fault(a, "a delivery belongs to no event", id);
	a->event_found++;
	if (t == NULL) {
		fault(a, "a delivery belongs to no destination", id);
		return ERR_OK;
	}
	if (db_column_int(st, 3) != t->last)
		fault(a, "a delivery is not chained to its destination's previous one", id);
	t->last = id;
	t->created++;
	if (state <= DELIVERY_UNSET || state >= DELIVERY_STATES)
		fault(a, "a delivery has an unknown state", id);
	else
		bag_add(&t->found[state], id);
	return ERR_OK;
}

static enum err deliveries_audit(struct audit *a)
{
	int64_t after = 0;
	size_t rows;

	a->events = db_statement(a->db, ST_AUDIT_EVENTS);
	enum err rc = event_peek(a);
	if (rc != ERR_OK)
		return rc;
	do {
		sqlite3_stmt *st = db_statement(a->db, ST_AUDIT_DELIVERIES);

		rows = 0;
		db_bind_int(st, 1, after);
		db_bind_int(st, 2, AUDIT_ROWS);
		while ((rc = db_step(a->db, st)) == ERR_OK) {
			after = db_column_int(st, 0);
			rows++;
			rc = delivery_audit(a, st);
			if (rc != ERR_OK)
				break;
		}
		db_reset(st);
		if (rc != ERR_NOT_FOUND)
			return rc;
	} while (rows == AUDIT_ROWS);
	rc = events_pass(a, INT64_MAX);
	event_close(a); /* the last one */
	return rc;
}

static void listed_audit(struct audit *a, int64_t destination, int64_t state, int64_t delivery)
{
	struct tally *t = tally_of(a, destination);

	if (t == NULL)
		fault(a, "a list has a delivery of no destination", delivery);
	else if (state <= DELIVERY_UNSET || state >= DELIVERY_STATES)
		fault(a, "a list has a delivery in an unknown state", delivery);
	else
		bag_add(&t->listed[state], delivery);
}

/* The queue, or the list of rare states: both have a key of three numbers. */
static enum err list_audit(struct audit *a, enum statement id)
{
	int64_t at[3] = { INT64_MIN, INT64_MIN, INT64_MIN };
	size_t rows;

	do {
		sqlite3_stmt *st = db_statement(a->db, id);
		enum err rc;

		rows = 0;
		for (int i = 0; i < 3; i++)
			db_bind_int(st, i + 1, at[i]);
		db_bind_int(st, 4, AUDIT_ROWS);
		while ((rc = db_step(a->db, st)) == ERR_OK) {
			for (int i = 0; i < 3; i++)
				at[i] = db_column_int(st, i);
			rows++;
			listed_audit(a, at[0], id == ST_AUDIT_QUEUE ? DELIVERY_DUE : at[1], at[2]);
		}
		if (rc != ERR_NOT_FOUND)
			return rc;
	} while (rows == AUDIT_ROWS);
	return ERR_OK;
}

/* --- Comparing ----------------------------------------------------------------------- */

static void destination_compare(struct audit *a, const struct tally *t, int64_t id)
{
	if (t->stored_last != t->last)
		fault(a, "a destination's newest delivery is not the last of its chain", id);
	if (t->stored[0] != t->created)
		fault(a, "a destination's count of created deliveries is wrong", id);
	for (int s = DELIVERY_DUE; s < DELIVERY_STATES; s++)
		if (t->stored[s] != t->found[s].count)
			fault(a, "a destination's counters do not fit its deliveries", id);
	if (!bag_equal(&t->found[DELIVERY_DUE], &t->listed[DELIVERY_DUE]))
		fault(a, "a destination's queue is not its due deliveries", id);
	for (int s = DELIVERY_HELD; s < DELIVERY_STATES; s++) {
		const struct bag none = { 0, 0 };
		const struct bag *wanted = s == DELIVERY_DELIVERED ? &none : &t->found[s];

		if (!bag_equal(wanted, &t->listed[s]))
			fault(a, "a destination's rare list is not its deliveries in that state",
			      id);
	}
}

static void heads_compare(struct audit *a)
{
	for (size_t i = 0; i < a->tally_size; i++)
		if (a->tallies[i].is_known)
			destination_compare(a, &a->tallies[i], (int64_t)i);
	for (size_t i = 0; i < a->chain_size; i++) {
		const struct chain *c = &a->chains[i];

		if (c->is_known && c->stored_last != c->last)
			fault(a, "an organization's newest event is not the last of its chain",
			      (int64_t)i);
		if (c->is_known && c->stored_events != c->events)
			fault(a, "an organization's count of events is wrong", (int64_t)i);
	}
}

enum err store_audit(struct store *s, struct why *why)
{
	struct audit a = { 0 };
	enum err rc = readers_take(s->readers, &a.db);

	if (rc != ERR_OK)
		return rc;
	rc = destinations_read(&a);
	if (rc == ERR_OK)
		rc = organizations_read(&a);
	if (rc == ERR_OK)
		rc = deliveries_audit(&a);
	if (a.events != NULL)
		db_reset(a.events);
	if (rc == ERR_OK)
		rc = list_audit(&a, ST_AUDIT_QUEUE);
	if (rc == ERR_OK)
		rc = list_audit(&a, ST_AUDIT_RARE);
	if (rc == ERR_OK)
		heads_compare(&a);
	readers_give(s->readers, a.db);
	free(a.tallies);
	free(a.chains);
	if (rc != ERR_OK || a.faults == 0)
		return rc;
	why_set(why, "%s; %zu in all", a.first.text, a.faults);
	return ERR_CORRUPT;
}
