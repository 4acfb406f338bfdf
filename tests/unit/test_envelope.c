/* test_envelope.c - ids as shown, and the envelope's bytes.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "domain/envelope.h"

static const unsigned char key[PUBID_KEY_BYTES] = "0123456789abcdef";
static struct pubid *ids;

static int setup(void **state)
{
	(void)state;
	ids = pubid_create(key);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pubid_destroy(ids);
	return 0;
}

static void test_ids(void **state)
{
	static const struct {
		const char *source_id;
		bool is_text_id, is_message_id;
	} cases[] = {
		{ NULL, false, false },
		{ "order-1_A", true, true },
		{ "a.b", true, false },
		{ "gr\xC3\xBC\xC3\x9F", true, false },
		{ "0123456789012345678901234567890123456789012345678901234567890123", true, true },
		{ "01234567890123456789012345678901234567890123456789012345678901234", true,
		  false },
	};
	char own[PUBID_TEXT_BYTES], text[EVENT_TEXT_ID_BYTES], message[65];

	(void)state;
	pubid_format(ids, PUBID_EVENT, 77, own);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct event e = { .id = 77, .source_id = span_of(cases[i].source_id) };

		event_text_id(ids, &e, text);
		event_message_id(ids, &e, message);
		assert_string_equal(text, cases[i].is_text_id ? cases[i].source_id : own);
		assert_string_equal(message, cases[i].is_message_id ? cases[i].source_id : own);
	}
}

static void test_envelope(void **state)
{
	static char name[] = "Q\"1";
	static const struct webhook webhook = { .public_id = "wh_0123456789", .name = name };
	static const struct {
		const char *label, *extra, *data;
		const struct webhook *webhook;
		const char *want;
	} cases[] = {
		{ "bare", NULL, NULL, NULL,
		  "{\"event_id\":\"e\",\"event_type\":\"a.b\",\"occurred_at\":"
		  "\"2023-11-14T22:13:20.000001Z\"}" },
		{ "whole", "\"namespace_id\":\"n\",\"metadata\":{ }", "1.0e5", &webhook,
		  "{\"event_id\":\"e\",\"event_type\":\"a.b\",\"occurred_at\":"
		  "\"2023-11-14T22:13:20.000001Z\",\"webhook_id\":\"wh_0123456789\","
		  "\"webhook_name\":\"Q\\\"1\",\"namespace_id\":\"n\",\"metadata\":{ },"
		  "\"data\":1.0e5}" },
		{ "null data", NULL, "null", NULL,
		  "{\"event_id\":\"e\",\"event_type\":\"a.b\",\"occurred_at\":"
		  "\"2023-11-14T22:13:20.000001Z\",\"data\":null}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct event e = { .type = span_of("a.b"),
					 .source_id = span_of("e"),
					 .occurred_at_us = INT64_C(1700000000000001),
					 .extra = span_of(cases[i].extra),
					 .data = span_of(cases[i].data) };
		struct buf out;

		buf_init(&out, 4096);
		envelope_append(&out, ids, &e, cases[i].webhook);
		assert_string_equal(out.ptr, cases[i].want);
		buf_finish(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ids, setup, teardown),
		cmocka_unit_test_setup_teardown(test_envelope, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
