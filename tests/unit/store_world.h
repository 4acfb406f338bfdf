/* store_world.h - a real store in a folder of its own, with one organization.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_STORE_WORLD_H
#define TESTS_UNIT_STORE_WORLD_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/store.h"

#include "files.h"

enum { WORLD_WEBHOOKS_MAX = 4, WORLD_TURNS_MAX = 10000 };

struct world {
	char folder[FILE_PATH_BYTES], path[FILE_PATH_BYTES + 16];
	struct store *s;
	int64_t organization;
	struct store_retention retention;            /* of the next world_open() */
	struct webhook webhooks[WORLD_WEBHOOKS_MAX]; /* as last stored */
	size_t webhook_count;
};

static inline enum err world_open_as(const char *path, const struct store_retention *retention,
				     struct store **out, struct why *why)
{
	const struct store_options options = { .path = path,
					       .cache_bytes = 1 << 20,
					       .busy_timeout_ms = 2000,
					       .readers = 2,
					       .node = 1,
					       .retention = *retention };

	return store_open(&options, out, why);
}

static inline enum err world_try_open(const char *path, struct store **out, struct why *why)
{
	return world_open_as(path, &(const struct store_retention){ 0 }, out, why);
}

static inline void world_open(struct world *w)
{
	struct why why = { "" };

	if (world_open_as(w->path, &w->retention, &w->s, &why) != ERR_OK)
		fail_msg("store_open: %s", why.text);
}

static inline void world_close(struct world *w)
{
	store_close(w->s);
	w->s = NULL;
}

static inline void world_reopen(struct world *w)
{
	world_close(w);
	world_open(w);
}

static inline enum err world_organization_add(struct world *w)
{
	static char name[] = "Acme";
	struct organization o = { .public_id = "org_aaaaaaaaaa",
				  .internal_id = "int_aaaaaaaaaaaaaaaaaaaaaaaa",
				  .name = name };
	enum err rc = store_organization_add(w->s, &o);

	w->organization = o.id;
	return rc;
}

/* An active webhook of these channels; its last channel has `targets` targets. */
static inline enum err world_webhook_add(struct world *w, size_t channels, size_t targets)
{
	struct webhook *h = &w->webhooks[w->webhook_count];

	*h = (struct webhook){ .organization = w->organization,
			       .name = xstrdup("Orders"),
			       .is_active = true,
			       .created_at_us = 1,
			       .updated_at_us = 1,
			       .event_type_count = 1,
			       .channel_count = channels,
			       .secret_count = 1 };
	snprintf(h->public_id, sizeof(h->public_id), "wh_aaaaaaaaa%zu", w->webhook_count % 10);
	h->event_types = xcalloc(1, sizeof(*h->event_types));
	h->event_types[0] = xstrdup("*");
	h->channels = xcalloc(channels, sizeof(*h->channels));
	h->secrets[0].len = 32;
	for (size_t i = 0; i < channels; i++) {
		h->channels[i].name = xstrdup("web");
		h->channels[i].configs = xstrdup("{\"url\":\"https://a.example\"}");
	}
	h->channels[channels - 1].targets = xcalloc(targets + 1, sizeof(struct channel_target));
	h->channels[channels - 1].target_count = targets;
	for (size_t i = 0; i < targets; i++)
		h->channels[channels - 1].targets[i].value = xformat("+4420000%zu", i);
	enum err rc = store_webhook_add(w->s, h);
	if (rc == ERR_OK)
		w->webhook_count++;
	else
		webhook_finish(h);
	return rc;
}

static inline int64_t world_channel(const struct world *w, size_t webhook, size_t channel)
{
	return w->webhooks[webhook].channels[channel].id;
}

static inline void world_start(struct world *w)
{
	char folder[FILE_PATH_BYTES];

	folder_create(folder);
	memset(w, 0, sizeof(*w));
	memcpy(w->folder, folder, sizeof(folder));
	snprintf(w->path, sizeof(w->path), "%s/t.db", w->folder);
	world_open(w);
	assert_int_equal(world_organization_add(w), ERR_OK);
}

static inline void world_end(struct world *w)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal", ".lock" };

	world_close(w);
	for (size_t i = 0; i < w->webhook_count; i++)
		webhook_finish(&w->webhooks[i]);
	for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
		char *path = xformat("%s%s", w->path, suffixes[i]);

		(void)unlink(path);
		free(path);
	}
	assert_int_equal(rmdir(w->folder), 0);
}

/* --- Looking and damaging from outside ----------------------------------------- */

static inline int64_t world_sql(const struct world *w, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	int64_t value = -1;

	assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 2000);
	if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	const int code = sqlite3_step(st);
	if (code == SQLITE_ROW)
		value = sqlite3_column_int64(st, 0);
	else if (code == SQLITE_DONE)
		value = sqlite3_changes(db);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return value;
}

static inline int64_t world_state_count(const struct world *w, int64_t destination,
					enum delivery_state state)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM delivery WHERE destination=%lld AND state=%d",
		 (long long)destination, (int)state);
	return world_sql(w, sql);
}

/* All that the audit said; cut. */
struct fault_texts {
	char text[4096];
	size_t len, count;
};

static inline void fault_note(void *ctx, const struct audit_fault *f)
{
	struct fault_texts *t = ctx;
	const int n = snprintf(t->text + t->len, sizeof(t->text) - t->len, "%d %lld: %s; ",
			       (int)f->kind, (long long)f->id, f->what);

	t->count++;
	if (n > 0 && t->len + (size_t)n < sizeof(t->text))
		t->len += (size_t)n;
}

static inline void world_audit_ok(struct world *w)
{
	struct fault_texts faults = { .len = 0 };
	const enum err rc = store_audit(w->s, fault_note, &faults);

	if (rc != ERR_OK)
		fail_msg("audit: %s: %s", err_text(rc), faults.text);
}

/* Sweeps ride with commits of their own: until the table says there are none. */
static inline void world_sweeps_wait(const struct world *w)
{
	const struct timespec turn = { .tv_nsec = 1000000 };

	for (int i = 0; world_sql(w, "SELECT count(*) FROM sweep") > 0; i++) {
		assert_true(i < WORLD_TURNS_MAX);
		nanosleep(&turn, NULL);
	}
}

/* A commit that changes nothing: it wakes the writer. */
static inline void world_poke(struct world *w)
{
	assert_int_equal(store_key_revoke(w->s, 999, 1), ERR_NOT_FOUND);
}

/* Until a number of the store is this one; the writer is kept awake meanwhile. */
static inline void world_wait(struct world *w, const char *sql, int64_t wanted)
{
	const struct timespec turn = { .tv_nsec = 1000000 };
	int64_t value = -1;

	for (int i = 0; i < WORLD_TURNS_MAX; i++) {
		value = world_sql(w, sql);
		if (value == wanted)
			return;
		world_poke(w);
		nanosleep(&turn, NULL);
	}
	fail_msg("%s: %lld, not %lld", sql, (long long)value, (long long)wanted);
}

/* --- Publishing ------------------------------------------------------------------- */

struct publish {
	struct accept accept;
	struct accept_event event;
	struct accept_target targets[8];
};

/* One event for count destinations (target 0), ready for store_accept(). */
static inline void publish_fill(const struct world *w, struct publish *p, const char *source_id,
				const int64_t *destinations, size_t count)
{
	memset(p, 0, sizeof(*p));
	p->accept.organization = w->organization;
	p->accept.events = &p->event;
	p->accept.event_count = 1;
	p->event.type = span_of("order.paid");
	p->event.data = span_of("{\"a\":1}");
	p->event.source_id = span_of(source_id);
	p->event.targets = p->targets;
	p->event.target_count = count;
	for (size_t i = 0; i < count; i++)
		p->targets[i].destination = destinations[i];
}

/* One event for one destination; its delivery. */
static inline int64_t world_publish(struct world *w, int64_t destination, int64_t target)
{
	struct publish p;

	publish_fill(w, &p, NULL, &destination, 1);
	p.targets[0].target = target;
	assert_int_equal(store_accept(w->s, &p.accept), ERR_OK);
	return p.targets[0].delivery_id;
}

/* --- Settling ---------------------------------------------------------------------- */

struct settled {
	_Atomic int calls;
	_Atomic int rc;
};

static inline void settled_note(struct settle_batch *b, enum err rc)
{
	struct settled *done = b->ctx;

	atomic_store(&done->rc, (int)rc);
	atomic_fetch_add(&done->calls, 1);
}

static inline enum err settled_wait(struct settled *done)
{
	const struct timespec turn = { .tv_nsec = 100000 };

	for (int i = 0; atomic_load(&done->calls) == 0; i++) {
		assert_true(i < WORLD_TURNS_MAX * 10);
		nanosleep(&turn, NULL);
	}
	assert_int_equal(atomic_load(&done->calls), 1);
	return (enum err)atomic_load(&done->rc);
}

static inline enum err world_settle_all(struct world *w, struct settle *items, size_t count)
{
	struct settled done = { 0 };
	struct settle_batch b = {
		.items = items, .count = count, .done = settled_note, .ctx = &done
	};

	store_settle(w->s, &b);
	return settled_wait(&done);
}

static inline struct settle settle_make(int64_t destination, int64_t delivery,
					enum delivery_state state)
{
	struct settle x = { .delivery_id = delivery,
			    .destination = destination,
			    .state = state,
			    .event_text_id = "evt_1",
			    .attempt = { .number = 1,
					 .started_at_us = 1000,
					 .dns_us = -1,
					 .connect_us = -1,
					 .tls_us = -1,
					 .first_byte_us = -1,
					 .total_us = 5,
					 .status = 200,
					 .outcome = ATTEMPT_DELIVERED } };

	if (state == DELIVERY_DELIVERED)
		return x;
	x.attempt.status = 500;
	x.attempt.outcome = state == DELIVERY_FAILED ? ATTEMPT_FAILED : ATTEMPT_RETRY;
	snprintf(x.attempt.reason, sizeof(x.attempt.reason), "it said 500");
	return x;
}

#endif
