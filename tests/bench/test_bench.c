/* test_bench.c - that the bench counts, times and reads what it should.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arrivals.h"
#include "event.h"
#include "http.h"
#include "tally.h"

static void test_quantile(void **state)
{
	static const struct {
		int64_t from, to, step;
		unsigned per_mille;
		int64_t want;
	} cases[] = {
		{ 1, 100, 1, 500, 50 },
		{ 1, 100, 1, 990, 99 },
		{ 7, 7, 1, 990, 7 },
		{ -5, -5, 1, 500, 0 },
		{ 1000, 100000, 1000, 500, 50000 },
		{ 1000, 100000, 1000, 990, 99000 },
		{ 3000000000, 3000000000, 1, 500, 3000000000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tally t = { 0 };
		for (int64_t v = cases[i].from; v <= cases[i].to; v += cases[i].step)
			tally_add(&t, v);
		const int64_t got = tally_quantile(&t, cases[i].per_mille);
		assert_in_range(got, cases[i].want - cases[i].want / 50,
				cases[i].want + cases[i].want / 50);
	}
	assert_int_equal(tally_quantile(&(struct tally){ 0 }, 500), 0);
}

static void test_stamp(void **state)
{
	const struct event_stamp stamp = { .run = 42, .seq = 1234567, .sent_us = 987654321012 };
	struct event_stamp got = { 0 };
	char body[512];

	(void)state;
	assert_true(event_body_format(body, sizeof(body), "bench.event"));
	event_body_stamp(body, "bench.event", &stamp);
	assert_memory_equal(body, "{\"event_type\":\"bench.event\",\"data\":{\"run\":", 42);
	assert_memory_equal(body + sizeof(body) - 4, "x\"}}", 4);
	assert_true(event_stamp_find(body, sizeof(body), &got));
	assert_int_equal(got.run, stamp.run);
	assert_int_equal(got.seq, stamp.seq);
	assert_int_equal(got.sent_us, stamp.sent_us);
	assert_false(event_stamp_find(body, 80, &got)); /* cut within the stamp */
	assert_false(event_stamp_find("{}", 2, &got));
	assert_false(event_body_format(body, 60, "bench.event"));
}

static void test_message(void **state)
{
	static const struct {
		const char *text;
		size_t want; /* bytes of the message, 0 while incomplete */
		bool closing;
	} cases[] = {
		{ "HTTP/1.1 202 Accepted\r\ncontent-length: 3\r\n\r\nabcHTTP", 47, false },
		{ "HTTP/1.1 202 Accepted\r\ncontent-length: 3\r\n\r\nab", 0, false },
		{ "HTTP/1.1 204 No\r\n\r\n", 19, false },
		{ "HTTP/1.1 204 No\r\nConnection: close\r\n\r\n", 38, true },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", 58,
		  false },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 52, false },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const size_t len = strlen(cases[i].text);
		struct http_head head;
		assert_true(http_head_parse(cases[i].text, len, &head));
		assert_int_equal(http_message_bytes(&head, cases[i].text, len), cases[i].want);
		assert_int_equal(head.is_closing, cases[i].closing);
	}
	assert_false(http_head_parse("HTTP/1.1 200 OK\r\n", 17, &(struct http_head){ 0 }));
}

static void add(struct arrivals *a, const char *path, int64_t run, int64_t seq)
{
	const struct event_stamp stamp = { .run = run, .seq = seq, .sent_us = 1000 };

	arrivals_add(a, path, strlen(path), &stamp, 3000);
}

static void test_arrivals(void **state)
{
	static struct arrivals a;
	char text[1024];

	(void)state;
	arrivals_reset(&a, 7);
	add(&a, "/a", 7, 0);
	add(&a, "/b", 7, 0);       /* the same event elsewhere is no duplicate */
	add(&a, "/a", 7, 3000000); /* the bitmap grows */
	add(&a, "/a", 7, 0);
	add(&a, "/a", 6, 1); /* left over from another run */
	add(&a, "/a", 7, ARRIVAL_SEQ_MAX);
	assert_int_equal(a.distinct, 3);
	assert_int_equal(a.duplicated, 1);
	assert_int_equal(a.stale, 1);
	assert_int_equal(a.unreadable, 1);
	assert_int_equal(a.path_count, 2);
	assert_int_equal(tally_quantile(&a.late, 500), 2000);
	arrivals_format(&a, 5, text, sizeof(text));
	assert_non_null(strstr(text, "\"distinct\":3,\"lost\":2,\"duplicated\":1,"));
	arrivals_reset(&a, 8);
	assert_int_equal(a.distinct, 0);
	arrivals_format(&a, -1, text, sizeof(text));
	assert_null(strstr(text, "lost"));
	arrivals_finish(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantile),
		cmocka_unit_test(test_stamp),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_arrivals),
	};

	return cmocka_run_group_tests_name("bench", tests, NULL, NULL);
}
