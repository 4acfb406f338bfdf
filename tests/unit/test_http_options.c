/* test_http_options.c - what each option of http.so adds to a request, and to the
 * judgement of an answer.
 * SPDX-License-Identifier: MIT */
#include "http/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/text.h"

enum { LINES_BYTES = 8192 };

static const char envelope[] = "{\"event_id\":\"e\",\"event_type\":\"a.b\",\"data\":{\"n\":1.50}}";
static uint32_t kinds_asked;
static struct tocsin_span signed_body;
static void *http; /* an opened channel */

/* --- A host of our own ------------------------------------------------------------ */

static size_t sign(void *core, const struct tocsin_message *msg, struct tocsin_span body,
		   uint32_t kinds, char *out, size_t out_bytes)
{
	(void)core, (void)msg;
	assert_true(out_bytes >= 1024);
	kinds_asked = kinds;
	signed_body = body;
	return (size_t)snprintf(out, out_bytes, "v1,SIG");
}

static void hmac(void *core, struct tocsin_span key, struct tocsin_span data, unsigned char out[32])
{
	(void)core;
	assert_int_equal(key.len, 3);
	assert_memory_equal(key.ptr, "key", 3);
	assert_ptr_equal(data.ptr, signed_body.ptr);
	memset(out, 0xA5, 32);
}

static void wipe(void *core, void *ptr, size_t bytes)
{
	(void)core;
	memset(ptr, 0, bytes);
}

static int render(void *core, const struct tocsin_message *msg, const struct tocsin_render *what,
		  struct tocsin_span *out)
{
	(void)core, (void)msg;
	assert_int_equal(what->escape, TOCSIN_ESCAPE_NONE);
	if ((const void *)what->text == envelope)
		return TOCSIN_BAD_MESSAGE;
	*out = (struct tocsin_span){ "{\"t\":1}", 7 };
	return TOCSIN_OK;
}

static const struct tocsin_host host = { .abi = TOCSIN_CHANNEL_ABI,
					 .size = sizeof(host),
					 .core = "core",
					 .user_agent = "Tocsin/9",
					 .sign = sign,
					 .hmac = hmac,
					 .wipe = wipe,
					 .render = render };

static int setup(void **state)
{
	const struct http_settings settings = { .cloudevents_source = "tocsin" };
	char err[100] = "";

	(void)state;
	return tocsin_channel_v1.open(&host, &settings, &http, err, sizeof(err)) == TOCSIN_OK ? 0
											      : -1;
}

static int teardown(void **state)
{
	(void)state;
	tocsin_channel_v1.close(http);
	tocsin_channel_v1.close(NULL);
	return 0;
}

static struct tocsin_message message_of(const struct http_configs *configs, const char *event)
{
	return (struct tocsin_message){ .size = sizeof(struct tocsin_message),
					.message_id = "msg_1",
					.event_id = "e",
					.event_type = "a.b",
					.webhook_id = "wh_1",
					.target = "http://r.example/",
					.configs = configs,
					.envelope = { event, strlen(event) },
					.timestamp_s = 1700000000 };
}

/* --- What is sent ------------------------------------------------------------------- */

/* A template is only passed on; this stands for one. */
#define TEMPLATE ((const struct tocsin_template *)(const void *)"")

#define BEGIN    "Expect:\nContent-Type: application/json\nUser-Agent: Tocsin/9\n"
#define SIGNED   "webhook-id: msg_1\nwebhook-timestamp: 1700000000\nwebhook-signature: v1,SIG\n"
#define A5       "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5"
#define CE                                                                               \
	"ce-specversion: 1.0\nce-id: e\nce-source: tocsin\nce-type: a.b\nce-webhookid: " \
	"wh_1\n"

static const struct {
	const char *label;
	struct http_configs configs;
	uint32_t kinds;
	const char *lines, *body;
} requests[] = {
	{ "nothing", { .auth = "none" }, TOCSIN_SIGN_V1, BEGIN SIGNED, envelope },
	{ "basic",
	  { .auth = "basic", .auth_username = "u\xC3\xBC", .auth_password = "p:w" },
	  TOCSIN_SIGN_V1,
	  BEGIN SIGNED "Authorization: Basic dcO8OnA6dw==\n",
	  envelope },
	{ "basic, no password",
	  { .auth = "basic", .auth_username = "u" },
	  TOCSIN_SIGN_V1,
	  BEGIN SIGNED "Authorization: Basic dTo=\n",
	  envelope },
	{ "bearer",
	  { .auth = "bearer", .auth_token = "t-1" },
	  TOCSIN_SIGN_V1,
	  BEGIN SIGNED "Authorization: Bearer t-1\n",
	  envelope },
	{ "hmac",
	  { .auth = "hmac", .hmac_secret = "key", .hmac_header = "X-Sig" },
	  TOCSIN_SIGN_V1,
	  BEGIN SIGNED "X-Sig: sha256=" A5 "\n",
	  envelope },
	{ "v1", { .signature = "v1" }, TOCSIN_SIGN_V1, BEGIN SIGNED, envelope },
	{ "v1a", { .signature = "v1a" }, TOCSIN_SIGN_V1A, BEGIN SIGNED, envelope },
	{ "v1,v1a",
	  { .signature = "v1,v1a" },
	  TOCSIN_SIGN_V1 | TOCSIN_SIGN_V1A,
	  BEGIN SIGNED,
	  envelope },
	{ "svix",
	  { .has_svix_headers = 1 },
	  TOCSIN_SIGN_V1,
	  BEGIN SIGNED "svix-id: msg_1\nsvix-timestamp: 1700000000\nsvix-signature: v1,SIG\n",
	  envelope },
	{ "gzip, small", { .gzip = "large" }, TOCSIN_SIGN_V1, BEGIN SIGNED, envelope },
	{ "template", { .payload_template = TEMPLATE }, TOCSIN_SIGN_V1, BEGIN SIGNED, "{\"t\":1}" },
	{ "structured",
	  { .format = "cloudevents_structured" },
	  TOCSIN_SIGN_V1,
	  "Expect:\nContent-Type: application/cloudevents+json; charset=utf-8\n"
	  "User-Agent: Tocsin/9\n" SIGNED,
	  "{\"specversion\":\"1.0\",\"id\":\"e\",\"source\":\"tocsin\",\"type\":\"a.b\","
	  "\"webhookid\":\"wh_1\","
	  "\"datacontenttype\":\"application/json\",\"data\":{\"n\":1.50}}" },
	{ "binary",
	  { .format = "cloudevents_binary" },
	  TOCSIN_SIGN_V1,
	  BEGIN SIGNED CE,
	  "{\"n\":1.50}" },
	{ "binary, template",
	  { .format = "cloudevents_binary", .payload_template = TEMPLATE },
	  TOCSIN_SIGN_V1,
	  BEGIN SIGNED CE,
	  "{\"t\":1}" },
};

static void lines_join(const struct curl_slist *list, char out[LINES_BYTES])
{
	size_t len = 0;

	out[0] = '\0';
	for (; list != NULL; list = list->next)
		len += (size_t)snprintf(out + len, LINES_BYTES - len, "%s\n", list->data);
	assert_true(len < LINES_BYTES);
}

static void test_requests(void **state)
{
	CURL *easy = curl_easy_init();
	char lines[LINES_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		const struct tocsin_message msg = message_of(&requests[i].configs, envelope);
		struct tocsin_request out = { .size = sizeof(out) };

		assert_int_equal(tocsin_channel_v1.prepare(http, &msg, easy, &out), TOCSIN_OK);
		lines_join(out.headers, lines);
		if (strcmp(lines, requests[i].lines) != 0 || kinds_asked != requests[i].kinds ||
		    out.body.len != strlen(requests[i].body) ||
		    memcmp(out.body.ptr, requests[i].body, out.body.len) != 0)
			fail_msg("%s: %u\n%s\n%.*s", requests[i].label, kinds_asked, lines,
				 (int)out.body.len, out.body.ptr);
		assert_ptr_equal(signed_body.ptr, out.body.ptr);
		assert_ptr_equal(out.url, msg.target);
		assert_null(out.shown.ptr);
		tocsin_channel_v1.release(http, out.attempt);
	}
	tocsin_channel_v1.release(http, NULL);
	curl_easy_cleanup(easy);
}

/* An event without data: nothing is sent, and nothing says of what type. */
static void test_no_data(void **state)
{
	const struct http_configs configs = { .format = "cloudevents_binary" };
	const struct tocsin_message msg = message_of(&configs, "{\"event_id\":\"e\"}");
	struct tocsin_request out = { .size = sizeof(out) };
	CURL *easy = curl_easy_init();
	char lines[LINES_BYTES];

	(void)state;
	assert_int_equal(tocsin_channel_v1.prepare(http, &msg, easy, &out), TOCSIN_OK);
	lines_join(out.headers, lines);
	assert_string_equal(lines, "Expect:\nContent-Type:\nUser-Agent: Tocsin/9\n" SIGNED CE);
	assert_int_equal(out.body.len, 0);
	assert_non_null(signed_body.ptr);
	tocsin_channel_v1.release(http, out.attempt);
	curl_easy_cleanup(easy);
}

/* Signed and shown is what it was before. */
static void test_gzip(void **state)
{
	const struct http_configs configs = { .gzip = "large" };
	struct tocsin_request out = { .size = sizeof(out) };
	CURL *easy = curl_easy_init();
	char lines[LINES_BYTES];
	struct text event = { 0 };

	(void)state;
	text_format(&event, "{\"data\":\"%09000d\"}", 1);
	const struct tocsin_message msg = message_of(&configs, event.ptr);

	assert_int_equal(tocsin_channel_v1.prepare(http, &msg, easy, &out), TOCSIN_OK);
	lines_join(out.headers, lines);
	assert_string_equal(lines, BEGIN "Content-Encoding: gzip\n" SIGNED);
	assert_true(out.body.len < 1000 && memcmp(out.body.ptr, "\x1F\x8B", 2) == 0);
	assert_ptr_equal(signed_body.ptr, event.ptr);
	assert_ptr_equal(out.shown.ptr, event.ptr);
	assert_int_equal(out.shown.len, event.len);
	tocsin_channel_v1.release(http, out.attempt);
	curl_easy_cleanup(easy);
	text_finish(&event);
}

static void test_template_too_large(void **state)
{
	const struct http_configs configs = {
		.payload_template = (const struct tocsin_template *)(const void *)envelope
	};
	const struct tocsin_message msg = message_of(&configs, envelope);
	struct tocsin_request out = { .size = sizeof(out) };
	CURL *easy = curl_easy_init();

	(void)state;
	assert_int_equal(tocsin_channel_v1.prepare(http, &msg, easy, &out), TOCSIN_BAD_MESSAGE);
	assert_string_equal(out.reason, "payload_template gives too much for this event");
	assert_null(out.attempt);
	curl_easy_cleanup(easy);
}

/* --- What is made of the answer ------------------------------------------------------- */

static void test_4xx(void **state)
{
	static const struct {
		long status;
		uint32_t with, without; /* fail_on_4xx */
	} cases[] = {
		{ 200, TOCSIN_DELIVERED, TOCSIN_DELIVERED }, { 302, TOCSIN_RETRY, TOCSIN_RETRY },
		{ 400, TOCSIN_FAILED, TOCSIN_RETRY },        { 404, TOCSIN_FAILED, TOCSIN_RETRY },
		{ 408, TOCSIN_RETRY, TOCSIN_RETRY },         { 409, TOCSIN_RETRY, TOCSIN_RETRY },
		{ 410, TOCSIN_GONE, TOCSIN_GONE },           { 418, TOCSIN_FAILED, TOCSIN_RETRY },
		{ 425, TOCSIN_RETRY, TOCSIN_RETRY },         { 429, TOCSIN_RETRY, TOCSIN_RETRY },
		{ 499, TOCSIN_FAILED, TOCSIN_RETRY },        { 500, TOCSIN_RETRY, TOCSIN_RETRY },
	};
	CURL *easy = curl_easy_init();

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		const struct http_configs configs = { .is_4xx_final = i % 2,
						      .has_control_headers = 1 };
		const struct tocsin_message msg = message_of(&configs, envelope);
		struct tocsin_request request = { .size = sizeof(request) };
		const struct tocsin_outcome out = { .size = sizeof(out),
						    .status = cases[i / 2].status,
						    .retry_after_ms = 5,
						    .curl_error = "" };
		struct tocsin_verdict v = { .size = sizeof(v) };
		const uint32_t wanted = i % 2 ? cases[i / 2].with : cases[i / 2].without;

		assert_int_equal(tocsin_channel_v1.prepare(http, &msg, easy, &request), TOCSIN_OK);
		tocsin_channel_v1.classify(http, request.attempt, easy, &out, &v);
		tocsin_channel_v1.release(http, request.attempt);
		if (v.kind != wanted || v.retry_after_ms != (wanted == TOCSIN_RETRY ? 5 : 0) ||
		    (strstr(v.reason, "fail_on_4xx") != NULL) != (wanted == TOCSIN_FAILED))
			fail_msg("%ld: %u '%s'", out.status, v.kind, v.reason);
	}
	curl_easy_cleanup(easy);
}

/* What a receiver says about our certificate comes as an alert inside an error. */
static void test_alerts(void **state)
{
	static const struct {
		CURLcode curl;
		const char *error, *reason;
		uint32_t throttled;
	} cases[] = {
		{ CURLE_RECV_ERROR, "OpenSSL SSL_read: tlsv13 alert certificate required, errno 0",
		  "the receiver demands a TLS client certificate", 0 },
		{ CURLE_SEND_ERROR, "tlsv1 alert unknown ca",
		  "the receiver does not trust the sender's TLS client certificate", 0 },
		{ CURLE_SSL_CONNECT_ERROR, "sslv3 alert bad certificate",
		  "the receiver refuses the sender's TLS certificate", 0 },
		{ CURLE_RECV_ERROR, "sslv3 alert certificate expired",
		  "the sender's TLS certificate has expired", 0 },
		{ CURLE_SSL_CONNECT_ERROR, "sslv3 alert handshake failure", "TLS handshake failed",
		  1 },
		{ CURLE_RECV_ERROR, "Recv failure: Connection reset by peer",
		  "the connection broke while receiving the reply", 1 },
		{ CURLE_COULDNT_CONNECT, "alert unknown ca", "connection failed", 1 },
	};
	CURL *easy = curl_easy_init();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct tocsin_outcome out = { .size = sizeof(out),
						    .curl = cases[i].curl,
						    .curl_error = cases[i].error };
		struct tocsin_verdict v = { .size = sizeof(v) };

		tocsin_channel_v1.classify(http, NULL, easy, &out, &v);
		assert_int_equal(v.kind, TOCSIN_RETRY);
		assert_int_equal(v.throttled, cases[i].throttled);
		assert_string_equal(v.reason, cases[i].reason);
	}
	curl_easy_cleanup(easy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests), cmocka_unit_test(test_no_data),
		cmocka_unit_test(test_gzip),     cmocka_unit_test(test_template_too_large),
		cmocka_unit_test(test_4xx),      cmocka_unit_test(test_alerts),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
