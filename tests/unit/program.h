/* program.h - a subcommand in a process of its own: its exit code and what it said.
 * SPDX-License-Identifier: MIT
 * Forked from the test, which has no other threads then. */
#ifndef TESTS_UNIT_PROGRAM_H
#define TESTS_UNIT_PROGRAM_H

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>

#include "files.h"

enum { PROGRAM_TEXT_BYTES = 64 * 1024, PROGRAM_WORDS_MAX = 80 };

struct program {
	int code; /* 128 and the signal when one ended it */
	char out[PROGRAM_TEXT_BYTES], err[PROGRAM_TEXT_BYTES];
};

typedef int (*program_fn)(int argc, char **argv);

/* An unnamed file. */
static inline int program_file(void)
{
	char path[] = "/tmp/tocsin-test-XXXXXX";
	const int fd = mkstemp(path);

	assert_true(fd >= 0);
	unlink(path);
	return fd;
}

static inline void program_text(int fd, char out[PROGRAM_TEXT_BYTES])
{
	const ssize_t len = pread(fd, out, PROGRAM_TEXT_BYTES - 1, 0);

	assert_true(len >= 0);
	out[len] = '\0';
	close(fd);
}

static inline int program_code(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Start it with these as its standard output and error. words: up to a NULL. */
static inline pid_t program_start(program_fn fn, const char *const *words, int out, int err)
{
	char *argv[PROGRAM_WORDS_MAX + 1] = { NULL };
	int argc = 0;

	for (; words[argc] != NULL; argc++) {
		assert_true(argc < PROGRAM_WORDS_MAX);
		argv[argc] = (char *)(uintptr_t)words[argc];
	}
	fflush(NULL);
	const pid_t child = fork();

	assert_true(child >= 0);
	if (child != 0)
		return child;
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	const int code = fn(argc, argv);

	exit(fflush(stdout) == 0 ? code : 99);
}

static inline void program_run(program_fn fn, const char *const *words, struct program *p)
{
	const int out = program_file(), err = program_file();
	const pid_t child = program_start(fn, words, out, err);
	int status = 0;

	assert_int_equal(waitpid(child, &status, 0), child);
	p->code = program_code(status);
	program_text(out, p->out);
	program_text(err, p->err);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* has, says: in its output and its complaints; NULL: nothing at all is there. */
static inline void program_check(const struct program *p, const char *label, int code,
				 const char *has, const char *says)
{
	const bool out_fits = has == NULL ? p->out[0] == '\0' : strstr(p->out, has) != NULL;
	const bool err_fits = says == NULL ? p->err[0] == '\0' : strstr(p->err, says) != NULL;

	if (p->code != code || !out_fits || !err_fits)
		fail_msg("%s: exit %d instead of %d\nsaid: %s\ncomplained: %s", label, p->code,
			 code, p->out, p->err);
}

#endif
