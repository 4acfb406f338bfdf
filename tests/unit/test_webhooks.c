/* test_webhooks.c - creating, putting, patching, pairing, pausing, listing.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "webhook_fakes.h"

static const struct conf conf = {
	.api = { .body_max_bytes = 262144, .depth_max = 64 },
	.limits = { .webhooks = 3, .channels = 3, .targets = 5, .event_types = 4 },
	.events = { .secret_overlap_ms = 1000 },
};
static struct webhooks *webhooks;
static int64_t last_changed;

static void changed(void *ctx, int64_t webhook_id)
{
	(void)ctx;
	last_changed = webhook_id;
}

static int setup(void **state)
{
	(void)state;
	last_changed = 0;
	webhooks = webhooks_create(&conf, &fake_channels, NULL, NULL);
	webhooks_watch(webhooks, changed, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	webhooks_destroy(webhooks);
	fakes_reset();
	return 0;
}

/* --- Doing things ---------------------------------------------------------------- */

#define HOOK(url)    "{\"channel\":\"hook\",\"configs\":{\"url\":\"" url "\"}}"
#define MANY(phones) "{\"channel\":\"many\",\"configs\":{\"phones\":[" phones "]}}"
#define BODY(rest)   "{\"webhook_name\":\"n\",\"event_types\":[\"a.b\"],\"channels\":[" rest "]}"

static struct webhook_change change_of(const char *id, const char *body)
{
	return (struct webhook_change){ .organization = 1,
					.id = span_of(id),
					.body = span_of(body) };
}

static struct entry *must_create(const char *body)
{
	const struct webhook_change c = change_of(NULL, body);
	struct entry *entry = NULL;
	struct faults faults;

	faults_init(&faults);
	if (webhooks_create_one(webhooks, &c, &faults, &entry) != ERR_OK)
		fail_msg("%s\nfaults: %s", body, faults.count > 0 ? faults.detail.ptr : "none");
	faults_finish(&faults);
	return entry;
}

typedef enum err (*change_fn)(struct webhooks *, const struct webhook_change *, struct faults *,
			      struct entry **);

/* Change old (its reference is given up) and return what it became. */
static struct entry *must_change(change_fn fn, struct entry *old, const char *body,
				 enum held_policy held)
{
	struct webhook_change c = change_of(old->webhook.public_id, body);
	struct entry *entry = NULL;
	struct faults faults;

	c.held = held;
	faults_init(&faults);
	if (fn(webhooks, &c, &faults, &entry) != ERR_OK)
		fail_msg("%s\nfaults: %s", body, faults.count > 0 ? faults.detail.ptr : "none");
	faults_finish(&faults);
	entry_drop(old);
	return entry;
}

static struct entry *must_patch(struct entry *old, const char *body)
{
	return must_change(webhooks_patch, old, body, HELD_SEND);
}

/* --- Faults ------------------------------------------------------------------------ */

static void test_faults(void **state)
{
	static const struct {
		const char *label, *body;
		size_t count;
		const char *has; /* in the list of faults */
	} cases[] = {
		{ "empty", "", 1, "[\"body\"],\"msg\":\"Field required\",\"type\":\"missing\"" },
		{ "no json", "{", 1, "json_invalid" },
		{ "bad utf-8", "{\"webhook_name\":\"\xFF\"}", 1, "json_invalid" },
		{ "no object", "[]", 1, "model_attributes_type" },
		{ "nothing given", "{}", 3, "[\"body\",\"webhook_name\"]" },
		{ "null is not enough",
		  "{\"webhook_name\":null,\"event_types\":null,\"channels\":null}", 3,
		  "[\"body\",\"channels\"]" },
		{ "unknown member",
		  "{\"webhook_name\":\"n\",\"event_types\":[\"*\"],\"channels\":[" HOOK(
			  "http://a.b/") "],\"colour\":1}",
		  1, "[\"body\",\"colour\"],\"msg\":\"Extra inputs are not permitted\"" },
		{ "all at once",
		  "{\"webhook_name\":7,\"description\":1,\"event_types\":[\"a\",3],"
		  "\"is_active\":\"true\","
		  "\"channels\":[{\"channel\":\"nope\",\"configs\":[],\"x\":1},7,{}]}",
		  11, "[\"body\",\"event_types\",1]" },
		{ "name empty",
		  "{\"webhook_name\":\"\",\"event_types\":[\"*\"],\"channels\":[" HOOK(
			  "http://a.b/") "]}",
		  1, "string_too_short" },
		{ "name with control",
		  "{\"webhook_name\":\"a\\u0000b\",\"event_types\":[\"*\"],"
		  "\"channels\":[" HOOK("http://a.b/") "]}",
		  1, "value_error" },
		{ "integer is no bool",
		  "{\"webhook_name\":\"a\",\"is_active\":1,\"event_types\":[\"*\"],"
		  "\"channels\":[" HOOK("http://a.b/") "]}",
		  1, "bool_type" },
		{ "no types",
		  "{\"webhook_name\":\"a\",\"event_types\":[],\"channels\":[" HOOK(
			  "http://a.b/") "]}",
		  1, "too_short" },
		{ "too many types",
		  "{\"webhook_name\":\"a\","
		  "\"event_types\":[\"a.a\",\"a.b\",\"a.c\",\"a.d\",\"a.e\"],"
		  "\"channels\":[" HOOK("http://a.b/") "]}",
		  1, "too_long" },
		{ "no channels", BODY(""), 1, "[\"body\",\"channels\"]" },
		{ "too many channels",
		  BODY(HOOK("http://a.b/") "," HOOK("http://a.b/") "," HOOK("http://a.b/") "," HOOK(
			  "http://a.b/")),
		  1, "too_long" },
		{ "configs missing", BODY("{\"channel\":\"hook\"}"), 1,
		  "[\"body\",\"channels\",0,\"configs\"],\"msg\":\"Field required\"" },
		{ "inside configs", BODY("{\"channel\":\"hook\",\"configs\":{\"url\":7}}"), 1,
		  "[\"body\",\"channels\",0,\"configs\",\"url\"]" },
		{ "a name with a NUL", BODY("{\"channel\":\"hook\\u0000x\",\"configs\":{}}"), 1,
		  "[\"body\",\"channels\",0,\"channel\"]" },
		{ "a mask that stands for nothing", BODY(HOOK("http://a.b/****")), 1,
		  "value_error" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct webhook_change c = change_of(NULL, cases[i].body);
		struct entry *entry = NULL;
		struct faults faults;

		faults_init(&faults);
		if (webhooks_create_one(webhooks, &c, &faults, &entry) != ERR_BAD_REQUEST ||
		    faults.count != cases[i].count ||
		    strstr(faults.detail.ptr, cases[i].has) == NULL)
			fail_msg("%s: %zu faults: %s", cases[i].label, faults.count,
				 faults.count > 0 ? faults.detail.ptr : "none");
		assert_null(entry);
		assert_int_equal(fake_row_count, 0);
		faults_finish(&faults);
	}
}

static void test_name_counts_characters(void **state)
{
	char body[2000];
	size_t len = 0;

	(void)state;
	for (int extra = 0; extra <= 1; extra++) {
		struct entry *entry = NULL;
		struct faults faults;

		len = (size_t)snprintf(body, sizeof(body), "{\"webhook_name\":\"");
		for (int i = 0; i < 200 + extra; i++)
			len += (size_t)snprintf(body + len, sizeof(body) - len, "\xC3\xBC");
		snprintf(body + len, sizeof(body) - len,
			 "\",\"event_types\":[\"*\"],\"channels\":[" HOOK("http://a.b/") "]}");
		const struct webhook_change c = change_of(NULL, body);

		faults_init(&faults);
		assert_int_equal(webhooks_create_one(webhooks, &c, &faults, &entry),
				 extra == 0 ? ERR_OK : ERR_BAD_REQUEST);
		faults_finish(&faults);
		entry_drop(entry);
	}
}

/* --- Creating ------------------------------------------------------------------------ */

static void test_create(void **state)
{
	struct entry *entry = must_create(
		"{\"webhook_id\":7,\"internal_id\":[],\"created_at\":{},\"updated_at\":false,"
		"\"last_error\":1,\"disabled_reason\":2,\"description\":\"two\\nlines\","
		"\"webhook_name\":\"n\",\"event_types\":[\"a.b\",\"c.*\",\"a.b\"],"
		"\"is_active\":null,"
		"\"channels\":[{\"channel\":\"many\",\"status\":1,\"disabled_reason\":{},"
		"\"description\":\"d\",\"configs\":{\"phones\":[\"+491\",\"+492\",\"+491\"]}}]}");
	const struct webhook *w = &entry->webhook;

	(void)state;
	assert_int_equal(last_changed, w->id);
	assert_int_equal(strlen(w->public_id), 13);
	assert_memory_equal(w->public_id, "wh_", 3);
	assert_string_equal(w->description, "two\nlines");
	assert_true(w->is_active);
	assert_int_equal(w->event_type_count, 2);
	assert_string_equal(w->event_types[1], "c.*");
	assert_int_equal(w->secret_count, 1);
	assert_int_equal(w->secrets[0].len, 32);
	assert_true(w->created_at_us > 0 && w->created_at_us == w->updated_at_us);
	assert_int_equal(w->channels[0].target_count, 2);
	assert_string_equal(w->channels[0].description, "d");
	entry_drop(entry);
}

static void test_limit(void **state)
{
	const struct webhook_change c = change_of(NULL, BODY(HOOK("http://a.b/")));
	struct entry *entry = NULL;
	struct faults faults;

	(void)state;
	for (int i = 0; i < 3; i++)
		entry_drop(must_create(BODY(HOOK("http://a.b/"))));
	faults_init(&faults);
	assert_int_equal(webhooks_create_one(webhooks, &c, &faults, &entry), ERR_LIMIT);
	faults_finish(&faults);
}

static void test_store_errors(void **state)
{
	struct entry *entry = must_create(BODY(HOOK("http://a.b/")));
	const struct webhook_change c = change_of(entry->webhook.public_id,
						  "{\"webhook_name\":\"m\"}");
	struct entry *after = NULL;
	struct faults faults;

	(void)state;
	faults_init(&faults);
	fake_rc = ERR_FULL;
	assert_int_equal(webhooks_patch(webhooks, &c, &faults, &after), ERR_FULL);
	fake_rc = ERR_OK;
	after = registry_find(NULL, 1, c.id);
	assert_string_equal(after->webhook.name, "n");
	entry_drop(after);
	entry_drop(entry);
	faults_finish(&faults);
}

/* --- Changing -------------------------------------------------------------------------- */

static void test_updated_at(void **state)
{
	static const struct {
		const char *label, *body;
		bool is_stored, is_moved;
	} cases[] = {
		{ "nothing", "{}", false, false },
		{ "the same again", BODY(HOOK("http://a.b/****")), false, false },
		{ "name", "{\"webhook_name\":\"m\"}", true, false },
		{ "description", "{\"description\":\"d\"}", true, false },
		{ "description away", "{\"description\":null}", true, false },
		{ "types", "{\"event_types\":[\"x.y\"]}", true, true },
		{ "paused", "{\"is_active\":false}", true, true },
		{ "still paused", "{\"is_active\":false}", false, false },
		{ "null keeps", "{\"is_active\":null,\"webhook_name\":null}", false, false },
		{ "resumed", "{\"is_active\":true}", true, true },
		{ "channels", "{\"channels\":[" HOOK("http://a.b/other") "]}", true, true },
	};
	struct entry *entry = must_create(BODY(HOOK("http://a.b/c")));

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const int64_t before = entry->webhook.updated_at_us;
		const int replaced = fake_replaced;

		entry = must_patch(entry, cases[i].body);
		if ((fake_replaced > replaced) != cases[i].is_stored ||
		    (entry->webhook.updated_at_us > before) != cases[i].is_moved)
			fail_msg("%s", cases[i].label);
	}
	entry_drop(entry);
}

static void test_put_keeps(void **state)
{
	struct entry *entry = must_create(BODY(HOOK("http://a.b/c")));

	(void)state;
	entry = must_patch(entry, "{\"is_active\":false,\"description\":\"d\"}");
	entry = must_change(webhooks_put, entry, BODY(HOOK("http://a.b/c")), HELD_SEND);
	assert_false(entry->webhook.is_active);
	assert_string_equal(entry->webhook.description, "d");
	const struct webhook_change c = change_of(entry->webhook.public_id, "{\"is_active\":true}");
	struct entry *none = NULL;
	struct faults faults;

	faults_init(&faults);
	assert_int_equal(webhooks_put(webhooks, &c, &faults, &none), ERR_BAD_REQUEST);
	assert_int_equal(faults.count, 3);
	faults_finish(&faults);
	entry_drop(entry);
}

static void test_waiting(void **state)
{
	static const struct {
		const char *label, *body;
		enum held_policy held;
		enum store_waiting waiting;
	} cases[] = {
		{ "rename", "{\"webhook_name\":\"x\"}", HELD_DROP, STORE_WAITING_KEEP },
		{ "pause", "{\"is_active\":false}", HELD_SEND, STORE_WAITING_HOLD },
		{ "rename paused", "{\"webhook_name\":\"y\"}", HELD_SEND, STORE_WAITING_KEEP },
		{ "resume", "{\"is_active\":true}", HELD_SEND, STORE_WAITING_RELEASE },
		{ "pause again", "{\"is_active\":false}", HELD_SEND, STORE_WAITING_HOLD },
		{ "resume and drop", "{\"is_active\":true}", HELD_DROP, STORE_HELD_CANCEL },
	};
	struct entry *entry = must_create(BODY(HOOK("http://a.b/c")));

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		entry = must_change(webhooks_patch, entry, cases[i].body, cases[i].held);
		if (fake_waiting != cases[i].waiting)
			fail_msg("%s: %d", cases[i].label, (int)fake_waiting);
	}
	entry_drop(entry);
}

/* What a settle does, behind the registry's back. */
static void disable_channel(const struct entry *entry, size_t channel)
{
	struct webhook *row = fake_row(entry->webhook.id);

	row->channels[channel].status = CHANNEL_DISABLED;
	row->channels[channel].disabled_reason = xstrdup("gone");
	row->disabled_reason = xstrdup("gone");
}

static void test_revival(void **state)
{
	static const struct {
		const char *label, *body;
		bool is_revived;
	} cases[] = {
		{ "a new name does not help", "{\"webhook_name\":\"x\"}", false },
		{ "the same configs do not help", "{\"channels\":[" HOOK("http://a.b/****") "]}",
		  false },
		{ "other configs do", "{\"channels\":[" HOOK("http://a.b/new") "]}", true },
		{ "saying so does", "{\"is_active\":true}", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct entry *entry = must_create(BODY(HOOK("http://a.b/c")));

		disable_channel(entry, 0);
		entry = must_patch(entry, cases[i].body);
		const struct webhook *w = fake_row(entry->webhook.id);

		if ((w->channels[0].status == CHANNEL_ACTIVE) != cases[i].is_revived ||
		    (w->disabled_reason == NULL) != cases[i].is_revived ||
		    (w->channels[0].disabled_reason == NULL) != cases[i].is_revived ||
		    (cases[i].is_revived && fake_waiting != STORE_WAITING_RELEASE))
			fail_msg("%s", cases[i].label);
		entry_drop(entry);
		fakes_reset();
	}
}

static void test_pairing(void **state)
{
	/* Stored: 0 hook /one, 1 hook /two, 2 many +491 +492. from[i]: the stored
	 * channel whose id new channel i has, -1 a new one. */
	static const struct {
		const char *label, *channels;
		int from[3];
	} cases[] = {
		{ "swapped",
		  HOOK("http://a.b/two") "," HOOK("http://a.b/one") "," MANY("\"+491\",\"+492\""),
		  { 1, 0, 2 } },
		{ "masks keep their places",
		  HOOK("http://a.b/****") "," HOOK("http://a.b/****") "," MANY("\"+491\""),
		  { 0, 1, 2 } },
		{ "the first removed",
		  HOOK("http://a.b/two") "," MANY("\"+492\",\"+493\""),
		  { 1, 2 } },
		{ "another URL in its place",
		  HOOK("http://a.b/new") "," HOOK("http://a.b/two"),
		  { 0, 1 } },
		{ "another kind in its place",
		  MANY("\"+499\"") "," HOOK("http://a.b/two"),
		  { -1, 1 } },
		{ "all new", MANY("\"+491\""), { 2 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct entry *entry = must_create(BODY(HOOK("http://a.b/one") "," HOOK(
			"http://a.b/two") "," MANY("\"+491\",\"+492\"")));
		int64_t ids[3];
		char body[1000];

		for (size_t n = 0; n < 3; n++)
			ids[n] = entry->webhook.channels[n].id;
		snprintf(body, sizeof(body), "{\"channels\":[%s]}", cases[i].channels);
		entry = must_patch(entry, body);
		for (size_t n = 0; n < entry->webhook.channel_count; n++) {
			const int64_t id = entry->webhook.channels[n].id;
			const int from = cases[i].from[n];

			if (from >= 0 ? id != ids[from] : id <= ids[2])
				fail_msg("%s: channel %zu", cases[i].label, n);
		}
		entry_drop(entry);
		fakes_reset();
	}
}

static void test_pairing_keeps_secrets_and_targets(void **state)
{
	struct entry *entry =
		must_create(BODY(HOOK("http://a.b/one") "," MANY("\"+491\",\"+492\"")));
	const int64_t second = entry->webhook.channels[1].targets[1].id;

	(void)state;
	entry = must_patch(entry, "{\"channels\":[" MANY("\"+493\",\"+492\"") "," HOOK(
					  "http://a.b/****") "]}");
	assert_int_equal(entry->webhook.channels[0].targets[1].id, second);
	assert_true(entry->webhook.channels[0].targets[0].id > second);
	assert_non_null(strstr(entry->webhook.channels[1].configs, "http:\\/\\/a.b\\/one") != NULL
				? "x"
				: strstr(entry->webhook.channels[1].configs, "http://a.b/one"));
	entry_drop(entry);
}

/* --- The rest ----------------------------------------------------------------------------- */

static void test_foreign(void **state)
{
	struct entry *entry = must_create(BODY(HOOK("http://a.b/c")));
	struct webhook_change c = change_of(entry->webhook.public_id, "{}");
	struct entry *none = NULL;
	struct faults faults;

	(void)state;
	faults_init(&faults);
	c.organization = 2;
	assert_int_equal(webhooks_patch(webhooks, &c, &faults, &none), ERR_NOT_FOUND);
	assert_int_equal(webhooks_put(webhooks, &c, &faults, &none), ERR_NOT_FOUND);
	assert_int_equal(webhooks_secret_rotate(webhooks, 2, c.id, &none), ERR_NOT_FOUND);
	assert_int_equal(webhooks_remove(webhooks, 2, c.id), ERR_OK);
	assert_int_equal(fake_row_count, 1);
	assert_int_equal(webhooks_remove(webhooks, 1, c.id), ERR_OK);
	assert_int_equal(fake_row_count, 0);
	assert_int_equal(webhooks_remove(webhooks, 1, c.id), ERR_OK);
	faults_finish(&faults);
	entry_drop(entry);
}

static void test_rotation(void **state)
{
	struct entry *entry = must_create(BODY(HOOK("http://a.b/c")));
	const struct signing_secret first = entry->webhook.secrets[0];
	char id[WEBHOOK_ID_BYTES];

	(void)state;
	memcpy(id, entry->webhook.public_id, sizeof(id));
	entry_drop(entry);
	for (size_t i = 1; i <= 5; i++) {
		assert_int_equal(webhooks_secret_rotate(webhooks, 1, span_of(id), &entry), ERR_OK);
		const struct webhook *w = &entry->webhook;

		assert_int_equal(w->secret_count, i < 3 ? i + 1 : WEBHOOK_SECRETS_MAX);
		assert_int_equal(w->secrets[0].expires_at_us, 0);
		assert_int_equal(w->secrets[1].expires_at_us,
				 w->secrets[0].created_at_us + 1000000);
		if (i == 1)
			assert_memory_equal(w->secrets[1].bytes, first.bytes, first.len);
		entry_drop(entry);
	}
}

static void test_list(void **state)
{
	static const struct {
		const char *label, *type;
		int is_active;
		size_t offset, limit, want_count, want_total;
		bool has_next;
	} cases[] = {
		{ "all", NULL, -1, 0, 10, 3, 3, false },
		{ "a page", NULL, -1, 0, 2, 2, 3, true },
		{ "the next by offset", NULL, -1, 2, 2, 1, 3, false },
		{ "beyond", NULL, -1, 9, 2, 0, 3, false },
		{ "exactly", NULL, -1, 0, 3, 3, 3, false },
		{ "active", NULL, 1, 0, 10, 2, 2, false },
		{ "paused", NULL, 0, 0, 10, 1, 1, false },
		{ "by type", "a.b", -1, 0, 10, 2, 2, false },
		{ "by a type below a prefix", "x.y.z", -1, 0, 10, 1, 1, false },
		{ "by both", "a.b", 1, 0, 10, 1, 1, false },
	};

	(void)state;
	entry_drop(must_create(BODY(HOOK("http://a.b/c"))));
	entry_drop(must_patch(must_create(BODY(HOOK("http://a.b/c"))), "{\"is_active\":false}"));
	entry_drop(
		must_patch(must_create(BODY(HOOK("http://a.b/c"))), "{\"event_types\":[\"x.*\"]}"));
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct webhook_query q = { .organization = 1,
						 .event_type = span_of(cases[i].type),
						 .is_active = cases[i].is_active,
						 .offset = cases[i].offset,
						 .limit = cases[i].limit };
		struct webhook_page page;

		webhooks_list(webhooks, &q, &page);
		if (page.count != cases[i].want_count || page.total != cases[i].want_total ||
		    (page.next_position != 0) != cases[i].has_next)
			fail_msg("%s: %zu of %zu", cases[i].label, page.count, page.total);
		webhook_page_finish(&page);
	}
}

static void test_list_cursor(void **state)
{
	struct webhook_query q = { .organization = 1, .is_active = -1, .limit = 2 };
	struct webhook_page page;
	int64_t last = 0;
	size_t seen = 0;

	(void)state;
	for (int i = 0; i < 3; i++)
		entry_drop(must_create(BODY(HOOK("http://a.b/c"))));
	do {
		webhooks_list(webhooks, &q, &page);
		for (size_t i = 0; i < page.count; i++, seen++) {
			assert_true(page.entries[i]->webhook.id > last);
			last = page.entries[i]->webhook.id;
		}
		q.after_position = page.next_position;
		webhook_page_finish(&page);
	} while (q.after_position != 0);
	assert_int_equal(seen, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_faults),
		TEST(test_name_counts_characters),
		TEST(test_create),
		TEST(test_limit),
		TEST(test_store_errors),
		TEST(test_updated_at),
		TEST(test_put_keeps),
		TEST(test_waiting),
		TEST(test_revival),
		TEST(test_pairing),
		TEST(test_pairing_keeps_secrets_and_targets),
		TEST(test_foreign),
		TEST(test_rotation),
		TEST(test_list),
		TEST(test_list_cursor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
