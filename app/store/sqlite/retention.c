/* retention.c - when and how fast old rows go.
 * SPDX-License-Identifier: MIT
 *
 * A pass each minute goes on where the last one ended; a full pass each hour also
 * looks at what was skipped because it was not finished. Its slices ride with the
 * commits that happen anyway. How much is a matter of credit: a little by time,
 * which an idle store lives on, and as much as is written, so that it keeps up
 * under any load without ever being a large part of it.
 * Not here: what a slice removes (removal.c). Writer thread. */
#include "store/sqlite/retention_state.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "model/ids.h"
#include "store/sqlite/meta.h"
#include "store/sqlite/state.h"

enum {
	CREDIT_SLICE = 64, /* a slice is worth its commit from here on */
	CREDIT_MAX = 512,  /* the largest */
	CREDIT_PER_MS = 1, /* by time, while others write and when nobody did for a while */
	CREDIT_PER_IDLE_MS = 8,
	CREDIT_PER_WEIGHT = 1, /* by what others write: more than they add */
	IDLE_AFTER_MS = 100,
};

enum { PASS_LEAST_MS = 200, PASS_BYTES_MS = 1000, FULL_LEAST_MS = 1000, FULL_OVER_MS = 10000 };

struct retention_unit {
	struct unit unit;
	struct retention_place place; /* after the commit */
	struct removal removal;
	int64_t credit;
};

static const struct store_retention *rules_of(const struct store *s)
{
	return &s->options.retention;
}

static bool is_off(const struct store_retention *r)
{
	return r->max_age_ms <= 0 && r->max_bytes <= 0 && r->payload_max_age_ms <= 0;
}

static int64_t between(int64_t low, int64_t value, int64_t high)
{
	return value < low ? low : value > high ? high : value;
}

/* The shortest age decides how often: a thousandth of it, at most a minute. */
static int64_t age_least(const struct store_retention *r)
{
	int64_t age_ms = DAYS_MS(30);

	if (r->max_age_ms > 0 && r->max_age_ms < age_ms)
		age_ms = r->max_age_ms;
	if (r->payload_max_age_ms > 0 && r->payload_max_age_ms < age_ms)
		age_ms = r->payload_max_age_ms;
	return age_ms;
}

static int64_t pass_ms(const struct store_retention *r)
{
	return between(PASS_LEAST_MS, age_least(r) / 1000,
		       r->max_bytes > 0 ? PASS_BYTES_MS : MINUTES_MS(1));
}

static int64_t full_ms(const struct store_retention *r)
{
	return between(FULL_LEAST_MS, age_least(r) / 100, HOURS_MS(1));
}

enum err retention_load(struct store *s)
{
	struct retention *r = &s->retention;
	enum err rc;

	*r = (struct retention){ .next_mono_ms = INT64_MIN, .next_full_mono_ms = INT64_MIN };
	rc = meta_int_read(&s->db, META_FLOOR, &r->place.floor);
	if (rc == ERR_OK)
		rc = meta_int_read(&s->db, META_PAYLOAD_FLOOR, &r->place.payload_floor);
	return rc;
}

static int64_t credit_per_ms(const struct retention *r, int64_t now_mono_ms)
{
	return now_mono_ms - r->busy_mono_ms > IDLE_AFTER_MS ? CREDIT_PER_IDLE_MS : CREDIT_PER_MS;
}

static void credit_add(struct retention *r, int64_t now_mono_ms, size_t weight)
{
	const int64_t span_ms = between(0, now_mono_ms - r->credit_mono_ms, CREDIT_MAX);
	const int64_t earned = span_ms * credit_per_ms(r, now_mono_ms) +
			       (int64_t)weight * CREDIT_PER_WEIGHT;

	r->credit_mono_ms = now_mono_ms;
	if (weight > 0)
		r->busy_mono_ms = now_mono_ms;
	r->credit = r->credit + earned < CREDIT_MAX ? r->credit + earned : CREDIT_MAX;
}

int64_t retention_wait_ms(struct store *s, int64_t now_mono_ms)
{
	const struct retention *r = &s->retention;

	if (is_off(rules_of(s)))
		return INT64_MAX;
	if (r->place.stage == RETENTION_REST)
		return r->next_mono_ms <= now_mono_ms ? 0 : r->next_mono_ms - now_mono_ms;
	const int64_t per_ms = credit_per_ms(r, now_mono_ms);
	const int64_t wanted = CREDIT_SLICE - r->credit -
			       (now_mono_ms - r->credit_mono_ms) * per_ms;
	return wanted <= 0 ? 0 : wanted / per_ms + 1;
}

static int64_t cutoff_of(int64_t now_ms, int64_t max_age_ms)
{
	return max_age_ms > 0 ? id_floor(now_ms - max_age_ms) : 0;
}

static void pass_begin(struct store *s, int64_t now_mono_ms)
{
	const struct store_retention *rules = rules_of(s);
	struct retention *r = &s->retention;
	struct retention_place *p = &r->place;
	const int64_t now_ms = clock_wall_ms();

	r->next_mono_ms = now_mono_ms + pass_ms(rules);
	if (p->is_over && r->next_full_mono_ms > now_mono_ms + FULL_OVER_MS)
		r->next_full_mono_ms = now_mono_ms + FULL_OVER_MS;
	p->is_full = r->next_full_mono_ms <= now_mono_ms;
	if (p->is_full) {
		r->next_full_mono_ms = now_mono_ms + full_ms(rules);
		p->event = p->delivery = p->late = p->hash = 0;
		p->chain = INT64_MIN;
	}
	p->cutoff = cutoff_of(now_ms, rules->max_age_ms);
	p->payload_cutoff = cutoff_of(now_ms, rules->payload_max_age_ms);
	p->stage = RETENTION_EVENTS;
}

/* --- One slice ---------------------------------------------------------------------- */

static enum err over_look(struct store *s, struct removal *m)
{
	int64_t bytes = 0, pages = 0, free_pages = 0;

	if (rules_of(s)->max_bytes <= 0)
		return ERR_OK;
	const enum err rc = removal_space(s, &bytes, &pages, &free_pages);
	m->is_over = bytes > rules_of(s)->max_bytes;
	return rc;
}

static enum err floors_save(struct store *s, const struct retention_place *p)
{
	const struct retention_place *was = &s->retention.place;
	enum err rc = ERR_OK;

	if (p->floor != was->floor)
		rc = meta_int_write(&s->db, META_FLOOR, p->floor);
	if (rc == ERR_OK && p->payload_floor != was->payload_floor)
		rc = meta_int_write(&s->db, META_PAYLOAD_FLOOR, p->payload_floor);
	return rc;
}

static enum err unit_run(void *driver, struct unit *unit)
{
	struct store *s = driver;
	struct retention_unit *u = (struct retention_unit *)unit;
	struct retention_place *p = &u->place;
	enum err rc;

	*p = s->retention.place; /* again, when a run was undone */
	u->removal = (struct removal){ .place = p, .budget = u->credit };
	rc = over_look(s, &u->removal);
	while (rc == ERR_OK && u->removal.budget > 0 && p->stage != RETENTION_REST)
		rc = removal_run(s, &u->removal);
	return rc == ERR_OK ? floors_save(s, p) : rc;
}

static void unit_committed(void *driver, struct unit *unit)
{
	struct store *s = driver;
	const struct retention_unit *u = (struct retention_unit *)unit;

	s->retention.place = u->place;
	s->retention.credit -= u->credit - (u->removal.budget > 0 ? u->removal.budget : 0);
	metric_add(METRIC_EVENTS_REMOVED, u->removal.removed_events);
	metric_add(METRIC_DELIVERIES_REMOVED, u->removal.removed_deliveries);
}

static void unit_finished(struct unit *unit)
{
	free(unit);
}

struct unit *retention_slice(struct store *s, size_t weight)
{
	struct retention *r = &s->retention;
	const int64_t now_mono_ms = clock_mono_ms();

	if (is_off(rules_of(s)))
		return NULL;
	credit_add(r, now_mono_ms, weight);
	if (r->place.stage == RETENTION_REST) {
		if (r->next_mono_ms > now_mono_ms)
			return NULL;
		pass_begin(s, now_mono_ms);
	}
	if (r->credit < CREDIT_SLICE)
		return NULL;
	struct retention_unit *u = xcalloc(1, sizeof(*u));
	u->credit = r->credit;
	u->unit.run = unit_run;
	u->unit.committed = unit_committed;
	u->unit.finished = unit_finished;
	u->unit.weight = (size_t)r->credit;
	return &u->unit;
}
