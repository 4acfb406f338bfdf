/* audit.c - does every counter and list agree with the rows?
 * SPDX-License-Identifier: MIT
 *
 * Reads each table in slices in the order of its key, within one snapshot, and
 * compares per destination and organization. Repairs nothing. Memory grows with
 * destinations, targets and organizations only: which deliveries a list holds is
 * compared by their number and the sum of their mixed ids.
 * Below retention's floor rows may be missing, but only as many as it counted.
 * Any thread but the delivery loop's. */
#include "store/sqlite/audit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "model/ids.h"
#include "store/sqlite/meta.h"
#include "store/sqlite/state.h"

void audit_fault(struct audit *a, enum audit_kind kind, int64_t id, const char *what)
{
	const struct audit_fault f = { .kind = kind, .id = id, .what = what };

	a->faults++;
	a->tell(a->ctx, &f);
}

void bag_add(struct bag *b, int64_t id)
{
	uint64_t x = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 31)) * UINT64_C(0xd6e8feb86659fd93);
	b->sum += x ^ (x >> 32);
	b->count++;
}

bool bag_equal(const struct bag *a, const struct bag *b)
{
	return a->count == b->count && a->sum == b->sum;
}

void *audit_room(void *items, size_t *size, int64_t id, size_t bytes)
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

struct tally *audit_tally(struct audit *a, int64_t destination)
{
	if (destination <= 0 || (uint64_t)destination >= a->tally_size)
		return NULL;
	return a->tallies[destination].is_known ? &a->tallies[destination] : NULL;
}

struct chain *audit_chain(struct audit *a, int64_t organization)
{
	if (organization <= 0 || (uint64_t)organization >= a->chain_size)
		return NULL;
	return a->chains[organization].is_known ? &a->chains[organization] : NULL;
}

/* Only hours that retention has not reached are whole. */
void hours_note(const struct audit *a, struct hours *h, int64_t id)
{
	const int64_t hour = id_time_ms(id) / HOURS_MS(1);

	if (hour != h->last && hour > id_time_ms(a->floor) / HOURS_MS(1))
		bag_add(&h->found, id);
	h->last = hour;
}

/* Does `prev` name the row of the chain before this one? Retention may have taken it. */
static bool is_chained(const struct audit *a, int64_t prev, int64_t last)
{
	return prev == last || (prev > last && prev < a->floor);
}

/* --- What the heads say --------------------------------------------------------- */

static enum err destinations_read(struct audit *a)
{
	sqlite3_stmt *st = db_statement(a->db, ST_DESTINATIONS);
	enum err rc;

	while ((rc = db_step(a->db, st)) == ERR_OK) {
		const int64_t id = db_column_int(st, 0);

		a->tallies = audit_room(a->tallies, &a->tally_size, id, sizeof(*a->tallies));
		struct tally *t = &a->tallies[id];
		t->is_known = true;
		t->organization = db_column_int(st, 1);
		t->removed = db_column_int(st, 15);
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

		a->chains = audit_room(a->chains, &a->chain_size, id, sizeof(*a->chains));
		a->chains[id].is_known = true;
		a->chains[id].stored_last = db_column_int(st, 1);
		a->chains[id].stored_events = db_column_int(st, 2);
		a->chains[id].removed = db_column_int(st, 3);
	}
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

/* --- Events, along with the deliveries ------------------------------------------- */

static void event_audit(struct audit *a, int64_t id, int64_t organization, int64_t prev)
{
	struct chain *c = audit_chain(a, organization);

	if (c == NULL) {
		audit_fault(a, AUDIT_EVENT, id, "an event belongs to no organization");
		return;
	}
	if (!is_chained(a, prev, c->last))
		audit_fault(a, AUDIT_EVENT, id,
			    "an event is not chained to its organization's previous one");
	c->last = id;
	c->events++;
	hours_note(a, &c->hours, id);
}

static enum err event_peek(struct audit *a)
{
	enum err rc = db_step(a->db, a->events);

	a->next_event = 0;
	if (rc != ERR_OK)
		return rc == ERR_NOT_FOUND ? ERR_OK : rc;
	a->next_event = db_column_int(a->events, 0);
	a->next_organization = db_column_int(a->events, 1);
	a->next_fanout = db_column_int(a->events, 2);
	event_audit(a, a->next_event, a->next_organization, db_column_int(a->events, 3));
	return ERR_OK;
}

/* The present event's deliveries were all seen. */
static void event_close(struct audit *a)
{
	const int64_t given = a->event_end - a->event - 1;

	if (a->event == 0 || a->event_found == given)
		return;
	if (a->event_found > given || a->event >= a->floor)
		audit_fault(a, AUDIT_EVENT, a->event,
			    "an event has not as many deliveries as it was given");
}

/* Make the greatest event not above id the present one. */
static enum err events_pass(struct audit *a, int64_t id)
{
	enum err rc = ERR_OK;

	while (rc == ERR_OK && a->next_event != 0 && a->next_event <= id) {
		event_close(a);
		if (a->next_event < a->event_end)
			audit_fault(a, AUDIT_EVENT, a->next_event,
				    "an event lies among another one's deliveries");
		a->event = a->next_event;
		a->event_end = a->event + a->next_fanout;
		a->event_organization = a->next_organization;
		a->event_found = 0;
		rc = event_peek(a);
	}
	return rc;
}

/* --- Deliveries and lists ---------------------------------------------------------- */

/* What one row says of itself. */
static void state_audit(struct audit *a, struct tally *t, int64_t id, int64_t state, bool is_done)
{
	if (state <= DELIVERY_UNSET || state >= DELIVERY_STATES) {
		audit_fault(a, AUDIT_DELIVERY, id, "a delivery has an unknown state");
		return;
	}
	bag_add(&t->found[state], id);
	if (is_done != (state != DELIVERY_DUE && state != DELIVERY_HELD))
		audit_fault(a, AUDIT_DELIVERY, id,
			    "a delivery's time of ending does not fit its state");
}

static void target_audit(struct audit *a, int64_t id, int64_t destination, int64_t target)
{
	if (target == 0)
		return;
	if (target < 0 || (uint64_t)target >= a->target_size || a->targets[target] != destination)
		audit_fault(a, AUDIT_DELIVERY, id, "a delivery's target is none of its channel");
}

static enum err delivery_audit(struct audit *a, sqlite3_stmt *st)
{
	const int64_t id = db_column_int(st, 0), destination = db_column_int(st, 1);
	struct tally *t = audit_tally(a, destination);
	enum err rc = events_pass(a, id);

	if (rc != ERR_OK)
		return rc;
	if (a->event == 0 || id <= a->event || id >= a->event_end)
		audit_fault(a, AUDIT_DELIVERY, id, "a delivery belongs to no event");
	a->event_found++;
	if (t == NULL) {
		audit_fault(a, AUDIT_DELIVERY, id, "a delivery belongs to no destination");
		return ERR_OK;
	}
	if (a->event != 0 && t->organization != a->event_organization)
		audit_fault(a, AUDIT_DELIVERY, id,
			    "a delivery goes to another organization than its event's");
	if (!is_chained(a, db_column_int(st, 3), t->last))
		audit_fault(a, AUDIT_DELIVERY, id,
			    "a delivery is not chained to its destination's previous one");
	t->last = id;
	t->created++;
	hours_note(a, &t->hours, id);
	state_audit(a, t, id, db_column_int(st, 2), db_column_int(st, 5) != 0);
	target_audit(a, id, destination, db_column_int(st, 4));
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
	struct tally *t = audit_tally(a, destination);

	if (t == NULL)
		audit_fault(a, AUDIT_DELIVERY, delivery, "a list has a delivery of no destination");
	else if (state <= DELIVERY_UNSET || state >= DELIVERY_STATES)
		audit_fault(a, AUDIT_DELIVERY, delivery,
			    "a list has a delivery in an unknown state");
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

static void lists_compare(struct audit *a, const struct tally *t, int64_t id)
{
	if (!bag_equal(&t->found[DELIVERY_DUE], &t->listed[DELIVERY_DUE]))
		audit_fault(a, AUDIT_CHANNEL, id,
			    "a destination's queue is not its due deliveries");
	for (int s = DELIVERY_HELD; s < DELIVERY_STATES; s++) {
		const struct bag none = { 0, 0 };
		const struct bag *wanted = s == DELIVERY_DELIVERED ? &none : &t->found[s];

		if (!bag_equal(wanted, &t->listed[s]))
			audit_fault(
				a, AUDIT_CHANNEL, id,
				"a destination's rare list is not its deliveries in that state");
	}
	if (!bag_equal(&t->hours.found, &t->hours.listed))
		audit_fault(a, AUDIT_CHANNEL, id,
			    "a destination's marks are not where its hours begin");
}

static void destination_compare(struct audit *a, const struct tally *t, int64_t id)
{
	if (!is_chained(a, t->stored_last, t->last))
		audit_fault(a, AUDIT_CHANNEL, id,
			    "a destination's newest delivery is not the last of its chain");
	if (t->removed < 0 || t->stored[0] != t->created + t->removed)
		audit_fault(a, AUDIT_CHANNEL, id,
			    "a destination's count of created deliveries is wrong");
	for (int s = DELIVERY_DUE; s < DELIVERY_STATES; s++)
		if (t->stored[s] != t->found[s].count)
			audit_fault(a, AUDIT_CHANNEL, id,
				    "a destination's counters do not fit its deliveries");
	lists_compare(a, t, id);
}

static void chain_compare(struct audit *a, const struct chain *c, int64_t id)
{
	if (!is_chained(a, c->stored_last, c->last))
		audit_fault(a, AUDIT_ORGANIZATION, id,
			    "an organization's newest event is not the last of its chain");
	if (c->removed < 0 || c->stored_events != c->events + c->removed)
		audit_fault(a, AUDIT_ORGANIZATION, id,
			    "an organization's count of events is wrong");
	if (!bag_equal(&c->hours.found, &c->hours.listed))
		audit_fault(a, AUDIT_ORGANIZATION, id,
			    "an organization's marks are not where its hours begin");
}

static void heads_compare(struct audit *a)
{
	for (size_t i = 0; i < a->tally_size; i++)
		if (a->tallies[i].is_known)
			destination_compare(a, &a->tallies[i], (int64_t)i);
	for (size_t i = 0; i < a->chain_size; i++)
		if (a->chains[i].is_known)
			chain_compare(a, &a->chains[i], (int64_t)i);
}

static enum err heads_read(struct audit *a)
{
	enum err rc = meta_int_read(a->db, META_FLOOR, &a->floor);

	if (rc == ERR_OK)
		rc = destinations_read(a);
	if (rc == ERR_OK)
		rc = organizations_read(a);
	return rc == ERR_OK ? audit_targets_read(a) : rc;
}

enum err store_audit(struct store *s, store_fault_fn fn, void *ctx)
{
	struct audit a = { .tell = fn, .ctx = ctx };
	enum err rc = readers_take(s->readers, &a.db);

	if (rc != ERR_OK)
		return rc;
	rc = heads_read(&a);
	if (rc == ERR_OK)
		rc = deliveries_audit(&a);
	if (a.events != NULL)
		db_reset(a.events);
	if (rc == ERR_OK)
		rc = list_audit(&a, ST_AUDIT_QUEUE);
	if (rc == ERR_OK)
		rc = list_audit(&a, ST_AUDIT_RARE);
	if (rc == ERR_OK)
		rc = audit_rows(&a);
	if (rc == ERR_OK)
		heads_compare(&a);
	readers_give(s->readers, a.db);
	free(a.tallies);
	free(a.chains);
	free(a.targets);
	return rc == ERR_OK && a.faults > 0 ? ERR_CORRUPT : rc;
}
