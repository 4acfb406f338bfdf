/* test_place.c - where a request goes, and which literals are refused.
 * SPDX-License-Identifier: MIT */
#include "delivery/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char relay[] = "10.0.0.7", gateway[] = "gateway.internal";
static struct operator_host operators[] = { { relay, 587 }, { gateway, 443 } };
static const struct channel channel = { .operators = operators,
					.operator_count = 2,
					.plugin = { .vtable = { .schemes = "https,smtp" } } };
static const struct guard closed; /* allows no special network */

static void test_urls(void **state)
{
	static const struct {
		const char *url;
		enum err rc;
		const char *host;
		unsigned port;
		bool is_literal, is_operator, is_http;
	} cases[] = {
		{ "https://receiver.example/x", ERR_OK, "receiver.example", 443, false, false,
		  true },
		{ "https://Receiver.Example:8443/", ERR_OK, "receiver.example", 8443, false, false,
		  true },
		{ "smtp://10.0.0.7:587/me", ERR_OK, "10.0.0.7", 587, true, true, false },
		{ "https://gateway.internal/", ERR_OK, "gateway.internal", 443, false, true, true },
		/* The same host on another port, or one like it, is not the operator's. */
		{ "smtp://10.0.0.7:25/", ERR_DENIED, NULL, 0, false, false, false },
		{ "https://10.0.0.8:587/", ERR_DENIED, NULL, 0, false, false, false },
		{ "https://0xa.7:443/", ERR_DENIED, NULL, 0, false, false, false },
		{ "https://[::1]/", ERR_DENIED, NULL, 0, false, false, false },
		{ "https://93.184.216.34/", ERR_OK, "93.184.216.34", 443, true, false, true },
		/* Not one of the plugin's schemes, or no URL. */
		{ "http://receiver.example/", ERR_BAD_REQUEST, NULL, 0, false, false, false },
		{ "file:///etc/passwd", ERR_BAD_REQUEST, NULL, 0, false, false, false },
		{ "receiver.example", ERR_BAD_REQUEST, NULL, 0, false, false, false },
		{ "https://user@receiver.example/", ERR_BAD_REQUEST, NULL, 0, false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct place place = { .port = 0 };
		struct why why = { "" };
		const enum err rc = place_of_url(&channel, cases[i].url, &closed, &place, &why);

		if (rc != cases[i].rc)
			fail_msg("%s: %s %s", cases[i].url, err_text(rc), why.text);
		if (rc != ERR_OK) {
			assert_true(why.text[0] != '\0');
			continue;
		}
		assert_string_equal(place.host, cases[i].host);
		assert_int_equal(place.port, cases[i].port);
		assert_int_equal(place.is_literal, cases[i].is_literal);
		assert_int_equal(place.is_operator, cases[i].is_operator);
		assert_int_equal(place.is_http, cases[i].is_http);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_urls) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
