/* test_blame.c - strikes: counted by dying processes, kept, forgotten.
 * SPDX-License-Identifier: MIT */
#include "channel/blame.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"

static char folder[FILE_PATH_BYTES], path[FILE_PATH_BYTES + 16];

static int setup(void **state)
{
	(void)state;
	folder_create(folder);
	snprintf(path, sizeof(path), "%s/strikes", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	rmdir(folder);
	return 0;
}

static void ledger_open(void)
{
	struct why why = { "" };

	if (blame_open(path, &why) != ERR_OK)
		fail_msg("%s", why.text);
}

/* A child that dies of a signal inside (or outside) a call; what it wrote to
 * stderr is in text. */
static void child_die(int64_t delivery, int number, char *text, size_t text_bytes)
{
	int ends[2], status = 0;

	assert_int_equal(pipe(ends), 0);
	const pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		const struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		signal(number, SIG_DFL); /* a sanitizer's own handler would not die of it */
		dup2(ends[1], STDERR_FILENO);
		ledger_open();
		blame_thread_begin();
		if (delivery != 0)
			blame_enter(delivery, "frail", "stub", "prepare");
		raise(number);
		_exit(0);
	}
	close(ends[1]);
	const ssize_t len = read(ends[0], text, text_bytes - 1);

	text[len > 0 ? len : 0] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), number);
}

static void test_strikes(void **state)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE };
	char text[512];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(signals); i++) {
		child_die(41, signals[i], text, sizeof(text));
		ledger_open();
		assert_int_equal(blame_strikes(41), i + 1);
		assert_int_equal(blame_strikes(42), 0);
		blame_close();
		assert_non_null(strstr(text, "inside plugin=stub channel=frail call=prepare"));
	}
	ledger_open();
	blame_forget(41);
	assert_int_equal(blame_strikes(41), 0);
	blame_close();
	ledger_open();
	assert_int_equal(blame_strikes(41), 0);
	blame_close();
}

/* Outside of any plugin nobody is blamed, nor by a kill. */
static void test_nobody(void **state)
{
	char text[512];

	(void)state;
	child_die(0, SIGSEGV, text, sizeof(text));
	assert_null(strstr(text, "plugin="));
	child_die(43, SIGKILL, text, sizeof(text));
	assert_string_equal(text, "");
	ledger_open();
	assert_int_equal(blame_strikes(43), 0);
	blame_close();
}

/* What is no ledger of ours is made one, not believed. */
static void test_foreign_file(void **state)
{
	const int fd = open(path, O_WRONLY | O_TRUNC | O_CREAT, 0600);
	const char junk[64] = "something else";

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, junk, sizeof(junk)), sizeof(junk));
	close(fd);
	ledger_open();
	assert_int_equal(blame_strikes(1), 0);
	blame_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strikes),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_foreign_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
