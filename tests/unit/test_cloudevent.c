/* test_cloudevent.c - an envelope as a CloudEvent, in both modes.
 * SPDX-License-Identifier: MIT */
#include "http/cloudevent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct http http = { .source = "/channel" };

static struct tocsin_message message_of(const struct http_configs *configs, const char *envelope)
{
	return (struct tocsin_message){ .size = sizeof(struct tocsin_message),
					.message_id = "evt_1",
					.event_id = "a.b c",
					.event_type = "x.y",
					.webhook_id = "wh_1",
					.configs = configs,
					.envelope = { envelope, strlen(envelope) } };
}

static void expect_structured(const char *source, const char *envelope, const char *data,
			      const char *wanted)
{
	const struct http_configs configs = { .cloudevents_source = source };
	const struct tocsin_message msg = message_of(&configs, envelope);
	const struct tocsin_span body = { data, data == NULL ? 0 : strlen(data) };
	struct text out = { 0 };

	cloudevent_write(&http, &msg, body, &out);
	assert_false(out.failed);
	assert_string_equal(out.ptr, wanted);
	text_finish(&out);
}

#define HEAD(source)                                                           \
	"{\"specversion\":\"1.0\",\"id\":\"a.b c\",\"source\":\"" source "\"," \
	"\"type\":\"x.y\""
#define TAIL ",\"webhookid\":\"wh_1\""

static void test_structured(void **state)
{
	(void)state;
	expect_structured(NULL, "{}", NULL, HEAD("/channel") TAIL "}");
	expect_structured("urn:a", "{\"metadata\":{\"source\":\"b\"}}", NULL,
			  HEAD("urn:a") TAIL "}");
	expect_structured(NULL, "{\"metadata\":{\"source\":\"b\"}}", NULL, HEAD("b") TAIL "}");
	expect_structured(NULL, "{\"metadata\":{\"source\":\"b c\"}}", NULL,
			  HEAD("/channel") TAIL "}");
	expect_structured(NULL, "{\"metadata\":{\"source\":\"\"}}", NULL,
			  HEAD("/channel") TAIL "}");
	expect_structured(NULL, "{\"metadata\":null,\"subject\":null}", NULL,
			  HEAD("/channel") TAIL "}");
	expect_structured(
		NULL,
		"{\"occurred_at\":\"2026-11-24T05:27:39Z\",\"subject\":\"\\u00fc\\t\\ud83d"
		"\\udd14\\u0085\\ufdd0\",\"namespace_id\":\"n\",\"data\":1}",
		"{\"n\":1.50, \"m\":\"\\u00fc\"}",
		HEAD("/channel") ",\"time\":\"2026-11-24T05:27:39Z\",\"subject\":\"\xC3\xBC "
				 "\xF0\x9F\x94\x94  \",\"namespaceid\":\"n\"" TAIL
				 ",\"datacontenttype\":\"application/json\",\"data\":{\"n\":1.50, "
				 "\"m\":\"\\u00fc\"}}");
}

/* One row for each thing that metadata may hold. */
static void test_extensions(void **state)
{
	static const struct {
		const char *metadata, *wanted;
	} cases[] = {
		{ "\"a\":\"x\"", ",\"a\":\"x\"" },
		{ "\"a\":\"\"", ",\"a\":\"\"" },
		{ "\"a\":\"q\\\"\\\\/\\n\"", ",\"a\":\"q\\\"\\\\/ \"" },
		{ "\"a\":true,\"b\":false", ",\"a\":true,\"b\":false" },
		{ "\"a\":0,\"b\":-0", ",\"a\":0,\"b\":-0" },
		{ "\"a\":2147483647,\"b\":-2147483648", ",\"a\":2147483647,\"b\":-2147483648" },
		{ "\"a\":2147483648", ",\"a\":\"2147483648\"" },
		{ "\"a\":-2147483649", ",\"a\":\"-2147483649\"" },
		{ "\"a\":123456789012345678901", ",\"a\":\"123456789012345678901\"" },
		{ "\"a\":1.50,\"b\":1e3", ",\"a\":\"1.50\",\"b\":\"1e3\"" },
		{ "\"a\":null,\"b\":[1],\"c\":{\"d\":1}", "" },
		{ "\"A\":1,\"a_b\":1,\"\":1,\"\\u0061\":1,\"\xC3\xBC\":1", "" },
		{ "\"id\":1,\"type\":1,\"data\":1,\"webhookid\":1,\"specversion\":2", "" },
		{ "\"a\":1,\"a\":2", ",\"a\":1" },
		{ "\"a\":{},\"a\":2", ",\"a\":2" },
	};
	char envelope[512], wanted[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(envelope, sizeof(envelope), "{\"metadata\":{%s}}", cases[i].metadata);
		snprintf(wanted, sizeof(wanted), HEAD("/channel") TAIL "%s}", cases[i].wanted);
		expect_structured(NULL, envelope, NULL, wanted);
	}
}

static void test_dataschema(void **state)
{
	static const struct {
		const char *given;
		int is_sent;
	} cases[] = {
		{ "https://a.example/b", 1 },
		{ "urn:x", 1 },
		{ "/a:b", 0 },
		{ "a", 0 },
		{ ":a", 0 },
		{ "x:a b", 0 },
	};
	char envelope[256], wanted[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(envelope, sizeof(envelope), "{\"metadata\":{\"dataschema\":\"%s\"}}",
			 cases[i].given);
		snprintf(wanted, sizeof(wanted), HEAD("/channel") "%s%s%s" TAIL "}",
			 cases[i].is_sent ? ",\"dataschema\":\"" : "",
			 cases[i].is_sent ? cases[i].given : "", cases[i].is_sent ? "\"" : "");
		expect_structured(NULL, envelope, NULL, wanted);
	}
}

static void *lines_make(const char *envelope, struct curl_slist **list)
{
	const struct http_configs configs = { .format = "cloudevents_binary" };
	const struct tocsin_message msg = message_of(&configs, envelope);
	struct lines lines;

	lines_init(&lines, 0, CLOUDEVENT_LINES_MAX);
	cloudevent_lines(&http, &msg, &lines);
	void *block = lines_take(&lines, list);

	assert_non_null(block);
	return block;
}

static void test_binary(void **state)
{
	static const char *const wanted[] = { "ce-specversion: 1.0",
					      "ce-id: a.b%20c",
					      "ce-source: /channel",
					      "ce-type: x.y",
					      "ce-subject: %22100%20%25%22%C3%BC~!%F0%9F%94%94",
					      "ce-webhookid: wh_1",
					      "ce-empty;",
					      "ce-n: -5",
					      "ce-b: true",
					      "ce-f: 1.50",
					      "ce-inject: a%20%20X:%20b" };
	struct curl_slist *list = NULL;
	void *block =
		lines_make("{\"subject\":\"\\\"100 %\\\"\xC3\xBC~!\\ud83d\\udd14\",\"metadata\":{"
			   "\"empty\":\"\","
			   "\"n\":-5,\"b\":true,\"f\":1.50,\"inject\":\"a\\r\\nX: b\"}}",
			   &list);

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++, list = list->next) {
		assert_non_null(list);
		assert_string_equal(list->data, wanted[i]);
	}
	assert_null(list);
	free(block);
}

/* A header has its limits: in number and in bytes. */
static void test_limits(void **state)
{
	struct text envelope = { 0 };
	struct curl_slist *list = NULL;
	size_t count = 0, bytes = 0;

	(void)state;
	text_format(&envelope, "{\"metadata\":{\"huge\":\"%09000d\",\"encoded\":\"", 0);
	for (int i = 0; i < 3000; i++)
		text_add(&envelope, " ");
	for (int i = 0; i < 60; i++)
		text_format(&envelope, "\",\"e%d\":\"%0400d", i, i);
	text_add(&envelope, "\"}}");
	void *block = lines_make(envelope.ptr, &list);

	for (; list != NULL; list = list->next, count++) {
		assert_null(strstr(list->data, "ce-huge"));
		assert_null(strstr(list->data, "ce-encoded"));
		bytes += strlen(list->data);
	}
	assert_int_equal(count, 5 + 20);
	assert_true(bytes < 8 * 1024 + 200);
	free(block);
	text_finish(&envelope);
	text_add(&envelope, "{\"metadata\":{\"a\":0");
	for (int i = 0; i < 60; i++)
		text_format(&envelope, ",\"e%d\":%d", i, i);
	text_add(&envelope, "}}");
	block = lines_make(envelope.ptr, &list);
	for (count = 0; list != NULL; list = list->next)
		count++;
	assert_int_equal(count, 5 + CLOUDEVENT_EXTENSIONS_MAX);
	free(block);
	text_finish(&envelope);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_structured), cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_dataschema), cmocka_unit_test(test_binary),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
