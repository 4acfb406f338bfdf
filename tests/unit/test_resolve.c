/* test_resolve.c - cache times, the guard, the two lanes, a stuck lookup.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "delivery/resolve.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool held;          /* names that start with "slow" wait for it */
static const char *answer; /* NULL: no such name */
static unsigned calls;
static unsigned slow_now;
static unsigned wakes;

static int fake(const char *host, const struct addrinfo *hints, struct addrinfo **out)
{
	struct addrinfo numeric = *hints;
	const char *text;

	pthread_mutex_lock(&lock);
	calls++;
	if (strncmp(host, "slow", 4) == 0) {
		slow_now++;
		pthread_cond_broadcast(&changed);
		while (held)
			pthread_cond_wait(&changed, &lock);
		slow_now--;
		pthread_cond_broadcast(&changed);
	}
	text = answer;
	pthread_mutex_unlock(&lock);
	numeric.ai_flags = AI_NUMERICHOST;
	return text == NULL ? EAI_NONAME : getaddrinfo(text, NULL, &numeric, out);
}

static void wake(void *ctx)
{
	(void)ctx;
	pthread_mutex_lock(&lock);
	wakes++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void hold(bool on)
{
	pthread_mutex_lock(&lock);
	held = on;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void say(const char *text)
{
	pthread_mutex_lock(&lock);
	answer = text;
	pthread_mutex_unlock(&lock);
}

static size_t collect_next(struct resolver *r, int64_t now_ms)
{
	pthread_mutex_lock(&lock);
	while (wakes == 0)
		pthread_cond_wait(&changed, &lock);
	wakes = 0;
	pthread_mutex_unlock(&lock);
	return resolver_collect(r, now_ms);
}

static void wait_slow(unsigned count)
{
	pthread_mutex_lock(&lock);
	while (slow_now != count)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static const struct guard strict;

static struct resolver *start(unsigned threads, const char *text)
{
	held = false;
	answer = text;
	calls = 0;
	wakes = 0;
	return resolver_create(threads, &strict, fake, wake, NULL);
}

static void test_cache(void **state)
{
	struct resolver *r = start(2, "8.8.8.8");

	(void)state;
	assert_int_equal(resolver_find(r, "a", 0).state, RESOLVE_PENDING);
	assert_int_equal(resolver_find(r, "a", 1).state, RESOLVE_PENDING);
	assert_int_equal(collect_next(r, 10), 1);
	assert_string_equal(resolver_find(r, "a", 60009).addresses, "8.8.8.8");
	assert_int_equal(calls, 1);
	say("2606:4700::1");
	assert_string_equal(resolver_find(r, "a", 60010).addresses, "8.8.8.8");
	assert_int_equal(collect_next(r, 60020), 1);
	assert_string_equal(resolver_find(r, "a", 60021).addresses, "[2606:4700::1]");
	assert_int_equal(calls, 2);
	say(NULL); /* a failed refresh keeps the old answer … */
	(void)resolver_find(r, "a", 130000);
	assert_int_equal(collect_next(r, 130001), 1);
	assert_int_equal(resolver_find(r, "a", 130002).state, RESOLVE_OK);
	say("10.0.0.1"); /* … a refused one does not */
	(void)resolver_find(r, "a", 140001);
	assert_int_equal(collect_next(r, 140002), 1);
	assert_int_equal(resolver_find(r, "a", 140003).state, RESOLVE_REFUSED);
	resolver_destroy(r);
}

static void test_negative(void **state)
{
	static const int64_t keeps[] = { 10000, 20000, 40000, 60000, 60000 };
	struct resolver *r = start(1, NULL);
	int64_t now = 0;

	(void)state;
	for (size_t i = 0; i < sizeof keeps / sizeof keeps[0]; i++) {
		(void)resolver_find(r, "b", now);
		assert_int_equal(collect_next(r, now), 1);
		now += keeps[i];
		assert_int_equal(resolver_find(r, "b", now - 1).state, RESOLVE_FAILED);
		assert_non_null(strstr(resolver_find(r, "b", now - 1).reason, "lookup failed: "));
		assert_int_equal(calls, i + 1);
	}
	resolver_destroy(r);
}

static void test_refused(void **state)
{
	struct resolver *r = start(1, "127.0.0.1");

	(void)state;
	(void)resolver_find(r, "c", 0);
	assert_int_equal(collect_next(r, 0), 1);
	assert_int_equal(resolver_find(r, "c", 1).state, RESOLVE_REFUSED);
	assert_string_equal(resolver_find(r, "c", 1).reason,
			    "address refused: 127.0.0.0/8 loopback");
	resolver_destroy(r);
}

static void test_lanes(void **state)
{
	static const char *const slow[] = { "slow1", "slow2", "slow3", "slow4", "slow5" };
	struct resolver *r = start(4, "8.8.8.8");

	(void)state;
	(void)resolver_find(r, "good", 0);
	assert_int_equal(collect_next(r, 0), 1);
	hold(true);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(resolver_find(r, slow[i], 60000).state, RESOLVE_PENDING);
	wait_slow(2);
	assert_int_equal(resolver_find(r, "good", 60000).state, RESOLVE_OK);
	assert_int_equal(collect_next(r, 60001), 1); /* not behind the slow ones */
	assert_int_equal(slow_now, 2);
	assert_int_equal(resolver_collect(r, 90000), 5); /* given up */
	assert_string_equal(resolver_find(r, "slow1", 90000).reason, "name lookup timed out");
	hold(false);
	for (size_t got = 0; got < 5;)
		got += collect_next(r, 90001);
	assert_int_equal(resolver_find(r, "slow5", 90002).state, RESOLVE_OK);
	assert_int_equal(calls, 7);
	resolver_destroy(r);
}

static void test_destroy_stuck(void **state)
{
	struct resolver *r = start(2, "8.8.8.8");

	(void)state;
	hold(true);
	(void)resolver_find(r, "slow1", 0);
	(void)resolver_find(r, "slow2", 0);
	wait_slow(1);
	resolver_destroy(r); /* returns although the thread does not */
	assert_int_equal(slow_now, 1);
	hold(false);
	wait_slow(0);
	assert_int_equal(wakes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cache),         cmocka_unit_test(test_negative),
		cmocka_unit_test(test_refused),       cmocka_unit_test(test_lanes),
		cmocka_unit_test(test_destroy_stuck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
