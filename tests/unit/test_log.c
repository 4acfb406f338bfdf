/* test_log.c - what reaches stderr, line by line.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"

/* Run lines() in a child whose stderr is a file, and read that file. A child,
 * because the log asks only once whether it writes to the journal. */
static void capture(void (*lines)(void), const char *stream_format, char *out, size_t out_bytes)
{
	FILE *file = tmpfile();

	assert_non_null(file);

	const pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		char stream[64];
		struct stat st;

		dup2(fileno(file), STDERR_FILENO);
		fstat(STDERR_FILENO, &st);
		snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev,
			 (uintmax_t)st.st_ino);
		unsetenv("JOURNAL_STREAM");
		if (stream_format != NULL)
			setenv("JOURNAL_STREAM", stream_format[0] == '=' ? stream : stream_format,
			       1);
		lines();
		_exit(0);
	}

	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	rewind(file);

	const size_t len = fread(out, 1, out_bytes - 1, file);

	out[len] = '\0';
	fclose(file);
}

static void lines_levels(void)
{
	log_level_set(LOG_LEVEL_NOTICE);
	log_error("id=%d text=\"%s\"", 1, "a");
	log_warning("id=2");
	log_notice("id=3");
	log_info("id=4");
	log_debug("id=5");
	log_level_set(LOG_LEVEL_DEBUG);
	log_debug("id=6");
}

static void test_journal(void **state)
{
	char text[4096];

	(void)state;
	capture(lines_levels, "=", text, sizeof(text));
	assert_string_equal(text, "<3>id=1 text=\"a\"\n<4>id=2\n<5>id=3\n<7>id=6\n");
}

static void expect_dated(const char *stream)
{
	static const char *const tails[] = { " error id=1 text=\"a\"", " warning id=2",
					     " notice id=3", " debug id=6" };
	char text[4096], *line = text;

	capture(lines_levels, stream, text, sizeof(text));
	for (size_t i = 0; i < COUNT_OF(tails); i++) {
		char *end = strchr(line, '\n');
		int64_t us;

		assert_non_null(end);
		*end = '\0';
		assert_true(strlen(line) > TIME_TEXT_BYTES - 1);
		assert_true(time_parse((struct span){ line, TIME_TEXT_BYTES - 1 }, &us));
		assert_string_equal(line + TIME_TEXT_BYTES - 1, tails[i]);
		line = end + 1;
	}
	assert_string_equal(line, "");
}

static void test_dated(void **state)
{
	(void)state;
	expect_dated(NULL);
	expect_dated("1:2"); /* a journal stream that stderr is not */
	expect_dated("nonsense");
}

static void lines_hostile(void)
{
	log_error("a=%s", "x\nerror forged=1\r\t\x1B[31m\x7F|\xC2\x9B|\xFF|\xC3\xA9|\xE2\x82");
}

static void test_escapes(void **state)
{
	char text[4096];

	(void)state;
	capture(lines_hostile, "=", text, sizeof(text));
	assert_string_equal(text, "<3>a=x\\x0Aerror forged=1\\x0D\\x09\\x1B[31m\\x7F|\\xC2\\x9B|"
				  "\\xFF|\xC3\xA9|\\xE2\\x82\n");
}

static void lines_long(void)
{
	char text[3000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_error("%s", text);
	memset(text, '\n', sizeof(text) - 1);
	log_error("%s", text);
	log_error("after");
}

static void test_long_lines(void **state)
{
	char text[8192], *first, *second;

	(void)state;
	capture(lines_long, "=", text, sizeof(text));
	first = strchr(text, '\n');
	assert_non_null(first);
	assert_int_equal(first + 1 - text, 2000);
	second = strchr(first + 1, '\n');
	assert_non_null(second);
	assert_in_range(second - first, 1990, 2000);
	assert_string_equal(second, "\n<3>after\n");
}

static void *thread_log(void *arg)
{
	for (int i = 0; i < 200; i++)
		log_error("thread=%s", (const char *)arg);
	return NULL;
}

static void lines_threads(void)
{
	static char names[] = "a\0b\0c";
	pthread_t threads[3];

	for (size_t i = 0; i < COUNT_OF(threads); i++)
		if (pthread_create(&threads[i], NULL, thread_log, names + 2 * i) != 0)
			_exit(1);
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		pthread_join(threads[i], NULL);
}

static void test_threads(void **state)
{
	static char text[65536];
	size_t counts[3] = { 0 };

	(void)state;
	capture(lines_threads, "=", text, sizeof(text));
	for (const char *at = text; *at != '\0'; at += 12) {
		assert_memory_equal(at, "<3>thread=", 10);
		assert_in_range(at[10], 'a', 'c');
		assert_int_equal(at[11], '\n');
		counts[at[10] - 'a']++;
	}
	for (size_t i = 0; i < COUNT_OF(counts); i++)
		assert_int_equal(counts[i], 200);
}

static void lines_errno(void)
{
	errno = ENOENT;
	log_error("x");
	close(STDERR_FILENO);
	log_error("y"); /* cannot be written: no crash, no loop */
	if (errno != ENOENT)
		_exit(1);
}

static void test_errno_is_kept(void **state)
{
	char text[256];

	(void)state;
	capture(lines_errno, "=", text, sizeof(text));
	assert_string_equal(text, "<3>x\n");
}

static void test_level(void **state)
{
	(void)state;
	assert_int_equal(log_level_get(), LOG_LEVEL_INFO);
	log_level_set(LOG_LEVEL_ERROR);
	assert_int_equal(log_level_get(), LOG_LEVEL_ERROR);
}

static void test_quote(void **state)
{
	static const struct {
		const char *text, *want;
		size_t size;
	} cases[] = {
		{ "plain", "\"plain\"", 64 },
		{ "", "\"\"", 64 },
		{ NULL, "\"\"", 64 },
		{ "a\"b\\c", "\"a\\\"b\\\\c\"", 64 },
		{ "a\nb\xC3\xA9\xFF", "\"a\\x0Ab\xC3\xA9\\xFF\"", 64 },
		{ "abcdefghij", "\"abc\xE2\x80\xA6\"", 9 },
		{ "abc", "\"abc\"", 9 },
		{ "ab\"x", "\"ab\xE2\x80\xA6\"", 9 },        /* no half escape */
		{ "ab\xC3\xA9xx", "\"ab\xE2\x80\xA6\"", 9 }, /* no half character */
		{ "x", "\"\xE2\x80\xA6\"", 6 },
		{ "x", "", 5 },
		{ "x", "", 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char out[64];

		memset(out, '#', sizeof(out));
		assert_ptr_equal(log_quote(cases[i].text, out, cases[i].size), out);
		assert_string_equal(out, cases[i].want);
		if (cases[i].size < sizeof(out))
			assert_int_equal(out[cases[i].size], '#');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_journal), cmocka_unit_test(test_dated),
		cmocka_unit_test(test_escapes), cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_threads), cmocka_unit_test(test_errno_is_kept),
		cmocka_unit_test(test_level),   cmocka_unit_test(test_quote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
