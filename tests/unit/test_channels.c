/* test_channels.c - channels as tocsin.conf declares them, with real plugins.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "channel/channels.h"

#include "files.h"

static char folder[FILE_PATH_BYTES];

static const struct tocsin_host host = { .abi = TOCSIN_CHANNEL_ABI,
					 .size = sizeof(host),
					 .user_agent = "Tocsin/9" };

static void path_of(const char *name, char out[FILE_PATH_BYTES])
{
	assert_true(snprintf(out, FILE_PATH_BYTES, "%s/%s", folder, name) < FILE_PATH_BYTES);
}

static int setup(void **state)
{
	char from[FILE_PATH_BYTES], to[FILE_PATH_BYTES];

	(void)state;
	folder_create(folder);
	file_built(".libs/http.so", from);
	path_of("http.so", to);
	file_copy(from, to);
	file_built("tests/plugins/.libs/multi.so", from);
	path_of("multi.so", to);
	file_copy(from, to);
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = { "http.so", "multi.so", "tocsin.conf" };
	char path[FILE_PATH_BYTES];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		path_of(names[i], path);
		unlink(path);
	}
	return rmdir(folder);
}

/* Open what a file with these channels declares; everything is to be closed. */
static enum err channels_of(const char *declared, struct conf *conf, struct channels *out,
			    struct setting_faults *faults)
{
	char text[4096], path[FILE_PATH_BYTES];
	const int len = snprintf(text, sizeof(text),
				 "plugin_folder = \"%s\";\nchannels = (\n%s\n);\n", folder,
				 declared);

	path_of("tocsin.conf", path);
	file_write(path, text, (size_t)len);
	*faults = (struct setting_faults){ NULL, 0 };
	if (conf_load(path, NULL, conf, faults) != ERR_OK)
		fail_msg("%s", faults->lines[0]);
	return channels_open(conf, &host, out, faults);
}

static void test_open(void **state)
{
	struct conf conf;
	struct channels c;
	struct setting_faults faults;
	const enum err rc = channels_of("{ name = \"webhook\"; plugin = \"http.so\"; },\n"
					"{ name = \"http\"; plugin = \"http.so\"; },\n"
					"{ name = \"sms\"; plugin = \"multi.so\";"
					"  gateway = \"http://127.0.0.1:9/\"; }",
					&conf, &c, &faults);

	(void)state;
	if (rc != ERR_OK)
		fail_msg("%s", faults.lines[0]);
	assert_int_equal(c.count, 3);
	assert_string_equal(channels_find(&c, "webhook")->plugin.vtable.name, "http");
	assert_string_equal(channels_find(&c, "sms")->plugin.vtable.name, "multi");
	assert_non_null(channels_find(&c, "sms")->state);
	/* One plugin declared twice has a state for each. */
	assert_ptr_not_equal(channels_find(&c, "webhook")->state, channels_find(&c, "http")->state);
	assert_null(channels_find(&c, "slack"));
	assert_null(channels_find(&c, "Webhook"));
	channels_close(&c);
	channels_close(&c);
	channels_close(NULL);
	setting_faults_finish(&faults);
	conf_finish(&conf);
}

/* Every channel's fault is told, with the line of its group. */
static void test_faults(void **state)
{
	static const struct {
		const char *declared, *text;
		size_t count;
	} cases[] = {
		{ "{ name = \"a\"; plugin = \"gone.so\"; }", "tocsin.conf:3: channel a: plugin ",
		  1 },
		{ "{ name = \"a\"; plugin = \"multi.so\"; }", "gateway", 1 },
		{ "{ name = \"a\"; plugin = \"http.so\"; colour = 1; }", "colour", 1 },
		{ "{ name = \"a\"; plugin = \"multi.so\"; gateway = \"http://forbidden/\"; }",
		  "tocsin.conf:3: channel a: this gateway is forbidden", 1 },
		{ "{ name = \"a\"; plugin = \"gone.so\"; },\n"
		  "{ name = \"b\"; plugin = \"multi.so\"; },\n"
		  "{ name = \"c\"; plugin = \"http.so\"; }",
		  "gone.so", 2 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct conf conf;
		struct channels c;
		struct setting_faults faults;

		assert_int_equal(channels_of(cases[i].declared, &conf, &c, &faults),
				 ERR_BAD_REQUEST);
		if (faults.count != cases[i].count ||
		    strstr(faults.lines[0], cases[i].text) == NULL)
			fail_msg("row %zu: %zu %s", i, faults.count, faults.lines[0]);
		assert_null(channels_find(&c, "x"));
		channels_close(&c);
		setting_faults_finish(&faults);
		conf_finish(&conf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_faults),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
