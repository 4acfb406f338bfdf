/* test_ingest.c - events from bytes: what is refused, what is kept as it came.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "domain/ingest.h"

static size_t targets_each; /* what the stub registry finds for every event */

enum err registry_match(struct registry *r, int64_t organization, struct span type,
			int64_t skip_webhook, struct accept_target **out_targets, size_t *out_count)
{
	(void)r;
	assert_int_equal(organization, 5);
	assert_int_equal(skip_webhook, 0);
	assert_true(type.len > 0);
	*out_targets = targets_each == 0 ? NULL : xcalloc(targets_each, sizeof(**out_targets));
	*out_count = targets_each;
	return ERR_OK;
}

static const char *const listed[] = { "a.b", "c.d" };
static struct conf conf;
static const struct ingest ingest = { .conf = &conf };
static const struct caller caller = { .organization = 5 };

static int setup(void **state)
{
	(void)state;
	targets_each = 0;
	conf = (struct conf){
		.api = { .body_max_bytes = 200, .depth_max = 8, .batch_max_events = 3 }
	};
	return 0;
}

static struct ingest_request request_of(const char *body)
{
	return (struct ingest_request){ .caller = &caller, .body = span_of(body) };
}

/* A text of so many characters c. Owner: the caller. */
static char *text_of(const char *before, size_t count, char c, const char *after)
{
	char *text = xcalloc(1, strlen(before) + count + strlen(after) + 1);
	const size_t start = strlen(before);

	memcpy(text, before, start);
	memset(text + start, c, count);
	memcpy(text + start + count, after, strlen(after));
	return text;
}

struct refusal {
	const char *label, *body;
	size_t count;
	const char *has;
};

typedef enum err (*scan_fn)(const struct ingest *, struct ingest_request *, struct faults *);

static void refusals_check(scan_fn scan, const struct refusal *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct ingest_request r = request_of(cases[i].body);
		struct faults faults;

		faults_init(&faults);
		const enum err rc = scan(&ingest, &r, &faults);

		if (rc != ERR_BAD_REQUEST || faults.count != cases[i].count ||
		    strstr(faults.detail.ptr, cases[i].has) == NULL)
			fail_msg("%s: rc %d, %zu faults: %s", cases[i].label, (int)rc, faults.count,
				 faults.count > 0 ? faults.detail.ptr : "none");
		faults_finish(&faults);
		ingest_request_finish(&r);
	}
}

static void test_one_refused(void **state)
{
	static const struct refusal cases[] = {
		{ "empty", "", 1, "\"missing\"" },
		{ "no json", "{\"event_type\":", 1, "[\"body\"],\"msg\":\"Invalid JSON at byte" },
		{ "bad utf-8", "{\"event_type\":\"\xC0\x80\"}", 1, "json_invalid" },
		{ "too deep", "{\"data\":[[[[[[[[1]]]]]]]]}", 1, "json_invalid" },
		{ "twice", "{\"event_type\":\"a.b\",\"event\\u005ftype\":\"a.b\"}", 1,
		  "json_invalid" },
		{ "list", "[]", 1, "model_attributes_type" },
		{ "no type", "{}", 1, "[\"body\",\"event_type\"],\"msg\":\"Field required\"" },
		{ "null type", "{\"event_type\":null}", 1, "\"missing\"" },
		{ "number type", "{\"event_type\":1}", 1, "string_type" },
		{ "one part", "{\"event_type\":\"ping\"}", 1, "value_error" },
		{ "reserved", "{\"event_type\":\"webhook.disabled\"}", 1, "reserved" },
		{ "unknown", "{\"event_type\":\"a.b\",\"x\\u0079\":1}", 1,
		  "[\"body\",\"xy\"],\"msg\":\"Extra inputs are not permitted\"" },
		{ "our kind of id", "{\"event_type\":\"a.b\",\"event_id\":\"evt_x\"}", 1, "evt_" },
		{ "our kind, escaped", "{\"event_type\":\"a.b\",\"event_id\":\"\\u0065vt_x\"}", 1,
		  "evt_" },
		{ "empty id", "{\"event_type\":\"a.b\",\"event_id\":\"\"}", 1, "string_too_short" },
		{ "control in id", "{\"event_type\":\"a.b\",\"event_id\":\"a\\u0000\"}", 1,
		  "value_error" },
		{ "C1 in id", "{\"event_type\":\"a.b\",\"event_id\":\"\\u0085\"}", 1,
		  "value_error" },
		{ "time", "{\"event_type\":\"a.b\",\"occurred_at\":\"yesterday\"}", 1,
		  "datetime_parsing" },
		{ "metadata", "{\"event_type\":\"a.b\",\"metadata\":[]}", 1,
		  "[\"body\",\"metadata\"]" },
		{ "all at once",
		  "{\"event_id\":1,\"occurred_at\":1,\"namespace_id\":1,\"subject\":1,"
		  "\"metadata\":1,\"cache_scope\":1,\"z\":1}",
		  8, "[\"body\",\"cache_scope\"]" },
	};

	(void)state;
	refusals_check(ingest_one, cases, COUNT_OF(cases));
}

static void test_lengths(void **state)
{
	static const struct {
		const char *before, *after;
		size_t count;
		bool is_good;
	} cases[] = {
		{ "{\"event_type\":\"a.b\",\"event_id\":\"", "\"}", 255, true },
		{ "{\"event_type\":\"a.b\",\"event_id\":\"", "\"}", 256, false },
		{ "{\"event_type\":\"a.b\",\"subject\":\"", "\"}", 1000, true },
		{ "{\"event_type\":\"a.b\",\"subject\":\"", "\"}", 1001, false },
		/* An escape is one character, however long it is written. */
		{ "{\"event_type\":\"a.b\",\"subject\":\"\\u00fc", "\"}", 999, true },
		{ "{\"event_type\":\"a.b\",\"subject\":\"\\u00fc", "\"}", 1000, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *body = text_of(cases[i].before, cases[i].count, 'x', cases[i].after);
		struct ingest_request r = request_of(body);
		struct faults faults;

		faults_init(&faults);
		assert_int_equal(ingest_one(&ingest, &r, &faults),
				 cases[i].is_good ? ERR_OK : ERR_BAD_REQUEST);
		faults_finish(&faults);
		ingest_request_finish(&r);
		free(body);
	}
}

static void must_scan(scan_fn scan, struct ingest_request *r)
{
	struct faults faults;

	faults_init(&faults);
	if (scan(&ingest, r, &faults) != ERR_OK)
		fail_msg("%.*s: %s", (int)r->body.len, r->body.ptr,
			 faults.count > 0 ? faults.detail.ptr : "no fault");
	faults_finish(&faults);
}

static void span_check(struct span s, const char *want)
{
	if (want == NULL)
		assert_null(s.ptr);
	else if (!span_is(s, want))
		fail_msg("%.*s instead of %s", (int)s.len, s.ptr == NULL ? "" : s.ptr, want);
}

static void test_one_kept(void **state)
{
	static const struct {
		const char *body, *type, *id, *extra, *data;
		int64_t occurred_at_us;
	} cases[] = {
		{ "{\"event_type\":\"a.b\"}", "a.b", NULL, NULL, NULL, 0 },
		{ " {\"event_type\":\"a\\u002eb\",\"event_id\":\"\\u00fc\",\"data\":null} ", "a.b",
		  "\xC3\xBC", NULL, "null", 0 },
		{ "{\"data\" : {\"b\": 1.50e+1, \"a\":\"\\u0041\\/\"} ,\"cache_scope\":\"c\","
		  "\"metadata\":{ \"z\":[ ] },\"subject\":null,\"namespace_id\":\"n\\n\","
		  "\"event_type\":\"a.b\",\"occurred_at\":\"2023-11-14T23:13:20.5+01:00\"}",
		  "a.b", NULL,
		  "\"namespace_id\":\"n\\n\",\"metadata\":{ \"z\":[ ] },\"cache_scope\":\"c\"",
		  "{\"b\": 1.50e+1, \"a\":\"\\u0041\\/\"}", INT64_C(1700000000500000) },
		{ "{\"event_type\":\"a.b\",\"event_id\":null,\"occurred_at\":null,"
		  "\"metadata\":null}",
		  "a.b", NULL, NULL, NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct ingest_request r = request_of(cases[i].body);

		must_scan(ingest_one, &r);
		const struct accept_event *e = &r.accept.events[0];

		assert_int_equal(r.accept.event_count, 1);
		assert_int_equal(r.accept.organization, 5);
		span_check(e->type, cases[i].type);
		span_check(e->source_id, cases[i].id);
		span_check(e->extra, cases[i].extra);
		span_check(e->data, cases[i].data);
		assert_int_equal(e->occurred_at_us, cases[i].occurred_at_us);
		assert_int_equal(e->flags, 0);
		ingest_request_finish(&r);
	}
}

static void test_closed_catalogue(void **state)
{
	static const struct refusal refused = { "not listed", "{\"event_type\":\"e.f\"}", 1,
						"catalogue" };
	struct ingest_request r = request_of("{\"event_type\":\"c.d\"}");

	(void)state;
	conf.events.closed = 1;
	conf.events.types = (struct tocsin_list){ listed, COUNT_OF(listed) };
	refusals_check(ingest_one, &refused, 1);
	must_scan(ingest_one, &r);
	ingest_request_finish(&r);
}

static void test_batch_refused(void **state)
{
	static const struct refusal cases[] = {
		{ "list", "[]", 1, "model_attributes_type" },
		{ "nothing", "{}", 1, "[\"body\",\"events\"],\"msg\":\"Field required\"" },
		{ "no list", "{\"events\":{}}", 1, "list_type" },
		{ "empty", "{\"events\":[]}", 1, "too_short" },
		{ "too many", "{\"events\":[1,2,3,4]}", 1, "too_long" },
		{ "more", "{\"events\":[{\"event_type\":\"a.b\"}],\"x\":1}", 1,
		  "[\"body\",\"x\"]" },
		{ "in the second",
		  "{\"events\":[{\"event_type\":\"a.b\"},{\"event_type\":\"a\"},7]}", 2,
		  "[\"body\",\"events\",1,\"event_type\"]" },
		{ "twice inside",
		  "{\"events\":[{\"event_type\":\"a.b\",\"event\\u005ftype\":\"a.b\"}]}", 1,
		  "Given more than once" },
	};

	(void)state;
	refusals_check(ingest_batch, cases, COUNT_OF(cases));
}

/* No way around the cap of a request with a single event. */
static void test_batch_event_sizes(void **state)
{
	const size_t frame = strlen("{\"event_type\":\"a.b\",\"data\":\"\"}");
	char *fits = text_of("{\"events\":[{\"event_type\":\"a.b\",\"data\":\"", 200 - frame, 'x',
			     "\"},{\"event_type\":\"a.b\"}]}");
	char *over = text_of("{\"events\":[7,{\"event_type\":\"a.b\",\"data\":\"", 201 - frame, 'x',
			     "\"}]}");
	const struct refusal refused = {
		"too large", over, 2,
		"[\"body\",\"events\",1],\"msg\":\"An event may have at most 200 bytes\","
		"\"type\":\"too_long\""
	};
	struct ingest_request r = request_of(fits);

	(void)state;
	must_scan(ingest_batch, &r);
	assert_int_equal(r.accept.event_count, 2);
	ingest_request_finish(&r);
	refusals_check(ingest_batch, &refused, 1);
	free(fits);
	free(over);
}

static void test_batch_kept(void **state)
{
	struct ingest_request r = request_of(
		"{\"events\":[{\"event_type\":\"a\\u002eb\",\"subject\":\"1\","
		"\"data\":[[[[[[[1]]]]]]]},"
		"{\"event_type\":\"c.\\u0064\",\"subject\":\"2\"},{\"event_type\":\"e.f\"}]}");

	(void)state;
	targets_each = 2;
	must_scan(ingest_batch, &r);
	assert_int_equal(r.accept.event_count, 3);
	assert_int_equal(r.target_count, 6);
	/* The first one's spans are still good after the others were put together. */
	span_check(r.accept.events[0].type, "a.b");
	span_check(r.accept.events[0].extra, "\"subject\":\"1\"");
	span_check(r.accept.events[0].data, "[[[[[[[1]]]]]]]");
	span_check(r.accept.events[1].type, "c.d");
	span_check(r.accept.events[1].extra, "\"subject\":\"2\"");
	ingest_request_finish(&r);
}

static void test_fingerprints(void **state)
{
	static const char *const bodies[] = {
		"{\"event_type\":\"a.b\",\"event_id\":\"1\",\"data\":1}",
		" {\"event_type\":\"a.b\",\"event_id\":\"1\",\"data\":1} ",
		"{\"event_type\":\"a.b\",\"event_id\":\"1\",\"data\":2}",
	};
	unsigned char event[3][16], request[3][16];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bodies); i++) {
		struct ingest_request r = request_of(bodies[i]);

		r.idempotency_key = span_of("k");
		must_scan(ingest_one, &r);
		memcpy(event[i], r.accept.events[0].fingerprint, 16);
		memcpy(request[i], r.accept.fingerprint, 16);
		span_check(r.accept.idempotency_key, "k");
		ingest_request_finish(&r);
	}
	assert_memory_equal(event[0], event[1], 16); /* blanks around are not part of the event */
	assert_memory_not_equal(request[0], request[1], 16);
	assert_memory_not_equal(event[0], event[2], 16);
}

static void test_test_keys(void **state)
{
	static const struct caller tester = { .organization = 5, .is_test = true };
	struct ingest_request r = request_of("{\"event_type\":\"a.b\"}");

	(void)state;
	r.caller = &tester;
	must_scan(ingest_one, &r);
	assert_int_equal(r.accept.events[0].flags, EVENT_IS_TEST);
	ingest_request_finish(&r);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(test_one_refused),      TEST(test_lengths),       TEST(test_one_kept),
		TEST(test_closed_catalogue), TEST(test_batch_refused), TEST(test_batch_event_sizes),
		TEST(test_batch_kept),       TEST(test_fingerprints),  TEST(test_test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
