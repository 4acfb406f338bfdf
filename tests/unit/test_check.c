/* test_check.c - looking at a configuration and its plugins without starting anything.
 * SPDX-License-Identifier: MIT */
#include "base/err.h"
#include "main/command.h"

#include "program.h"

#define HTTP "{ name = \"webhook\"; plugin = \"http.so\"; }"

static char folder[FILE_PATH_BYTES];
static char conf_path[FILE_PATH_BYTES + 16], plugin_path[FILE_PATH_BYTES + 16];

static int setup(void **state)
{
	char from[FILE_PATH_BYTES];

	(void)state;
	folder_create(folder);
	snprintf(conf_path, sizeof(conf_path), "%s/tocsin.conf", folder);
	snprintf(plugin_path, sizeof(plugin_path), "%s/http.so", folder);
	file_built(".libs/http.so", from);
	file_copy(from, plugin_path);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(conf_path);
	unlink(plugin_path);
	return rmdir(folder); /* nothing was made there */
}

static void conf_write(const char *text)
{
	char all[4096];
	const int len = snprintf(all, sizeof(all), "plugin_folder = \"%s\";\n%s", folder, text);

	file_write(conf_path, all, (size_t)len);
}

static void check(void **state)
{
	static const struct {
		const char *label, *text, *override;
		int code;
		const char *has, *says, *says_too;
	} cases[] = {
		{ "good", "channels = (" HTTP ");", NULL, 0, ": ok\n", NULL, NULL },
		{ "no channels", "channels = ();", NULL, 0, ": ok\n", NULL, NULL },
		{ "no plugin", "channels = ({ name = \"a\"; plugin = \"none.so\"; });", NULL, 1,
		  NULL, "none.so", NULL },
		{ "its own key", "channels = ({ name = \"a\"; plugin = \"http.so\"; spam = 1; });",
		  NULL, 1, NULL, "spam", NULL },
		{ "a bad option", "channels = (" HTTP ");", "log.level=loud", 1, NULL, "log.level",
		  NULL },
		/* Plugins are tried although the rest is wrong already. */
		{ "all at once",
		  "server = { threads = 0; };\n"
		  "channels = ({ name = \"a\"; plugin = \"none.so\"; });",
		  NULL, 1, NULL, "server.threads", "none.so" },
	};
	static struct program p;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *override = cases[i].override == NULL ? "log.level=notice"
								 : cases[i].override;

		conf_write(cases[i].text);
		program_run(check_run, WORDS("check", "-c", conf_path, "-o", override), &p);
		program_check(&p, cases[i].label, cases[i].code, cases[i].has, cases[i].says);
		if (cases[i].says_too != NULL && strstr(p.err, cases[i].says_too) == NULL)
			fail_msg("%s: %s", cases[i].label, p.err);
	}
}

/* One line begins with each name; the plugin and the file it is in, between tabs. */
static void channels(void **state)
{
	static struct program p;
	char want[2 * FILE_PATH_BYTES];

	(void)state;
	conf_write("channels = (" HTTP ", { name = \"b\"; plugin = \"http.so\"; });");
	program_run(channels_run, WORDS("channels", "-c", conf_path), &p);
	program_check(&p, "channels", 0, "webhook\thttp ", NULL);
	assert_memory_equal(p.out, "webhook\thttp ", 13);
	const char *second = strstr(p.out, "\nb\thttp ");

	assert_non_null(second);
	snprintf(want, sizeof(want), "\t%s\n", plugin_path);
	assert_non_null(strstr(second, want));
	conf_write("channels = ();");
	program_run(channels_run, WORDS("channels", "-c", conf_path), &p);
	assert_int_equal(p.code, 0);
	assert_null(strstr(p.out, "http.so"));
}

/* Without a file the core's own; with one, those of its plugins as well. */
static void settings(void **state)
{
	static struct program p;
	static char own[PROGRAM_TEXT_BYTES];

	(void)state;
	program_run(settings_run, WORDS("settings"), &p);
	program_check(&p, "own", 0, "threads", NULL);
	memcpy(own, p.out, sizeof(own));
	assert_null(strstr(own, "channels.webhook"));
	conf_write("channels = (" HTTP ");");
	program_run(settings_run, WORDS("settings", "-c", conf_path), &p);
	program_check(&p, "with plugins", 0, "threads", NULL);
	assert_memory_equal(p.out, own, strlen(own));
	conf_write("spam = 1;");
	program_run(settings_run, WORDS("settings", "-c", conf_path), &p);
	program_check(&p, "faults", 1, NULL, "spam");
}

static void usage(void **state)
{
	static const struct {
		program_fn fn;
		const char *words[4], *says;
	} cases[] = {
		{ check_run, { "check", "now" }, "check takes no argument but" },
		{ channels_run, { "channels", "all" }, "channels takes no argument but" },
		{ check_run, { "check", "-x" }, "no such option" },
		{ settings_run, { "settings", "-x" }, "no such option" },
		{ channels_run, { "channels", "-c" }, "needs a value" },
	};
	static struct program p;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		program_run(cases[i].fn, cases[i].words, &p);
		program_check(&p, cases[i].says, 2, NULL, cases[i].says);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = { TEST(check), TEST(channels), TEST(settings),
					    TEST(usage) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
