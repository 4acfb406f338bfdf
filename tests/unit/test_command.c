/* test_command.c - options of a subcommand, and a configuration's faults told.
 * SPDX-License-Identifier: MIT */
#include "main/command.h"

#include "program.h"

static void options_are_taken(void **state)
{
	static const struct {
		const char *words[10];
		const char *conf, *first, *second, *scopes; /* the last three: NULL = none */
		bool conf_given, is_test;
		int word_count;
		const char *word;
	} cases[] = {
		{ { "x" },
		  TOCSIN_CONF_DIR "/tocsin.conf",
		  NULL,
		  NULL,
		  NULL,
		  false,
		  false,
		  0,
		  NULL },
		{ { "x", "-c", "f" }, "f", NULL, NULL, NULL, true, false, 0, NULL },
		{ { "x", "--conf", "f" }, "f", NULL, NULL, NULL, true, false, 0, NULL },
		{ { "x", "--conf=f" }, "f", NULL, NULL, NULL, true, false, 0, NULL },
		{ { "x", "-cf", "-c", "g" }, "g", NULL, NULL, NULL, true, false, 0, NULL },
		{ { "x", "-o", "a.b=1", "--option=c.d=" },
		  TOCSIN_CONF_DIR "/tocsin.conf",
		  "a.b=1",
		  "c.d=",
		  NULL,
		  false,
		  false,
		  0,
		  NULL },
		{ { "x", "add", "--test", "o", "--scopes", "read" },
		  TOCSIN_CONF_DIR "/tocsin.conf",
		  NULL,
		  NULL,
		  "read",
		  false,
		  true,
		  2,
		  "add" },
		/* Options may stand behind words, but not behind --. */
		{ { "x", "one", "-c", "f" }, "f", NULL, NULL, NULL, true, false, 1, "one" },
		{ { "x", "--", "-c", "f" },
		  TOCSIN_CONF_DIR "/tocsin.conf",
		  NULL,
		  NULL,
		  NULL,
		  false,
		  false,
		  2,
		  "-c" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *argv[11] = { NULL };
		struct options o;
		int argc = 0;

		for (; cases[i].words[argc] != NULL; argc++)
			argv[argc] = (char *)(uintptr_t)cases[i].words[argc];
		if (!options_parse(argc, argv, &o))
			fail_msg("row %zu", i);
		assert_string_equal(o.conf_path, cases[i].conf);
		assert_int_equal(o.conf_given, cases[i].conf_given);
		assert_int_equal(o.is_test, cases[i].is_test);
		assert_int_equal(o.word_count, cases[i].word_count);
		if (cases[i].word != NULL)
			assert_string_equal(o.words[0], cases[i].word);
		assert_int_equal(o.overrides[0] != NULL, cases[i].first != NULL);
		if (cases[i].first != NULL) {
			assert_string_equal(o.overrides[0], cases[i].first);
			assert_string_equal(o.overrides[1], cases[i].second);
			assert_null(o.overrides[2]);
		}
		assert_int_equal(o.scopes != NULL, cases[i].scopes != NULL);
	}
}

static int parse_run(int argc, char **argv)
{
	struct options o;

	return options_parse(argc, argv, &o) ? 0 : 2;
}

static void options_are_refused(void **state)
{
	static const struct {
		const char *words[4];
		const char *says;
	} cases[] = {
		{ { "x", "-q" }, "tocsin: -q: no such option (tocsin help)\n" },
		{ { "x", "--quick" }, "tocsin: --quick: no such option" },
		{ { "x", "-c" }, "tocsin: -c needs a value" },
		{ { "x", "word", "--scopes" }, "tocsin: --scopes needs a value" },
		{ { "x", "-o", "a.b" }, "tocsin: -o a.b: write -o group.key=value" },
		{ { "x", "--test=1" }, "no such option" },
	};
	static struct program p;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		program_run(parse_run, cases[i].words, &p);
		program_check(&p, cases[i].says, 2, NULL, cases[i].says);
		/* One line. */
		assert_ptr_equal(strchr(p.err, '\n'), p.err + strlen(p.err) - 1);
	}
}

static void overrides_are_counted(void **state)
{
	static const struct {
		int count, code;
		const char *says;
	} cases[] = {
		{ OVERRIDES_MAX, 0, NULL },
		{ OVERRIDES_MAX + 1, 2, "more than 64 -o options" },
	};
	static struct program p;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *words[PROGRAM_WORDS_MAX + 1] = { "x" };

		for (int n = 0; n < cases[i].count; n++)
			words[1 + n] = "-oa.b=1";
		program_run(parse_run, words, &p);
		program_check(&p, "count", cases[i].code, NULL, cases[i].says);
	}
}

/* --- The configuration ----------------------------------------------------------- */

static int load_run(int argc, char **argv)
{
	struct conf conf = { 0 };
	struct options o;

	if (!options_parse(argc, argv, &o))
		return 2;
	const bool is_good = command_conf_load(&o, &conf);

	printf("threads %lld\n", (long long)conf.server.threads);
	conf_finish(&conf);
	return is_good ? 0 : 1;
}

static void configurations(void **state)
{
	static const struct {
		const char *label, *text; /* NULL: no file */
		const char *override;
		int code;
		const char *has, *says, *says_too;
	} cases[] = {
		{ "as it is", "server = { threads = 7; };\n", NULL, 0, "threads 7\n", NULL, NULL },
		{ "an option goes before it", "server = { threads = 7; };\n", "server.threads=9", 0,
		  "threads 9\n", NULL, NULL },
		{ "all faults at once", "server = { threads = 0; };\nspam = 1;\n", "log.level=loud",
		  1, "threads", "server.threads", "spam" },
		{ "an option's fault", "", "log.level=loud", 1, "threads", "log.level", NULL },
		{ "no file", NULL, NULL, 1, "threads", "tocsin.conf", NULL },
		{ "no syntax", "server = {", NULL, 1, "threads", "tocsin.conf", NULL },
	};
	static struct program p;
	char folder[FILE_PATH_BYTES], path[FILE_PATH_BYTES + 16];

	(void)state;
	folder_create(folder);
	snprintf(path, sizeof(path), "%s/tocsin.conf", folder);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *override = cases[i].override == NULL ? "server.threads=7"
								 : cases[i].override;

		unlink(path);
		if (cases[i].text != NULL)
			file_write(path, cases[i].text, strlen(cases[i].text));
		program_run(load_run, WORDS("x", "-c", path, "-o", override), &p);
		program_check(&p, cases[i].label, cases[i].code, cases[i].has, cases[i].says);
		if (cases[i].says_too != NULL)
			assert_non_null(strstr(p.err, cases[i].says_too));
	}
	unlink(path);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_taken),
		cmocka_unit_test(options_are_refused),
		cmocka_unit_test(overrides_are_counted),
		cmocka_unit_test(configurations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
