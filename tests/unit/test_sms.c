/* test_sms.c - sms.so's settings, and what it asks each provider.
 * SPDX-License-Identifier: MIT */
#include "sms_world.h"

static void test_open(void **state)
{
	static const struct tocsin_pair own[] = { { "text", "x" } };
	static const struct tocsin_pair typed[] = { { "content-type", "x" } };
	static const char *const list[] = { "1" };
	struct {
		const char *word; /* in the message; NULL: fine */
		struct sms_settings s;
	} cases[] = {
		{ NULL, twilio() },
		{ NULL, kannel() },
		{ NULL, gateway() },
		{ "auth_token", twilio() },
		{ "account_sid", twilio() },
		{ "messaging_service_sid", twilio() },
		{ NULL, twilio() },
		{ "10h", twilio() },
		{ "url", kannel() },
		{ "password", kannel() },
		{ "username", kannel() },
		{ "sender", kannel() },
		{ "url", gateway() },
		{ "body", gateway() },
		{ "together", gateway() },
		{ "\"text\"", gateway() },
		{ "Content-Type", gateway() },
		{ "success_status", gateway() },
		{ "retry_status", gateway() },
		{ "exclude", gateway() },
		{ "success_path", gateway() },
		{ "success_path", gateway() },
		{ "success_match", gateway() },
	};

	(void)state;
	cases[3].s.auth_token = NULL;
	cases[4].s.account_sid = NULL;
	cases[5].s.sender = NULL;
	cases[6].s.sender = NULL;
	cases[6].s.messaging_service_sid = "MG1";
	cases[7].s.validity_ms = 36000 * 1000 + 1;
	cases[8].s.url = NULL;
	cases[9].s.password = NULL;
	cases[10].s.username = NULL;
	cases[11].s.sender = "a\nX-Evil: 1";
	cases[12].s.url = NULL;
	cases[13].s.body = NULL;
	cases[14].s.username = "u";
	cases[15].s.secrets = (struct tocsin_pairs){ own, 1 };
	cases[16].s.headers = (struct tocsin_pairs){ typed, 1 };
	cases[17].s.success_status = "200-";
	cases[18].s.retry_status = "500-299";
	cases[19].s.success_path = "a";
	cases[19].s.success_match = "b";
	cases[20].s.success_value = "0";
	cases[21].s.retry_values = (struct tocsin_list){ list, 1 };
	cases[22].s.success_match = "(";
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char err[160] = "";
		void *channel = NULL;
		const int rc = tocsin_channel_v1.open(&host, &cases[i].s, &channel, err,
						      sizeof(err));

		if (cases[i].word == NULL && rc != TOCSIN_OK)
			fail_msg("%zu: %s", i, err);
		if (cases[i].word != NULL &&
		    (rc != TOCSIN_BAD_CONFIG || strstr(err, cases[i].word) == NULL))
			fail_msg("%zu: %d, '%s'", i, rc, err);
		tocsin_channel_v1.close(channel);
	}
}

/* --- requests ---------------------------------------------------------------------- */

static int has_line(const struct tocsin_request *out, const char *line)
{
	for (const struct curl_slist *at = out->headers; at != NULL; at = at->next) {
		if (strcmp(at->data, line) == 0)
			return 1;
	}
	return 0;
}

static void expect_body(const struct tocsin_request *out, const char *want)
{
	if (out->body.len != strlen(want) ||
	    (want[0] != '\0' && memcmp(out->body.ptr, want, out->body.len) != 0))
		fail_msg("body: %.*s", (int)out->body.len, out->body.ptr);
}

static void test_twilio_request(void **state)
{
	struct sms_settings s = twilio();
	struct asked a = ask(&s, "ä & b + 1%\r\n");

	(void)state;
	assert_int_equal(a.rc, TOCSIN_OK);
	assert_string_equal(a.out.url,
			    "https://api.example/2010-04-01/Accounts/AC123/Messages.json");
	assert_null(a.out.method);
	expect_body(&a.out,
		    "To=%2B14155550100&From=%2B15005550006&Body=%C3%A4%20%26%20b%20%2B%201%25");
	assert_true(has_line(&a.out, "Content-Type: application/x-www-form-urlencoded"));
	assert_true(has_line(&a.out, "User-Agent: Tocsin/9"));
	asked_finish(&a);
	s.sender = NULL;
	s.messaging_service_sid = "MG1";
	s.status_callback = "https://me.example/?a=b";
	s.validity_ms = 90 * 1000;
	a = ask(&s, NULL);
	assert_int_equal(a.rc, TOCSIN_OK);
	expect_body(&a.out, "To=%2B14155550100&MessagingServiceSid=MG1&Body=Hello%20at%2077"
			    "&StatusCallback=https%3A%2F%2Fme.example%2F%3Fa%3Db"
			    "&ValidityPeriod=90");
	asked_finish(&a);
}

static void test_kannel_request(void **state)
{
	struct sms_settings s = kannel();
	struct asked a = ask(&s, "grün {1} €");

	(void)state;
	assert_int_equal(a.rc, TOCSIN_OK);
	assert_string_equal(a.out.url, s.url);
	assert_null(a.out.method);
	expect_body(&a.out, "grün {1} €");
	assert_true(has_line(&a.out, "Content-Type: text/plain; charset=UTF-8"));
	assert_true(has_line(&a.out, "X-Kannel-Username: tocsin"));
	assert_true(has_line(&a.out, "X-Kannel-Password: s3cret"));
	assert_true(has_line(&a.out, "X-Kannel-To: +14155550100"));
	assert_true(has_line(&a.out, "X-Kannel-From: +15005550006"));
	assert_true(has_line(&a.out, "X-Kannel-Coding: 0"));
	asked_finish(&a);
	s.sender = NULL;
	s.smsc = "alpha";
	s.validity_ms = 90 * 1000;
	a = ask(&s, "✓");
	assert_int_equal(a.rc, TOCSIN_OK);
	assert_true(has_line(&a.out, "X-Kannel-Coding: 2"));
	assert_true(has_line(&a.out, "X-Kannel-SMSC: alpha"));
	assert_true(has_line(&a.out, "X-Kannel-Validity: 2"));
	for (const struct curl_slist *at = a.out.headers; at != NULL; at = at->next)
		assert_null(strstr(at->data, "From"));
	asked_finish(&a);
}

static void test_gateway_request(void **state)
{
	static const struct tocsin_pair secrets[] = { { "key", "k\"1" } };
	static const struct tocsin_pair headers[] = { { "X-Token", "abc" } };
	static const struct tocsin_template query = { "to={{to}}&n={{to_digits}}&t={{text}}" };
	static const struct {
		const char *type, *want;
	} bodies[] = {
		{ "application/json", "{\"t\":\"\\\"ü\\n✓\",\"k\":\"2\"}" },
		{ "application/vnd.x+JSON", "{\"t\":\"\\\"ü\\n✓\",\"k\":\"2\"}" },
		{ "application/x-www-form-urlencoded",
		  "{\"t\":\"%22%C3%BC%0A%E2%9C%93\",\"k\":\"2\"}" },
		{ "text/xml; charset=UTF-8", "{\"t\":\"html(\"ü\n✓)\",\"k\":\"html(2)\"}" },
		{ "text/plain", "{\"t\":\"\"ü\n✓\",\"k\":\"2\"}" },
	};
	static const struct tocsin_template body = { "{\"t\":\"{{text}}\",\"k\":\"{{coding}}\"}" };
	struct sms_settings s = gateway();

	(void)state;
	s.secrets = (struct tocsin_pairs){ secrets, 1 };
	s.headers = (struct tocsin_pairs){ headers, 1 };
	s.query = &query;
	struct asked a = ask(&s, "a&b");

	assert_int_equal(a.rc, TOCSIN_OK);
	assert_string_equal(a.out.url, "https://gateway.example/send?to=%2B14155550100"
				       "&n=14155550100&t=a%26b");
	assert_string_equal(a.out.method, "POST");
	expect_body(&a.out, "{\"to\":\"+14155550100\",\"from\":\"+15005550006\",\"text\":\"a&b\","
			    "\"n\":1,\"id\":\"dlv_1\",\"key\":\"k\\\"1\"}");
	assert_true(has_line(&a.out, "Content-Type: application/json"));
	assert_true(has_line(&a.out, "X-Token: abc"));
	asked_finish(&a);
	s.body = &body;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		s.content_type = bodies[i].type;
		a = ask(&s, "\"ü\n✓");
		assert_int_equal(a.rc, TOCSIN_OK);
		expect_body(&a.out, bodies[i].want);
		asked_finish(&a);
	}
	s.body = NULL;
	s.method = "GET";
	s.url = "https://gateway.example/send?v=1";
	a = ask(&s, "x");
	assert_string_equal(a.out.url, "https://gateway.example/send?v=1&to=%2B14155550100"
				       "&n=14155550100&t=x");
	assert_string_equal(a.out.method, "GET");
	expect_body(&a.out, "");
	asked_finish(&a);
}

static void test_refused_texts(void **state)
{
	static const struct {
		const char *text, *word;
		int rc;
	} cases[] = {
		{ " \n", "empty", TOCSIN_BAD_MESSAGE },
		{ "", "empty", TOCSIN_BAD_MESSAGE },
		{ "TOO LARGE", "too large", TOCSIN_BAD_MESSAGE },
		{ "LATER", "", TOCSIN_TRY_LATER },
	};
	const struct sms_settings s = kannel();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asked a = ask(&s, cases[i].text);

		assert_int_equal(a.rc, cases[i].rc);
		assert_non_null(strstr(a.out.reason, cases[i].word));
		asked_finish(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),           cmocka_unit_test(test_twilio_request),
		cmocka_unit_test(test_kannel_request), cmocka_unit_test(test_gateway_request),
		cmocka_unit_test(test_refused_texts),
	};

	curl_global_init(CURL_GLOBAL_ALL);
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);

	curl_global_cleanup();
	return failed;
}
