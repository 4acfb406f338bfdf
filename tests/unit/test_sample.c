/* test_sample.c - configs made up from tables of every kind must pass the tables.
 * SPDX-License-Identifier: MIT */
#include "channel/sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { OUT_MAX_BYTES = 65536 };

struct all_configs {
	const char *text, *secret, *choice, *url, *email, *phone, *hook, *room;
	int64_t number, time_ms, size_bytes;
	double ratio;
	uint8_t flag;
	struct tocsin_list list, phones;
	struct tocsin_pairs pairs;
	struct tocsin_span object;
	const struct tocsin_template *template, *json_object, *json_list;
};

static const char *const choices[] = { "b", "a", NULL };

#define ROW(name, of_kind, member)                             \
	.key = (name), .help = "H.", .kind = TOCSIN_##of_kind, \
	.offset = offsetof(struct all_configs, member)

static const struct tocsin_field all_fields[] = {
	{ ROW("text", TEXT, text), .min = 30, .max = 40 },
	{ ROW("secret", TEXT, secret), .flags = TOCSIN_SECRET, .max = 8 },
	{ ROW("choice", CHOICE, choice), .choices = choices },
	{ ROW("url", URL, url) },
	{ ROW("email", EMAIL, email) },
	{ ROW("phone", PHONE, phone) },
	{ ROW("number", INT, number), .min = 5, .max = 6 },
	{ ROW("time", TIME_MS, time_ms), .flags = TOCSIN_IS_TIMEOUT, .min = 10, .max = 2500 },
	{ ROW("size", SIZE, size_bytes) },
	{ ROW("ratio", NUMBER, ratio), .min = -2, .max = -1 },
	{ ROW("flag", BOOL, flag) },
	{ ROW("list", LIST, list), .item = TOCSIN_EMAIL, .min = 3, .max = 4 },
	{ ROW("phones", LIST, phones), .item = TOCSIN_PHONE, .flags = TOCSIN_IS_TARGET, .max = 1 },
	{ ROW("pairs", PAIRS, pairs), .flags = TOCSIN_IS_HEADERS },
	{ ROW("object", OBJECT, object) },
	{ ROW("template", TEMPLATE, template), .flags = TOCSIN_REQUIRED },
	{ ROW("json_object", JSON_TEMPLATE, json_object), .item = TOCSIN_OBJECT },
	{ ROW("json_list", JSON_TEMPLATE, json_list), .item = TOCSIN_LIST },
	{ .key = NULL },
};

static const struct tocsin_field group_fields[] = {
	{ ROW("hook", URL, hook), .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET, .group = "one" },
	{ ROW("room", TEXT, room), .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET, .group = "two" },
	{ ROW("secret", TEXT, secret), .flags = TOCSIN_REQUIRED, .group = "two" },
	{ ROW("number", INT, number) },
	{ .key = NULL },
};

static const char *refused_key; /* what check() does not like; NULL: nothing */

static int fields_refuse(void *channel, const void *values, struct tocsin_fault *out)
{
	const struct all_configs *configs = values;

	(void)channel;
	if (refused_key == NULL || (strcmp(refused_key, "number") == 0 && configs->number == 0))
		return TOCSIN_OK;
	snprintf(out->key, sizeof(out->key), "%s", refused_key);
	snprintf(out->text, sizeof(out->text), "not this");
	return TOCSIN_BAD_CONFIG;
}

static char channel_name[] = "c";
static struct channel channel = {
	.name = channel_name,
	.plugin = { .vtable = { .name = "p",
				.configs_bytes = sizeof(struct all_configs),
				.check = fields_refuse } },
};

/* Made configs, normalised. Owner: the caller; NULL: refused. */
static char *make(const struct tocsin_field *fields, const char *group, enum sample_size size,
		  const char *want_left)
{
	struct why why = { "" };
	struct buf out, left;

	channel.plugin.vtable.fields = fields;
	buf_init(&out, OUT_MAX_BYTES);
	buf_init(&left, OUT_MAX_BYTES);
	const enum err rc = sample_make(&channel, group, size, &out, &left, &why);

	assert_string_equal(left.ptr == NULL ? "" : left.ptr, want_left);
	assert_true(rc == ERR_OK || why.text[0] != '\0');
	char *text = rc == ERR_OK ? buf_take(&out) : NULL;

	buf_finish(&left);
	buf_finish(&out);
	return text;
}

static void every_kind(void **state)
{
	char *text = make(all_fields, NULL, SAMPLE_WHOLE, "");
	size_t count = 0;

	(void)state;
	assert_non_null(text);
	assert_null(strstr(text, "null,")); /* all are there, also in the JSON templates' way */
	assert_non_null(strstr(text, "\"choice\":\"b\""));
	assert_non_null(strstr(text, "\"number\":5,"));
	assert_non_null(strstr(text, "\"secret\":\"hidden-Z\""));
	char **targets = configs_targets(&channel, text, &count);

	assert_int_equal(count, 1);
	free(targets[0]);
	free(targets);
	free(text);
}

static void least_has_a_target(void **state)
{
	char *text = make(all_fields, NULL, SAMPLE_LEAST, "");

	(void)state;
	assert_non_null(text);
	assert_non_null(strstr(text, "\"phones\":[\"+49"));
	assert_non_null(strstr(text, "\"email\":null"));
	assert_null(strstr(text, "\"template\":null"));
	free(text);
}

static void groups(void **state)
{
	(void)state;
	channel.plugin.vtable.fields = all_fields;
	assert_null(sample_group_next(&channel, NULL));
	channel.plugin.vtable.fields = group_fields;
	const char *first = sample_group_next(&channel, NULL);
	const char *second = sample_group_next(&channel, first);

	assert_string_equal(first, "one");
	assert_string_equal(second, "two");
	assert_null(sample_group_next(&channel, second));
	char *text = make(group_fields, "two", SAMPLE_WHOLE, "");

	assert_non_null(text);
	assert_non_null(strstr(text, "\"hook\":null"));
	assert_non_null(strstr(text, "\"room\":\"sample1\""));
	free(text);
}

static void refused_fields_are_left_out(void **state)
{
	(void)state;
	refused_key = "number";
	char *text = make(group_fields, "one", SAMPLE_WHOLE, "number");

	assert_non_null(text);
	free(text);
	/* What is needed cannot be left out. */
	refused_key = "hook";
	assert_null(make(group_fields, "one", SAMPLE_WHOLE, ""));
	refused_key = NULL;
}

static void given_ones(void **state)
{
	static const struct {
		const char *text, *why; /* NULL: they are right */
	} cases[] = {
		{ "{\"hook\":\"https://a.example/\"}", NULL },
		{ "{\"hook\":\"https://a.example/\",\"room\":\"r\"}", "configs.room: " },
		{ "{\"hook\":7}", "configs.hook: " },
		{ "{\"hook\":\"https://a.example/\",\"more\":1}", "configs.more: " },
		{ "[]", "configs: " },
		{ "{", "no JSON" },
		{ "", "no JSON" },
	};

	(void)state;
	channel.plugin.vtable.fields = group_fields;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct why why = { "" };
		struct buf out;

		buf_init(&out, OUT_MAX_BYTES);
		const enum err rc = sample_check(&channel, cases[i].text, &out, &why);

		assert_int_equal(rc, cases[i].why == NULL ? ERR_OK : ERR_BAD_REQUEST);
		if (cases[i].why != NULL && strstr(why.text, cases[i].why) == NULL)
			fail_msg("%s: %s", cases[i].text, why.text);
		buf_finish(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind), cmocka_unit_test(least_has_a_target),
		cmocka_unit_test(groups),     cmocka_unit_test(refused_fields_are_left_out),
		cmocka_unit_test(given_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
