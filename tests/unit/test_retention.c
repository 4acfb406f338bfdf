/* test_retention.c - what goes and what stays, over weeks of made-up time.
 * SPDX-License-Identifier: MIT
 * The linker puts the two clocks below in the place of base/clock.c's. */
#include "store/sqlite/retention_state.h"

#include "model/ids.h"
#include "store_world.h"

int64_t __real_clock_mono_ms(void);
int64_t __wrap_clock_mono_ms(void);
int64_t __wrap_clock_wall_ms(void);

#define START_MS INT64_C(1790000000000)

static _Atomic int64_t passed_ms;

int64_t __wrap_clock_mono_ms(void)
{
	return __real_clock_mono_ms() + atomic_load(&passed_ms);
}

int64_t __wrap_clock_wall_ms(void)
{
	return START_MS + atomic_load(&passed_ms);
}

static void pass(int64_t ms)
{
	atomic_fetch_add(&passed_ms, ms);
}

/* One webhook; max_age of a month. */
static void month_start(struct world *w)
{
	atomic_store(&passed_ms, 0);
	world_start(w);
	assert_int_equal(world_webhook_add(w, 1, 0), ERR_OK);
	w->retention.max_age_ms = DAYS_MS(30);
	world_reopen(w);
}

static int64_t event_publish(struct world *w, const char *source_id, int64_t *out_delivery)
{
	const int64_t to = world_channel(w, 0, 0);
	struct publish p;

	publish_fill(w, &p, source_id, &to, 1);
	p.event.extra = span_of("\"subject\":\"s\"");
	assert_int_equal(store_accept(w->s, &p.accept), ERR_OK);
	if (out_delivery != NULL)
		*out_delivery = p.targets[0].delivery_id;
	return p.event.event_id;
}

static void delivery_end(struct world *w, int64_t delivery, enum delivery_state state)
{
	struct settle x = settle_make(world_channel(w, 0, 0), delivery, state);

	x.due_ms = id_time_ms(delivery);
	assert_int_equal(world_settle_all(w, &x, 1), ERR_OK);
}

static int64_t event_finished(struct world *w, enum delivery_state state)
{
	int64_t delivery = 0;
	const int64_t event = event_publish(w, NULL, &delivery);

	delivery_end(w, delivery, state);
	return event;
}

static size_t list_count(struct world *w, int64_t webhook, enum delivery_state state)
{
	struct delivery_query q = {
		.organization = w->organization, .webhook_id = webhook, .state = state, .limit = 3
	};
	struct delivery_row rows[3];
	size_t all = 0, count = 0;
	int64_t next = 0, last = INT64_MAX;

	do {
		q.before = next;
		assert_int_equal(store_deliveries_read(w->s, &q, rows, &count, &next), ERR_OK);
		for (size_t i = 0; i < count; i++) {
			assert_true(rows[i].id < last);
			last = rows[i].id;
			delivery_row_finish(&rows[i]);
		}
		all += count;
		assert_true(all < 1000);
	} while (next != 0);
	return all;
}

/* Every state of a finished delivery, one event a day for two months. */
static void what_is_older_than_a_month_goes(void **state)
{
	struct world w;

	(void)state;
	month_start(&w);
	for (int day = 0; day < 60; day++) {
		event_finished(&w, day % 3 == 0 ? DELIVERY_FAILED : DELIVERY_DELIVERED);
		pass(DAYS_MS(1));
	}
	world_wait(&w, "SELECT count(*) FROM event", 30);
	assert_int_equal(world_sql(&w, "SELECT count(*) FROM delivery"), 30);
	assert_int_equal(world_sql(&w, "SELECT count(*) FROM attempt"), 10);
	assert_int_equal(world_sql(&w, "SELECT count(*) FROM rare"), 10);
	world_wait(&w, "SELECT count(*) FROM mark WHERE chain=1", 31);
	assert_int_equal(world_sql(&w, "SELECT created-removed FROM destination"), 30);
	assert_int_equal(world_sql(&w, "SELECT created FROM destination"), 60);
	assert_int_equal(list_count(&w, 0, DELIVERY_UNSET), 30);
	assert_int_equal(list_count(&w, w.webhooks[0].id, DELIVERY_UNSET), 30);
	assert_int_equal(list_count(&w, w.webhooks[0].id, DELIVERY_FAILED), 10);
	world_audit_ok(&w);
	world_reopen(&w);
	world_audit_ok(&w);
	pass(DAYS_MS(30));
	world_wait(&w, "SELECT count(*) FROM event", 0);
	world_wait(&w, "SELECT count(*) FROM mark WHERE chain=1", 1);
	assert_int_equal(list_count(&w, 0, DELIVERY_UNSET), 0);
	world_audit_ok(&w);
	world_end(&w);
}

static void what_is_not_finished_stays(void **state)
{
	struct world w;
	int64_t due[3], held = 0;

	(void)state;
	month_start(&w);
	for (int i = 0; i < 3; i++) {
		event_finished(&w, DELIVERY_DELIVERED);
		event_publish(&w, NULL, &due[i]);
		event_finished(&w, DELIVERY_FAILED);
	}
	w.webhooks[0].disabled_reason = xstrdup("gone");
	assert_int_equal(store_webhook_replace(w.s, &w.webhooks[0], STORE_WAITING_KEEP), ERR_OK);
	event_publish(&w, NULL, &held);
	pass(DAYS_MS(40));
	const int64_t young = event_publish(&w, NULL, NULL);
	world_wait(&w, "SELECT count(*) FROM event", 5);
	world_audit_ok(&w);
	assert_int_equal(list_count(&w, 0, DELIVERY_UNSET), 5);
	assert_int_equal(list_count(&w, w.webhooks[0].id, DELIVERY_UNSET), 5);
	assert_int_equal(list_count(&w, 0, DELIVERY_DUE), 3);
	assert_int_equal(list_count(&w, 0, DELIVERY_HELD), 2);
	assert_int_equal(list_count(&w, w.webhooks[0].id, DELIVERY_HELD), 2);
	assert_true(young > held);
	/* Once finished they go, at the latest with the next full pass. */
	for (int i = 0; i < 3; i++)
		delivery_end(&w, due[i], i == 0 ? DELIVERY_FAILED : DELIVERY_DELIVERED);
	pass(HOURS_MS(2));
	world_wait(&w, "SELECT count(*) FROM event", 2);
	w.webhooks[0].updated_at_us++;
	assert_int_equal(store_webhook_replace(w.s, &w.webhooks[0], STORE_WAITING_CANCEL), ERR_OK);
	pass(HOURS_MS(2));
	world_wait(&w, "SELECT count(*) FROM event", 1);
	world_audit_ok(&w);
	world_end(&w);
}

/* A cursor that points below the floor by now ends the list, or goes on with what is left. */
static void an_old_cursor_ends_well(void **state)
{
	struct delivery_row rows[10];
	struct world w;
	size_t count = 0;
	int64_t next = 0, left = 0;

	(void)state;
	month_start(&w);
	event_publish(&w, NULL, &left);
	for (int i = 0; i < 9; i++)
		event_finished(&w, DELIVERY_DELIVERED);
	struct delivery_query q = { .organization = w.organization, .limit = 4 };
	assert_int_equal(store_deliveries_read(w.s, &q, rows, &count, &next), ERR_OK);
	assert_int_equal(count, 4);
	for (size_t i = 0; i < count; i++)
		delivery_row_finish(&rows[i]);
	pass(DAYS_MS(31));
	world_wait(&w, "SELECT count(*) FROM event", 1);
	for (int i = 0; i < 2; i++) {
		q.before = next;
		q.webhook_id = i == 0 ? 0 : w.webhooks[0].id;
		int64_t end = -1;
		assert_int_equal(store_deliveries_read(w.s, &q, rows, &count, &end), ERR_OK);
		assert_int_equal(count, 1);
		assert_true(rows[0].id == left && end == 0);
		delivery_row_finish(&rows[0]);
	}
	struct event_row row;
	assert_int_equal(store_event_read(w.s, w.organization, next, &row), ERR_NOT_FOUND);
	world_end(&w);
}

static void a_page_ends_at_the_floor(void **state)
{
	struct world w;
	int64_t delivery = 0;

	(void)state;
	month_start(&w);
	for (int i = 0; i < 6; i++) { /* two pages of three below */
		event_finished(&w, DELIVERY_DELIVERED);
		event_publish(&w, NULL, &delivery);
	}
	pass(DAYS_MS(31));
	for (int i = 0; i < 6; i++) /* two pages of three above */
		event_publish(&w, NULL, &delivery);
	world_wait(&w, "SELECT count(*) FROM event", 12);
	assert_int_equal(list_count(&w, 0, DELIVERY_UNSET), 12);
	assert_int_equal(list_count(&w, w.webhooks[0].id, DELIVERY_UNSET), 12);
	assert_int_equal(list_count(&w, w.webhooks[0].id, DELIVERY_DUE), 12);
	world_audit_ok(&w);
	world_end(&w);
}

#define EMPTIED "SELECT count(*) FROM event WHERE data IS NULL AND extra IS NULL AND flags=4"

static void payloads_go_earlier(void **state)
{
	struct world w;
	struct event_row row;
	int64_t late = 0;

	(void)state;
	month_start(&w);
	w.retention.payload_max_age_ms = DAYS_MS(1);
	world_reopen(&w);
	for (int i = 0; i < 5; i++)
		event_finished(&w, DELIVERY_DELIVERED);
	event_publish(&w, NULL, &late);
	pass(DAYS_MS(2));
	const int64_t young = event_finished(&w, DELIVERY_DELIVERED);
	world_wait(&w, EMPTIED, 5);
	world_wait(&w, "SELECT count(*) FROM late", 1);
	assert_int_equal(store_event_read(w.s, w.organization, young, &row), ERR_OK);
	assert_non_null(row.event->data.ptr);
	event_drop(row.event);
	delivery_end(&w, late, DELIVERY_FAILED);
	world_reopen(&w); /* the list of late ones is in the store */
	pass(HOURS_MS(2));
	world_wait(&w, EMPTIED, 6);
	world_wait(&w, "SELECT count(*) FROM late", 0);
	assert_int_equal(store_event_read(w.s, w.organization, late - 1, &row), ERR_OK);
	assert_true(row.event->data.ptr == NULL && row.event->extra.ptr == NULL);
	assert_int_equal(row.event->flags, EVENT_IS_EMPTIED);
	assert_true(span_is(row.event->type, "order.paid"));
	event_drop(row.event);
	world_audit_ok(&w);
	pass(DAYS_MS(31));
	world_wait(&w, "SELECT count(*) FROM event", 0);
	world_audit_ok(&w);
	world_end(&w);
}

/* A key holds as long as its event is kept. */
static void keys_go_with_their_events(void **state)
{
	struct world w;
	struct publish p;
	const int64_t to = 1;

	(void)state;
	month_start(&w);
	int64_t delivery = 0;
	const int64_t first = event_publish(&w, "order-1", &delivery);
	assert_true(event_publish(&w, "order-1", NULL) == first);
	delivery_end(&w, delivery, DELIVERY_DELIVERED);
	for (int i = 0; i < 200; i++) {
		char name[16];

		snprintf(name, sizeof(name), "k%d", i);
		event_publish(&w, name, &delivery);
		delivery_end(&w, delivery, DELIVERY_DELIVERED);
	}
	publish_fill(&w, &p, NULL, &to, 1);
	p.accept.idempotency_key = span_of("batch");
	assert_int_equal(store_accept(w.s, &p.accept), ERR_OK);
	delivery_end(&w, p.targets[0].delivery_id, DELIVERY_DELIVERED);
	pass(DAYS_MS(29));
	assert_true(event_publish(&w, "order-1", NULL) == first);
	pass(DAYS_MS(2));
	world_wait(&w, "SELECT count(*) FROM event", 0);
	/* At once, whether or not the keys are swept already. */
	const int64_t again = event_publish(&w, "order-1", &delivery);
	assert_true(again > first && event_publish(&w, "order-1", NULL) == again);
	p.event.event_id = 0;
	p.event.fingerprint[0] = p.accept.fingerprint[0] = 7;
	assert_int_equal(store_accept(w.s, &p.accept), ERR_OK);
	assert_false(p.accept.duplicate);
	pass(HOURS_MS(2));
	world_wait(&w, "SELECT count(*) FROM seen", 2);
	world_audit_ok(&w);
	world_end(&w);
}

/* A key that stands where it does because another has its place is not lost with that one. */
static void displaced_keys_stay_in_reach(void **state)
{
	struct world w;

	(void)state;
	month_start(&w);
	event_finished(&w, DELIVERY_DELIVERED);
	pass(DAYS_MS(31));
	world_wait(&w, "SELECT count(*) FROM event", 0);
	const int64_t kept = event_publish(&w, NULL, NULL);
	char sql[200];
	snprintf(sql, sizeof(sql),
		 "INSERT INTO seen VALUES(100,1,5,x'00',NULL),(101,1,%lld,x'00',NULL),"
		 "(200,1,5,x'00',NULL),(201,1,5,x'00',NULL),(9223372036854775807,1,5,x'00',NULL)",
		 (long long)kept);
	world_sql(&w, sql);
	pass(HOURS_MS(2));
	world_wait(&w, "SELECT count(*) FROM seen WHERE hash=201", 0);
	pass(HOURS_MS(2));
	world_wait(&w, "SELECT count(*) FROM seen WHERE hash=200", 0);
	assert_int_equal(world_sql(&w, "SELECT count(*) FROM seen WHERE hash IN (100,101)"), 2);
	world_end(&w);
}

#define USED_BYTES                                                              \
	"SELECT (c.page_count-f.freelist_count)*4096 FROM pragma_page_count c," \
	"pragma_freelist_count f"

enum { BIG = 1500 };

static void big_publish(struct world *w)
{
	static struct settle ends[BIG];
	static char data[4000];
	const int64_t to = world_channel(w, 0, 0);

	memset(data, '1', sizeof(data));
	for (int i = 0; i < BIG; i++) {
		struct publish p;

		publish_fill(w, &p, NULL, &to, 1);
		p.event.data = (struct span){ data, sizeof(data) };
		assert_int_equal(store_accept(w->s, &p.accept), ERR_OK);
		ends[i] = settle_make(to, p.targets[0].delivery_id, DELIVERY_DELIVERED);
		ends[i].due_ms = p.event.accepted_at_ms;
	}
	assert_int_equal(world_settle_all(w, ends, BIG), ERR_OK);
}

static void the_store_stays_below_its_size(void **state)
{
	struct world w;

	(void)state;
	month_start(&w);
	w.retention = (struct store_retention){ .max_bytes = 2 << 20 };
	world_reopen(&w);
	event_publish(&w, NULL, NULL); /* is due: stays, whatever the size */
	big_publish(&w);
	pass(SECONDS_MS(20));
	world_wait(&w,
		   "SELECT (c.page_count-f.freelist_count)*4096<=2*1024*1024"
		   " FROM pragma_page_count c,pragma_freelist_count f",
		   1);
	assert_in_range(world_sql(&w, USED_BYTES), 1 << 20, 2 << 20);
	assert_int_equal(world_state_count(&w, 1, DELIVERY_DUE), 1);
	assert_true(world_sql(&w, "SELECT count(*) FROM event") > 100);
	world_audit_ok(&w);
	world_end(&w);
}

static void space_is_given_back(void **state)
{
	struct world w;

	(void)state;
	month_start(&w);
	assert_int_equal(world_sql(&w, "SELECT auto_vacuum FROM pragma_auto_vacuum"), 2);
	big_publish(&w);
	assert_true(world_sql(&w, "SELECT page_count FROM pragma_page_count") > 1500);
	pass(DAYS_MS(31));
	world_wait(&w, "SELECT count(*) FROM event", 0);
	world_wait(&w, "SELECT page_count<400 FROM pragma_page_count", 1);
	world_audit_ok(&w);
	world_close(&w);
	struct stat st;
	assert_int_equal(stat(w.path, &st), 0);
	assert_true(st.st_size < 400 * 4096);
	world_open(&w);
	assert_int_equal(world_sql(&w, "SELECT count(*) FROM pragma_quick_check"
				       " WHERE quick_check<>'ok'"),
			 0);
	world_end(&w);
}

enum { WIDE = 1500 };

static void wide_make(struct world *w, int64_t *ids)
{
	static struct accept_target targets[WIDE];
	struct publish p;

	publish_fill(w, &p, NULL, NULL, 0);
	for (int i = 0; i < WIDE; i++)
		targets[i] = (struct accept_target){ .destination = world_channel(w, 0, 0) };
	p.event.targets = targets;
	p.event.target_count = WIDE;
	assert_int_equal(store_accept(w->s, &p.accept), ERR_OK);
	for (int i = 0; i < WIDE; i++)
		ids[i] = targets[i].delivery_id;
}

/* More deliveries of one event than a slice takes; two of them unfinished. */
static void a_wide_event_goes_piece_by_piece(void **state)
{
	static struct settle ends[WIDE];
	static int64_t ids[WIDE];
	struct world w;
	size_t count = 0;

	(void)state;
	month_start(&w);
	wide_make(&w, ids);
	for (int i = 0; i < WIDE; i++)
		if (i != 100 && i != WIDE - 1)
			ends[count++] = settle_make(
				1, ids[i], i % 7 == 0 ? DELIVERY_FAILED : DELIVERY_DELIVERED);
	for (size_t i = 0; i < count; i++)
		ends[i].due_ms = id_time_ms(ids[0]);
	assert_int_equal(world_settle_all(&w, ends, count), ERR_OK);
	pass(DAYS_MS(31));
	world_wait(&w, "SELECT count(*) FROM delivery", 2);
	world_audit_ok(&w);
	assert_int_equal(list_count(&w, 0, DELIVERY_UNSET), 2);
	assert_int_equal(world_sql(&w, "SELECT count(*) FROM event"), 1);
	delivery_end(&w, ids[100], DELIVERY_DELIVERED);
	delivery_end(&w, ids[WIDE - 1], DELIVERY_DELIVERED);
	pass(HOURS_MS(2));
	world_wait(&w, "SELECT count(*) FROM event", 0);
	assert_int_equal(world_sql(&w, "SELECT count(*) FROM delivery"), 0);
	assert_int_equal(world_sql(&w, "SELECT count(*) FROM attempt"), 0);
	world_audit_ok(&w);
	world_end(&w);
}

/* Nothing is left to tell what the last id was, and the clock went back. */
static void ids_never_come_again(void **state)
{
	struct world w;

	(void)state;
	month_start(&w);
	pass(DAYS_MS(10));
	const int64_t last = event_finished(&w, DELIVERY_DELIVERED);
	pass(DAYS_MS(31));
	world_wait(&w, "SELECT count(*) FROM event", 0);
	pass(-DAYS_MS(38));
	world_reopen(&w);
	assert_true(event_publish(&w, NULL, NULL) > last);
	world_audit_ok(&w);
	world_end(&w);
}

/* It was cancelled while an attempt was under way, which ends after retention was there. */
static void an_attempt_that_ends_too_late_leaves_nothing(void **state)
{
	struct world w;
	int64_t delivery = 0;

	(void)state;
	month_start(&w);
	event_publish(&w, NULL, &delivery);
	assert_int_equal(store_webhook_replace(w.s, &w.webhooks[0], STORE_WAITING_CANCEL), ERR_OK);
	world_sweeps_wait(&w);
	pass(DAYS_MS(31));
	world_wait(&w, "SELECT count(*) FROM delivery", 0);
	delivery_end(&w, delivery, DELIVERY_FAILED);
	assert_int_equal(world_sql(&w, "SELECT count(*) FROM attempt"), 0);
	world_audit_ok(&w);
	world_end(&w);
}

static void without_a_limit_nothing_goes(void **state)
{
	struct world w;

	(void)state;
	month_start(&w);
	w.retention = (struct store_retention){ 0 };
	world_reopen(&w);
	event_finished(&w, DELIVERY_DELIVERED);
	pass(DAYS_MS(3000));
	for (int i = 0; i < 50; i++)
		world_poke(&w);
	assert_int_equal(world_sql(&w, "SELECT count(*) FROM event"), 1);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_older_than_a_month_goes),
		cmocka_unit_test(what_is_not_finished_stays),
		cmocka_unit_test(an_old_cursor_ends_well),
		cmocka_unit_test(a_page_ends_at_the_floor),
		cmocka_unit_test(payloads_go_earlier),
		cmocka_unit_test(keys_go_with_their_events),
		cmocka_unit_test(displaced_keys_stay_in_reach),
		cmocka_unit_test(the_store_stays_below_its_size),
		cmocka_unit_test(space_is_given_back),
		cmocka_unit_test(a_wide_event_goes_piece_by_piece),
		cmocka_unit_test(ids_never_come_again),
		cmocka_unit_test(an_attempt_that_ends_too_late_leaves_nothing),
		cmocka_unit_test(without_a_limit_nothing_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
