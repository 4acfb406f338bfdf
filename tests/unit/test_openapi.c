/* test_openapi.c - the description is whole: every reference leads somewhere,
 * titles and operation ids are unique, declared channels are in it.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <json-c/json.h>

#include "api/exchange.h"
#include "api/openapi.h"
#include "api/routes.h"

struct pair_configs {
	const char *url;
};

static const struct tocsin_field fields[] = {
	{ .key = "url",
	  .help = "U.",
	  .kind = TOCSIN_URL,
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET },
	{ .key = NULL },
};

static char plain[] = "webhook", dashed[] = "my-sms", joined[] = "mySms";
#define VTABLE                                                       \
	{                                                            \
		.vtable = {                                          \
			.name = "x",                                 \
			.fields = fields,                            \
			.configs_bytes = sizeof(struct pair_configs) \
		}                                                    \
	}
static struct channel items[] = {
	{ .name = plain, .plugin = VTABLE },
	{ .name = dashed, .plugin = VTABLE },
	{ .name = joined, .plugin = VTABLE },
};
static const struct channels channels = { items, COUNT_OF(items) };
static struct json_object *root;

static int setup(void **state)
{
	static const struct conf conf = { .api = { .body_max_bytes = 10, .batch_max_bytes = 10 } };
	static const struct api api = { .conf = &conf, .channels = &channels };
	static struct exchange x;

	(void)state;
	exchange_init(&x, &api);
	x.routes = routes_all(&x.route_count);
	openapi_show(&x);
	root = json_tokener_parse(x.reply.body.ptr);
	exchange_finish(&x);
	return root == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	json_object_put(root);
	return 0;
}

static struct json_object *find(struct json_object *from, const char *path)
{
	char copy[512];
	char *rest = copy;

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *key = strsep(&rest, "|"); key != NULL && from != NULL;
	     key = strsep(&rest, "|")) {
		struct json_object *next = NULL;

		json_object_object_get_ex(from, key, &next);
		from = next;
	}
	return from;
}

typedef void (*text_fn)(const char *key, const char *text);

static void texts_walk(struct json_object *value, text_fn fn)
{
	if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(value); i++)
			texts_walk(json_object_array_get_idx(value, i), fn);
		return;
	}
	if (!json_object_is_type(value, json_type_object))
		return;
	struct json_object_iterator at = json_object_iter_begin(value);
	const struct json_object_iterator end = json_object_iter_end(value);

	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
		struct json_object *member = json_object_iter_peek_value(&at);

		if (json_object_is_type(member, json_type_string))
			fn(json_object_iter_peek_name(&at), json_object_get_string(member));
		texts_walk(member, fn);
	}
}

static size_t refs_seen;

static void ref_check(const char *key, const char *text)
{
	static const char prefix[] = "#/components/schemas/";
	char path[256];

	if (strcmp(key, "$ref") != 0)
		return;
	refs_seen++;
	assert_memory_equal(text, prefix, sizeof(prefix) - 1);
	snprintf(path, sizeof(path), "components|schemas|%s", text + sizeof(prefix) - 1);
	if (find(root, path) == NULL)
		fail_msg("%s leads nowhere", text);
}

static void test_references(void **state)
{
	(void)state;
	texts_walk(root, ref_check);
	assert_true(refs_seen > 100);
}

static void test_titles(void **state)
{
	struct json_object *schemas = find(root, "components|schemas");
	struct json_object_iterator at = json_object_iter_begin(schemas);
	const struct json_object_iterator end = json_object_iter_end(schemas);
	const char *titles[100];
	size_t count = 0;

	(void)state;
	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
		struct json_object *title = find(json_object_iter_peek_value(&at), "title");

		assert_non_null(title);
		assert_true(count < COUNT_OF(titles));
		titles[count] = json_object_get_string(title);
		for (size_t i = 0; i < count; i++)
			assert_string_not_equal(titles[i], titles[count]);
		count++;
	}
}

static void test_content(void **state)
{
	static const char *const paths[] = {
		"paths|/v1/organizations/webhooks/|post|operationId",
		"paths|/v1/organizations/webhooks/list|post|requestBody",
		"paths|/v1/organizations/webhooks/{identifier}|delete|responses|204",
		"paths|/v1/events|post|responses|409",
		"paths|/v1/events|post|responses|202|content|application/json|schema|$ref",
		"components|securitySchemes|bearer",
		"components|schemas|WebhookConfig|properties|url",
		"components|schemas|MySmsConfig",
		"components|schemas|MySmsConfig3",
		"components|schemas|Webhook-Output|properties|last_error|anyOf",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		if (find(root, paths[i]) == NULL)
			fail_msg("%s is missing", paths[i]);
	}
	assert_string_equal(json_object_get_string(find(root, "openapi")), "3.1.0");
	assert_int_equal(
		json_object_array_length(find(root, "components|schemas|NotificationChannel|enum")),
		3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_titles),
		cmocka_unit_test(test_content),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
