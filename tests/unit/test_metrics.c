/* test_metrics.c - counting from many threads, and the text of a scrape.
 * SPDX-License-Identifier: MIT */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/metrics.h"

static char *print(void)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	metrics_print(&b);
	assert_int_equal(b.failed, ERR_OK);
	return buf_take(&b);
}

static void expect_line(const char *want)
{
	char *text = print();
	const char *found = strstr(text, want);

	if (found == NULL || (found != text && found[-1] != '\n') || found[strlen(want)] != '\n')
		fail_msg("missing: %s", want);
	free(text);
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, part)) != NULL; at++)
		count++;
	return count;
}

static void test_counters_and_gauges(void **state)
{
	(void)state;
	expect_line("tocsin_events_accepted_total 0");
	metric_add(METRIC_EVENTS_ACCEPTED, 1);
	metric_add(METRIC_EVENTS_ACCEPTED, 41);
	assert_int_equal(metric_get(METRIC_EVENTS_ACCEPTED), 42);
	metric_set(METRIC_DELIVERIES_WAITING, 10);
	metric_add(METRIC_DELIVERIES_WAITING, -3);
	metric_add(METRIC_REQUESTS_4XX, 2);
	metric_set(METRIC_OLDEST_READY_MS, 1500);
	metric_set(METRIC_OLDEST_WINDOW_MS, 7);
	expect_line("tocsin_events_accepted_total 42");
	expect_line("tocsin_deliveries_waiting 7");
	expect_line("tocsin_http_requests_total{class=\"2xx\"} 0");
	expect_line("tocsin_http_requests_total{class=\"4xx\"} 2");
	expect_line("tocsin_oldest_due_seconds{reason=\"ready\"} 1.500");
	expect_line("tocsin_oldest_due_seconds{reason=\"window\"} 0.007");
	expect_line("tocsin_oldest_due_seconds{reason=\"resting\"} 0.000");
	expect_line("# TYPE tocsin_events_accepted_total counter");
	expect_line("# TYPE tocsin_deliveries_waiting gauge");
}

static void test_histograms(void **state)
{
	(void)state;
	histogram_record(HISTOGRAM_COMMIT_SECONDS, 0.0005); /* an end belongs to its bucket */
	histogram_record(HISTOGRAM_COMMIT_SECONDS, 0.00051);
	histogram_record(HISTOGRAM_COMMIT_SECONDS, 30);
	histogram_record(HISTOGRAM_COMMIT_SECONDS, 31.25);
	expect_line("tocsin_store_commit_seconds_bucket{le=\"0.0005\"} 1");
	expect_line("tocsin_store_commit_seconds_bucket{le=\"0.001\"} 2");
	expect_line("tocsin_store_commit_seconds_bucket{le=\"10\"} 2");
	expect_line("tocsin_store_commit_seconds_bucket{le=\"30\"} 3");
	expect_line("tocsin_store_commit_seconds_bucket{le=\"+Inf\"} 4");
	expect_line("tocsin_store_commit_seconds_sum 61.251010");
	expect_line("tocsin_store_commit_seconds_count 4");
	expect_line("# TYPE tocsin_store_commit_seconds histogram");
	histogram_record(HISTOGRAM_COMMIT_UNITS, 1);
	histogram_record(HISTOGRAM_COMMIT_UNITS, 200);
	histogram_record(HISTOGRAM_COMMIT_UNITS, 300);
	expect_line("tocsin_store_commit_units_bucket{le=\"1\"} 1");
	expect_line("tocsin_store_commit_units_bucket{le=\"128\"} 1");
	expect_line("tocsin_store_commit_units_bucket{le=\"256\"} 2");
	expect_line("tocsin_store_commit_units_bucket{le=\"+Inf\"} 3");
	expect_line("tocsin_store_commit_units_sum 501.000000");
}

/* Clocks step back and sums must not run away. */
static void test_odd_values(void **state)
{
	(void)state;
	histogram_record(HISTOGRAM_ATTEMPT_SECONDS, -5);
	histogram_record(HISTOGRAM_ATTEMPT_SECONDS, (double)NAN);
	expect_line("tocsin_attempt_seconds_bucket{le=\"0.0005\"} 2");
	expect_line("tocsin_attempt_seconds_sum 0.000000");
	histogram_record(HISTOGRAM_ATTEMPT_SECONDS, (double)INFINITY);
	expect_line("tocsin_attempt_seconds_bucket{le=\"30\"} 2");
	expect_line("tocsin_attempt_seconds_count 3");
}

/* Every enum value has a row; a name's head stands once, before its samples. */
static void test_table_is_whole(void **state)
{
	char *text = print(), *save = NULL, name[100] = "";
	size_t samples = 0, heads = 0;

	(void)state;
	assert_null(strstr(text, "(null)"));
	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "# HELP ", 7) == 0) {
			const size_t len = strcspn(line + 7, " ");

			assert_in_range(len, 8, sizeof(name) - 1);
			memcpy(name, line + 7, len);
			name[len] = '\0';
			assert_true(strlen(line + 7) > len + 1); /* some help */
			heads++;
		} else if (strncmp(line, "# TYPE ", 7) == 0) {
			assert_memory_equal(line + 7, name, strlen(name));
		} else {
			assert_memory_equal(line, name, strlen(name));
			assert_memory_equal(line, "tocsin_", 7);
			samples++;
		}
	}
	free(text);
	assert_int_equal(heads, METRIC_COUNT - 4 + HISTOGRAM_COUNT);
	assert_int_equal(samples, METRIC_COUNT + 4 * (15 + 3) + (9 + 3));
	text = print();
	assert_int_equal(count_of(text, "# TYPE tocsin_http_requests_total "), 1);
	assert_int_equal(count_of(text, "# HELP tocsin_oldest_due_seconds "), 1);
	free(text);
}

static void *thread_count(void *arg)
{
	(void)arg;
	for (int i = 0; i < 10000; i++) {
		metric_add(METRIC_ATTEMPTS, 1);
		histogram_record(HISTOGRAM_ARRIVAL_SECONDS, 0.25);
	}
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thread_count, NULL), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	expect_line("tocsin_attempts_total 40000");
	expect_line("tocsin_arrival_seconds_count 40000");
	expect_line("tocsin_arrival_seconds_bucket{le=\"0.2\"} 0");
	expect_line("tocsin_arrival_seconds_bucket{le=\"0.5\"} 40000");
	expect_line("tocsin_arrival_seconds_sum 10000.000000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counters_and_gauges),
		cmocka_unit_test(test_histograms),
		cmocka_unit_test(test_odd_values),
		cmocka_unit_test(test_table_is_whole),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
