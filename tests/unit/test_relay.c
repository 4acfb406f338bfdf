/* test_relay.c - settings that are refused, and what the accepted ones make.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "email/relay.h"

#include "mail_world.h"

static struct email_settings settings_good(void)
{
	return (struct email_settings){ .relay = "smtp://mail.example.org:587",
					.starttls = "required",
					.auth = "auto",
					.helo = "tocsin.example.org",
					.from = "tocsin@example.org",
					.timeout_ms = 300000 };
}

/* A setting that is changed by its offset; a password comes with every username. */
struct change {
	const char *label;
	size_t offset;
	const char *value, *starttls, *username;
	const char *why; /* a part of the refusal; NULL: accepted */
};

#define AT(member) offsetof(struct email_settings, member)

static void settings_are_checked(void **state)
{
	static const struct change rows[] = {
		{ "as it is", AT(auth), "plain", "required", NULL, NULL },
		{ "login over STARTTLS", AT(auth), "plain", "required", "u", NULL },
		{ "login over TLS", AT(relay), "smtps://m:465", "required", "u", NULL },
		{ "login over TLS, no STARTTLS", AT(relay), "smtps://m", "off", "u", NULL },
		{ "login, STARTTLS if offered", AT(auth), "plain", "optional", "u", "in clear" },
		{ "login in clear", AT(auth), "plain", "off", "u", "in clear" },
		{ "login in clear to localhost", AT(relay), "smtp://localhost:25", "off", "u",
		  "in clear" },
		{ "no login, in clear", AT(auth), "plain", "off", NULL, NULL },
		{ "password alone", AT(password), "p", "required", NULL, "belong together" },
		{ "username alone", AT(username), "u", "required", NULL, "belong together" },
		{ "http", AT(relay), "http://m", "required", NULL, "neither smtp" },
		{ "login in the URL", AT(relay), "smtp://u:p@m", "required", NULL, "keys of" },
		{ "path", AT(relay), "smtp://m/helo", "required", NULL, "helo" },
		{ "slash", AT(relay), "smtp://m:25/", "required", NULL, NULL },
		{ "query", AT(relay), "smtp://m?x", "required", NULL, "path" },
		{ "no host", AT(relay), "smtp:///", "required", NULL, "no smtp://" },
		{ "helo", AT(helo), "a b", "required", NULL, "helo" },
		{ "helo that adds a command", AT(helo), "a\r\nMAIL FROM:<x>", "required", NULL,
		  "helo" },
		{ "domain", AT(message_id_domain), "a>b", "required", NULL, "message_id_domain" },
		{ "from", AT(from), "a b@example.org", "required", NULL, "from" },
		{ "reply_to", AT(reply_to), "x", "required", NULL, "reply_to" },
		{ "unsubscribe", AT(list_unsubscribe), "https://x.example/u", "required", NULL,
		  NULL },
		{ "unsubscribe mailto", AT(list_unsubscribe), "mailto:a@x.example", "required",
		  NULL, NULL },
		{ "unsubscribe http", AT(list_unsubscribe), "http://x.example", "required", NULL,
		  "list_unsubscribe" },
		{ "unsubscribe breaking out", AT(list_unsubscribe), "https://x>\r\nBcc: e@x",
		  "required", NULL, "list_unsubscribe" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct email_settings s = settings_good();
		struct relay relay = { 0 };
		char err[200] = "";

		s.starttls = rows[i].starttls;
		s.username = rows[i].username;
		s.password = rows[i].username == NULL ? NULL : "p";
		memcpy((char *)&s + rows[i].offset, &rows[i].value, sizeof(rows[i].value));
		const int rc = relay_open(&relay, &s, err, sizeof(err));

		if ((rc == TOCSIN_OK) != (rows[i].why == NULL) ||
		    (rows[i].why != NULL && strstr(err, rows[i].why) == NULL))
			fail_msg("%s: %d %s", rows[i].label, rc, err);
		assert_null(strstr(err, "u:p"));
		relay_finish(&relay);
	}
}

static void urls_and_tls_are_made(void **state)
{
	static const struct {
		const char *relay, *starttls, *url;
		long use_ssl;
	} rows[] = {
		{ "smtp://m:587", "required", "smtp://m:587/tocsin.example.org", CURLUSESSL_ALL },
		{ "smtp://m:25/", "optional", "smtp://m:25/tocsin.example.org", CURLUSESSL_TRY },
		{ "smtp://[::1]:25", "off", "smtp://[::1]:25/tocsin.example.org", CURLUSESSL_NONE },
		{ "smtps://m", "off", "smtps://m/tocsin.example.org", CURLUSESSL_ALL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct email_settings s = settings_good();
		struct relay relay = { 0 };
		char err[200] = "";

		s.relay = rows[i].relay;
		s.starttls = rows[i].starttls;
		assert_int_equal(relay_open(&relay, &s, err, sizeof(err)), TOCSIN_OK);
		assert_string_equal(relay.url, rows[i].url);
		assert_int_equal(relay.use_ssl, rows[i].use_ssl);
		assert_null(relay.login_options);
		relay_finish(&relay);
	}
}

static void the_machine_has_a_name(void **state)
{
	struct email_settings s = settings_good();
	struct relay relay = { 0 };
	char err[200] = "";

	(void)state;
	s.helo = NULL;
	assert_int_equal(relay_open(&relay, &s, err, sizeof(err)), TOCSIN_OK);
	assert_true(strlen(relay.url) > strlen("smtp://mail.example.org:587/"));
	relay_finish(&relay);
}

static void ids_have_a_domain(void **state)
{
	struct email_settings s = settings_good();

	(void)state;
	assert_string_equal(relay_id_domain(&s), "example.org");
	s.message_id_domain = "id.example";
	assert_string_equal(relay_id_domain(&s), "id.example");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_are_checked),
		cmocka_unit_test(urls_and_tls_are_made),
		cmocka_unit_test(the_machine_has_a_name),
		cmocka_unit_test(ids_have_a_domain),
	};

	return cmocka_run_group_tests_name("relay", tests, NULL, NULL);
}
