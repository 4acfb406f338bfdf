/* test_health.c - alive, ready or not and why, and what was counted.
 * SPDX-License-Identifier: MIT */
#include "api/health.h"

#include "api/exchange.h"
#include "base/metrics.h"

#include "json_look.h"

static enum err store_rc; /* how the store is */

enum err store_health(struct store *s)
{
	(void)s;
	return store_rc;
}

static const struct conf conf = { .api = { .body_max_bytes = 10, .batch_max_bytes = 10 } };
static const struct api api = { .conf = &conf };
static const struct channels no_channels;
static struct exchange x;

static int setup(void **state)
{
	(void)state;
	store_rc = ERR_OK;
	exchange_init(&x, &api);
	exchange_reset(&x);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	exchange_finish(&x);
	return 0;
}

static void alive_whatever_the_store_says(void **state)
{
	(void)state;
	store_rc = ERR_CORRUPT;
	health_live(&x);
	assert_int_equal(x.reply.status, 200);
	assert_string_equal(x.reply.body.ptr, "{\"status\":\"ok\"}");
	schema_check(&no_channels, buf_view(&x.reply.body), "", "Health");
}

static void ready_while_the_store_commits(void **state)
{
	static const struct {
		enum err rc;
		int status;
	} cases[] = {
		{ ERR_OK, 200 },      { ERR_BUSY, 503 },   { ERR_FULL, 503 },
		{ ERR_IO, 503 },      { ERR_OK, 200 }, /* it recovered */
		{ ERR_CORRUPT, 503 }, { ERR_MEMORY, 503 }, { ERR_STOPPING, 503 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		exchange_reset(&x);
		store_rc = cases[i].rc;
		health_ready(&x);
		assert_int_equal(x.reply.status, cases[i].status);
		assert_int_equal(x.reply.cause, cases[i].rc);
		if (cases[i].rc == ERR_OK) {
			assert_int_equal(x.reply.headers.len, 0);
			assert_string_equal(x.reply.body.ptr, "{\"status\":\"ready\"}");
			continue;
		}
		assert_string_equal(x.reply.headers.ptr, "Retry-After: 5\r\n");
		assert_non_null(strstr(x.reply.body.ptr, err_text(cases[i].rc)));
		json_look("not ready", buf_view(&x.reply.body),
			  LOOKS({ "success", "false" }, { "status", "503" },
				{ "error|type", "\"UnavailableError\"" }));
	}
}

static void metrics_are_prometheus_text(void **state)
{
	char want[64];

	(void)state;
	metric_add(METRIC_EVENTS_ACCEPTED, 41);
	health_metrics(&x);
	assert_int_equal(x.reply.status, 200);
	assert_string_equal(x.reply.content_type, "text/plain; version=0.0.4; charset=utf-8");
	snprintf(want, sizeof(want), " %lld\n", (long long)metric_get(METRIC_EVENTS_ACCEPTED));
	assert_non_null(strstr(x.reply.body.ptr, want));
	assert_int_equal(x.reply.body.ptr[x.reply.body.len - 1], '\n');
	/* The next reply is JSON again. */
	exchange_reset(&x);
	health_live(&x);
	assert_string_equal(x.reply.content_type, "application/json");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(alive_whatever_the_store_says),
		TEST(ready_while_the_store_commits),
		TEST(metrics_are_prometheus_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
