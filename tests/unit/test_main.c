/* test_main.c - the program itself: which command runs, and what it leaves behind.
 * SPDX-License-Identifier: MIT */
#include "base/err.h"

#include "program.h"

static char tocsin[FILE_PATH_BYTES]; /* the built one */

/* In the child: become the program. */
static int program_become(int argc, char **argv)
{
	(void)argc;
	execv(tocsin, argv);
	return 127;
}

static void commands(void **state)
{
	static const struct {
		const char *label, *words[5];
		int code;
		const char *has, *says;
	} cases[] = {
		{ "nothing", { "tocsin" }, 2, "usage: tocsin COMMAND", NULL },
		{ "help", { "tocsin", "help" }, 0, "usage: tocsin COMMAND", NULL },
		{ "-h", { "tocsin", "-h" }, 0, "usage: tocsin COMMAND", NULL },
		{ "--help", { "tocsin", "--help" }, 0, "  key add ORG --scopes", NULL },
		{ "version",
		  { "tocsin", "version" },
		  0,
		  "tocsin " TOCSIN_VERSION " (libcurl ",
		  NULL },
		{ "-V", { "tocsin", "-V" }, 0, "tocsin " TOCSIN_VERSION, NULL },
		{ "--version", { "tocsin", "--version" }, 0, "tocsin " TOCSIN_VERSION, NULL },
		{ "settings", { "tocsin", "settings" }, 0, "threads", NULL },
		{ "unknown", { "tocsin", "sevre" }, 2, NULL, "tocsin: sevre: no such command" },
		{ "empty", { "tocsin", "" }, 2, NULL, "no such command" },
		{ "not a command's", { "tocsin", "serves" }, 2, NULL, "no such command" },
		/* Each command gets the words behind its name, and its code comes back. */
		{ "serve", { "tocsin", "serve", "now" }, 2, NULL, "serve takes no argument" },
		{ "check", { "tocsin", "check", "now" }, 2, NULL, "check takes no argument" },
		{ "channels",
		  { "tocsin", "channels", "x" },
		  2,
		  NULL,
		  "channels takes no argument" },
		{ "check a file",
		  { "tocsin", "check", "-c", "/nowhere/x" },
		  1,
		  NULL,
		  "/nowhere/x" },
		{ "org", { "tocsin", "org", "list", "-q" }, 2, NULL, "-q: no such option" },
		{ "key", { "tocsin", "key", "add", "o" }, 2, NULL, "write: tocsin key add" },
		{ "audit", { "tocsin", "audit", "-c", "/nowhere/x" }, 1, NULL, "/nowhere/x" },
	};
	static struct program p;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		program_run(program_become, cases[i].words, &p);
		program_check(&p, cases[i].label, cases[i].code, cases[i].has, cases[i].says);
	}
}

/* Every command that help lists is one. */
static void help_lists_commands(void **state)
{
	static const char *const names[] = { "serve", "check", "settings", "channels", "org",
					     "key",   "audit", "version",  "help" };
	static struct program p;

	(void)state;
	program_run(program_become, WORDS("tocsin", "help"), &p);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		char line[32];

		snprintf(line, sizeof(line), "\n  %s", names[i]);
		if (strstr(p.out, line) == NULL)
			fail_msg("%s is not in: %s", names[i], p.out);
	}
}

/* A full disk must not look like success. */
static void output_that_is_lost(void **state)
{
	static const char *const commands_of[] = { "help", "version", "settings" };
	static char text[PROGRAM_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(commands_of); i++) {
		const int full = open("/dev/full", O_WRONLY | O_CLOEXEC), err = program_file();
		int status = 0;

		if (full < 0)
			skip();
		const pid_t child = program_start(program_become, WORDS("tocsin", commands_of[i]),
						  full, err);

		assert_int_equal(waitpid(child, &status, 0), child);
		close(full);
		program_text(err, text);
		assert_int_equal(program_code(status), 1);
		assert_non_null(strstr(text, "writing the output failed"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands),
		cmocka_unit_test(help_lists_commands),
		cmocka_unit_test(output_that_is_lost),
	};

	file_built("tocsin", tocsin);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
