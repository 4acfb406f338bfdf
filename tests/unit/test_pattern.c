/* test_pattern.c - event types and what matches them.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "model/pattern.h"

static void test_types(void **state)
{
	static const struct {
		const char *text;
		bool type, pattern;
	} cases[] = {
		{ "cluster.created", true, true },
		{ "com.example.order.created", true, true },
		{ "A-b_9.c", true, true },
		{ "ping", false, false },
		{ "ping.*", false, true },
		{ "a.b.*", false, true },
		{ "*", false, true },
		{ "", false, false },
		{ ".", false, false },
		{ ".a.b", false, false },
		{ "a.b.", false, false },
		{ "a..b", false, false },
		{ "a.b c", false, false },
		{ "a.\xC3\xBC", false, false },
		{ "a.*.b", false, false },
		{ "*.b", false, false },
		{ ".*", false, false },
		{ "a*", false, false },
		{ "a.b*", false, false },
		{ "**", false, false },
		{ "a..*", false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct span text = span_of(cases[i].text);

		if (event_type_is_valid(text) != cases[i].type ||
		    pattern_is_valid(text) != cases[i].pattern)
			fail_msg("'%s'", cases[i].text);
	}
}

static void test_length(void **state)
{
	char text[EVENT_TYPE_MAX_BYTES + 2];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[1] = '.';
	assert_true(event_type_is_valid((struct span){ text, EVENT_TYPE_MAX_BYTES }));
	assert_true(pattern_is_valid((struct span){ text, EVENT_TYPE_MAX_BYTES }));
	assert_false(event_type_is_valid((struct span){ text, EVENT_TYPE_MAX_BYTES + 1 }));
	assert_false(pattern_is_valid((struct span){ text, EVENT_TYPE_MAX_BYTES + 1 }));
}

static void test_matches(void **state)
{
	static const struct {
		const char *pattern, *type;
		bool want;
	} cases[] = {
		{ "cluster.created", "cluster.created", true },
		{ "cluster.created", "cluster.created.now", false },
		{ "cluster.*", "cluster.created", true },
		{ "cluster.*", "cluster.a.b.c", true },
		{ "cluster.*", "cluster", false },
		{ "cluster.*", "clusters.created", false },
		{ "cluster.a.*", "cluster.b", false },
		{ "*", "cluster.created", true },
		{ "*", "webhook.disabled", false },
		{ "webhook.*", "webhook.disabled", true },
		{ "webhook.*", "webhook.a.b", true },
		{ "webhook.a.*", "webhook.a.b", false },
		{ "webhook.disabled", "webhook.disabled", true },
		{ "webhook.disabled", "webhook.enabled", false },
		{ "webhooks.*", "webhooks.x", true },
		{ "*", "webhooks.x", true },
		{ "Cluster.*", "cluster.x", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		if (pattern_matches(span_of(cases[i].pattern), span_of(cases[i].type)) !=
		    cases[i].want)
			fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].type);
	}
	assert_true(event_type_is_operational(span_of("webhook.x")));
	assert_false(event_type_is_operational(span_of("webhook.")));
	assert_false(event_type_is_operational(span_of("webhooks.x")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_matches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
