/* test_configs.c - checking, masking, compiling and describing configs, with
 * tables of our own: no plugin file is loaded.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "channel/configs.h"

static const char *const levels[] = { "low", "high", NULL };

/* --- a channel with one URL and every other kind ---------------------------- */

struct wide {
	const char *url, *note, *level, *body, *mail;
	struct tocsin_pairs headers, tags;
	struct tocsin_span shape;
	int64_t timeout_ms, count, bytes;
	double ratio;
	uint8_t loud;
};

#define AT(member) .offset = offsetof(struct wide, member)

static const struct tocsin_field wide_fields[] = {
	{ .key = "url",
	  .help = "U.",
	  .kind = TOCSIN_URL,
	  AT(url),
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET },
	{ .key = "headers",
	  .help = "H.",
	  .kind = TOCSIN_PAIRS,
	  .flags = TOCSIN_IS_HEADERS,
	  .dflt = "{}",
	  .max = 3,
	  AT(headers) },
	{ .key = "shape", .help = "S.", .kind = TOCSIN_OBJECT, AT(shape) },
	{ .key = "timeout",
	  .help = "T.",
	  .kind = TOCSIN_TIME_MS,
	  .flags = TOCSIN_IS_TIMEOUT,
	  .min = 1000,
	  .max = 60000,
	  .dflt = "10.0",
	  AT(timeout_ms) },
	{ .key = "level",
	  .help = "L.",
	  .kind = TOCSIN_CHOICE,
	  .choices = levels,
	  .dflt = "\"low\"",
	  AT(level) },
	{ .key = "note",
	  .help = "N.",
	  .kind = TOCSIN_TEXT,
	  .min = 2,
	  .max = 4,
	  .alias = "memo",
	  AT(note) },
	{ .key = "count", .help = "C.", .kind = TOCSIN_INT, .min = 1, .max = 5, AT(count) },
	{ .key = "bytes", .help = "B.", .kind = TOCSIN_SIZE, AT(bytes) },
	{ .key = "ratio", .help = "R.", .kind = TOCSIN_NUMBER, .min = 0, .max = 1, AT(ratio) },
	{ .key = "loud", .help = "L.", .kind = TOCSIN_BOOL, AT(loud) },
	{ .key = "body", .help = "B.", .kind = TOCSIN_TEMPLATE, AT(body) },
	{ .key = "mail", .help = "M.", .kind = TOCSIN_EMAIL, AT(mail) },
	{ .key = "tags", .help = "T.", .kind = TOCSIN_PAIRS, .flags = TOCSIN_SECRET, AT(tags) },
	{ .key = NULL },
};

/* --- a channel with lists of targets ---------------------------------------- */

struct lists {
	struct tocsin_list to, cc;
};

static const struct tocsin_field list_fields[] = {
	{ .key = "to",
	  .help = "T.",
	  .kind = TOCSIN_LIST,
	  .item = TOCSIN_EMAIL,
	  .min = 1,
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET,
	  .alias = "recipients",
	  .offset = offsetof(struct lists, to) },
	{ .key = "cc",
	  .help = "C.",
	  .kind = TOCSIN_LIST,
	  .item = TOCSIN_EMAIL,
	  .flags = TOCSIN_IS_TARGET,
	  .dflt = "[]",
	  .offset = offsetof(struct lists, cc) },
	{ .key = NULL },
};

/* --- a channel with two ways of use, both with secrets ----------------------- */

struct ways {
	const char *hook, *token, *room, *name;
	struct tocsin_list keys;
};

static const struct tocsin_field way_fields[] = {
	{ .key = "hook",
	  .help = "H.",
	  .kind = TOCSIN_URL,
	  .group = "hook",
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET | TOCSIN_SECRET,
	  .offset = offsetof(struct ways, hook) },
	{ .key = "token",
	  .help = "T.",
	  .kind = TOCSIN_TEXT,
	  .group = "bot",
	  .flags = TOCSIN_REQUIRED | TOCSIN_SECRET,
	  .offset = offsetof(struct ways, token) },
	{ .key = "room",
	  .help = "R.",
	  .kind = TOCSIN_TEXT,
	  .group = "bot",
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET,
	  .offset = offsetof(struct ways, room) },
	{ .key = "name", .help = "N.", .kind = TOCSIN_TEXT, .offset = offsetof(struct ways, name) },
	{ .key = "keys",
	  .help = "K.",
	  .kind = TOCSIN_LIST,
	  .item = TOCSIN_TEXT,
	  .flags = TOCSIN_SECRET,
	  .offset = offsetof(struct ways, keys) },
	{ .key = NULL },
};

static const struct channel wide = { .name = "wide",
				     .plugin = {
					     .vtable = { .name = "wide",
							 .fields = wide_fields,
							 .configs_bytes = sizeof(struct wide) } } };
static const struct channel lists = {
	.name = "lists",
	.plugin = { .vtable = { .name = "lists",
				.fields = list_fields,
				.configs_bytes = sizeof(struct lists) } }
};
static const struct channel ways = { .name = "ways",
				     .plugin = {
					     .vtable = { .name = "ways",
							 .fields = way_fields,
							 .configs_bytes = sizeof(struct ways) } } };

/* Check given; the result in out, the faults in faults (both to be finished). */
static void check(const struct channel *channel, const char *given, const char *old,
		  struct faults *faults, struct buf *out)
{
	static const struct guard nothing_allowed = { NULL, 0 };
	const struct configs_rules rules = { &nothing_allowed, 3, old };
	const struct loc loc = { NULL, "configs", 0 };
	struct json_object *object = json_tokener_parse(given);

	faults_init(faults);
	buf_init(out, 100000);
	configs_check(channel, object, &rules, &loc, faults, out);
	json_object_put(object);
}

static void expect_good(const struct channel *channel, const char *given, const char *old,
			const char *want)
{
	struct faults faults;
	struct buf out;

	check(channel, given, old, &faults, &out);
	if (faults_any(&faults) || strcmp(out.ptr, want) != 0)
		fail_msg("%s\ngave   %s\nfaults %s", given, out.ptr,
			 faults_any(&faults) ? faults.detail.ptr : "none");
	buf_finish(&out);
	faults_finish(&faults);
}

#define REST                                                                         \
	",\"count\":null,\"bytes\":null,\"ratio\":null,\"loud\":null,\"body\":null," \
	"\"mail\":null,\"tags\":null}"

static void test_good(void **state)
{
	(void)state;
	expect_good(&wide, "{\"url\":\"https://x.org/a\"}", NULL,
		    "{\"url\":\"https://x.org/a\",\"headers\":{},\"shape\":null,\"timeout\":10.0,"
		    "\"level\":\"low\",\"note\":null" REST);
	expect_good(&wide,
		    "{\"memo\":\"\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC\",\"timeout\":1.25,"
		    "\"url\":\"HTTPS://X.ORG\",\"headers\":{\"X-A\":\"1\"},"
		    "\"level\":null,\"shape\":{\"b\":[1.50,{}],\"a\":\"/\"}}",
		    NULL,
		    "{\"url\":\"https://x.org/\",\"headers\":{\"X-A\":\"1\"},"
		    "\"shape\":{\"b\":[1.50,{}],\"a\":\"/\"},\"timeout\":1.25,\"level\":\"low\","
		    "\"note\":\"\xC3\xBC\xC3\xBC\xC3\xBC\xC3\xBC\"" REST);
	expect_good(&wide,
		    "{\"url\":\"http://x.org/\",\"count\":5,\"bytes\":0,\"ratio\":0.5,"
		    "\"loud\":true,\"body\":\"a\\n{{b}}\",\"mail\":\"A@X.ORG\","
		    "\"tags\":{\"k\":\"\\u0001\"},\"timeout\":60}",
		    NULL,
		    "{\"url\":\"http://x.org/\",\"headers\":{},\"shape\":null,\"timeout\":60.0,"
		    "\"level\":\"low\",\"note\":null,\"count\":5,\"bytes\":0,\"ratio\":0.5,"
		    "\"loud\":true,\"body\":\"a\\n{{b}}\",\"mail\":\"A@x.org\","
		    "\"tags\":{\"k\":\"\\u0001\"}}");
	expect_good(&lists, "{\"recipients\":[\"a@x.org\",\"b@X.org\"]}", NULL,
		    "{\"to\":[\"a@x.org\",\"b@x.org\"],\"cc\":[]}");
	expect_good(&ways, "{\"token\":\"t\",\"room\":\"r\"}", NULL,
		    "{\"hook\":null,\"token\":\"t\",\"room\":\"r\",\"name\":null,\"keys\":null}");
}

/* One fault each: its place and type. Several: all are named. */
static void test_faults(void **state)
{
#define U "\"url\":\"http://x.org/\""
	static const struct {
		const struct channel *channel;
		const char *given, *loc, *type;
		size_t count;
	} cases[] = {
		{ &wide, "[]", "[\"configs\"]", "dict_type", 1 },
		{ &wide, "null", "[\"configs\"]", "dict_type", 1 },
		{ &wide, "{}", "[\"configs\",\"url\"]", "missing", 1 },
		{ &wide, "{\"url\":null}", "[\"configs\",\"url\"]", "string_type", 1 },
		{ &wide, "{\"url\":5}", "[\"configs\",\"url\"]", "string_type", 1 },
		{ &wide, "{\"url\":\"ftp://x\"}", "[\"configs\",\"url\"]", "url_parsing", 1 },
		{ &wide, "{\"url\":\"http://127.1/\"}", "[\"configs\",\"url\"]", "value_error", 1 },
		{ &wide, "{" U ",\"x\":1}", "[\"configs\",\"x\"]", "extra_forbidden", 1 },
		{ &wide, "{" U ",\"x\":null}", "[\"configs\",\"x\"]", "extra_forbidden", 1 },
		{ &wide, "{" U ",\"headers\":[]}", "\"headers\"]", "dict_type", 1 },
		{ &wide, "{" U ",\"headers\":{\"A\":1}}", "\"headers\",\"A\"]", "string_type", 1 },
		{ &wide, "{" U ",\"headers\":{\"A B\":\"\"}}", "\"headers\",\"A B\"]",
		  "value_error", 1 },
		{ &wide, "{" U ",\"headers\":{\"A\":\"x\\r\\nB: y\"}}", "\"headers\",\"A\"]",
		  "value_error", 1 },
		{ &wide, "{" U ",\"headers\":{\"A\":\"x\\u0000\"}}", "\"headers\",\"A\"]",
		  "value_error", 1 },
		{ &wide, "{" U ",\"headers\":{\"webhook-id\":\"x\"}}",
		  "\"headers\",\"webhook-id\"]", "value_error", 1 },
		{ &wide, "{" U ",\"headers\":{\"X-A\":\"1\",\"x-a\":\"1\"}}", "\"X-A\"]",
		  "value_error", 2 },
		{ &wide, "{" U ",\"headers\":{\"A\":\"\",\"B\":\"\",\"C\":\"\",\"D\":\"\"}}",
		  "\"headers\"]", "too_long", 1 },
		{ &wide, "{" U ",\"shape\":\"{}\"}", "\"shape\"]", "dict_type", 1 },
		{ &wide, "{" U ",\"timeout\":\"10\"}", "\"timeout\"]", "float_type", 1 },
		{ &wide, "{" U ",\"timeout\":true}", "\"timeout\"]", "float_type", 1 },
		{ &wide, "{" U ",\"timeout\":0.999}", "\"timeout\"]", "greater_than_equal", 1 },
		{ &wide, "{" U ",\"timeout\":60.001}", "\"timeout\"]", "less_than_equal", 1 },
		{ &wide, "{" U ",\"timeout\":1e300}", "\"timeout\"]", "finite_number", 1 },
		{ &wide, "{" U ",\"level\":\"LOW\"}", "\"level\"]", "enum", 1 },
		{ &wide, "{" U ",\"note\":\"a\"}", "\"note\"]", "string_too_short", 1 },
		{ &wide, "{" U ",\"memo\":\"abcde\"}", "\"memo\"]", "string_too_long", 1 },
		{ &wide, "{" U ",\"note\":\"ab\",\"memo\":\"ab\"}", "\"memo\"]", "value_error", 1 },
		{ &wide, "{" U ",\"note\":\"a\\u0000b\"}", "\"note\"]", "value_error", 1 },
		{ &wide, "{" U ",\"count\":0}", "\"count\"]", "greater_than_equal", 1 },
		{ &wide, "{" U ",\"count\":99999999999999999999}", "\"count\"]", "less_than_equal",
		  1 },
		{ &wide, "{" U ",\"count\":1.0}", "\"count\"]", "int_type", 1 },
		{ &wide, "{" U ",\"ratio\":1.5}", "\"ratio\"]", "less_than_equal", 1 },
		{ &wide, "{" U ",\"loud\":1}", "\"loud\"]", "bool_type", 1 },
		{ &wide, "{" U ",\"mail\":\"x\"}", "\"mail\"]", "value_error", 1 },
		{ &wide, "{" U ",\"tags\":{\"k\":\"v****\"}}", "\"tags\",\"k\"]", "value_error",
		  1 },
		{ &wide, "{\"timeout\":0,\"level\":\"q\",\"y\":1}", "\"url\"]", "missing", 4 },
		{ &lists, "{\"to\":\"a@x.org\"}", "[\"configs\",\"to\"]", "list_type", 1 },
		{ &lists, "{\"recipients\":[]}", "[\"configs\",\"recipients\"]", "too_short", 1 },
		{ &lists, "{\"to\":[\"a@x.org\",\"b\",3]}", "[\"configs\",\"to\",1]", "value_error",
		  2 },
		{ &lists, "{\"to\":[\"a@x.org\",\"b\",3]}", "[\"configs\",\"to\",2]", "string_type",
		  2 },
		{ &lists, "{\"to\":[\"1@a\",\"2@a\",\"3@a\",\"4@a\"]}", "\"to\"]", "too_long", 1 },
		{ &ways, "{}", "[\"configs\",\"hook\"]", "missing", 1 },
		{ &ways, "{\"token\":\"t\"}", "[\"configs\",\"room\"]", "missing", 1 },
		{ &ways, "{\"hook\":\"http://x.org\",\"room\":\"r\"}", "\"room\"]", "value_error",
		  1 },
		{ &ways, "{\"hook\":\"http://x.org/****\"}", "\"hook\"]", "value_error", 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char type[64];
		struct faults faults;
		struct buf out;

		check(cases[i].channel, cases[i].given, NULL, &faults, &out);
		snprintf(type, sizeof(type), "\"type\":\"%s\"", cases[i].type);
		if (faults.count != cases[i].count || strstr(faults.detail.ptr, type) == NULL ||
		    strstr(faults.detail.ptr, cases[i].loc) == NULL)
			fail_msg("row %zu %s: %zu faults %s", i, cases[i].given, faults.count,
				 faults.count ? faults.detail.ptr : "");
		buf_finish(&out);
		faults_finish(&faults);
	}
}

static void expect_shown(const struct channel *channel, const char *stored, const char *want)
{
	struct buf out;

	buf_init(&out, 100000);
	configs_show(channel, stored, &out);
	assert_string_equal(out.ptr, want);
	buf_finish(&out);
}

/* What is shown can be given back, and stands for what was there. */
static void test_masks(void **state)
{
	static const char hook[] = "{\"hook\":\"https://x.org/s/T0/B0\",\"token\":null,"
				   "\"room\":null,\"name\":\"n\",\"keys\":[\"aaaa\",\"bbbb\","
				   "\"k3y-of-16-bytes!\"]}";
	static const char shown[] = "{\"hook\":\"https://x.org/****\",\"token\":null,"
				    "\"room\":null,\"name\":\"n\",\"keys\":[\"****\",\"****\","
				    "\"k3y-****\"]}";
	static const char tags[] = "{\"url\":\"https://x.org/a\",\"headers\":{},\"shape\":null,"
				   "\"timeout\":10.0,\"level\":\"low\",\"note\":null,"
				   "\"count\":null,\"bytes\":null,\"ratio\":null,\"loud\":null,"
				   "\"body\":null,\"mail\":null,\"tags\":{\"k\":\"v\"}}";

	(void)state;
	expect_shown(&ways, hook, shown);
	expect_good(&ways, shown, hook, hook);
	/* Elements that look alike stay in their places; others are found. */
	expect_good(&ways, "{\"hook\":\"https://y.org/n\",\"keys\":[\"k3y-****\",\"****\"]}", hook,
		    "{\"hook\":\"https://y.org/n\",\"token\":null,\"room\":null,\"name\":null,"
		    "\"keys\":[\"k3y-of-16-bytes!\",\"bbbb\"]}");
	expect_good(&wide, "{\"url\":\"https://x.org/a\",\"tags\":{\"k\":\"****\"}}", tags, tags);
	struct faults faults;
	struct buf out;

	/* The mask of another host's URL is nobody's. */
	check(&ways, "{\"hook\":\"https://y.org/****\"}", hook, &faults, &out);
	assert_int_equal(faults.count, 1);
	buf_finish(&out);
	faults_finish(&faults);
}

static void expect_target_shown(const struct channel *channel, const char *target, const char *want)
{
	struct buf out;

	buf_init(&out, 1000);
	configs_target_show(channel, span_of(target), &out);
	assert_string_equal(out.ptr, want);
	buf_finish(&out);
}

static void test_targets(void **state)
{
	size_t count = 9;
	char **list = configs_targets(&lists,
				      "{\"to\":[\"a@x\",\"b@x\",\"a@x\"],\"cc\":[\"b@x\","
				      "\"c@x\"]}",
				      &count);

	(void)state;
	assert_int_equal(count, 3);
	assert_string_equal(list[0], "a@x");
	assert_string_equal(list[1], "b@x");
	assert_string_equal(list[2], "c@x");
	for (size_t i = 0; i < count; i++)
		free(list[i]);
	free(list);
	assert_null(configs_targets(&wide, "{\"url\":\"http://x.org/\"}", &count));
	assert_int_equal(count, 0);
	assert_null(configs_targets(&lists, "nonsense", &count));
	assert_null(configs_target(&lists, "{\"to\":[\"a@x\"]}"));
	assert_null(configs_target(&wide, "{}"));
	char *target = configs_target(&ways, "{\"hook\":null,\"token\":\"t\",\"room\":\"r\"}");

	assert_string_equal(target, "r");
	free(target);
	expect_target_shown(&ways, "https://x.org/s/T0", "https://x.org/****");
	expect_target_shown(&ways, "room", "room");
	expect_target_shown(&lists, "a@x", "a@x");
}

static void test_compile(void **state)
{
	struct why why = { "" };
	struct compiled_configs *c = configs_compile(
		&wide,
		"{\"url\":\"https://x.org:444/a\",\"headers\":{\"A\":\"1\",\"B\":\"\"},"
		"\"shape\":{\"n\":1.50},\"timeout\":1.25,\"count\":3,\"ratio\":0.25,"
		"\"loud\":true,\"bytes\":7,\"note\":null}",
		&why);
	const struct wide *v = c->values;

	(void)state;
	assert_string_equal(v->url, "https://x.org:444/a");
	assert_int_equal(v->headers.count, 2);
	assert_string_equal(v->headers.items[0].name, "A");
	assert_string_equal(v->headers.items[1].value, "");
	assert_int_equal(v->shape.len, strlen("{\"n\":1.50}"));
	assert_memory_equal(v->shape.ptr, "{\"n\":1.50}", v->shape.len);
	assert_int_equal(v->timeout_ms, 1250);
	assert_string_equal(v->level, "low"); /* a default that stored lacks */
	assert_null(v->note);
	assert_int_equal(v->count, 3);
	assert_int_equal(v->bytes, 7);
	assert_int_equal(v->loud, 1);
	assert_true(v->ratio > 0.24 && v->ratio < 0.26);
	assert_null(v->tags.items);
	assert_string_equal(c->target, "https://x.org:444/a");
	assert_string_equal(c->host, "x.org");
	assert_int_equal(c->port, 444);
	assert_false(c->is_literal);
	assert_int_equal(c->timeout_ms, 1250);
	assert_ptr_equal(c->channel, &wide);
	compiled_configs_destroy(c);
	compiled_configs_destroy(NULL);
}

static void test_compile_lists(void **state)
{
	struct why why = { "" };
	struct compiled_configs *c = configs_compile(&lists, "{\"to\":[\"a@x\",\"b@x\"]}", &why);
	const struct lists *v = c->values;

	(void)state;
	assert_int_equal(v->to.count, 2);
	assert_string_equal(v->to.items[1], "b@x");
	assert_int_equal(v->cc.count, 0);
	assert_null(c->target);
	assert_null(c->host);
	assert_int_equal(c->timeout_ms, 0);
	compiled_configs_destroy(c);
	c = configs_compile(&wide, "{\"url\":\"http://[::1]:8080/\"}", &why);
	assert_true(c->is_literal);
	assert_int_equal(c->port, 8080);
	compiled_configs_destroy(c);
}

/* Stored by another version of the plugin, or damaged. */
static void test_compile_faults(void **state)
{
	static const struct {
		const struct channel *channel;
		const char *stored, *text;
	} cases[] = {
		{ &wide, "", "no JSON object" },
		{ &wide, "[]", "no JSON object" },
		{ &wide, "{}", "configs.url is missing" },
		{ &wide, "{\"url\":null}", "configs.url is missing" },
		{ &wide, "{\"url\":[1]}", "configs.url is of another type" },
		{ &wide, "{" U ",\"headers\":{\"A\":\"1\",\"B\":2}}", "configs.headers" },
		{ &wide, "{" U ",\"timeout\":-1}", "configs.timeout" },
		{ &wide, "{" U ",\"count\":1.5}", "configs.count" },
		{ &wide, "{" U ",\"shape\":[]}", "configs.shape" },
		{ &wide, "{" U ",\"loud\":\"\"}", "configs.loud" },
		{ &lists, "{\"to\":[\"a@x\",4]}", "configs.to" },
		{ &lists, "{\"to\":{}}", "configs.to" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct why why = { "" };

		assert_null(configs_compile(cases[i].channel, cases[i].stored, &why));
		if (strstr(why.text, cases[i].text) == NULL)
			fail_msg("row %zu: %s", i, why.text);
	}
}

static struct json_object *schema_of(const struct channel *channel)
{
	struct buf out;
	struct json_writer w = { .out = &out };

	buf_init(&out, 100000);
	configs_schema(channel, "ThingConfig", &w);
	assert_int_equal(out.failed, ERR_OK);
	struct json_object *schema = json_tokener_parse(out.ptr);

	assert_non_null(schema);
	buf_finish(&out);
	return schema;
}

static void expect_property(struct json_object *schema, const char *key, const char *want)
{
	struct json_object *all = NULL, *one = NULL;

	json_object_object_get_ex(schema, "properties", &all);
	assert_true(json_object_object_get_ex(all, key, &one));
	assert_string_equal(json_object_to_json_string_ext(one, JSON_C_TO_STRING_PLAIN), want);
}

static void test_schema(void **state)
{
	struct json_object *schema = schema_of(&wide), *found = NULL;

	(void)state;
	json_object_object_get_ex(schema, "required", &found);
	assert_string_equal(json_object_to_json_string_ext(found, JSON_C_TO_STRING_PLAIN),
			    "[\"url\"]");
	expect_property(schema, "url",
			"{\"type\":\"string\",\"maxLength\":2048,\"title\":\"Url\","
			"\"description\":\"U.\"}");
	expect_property(schema, "timeout",
			"{\"type\":\"number\",\"minimum\":1.0,\"maximum\":60.0,"
			"\"title\":\"Timeout\",\"description\":\"T.\",\"default\":10.0}");
	expect_property(schema, "level",
			"{\"type\":\"string\",\"enum\":[\"low\",\"high\"],\"title\":\"Level\","
			"\"description\":\"L.\",\"default\":\"low\"}");
	expect_property(schema, "shape",
			"{\"anyOf\":[{\"type\":\"object\",\"additionalProperties\":true},"
			"{\"type\":\"null\"}],\"title\":\"Shape\",\"description\":\"S.\"}");
	expect_property(schema, "memo",
			"{\"anyOf\":[{\"type\":\"string\",\"minLength\":2,\"maxLength\":4},"
			"{\"type\":\"null\"}],\"title\":\"Memo\","
			"\"description\":\"Another name of note.\"}");
	json_object_put(schema);
	schema = schema_of(&ways);
	json_object_object_get_ex(schema, "required", &found);
	assert_int_equal(json_object_array_length(found), 0);
	json_object_put(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),           cmocka_unit_test(test_faults),
		cmocka_unit_test(test_masks),          cmocka_unit_test(test_targets),
		cmocka_unit_test(test_compile),        cmocka_unit_test(test_compile_lists),
		cmocka_unit_test(test_compile_faults), cmocka_unit_test(test_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
