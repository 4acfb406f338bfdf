/* test_form.c - numbers that a webhook's body may hold. The rest of the form is
 * seen through webhooks (test_webhooks.c).
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "domain/form.h"

struct shape_configs {
	struct tocsin_span shape;
};

static const struct tocsin_field shape_fields[] = {
	{ .key = "shape",
	  .help = "S.",
	  .kind = TOCSIN_OBJECT,
	  .offset = offsetof(struct shape_configs, shape) },
	{ .key = NULL },
};

static char shape_name[] = "shape";
static struct channel shape_channel = {
	.name = shape_name,
	.plugin = { .vtable = { .name = "shape",
				.fields = shape_fields,
				.configs_bytes = sizeof(struct shape_configs) } },
};
static const struct channels channels = { &shape_channel, 1 };
static const struct conf conf = {
	.api = { .body_max_bytes = 65536, .depth_max = 16 },
	.limits = { .webhooks = 1, .channels = 1, .targets = 1, .event_types = 1 },
};

#define SHAPE(shape)                                                          \
	"{\"webhook_name\":\"n\",\"event_types\":[\"*\"],\"webhook_id\":1e9," \
	"\"channels\":[{\"channel\":\"shape\",\"configs\":{\"shape\":" shape "}}]}"

/* Whole numbers beyond 64 bits are refused, all others stored as they are written. */
static void test_long_numbers(void **state)
{
	static const struct {
		const char *label, *body, *stored; /* NULL: refused */
	} cases[] = {
		{ "one above", SHAPE("{\"a\":18446744073709551616}"), NULL },
		{ "one below", SHAPE("{\"\\\"\":[1,-9223372036854775809 ]}"), NULL },
		{ "many digits", SHAPE("{\"a\":{\"b\":100000000000000000000}}"), NULL },
		{ "the largest", SHAPE("{\"a\":18446744073709551615}"),
		  "{\"shape\":{\"a\":18446744073709551615}}" },
		{ "the smallest", SHAPE("{\"a\":-9223372036854775808}"),
		  "{\"shape\":{\"a\":-9223372036854775808}}" },
		{ "a fraction", SHAPE("{\"a\":18446744073709551616.0}"),
		  "{\"shape\":{\"a\":18446744073709551616.0}}" },
		{ "an exponent", SHAPE("{\"a\":-92233720368547758080E-1}"),
		  "{\"shape\":{\"a\":-92233720368547758080E-1}}" },
		{ "digits of a text", SHAPE("{\"\\\\ \\\" 18446744073709551616\":1}"),
		  "{\"shape\":{\"\\\\ \\\" 18446744073709551616\":1}}" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct webhook w = { 0 };
		struct faults faults;
		struct form form = {
			.conf = &conf, .channels = &channels, .kind = FORM_CREATE, .faults = &faults
		};

		faults_init(&faults);
		const enum err rc = form_read(&form, span_of(cases[i].body), &w);

		if (cases[i].stored == NULL) {
			assert_int_equal(rc, ERR_BAD_REQUEST);
			assert_int_equal(faults.count, 1);
			assert_non_null(strstr(faults.detail.ptr,
					       "[\"body\"],\"msg\":\"Whole numbers beyond 64 bits "
					       "cannot be kept exactly: write them as text\","
					       "\"type\":\"value_error\""));
		} else if (rc != ERR_OK || strcmp(w.channels[0].configs, cases[i].stored) != 0) {
			fail_msg("%s: %s", cases[i].label,
				 rc == ERR_OK ? w.channels[0].configs : faults.detail.ptr);
		}
		faults_finish(&faults);
		webhook_finish(&w);
	}
}

/* The server's own members are ignored, whatever they are. */
static void test_ignored_number(void **state)
{
	struct webhook w = { 0 };
	struct faults faults;
	struct form form = {
		.conf = &conf, .channels = &channels, .kind = FORM_PATCH, .faults = &faults
	};

	(void)state;
	faults_init(&faults);
	assert_int_equal(form_read(&form, span_of("{\"webhook_id\":18446744073709551616}"), &w),
			 ERR_OK);
	faults_finish(&faults);
	webhook_finish(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_long_numbers),
		cmocka_unit_test(test_ignored_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
