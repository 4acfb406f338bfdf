/* test_sms_answers.c - what sms.so makes of every answer of each provider.
 * SPDX-License-Identifier: MIT */
#include "sms_world.h"

enum { HOUR_MS = 3600 * 1000 };

/* --- answers ------------------------------------------------------------------------- */

struct reply_case {
	long status;
	CURLcode curl;
	const char *body;
	uint32_t kind, throttled;
	int64_t after_ms;
	const char *reason; /* how it begins */
	int is_logged;
};

static void replies_check(const struct sms_settings *s, const char *text,
			  const struct reply_case *cases, size_t count)
{
	struct asked a = ask(s, text);

	assert_int_equal(a.rc, TOCSIN_OK);
	for (size_t i = 0; i < count; i++) {
		const struct reply_case *c = &cases[i];
		struct tocsin_verdict v = { .size = sizeof(v) };
		const struct tocsin_outcome out = { .size = sizeof(out),
						    .curl = c->curl,
						    .status = c->status,
						    .retry_after_ms = 7,
						    .body = { c->body, strlen(c->body) },
						    .curl_error = "" };

		log_lines = 0;
		atomic_store(&a.sms->alarm_at_s, 0);
		tocsin_channel_v1.classify(a.sms, a.out.attempt, a.easy, &out, &v);
		if (v.kind != c->kind || v.throttled != c->throttled ||
		    v.retry_after_ms != c->after_ms || log_lines != c->is_logged ||
		    strncmp(v.reason, c->reason, strlen(c->reason)) != 0)
			fail_msg(
				"%zu: status %ld: kind %u, throttled %u, after %lld, logged %d: %s",
				i, c->status, v.kind, v.throttled, (long long)v.retry_after_ms,
				log_lines, v.reason);
		if (log_lines > 0 && (strstr(log_text, "415555") || strstr(log_text, "s3cret") ||
				      strstr(log_text, "t0ken")))
			fail_msg("the log tells too much: %s", log_text);
	}
	asked_finish(&a);
}

#define COUNT(cases) (sizeof(cases) / sizeof((cases)[0]))

static void test_twilio_replies(void **state)
{
	static const struct reply_case cases[] = {
		{ 201, 0, "{\"sid\":\"SM1\",\"status\":\"queued\",\"num_segments\":\"2\"}",
		  TOCSIN_DELIVERED, 0, 0, "accepted as SM1, 2 parts (GSM-7)", 0 },
		{ 201, 0, "{\"sid\":\"SM1\",\"status\":\"accepted\",\"num_segments\":\"0\"}",
		  TOCSIN_DELIVERED, 0, 0, "accepted as SM1, 1 part (GSM-7)", 0 },
		{ 201, 0, "", TOCSIN_DELIVERED, 0, 0, "accepted, 1 part (GSM-7)", 0 },
		{ 201, CURLE_PARTIAL_FILE, "{\"sid\":\"SM", TOCSIN_DELIVERED, 0, 0, "accepted,",
		  0 },
		{ 201, CURLE_OPERATION_TIMEDOUT, "", TOCSIN_DELIVERED, 0, 0, "accepted,", 0 },
		{ 201, 0, "{\"sid\":\"SM1\",\"status\":\"failed\",\"error_code\":30008}",
		  TOCSIN_FAILED, 0, 0, "Twilio took it as SM1 and says failed, code 30008", 0 },
		{ 200, 0, "<html>", TOCSIN_RETRY, 0, HOUR_MS, "the answer 200 is not Twilio's", 1 },
		{ 429, 0, "{\"code\":20429,\"message\":\"Too Many Requests\"}", TOCSIN_RETRY, 1, 7,
		  "Twilio answered 429 (code 20429): Too Many Requests", 0 },
		{ 429, 0, "", TOCSIN_RETRY, 1, 7, "Twilio answered 429", 0 },
		{ 500, 0, "", TOCSIN_RETRY, 1, 7, "Twilio answered 500", 0 },
		{ 503, 0, "{\"code\":20503}", TOCSIN_RETRY, 1, 7,
		  "Twilio answered 503 (code 20503)", 0 },
		{ 400, 0, "{\"code\":21611}", TOCSIN_RETRY, 1, 7,
		  "Twilio answered 400 (code 21611)", 0 },
		{ 401, 0, "{\"code\":20003,\"message\":\"Authenticate\"}", TOCSIN_RETRY, 0, HOUR_MS,
		  "Twilio refuses the account's credentials: it answered 401 (code 20003)", 1 },
		{ 401, 0, "", TOCSIN_RETRY, 0, HOUR_MS, "Twilio refuses the account's", 1 },
		{ 403, 0, "", TOCSIN_RETRY, 0, HOUR_MS, "Twilio forbids", 1 },
		{ 400, 0, "{\"code\":10001}", TOCSIN_RETRY, 0, HOUR_MS,
		  "the Twilio account is not active", 1 },
		{ 404, 0, "{\"code\":20404}", TOCSIN_RETRY, 0, HOUR_MS, "Twilio does not know", 1 },
		{ 302, 0, "", TOCSIN_RETRY, 0, HOUR_MS, "the answer is not Twilio's", 1 },
		{ 400, 0, "{\"code\":21211,\"message\":\"Invalid 'To' Phone Number\"}",
		  TOCSIN_FAILED, 0, 0,
		  "Twilio answered 400 (code 21211): Invalid 'To' Phone Number", 0 },
		{ 400, 0, "{\"code\":21408}", TOCSIN_FAILED, 0, 0, "Twilio answered 400", 0 },
		{ 400, 0, "{\"code\":21610}", TOCSIN_FAILED, 0, 0, "Twilio answered 400", 0 },
		{ 400, 0, "{\"code\":21612}", TOCSIN_FAILED, 0, 0, "Twilio answered 400", 0 },
		{ 400, 0, "{\"code\":21614}", TOCSIN_FAILED, 0, 0, "Twilio answered 400", 0 },
		{ 400, 0, "{\"code\":21617}", TOCSIN_FAILED, 0, 0, "Twilio answered 400", 0 },
		{ 400, 0, "{\"code\":21658}", TOCSIN_FAILED, 0, 0, "Twilio answered 400", 0 },
		{ 400, 0, "{\"code\":21606}", TOCSIN_FAILED, 0, 0, "Twilio answered 400", 1 },
		{ 400, 0, "{\"code\":21659}", TOCSIN_FAILED, 0, 0, "Twilio answered 400", 1 },
		{ 400, 0, "{\"code\":99999}", TOCSIN_FAILED, 0, 0, "Twilio answered 400", 0 },
		{ 400, 0, "", TOCSIN_FAILED, 0, 0, "Twilio answered 400", 0 },
		{ 400, CURLE_PARTIAL_FILE, "{\"code\":2", TOCSIN_RETRY, 0, 7,
		  "Twilio answered 400, and the reply broke off", 0 },
		{ 0, CURLE_COULDNT_CONNECT, "", TOCSIN_RETRY, 1, 7, "connection failed", 0 },
		{ 0, CURLE_OPERATION_TIMEDOUT, "", TOCSIN_RETRY, 1, 7, "timed out", 0 },
	};
	const struct sms_settings s = twilio();

	(void)state;
	replies_check(&s, "hello", cases, COUNT(cases));
}

static void test_kannel_replies(void **state)
{
	static const struct reply_case cases[] = {
		{ 202, 0, "0: Accepted for delivery", TOCSIN_DELIVERED, 0, 0,
		  "accepted by the gateway, 1 part (UCS-2)", 0 },
		{ 202, 0, "3: Queued for later delivery", TOCSIN_DELIVERED, 0, 0,
		  "queued by the gateway, 1 part (UCS-2)", 0 },
		{ 202, CURLE_RECV_ERROR, "", TOCSIN_DELIVERED, 0, 0, "accepted by the gateway", 0 },
		{ 403, 0, "Authorization failed for sendsms", TOCSIN_RETRY, 0, HOUR_MS,
		  "the gateway refuses username or password", 1 },
		{ 400, 0, "Missing receiver number, rejected", TOCSIN_FAILED, 0, 0,
		  "the gateway answered 400: Missing receiver number, rejected", 0 },
		{ 400, 0, "Number(s) has/have been denied by white- and/or black-lists.",
		  TOCSIN_FAILED, 0, 0, "the gateway answered 400: Number(s)", 0 },
		{ 400, 0, "Sender missing and no global set, rejected", TOCSIN_RETRY, 0, HOUR_MS,
		  "the gateway wants a sender", 1 },
		{ 404, 0, "Unknown request.", TOCSIN_RETRY, 0, HOUR_MS,
		  "the answer 404 is not that of a sendsms", 1 },
		{ 200, 0, "<html>", TOCSIN_RETRY, 0, HOUR_MS, "the answer 200 is not", 1 },
		{ 302, 0, "", TOCSIN_RETRY, 0, HOUR_MS, "the answer 302 is not", 1 },
		{ 503, 0, "Temporal failure, try again later.", TOCSIN_RETRY, 1, 7,
		  "the gateway answered 503: Temporal failure", 0 },
		{ 0, CURLE_COULDNT_CONNECT, "", TOCSIN_RETRY, 1, 7, "connection failed", 0 },
	};
	const struct sms_settings s = kannel();

	(void)state;
	replies_check(&s, "✓", cases, COUNT(cases));
}

static void test_gateway_replies(void **state)
{
	static const struct reply_case plain[] = {
		{ 200, 0, "", TOCSIN_DELIVERED, 0, 0, "accepted, 1 part (GSM-7)", 0 },
		{ 204, CURLE_PARTIAL_FILE, "", TOCSIN_DELIVERED, 0, 0, "accepted, 1 part", 0 },
		{ 409, 0, "no\n\x01route", TOCSIN_FAILED, 0, 0,
		  "the gateway answered 409: no route", 0 },
		{ 429, 0, "", TOCSIN_RETRY, 1, 7, "the gateway answered 429", 0 },
		{ 500, 0, "", TOCSIN_RETRY, 1, 7, "the gateway answered 500", 0 },
		{ 401, 0, "", TOCSIN_RETRY, 0, HOUR_MS, "the gateway refuses the account", 1 },
		{ 403, 0, "", TOCSIN_RETRY, 0, HOUR_MS, "the gateway refuses the account", 1 },
		{ 404, 0, "", TOCSIN_RETRY, 0, HOUR_MS, "the gateway answered 404", 1 },
		{ 301, 0, "", TOCSIN_RETRY, 0, HOUR_MS, "the gateway answered 301", 1 },
	};
	static const struct reply_case by_path[] = {
		{ 200, 0, "{\"messages\":[{\"status\":\"0\",\"message-id\":\"0A1\"}]}",
		  TOCSIN_DELIVERED, 0, 0, "accepted as 0A1, 1 part (GSM-7)", 0 },
		{ 200, 0, "{\"messages\":[{\"status\":0,\"message-id\":77}]}", TOCSIN_DELIVERED, 0,
		  0, "accepted as 77, 1 part", 0 },
		{ 200, 0, "{\"messages\":[{\"status\":\"1\",\"error-text\":\"Throttled\"}]}",
		  TOCSIN_RETRY, 1, 7, "the gateway says \"1\": Throttled", 0 },
		{ 200, 0, "{\"messages\":[{\"status\":\"4\",\"error-text\":\"Bad Credentials\"}]}",
		  TOCSIN_RETRY, 0, HOUR_MS, "the gateway refuses the account: it says \"4\"", 1 },
		{ 200, 0, "{\"messages\":[{\"status\":\"6\",\"error-text\":\"Unroutable\"}]}",
		  TOCSIN_FAILED, 0, 0, "the gateway refuses it: it says \"6\": Unroutable", 0 },
		{ 200, 0, "{\"messages\":[]}", TOCSIN_FAILED, 0, 0,
		  "the gateway refuses it: it says \"\"", 0 },
		{ 200, 0, "<html>", TOCSIN_RETRY, 0, HOUR_MS, "the gateway's answer 200 is not",
		  1 },
		{ 200, CURLE_PARTIAL_FILE, "{\"mess", TOCSIN_RETRY, 0, 7,
		  "the gateway's reply broke off; may have been sent", 0 },
		{ 402, 0, "{\"messages\":[{\"error-text\":\"Quota\"}]}", TOCSIN_FAILED, 0, 0,
		  "the gateway answered 402: Quota", 0 },
	};
	static const struct reply_case by_truth[] = {
		{ 202, 0, "{\"ok\":true}", TOCSIN_DELIVERED, 0, 0, "accepted, 1 part", 0 },
		{ 202, 0, "{\"ok\":false}", TOCSIN_FAILED, 0, 0, "the gateway refuses it", 0 },
		{ 202, 0, "{\"ok\":null}", TOCSIN_FAILED, 0, 0, "the gateway refuses it", 0 },
		{ 202, 0, "{\"ok\":\"\"}", TOCSIN_FAILED, 0, 0, "the gateway refuses it", 0 },
		{ 202, 0, "{\"ok\":{}}", TOCSIN_DELIVERED, 0, 0, "accepted, 1 part", 0 },
		{ 200, 0, "{\"ok\":true}", TOCSIN_RETRY, 1, 7, "the gateway answered 200", 0 },
	};
	static const struct reply_case by_match[] = {
		{ 200, 0, "OK: 0815", TOCSIN_DELIVERED, 0, 0, "accepted as 0815, 1 part", 0 },
		{ 200, 0, "ERR: 105", TOCSIN_FAILED, 0, 0,
		  "the gateway refuses it: it says \"ERR: 105\"", 0 },
	};
	static const char *const retry[] = { "1", "5", "10" };
	static const char *const operator_s[] = { "9", "4", "8" };
	struct sms_settings s = gateway();

	(void)state;
	replies_check(&s, "hello", plain, COUNT(plain));
	s.success_path = "messages.0.status";
	s.success_value = "0";
	s.id_path = "/messages/0/message-id";
	s.error_path = "messages.0.error-text";
	s.retry_values = (struct tocsin_list){ retry, 3 };
	s.operator_values = (struct tocsin_list){ operator_s, 3 };
	replies_check(&s, "hello", by_path, COUNT(by_path));
	s = gateway();
	s.success_path = "/ok";
	s.success_status = "201,202";
	s.retry_status = "200";
	replies_check(&s, "hello", by_truth, COUNT(by_truth));
	s = gateway();
	s.success_match = "^OK: *([0-9]+)";
	replies_check(&s, "hello", by_match, COUNT(by_match));
}

/* A fault of the account is told once a minute, and its end once. */
static void test_alarm(void **state)
{
	const struct sms_settings s = kannel();
	struct asked a = ask(&s, "x");
	struct tocsin_verdict v = { .size = sizeof(v) };
	struct tocsin_outcome out = { .size = sizeof(out), .status = 403, .curl_error = "" };

	(void)state;
	log_lines = 0;
	for (int i = 0; i < 3; i++)
		tocsin_channel_v1.classify(a.sms, a.out.attempt, a.easy, &out, &v);
	assert_int_equal(log_lines, 1);
	assert_string_equal(log_text, "provider=kannel messages are not sent: the gateway refuses "
				      "username or password: it answered 403");
	out.status = 202;
	for (int i = 0; i < 3; i++)
		tocsin_channel_v1.classify(a.sms, a.out.attempt, a.easy, &out, &v);
	assert_int_equal(log_lines, 2);
	assert_string_equal(log_text, "provider=kannel messages are taken again");
	asked_finish(&a);
}

/* A reply of any length and content makes a reason of valid UTF-8. */
static void test_long_reasons(void **state)
{
	const struct sms_settings s = kannel();
	struct asked a = ask(&s, "x");
	struct text body = { 0 };

	(void)state;
	for (int i = 0; i < 400; i++) {
		struct tocsin_verdict v = { .size = sizeof(v) };
		struct tocsin_outcome out = { .size = sizeof(out), .status = 400 };

		text_add(&body, i % 3 == 0 ? "€" : i % 3 == 1 ? "x" : "\xF0\x9F\x98\x80");
		out.body = (struct tocsin_span){ body.ptr, body.len };
		tocsin_channel_v1.classify(a.sms, a.out.attempt, a.easy, &out, &v);
		for (size_t at = 0; at < strlen(v.reason);)
			assert_true(wording_character(v.reason, strlen(v.reason), &at) != 0xFFFD);
	}
	text_finish(&body);
	asked_finish(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_twilio_replies),  cmocka_unit_test(test_kannel_replies),
		cmocka_unit_test(test_gateway_replies), cmocka_unit_test(test_alarm),
		cmocka_unit_test(test_long_reasons),
	};

	curl_global_init(CURL_GLOBAL_ALL);
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);

	curl_global_cleanup();
	return failed;
}
