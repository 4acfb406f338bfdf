/* test_rules.c - configs of http.so that fit together, and those that do not.
 * SPDX-License-Identifier: MIT */
#include "http/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HMAC .auth = "hmac", .hmac_secret = "s"
#define HEADERS(name) \
	.headers = { .items = (const struct tocsin_pair[]){ { name, "v" } }, .count = 1 }

static const struct {
	const char *label, *key, *text; /* key NULL: no fault */
	struct http_configs configs;
} cases[] = {
	{ "nothing", NULL, NULL, { .auth = NULL } },
	{ "none", NULL, NULL, { .auth = "none", .hmac_header = "X-Hub-Signature-256" } },
	{ "basic", NULL, NULL, { .auth = "basic", .auth_username = "u", .auth_password = "p" } },
	{ "basic without password", NULL, NULL, { .auth = "basic", .auth_username = "u" } },
	{ "bearer", NULL, NULL, { .auth = "bearer", .auth_token = "t" } },
	{ "hmac", NULL, NULL, { HMAC, .hmac_header = "X-Sig" } },
	{ "hmac beside Authorization",
	  NULL,
	  NULL,
	  { HMAC, .hmac_header = "X-Sig", HEADERS("Authorization") } },
	{ "Authorization alone", NULL, NULL, { .auth = "none", HEADERS("Authorization") } },
	{ "no user", "auth_username", "is needed", { .auth = "basic", .auth_password = "p" } },
	{ "no token", "auth_token", "is needed", { .auth = "bearer" } },
	{ "no secret", "hmac_secret", "is needed", { .auth = "hmac", .hmac_header = "X" } },
	{ "user alone", "auth_username", "\"basic\" only", { .auth_username = "u" } },
	{ "password alone", "auth_password", "\"basic\" only", { .auth_password = "u" } },
	{ "token with basic",
	  "auth_token",
	  "\"bearer\" only",
	  { .auth = "basic", .auth_username = "u", .auth_token = "t" } },
	{ "secret alone", "hmac_secret", "\"hmac\" only", { .auth = "none", .hmac_secret = "s" } },
	{ "line end in user",
	  "auth_username",
	  "control",
	  { .auth = "basic", .auth_username = "a\r\nX: y" } },
	{ "DEL in password",
	  "auth_password",
	  "control",
	  { .auth = "basic", .auth_username = "a", .auth_password = "\x7F" } },
	{ "colon in user", "auth_username", "colon", { .auth = "basic", .auth_username = "a:b" } },
	{ "blank in token", "auth_token", "ASCII", { .auth = "bearer", .auth_token = "a b" } },
	{ "letter in token",
	  "auth_token",
	  "ASCII",
	  { .auth = "bearer", .auth_token = "\xC3\xBC" } },
	{ "line end in token",
	  "auth_token",
	  "control",
	  { .auth = "bearer", .auth_token = "a\nb" } },
	{ "two of Authorization",
	  "headers",
	  "one of",
	  { .auth = "bearer", .auth_token = "t", HEADERS("authorization") } },
	{ "no header", "hmac_header", "is needed", { HMAC } },
	{ "header twice", "hmac_header", "too", { HMAC, .hmac_header = "X-A", HEADERS("x-a") } },
	{ "colon in header", "hmac_header", "letters", { HMAC, .hmac_header = "X:" } },
	{ "empty header", "hmac_header", "letters", { HMAC, .hmac_header = "" } },
	{ "letter in header", "hmac_header", "letters", { HMAC, .hmac_header = "X-\xC3\xBC" } },
	{ "reserved header", "hmac_header", "reserved", { HMAC, .hmac_header = "HOST" } },
	{ "reserved prefix", "hmac_header", "reserved", { HMAC, .hmac_header = "Webhook-Id" } },
	{ "structured", NULL, NULL, { .format = "cloudevents_structured", HEADERS("X-A") } },
	{ "type with envelope", NULL, NULL, { .format = "envelope", HEADERS("Content-Type") } },
	{ "type with structured",
	  "headers",
	  "made by",
	  { .format = "cloudevents_structured", HEADERS("content-type") } },
	{ "type with binary",
	  "headers",
	  "made by",
	  { .format = "cloudevents_binary", HEADERS("Content-Type") } },
	{ "source", NULL, NULL, { .cloudevents_source = "/a?b=%C3%BC#c" } },
	{ "blank in source", "cloudevents_source", "URI", { .cloudevents_source = "a b" } },
	{ "no source", "cloudevents_source", "URI", { .cloudevents_source = "" } },
	{ "half an escape", "cloudevents_source", "URI", { .cloudevents_source = "a%4" } },
	{ "wrong escape", "cloudevents_source", "URI", { .cloudevents_source = "a%4g" } },
};

static void test_configs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tocsin_fault fault = { .size = sizeof(fault) };
		const int rc = rules_check(&cases[i].configs, &fault);
		const int wanted = cases[i].key == NULL ? TOCSIN_OK : TOCSIN_BAD_CONFIG;

		if (rc != wanted ||
		    (cases[i].key != NULL && (strcmp(fault.key, cases[i].key) != 0 ||
					      strstr(fault.text, cases[i].text) == NULL)))
			fail_msg("%s: %d %s: %s", cases[i].label, rc, fault.key, fault.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_configs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
