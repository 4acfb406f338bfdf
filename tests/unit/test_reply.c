/* test_reply.c - the shapes of replies and their header blocks.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/page.h"
#include "api/reply.h"

static struct reply reply;

static int setup(void **state)
{
	(void)state;
	reply_init(&reply);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	reply_finish(&reply);
	return 0;
}

static void head_check(const char *want)
{
	struct buf head;

	buf_init(&head, 4096);
	reply_head_format(&reply, &head);
	assert_string_equal(head.ptr, want);
	buf_finish(&head);
}

static void test_errors(void **state)
{
	static const struct {
		int status;
		const char *type;
	} cases[] = {
		{ 400, "BadRequestError" },       { 401, "AuthenticationError" },
		{ 403, "ForbiddenError" },        { 404, "NotFoundError" },
		{ 405, "MethodNotAllowedError" }, { 409, "ConflictError" },
		{ 413, "PayloadTooLargeError" },  { 415, "UnsupportedMediaTypeError" },
		{ 429, "RateLimitError" },        { 500, "InternalError" },
		{ 503, "UnavailableError" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char want[256];

		reply_reset(&reply);
		reply_error(&reply, cases[i].status, "a \"%s\"", "b");
		snprintf(want, sizeof(want),
			 "{\"success\":false,\"status\":%d,\"error\":{\"message\":\"a \\\"b\\\"\","
			 "\"type\":\"%s\",\"details\":null}}",
			 cases[i].status, cases[i].type);
		assert_string_equal(reply.body.ptr, want);
		assert_int_equal(reply.status, cases[i].status);
	}
}

static void test_details_and_faults(void **state)
{
	const struct loc loc = { NULL, "body", 0 };
	struct faults faults;

	(void)state;
	reply_error_details(&reply, 409, "m", span_of("{\"index\":1}"));
	assert_non_null(strstr(reply.body.ptr, "\"details\":{\"index\":1}}}"));
	faults_init(&faults);
	faults_add(&faults, &loc, "missing", "M");
	reply_faults(&reply, &faults);
	faults_finish(&faults);
	assert_int_equal(reply.status, 422);
	assert_string_equal(
		reply.body.ptr,
		"{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"M\",\"type\":\"missing\"}]}");
}

static void test_causes(void **state)
{
	static const struct {
		enum err rc;
		int status;
		bool may_retry;
	} cases[] = {
		{ ERR_BAD_REQUEST, 400, false }, { ERR_DENIED, 403, false },
		{ ERR_NOT_FOUND, 404, false },   { ERR_CONFLICT, 409, false },
		{ ERR_TOO_BIG, 413, false },     { ERR_LIMIT, 403, false },
		{ ERR_BUSY, 503, true },         { ERR_FULL, 503, true },
		{ ERR_IO, 503, true },           { ERR_MEMORY, 503, true },
		{ ERR_STOPPING, 503, true },     { ERR_CORRUPT, 500, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		reply_reset(&reply);
		reply_err(&reply, cases[i].rc);
		assert_int_equal(reply.status, cases[i].status);
		assert_int_equal(reply.headers.len > 0, cases[i].may_retry);
		assert_int_equal(reply.cause, cases[i].rc);
		if (cases[i].may_retry)
			assert_memory_equal(reply.headers.ptr, "Retry-After: ", 13);
	}
}

/* The log says why; a cause does not stick to the next reply. */
static void test_causes_told(void **state)
{
	static const struct {
		enum err rc;
		const char *has;
	} cases[] = {
		{ ERR_FULL, "no space left on the device" },
		{ ERR_BUSY, "another program" },
		{ ERR_IO, "its disk" },
		{ ERR_CORRUPT, "tocsin audit" },
		{ ERR_MEMORY, "out of memory" },
		{ ERR_STOPPING, "shutting down" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		reply_err(&reply, cases[i].rc);
		assert_non_null(strstr(reply_cause_text(&reply), cases[i].has));
	}
	reply_reset(&reply);
	assert_non_null(strstr(reply_cause_text(&reply), "mistake inside the server"));
}

static void test_heads(void **state)
{
	struct json_writer w = reply_json(&reply, 201);

	(void)state;
	json_open(&w, '{');
	json_close(&w, '}');
	reply_header(&reply, "X-A", "1");
	head_check("Status: 201 Created\r\nContent-Type: application/json\r\n"
		   "Content-Length: 2\r\nX-A: 1\r\n\r\n");
	reply_reset(&reply);
	reply.status = 204;
	head_check("Status: 204 No Content\r\n\r\n");
	/* A body beyond the cap becomes an error that says so, never half a body. */
	reply_reset(&reply);
	reply.status = 200;
	reply.body.failed = ERR_TOO_BIG;
	struct buf head;

	buf_init(&head, 4096);
	reply_head_format(&reply, &head);
	assert_non_null(strstr(head.ptr, "Status: 500 "));
	assert_non_null(strstr(reply.body.ptr, "InternalError"));
	buf_finish(&head);
}

static void test_pagination(void **state)
{
	static const unsigned char key[PUBID_KEY_BYTES] = "0123456789abcdef";
	struct pubid *ids = pubid_create(key);
	const struct pagination whole = {
		.ids = ids, .limit = 10, .offset = 20, .total = 31, .page_is_known = true, .next = 0
	};
	const struct pagination bare = {
		.ids = ids,
		.cursor = PUBID_DELIVERY_CURSOR,
		.limit = 10,
		.total = PAGE_UNCOUNTED,
		.next = 7,
	};
	struct json_writer w = reply_json(&reply, 200);

	(void)state;
	json_open(&w, '{');
	pagination_write(&whole, &w);
	json_close(&w, '}');
	assert_string_equal(reply.body.ptr,
			    "{\"pagination\":{\"total\":31,\"page\":3,\"page_size\":10,"
			    "\"total_pages\":4,\"next_page\":null,\"previous_page\":null,"
			    "\"next_cursor\":null}}");
	w = reply_json(&reply, 200);
	json_open(&w, '{');
	pagination_write(&bare, &w);
	json_close(&w, '}');
	assert_non_null(strstr(reply.body.ptr, "\"total\":null,\"page\":null,"));
	assert_non_null(strstr(reply.body.ptr, "\"next_cursor\":\"cur_"));
	pubid_destroy(ids);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = { TEST(test_errors), TEST(test_details_and_faults),
					    TEST(test_causes), TEST(test_causes_told),
					    TEST(test_heads),  TEST(test_pagination) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
