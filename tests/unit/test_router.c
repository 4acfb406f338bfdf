/* test_router.c - what a request meets on its way, in which order, and what is
 * kept of it. Everything behind is real but the engine.
 * SPDX-License-Identifier: MIT */
#include "api/router.h"

#include <fcntl.h>

#include "base/metrics.h"

#include "api_world.h"
#include "fcgi_stream.h"

enum { BODY_MAX_BYTES = 2000, BATCH_MAX_BYTES = 4000 }; /* the world's caps */

static struct api_world w;
/* Keys of one organization: for all, for one thing, revoked. */
static char all_key[KEY_TEXT_BYTES], read_key[KEY_TEXT_BYTES], publish_key[KEY_TEXT_BYTES],
	old_key[KEY_TEXT_BYTES];

static void key_add(unsigned scopes, char *out)
{
	assert_int_equal(access_key_add(w.api.access, "org_aaaaaaaaaa", scopes, false, out, NULL),
			 ERR_OK);
}

static int setup(void **state)
{
	(void)state;
	api_world_start(&w);
	key_add(SCOPE_ALL, all_key);
	key_add(SCOPE_READ, read_key);
	key_add(SCOPE_PUBLISH, publish_key);
	key_add(SCOPE_ALL, old_key);
	assert_int_equal(access_key_revoke(w.api.access, old_key, NULL), ERR_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	api_world_end(&w);
	return 0;
}

struct visit {
	const char *method, *uri;
	const char *key;   /* NULL: no Authorization */
	const char *extra; /* one more parameter; NULL: none */
	const char *body;
};

static void visit(const struct visit *v)
{
	char method[32], uri[512], authorization[128];
	char *params[5] = { method, uri };
	FCGX_Stream in = fcgi_stream_of(span_of(v->body == NULL ? "" : v->body));
	size_t count = 2;

	snprintf(method, sizeof(method), "REQUEST_METHOD=%s", v->method);
	snprintf(uri, sizeof(uri), "REQUEST_URI=%s", v->uri);
	snprintf(authorization, sizeof(authorization), "HTTP_AUTHORIZATION=Bearer %s",
		 v->key == NULL ? "" : v->key);
	if (v->key != NULL)
		params[count++] = authorization;
	if (v->extra != NULL)
		params[count++] = (char *)(uintptr_t)v->extra;
	router_run(&w.x, params, &in);
}

struct visit_case {
	const char *label;
	struct visit visit;
	int status;
	const char *header; /* NULL: none */
	const char *has;    /* in the body; NULL: anything */
};

static void visits_check(const struct visit_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		visit(&cases[i].visit);
		const struct reply *p = &w.x.reply;
		const char *headers = p->headers.len == 0 ? "" : p->headers.ptr;

		reply_check(&w, cases[i].label, cases[i].status, NULL);
		if (strcmp(headers, cases[i].header == NULL ? "" : cases[i].header) != 0)
			fail_msg("%s: headers %s", cases[i].label, headers);
		if (cases[i].has != NULL && strstr(p->body.ptr, cases[i].has) == NULL)
			fail_msg("%s: %s", cases[i].label, p->body.ptr);
	}
}

/* --- Who and where --------------------------------------------------------------- */

#define BEARER "WWW-Authenticate: Bearer\r\n"

/* A stranger cannot tell what exists: all below /v1 is 401 alike. */
static void the_key_comes_first(void **state)
{
	static const struct visit_case cases[] = {
		{ "no key",
		  { "GET", "/v1/deliveries", NULL, NULL, NULL },
		  401,
		  BEARER,
		  "An API key is needed" },
		{ "no such path",
		  { "GET", "/v1/nothing", NULL, NULL, NULL },
		  401,
		  BEARER,
		  "An API key is needed" },
		{ "no such method", { "PUT", "/v1/events", NULL, NULL, NULL }, 401, BEARER, NULL },
		{ "the bare prefix", { "GET", "/v1", NULL, NULL, NULL }, 401, BEARER, NULL },
		{ "an unsound path",
		  { "GET", "/v1/../healthz", NULL, NULL, NULL },
		  401,
		  BEARER,
		  NULL },
		{ "a broken body", { "POST", "/v1/events", NULL, NULL, "{" }, 401, BEARER, NULL },
		{ "empty",
		  { "GET", "/v1/deliveries", "", NULL, NULL },
		  401,
		  BEARER,
		  "An API key is needed" },
		{ "unknown",
		  { "GET", "/v1/deliveries", "sk_live_00000000000000000000000000000000", NULL,
		    NULL },
		  401,
		  BEARER,
		  "The API key is not valid" },
		{ "revoked",
		  { "GET", "/v1/deliveries", old_key, NULL, NULL },
		  401,
		  BEARER,
		  "not valid" },
		{ "no key of ours",
		  { "GET", "/v1/deliveries", "Basic", NULL, NULL },
		  401,
		  BEARER,
		  "not valid" },
		{ "valid",
		  { "GET", "/v1/deliveries", all_key, NULL, NULL },
		  200,
		  NULL,
		  "\"results\"" },
		/* Elsewhere no key is needed, nor looked at. */
		{ "health", { "GET", "/healthz", NULL, NULL, NULL }, 200, NULL, "ok" },
		{ "health with rubbish",
		  { "GET", "/healthz", "rubbish", NULL, NULL },
		  200,
		  NULL,
		  "ok" },
		{ "description",
		  { "GET", "/openapi.json", NULL, NULL, NULL },
		  200,
		  NULL,
		  "\"openapi\"" },
		{ "like the prefix",
		  { "GET", "/v10", NULL, NULL, NULL },
		  404,
		  NULL,
		  "nothing at this path" },
		{ "the top", { "GET", "/", NULL, NULL, NULL }, 404, NULL, NULL },
		{ "nothing at all", { "GET", "", NULL, NULL, NULL }, 404, NULL, NULL },
	};

	(void)state;
	visits_check(cases, COUNT_OF(cases));
}

static void paths_and_methods(void **state)
{
	static const struct visit_case cases[] = {
		{ "unknown",
		  { "GET", "/v1/nothing", all_key, NULL, NULL },
		  404,
		  NULL,
		  "NotFoundError" },
		{ "unsound", { "GET", "/v1//deliveries", all_key, NULL, NULL }, 404, NULL, NULL },
		{ "a slash more",
		  { "GET", "/v1/deliveries/", all_key, NULL, NULL },
		  200,
		  NULL,
		  NULL },
		{ "HEAD", { "HEAD", "/v1/deliveries", all_key, NULL, NULL }, 200, NULL, NULL },
		{ "one method",
		  { "DELETE", "/v1/events", all_key, NULL, NULL },
		  405,
		  "Allow: POST\r\n",
		  "MethodNotAllowedError" },
		{ "with HEAD",
		  { "POST", "/healthz", NULL, NULL, NULL },
		  405,
		  "Allow: GET, HEAD\r\n",
		  NULL },
		{ "several",
		  { "POST", "/v1/organizations/webhooks/wh_1", all_key, NULL, NULL },
		  405,
		  "Allow: GET, HEAD, PUT, PATCH, DELETE\r\n",
		  "GET, HEAD, PUT, PATCH, DELETE" },
		{ "no method at all",
		  { "", "/healthz", NULL, NULL, NULL },
		  405,
		  "Allow: GET, HEAD\r\n",
		  NULL },
		{ "the path's id",
		  { "GET", "/v1/events/a%2Eb", all_key, NULL, NULL },
		  404,
		  NULL,
		  "no such event" },
	};

	(void)state;
	visits_check(cases, COUNT_OF(cases));
	assert_true(span_is(w.x.identifier, "a.b"));
}

static void scopes(void **state)
{
	static const struct visit_case cases[] = {
		{ "read only", { "GET", "/v1/deliveries", read_key, NULL, NULL }, 200, NULL, NULL },
		{ "not to publish",
		  { "POST", "/v1/events", read_key, NULL, "{" },
		  403,
		  NULL,
		  "lacks the scope for this (publish)" },
		{ "not to change",
		  { "POST", "/v1/organizations/webhooks", read_key, NULL, "{" },
		  403,
		  NULL,
		  "(manage)" },
		{ "publish only",
		  { "POST", "/v1/events", publish_key, NULL, "{}" },
		  422,
		  NULL,
		  NULL },
		{ "not to read",
		  { "GET", "/v1/deliveries?limit=x", publish_key, NULL, NULL },
		  403,
		  NULL,
		  "(read" },
		/* Path and method come before the scope. */
		{ "no such path",
		  { "GET", "/v1/nothing", publish_key, NULL, NULL },
		  404,
		  NULL,
		  NULL },
	};

	(void)state;
	visits_check(cases, COUNT_OF(cases));
}

/* --- Query and body -------------------------------------------------------------- */

#define HOOKS "/v1/organizations/webhooks"

static void queries(void **state)
{
	static const struct visit_case cases[] = {
		{ "good",
		  { "GET", "/v1/deliveries?limit=5", all_key, NULL, NULL },
		  200,
		  NULL,
		  "\"page_size\":5" },
		{ "bad",
		  { "GET", "/v1/deliveries?limit=0", all_key, NULL, NULL },
		  422,
		  NULL,
		  "[\"query\",\"limit\"]" },
		{ "unknown",
		  { "GET", "/v1/deliveries?limti=5", all_key, NULL, NULL },
		  422,
		  NULL,
		  "[\"query\",\"limti\"]" },
		{ "two",
		  { "GET", "/v1/deliveries?limit=x&state=y", all_key, NULL, NULL },
		  422,
		  NULL,
		  "[\"query\",\"state\"]" },
		{ "forgotten again",
		  { "GET", "/v1/deliveries", all_key, NULL, NULL },
		  200,
		  NULL,
		  "\"page_size\":100" },
		/* With a body, its faults are told as well, and nothing is done. */
		{ "query and body",
		  { "POST", HOOKS "/list?limit=0", all_key, NULL, "{\"is_active\":1}" },
		  422,
		  NULL,
		  "[\"query\",\"limit\"]" },
		{ "the body's part",
		  { "POST", HOOKS "/list?limit=0", all_key, NULL, "{\"is_active\":1}" },
		  422,
		  NULL,
		  "[\"body\",\"is_active\"]" },
		{ "a good body",
		  { "POST", HOOKS "/list?limit=0", all_key, NULL, "{}" },
		  422,
		  NULL,
		  "[\"query\",\"limit\"]" },
	};

	(void)state;
	visits_check(cases, COUNT_OF(cases));
}

static void bodies(void **state)
{
	static char fits[BODY_MAX_BYTES + 1], over[BODY_MAX_BYTES + 2], batch[BATCH_MAX_BYTES + 2];
	static const struct visit_case cases[] = {
		{ "good",
		  { "POST", "/v1/events", all_key, NULL, "{\"event_type\":\"a.b\"}" },
		  202,
		  NULL,
		  "evt_" },
		{ "its type",
		  { "POST", "/v1/events", all_key, "CONTENT_TYPE=text/plain", "{}" },
		  415,
		  NULL,
		  "UnsupportedMediaTypeError" },
		{ "no type matters without a body",
		  { "POST", "/v1/events", all_key, "CONTENT_TYPE=text/plain", "" },
		  422,
		  NULL,
		  NULL },
		{ "too short",
		  { "POST", "/v1/events", all_key, "CONTENT_LENGTH=9", "{}" },
		  400,
		  NULL,
		  "not as long as Content-Length says" },
		{ "said to be too long",
		  { "POST", "/v1/events", all_key, "CONTENT_LENGTH=2001", "{}" },
		  413,
		  NULL,
		  "at most 2000 bytes" },
		{ "just fits", { "POST", "/v1/events", all_key, NULL, fits }, 202, NULL, NULL },
		{ "too long",
		  { "POST", "/v1/events", all_key, NULL, over },
		  413,
		  NULL,
		  "PayloadTooLargeError" },
		/* Batches have a cap of their own. */
		{ "a long batch",
		  { "POST", "/v1/events/batch", all_key, NULL, over },
		  422,
		  NULL,
		  NULL },
		{ "too long a batch",
		  { "POST", "/v1/events/batch", all_key, NULL, batch },
		  413,
		  NULL,
		  "at most 4000 bytes" },
		/* Where none is taken it is not read. */
		{ "not asked for",
		  { "GET", "/v1/deliveries", all_key, NULL, over },
		  200,
		  NULL,
		  NULL },
		{ "may be absent", { "POST", HOOKS "/list", all_key, NULL, "" }, 200, NULL, NULL },
	};
	const int start = snprintf(fits, sizeof(fits), "{\"event_type\":\"a.b\"}");

	(void)state;
	memset(fits + start, ' ', BODY_MAX_BYTES - (size_t)start);
	memcpy(over, fits, BODY_MAX_BYTES);
	over[BODY_MAX_BYTES] = ' ';
	memset(batch, ' ', BATCH_MAX_BYTES + 1);
	visits_check(cases, COUNT_OF(cases));
}

static void a_body_that_breaks_off(void **state)
{
	char method[] = "REQUEST_METHOD=POST", uri[] = "REQUEST_URI=/v1/events";
	char length[] = "CONTENT_LENGTH=20", authorization[128];
	char *params[] = { method, uri, length, authorization, NULL };
	FCGX_Stream in = fcgi_stream_of(span_of("{\"event"));

	(void)state;
	snprintf(authorization, sizeof(authorization), "HTTP_AUTHORIZATION=Bearer %s", all_key);
	in.FCGI_errno = FCGX_PROTOCOL_ERROR;
	router_run(&w.x, params, &in);
	reply_check(&w, "broken", 400, LOOKS({ "error|message", "\"The body broke off\"" }));
}

/* --- What is kept ---------------------------------------------------------------- */

static void one_request_leaves_nothing_to_the_next(void **state)
{
	(void)state;
	visit(&(struct visit){ "GET", "/v1/deliveries", all_key, NULL, NULL });
	assert_int_equal(w.x.caller.organization, w.store.organization);
	assert_int_equal(w.x.caller.scopes, SCOPE_ALL);
	visit(&(struct visit){ "GET", "/healthz", NULL, NULL, NULL });
	assert_int_equal(w.x.caller.organization, 0);
	assert_int_equal(w.x.caller.scopes, 0);
	visit(&(struct visit){ "GET", "/nowhere", NULL, NULL, NULL });
	assert_null(w.x.route);
	assert_null(w.x.identifier.ptr);
	visit(&(struct visit){ "GET", "/v1/deliveries", NULL, NULL, NULL });
	reply_check(&w, "no key of the last one", 401, NULL);
}

static void replies_are_counted_by_class(void **state)
{
	static const struct {
		struct visit visit;
		enum metric wants;
	} cases[] = {
		{ { "GET", "/healthz", NULL, NULL, NULL }, METRIC_REQUESTS_2XX },
		{ { "GET", "/nowhere", NULL, NULL, NULL }, METRIC_REQUESTS_4XX },
		{ { "GET", "/v1/deliveries", NULL, NULL, NULL }, METRIC_REQUESTS_4XX },
		{ { "GET", "/v1/deliveries?x=1", all_key, NULL, NULL }, METRIC_REQUESTS_4XX },
		{ { "POST", "/v1/events", all_key, NULL, "{\"event_type\":\"a.b\"}" },
		  METRIC_REQUESTS_2XX },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int64_t before[METRIC_COUNT];

		for (int m = METRIC_REQUESTS_2XX; m <= METRIC_REQUESTS_5XX; m++)
			before[m] = metric_get((enum metric)m);
		visit(&cases[i].visit);
		for (int m = METRIC_REQUESTS_2XX; m <= METRIC_REQUESTS_5XX; m++)
			assert_int_equal(metric_get((enum metric)m) - before[m],
					 m == (int)cases[i].wants);
	}
}

/* What goes to stderr while many requests fail; out has room for out_bytes. */
static void failures_catch(int count, char *out, size_t out_bytes)
{
	char path[] = "/tmp/tocsin-test-XXXXXX";
	const int file = mkstemp(path), saved = dup(STDERR_FILENO);

	assert_true(file >= 0 && saved >= 0);
	dup2(file, STDERR_FILENO);
	for (int i = 0; i < count; i++)
		visit(&(struct visit){ "POST", "/v1/events", all_key, NULL,
				       "{\"event_type\":\"a.b\"}" });
	dup2(saved, STDERR_FILENO);
	close(saved);
	const ssize_t len = pread(file, out, out_bytes - 1, 0);

	assert_true(len >= 0);
	out[len] = '\0';
	close(file);
	unlink(path);
}

/* A full disk fails thousands of requests a second, and says so once a second. */
static void failures_are_told_but_not_each(void **state)
{
	const int64_t before = metric_get(METRIC_REQUESTS_5XX);
	char text[4096];
	size_t lines = 0;

	(void)state;
	world_sql(&w.store, "CREATE TRIGGER stop BEFORE INSERT ON event BEGIN "
			    "SELECT raise(ROLLBACK, 'no'); END");
	failures_catch(20, text, sizeof(text));
	for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	if (lines < 1 || lines > 10)
		fail_msg("%zu lines: %s", lines, text);
	assert_int_equal(metric_get(METRIC_REQUESTS_5XX) - before, 20);
	assert_non_null(strstr(text, "method=POST route=/v1/events key=key_"));
	assert_non_null(strstr(text, "reason=\""));
	assert_null(strstr(text, all_key));
	assert_null(strstr(text, "a.b"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_key_comes_first),
		TEST(paths_and_methods),
		TEST(scopes),
		TEST(queries),
		TEST(bodies),
		TEST(a_body_that_breaks_off),
		TEST(one_request_leaves_nothing_to_the_next),
		TEST(replies_are_counted_by_class),
		TEST(failures_are_told_but_not_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
