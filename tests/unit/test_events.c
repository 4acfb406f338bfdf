/* test_events.c - publishing and showing: what is answered, what the engine is told.
 * SPDX-License-Identifier: MIT */
#include "api/events.h"

#include "base/metrics.h"

#include "api_world.h"

static struct api_world w;
static char webhook_id[WEBHOOK_ID_BYTES];

/* One webhook: three targets for a.*. */
static int setup(void **state)
{
	(void)state;
	api_world_start(&w);
	api_webhook_add(&w,
			HOOK_BODY("\"a.*\"", HOOK_CHANNEL("https://a.example/x") "," MANY_CHANNEL(
						     "\"+442071838750\",\"+442071838751\"")),
			webhook_id);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	api_world_end(&w);
	return 0;
}

static void publish(const char *body, const char *idempotency_key)
{
	api_ask(&w, &(struct ask){ .handler = events_publish,
				   .body = body,
				   .idempotency_key = idempotency_key });
}

static void batch_publish(const char *body, const char *idempotency_key)
{
	api_ask(&w, &(struct ask){ .handler = events_publish_batch,
				   .body = body,
				   .idempotency_key = idempotency_key });
}

static void show(const char *id)
{
	api_ask(&w, &(struct ask){ .handler = events_show, .identifier = id });
}

/* --- One ------------------------------------------------------------------------- */

static void answers(void **state)
{
	static const struct {
		const char *label, *body, *id, *deliveries;
	} cases[] = {
		{ "matched", "{\"event_type\":\"a.b\",\"data\":{}}", LOOK_ANY, "3" },
		{ "matched by nobody", "{\"event_type\":\"b.c\"}", LOOK_ANY, "0" },
		{ "a producer's id", "{\"event_type\":\"a.b\",\"event_id\":\"\\u00fc \\\"1\\\"\"}",
		  "\"\xC3\xBC \\\"1\\\"\"", "3" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		publish(cases[i].body, NULL);
		reply_check(&w, cases[i].label, 202,
			    LOOKS({ "event_id", cases[i].id }, { "event_type", LOOK_ANY },
				  { "deliveries", cases[i].deliveries }, { "duplicate", "false" }));
		reply_fits(&w, "", "EventAccepted");
	}
	assert_int_equal(world_sql(&w.store, "SELECT count(*) FROM event"), COUNT_OF(cases));
	assert_int_equal(world_sql(&w.store, "SELECT count(*) FROM delivery"), 6);
}

static void refusals(void **state)
{
	static const struct {
		const char *label, *body, *key;
		int status;
		const char *has;
	} cases[] = {
		{ "no body", "", NULL, 422, "\"missing\"" },
		{ "no type", "{}", NULL, 422, "[\"body\",\"event_type\"]" },
		{ "empty key", "{\"event_type\":\"a.b\"}", "", 400, "Idempotency-Key" },
		{ "blank in key", "{\"event_type\":\"a.b\"}", "a b", 400, "Idempotency-Key" },
		{ "tab in key", "{\"event_type\":\"a.b\"}", "a\tb", 400, "Idempotency-Key" },
		{ "delete in key", "{\"event_type\":\"a.b\"}", "a\x7F", 400, "Idempotency-Key" },
		{ "not ASCII", "{\"event_type\":\"a.b\"}", "\xC3\xBC", 400, "Idempotency-Key" },
		/* The header is looked at first. */
		{ "both wrong", "{}", "a b", 400, "Idempotency-Key" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		publish(cases[i].body, cases[i].key);
		reply_check(&w, cases[i].label, cases[i].status, NULL);
		if (strstr(w.x.reply.body.ptr, cases[i].has) == NULL)
			fail_msg("%s: %s", cases[i].label, w.x.reply.body.ptr);
		batch_publish(cases[i].body, cases[i].key);
		reply_check(&w, cases[i].label, cases[i].status, NULL);
	}
	assert_int_equal(world_sql(&w.store, "SELECT count(*) FROM event"), 0);
	assert_int_equal(fake_engine.handed + fake_engine.left + fake_engine.asked, 0);
}

static void key_lengths(void **state)
{
	char key[257];

	(void)state;
	for (size_t len = 255; len <= 256; len++) {
		memset(key, '~', len);
		key[len] = '\0';
		publish("{\"event_type\":\"a.b\"}", key);
		reply_check(&w, "length", len == 255 ? 202 : 400, NULL);
	}
}

/* --- The engine ------------------------------------------------------------------ */

static void what_was_made_is_handed_over(void **state)
{
	(void)state;
	w.caller.is_test = true;
	publish("{\"event_type\":\"a.b\",\"event_id\":\"x1\",\"metadata\":{\"m\":1},"
		"\"occurred_at\":\"2024-01-02T03:04:05Z\",\"data\":[1, 2]}",
		NULL);
	reply_check(&w, "published", 202, NULL);
	assert_int_equal(fake_engine.handed, 1);
	assert_int_equal(fake_engine.handed_targets, 3);
	assert_int_equal(fake_engine.left, 0);
	/* Room was asked for once, for what is kept of it. */
	assert_int_equal(fake_engine.asked, 1);
	assert_int_equal(fake_engine.asked_bytes,
			 strlen("a.b") + strlen("\"metadata\":{\"m\":1}") + strlen("[1, 2]"));
	const struct event *e = fake_engine.event;

	assert_true(span_is(e->type, "a.b"));
	assert_true(span_is(e->source_id, "x1"));
	assert_true(span_is(e->extra, "\"metadata\":{\"m\":1}"));
	assert_true(span_is(e->data, "[1, 2]"));
	assert_int_equal(e->flags, EVENT_IS_TEST);
	assert_int_equal(e->organization, w.store.organization);
	assert_true(e->occurred_at_us == INT64_C(1704164645000000));
	assert_true(e->id == world_sql(&w.store, "SELECT max(id) FROM event"));
}

static void without_room_it_is_left_in_the_store(void **state)
{
	(void)state;
	fake_engine.has_room = false;
	publish("{\"event_type\":\"a.b\"}", NULL);
	reply_check(&w, "published", 202, LOOKS({ "deliveries", "3" }));
	assert_int_equal(fake_engine.handed, 0);
	assert_int_equal(fake_engine.left, 1);
	assert_int_equal(fake_engine.left_targets, 3);
	assert_null(fake_engine.event);
}

static void nothing_to_send_is_not_told(void **state)
{
	(void)state;
	publish("{\"event_type\":\"b.c\"}", NULL);
	assert_int_equal(fake_engine.asked + fake_engine.handed + fake_engine.left, 0);
	/* In a batch, only the payload that has targets counts. */
	batch_publish("{\"events\":[{\"event_type\":\"b.c\",\"data\":\"1234567890\"},"
		      "{\"event_type\":\"a.b\",\"data\":1}]}",
		      NULL);
	reply_check(&w, "batch", 202, NULL);
	assert_int_equal(fake_engine.asked_bytes, strlen("a.b") + 1);
	assert_int_equal(fake_engine.handed, 1);
	/* A duplicate was handed over when it was new. */
	publish("{\"event_type\":\"a.b\",\"event_id\":\"x1\"}", NULL);
	assert_int_equal(fake_engine.handed, 2);
	publish("{\"event_type\":\"a.b\",\"event_id\":\"x1\"}", NULL);
	reply_check(&w, "duplicate", 202, LOOKS({ "duplicate", "true" }, { "deliveries", "3" }));
	assert_int_equal(fake_engine.handed, 2);
	assert_int_equal(fake_engine.left, 0);
}

/* --- Duplicates and conflicts ---------------------------------------------------- */

struct repeat {
	const char *label, *body, *key;
	int status;
	const char *path, *json; /* of the reply */
};

static void repeats_check(void (*ask)(const char *, const char *), const struct repeat *cases,
			  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		ask(cases[i].body, cases[i].key);
		reply_check(&w, cases[i].label, cases[i].status,
			    LOOKS({ cases[i].path, cases[i].json }));
		if (cases[i].status == 409)
			reply_fits(&w, "", "ErrorResponse");
	}
}

static void repeats_of_one(void **state)
{
	static const struct repeat cases[] = {
		{ "new key", "{\"event_type\":\"a.b\"}", "k1", 202, "duplicate", "false" },
		{ "same key", "{\"event_type\":\"a.b\"}", "k1", 202, "duplicate", "true" },
		{ "same key, other body", "{\"event_type\":\"a.c\"}", "k1", 409,
		  "error|details|idempotency_key", "\"k1\"" },
		{ "same body, other key", "{\"event_type\":\"a.b\"}", "k2", 202, "duplicate",
		  "false" },
		{ "new id", "{\"event_type\":\"a.b\",\"event_id\":\"x\"}", NULL, 202, "duplicate",
		  "false" },
		{ "same id", "{\"event_type\":\"a.b\",\"event_id\":\"x\"}", NULL, 202, "duplicate",
		  "true" },
		{ "same id, other type", "{\"event_type\":\"a.c\",\"event_id\":\"x\"}", NULL, 409,
		  "error|details|event_id", "\"x\"" },
		{ "which one", "{\"event_type\":\"a.c\",\"event_id\":\"x\"}", NULL, 409,
		  "error|details|index", "0" },
		{ "its class", "{\"event_type\":\"a.c\",\"event_id\":\"x\"}", NULL, 409,
		  "error|type", "\"ConflictError\"" },
	};
	const int64_t accepted = metric_get(METRIC_EVENTS_ACCEPTED);
	const int64_t duplicates = metric_get(METRIC_EVENTS_DUPLICATE);

	(void)state;
	repeats_check(publish, cases, COUNT_OF(cases));
	assert_int_equal(metric_get(METRIC_EVENTS_ACCEPTED) - accepted, 3);
	assert_int_equal(metric_get(METRIC_EVENTS_DUPLICATE) - duplicates, 2);
}

#define PAIR(first, second)                     \
	"{\"events\":[{\"event_type\":\"" first \
	"\"},{\"event_type\":\"a.b\",\"event_id\":\"" second "\"}]}"

static void repeats_of_a_batch(void **state)
{
	static const struct repeat cases[] = {
		{ "new", PAIR("a.b", "x"), "k", 202, "results|1|duplicate", "false" },
		{ "again", PAIR("a.b", "x"), "k", 202, "results|0|duplicate", "true" },
		{ "other under its key", PAIR("a.c", "x"), "k", 409,
		  "error|details|idempotency_key", "\"k\"" },
		{ "no index then", PAIR("a.c", "x"), "k", 409, "error|details|index", NULL },
		{ "one known", PAIR("a.b", "x"), NULL, 202, "results|1|duplicate", "true" },
		{ "one new", PAIR("a.b", "x"), NULL, 202, "results|0|duplicate", "false" },
		{ "conflict inside",
		  "{\"events\":[{\"event_type\":\"a.b\"},"
		  "{\"event_type\":\"a.c\",\"event_id\":\"x\"}]}",
		  NULL, 409, "error|details|index", "1" },
		/* An id that is longer when escaped. */
		{ "conflict of itself",
		  "{\"events\":[{\"event_type\":\"a.b\",\"event_id\":\"\\\"\\\"\\\"\"},"
		  "{\"event_type\":\"a.c\",\"event_id\":\"\\\"\\\"\\\"\"}]}",
		  NULL, 409, "error|details|event_id", "\"\\\"\\\"\\\"\"" },
	};

	(void)state;
	repeats_check(batch_publish, cases, COUNT_OF(cases));
	/* All or nothing: of the refused ones nothing was stored. */
	assert_int_equal(world_sql(&w.store, "SELECT count(*) FROM event"), 2 + 1 + 1);
}

static void a_batch_answers_in_order(void **state)
{
	(void)state;
	batch_publish("{\"events\":[{\"event_type\":\"b.c\",\"event_id\":\"1\"},"
		      "{\"event_type\":\"a.b\",\"event_id\":\"2\"},"
		      "{\"event_type\":\"b.d\",\"event_id\":\"3\"}]}",
		      NULL);
	reply_check(&w, "batch", 202,
		    LOOKS({ "results|0|event_id", "\"1\"" }, { "results|0|deliveries", "0" },
			  { "results|1|event_id", "\"2\"" }, { "results|1|deliveries", "3" },
			  { "results|2|event_type", "\"b.d\"" }, { "results|3", NULL }));
	reply_fits(&w, "", "EventBatchAccepted");
	reply_fits(&w, "results|1", "EventAccepted");
	batch_publish("{\"events\":[{},{},{},{},{}]}", NULL);
	reply_check(&w, "too many", 422, NULL);
}

/* A store that is gone is a 503, and nobody is told of deliveries. */
static void a_commit_that_fails(void **state)
{
	(void)state;
	world_sql(&w.store, "CREATE TRIGGER stop BEFORE INSERT ON event BEGIN "
			    "SELECT raise(ROLLBACK, 'no'); END");
	publish("{\"event_type\":\"a.b\"}", NULL);
	assert_true(w.x.reply.status >= 500);
	assert_int_not_equal(w.x.reply.cause, ERR_OK);
	assert_int_equal(fake_engine.handed + fake_engine.left, 0);
	world_sql(&w.store, "DROP TRIGGER stop");
}

/* --- Showing --------------------------------------------------------------------- */

static void shown(void **state)
{
	static const struct {
		const char *body;
		const struct look looks[9];
	} cases[] = {
		{ "{\"event_type\":\"a.b\",\"event_id\":\"all\",\"namespace_id\":\"n\","
		  "\"subject\":\"\\u00fc\",\"metadata\":{\"b\":1,\"a\":2},\"cache_scope\":\"c\","
		  "\"occurred_at\":\"2024-01-02T03:04:05.5+01:00\",\"data\":{\"d\":1.50}}",
		  { { "event_id", "\"all\"" },
		    { "namespace_id", "\"n\"" },
		    { "subject", "\"\xC3\xBC\"" },
		    { "metadata", "{\"b\":1,\"a\":2}" },
		    { "cache_scope", "\"c\"" },
		    { "occurred_at", "\"2024-01-02T02:04:05.500000Z\"" },
		    { "data|d", "1.50" },
		    { "deliveries", "3" } } },
		{ "{\"event_type\":\"b.c\"}",
		  { { "event_type", "\"b.c\"" },
		    { "namespace_id", "null" },
		    { "subject", "null" },
		    { "metadata", "null" },
		    { "cache_scope", "null" },
		    { "data", "null" },
		    { "deliveries", "0" },
		    { "test", "false" } } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char id[64];

		publish(cases[i].body, NULL);
		reply_text(&w, "event_id", id, sizeof(id));
		show(id);
		reply_check(&w, cases[i].body, 200, cases[i].looks);
		reply_fits(&w, "", "Event");
	}
}

static void found_under_both_ids(void **state)
{
	char id[PUBID_TEXT_BYTES];

	(void)state;
	w.caller.is_test = true;
	publish("{\"event_type\":\"a.b\",\"event_id\":\"mine\"}", NULL);
	pubid_format(w.api.ids, PUBID_EVENT, world_sql(&w.store, "SELECT id FROM event"), id);
	show(id);
	reply_check(&w, "by ours", 200, LOOKS({ "event_id", "\"mine\"" }, { "test", "true" }));
	show("mine");
	reply_check(&w, "by its own", 200, LOOKS({ "event_id", "\"mine\"" }));
	/* Another organization learns nothing. */
	w.caller.organization++;
	show(id);
	reply_check(&w, "a stranger", 404, LOOKS({ "error|type", "\"NotFoundError\"" }));
	show("mine");
	reply_check(&w, "a stranger", 404, NULL);
}

static void not_found(void **state)
{
	char delivery[PUBID_TEXT_BYTES], unknown[PUBID_TEXT_BYTES];
	const char *const ids[] = { "",         "evt_",  "evt_0000000000000000000000",
				    delivery,   unknown, "nobody's",
				    "evt_mine", "mine2" };

	(void)state;
	publish("{\"event_type\":\"a.b\",\"event_id\":\"mine\"}", NULL);
	const int64_t id = world_sql(&w.store, "SELECT id FROM event");

	pubid_format(w.api.ids, PUBID_DELIVERY, id, delivery);
	pubid_format(w.api.ids, PUBID_EVENT, id + 1, unknown); /* its delivery */
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		show(ids[i]);
		reply_check(&w, ids[i], 404, LOOKS({ "success", "false" }));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(answers),
		TEST(refusals),
		TEST(key_lengths),
		TEST(what_was_made_is_handed_over),
		TEST(without_room_it_is_left_in_the_store),
		TEST(nothing_to_send_is_not_told),
		TEST(repeats_of_one),
		TEST(repeats_of_a_batch),
		TEST(a_batch_answers_in_order),
		TEST(a_commit_that_fails),
		TEST(shown),
		TEST(found_under_both_ids),
		TEST(not_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
