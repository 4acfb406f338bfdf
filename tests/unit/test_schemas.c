/* test_schemas.c - the tables of requests and replies as JSON Schema, and what a
 * channel adds to them. That references lead somewhere is in test_openapi.c.
 * SPDX-License-Identifier: MIT */
#include "api/schemas.h"

#include "base/mem.h"

#include "channel_fakes.h"
#include "json_look.h"

static struct buf out;

static int setup(void **state)
{
	(void)state;
	buf_init(&out, (size_t)1 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_finish(&out);
	return 0;
}

static void write_all(const struct channels *channels)
{
	struct json_writer w = { .out = &out };

	buf_clear(&out);
	json_open(&w, '{');
	schemas_write(channels, &w);
	json_close(&w, '}');
	assert_int_equal(out.failed, ERR_OK);
}

/* Every mark that a row of the tables can carry, on a row that carries it. */
static void rows_become_schemas(void **state)
{
	static const struct look looks[] = {
		/* plain, with its keywords */
		{ "Webhook-Input|properties|webhook_name|type", "\"string\"" },
		{ "Webhook-Input|properties|webhook_name|maxLength", "200" },
		{ "Webhook-Input|properties|webhook_name|anyOf", NULL },
		/* may be null: the keywords stay with the type */
		{ "Webhook-Input|properties|description|type", NULL },
		{ "Webhook-Input|properties|description|anyOf|0",
		  "{\"type\":\"string\",\"maxLength\":2000}" },
		{ "Webhook-Input|properties|description|anyOf|1", "{\"type\":\"null\"}" },
		{ "Webhook-Input|properties|is_active|anyOf|0|default", "true" },
		/* arrays, of plain values and of references */
		{ "Webhook-Input|properties|event_types|type", "\"array\"" },
		{ "Webhook-Input|properties|event_types|items", "{\"type\":\"string\"}" },
		{ "Webhook-Input|properties|event_types|minItems", "1" },
		{ "Webhook-Input|properties|channels|items|$ref",
		  "\"#/components/schemas/WebhookChannel-Input\"" },
		{ "ValidationError|properties|loc|items", "{}" },
		/* references, also when they may be null */
		{ "ErrorResponse|properties|error|$ref", "\"#/components/schemas/ErrorDetail\"" },
		{ "Webhook-Output|properties|last_error|anyOf|0|$ref",
		  "\"#/components/schemas/WebhookError\"" },
		/* times, and what may be anything */
		{ "Webhook-Output|properties|created_at|format", "\"date-time\"" },
		{ "Webhook-Output|properties|created_at|type", "\"string\"" },
		{ "Webhook-Input|properties|webhook_id|type", NULL },
		{ "Webhook-Input|properties|webhook_id|description", LOOK_ANY },
		/* which are always there */
		{ "Webhook-Input|required", "[\"webhook_name\",\"event_types\",\"channels\"]" },
		{ "WebhookPatch|required", NULL },
		{ "Webhook-Output|type", "\"object\"" },
		{ NULL, NULL },
	};

	(void)state;
	write_all(&fake_channels);
	json_look("tables", buf_view(&out), looks);
}

typedef void (*schema_fn)(const char *name, struct json_object *schema);

static void schemas_walk(schema_fn fn)
{
	struct json_object *root = tree_parse(buf_view(&out));
	struct json_object_iterator at = json_object_iter_begin(root);
	const struct json_object_iterator end = json_object_iter_end(root);
	size_t count = 0;

	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at), count++)
		fn(json_object_iter_peek_name(&at), json_object_iter_peek_value(&at));
	assert_true(count > 25);
	json_object_put(root);
}

/* All of "required" is described, and all that is described says what it is for. */
static void sound_check(const char *name, struct json_object *schema)
{
	struct json_object *properties = NULL, *required = NULL, *found = NULL;

	if (!tree_find(schema, "properties", &properties))
		return;
	struct json_object_iterator at = json_object_iter_begin(properties);
	const struct json_object_iterator end = json_object_iter_end(properties);

	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
		if (!tree_find(json_object_iter_peek_value(&at), "description", &found))
			fail_msg("%s: %s has no description", name,
				 json_object_iter_peek_name(&at));
		assert_true(json_object_get_string_len(found) > 1);
	}
	if (!tree_find(schema, "required", &required))
		return;
	assert_true(json_object_array_length(required) > 0);
	for (size_t i = 0; i < json_object_array_length(required); i++) {
		const char *key = json_object_get_string(json_object_array_get_idx(required, i));

		if (!json_object_object_get_ex(properties, key, &found))
			fail_msg("%s: %s is required and not described", name, key);
	}
}

static void all_are_sound(void **state)
{
	(void)state;
	write_all(&fake_channels);
	schemas_walk(sound_check);
}

/* --- Channels -------------------------------------------------------------------- */

static void titles_of_channels(void **state)
{
	static const struct {
		const char *names[3];
		const char *titles[3];
	} cases[] = {
		{ { "webhook" }, { "WebhookConfig" } },
		{ { "my-sms" }, { "MySmsConfig" } },
		{ { "a_b.c1d" }, { "ABC1dConfig" } },
		{ { "x9-2y" }, { "X92yConfig" } },
		{ { "SMS" }, { "SMSConfig" } },
		/* Two names with one title: the later one gets a number. */
		{ { "a-b", "aB", "c" }, { "ABConfig", "ABConfig2", "CConfig" } },
		{ { "c", "a-b", "a_b" }, { "CConfig", "ABConfig", "ABConfig3" } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct channel items[3];
		struct channels channels = { items, 0 };
		char path[96], want[96];

		for (size_t n = 0; n < 3 && cases[i].names[n] != NULL; n++) {
			items[n] = channel_items[0];
			items[n].name = xstrdup(cases[i].names[n]);
			channels.count++;
		}
		write_all(&channels);
		for (size_t n = 0; n < channels.count; n++) {
			const char *title = cases[i].titles[n];

			snprintf(path, sizeof(path), "%s|title", title);
			snprintf(want, sizeof(want), "\"%s\"", title);
			json_look(title, buf_view(&out), LOOKS({ path, want }));
			snprintf(path, sizeof(path), "ChannelConfigs|anyOf|%zu|$ref", n);
			snprintf(want, sizeof(want), "\"#/components/schemas/%s\"", title);
			json_look(title, buf_view(&out), LOOKS({ path, want }));
			snprintf(path, sizeof(path), "NotificationChannel|enum|%zu", n);
			snprintf(want, sizeof(want), "\"%s\"", cases[i].names[n]);
			json_look(title, buf_view(&out), LOOKS({ path, want }));
			free(items[n].name);
		}
	}
}

static void fields_of_channels(void **state)
{
	(void)state;
	write_all(&fake_channels);
	json_look("fields", buf_view(&out),
		  LOOKS({ "HookConfig|properties|url|description", LOOK_ANY },
			{ "HookConfig|properties|note", LOOK_ANY },
			{ "HookConfig|required", "[\"url\"]" },
			{ "ManyConfig|properties|phones", LOOK_ANY },
			{ "NotificationChannel|enum", "[\"hook\",\"many\"]" },
			{ "ChannelConfigs|anyOf|2", NULL }));
}

/* An empty enum or anyOf would allow nothing at all, and is no valid schema. */
static void no_channels_at_all(void **state)
{
	static const struct channels none;

	(void)state;
	write_all(&none);
	json_look("none", buf_view(&out),
		  LOOKS({ "NotificationChannel|type", "\"string\"" },
			{ "NotificationChannel|enum", NULL }, { "ChannelConfigs|title", LOOK_ANY },
			{ "ChannelConfigs|anyOf", NULL }));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(rows_become_schemas), TEST(all_are_sound),      TEST(titles_of_channels),
		TEST(fields_of_channels),  TEST(no_channels_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
