/* test_request.c - targets, headers and bodies as the three web servers give them.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/request.h"

static struct request request;

static int setup(void **state)
{
	(void)state;
	request_init(&request, 1000);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	request_finish(&request);
	return 0;
}

/* A parameter list of one; the request's spans point into it. */
static void head_read(const char *parameter)
{
	static char copy[4096];
	char *params[] = { copy, NULL };

	snprintf(copy, sizeof(copy), "%s", parameter);
	request_head_read(&request, params);
}

static void test_targets(void **state)
{
	static const struct {
		const char *uri, *joined; /* segments joined by |; NULL: not sound */
		const char *query;
	} cases[] = {
		{ "/", "", "" },
		{ "/v1/events", "v1|events", "" },
		{ "/v1/events/", "v1|events", "" },
		{ "/v1/events?a=1&b=/..//", "v1|events", "a=1&b=/..//" },
		{ "/v1/events?", "v1|events", "" },
		{ "/v1/wh%5Fab%20c", "v1|wh_ab c", "" },
		{ "/v1/%C3%BC%2e", "v1|\xC3\xBC.", "" },
		{ "/v1//events", NULL, "" },
		{ "//v1", NULL, "" },
		{ "/v1/events//", NULL, "" },
		{ "/v1/./events", NULL, "" },
		{ "/v1/../events", NULL, "" },
		{ "/v1/%2e%2E/events", NULL, "" },
		{ "/v1/%2e/events", NULL, "" },
		{ "/v1/a%2Fb", NULL, "" },
		{ "/v1/a%00b", NULL, "" },
		{ "/v1/a%4", NULL, "" },
		{ "/v1/a%zz", NULL, "" },
		{ "v1/events", NULL, "" },
		{ "http://x/v1", NULL, "" },
		{ "", NULL, "" },
		{ "/1/2/3/4/5/6/7/8", "1|2|3|4|5|6|7|8", "" },
		{ "/1/2/3/4/5/6/7/8/9", NULL, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char parameter[256], joined[256] = "";
		size_t len = 0;

		snprintf(parameter, sizeof(parameter), "REQUEST_URI=%s", cases[i].uri);
		head_read(parameter);
		if (request.path_is_sound != (cases[i].joined != NULL))
			fail_msg("%s", cases[i].uri);
		assert_true(span_is(request.query, cases[i].query));
		for (size_t n = 0; request.path_is_sound && n < request.segment_count; n++)
			len += (size_t)snprintf(joined + len, sizeof(joined) - len, "%s%.*s",
						n == 0 ? "" : "|", (int)request.segments[n].len,
						request.segments[n].ptr);
		if (cases[i].joined != NULL)
			assert_string_equal(joined, cases[i].joined);
	}
}

static void test_long_path(void **state)
{
	char parameter[PATH_MAX_BYTES + 100];

	(void)state;
	for (int extra = 0; extra <= 1; extra++) {
		const int len = snprintf(parameter, sizeof(parameter), "REQUEST_URI=/");

		memset(parameter + len, 'a', (size_t)(PATH_MAX_BYTES - 1 + extra));
		parameter[len + PATH_MAX_BYTES - 1 + extra] = '\0';
		head_read(parameter);
		assert_int_equal(request.path_is_sound, extra == 0);
	}
}

static void test_methods(void **state)
{
	static const struct {
		const char *parameter;
		enum method want;
	} cases[] = {
		{ "REQUEST_METHOD=GET", METHOD_GET },
		{ "REQUEST_METHOD=HEAD", METHOD_GET },
		{ "REQUEST_METHOD=PATCH", METHOD_PATCH },
		{ "REQUEST_METHOD=DELETE", METHOD_DELETE },
		{ "REQUEST_METHOD=get", METHOD_OTHER },
		{ "REQUEST_METHOD=OPTIONS", METHOD_OTHER },
		{ "REQUEST_METHOD=", METHOD_OTHER },
		{ "X=1", METHOD_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		head_read(cases[i].parameter);
		assert_int_equal(request.method, cases[i].want);
	}
}

static void test_bearer(void **state)
{
	static const struct {
		const char *parameter, *want;
	} cases[] = {
		{ "HTTP_AUTHORIZATION=Bearer abc", "abc" },
		{ "REDIRECT_HTTP_AUTHORIZATION=Bearer abc", "abc" },
		{ "HTTP_AUTHORIZATION=bEARER   abc ", "abc" },
		{ "HTTP_AUTHORIZATION=Basic abc", NULL },
		{ "HTTP_AUTHORIZATION=Bearer", NULL },
		{ "HTTP_AUTHORIZATION=abc", NULL },
		{ "HTTP_AUTHORIZATION=", NULL },
		{ "X=1", NULL },
		/* Two headers joined by the web server: no key has a comma. */
		{ "HTTP_AUTHORIZATION=Bearer a, Bearer b", "a, Bearer b" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		head_read(cases[i].parameter);
		const struct span key = request_bearer(&request);

		if (cases[i].want == NULL ? key.ptr != NULL : !span_is(key, cases[i].want))
			fail_msg("%s", cases[i].parameter);
	}
}

static void test_content_type(void **state)
{
	static const struct {
		const char *parameter;
		bool want;
	} cases[] = {
		{ "X=1", true },
		{ "CONTENT_TYPE=", true },
		{ "CONTENT_TYPE=application/json", true },
		{ "CONTENT_TYPE=Application/JSON ; charset=UTF-8", true },
		{ "CONTENT_TYPE=application/json;charset=\"utf-8\"", true },
		{ "CONTENT_TYPE=application/json; profile=x; charset=utf-8", true },
		{ "CONTENT_TYPE=application/json;", true },
		{ "CONTENT_TYPE=application/json; charset=latin1", false },
		{ "CONTENT_TYPE=application/jsonx", false },
		{ "CONTENT_TYPE=text/plain", false },
		{ "CONTENT_TYPE=application/x-www-form-urlencoded", false },
		{ "CONTENT_TYPE=;application/json", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		head_read(cases[i].parameter);
		if (request_is_json(&request) != cases[i].want)
			fail_msg("%s", cases[i].parameter);
	}
}

/* --- Bodies: a stream that gives its bytes in two parts ------------------------- */

static void stream_fill(FCGX_Stream *stream)
{
	const struct span *second = stream->data;

	if (second == NULL || second->len == 0) {
		stream->isClosed = 1;
		return;
	}
	stream->rdNext = (unsigned char *)(uintptr_t)second->ptr;
	stream->wrNext = stream->stop = stream->rdNext + second->len;
	stream->data = NULL;
}

static enum err body_read(const char *length, const char *first, const char *second, int error)
{
	struct span rest = span_of(second);
	unsigned char *start = (unsigned char *)(uintptr_t)first;
	FCGX_Stream stream = { .rdNext = start,
			       .stop = start + strlen(first),
			       .wrNext = start + strlen(first),
			       .stopUnget = start,
			       .isReader = 1,
			       .FCGI_errno = error,
			       .fillBuffProc = stream_fill,
			       .data = &rest };

	head_read(length);
	return request_body_read(&request, &stream, 10);
}

static void test_bodies(void **state)
{
	static const struct {
		const char *length, *first, *second;
		int error;
		enum err want;
	} cases[] = {
		{ "X=1", "", "", 0, ERR_OK },
		{ "CONTENT_LENGTH=", "", "", 0, ERR_OK },
		{ "CONTENT_LENGTH=0", "", "", 0, ERR_OK },
		{ "CONTENT_LENGTH=6", "abc", "def", 0, ERR_OK },
		{ "X=1", "abc", "def", 0, ERR_OK },
		{ "CONTENT_LENGTH=10", "abcde", "fghij", 0, ERR_OK },
		{ "X=1", "abcde", "fghijk", 0, ERR_TOO_BIG },
		{ "CONTENT_LENGTH=11", "", "", 0, ERR_TOO_BIG },
		{ "CONTENT_LENGTH=7", "abc", "def", 0, ERR_BAD_REQUEST },
		{ "CONTENT_LENGTH=5", "abc", "def", 0, ERR_BAD_REQUEST },
		{ "CONTENT_LENGTH=-1", "", "", 0, ERR_BAD_REQUEST },
		{ "CONTENT_LENGTH=1x", "a", "", 0, ERR_BAD_REQUEST },
		{ "CONTENT_LENGTH=99999999999999999999", "", "", 0, ERR_BAD_REQUEST },
		{ "CONTENT_LENGTH=6", "abc", "", -3, ERR_IO },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const enum err rc = body_read(cases[i].length, cases[i].first, cases[i].second,
					      cases[i].error);

		if (rc != cases[i].want)
			fail_msg("%s %s%s: %s", cases[i].length, cases[i].first, cases[i].second,
				 err_text(rc));
		if (rc == ERR_OK)
			assert_int_equal(request.body.len,
					 strlen(cases[i].first) + strlen(cases[i].second));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = { TEST(test_targets),      TEST(test_long_path),
					    TEST(test_methods),      TEST(test_bearer),
					    TEST(test_content_type), TEST(test_bodies) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
