/* test_routes.c - which route a path finds, and what the table must never be.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/routes.h"
#include "api/events.h"
#include "api/health.h"
#include "api/hooks.h"
#include "api/openapi.h"

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

static const struct route *find(const char *method, const char *path, unsigned *allowed,
				struct span *identifier)
{
	static char uri[512], verb[64];
	char *params[] = { uri, verb, NULL };

	snprintf(uri, sizeof(uri), "REQUEST_URI=%s", path);
	snprintf(verb, sizeof(verb), "REQUEST_METHOD=%s", method);
	request_head_read(&request, params);
	assert_true(request.path_is_sound);
	return routes_find(&request, allowed, identifier);
}

#define HOOKS "/v1/organizations/webhooks"

static void test_found(void **state)
{
	static const struct {
		const char *method, *path;
		void (*answer)(struct exchange *x);
		const char *identifier;
	} cases[] = {
		{ "POST", "/v1/events", events_publish, NULL },
		{ "POST", "/v1/events/", events_publish, NULL },
		{ "POST", "/v1/events/batch", events_publish_batch, NULL },
		{ "GET", "/v1/events/evt_1", events_show, "evt_1" },
		{ "POST", HOOKS, hooks_add, NULL },
		{ "POST", HOOKS "/", hooks_add, NULL },
		{ "GET", HOOKS "/", hooks_list_plain, NULL },
		{ "HEAD", HOOKS, hooks_list_plain, NULL },
		{ "POST", HOOKS "/list", hooks_list, NULL },
		{ "POST", HOOKS "/list/", hooks_list, NULL },
		{ "GET", HOOKS "/wh_1", hooks_show, "wh_1" },
		{ "PUT", HOOKS "/wh_1/", hooks_put, "wh_1" },
		{ "PATCH", HOOKS "/wh_1", hooks_patch, "wh_1" },
		{ "DELETE", HOOKS "/wh_1", hooks_remove, "wh_1" },
		{ "GET", HOOKS "/wh_1/secret", hooks_secret_show, "wh_1" },
		{ "POST", HOOKS "/wh_1/secret/rotate", hooks_secret_rotate, "wh_1" },
		{ "GET", "/openapi.json", openapi_show, NULL },
		{ "GET", "/healthz/", health_live, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct span identifier = { NULL, 0 };
		unsigned allowed;
		const struct route *route = find(cases[i].method, cases[i].path, &allowed,
						 &identifier);

		if (route == NULL || route->answer != cases[i].answer)
			fail_msg("%s %s", cases[i].method, cases[i].path);
		if (cases[i].identifier == NULL)
			assert_null(identifier.ptr);
		else
			assert_true(span_is(identifier, cases[i].identifier));
	}
}

static void test_not_found(void **state)
{
	static const struct {
		const char *method, *path;
		unsigned allowed;
	} cases[] = {
		{ "GET", "/", 0 },
		{ "GET", "/v1", 0 },
		{ "GET", "/v1/nothing", 0 },
		{ "GET", "/v1/events/a/b", 0 },
		{ "GET", "/V1/events", 0 },
		{ "GET", "/v1/events", BIT(METHOD_POST) },
		{ "OPTIONS", "/v1/events", BIT(METHOD_POST) },
		{ "GET", "/v1/events/batch", BIT(METHOD_POST) },
		{ "DELETE", HOOKS, BIT(METHOD_POST) | BIT(METHOD_GET) },
		{ "PUT", HOOKS "/list", BIT(METHOD_POST) },
		{ "POST", HOOKS "/wh_1",
		  BIT(METHOD_GET) | BIT(METHOD_PUT) | BIT(METHOD_PATCH) | BIT(METHOD_DELETE) },
		{ "POST", "/healthz", BIT(METHOD_GET) },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct span identifier = { NULL, 0 };
		unsigned allowed;

		if (find(cases[i].method, cases[i].path, &allowed, &identifier) != NULL ||
		    allowed != cases[i].allowed)
			fail_msg("%s %s: %x", cases[i].method, cases[i].path, allowed);
	}
}

/* Rules that a new row could break without anybody noticing. */
static void test_table(void **state)
{
	size_t count = 0;
	const struct route *routes = routes_all(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		const struct route *r = &routes[i];

		/* Whatever is under /v1 needs a key, and nothing else does. */
		assert_int_equal(strncmp(r->pattern, "/v1/", 4) == 0, r->scopes != 0);
		assert_int_equal((r->flags & ROUTE_BODY) != 0, r->request_schema != NULL);
		assert_true(r->reply_schema != NULL || r->status == 204 ||
			    (r->flags & ROUTE_PLAIN) != 0);
		for (size_t n = 0; n < i; n++) {
			assert_string_not_equal(r->operation_id, routes[n].operation_id);
			assert_false(r->method == routes[n].method &&
				     strcmp(r->pattern, routes[n].pattern) == 0);
		}
		if (r->query == NULL)
			continue;
		size_t rows = 0;

		while (r->query[rows].name != NULL)
			rows++;
		assert_true(rows <= QUERY_ROWS_MAX);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = { TEST(test_found), TEST(test_not_found),
					    TEST(test_table) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
