/* test_deliveries.c - lists of deliveries and one with its attempts, as they are shown.
 * SPDX-License-Identifier: MIT */
#include "api/deliveries.h"

#include "model/ids.h"

#include "api_world.h"

enum { MANY = 3 };

static struct api_world w;
static char webhook_id[WEBHOOK_ID_BYTES];
static int64_t hook, many; /* destinations */

static int setup(void **state)
{
	(void)state;
	api_world_start(&w);
	api_webhook_add(
		&w,
		HOOK_BODY("\"*\"", HOOK_CHANNEL("https://a.example/s3cret") "," MANY_CHANNEL(
					   "\"+442071838750\",\"+442071838751\"")),
		webhook_id);
	struct entry *e = registry_find(w.api.registry, w.store.organization, span_of(webhook_id));

	hook = e->webhook.channels[0].id;
	many = e->webhook.channels[1].id;
	entry_drop(e);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	api_world_end(&w);
	return 0;
}

/* --- Making and asking ----------------------------------------------------------- */

/* An event for every target of the webhook; its first delivery is the hook's. */
static int64_t event_add(const char *source_id)
{
	char body[128];
	struct caller caller = w.caller;
	struct ingest_request r = { .caller = &caller };
	struct faults faults;

	if (source_id == NULL)
		snprintf(body, sizeof(body), "{\"event_type\":\"a.b\"}");
	else
		snprintf(body, sizeof(body), "{\"event_type\":\"a.b\",\"event_id\":\"%s\"}",
			 source_id);
	r.body = span_of(body);
	faults_init(&faults);
	assert_int_equal(ingest_one(&w.api.ingest, &r, &faults), ERR_OK);
	assert_int_equal(ingest_commit(&w.api.ingest, &r), ERR_OK);
	const int64_t id = r.accept.events[0].event_id;

	assert_int_equal(r.accept.events[0].deliveries, MANY);
	ingest_request_finish(&r);
	faults_finish(&faults);
	return id;
}

static void list(const char *query)
{
	api_ask(&w, &(struct ask){
			    .handler = deliveries_list, .rows = deliveries_query, .query = query });
}

static void show(const char *id)
{
	api_ask(&w, &(struct ask){ .handler = deliveries_show, .identifier = id });
}

static void id_show(int64_t id)
{
	char text[PUBID_TEXT_BYTES];

	pubid_format(w.api.ids, PUBID_DELIVERY, id, text);
	show(text);
}

static size_t results_count(void)
{
	struct json_object *root = tree_parse(buf_view(&w.x.reply.body));
	struct json_object *results = NULL;

	reply_check(&w, "list", 200, NULL);
	assert_true(tree_find(root, "results", &results));
	const size_t count = json_object_array_length(results);

	json_object_put(root);
	return count;
}

/* As the engine would, which has read its place in the queue. */
static struct settle settle_of(int64_t destination, int64_t delivery, enum delivery_state state)
{
	struct settle x = settle_make(destination, delivery, state);
	char sql[96];

	snprintf(sql, sizeof(sql), "SELECT due FROM queue WHERE delivery=%lld",
		 (long long)delivery);
	x.due_ms = world_sql(&w.store, sql);
	return x;
}

/* --- One ------------------------------------------------------------------------- */

static void a_new_one(void **state)
{
	const int64_t event = event_add("mine");
	char created[TIME_TEXT_BYTES + 2];

	(void)state;
	created[0] = '"';
	time_format(id_time_ms(event) * 1000, created + 1);
	strncat(created, "\"", 2);
	id_show(event + 1);
	reply_check(&w, "hook", 200,
		    LOOKS({ "event_id", "\"mine\"" }, { "event_type", "\"a.b\"" },
			  { "webhook_id", LOOK_ANY }, { "channel", "\"hook\"" },
			  { "state", "\"due\"" }, { "attempts", "[]" }, { "created_at", created },
			  { "next_attempt_at", LOOK_ANY }, { "done_at", "null" },
			  { "last_status_code", "null" }, { "last_error", "null" }));
	reply_fits(&w, "", "DeliveryDetail");
	id_show(event + 3);
	reply_check(&w, "many", 200,
		    LOOKS({ "channel", "\"many\"" }, { "target", "\"+442071838751\"" }));
}

/* Where a target is a secret, the reply has only its mask. */
static void secret_targets_are_masked(void **state)
{
	char target[128];

	(void)state;
	id_show(event_add(NULL) + 1);
	reply_text(&w, "target", target, sizeof(target));
	assert_true(target[0] != '\0');
	assert_null(strstr(w.x.reply.body.ptr, "s3cret"));
	list(NULL);
	assert_int_equal(results_count(), MANY);
	assert_null(strstr(w.x.reply.body.ptr, "s3cret"));
}

/* tocsin.conf has lost the channel: nobody knows which targets are secrets. */
static void without_its_channel_no_target_is_shown(void **state)
{
	static const struct channels none;
	const int64_t event = event_add(NULL);

	(void)state;
	w.api.channels = &none;
	for (int n = 1; n <= MANY; n++) {
		id_show(event + n);
		reply_check(&w, "no channel", 200, LOOKS({ "target", "null" }));
		reply_fits(&w, "", "DeliveryDetail");
	}
}

static void settled_ones(void **state)
{
	const int64_t event = event_add(NULL);
	char excerpt[] = "no \"such\" number";
	struct settle items[] = {
		settle_of(hook, event + 1, DELIVERY_DUE),
		settle_of(many, event + 2, DELIVERY_FAILED),
		settle_of(many, event + 3, DELIVERY_DELIVERED),
	};

	(void)state;
	items[0].next_due_ms = INT64_C(4102444800000); /* 2100 */
	items[0].attempt.status = 0;
	items[1].excerpt = excerpt;
	snprintf(items[2].attempt.reason, sizeof(items[2].attempt.reason), "said OK");
	assert_int_equal(world_settle_all(&w.store, items, COUNT_OF(items)), ERR_OK);
	id_show(event + 1);
	reply_check(&w, "due again", 200,
		    LOOKS({ "state", "\"due\"" },
			  { "next_attempt_at", "\"2100-01-01T00:00:00.000000Z\"" },
			  { "last_status_code", "null" }, { "last_error", "\"it said 500\"" },
			  { "attempts|0|outcome", "\"retry\"" },
			  { "attempts|0|status_code", "null" }, { "attempts|1", NULL }));
	id_show(event + 2);
	reply_check(&w, "failed", 200,
		    LOOKS({ "state", "\"failed\"" }, { "next_attempt_at", "null" },
			  { "done_at", LOOK_ANY }, { "last_status_code", "500" },
			  { "attempts|0|outcome", "\"failed\"" },
			  { "attempts|0|reply_excerpt", "\"no \\\"such\\\" number\"" }));
	id_show(event + 3);
	/* A reason that came with a success is no error. */
	reply_check(&w, "delivered", 200,
		    LOOKS({ "state", "\"delivered\"" }, { "last_status_code", "200" },
			  { "last_error", "null" }, { "attempts|0|outcome", "\"delivered\"" },
			  { "attempts|0|reply_excerpt", "null" }));
	reply_fits(&w, "", "DeliveryDetail");
	reply_fits(&w, "attempts|0", "Attempt");
	reply_fits(&w, "attempts|0|timing", "AttemptTiming");
}

/* Microseconds become milliseconds with three places; what was not is null. */
static void durations(void **state)
{
	static const struct {
		int64_t us;
		const char *json;
	} cases[] = { { -1, "null" },           { 0, "0.000" },    { 7, "0.007" },
		      { 999, "0.999" },         { 1000, "1.000" }, { 1050, "1.050" },
		      { 60000000, "60000.000" } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const int64_t event = event_add(NULL);
		struct settle x = settle_of(hook, event + 1, DELIVERY_DELIVERED);

		x.attempt.dns_us = x.attempt.tls_us = cases[i].us;
		x.attempt.connect_us = -1;
		x.attempt.total_us = 123456;
		assert_int_equal(world_settle_all(&w.store, &x, 1), ERR_OK);
		id_show(event + 1);
		reply_check(&w, cases[i].json, 200,
			    LOOKS({ "attempts|0|timing|dns_ms", cases[i].json },
				  { "attempts|0|timing|tls_ms", cases[i].json },
				  { "attempts|0|timing|connect_ms", "null" },
				  { "attempts|0|timing|total_ms", "123.456" },
				  { "attempts|0|duration_ms", "123.456" }));
	}
}

static void attempts_in_order(void **state)
{
	const int64_t event = event_add(NULL);

	(void)state;
	for (unsigned n = 1; n <= 3; n++) {
		struct settle x = settle_of(hook, event + 1,
					    n < 3 ? DELIVERY_DUE : DELIVERY_DELIVERED);

		x.attempts = n - 1;
		x.attempt.number = n;
		x.next_due_ms = clock_wall_ms();
		assert_int_equal(world_settle_all(&w.store, &x, 1), ERR_OK);
	}
	id_show(event + 1);
	reply_check(&w, "three", 200,
		    LOOKS({ "attempts|0|number", "1" }, { "attempts|1|number", "2" },
			  { "attempts|2|number", "3" }, { "attempts|3", NULL },
			  { "attempts|1|outcome", "\"retry\"" },
			  { "attempts|2|outcome", "\"delivered\"" }, { "last_error", "null" }));
	list("state=delivered");
	reply_check(&w, "list", 200, LOOKS({ "results|0|attempts", "3" }));
}

static void not_found(void **state)
{
	char event_text[PUBID_TEXT_BYTES], unknown[PUBID_TEXT_BYTES], good[PUBID_TEXT_BYTES];
	const int64_t event = event_add("mine");
	const char *const ids[] = { "",         "dlv_",  "dlv_0000000000000000000000",
				    event_text, unknown, "mine",
				    "1" };

	(void)state;
	pubid_format(w.api.ids, PUBID_EVENT, event, event_text);
	pubid_format(w.api.ids, PUBID_DELIVERY, event + MANY + 1, unknown);
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		show(ids[i]);
		reply_check(&w, ids[i], 404, LOOKS({ "error|type", "\"NotFoundError\"" }));
	}
	pubid_format(w.api.ids, PUBID_DELIVERY, event + 1, good);
	show(good);
	reply_check(&w, "good", 200, NULL);
	w.caller.organization++;
	show(good);
	reply_check(&w, "a stranger's", 404, NULL);
}

/* --- Lists ----------------------------------------------------------------------- */

static void filters(void **state)
{
	char ours[PUBID_TEXT_BYTES], other[WEBHOOK_ID_BYTES];
	const int64_t first = event_add("one"), second = event_add("two");
	struct settle x = settle_of(many, second + 2, DELIVERY_FAILED);
	char query[128];
	const struct {
		const char *format, *with;
		size_t results;
	} cases[] = {
		{ "", NULL, 6 },
		{ "event_id=one", NULL, 3 },
		{ "event_id=%s", ours, 3 },
		{ "event_id=nobody", NULL, 0 },
		{ "event_id=evt_0000000000000000000000", NULL, 0 },
		{ "webhook_id=%s", webhook_id, 6 },
		{ "webhook_id=%s", other, 0 },
		{ "webhook_id=wh_0000000000", NULL, 0 },
		{ "webhook_id=%s&event_id=two", webhook_id, 3 },
		{ "webhook_id=wh_0000000000&event_id=two", NULL, 0 },
		{ "state=due", NULL, 5 },
		{ "state=sending", NULL, 0 },
		{ "state=failed", NULL, 1 },
		{ "state=delivered", NULL, 0 },
		{ "state=held", NULL, 0 },
		{ "state=cancelled", NULL, 0 },
		{ "state=failed&event_id=one", NULL, 0 },
		{ "state=failed&event_id=two", NULL, 1 },
		{ "limit=4", NULL, 4 },
	};

	(void)state;
	api_webhook_add(&w, HOOK_BODY("\"z.z\"", HOOK_CHANNEL("https://b.example")), other);
	pubid_format(w.api.ids, PUBID_EVENT, first, ours);
	assert_int_equal(world_settle_all(&w.store, &x, 1), ERR_OK);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		snprintf(query, sizeof(query), "%s", cases[i].format);
		if (cases[i].with != NULL) {
			const char *hole = strstr(cases[i].format, "%s");

			snprintf(query, sizeof(query), "%.*s%s%s", (int)(hole - cases[i].format),
				 cases[i].format, cases[i].with, hole + 2);
		}
		list(query);
		if (results_count() != cases[i].results)
			fail_msg("%s: %s", query, w.x.reply.body.ptr);
		reply_fits(&w, "", "DeliveryList");
	}
	w.caller.organization++;
	list(NULL);
	assert_int_equal(results_count(), 0);
}

static void a_list_shows_less_than_one(void **state)
{
	(void)state;
	event_add("one");
	list("limit=1");
	reply_check(&w, "list", 200,
		    LOOKS({ "results|0|event_id", "\"one\"" }, { "results|0|attempts", "0" },
			  { "pagination|page_size", "1" }, { "pagination|page", "null" },
			  { "pagination|total", "null" }));
	reply_fits(&w, "results|0", "Delivery");
}

/* What the engine has in flight is due in the store and shown as sending. */
static void being_sent(void **state)
{
	const int64_t event = event_add(NULL);

	(void)state;
	fake_engine.sending = event + 2;
	id_show(event + 2);
	reply_check(&w, "sending", 200, LOOKS({ "state", "\"sending\"" }));
	id_show(event + 1);
	reply_check(&w, "due", 200, LOOKS({ "state", "\"due\"" }));
	list("state=sending");
	assert_int_equal(results_count(), 1);
	reply_check(&w, "sending", 200, LOOKS({ "results|0|state", "\"sending\"" }));
	list("state=due");
	assert_int_equal(results_count(), 2);
	list(NULL);
	assert_int_equal(results_count(), 3);
	/* One that ended meanwhile is shown as it ended. */
	struct settle x = settle_of(many, event + 2, DELIVERY_DELIVERED);

	assert_int_equal(world_settle_all(&w.store, &x, 1), ERR_OK);
	id_show(event + 2);
	reply_check(&w, "delivered", 200, LOOKS({ "state", "\"delivered\"" }));
}

static void pages_follow_the_cursor(void **state)
{
	char seen[4 * MANY][PUBID_TEXT_BYTES], cursor[PUBID_TEXT_BYTES] = "", query[80] = "limit=5";
	size_t count = 0, pages = 0;

	(void)state;
	for (int i = 0; i < 4; i++)
		event_add(NULL);
	do {
		list(query);
		const size_t here = results_count();

		for (size_t i = 0; i < here; i++) {
			char path[48];

			assert_true(count < COUNT_OF(seen));
			snprintf(path, sizeof(path), "results|%zu|delivery_id", i);
			reply_text(&w, path, seen[count++], PUBID_TEXT_BYTES);
		}
		pages++;
		reply_text(&w, "pagination|next_cursor", cursor, sizeof(cursor));
		snprintf(query, sizeof(query), "limit=5&cursor=%s", cursor);
	} while (cursor[0] != '\0' && pages < 10);
	assert_int_equal(count, COUNT_OF(seen));
	assert_true(pages == 3 || pages == 4);
	for (size_t i = 0; i < count; i++) {
		for (size_t n = 0; n < i; n++)
			assert_string_not_equal(seen[i], seen[n]);
	}
}

/* What a removed webhook was sent can still be looked up. */
static void a_removed_webhook(void **state)
{
	char query[64];

	(void)state;
	event_add(NULL);
	assert_int_equal(webhooks_remove(w.api.webhooks, w.store.organization, span_of(webhook_id)),
			 ERR_OK);
	world_sweeps_wait(&w.store);
	snprintf(query, sizeof(query), "webhook_id=%s&state=cancelled", webhook_id);
	list(query);
	assert_int_equal(results_count(), MANY);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_new_one),
		TEST(secret_targets_are_masked),
		TEST(without_its_channel_no_target_is_shown),
		TEST(settled_ones),
		TEST(durations),
		TEST(attempts_in_order),
		TEST(not_found),
		TEST(filters),
		TEST(a_list_shows_less_than_one),
		TEST(being_sent),
		TEST(pages_follow_the_cursor),
		TEST(a_removed_webhook),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
