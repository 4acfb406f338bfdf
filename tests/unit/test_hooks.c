/* test_hooks.c - the answers about webhooks: one, many, their secrets.
 * SPDX-License-Identifier: MIT
 * The rules of a change are in test_webhooks.c; here is what is said about it. */
#include "api/hooks.h"

#include "api_world.h"

#define BODY(types, channels) HOOK_BODY(types, channels)
#define PLAIN                 BODY("\"a.b\"", HOOK_CHANNEL("https://a.example/s3cret"))

static struct api_world w;

static int setup(void **state)
{
	(void)state;
	api_world_start(&w);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	api_world_end(&w);
	return 0;
}

static void ask(void (*handler)(struct exchange *x), const char *identifier, const char *body)
{
	api_ask(&w, &(struct ask){ .handler = handler,
				   .identifier = identifier,
				   .rows = handler == hooks_patch ? hooks_patch_query : hooks_query,
				   .body = body });
}

static void list(const char *query, const char *body)
{
	api_ask(&w,
		&(struct ask){
			.handler = hooks_list, .rows = hooks_query, .query = query, .body = body });
}

/* Made through its handler; id has room for WEBHOOK_ID_BYTES. */
static void add(const char *body, char *id)
{
	ask(hooks_add, NULL, body);
	reply_check(&w, "add", 201, NULL);
	reply_text(&w, "webhook_id", id, WEBHOOK_ID_BYTES);
}

/* --- One by one ------------------------------------------------------------------ */

static void made_and_shown(void **state)
{
	static const struct look looks[] = {
		{ "webhook_name", "\"n\"" },
		{ "description", "null" },
		{ "event_types", "[\"a.b\",\"c.*\"]" },
		{ "is_active", "true" },
		{ "disabled_reason", "null" },
		{ "last_error", "null" },
		{ "created_at", LOOK_ANY },
		{ "updated_at", LOOK_ANY },
		{ "channels|0|channel", "\"hook\"" },
		{ "channels|0|status", "\"active\"" },
		{ "channels|0|disabled_reason", "null" },
		{ "channels|1|configs|phones", "[\"+442071838750\"]" },
		{ "channels|2", NULL },
		{ NULL, NULL },
	};
	char id[WEBHOOK_ID_BYTES], added[4096];

	(void)state;
	add(BODY("\"a.b\",\"c.*\"",
		 HOOK_CHANNEL("https://a.example/s3cret") "," MANY_CHANNEL("\"+442071838750\"")),
	    id);
	reply_check(&w, "added", 201, looks);
	reply_fits(&w, "", "Webhook-Output");
	reply_fits(&w, "channels|0", "WebhookChannel-Output");
	assert_null(strstr(w.x.reply.body.ptr, "s3cret"));
	snprintf(added, sizeof(added), "%s", w.x.reply.body.ptr);
	ask(hooks_show, id, NULL);
	reply_check(&w, "shown", 200, looks);
	assert_string_equal(w.x.reply.body.ptr, added);
	/* Internal ids never leave. */
	assert_null(strstr(added, "int_"));
	assert_null(strstr(added, "\"id\""));
}

static void changed(void **state)
{
	char id[WEBHOOK_ID_BYTES];

	(void)state;
	add(PLAIN, id);
	ask(hooks_put, id, BODY("\"b.c\"", HOOK_CHANNEL("https://b.example")));
	reply_check(&w, "put", 200, LOOKS({ "event_types", "[\"b.c\"]" }));
	ask(hooks_patch, id, "{\"webhook_name\":\"m\",\"is_active\":false}");
	reply_check(&w, "patch", 200,
		    LOOKS({ "webhook_name", "\"m\"" }, { "is_active", "false" },
			  { "event_types", "[\"b.c\"]" }));
	reply_fits(&w, "", "Webhook-Output");
	ask(hooks_remove, id, NULL);
	assert_int_equal(w.x.reply.status, 204);
	assert_int_equal(w.x.reply.body.len, 0);
	ask(hooks_remove, id, NULL); /* there is none any more: fine as well */
	assert_int_equal(w.x.reply.status, 204);
	ask(hooks_show, id, NULL);
	reply_check(&w, "gone", 404, NULL);
}

static void refusals(void **state)
{
	static const struct {
		const char *label;
		void (*handler)(struct exchange *x);
		const char *body;
		int status;
		const char *path, *json;
	} cases[] = {
		{ "no body", hooks_add, "", 422, "detail|0|loc", "[\"body\"]" },
		{ "no json", hooks_add, "{", 422, "detail|0|type", "\"json_invalid\"" },
		{ "no channel", hooks_add, BODY("\"a.b\"", ""), 422, "detail|0|loc",
		  "[\"body\",\"channels\"]" },
		{ "an unknown channel", hooks_add,
		  BODY("\"a.b\"", "{\"channel\":\"pigeon\",\"configs\":{}}"), 422, "detail|0|loc",
		  "[\"body\",\"channels\",0,\"channel\"]" },
		{ "put of nobody's", hooks_put, PLAIN, 404, "error|type", "\"NotFoundError\"" },
		{ "patch of nobody's", hooks_patch, "{}", 404, "error|message",
		  "\"There is no such webhook\"" },
		{ "show of nobody's", hooks_show, NULL, 404, "error|details", "null" },
		{ "secret of nobody's", hooks_secret_show, NULL, 404, "success", "false" },
		{ "new secret of nobody's", hooks_secret_rotate, NULL, 404, "success", "false" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		ask(cases[i].handler, "wh_0000000000", cases[i].body);
		reply_check(&w, cases[i].label, cases[i].status,
			    LOOKS({ cases[i].path, cases[i].json }));
	}
	assert_int_equal(world_sql(&w.store, "SELECT count(*) FROM webhook"), 0);
}

/* A foreign id answers like one that does not exist, whatever is asked. */
static void strangers_find_nothing(void **state)
{
	static const struct {
		void (*handler)(struct exchange *x);
		const char *body;
		int status;
	} cases[] = {
		{ hooks_show, NULL, 404 },   { hooks_put, PLAIN, 404 },
		{ hooks_patch, "{}", 404 },  { hooks_secret_show, NULL, 404 },
		{ hooks_remove, NULL, 204 }, { hooks_secret_rotate, NULL, 404 },
	};
	char id[WEBHOOK_ID_BYTES];

	(void)state;
	add(PLAIN, id);
	w.caller.organization++;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		ask(cases[i].handler, id, cases[i].body);
		assert_int_equal(w.x.reply.status, cases[i].status);
	}
	list(NULL, NULL);
	reply_check(&w, "list", 200, LOOKS({ "total", "0" }));
	w.caller.organization--;
	ask(hooks_show, id, NULL);
	reply_check(&w, "untouched", 200, LOOKS({ "event_types", "[\"a.b\"]" }));
}

static void a_limited_number(void **state)
{
	char id[WEBHOOK_ID_BYTES];

	(void)state;
	w.conf.limits.webhooks = 2;
	add(PLAIN, id);
	add(PLAIN, id);
	ask(hooks_add, NULL, PLAIN);
	reply_check(&w, "one too many", 403, LOOKS({ "error|type", "\"ForbiddenError\"" }));
	assert_non_null(strstr(w.x.reply.body.ptr, "at most 2 webhooks"));
	ask(hooks_remove, id, NULL);
	add(PLAIN, id);
}

/* Its channel was taken out of tocsin.conf: nobody knows which values are secrets. */
static void without_its_channel_no_configs_are_shown(void **state)
{
	static const struct channels none;
	char id[WEBHOOK_ID_BYTES];

	(void)state;
	add(PLAIN, id);
	w.api.channels = &none;
	ask(hooks_show, id, NULL);
	reply_check(&w, "bare", 200,
		    LOOKS({ "channels|0|configs", "{}" }, { "channels|0|status", "\"active\"" }));
	reply_fits(&w, "channels|0", "WebhookChannel-Output");
}

/* --- What happened to it --------------------------------------------------------- */

/* One event of it, settled as asked. */
static void settle_one(const char *id, long status, bool disable)
{
	struct caller caller = w.caller;
	struct ingest_request r = { .caller = &caller,
				    .body = span_of("{\"event_type\":\"a.b\"}") };
	struct faults faults;

	faults_init(&faults);
	assert_int_equal(ingest_one(&w.api.ingest, &r, &faults), ERR_OK);
	assert_int_equal(ingest_commit(&w.api.ingest, &r), ERR_OK);
	const struct accept_target *t = &r.accept.events[0].targets[0];
	struct settle x = settle_make(t->destination, t->delivery_id,
				      status == 200 ? DELIVERY_DELIVERED : DELIVERY_FAILED);

	x.due_ms = world_sql(&w.store, "SELECT due FROM queue");
	x.attempt.status = status;
	x.disable_channel = disable;
	assert_int_equal(world_settle_all(&w.store, &x, 1), ERR_OK);
	ingest_request_finish(&r);
	faults_finish(&faults);
	struct entry *e = registry_find(w.api.registry, w.store.organization, span_of(id));

	webhooks_reload(w.api.webhooks, e->webhook.id);
	entry_drop(e);
}

static void the_last_error(void **state)
{
	static const struct {
		const char *label;
		long status;
		const char *message, *status_code;
	} cases[] = {
		{ "an answer", 500, "\"it said 500\"", "500" },
		{ "none", 0, "\"it said 500\"", "null" },
	};
	char id[WEBHOOK_ID_BYTES];

	(void)state;
	add(PLAIN, id);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		settle_one(id, cases[i].status, false);
		ask(hooks_show, id, NULL);
		reply_check(&w, cases[i].label, 200,
			    LOOKS({ "last_error|message", cases[i].message },
				  { "last_error|channel", "\"hook\"" },
				  { "last_error|status_code", cases[i].status_code },
				  { "last_error|event_id", "\"evt_1\"" },
				  { "last_error|occurred_at", LOOK_ANY }));
		reply_fits(&w, "last_error", "WebhookError");
	}
	list(NULL, NULL);
	reply_check(&w, "list", 200, LOOKS({ "results|0|last_error|status_code", "null" }));
	settle_one(id, 200, false);
	ask(hooks_show, id, NULL);
	reply_check(&w, "a success", 200, LOOKS({ "last_error", "null" }));
}

static void disabled_by_the_server(void **state)
{
	char id[WEBHOOK_ID_BYTES];

	(void)state;
	add(PLAIN, id);
	settle_one(id, 410, true);
	ask(hooks_show, id, NULL);
	reply_check(&w, "disabled", 200,
		    LOOKS({ "channels|0|status", "\"disabled\"" },
			  { "channels|0|disabled_reason", LOOK_ANY },
			  { "disabled_reason", LOOK_ANY }));
	ask(hooks_patch, id, "{\"is_active\":true}");
	reply_check(&w, "revived", 200,
		    LOOKS({ "is_active", "true" }, { "disabled_reason", "null" },
			  { "channels|0|status", "\"active\"" },
			  { "channels|0|disabled_reason", "null" }));
}

/* --- Held deliveries ------------------------------------------------------------- */

static void resuming(void **state)
{
	static const struct {
		const char *query;
		enum delivery_state wants;
	} cases[] = { { NULL, DELIVERY_DUE },
		      { "held=send", DELIVERY_DUE },
		      { "held=drop", DELIVERY_CANCELLED } };
	struct accept_target *targets = NULL;
	char id[WEBHOOK_ID_BYTES];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		size_t count = 0;

		add(PLAIN, id);
		assert_int_equal(registry_match(w.api.registry, w.store.organization,
						span_of("a.b"), 0, &targets, &count),
				 ERR_OK);
		assert_int_equal(count, 1);
		world_publish(&w.store, targets[0].destination, targets[0].target);
		ask(hooks_patch, id, "{\"is_active\":false}");
		world_sweeps_wait(&w.store);
		assert_int_equal(world_state_count(&w.store, targets[0].destination, DELIVERY_HELD),
				 1);
		api_ask(&w, &(struct ask){ .handler = hooks_patch,
					   .identifier = id,
					   .rows = hooks_patch_query,
					   .query = cases[i].query,
					   .body = "{\"is_active\":true}" });
		reply_check(&w, "resumed", 200, LOOKS({ "is_active", "true" }));
		world_sweeps_wait(&w.store);
		assert_int_equal(
			world_state_count(&w.store, targets[0].destination, cases[i].wants), 1);
		free(targets);
		ask(hooks_remove, id, NULL);
		world_sweeps_wait(&w.store);
	}
}

/* --- Secrets --------------------------------------------------------------------- */

static void secrets(void **state)
{
	char id[WEBHOOK_ID_BYTES], first[128], second[128];

	(void)state;
	add(PLAIN, id);
	assert_null(strstr(w.x.reply.body.ptr, "whsec_"));
	ask(hooks_secret_show, id, NULL);
	reply_check(&w, "show", 200, LOOKS({ "previous", "[]" }, { "created_at", LOOK_ANY }));
	reply_fits(&w, "", "SigningSecret");
	reply_text(&w, "secret", first, sizeof(first));
	assert_memory_equal(first, "whsec_", 6);
	unsigned char bytes[SECRET_MAX_BYTES];

	assert_true(base64_decode(span_of(first + 6), bytes, sizeof(bytes)) >= 24);
	ask(hooks_secret_show, id, NULL);
	reply_text(&w, "secret", second, sizeof(second));
	assert_string_equal(first, second);
	ask(hooks_secret_rotate, id, NULL);
	reply_check(&w, "rotated", 200, LOOKS({ "previous|1", NULL }));
	reply_fits(&w, "previous|0", "PreviousSecret");
	reply_text(&w, "secret", second, sizeof(second));
	assert_string_not_equal(first, second);
	/* The older one is not shown again. */
	assert_null(strstr(w.x.reply.body.ptr, first));
	ask(hooks_secret_show, id, NULL);
	reply_check(&w, "shown", 200, LOOKS({ "previous|0|expires_at", LOOK_ANY }));
}

/* --- Lists ----------------------------------------------------------------------- */

static char ids[4][WEBHOOK_ID_BYTES];

/* Four, of a.b, a.*, c.d and *; the second is paused. */
static void four_add(void)
{
	add(BODY("\"a.b\"", HOOK_CHANNEL("https://a.example")), ids[0]);
	add(BODY("\"a.*\"", HOOK_CHANNEL("https://a.example")), ids[1]);
	add(BODY("\"c.d\"", HOOK_CHANNEL("https://a.example")), ids[2]);
	add(BODY("\"*\"", HOOK_CHANNEL("https://a.example")), ids[3]);
	ask(hooks_patch, ids[1], "{\"is_active\":false}");
}

/* The last reply's results as digits, by their place in ids. */
static void results_check(const char *label, const char *path, const char *want)
{
	struct json_object *root = tree_parse(buf_view(&w.x.reply.body));
	struct json_object *list_of = NULL;
	char found[16] = "";

	reply_check(&w, label, 200, NULL);
	assert_true(tree_find(root, path, &list_of));
	for (size_t i = 0; i < json_object_array_length(list_of); i++) {
		struct json_object *id = NULL;

		assert_true(tree_find(json_object_array_get_idx(list_of, i), "webhook_id", &id));
		for (size_t n = 0; n < COUNT_OF(ids); n++) {
			if (strcmp(ids[n], json_object_get_string(id)) == 0)
				found[i] = (char)('0' + n);
		}
	}
	json_object_put(root);
	if (strcmp(found, want) != 0)
		fail_msg("%s: %s instead of %s", label, found, want);
}

static void filters_and_pages(void **state)
{
	static const struct {
		const char *query, *body, *results, *total, *pagination_total, *page;
	} cases[] = {
		{ NULL, NULL, "0123", "4", "null", "1" },
		{ NULL, "", "0123", "4", "null", "1" },
		{ NULL, "null", "0123", "4", "null", "1" },
		{ NULL, "{}", "0123", "4", "null", "1" },
		{ NULL, "{\"event_type\":null,\"is_active\":null}", "0123", "4", "null", "1" },
		{ NULL, "{\"event_type\":\"a.b\"}", "013", "3", "null", "1" },
		{ NULL, "{\"event\\u005ftype\":\"a\\u002eb\"}", "013", "3", "null", "1" },
		{ NULL, "{\"event_type\":\"a.b.c\"}", "13", "2", "null", "1" },
		{ NULL, "{\"event_type\":\"x.y\"}", "3", "1", "null", "1" },
		{ NULL, "{\"is_active\":true}", "023", "3", "null", "1" },
		{ NULL, "{\"is_active\":false}", "1", "1", "null", "1" },
		{ NULL, "{\"is_active\":false,\"event_type\":\"c.d\"}", "", "0", "null", "1" },
		{ "limit=2", NULL, "01", "4", "null", "1" },
		{ "limit=2&offset=2", NULL, "23", "4", "null", "2" },
		{ "limit=2&offset=3&include_total=true", NULL, "3", "4", "4", "2" },
		{ "offset=4", NULL, "", "4", "null", "1" },
		{ "include_total=true", "{\"event_type\":\"a.b\"}", "013", "3", "3", "1" },
	};

	(void)state;
	four_add();
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char label[160];

		snprintf(label, sizeof(label), "?%s %s",
			 cases[i].query == NULL ? "" : cases[i].query,
			 cases[i].body == NULL ? "" : cases[i].body);
		list(cases[i].query, cases[i].body);
		results_check(label, "results", cases[i].results);
		reply_check(&w, label, 200,
			    LOOKS({ "total", cases[i].total },
				  { "pagination|total", cases[i].pagination_total },
				  { "pagination|page", cases[i].page }));
		reply_fits(&w, "", "ListWebhooksResponse");
	}
}

static void the_cursor(void **state)
{
	char cursor[64], query[128];

	(void)state;
	four_add();
	list("limit=3", "{\"is_active\":true}");
	results_check("first", "results", "023");
	reply_check(&w, "no more", 200, LOOKS({ "pagination|next_cursor", "null" }));
	list("limit=2", NULL);
	reply_text(&w, "pagination|next_cursor", cursor, sizeof(cursor));
	/* A webhook that goes meanwhile shifts nothing. */
	ask(hooks_remove, ids[0], NULL);
	snprintf(query, sizeof(query), "limit=2&cursor=%s", cursor);
	list(query, NULL);
	results_check("second", "results", "23");
	reply_check(&w, "second", 200,
		    LOOKS({ "pagination|page", "null" }, { "total", "3" },
			  { "pagination|next_cursor", "null" }));
}

static void filters_refused(void **state)
{
	static const struct {
		const char *body, *loc, *type;
		const char *second; /* loc of the next fault; NULL: none */
	} cases[] = {
		{ "[]", "[\"body\"]", "\"model_attributes_type\"", NULL },
		{ "1", "[\"body\"]", "\"model_attributes_type\"", NULL },
		{ "{", "[\"body\"]", "\"json_invalid\"", NULL },
		{ "{\"event_type\":1}", "[\"body\",\"event_type\"]", "\"string_type\"", NULL },
		{ "{\"event_type\":\"a.*\"}", "[\"body\",\"event_type\"]", "\"value_error\"",
		  NULL },
		{ "{\"event_type\":\"\"}", "[\"body\",\"event_type\"]", "\"value_error\"", NULL },
		{ "{\"is_active\":\"true\"}", "[\"body\",\"is_active\"]", "\"bool_type\"", NULL },
		{ "{\"is_active\":1}", "[\"body\",\"is_active\"]", "\"bool_type\"", NULL },
		{ "{\"x\\\"y\":1,\"is_active\":1}", NULL, "\"extra_forbidden\"",
		  "[\"body\",\"is_active\"]" },
		{ "{\"is_active\":2,\"event_type\":3}", "[\"body\",\"is_active\"]", "\"bool_type\"",
		  "[\"body\",\"event_type\"]" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		list(NULL, cases[i].body);
		reply_check(
			&w, cases[i].body, 422,
			LOOKS({ "detail|0|type", cases[i].type },
			      { "detail|0|loc", cases[i].loc == NULL ? LOOK_ANY : cases[i].loc },
			      { "detail|1|loc", cases[i].second }, { "detail|2", NULL }));
	}
}

static void the_plain_list(void **state)
{
	(void)state;
	ask(hooks_list_plain, NULL, NULL);
	assert_int_equal(w.x.reply.status, 200);
	assert_string_equal(w.x.reply.body.ptr, "[]");
	four_add();
	ask(hooks_list_plain, NULL, NULL);
	results_check("all", "", "0123");
	reply_fits(&w, "3", "Webhook-Output");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(made_and_shown),    TEST(changed),
		TEST(refusals),          TEST(strangers_find_nothing),
		TEST(a_limited_number),  TEST(without_its_channel_no_configs_are_shown),
		TEST(the_last_error),    TEST(disabled_by_the_server),
		TEST(resuming),          TEST(secrets),
		TEST(filters_and_pages), TEST(the_cursor),
		TEST(filters_refused),   TEST(the_plain_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
