/* test_slack.c - slack.so: its tables, the default message, both forms, where a text
 * is cut, and what it refuses when a webhook is saved.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "slack_world.h"

static const struct slack_configs by_hook = { .webhook_url = HOOK };
static const struct slack_configs by_bot = { .bot_token = TOKEN, .channel_id = "C042" };

static void expect_body(const struct tocsin_message *msg, const char *wanted)
{
	struct sent sent;

	sent_make(msg, &sent);
	assert_int_equal(sent.rc, TOCSIN_OK);
	assert_string_equal(sent.request.body.ptr, wanted);
	sent_finish(&sent);
}

/* --- the tables ----------------------------------------------------------------------- */

static void table_check(const struct tocsin_field *rows, size_t struct_bytes)
{
	for (const struct tocsin_field *row = rows; row->key != NULL; row++) {
		if (row->help == NULL || row->help[0] == '\0' || row->kind == 0 ||
		    row->offset + sizeof(void *) > struct_bytes)
			fail_msg("row %s", row->key);
		for (const struct tocsin_field *other = rows; other < row; other++) {
			if (other->offset == row->offset || strcmp(other->key, row->key) == 0)
				fail_msg("rows %s and %s", other->key, row->key);
		}
	}
}

static void test_tables(void **state)
{
	(void)state;
	assert_int_equal(plugin->abi, TOCSIN_CHANNEL_ABI);
	assert_int_equal(plugin->size, sizeof(struct tocsin_channel));
	assert_string_equal(plugin->name, "slack");
	assert_int_equal(plugin->lane, TOCSIN_FAST_LANE);
	assert_null(plugin->deliver);
	table_check(plugin->settings, plugin->settings_bytes);
	table_check(plugin->fields, plugin->configs_bytes);
}

/* --- the default message ------------------------------------------------------------ */

static void test_default(void **state)
{
	const struct tocsin_message msg = message_of(
		&by_hook,
		"{\"event_id\":\"evt_1\",\"event_type\":\"cluster.execution.failed\","
		"\"namespace_id\":\"ns_1\",\"subject\":\"a<b\",\"metadata\":{\"collection_id\":"
		"\"col \\\"9\\\" & <!channel>\",\"tries\":3.10,\"big\":123456789012345678901234,"
		"\"ok\":false,\"none\":null,\"empty\":\"\",\"nested\":{\"a\":1},\"list\":[1]},"
		"\"data\":{\"hidden\":1}}");

	(void)state;
	expect_body(
		&msg,
		"{\"text\":\"Cluster execution failed\\nSubject: a&lt;b\\nNamespace: ns_1\\n"
		"Collection id: col \\\"9\\\" &amp; &lt;!channel&gt;\\nTries: 3.10\\n"
		"Big: 123456789012345678901234\\nOk: false\","
		"\"blocks\":[{\"type\":\"header\",\"text\":{\"type\":\"plain_text\","
		"\"text\":\"Cluster execution failed\",\"emoji\":false}},"
		"{\"type\":\"section\",\"fields\":["
		"{\"type\":\"mrkdwn\",\"text\":\"*Subject*\\na&lt;b\",\"verbatim\":true},"
		"{\"type\":\"mrkdwn\",\"text\":\"*Namespace*\\nns_1\",\"verbatim\":true},"
		"{\"type\":\"mrkdwn\",\"text\":\"*Collection id*\\ncol \\\"9\\\" &amp; "
		"&lt;!channel&gt;\",\"verbatim\":true},"
		"{\"type\":\"mrkdwn\",\"text\":\"*Tries*\\n3.10\",\"verbatim\":true},"
		"{\"type\":\"mrkdwn\",\"text\":\"*Big*\\n123456789012345678901234\","
		"\"verbatim\":true},"
		"{\"type\":\"mrkdwn\",\"text\":\"*Ok*\\nfalse\",\"verbatim\":true}]},"
		"{\"type\":\"context\",\"elements\":[{\"type\":\"mrkdwn\",\"text\":"
		"\"Ops &lt;alerts&gt;  \xC2\xB7  <!date^1700000000^{date_short_pretty} at {time}|"
		"moment 1700000000123>  \xC2\xB7  `cluster.execution.failed`  \xC2\xB7  evt_1\","
		"\"verbatim\":true}]}],\"unfurl_links\":false,\"unfurl_media\":false}");
}

/* Which members are shown, and the headline of an event type. */
static void test_default_words(void **state)
{
	static const struct {
		const char *type, *envelope, *text;
	} cases[] = {
		{ "a.b", "{}", "A b" },
		{ "com.example.order.was_created", "{}", "Order was created" },
		{ "com.order.created", "{}", "Com order created" },
		{ "commerce.a.b.c", "{}", "Commerce a b c" },
		{ "a.b", "{\"data\":{\"x\":1,\"y\":[2]}}", "A b\nX: 1" },
		{ "a.b", "{\"data\":{\"x\":1},\"metadata\":{\"m\":\"1\"}}", "A b\nM: 1" },
		{ "a.b", "{\"data\":{\"x\":1},\"metadata\":{\"m\":{}}}", "A b\nX: 1" },
		{ "a.b", "{\"data\":\"plain\"}", "A b\nData: plain" },
		{ "a.b", "{\"data\":[1,2]}", "A b" },
		{ "a.b", "{ \"subject\" : { \"type\" : \"doc\" , \"id\" : 7 } }",
		  "A b\nType: doc\nId: 7" },
		{ "a.b", "{\"metadata\":{\"n\\u00e4me\":\"\\u00fc \\ud83d\\udd14\"}}",
		  "A b\nN\xC3\xA4me: \xC3\xBC " EMOJI },
		{ "a.b", "{\"metadata\":{\"a\":\"null\",\"b\":\"}\",\"c\":\"\\\\\"}}",
		  "A b\nA: null\nB: }\nC: \\" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct tocsin_message msg = message_of(&by_hook, cases[i].envelope);
		struct sent sent;

		msg.event_type = cases[i].type;
		sent_make(&msg, &sent);
		if (strcmp(sent_text(&sent, "text"), cases[i].text) != 0)
			fail_msg("row %zu: %s", i, sent_text(&sent, "text"));
		sent_finish(&sent);
	}
}

/* Ten fields at most, none longer than Slack takes, all below what it takes together. */
static void test_default_limits(void **state)
{
	static char envelope[LONG_BYTES];
	size_t len = (size_t)snprintf(envelope, sizeof(envelope), "{\"metadata\":{");

	(void)state;
	for (int i = 0; i < 12; i++) {
		len += (size_t)snprintf(envelope + len, sizeof(envelope) - len, "%s\"m%d\":\"",
					i == 0 ? "" : ",", i);
		for (int j = 0; j < 1500; j++)
			len += (size_t)snprintf(envelope + len, sizeof(envelope) - len, "%s",
						i % 2 == 0 ? "<" : "\xC3\xA9");
		len += (size_t)snprintf(envelope + len, sizeof(envelope) - len, "\"");
	}
	snprintf(envelope + len, sizeof(envelope) - len, "}}");
	struct tocsin_message msg = message_of(&by_hook, envelope);
	struct sent sent;

	msg.is_test = 1;
	sent_make(&msg, &sent);
	struct json_object *blocks = json_object_object_get(sent.body, "blocks");
	struct json_object *fields = json_object_object_get(json_object_array_get_idx(blocks, 1),
							    "fields");

	assert_int_equal(json_object_array_length(fields), 10);
	const char *first = json_object_get_string(
		json_object_object_get(json_object_array_get_idx(fields, 0), "text"));
	const char *second = json_object_get_string(
		json_object_object_get(json_object_array_get_idx(fields, 1), "text"));

	/* 249 times &lt; are 996 units; the 250th would leave no room for the ellipsis. */
	assert_int_equal(strlen(first), strlen("*M0*\n") + 249 * 4 + strlen(ELLIPSIS));
	assert_string_equal(first + strlen(first) - 7, "&lt;" ELLIPSIS);
	assert_int_equal(strlen(second), strlen("*M1*\n") + 999 * 2 + strlen(ELLIPSIS));
	assert_non_null(strstr(sent.request.body.ptr, "  \xC2\xB7  test event\""));
	sent_finish(&sent);
}

/* --- the two forms ------------------------------------------------------------------ */

static void expect_header(const struct sent *sent, const char *line, int is_there)
{
	int found = 0;

	for (const struct curl_slist *h = sent->request.headers; h != NULL; h = h->next)
		found += strcmp(h->data, line) == 0;
	if (found != is_there)
		fail_msg("'%s' is there %d times", line, found);
}

static void test_forms(void **state)
{
	const struct tocsin_message hooked = message_of(&by_hook, "{}");
	const struct tocsin_message posted = message_of(&by_bot, "{}");
	struct sent sent;

	(void)state;
	sent_make(&hooked, &sent);
	assert_string_equal(sent.request.url, HOOK);
	assert_null(sent.request.method);
	expect_header(&sent, "Content-Type: application/json", 1);
	expect_header(&sent, "User-Agent: Tocsin/9", 1);
	expect_header(&sent, "Expect:", 1);
	expect_header(&sent, "Authorization: Bearer " TOKEN, 0);
	assert_false(json_object_object_get_ex(sent.body, "channel", NULL));
	sent_finish(&sent);

	sent_make(&posted, &sent);
	assert_string_equal(sent.request.url, "https://slack.test/api/chat.postMessage");
	expect_header(&sent, "Content-Type: application/json; charset=utf-8", 1);
	expect_header(&sent, "Authorization: Bearer " TOKEN, 1);
	assert_string_equal(sent_text(&sent, "channel"), "C042");
	assert_null(strstr(sent.request.body.ptr, "s3cret"));
	wiped_tokens = 0;
	sent_finish(&sent);
	assert_int_equal(wiped_tokens, 1);
	plugin->release(channel, NULL);
}

static void test_sender(void **state)
{
	static const struct {
		struct slack_settings settings;
		struct slack_configs configs;
		const char *username, *icon_emoji, *icon_url, *channel, *thread_ts;
	} cases[] = {
		{ { 0 }, { 0 }, NULL, NULL, NULL, NULL, NULL },
		{ { .username = "S", .icon_emoji = ":s:", .icon_url = "https://s/" },
		  { 0 },
		  "S",
		  ":s:",
		  "https://s/",
		  NULL,
		  NULL },
		{ { .username = "S", .icon_emoji = ":s:" },
		  { .username = "U", .icon_url = "https://u/", .channel = "#x" },
		  "U",
		  NULL,
		  "https://u/",
		  "#x",
		  NULL },
		{ { .icon_url = "https://s/" },
		  { .icon_emoji = ":u:", .thread_ts = "1.2", .channel = "" },
		  NULL,
		  ":u:",
		  NULL,
		  NULL,
		  "1.2" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct tocsin_message msg = message_of(&cases[i].configs, "{}");
		const char *const names[] = { "username", "icon_emoji", "icon_url", "channel",
					      "thread_ts" };
		const char *const wanted[] = { cases[i].username, cases[i].icon_emoji,
					       cases[i].icon_url, cases[i].channel,
					       cases[i].thread_ts };
		struct sent sent;

		settings = cases[i].settings;
		sent_make(&msg, &sent);
		for (size_t j = 0; j < COUNT_OF(names); j++) {
			const char *got = sent_text(&sent, names[j]);

			if ((got == NULL) != (wanted[j] == NULL) ||
			    (got != NULL && strcmp(got, wanted[j]) != 0))
				fail_msg("row %zu: %s is %s", i, names[j], got);
		}
		sent_finish(&sent);
	}
	settings = (struct slack_settings){ .api_base = "https://slack.test/api/" };
}

/* --- text_template: where a text is cut ------------------------------------------------ */

static void test_text_cuts(void **state)
{
	static const struct {
		const char *fill;
		size_t count;
		const char *rest;
		size_t kept; /* times fill */
		const char *end;
	} cases[] = {
		{ "x", 3, "", 3, "" },
		{ "x", 4000, "", 4000, "" },
		{ "x", 4001, "", 3999, ELLIPSIS },
		{ "\xC3\xA9", 4000, "", 4000, "" },
		{ "\xC3\xA9", 4001, "", 3999, ELLIPSIS },
		{ EMOJI, 2000, "", 2000, "" },
		{ EMOJI, 2001, "", 1999, ELLIPSIS },
		{ "x", 3995, "&amp;", 3995, "&amp;" },
		{ "x", 3996, "&amp;", 3996, ELLIPSIS },
		{ "x", 3998, "&lt;", 3998, ELLIPSIS },
		{ "x", 3995, "&gt;yy", 3995, "&gt;" ELLIPSIS },
		{ "x", 3995, "&xyzzy", 3995, "&xyz" ELLIPSIS },
		{ "x", 3980, "<https://e.test|the page>", 3980, ELLIPSIS },
		{ "x", 3990, "<!here> and more", 3990, "<!here> a" ELLIPSIS },
		{ "x", 3990, "a < b is no markup", 3990, "a < b is " ELLIPSIS },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct tocsin_template template = {
			long_text(cases[i].fill, cases[i].count, cases[i].rest), TOCSIN_OK
		};
		const struct slack_configs configs = { .webhook_url = HOOK,
						       .text_template = &template };
		const struct tocsin_message msg = message_of(&configs, "{}");
		struct sent sent;

		sent_make(&msg, &sent);
		const char *wanted = long_text(cases[i].fill, cases[i].kept, cases[i].end);

		if (strcmp(sent_text(&sent, "text"), wanted) != 0)
			fail_msg("row %zu: ...%s", i,
				 sent_text(&sent, "text") + strlen(wanted) - 10);
		assert_false(json_object_object_get_ex(sent.body, "blocks", NULL));
		sent_finish(&sent);
	}
}

/* --- when a webhook is saved --------------------------------------------------------- */

static void test_check(void **state)
{
	static const struct {
		struct slack_configs configs;
		const char *key; /* NULL: fine */
	} cases[] = {
		{ { .webhook_url = HOOK }, NULL },
		{ { .webhook_url = HOOK, .channel = "#ops", .thread_ts = "17.1" }, NULL },
		{ { .bot_token = TOKEN, .channel_id = "C1" }, NULL },
		{ { .bot_token = TOKEN, .channel_id = "C1", .channel = "" }, NULL },
		{ { .bot_token = "xoxb 1", .channel_id = "C1" }, "bot_token" },
		{ { .bot_token = "x\r\nEvil: 1", .channel_id = "C1" }, "bot_token" },
		{ { .bot_token = "x\xC3\xA4", .channel_id = "C1" }, "bot_token" },
		{ { .bot_token = TOKEN, .channel_id = "C1", .channel = "#ops" }, "channel" },
		{ { .webhook_url = HOOK, .thread_ts = "17" }, "thread_ts" },
		{ { .webhook_url = HOOK, .thread_ts = "17." }, "thread_ts" },
		{ { .webhook_url = HOOK, .thread_ts = ".1" }, "thread_ts" },
		{ { .webhook_url = HOOK, .thread_ts = "1.1x" }, "thread_ts" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct tocsin_fault fault = { .size = sizeof(fault) };
		const int rc = plugin->check(channel, &cases[i].configs, &fault);

		if (rc != (cases[i].key == NULL ? TOCSIN_OK : TOCSIN_BAD_CONFIG) ||
		    strcmp(fault.key, cases[i].key == NULL ? "" : cases[i].key) != 0 ||
		    (rc != TOCSIN_OK && fault.text[0] == '\0'))
			fail_msg("row %zu: %d %s", i, rc, fault.key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),        cmocka_unit_test(test_default),
		cmocka_unit_test(test_default_words), cmocka_unit_test(test_default_limits),
		cmocka_unit_test(test_forms),         cmocka_unit_test(test_sender),
		cmocka_unit_test(test_text_cuts),     cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests_name("slack", tests, setup, teardown);
}
