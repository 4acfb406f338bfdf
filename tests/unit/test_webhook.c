/* test_webhook.c - deep copies, wiping and matching of webhooks.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/webhook.h"

/* One with everything in it. */
static void sample_init(struct webhook *w)
{
	*w = (struct webhook){ .id = 7,
			       .organization = 2,
			       .public_id = "wh_0123456789",
			       .is_active = true,
			       .event_type_count = 2,
			       .channel_count = 2,
			       .secret_count = 1 };
	w->name = xstrdup("Orders");
	w->description = xstrdup("All of them");
	w->disabled_reason = xstrdup("gone");
	w->event_types = xcalloc(2, sizeof(*w->event_types));
	w->event_types[0] = xstrdup("order.*");
	w->event_types[1] = xstrdup("cluster.created");
	w->channels = xcalloc(2, sizeof(*w->channels));
	w->channels[0].name = xstrdup("webhook");
	w->channels[0].configs = xstrdup("{}");
	w->channels[1].name = xstrdup("sms");
	w->channels[1].configs = xstrdup("{\"phone_numbers\":[]}");
	w->channels[1].description = xstrdup("d");
	w->channels[1].disabled_reason = xstrdup("r");
	w->channels[1].target_count = 1;
	w->channels[1].targets = xcalloc(1, sizeof(*w->channels[1].targets));
	w->channels[1].targets[0].id = 11;
	w->channels[1].targets[0].value = xstrdup("+4930");
	memset(w->secrets[0].bytes, 0x5A, 24);
	w->secrets[0].len = 24;
}

static void test_copy(void **state)
{
	struct webhook w, copy;

	(void)state;
	sample_init(&w);
	webhook_copy(&w, &copy);
	assert_ptr_not_equal(copy.channels[1].targets[0].value, w.channels[1].targets[0].value);
	webhook_finish(&w);
	assert_string_equal(copy.public_id, "wh_0123456789");
	assert_string_equal(copy.name, "Orders");
	assert_string_equal(copy.disabled_reason, "gone");
	assert_string_equal(copy.event_types[1], "cluster.created");
	assert_string_equal(copy.channels[1].configs, "{\"phone_numbers\":[]}");
	assert_string_equal(copy.channels[1].targets[0].value, "+4930");
	assert_int_equal(copy.channels[1].targets[0].id, 11);
	assert_null(copy.channels[0].description);
	assert_int_equal(copy.secrets[0].len, 24);
	assert_int_equal(copy.secrets[0].bytes[23], 0x5A);
	webhook_finish(&copy);
}

static void test_copy_empty(void **state)
{
	const struct webhook w = { 0 };
	struct webhook copy;

	(void)state;
	webhook_copy(&w, &copy);
	assert_null(copy.event_types);
	assert_null(copy.channels);
	webhook_finish(&copy);
}

static void test_finish(void **state)
{
	static const struct webhook zero;
	struct webhook w;

	(void)state;
	sample_init(&w);
	webhook_finish(&w);
	assert_memory_equal(w.secrets, zero.secrets, sizeof(zero.secrets));
	assert_null(w.name);
	assert_int_equal(w.channel_count, 0);
	webhook_finish(&w);
	webhook_finish(NULL);
	webhook_channel_finish(NULL);
}

static void test_matches(void **state)
{
	struct webhook w;

	(void)state;
	sample_init(&w);
	assert_true(webhook_matches(&w, "order.made!", 10));
	assert_true(webhook_matches(&w, "cluster.created", 15));
	assert_false(webhook_matches(&w, "cluster.deleted", 15));
	assert_false(webhook_matches(&w, "order", 5));
	webhook_finish(&w);
	assert_false(webhook_matches(&w, "order.made", 10));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_copy_empty),
		cmocka_unit_test(test_finish),
		cmocka_unit_test(test_matches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
