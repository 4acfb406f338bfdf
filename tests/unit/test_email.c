/* test_email.c - the channel as the core calls it: open, prepare, classify.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "email/relay.h"

#include "mail_world.h"

/* Laid out by the plugin's table of fields; what the core would fill. */
struct configs {
	struct tocsin_list to, cc, bcc;
	const struct tocsin_template *subject, *body;
	const char *content_type;
};

static const char *const to_items[] = { "a@example.com", "b@example.com" };
static const char *const cc_items[] = { "c@example.com" };
static const char *const bcc_items[] = { "secret@example.com" };
static const char envelope[] = "{\"event_type\":\"object.created\",\"data\":{\"n\":1}}";
static struct email_settings settings = { .relay = "smtp://127.0.0.1:1",
					  .starttls = "required",
					  .auth = "auto",
					  .username = "u",
					  .password = "p",
					  .helo = "h",
					  .from = "tocsin@example.org",
					  .timeout_ms = 300000 };
static struct configs configs;
static void *email;

static const struct tocsin_channel *const plugin = &tocsin_channel_v1;

static int setup(void **state)
{
	char err[200] = "";

	(void)state;
	curl_global_init(CURL_GLOBAL_ALL);
	configs = (struct configs){ .to = { to_items, 2 },
				    .cc = { cc_items, 1 },
				    .bcc = { bcc_items, 1 },
				    .content_type = "html" };
	return plugin->open(&world_host, &settings, &email, err, sizeof(err));
}

static int teardown(void **state)
{
	(void)state;
	plugin->close(email);
	plugin->close(NULL);
	world_finish();
	curl_global_cleanup();
	return 0;
}

static struct tocsin_message message_to(const char *target, uint32_t attempt)
{
	struct tocsin_message msg = world_message(envelope);

	msg.configs = &configs;
	msg.target = target;
	msg.attempt = attempt;
	msg.timestamp_s = 1000 + attempt;
	return msg;
}

struct sent {
	int rc;
	char *mail, *recipient; /* copies */
	char reason[160];
};

static struct sent prepare(const struct tocsin_message *msg)
{
	struct tocsin_request request = { .size = sizeof(request) };
	CURL *easy = curl_easy_init();
	struct sent sent = { .rc = plugin->prepare(email, msg, easy, &request) };

	if (sent.rc == TOCSIN_OK) {
		assert_string_equal(request.url, "smtp://127.0.0.1:1/h");
		assert_string_equal(request.mail_from, "tocsin@example.org");
		assert_null(request.mail_to->next);
		sent.mail = strndup(request.body.ptr, request.body.len);
		assert_int_equal(strlen(sent.mail), request.body.len);
		sent.recipient = strdup(request.mail_to->data);
		plugin->release(email, request.attempt);
	}
	memcpy(sent.reason, request.reason, sizeof(sent.reason));
	plugin->release(email, NULL);
	curl_easy_cleanup(easy);
	return sent;
}

static void sent_finish(struct sent *sent)
{
	free(sent->mail);
	free(sent->recipient);
}

static void tables_fit(void **state)
{
	const struct tocsin_field *to = plugin->fields;

	(void)state;
	assert_int_equal(plugin->configs_bytes, sizeof(struct configs));
	assert_int_equal(plugin->settings_bytes, sizeof(struct email_settings));
	assert_string_equal(to->key, "to_addresses");
	assert_string_equal(to->alias, "recipients");
	assert_string_equal(plugin->schemes, "smtp,smtps");
}

/* One recipient in the envelope, everybody in the head, nobody sees a Bcc. */
static void each_recipient_gets_the_same_bytes(void **state)
{
	static const char *const all[] = { "a@example.com", "b@example.com", "c@example.com",
					   "secret@example.com" };
	struct sent first = { 0 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const struct tocsin_message msg = message_to(all[i], 1);
		struct sent sent = prepare(&msg);

		assert_int_equal(sent.rc, TOCSIN_OK);
		assert_string_equal(sent.recipient, all[i]);
		if (i == 0) {
			first = sent;
			continue;
		}
		assert_string_equal(sent.mail, first.mail);
		sent_finish(&sent);
	}
	assert_non_null(strstr(first.mail, "\r\nTo: a@example.com, b@example.com\r\n"));
	assert_non_null(strstr(first.mail, "\r\nCc: c@example.com\r\n"));
	assert_non_null(strstr(first.mail, "\r\nDate: Tue, 24 Nov 2026 05:27:08 +0000\r\n"));
	assert_null(strstr(first.mail, "secret"));
	assert_null(strstr(first.mail, "Bcc"));
	sent_finish(&first);
}

static void each_attempt_sends_the_same_bytes(void **state)
{
	static const char *const types[] = { "plain_text", "html", "markdown", "json" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const struct tocsin_message one = message_to("a@example.com", 1);
		const struct tocsin_message five = message_to("a@example.com", 5);

		configs.content_type = types[i];
		struct sent first = prepare(&one), fifth = prepare(&five);

		assert_string_equal(first.mail, fifth.mail);
		sent_finish(&first);
		sent_finish(&fifth);
	}
	configs.content_type = "html";
}

static void bad_addresses_are_never_sent_to(void **state)
{
	static const char *const bad[] = { "x", "a@example.com\r\nRCPT TO:<e@example.com>",
					   "a@example.com> SIZE=1", "<a@example.com" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const struct tocsin_message msg = message_to(bad[i], 1);
		struct sent sent = prepare(&msg);

		assert_int_equal(sent.rc, TOCSIN_BAD_MESSAGE);
		assert_string_equal(sent.reason, "a recipient is no mail address");
		sent_finish(&sent);
	}
}

static void subjects_cannot_add_headers(void **state)
{
	struct template *subject = world_template("Hi {{{subject}}}");
	struct tocsin_message msg = message_to("a@example.com", 1);

	(void)state;
	configs.subject = (const struct tocsin_template *)subject;
	msg.envelope = world_span("{\"subject\":\"x\\r\\nBcc: e@example.com\\r\\n\\r\\n<p>\"}");
	struct sent sent = prepare(&msg);

	assert_int_equal(sent.rc, TOCSIN_OK);
	*strstr(sent.mail, "\r\n\r\n") = '\0'; /* the body may say it */
	assert_null(strstr(sent.mail, "\nBcc"));
	assert_non_null(strstr(sent.mail, "\r\nSubject: Hi x Bcc: e@example.com <p>\r\n"));
	sent_finish(&sent);
	configs.subject = NULL;
	template_destroy(subject);
}

static void the_operator_is_told_once_a_minute(void **state)
{
	CURL *easy = curl_easy_init();
	const struct tocsin_outcome out = { .size = sizeof(out),
					    .curl = CURLE_LOGIN_DENIED,
					    .status = 535,
					    .curl_error = "",
					    .last_line = world_span("535 5.7.8 no") };
	struct tocsin_verdict v = { .size = sizeof(v) };

	(void)state;
	world_log_count = 0;
	for (int i = 0; i < 3; i++) {
		memset(&v, 0, sizeof(v));
		plugin->classify(email, NULL, easy, &out, &v);
		assert_int_equal(v.kind, TOCSIN_RETRY);
		assert_true(v.retry_after_ms >= 60000);
	}
	assert_int_equal(world_log_count, 1);
	assert_string_equal(world_log_line,
			    "mail relay: the relay refuses the login: 535 5.7.8 no");
	curl_easy_cleanup(easy);
}

static void bad_settings_do_not_open(void **state)
{
	struct email_settings bad = settings;
	void *channel = NULL;
	char err[200] = "";

	(void)state;
	bad.starttls = "off";
	assert_int_equal(plugin->open(&world_host, &bad, &channel, err, sizeof(err)),
			 TOCSIN_BAD_CONFIG);
	assert_null(channel);
	assert_non_null(strstr(err, "in clear"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_fit),
		cmocka_unit_test(each_recipient_gets_the_same_bytes),
		cmocka_unit_test(each_attempt_sends_the_same_bytes),
		cmocka_unit_test(bad_addresses_are_never_sent_to),
		cmocka_unit_test(subjects_cannot_add_headers),
		cmocka_unit_test(the_operator_is_told_once_a_minute),
		cmocka_unit_test(bad_settings_do_not_open),
	};

	return cmocka_run_group_tests_name("email", tests, setup, teardown);
}
