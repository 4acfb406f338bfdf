/* test_plugin.c - which files are accepted as plugins, and why others are not.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dlfcn.h>

#include "channel/plugin.h"
#include "files.h"

static char folder[FILE_PATH_BYTES];

static void path_of(const char *name, char out[FILE_PATH_BYTES])
{
	assert_true(snprintf(out, FILE_PATH_BYTES, "%s/%s", folder, name) < FILE_PATH_BYTES);
}

/* Put a built plugin into the folder under its own name. */
static void plugin_place(const char *built, const char *name)
{
	char from[FILE_PATH_BYTES], to[FILE_PATH_BYTES];

	file_built(built, from);
	path_of(name, to);
	file_copy(from, to);
}

static int setup(void **state)
{
	(void)state;
	folder_create(folder);
	plugin_place(".libs/http.so", "http.so");
	plugin_place("tests/plugins/.libs/multi.so", "multi.so");
	plugin_place("tests/plugins/.libs/wrong_abi.so", "wrong_abi.so");
	plugin_place("tests/plugins/.libs/wrong_size.so", "wrong_size.so");
	plugin_place("tests/plugins/.libs/no_symbol.so", "no_symbol.so");
	plugin_place("tests/plugins/.libs/no_prepare.so", "no_prepare.so");
	plugin_place("tests/plugins/.libs/bad_table.so", "bad_table.so");
	plugin_place("tests/plugins/.libs/own_curl.so", "own_curl.so");
	plugin_place("tests/plugins/gnutls_bound.so", "gnutls_bound.so");
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "http.so",       "multi.so",     "wrong_abi.so",
					     "wrong_size.so", "no_symbol.so", "no_prepare.so",
					     "bad_table.so",  "own_curl.so",  "gnutls_bound.so",
					     "text.so",       "link.so",      "fuzz.so",
					     "mode.so" };
	char path[FILE_PATH_BYTES];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		path_of(names[i], path);
		unlink(path);
	}
	return rmdir(folder);
}

static void expect_refused(const char *name, enum err want, const char *text)
{
	struct plugin p;
	struct why why = { "" };
	const enum err rc = plugin_open(folder, name, &p, &why);

	if (rc != want || strstr(why.text, text) == NULL)
		fail_msg("%s: %d '%s'", name, (int)rc, why.text);
	assert_null(p.path);
	assert_null(p.vtable.prepare);
}

static void test_accepted(void **state)
{
	struct plugin http, multi, again;
	struct why why = { "" };
	char path[FILE_PATH_BYTES];

	(void)state;
	assert_int_equal(plugin_open(folder, "http.so", &http, &why), ERR_OK);
	assert_string_equal(http.vtable.name, "http");
	path_of("multi.so", path);
	assert_int_equal(plugin_open("/nowhere", path, &multi, &why), ERR_OK);
	assert_string_equal(multi.vtable.name, "multi");
	/* The same file twice is one object; another one is never taken for it. */
	assert_int_equal(plugin_open(folder, "http.so", &again, &why), ERR_OK);
	assert_string_equal(again.vtable.name, "http");
	assert_ptr_equal(again.vtable.prepare, http.vtable.prepare);
	assert_ptr_not_equal(again.vtable.prepare, multi.vtable.prepare);
	plugin_finish(&again);
	plugin_finish(&again);
	plugin_finish(&http);
	plugin_finish(&multi);
	plugin_finish(NULL);
}

/* What a shared object exports is part of every other one's world. */
static void test_exports(void **state)
{
	struct plugin p;
	struct why why = { "" };

	(void)state;
	assert_int_equal(plugin_open(folder, "http.so", &p, &why), ERR_OK);
	assert_non_null(dlsym(p.handle, TOCSIN_CHANNEL_SYMBOL));
	assert_null(dlsym(p.handle, "http_prepare"));
	assert_null(dlsym(RTLD_DEFAULT, TOCSIN_CHANNEL_SYMBOL));
	plugin_finish(&p);
}

static void test_refused(void **state)
{
	static const struct {
		const char *name;
		enum err rc;
		const char *text;
	} cases[] = {
		{ "missing.so", ERR_NOT_FOUND, "No such file" },
		{ "sub/http.so", ERR_BAD_REQUEST, "whole path" },
		{ "../http.so", ERR_BAD_REQUEST, "whole path" },
		{ "/etc", ERR_BAD_REQUEST, "regular file" },
		{ "wrong_abi.so", ERR_BAD_REQUEST, "ABI 8, this program has ABI 1" },
		{ "wrong_size.so", ERR_BAD_REQUEST, "bytes; at least" },
		{ "no_symbol.so", ERR_BAD_REQUEST, "exports no tocsin_channel_v1" },
		{ "gnutls_bound.so", ERR_BAD_REQUEST, "libcurl-gnutls.so.4" },
		{ "own_curl.so", ERR_BAD_REQUEST, "libcurl of its own" },
		{ "no_prepare.so", ERR_BAD_REQUEST, "no prepare()" },
		{ "bad_table.so", ERR_BAD_REQUEST, "row 'url': its offset lies outside" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		expect_refused(cases[i].name, cases[i].rc, cases[i].text);
	/* None of them was loaded far enough to run anything. */
	assert_null(getenv("TOCSIN_TEST_PLUGIN_RAN"));
}

static void test_not_elf(void **state)
{
	char path[FILE_PATH_BYTES];

	(void)state;
	path_of("text.so", path);
	file_write(path, "", 0);
	expect_refused("text.so", ERR_BAD_REQUEST, "0 bytes");
	file_write(path, "#!/bin/sh\n", 10);
	expect_refused("text.so", ERR_BAD_REQUEST, "no ELF file");
	file_write(path,
		   "\x7F"
		   "ELF\x02\x01\x01",
		   7);
	expect_refused("text.so", ERR_BAD_REQUEST, "no ELF file");
}

static void test_modes(void **state)
{
	static const struct {
		unsigned file, folder;
		const char *text; /* NULL: accepted */
	} cases[] = {
		{ 0644, 0755, NULL },
		{ 0600, 0700, NULL },
		{ 0664, 0755, "the file may be changed by others" },
		{ 0646, 0755, "the file may be changed by others" },
		{ 0644, 0775, "its folder may be changed by others" },
		{ 0644, 0757, "its folder may be changed by others" },
		{ 0644, 01777, "its folder may be changed by others" },
	};
	char path[FILE_PATH_BYTES];

	(void)state;
	plugin_place("tests/plugins/.libs/multi.so", "mode.so");
	path_of("mode.so", path);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct plugin p;
		struct why why = { "" };

		assert_int_equal(chmod(path, cases[i].file), 0);
		assert_int_equal(chmod(folder, cases[i].folder), 0);
		const enum err rc = plugin_open(folder, "mode.so", &p, &why);

		if (rc != (cases[i].text == NULL ? ERR_OK : ERR_DENIED) ||
		    (rc != ERR_OK && strstr(why.text, cases[i].text) == NULL))
			fail_msg("row %zu: %s", i, why.text);
		plugin_finish(&p);
	}
	assert_int_equal(chmod(folder, 0700), 0);
	assert_int_equal(chmod(path, 0644), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 65534, 65534), 0);
		expect_refused("mode.so", ERR_DENIED, "owner 65534");
	}
}

/* A link is judged by what it points to. */
static void test_link(void **state)
{
	char path[FILE_PATH_BYTES], target[FILE_PATH_BYTES];
	struct plugin p;
	struct why why = { "" };

	(void)state;
	path_of("link.so", path);
	path_of("multi.so", target);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(plugin_open(folder, "link.so", &p, &why), ERR_OK);
	assert_string_equal(p.path, target);
	plugin_finish(&p);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("link.so", path), 0);
	expect_refused("link.so", ERR_NOT_FOUND, "link.so");
}

/* Damaged and cut files are refused without a read outside of them (the
 * sanitizers watch): their needs and symbol lie beyond what is there. */
static void test_damaged(void **state)
{
	char path[FILE_PATH_BYTES];
	size_t len = 0;

	(void)state;
	path_of("wrong_abi.so", path);
	char *bytes = file_read(path, &len);

	path_of("fuzz.so", path);
	for (size_t cut = 1; cut < len; cut += 97) {
		file_write(path, bytes, cut);
		expect_refused("fuzz.so", ERR_BAD_REQUEST, "plugin ");
	}
	for (size_t at = 4; at < 4096 && at < len; at++) {
		const char was = bytes[at];

		bytes[at] = (char)~was;
		file_write(path, bytes, len);
		expect_refused("fuzz.so", ERR_BAD_REQUEST, "plugin ");
		bytes[at] = was;
	}
	free(bytes);
	assert_null(getenv("TOCSIN_TEST_PLUGIN_RAN"));
}

/* --- the struct ------------------------------------------------------------ */

struct sample {
	const char *a, *b;
	int64_t time_ms, other_ms;
	struct tocsin_pairs pairs;
};

static int prepare(void *channel, const struct tocsin_message *msg, CURL *easy,
		   struct tocsin_request *out)
{
	(void)channel, (void)msg, (void)easy, (void)out;
	return TOCSIN_OK;
}

static void classify(void *channel, void *attempt, CURL *easy, const struct tocsin_outcome *out,
		     struct tocsin_verdict *v)
{
	(void)channel, (void)attempt, (void)easy, (void)out, (void)v;
}

static void release(void *channel, void *attempt)
{
	(void)channel, (void)attempt;
}

static const char *const choices[] = { "x", "y", NULL };

#define TARGET                                                                           \
	{                                                                                \
		.key = "a", .help = "A.", .kind = TOCSIN_URL, .flags = TOCSIN_IS_TARGET, \
		.offset = offsetof(struct sample, a)                                     \
	}
#define ROW(...)                                       \
	{                                              \
		TARGET, { .help = "B.", __VA_ARGS__ }, \
		{                                      \
			.key = NULL                    \
		}                                      \
	}
#define B            .key = "b", .offset = offsetof(struct sample, b)
#define TIME(member) .kind = TOCSIN_TIME_MS, .offset = offsetof(struct sample, member)

static void test_tables(void **state)
{
	static const struct {
		const char *text; /* NULL: sound */
		struct tocsin_field rows[3];
	} cases[] = {
		{ NULL, ROW(B, .kind = TOCSIN_TEXT, .dflt = "\"q\"") },
		{ NULL, ROW(B, .kind = TOCSIN_CHOICE, .choices = choices, .dflt = "\"y\"") },
		{ NULL, ROW(.key = "t", TIME(time_ms), .min = 1000, .max = 9000, .dflt = "2.5") },
		{ "default", ROW(B, .kind = TOCSIN_TEXT, .dflt = "q") },
		{ "default", ROW(B, .kind = TOCSIN_TEXT, .max = 2, .dflt = "\"qqq\"") },
		{ "default", ROW(B, .kind = TOCSIN_CHOICE, .choices = choices, .dflt = "\"z\"") },
		{ "default",
		  ROW(.key = "t", TIME(time_ms), .min = 1000, .max = 9000, .dflt = "0.5") },
		{ "choice without", ROW(B, .kind = TOCSIN_CHOICE) },
		{ "occurs twice",
		  ROW(.key = "a", .kind = TOCSIN_TEXT, .offset = offsetof(struct sample, b)) },
		{ "occurs twice", ROW(B, .kind = TOCSIN_TEXT, .alias = "a") },
		{ "occurs twice", ROW(B, .kind = TOCSIN_TEXT, .alias = "b") },
		{ "overlaps",
		  ROW(.key = "b", .kind = TOCSIN_TEXT, .offset = offsetof(struct sample, a)) },
		{ "not aligned",
		  ROW(.key = "b", .kind = TOCSIN_TEXT, .offset = offsetof(struct sample, b) + 1) },
		{ "outside",
		  ROW(.key = "b", .kind = TOCSIN_TEXT, .offset = sizeof(struct sample) - 1) },
		{ "outside", ROW(.key = "b", .kind = TOCSIN_TEXT, .offset = SIZE_MAX - 7) },
		{ "kind is unknown", ROW(B, .kind = 99) },
		{ "unknown flags", ROW(B, .kind = TOCSIN_TEXT, .flags = 1u << 20) },
		{ "min is above", ROW(B, .kind = TOCSIN_TEXT, .min = 3, .max = 2) },
		{ "of no kind that a list",
		  ROW(.key = "b", .kind = TOCSIN_LIST, .offset = offsetof(struct sample, pairs)) },
		{ "only pairs", ROW(B, .kind = TOCSIN_TEXT, .flags = TOCSIN_IS_HEADERS) },
		{ "only a time", ROW(B, .kind = TOCSIN_TEXT, .flags = TOCSIN_IS_TIMEOUT) },
		{ "can be secret", ROW(.key = "t", TIME(time_ms), .flags = TOCSIN_SECRET) },
		{ "a target must",
		  ROW(B, .kind = TOCSIN_CHOICE, .choices = choices, .flags = TOCSIN_IS_TARGET) },
		{ "operator's URL", ROW(B, .kind = TOCSIN_OPERATOR_URL) },
		{ "its key is not", ROW(.key = "9b", .kind = TOCSIN_TEXT) },
		{ "its key is not", ROW(.key = "b\n", .kind = TOCSIN_TEXT) },
		{ "its key is not", ROW(.key = "", .kind = TOCSIN_TEXT) },
		{ "no help", { TARGET, { B, .kind = TOCSIN_TEXT }, { .key = NULL } } },
		{ "TOCSIN_IS_TARGET",
		  { { .help = "B.", B, .kind = TOCSIN_TEXT }, { .key = NULL } } },
		{ "TOCSIN_IS_TIMEOUT",
		  { { .key = "a",
		      .help = "A.",
		      .kind = TOCSIN_TIME_MS,
		      .flags = TOCSIN_IS_TIMEOUT,
		      .offset = offsetof(struct sample, other_ms) },
		    { .key = "t", .help = "T.", TIME(time_ms), .flags = TOCSIN_IS_TIMEOUT },
		    { .key = NULL } } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct tocsin_channel c = {
			.abi = TOCSIN_CHANNEL_ABI,
			.size = sizeof(c),
			.name = "s",
			.version = "1",
			.schemes = "http,https",
			.fields = cases[i].rows,
			.configs_bytes = sizeof(struct sample),
			.prepare = prepare,
			.classify = classify,
			.release = release,
		};
		struct why why = { "" };
		const enum err rc = plugin_check(&c, &why);

		if ((rc == ERR_OK) != (cases[i].text == NULL) ||
		    (rc != ERR_OK && strstr(why.text, cases[i].text) == NULL))
			fail_msg("row %zu (%s): %s", i, cases[i].text, why.text);
	}
}

static void expect_struct_fault(const struct tocsin_channel *c, const char *text)
{
	struct why why = { "" };
	const enum err rc = plugin_check(c, &why);

	if (rc == ERR_OK || strstr(why.text, text) == NULL)
		fail_msg("%s: '%s'", text, why.text);
}

static void test_struct(void **state)
{
	static const struct tocsin_field fields[] = { TARGET, { .key = NULL } };
	static const struct tocsin_field settings[] = {
		{ .key = "n", .help = "N.", .kind = TOCSIN_INT, .min = 1, .max = 9, .dflt = "5" },
		{ .key = NULL }
	};
	static const struct tocsin_field bad_default[] = {
		{ .key = "n", .help = "N.", .kind = TOCSIN_INT, .min = 1, .max = 9, .dflt = "10" },
		{ .key = NULL }
	};
	static const struct tocsin_field bad_flag[] = {
		{ .key = "n", .help = "N.", .kind = TOCSIN_TEXT, .flags = TOCSIN_IS_TARGET },
		{ .key = NULL }
	};
	const struct tocsin_channel good = {
		.abi = TOCSIN_CHANNEL_ABI,
		.size = sizeof(good),
		.name = "s",
		.version = "1",
		.schemes = "smtp,smtps",
		.fields = fields,
		.configs_bytes = sizeof(struct sample),
		.settings = settings,
		.settings_bytes = 8,
		.prepare = prepare,
		.classify = classify,
		.release = release,
	};
	struct tocsin_channel c = good;
	struct why why = { "" };

	(void)state;
	assert_int_equal(plugin_check(&good, &why), ERR_OK);
	c = good, c.name = "", expect_struct_fault(&c, "no name");
	c = good, c.classify = NULL, expect_struct_fault(&c, "no classify()");
	c = good, c.release = NULL, expect_struct_fault(&c, "no release()");
	c = good, c.fields = NULL, expect_struct_fault(&c, "no fields");
	c = good, c.schemes = NULL, expect_struct_fault(&c, "schemes");
	c = good, c.schemes = "http,file", expect_struct_fault(&c, "schemes");
	c = good, c.schemes = "http,", expect_struct_fault(&c, "schemes");
	c = good, c.settings = bad_default, expect_struct_fault(&c, "settings table: row 'n'");
	c = good, c.settings = bad_flag, expect_struct_fault(&c, "are for fields");
	c = good, c.settings_bytes = 7, expect_struct_fault(&c, "outside");
	c = good, c.abi = 2, expect_struct_fault(&c, "ABI");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted), cmocka_unit_test(test_exports),
		cmocka_unit_test(test_refused),  cmocka_unit_test(test_not_elf),
		cmocka_unit_test(test_modes),    cmocka_unit_test(test_link),
		cmocka_unit_test(test_damaged),  cmocka_unit_test(test_tables),
		cmocka_unit_test(test_struct),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
