/* test_transfer.c - what the core adds to an attempt: excerpts, the guard at
 * the socket, what a look-up leaves of the time.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <unistd.h>

#include "base/mem.h"
#include "delivery/transfer.h"

/* --- A channel that only has a target, and what a transfer needs --------------- */

struct plain_configs {
	const char *url;
};

static const char *plain_reason; /* what classify() says */

static const char *plain_url; /* where prepare() sends to; NULL: its target */
static const char *plain_method;

static int plain_prepare(void *channel, const struct tocsin_message *msg, CURL *easy,
			 struct tocsin_request *out)
{
	(void)channel, (void)easy;
	out->url = plain_url == NULL ? msg->target : plain_url;
	out->method = plain_method;
	out->body = msg->envelope;
	return TOCSIN_OK;
}

static void plain_classify(void *channel, void *attempt, CURL *easy,
			   const struct tocsin_outcome *out, struct tocsin_verdict *v)
{
	(void)channel, (void)attempt, (void)easy, (void)out;
	v->kind = TOCSIN_RETRY;
	snprintf(v->reason, sizeof(v->reason), "%s", plain_reason);
}

static void plain_release(void *channel, void *attempt)
{
	(void)channel, (void)attempt;
}

static const struct tocsin_field plain_fields[] = {
	{ .key = "url",
	  .help = "U.",
	  .kind = TOCSIN_URL,
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET,
	  .offset = offsetof(struct plain_configs, url) },
	{ .key = NULL },
};

static char plain_name[] = "plain";
static struct channel plain = { .name = plain_name,
				.plugin = {
					.vtable = { .name = "plain",
						    .fields = plain_fields,
						    .configs_bytes = sizeof(struct plain_configs),
						    .schemes = "http,https",
						    .prepare = plain_prepare,
						    .classify = plain_classify,
						    .release = plain_release } } };

static struct network loopback;
static struct conf conf = { .delivery = { .timeout_ms = 30000,
					  .connect_timeout_ms = 5000,
					  .reply_max_bytes = 65536,
					  .excerpt_bytes = 8192 } };
static struct transfer_rules rules = { .conf = &conf };
static struct item item;
static int listener; /* takes connections and says nothing */
static unsigned port;

static void listener_open(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	port = ntohs(a.sin_port);
}

static int setup(void **state)
{
	static const unsigned char key[PUBID_KEY_BYTES] = { 1 };

	(void)state;
	curl_global_init(CURL_GLOBAL_ALL);
	rules.ids = pubid_create(key);
	item.work = (struct work){ .delivery_id = 1, .destination = 1, .attempts = 2 };
	item.work.event = event_create(&(struct event){
		.id = 1, .organization = 1, .type = span_of("a.b"), .data = span_of("{}") });
	assert_int_equal(network_parse(span_of("127.0.0.0/8"), &loopback, NULL), ERR_OK);
	listener_open();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(listener);
	event_drop(item.work.event);
	pubid_destroy((struct pubid *)rules.ids);
	curl_global_cleanup();
	return 0;
}

static struct transfer *make_transfer(bool is_allowed)
{
	struct entry *entry = xcalloc(1, sizeof(*entry));
	char *configs = xformat("{\"url\":\"http://127.0.0.1:%u/\"}", port);
	struct why why = { "" };

	conf.guard.guard = (struct guard){ &loopback, is_allowed };
	entry->refs = 1;
	entry->webhook.name = xstrdup("n");
	entry->webhook.channels = xcalloc(1, sizeof(*entry->webhook.channels));
	entry->webhook.channel_count = 1;
	entry->compiled = xcalloc(1, sizeof(struct compiled_configs *));
	entry->compiled[0] = configs_compile(&plain, configs, &why);
	if (entry->compiled[0] == NULL)
		fail_msg("%s", why.text);
	free(configs);
	return transfer_create(&rules, &item, entry, 0);
}

static CURLcode run(struct transfer *t)
{
	struct why why = { "" };

	if (transfer_prepare(t, &rules, curl_easy_init(), &why) != ERR_OK)
		fail_msg("%s", why.text);
	transfer_arm(t, &rules, NULL);
	return curl_easy_perform(t->easy);
}

/* --- Excerpts ------------------------------------------------------------------------ */

static void test_excerpt(void **state)
{
	static const struct {
		const char *label, *reply;
		size_t max;
		const char *want; /* NULL: none */
	} cases[] = {
		{ "nothing", "", 8, NULL },
		{ "no room", "abc", 0, NULL },
		{ "fits", "abc", 3, "abc" },
		{ "cut", "abcd", 3, "abc" },
		{ "cut behind a character",
		  "a\xC3\xBC"
		  "b",
		  3, "a\xC3\xBC" },
		{ "cut in a character of two", "ab\xC3\xBC", 3, "ab" },
		{ "cut in one of four", "a\xF0\x9F\x94\x94", 4, "a" },
		{ "the first does not fit", "\xF0\x9F\x94\x94", 3, "" },
		{ "its own mark stays", "a\xEF\xBF\xBD", 4, "a\xEF\xBF\xBD" },
		{ "an invalid byte",
		  "a\xFF"
		  "b",
		  8,
		  "a\xEF\xBF\xBD"
		  "b" },
		{ "marks keep the cap", "\xFF\xFF\xFF\xFF", 7, "\xEF\xBF\xBD\xEF\xBF\xBD" },
		{ "the reply ends in a character", "a\xC3", 8, "a\xEF\xBF\xBD" },
		{ "a surrogate", "\xED\xA0\x80", 9, "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct transfer t = { .reply = { .max = 100 } };

		buf_text(&t.reply, cases[i].reply);
		char *got = transfer_excerpt(&t, cases[i].max);

		if (cases[i].want == NULL ? got != NULL
					  : got == NULL || strcmp(got, cases[i].want) != 0)
			fail_msg("%s: '%s'", cases[i].label, got == NULL ? "(none)" : got);
		free(got);
		buf_finish(&t.reply);
	}
}

/* A NUL does not hide what comes behind it. */
static void test_excerpt_nul(void **state)
{
	struct transfer t = { .reply = { .max = 100 } };

	(void)state;
	buf_bytes(&t.reply, "\0ab\0c", 5);
	char *got = transfer_excerpt(&t, 64);
	assert_string_equal(got, "\xEF\xBF\xBD"
				 "ab"
				 "\xEF\xBF\xBD"
				 "c");
	free(got);
	buf_finish(&t.reply);
}

/* An excerpt of the configured length is really kept. */
static void test_reply_is_kept(void **state)
{
	struct transfer *t = make_transfer(true);

	(void)state;
	assert_true(t->reply.max >= 8192);
	transfer_destroy(t);
}

/* --- Reasons ---------------------------------------------------------------------------- */

/* A literal is refused before a connection that is open already could serve it. */
static void test_refused_literal(void **state)
{
	struct transfer *t = make_transfer(false);
	struct why why = { "" };

	(void)state;
	assert_int_equal(transfer_prepare(t, &rules, curl_easy_init(), &why), ERR_DENIED);
	assert_string_equal(why.text, "address refused: 127.0.0.0/8 loopback");
	transfer_destroy(t);
}

/* A name that looked fine may lead elsewhere when the socket is opened. */
static void test_refused_socket(void **state)
{
	struct transfer *t = make_transfer(false);
	char *url = xformat("http://localhost:%u/", port);
	struct tocsin_verdict verdict;
	struct attempt attempt;

	(void)state;
	plain_reason = "the plugin does not know";
	plain_url = url;
	const CURLcode code = run(t);

	assert_int_not_equal(code, CURLE_OK);
	transfer_judge(t, code, &attempt, &verdict);
	assert_int_equal(attempt.outcome, ATTEMPT_RETRY);
	assert_int_equal(attempt.number, 3);
	assert_int_equal(attempt.status, 0);
	assert_memory_equal(attempt.reason, "address refused: ", 17);
	plain_url = NULL;
	transfer_destroy(t);
	free(url);
}

/* Only the very host and port that the settings name skip the guard. */
static void test_operator_host(void **state)
{
	static char localhost[] = "localhost";
	struct operator_host hosts[] = { { localhost, (uint16_t)port } };
	static const struct {
		const char *label, *host;
		unsigned add; /* to the port */
		bool is_operator;
	} cases[] = {
		{ "that host and port", "localhost", 0, true },
		{ "another port", "localhost", 1, false },
		{ "another host", "127.0.0.1", 0, false },
	};

	(void)state;
	plain.operators = hosts;
	plain.operator_count = 1;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct transfer *t = make_transfer(false);
		char *url = xformat("http://%s:%u/", cases[i].host, port + cases[i].add);
		struct why why = { "" };

		plain_url = url;
		(void)!transfer_prepare(t, &rules, curl_easy_init(), &why);
		if (t->place.is_operator != cases[i].is_operator)
			fail_msg("%s", cases[i].label);
		plain_url = NULL;
		transfer_destroy(t);
		free(url);
	}
	plain.operators = NULL;
	plain.operator_count = 0;
}

/* What a plugin describes badly does not leave the house. */
static void test_bad_requests(void **state)
{
	static const struct {
		const char *label, *url, *method;
	} cases[] = {
		{ "a line end in the method", NULL, "PUT / HTTP/1.1\r\nX: y" },
		{ "another scheme", "ftp://127.0.0.1/", NULL },
		{ "user information", "http://a@127.0.0.1/", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct transfer *t = make_transfer(true);
		struct why why = { "" };

		plain_url = cases[i].url;
		plain_method = cases[i].method;
		if (transfer_prepare(t, &rules, curl_easy_init(), &why) != ERR_BAD_REQUEST)
			fail_msg("%s", cases[i].label);
		assert_true(why.text[0] != '\0');
		plain_url = plain_method = NULL;
		transfer_destroy(t);
	}
}

static void test_reason_is_repaired(void **state)
{
	struct transfer *t = make_transfer(true);
	struct tocsin_verdict verdict;
	struct attempt attempt;

	(void)state;
	plain_reason = "cut in two: \xC3";
	t->easy = curl_easy_init();
	transfer_judge(t, CURLE_OK, &attempt, &verdict);
	assert_string_equal(attempt.reason, "cut in two: \xEF\xBF\xBD");
	transfer_destroy(t);
}

/* --- Time ---------------------------------------------------------------------------------- */

/* The receiver is silent and there are 30 s: only what the look-up took ends it at once. */
static void test_lookup_counts(void **state)
{
	static const int64_t lookups_us[] = { 29990 * 1000, 30000 * 1000, 90000 * 1000 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lookups_us); i++) {
		struct transfer *t = make_transfer(true);
		curl_off_t total_us = 0;

		struct why why = { "" };

		assert_int_equal(transfer_prepare(t, &rules, curl_easy_init(), &why), ERR_OK);
		t->lookup_us = lookups_us[i];
		transfer_arm(t, &rules, NULL);
		assert_int_equal(curl_easy_perform(t->easy), CURLE_OPERATION_TIMEDOUT);
		curl_easy_getinfo(t->easy, CURLINFO_TOTAL_TIME_T, &total_us);
		assert_true(total_us < 15 * 1000000);
		transfer_destroy(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_excerpt),        cmocka_unit_test(test_excerpt_nul),
		cmocka_unit_test(test_reply_is_kept),  cmocka_unit_test(test_refused_literal),
		cmocka_unit_test(test_refused_socket), cmocka_unit_test(test_operator_host),
		cmocka_unit_test(test_bad_requests),   cmocka_unit_test(test_reason_is_repaired),
		cmocka_unit_test(test_lookup_counts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
