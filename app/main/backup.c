/* backup.c - `tocsin backup` and `tocsin restore`.
 * Not here: how pages are copied and a store is replaced (store/).
 * Main thread.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "main/admin.h"
#include "main/command.h"
#include "main/control.h"

enum { USAGE = 2 };

/* Whom to ask: the running server, or the store opened by ourselves. */
struct asked {
	const struct conf *conf;
	struct admin own;
	bool is_own;
};

/* The server's folder is not ours. Owner: the caller, free(). */
static char *path_absolute(const char *path)
{
	char folder[4096];
	if (path[0] == '/' || getcwd(folder, sizeof(folder)) == NULL)
		return xstrdup(path);
	return xformat("%s/%s", folder, path);
}

/* The one FILE; NULL after a line on stderr. */
static const char *file_word(const struct options *options, const char *name)
{
	if (options->word_count == 1 && options->words[0][0] != '\0')
		return options->words[0];
	command_complain("write: tocsin %s FILE", name);
	return NULL;
}

/* --- Backup ---------------------------------------------------------------- */

static int ask(struct asked *a, char **words, int word_count, struct buf *out)
{
	struct why why = { "" };
	int code = EXIT_FAILURE;
	enum err rc = ERR_OK;
	buf_clear(out);
	if (!a->is_own) {
		rc = control_ask(a->conf->store.path, words, word_count, &code, out, &why);
		if (rc == ERR_OK)
			return code;
	}
	if (rc == ERR_NOT_FOUND && strcmp(words[1], "begin") == 0) {
		a->is_own = true;
		rc = admin_open(a->conf, &a->own, &why);
	}
	if (rc == ERR_OK)
		return admin_answer(&a->own, words, word_count, out);
	buf_format(out, "%s\n", why.text[0] != '\0' ? why.text : err_text(rc));
	return EXIT_FAILURE;
}

/* One line that is written over on a terminal; a log gets none of it. */
static void progress_print(const struct buf *out)
{
	if (isatty(STDERR_FILENO) && out->len > 0)
		fprintf(stderr, "\rtocsin: backup: %.*s", (int)out->len - 1, out->ptr);
}

static int backup_make(struct asked *a, char *path, const struct options *options, struct buf *out)
{
	static char noun[] = "backup", begin[] = "begin", wait[] = "wait", fresh[] = "new",
		    replace[] = "replace";
	char *first[] = { noun, begin, path, options->is_forced ? replace : fresh };
	char *then[] = { noun, wait };
	int code = ask(a, first, COUNT_OF(first), out);
	if (code != EXIT_SUCCESS)
		return code;
	while ((code = ask(a, then, COUNT_OF(then), out)) == CONTROL_MORE)
		progress_print(out);
	if (isatty(STDERR_FILENO))
		fputc('\n', stderr);
	return code;
}

static void backup_tell(const char *path)
{
	struct stat st;
	printf("%s", path);
	if (stat(path, &st) == 0)
		printf(" %lld bytes", (long long)st.st_size);
	putchar('\n');
}

int backup_run(int argc, char **argv)
{
	struct options options;
	struct conf conf = { 0 };
	struct asked a = { .conf = &conf };
	struct buf out;
	int code = EXIT_FAILURE;
	if (!options_parse(argc, argv, &options) || file_word(&options, argv[0]) == NULL)
		return USAGE;
	char *path = path_absolute(options.words[0]);
	buf_init(&out, CONTROL_REPLY_MAX_BYTES);
	if (command_conf_load(&options, &conf)) {
		code = backup_make(&a, path, &options, &out);
		if (code == EXIT_SUCCESS)
			backup_tell(path);
		else
			command_complain("%.*s", out.len > 0 ? (int)out.len - 1 : 0,
					 out.len > 0 ? out.ptr : "");
	}
	admin_close(&a.own);
	buf_finish(&out);
	free(path);
	conf_finish(&conf);
	return code;
}

/* --- Restore ----------------------------------------------------------------- */

/* A file with a log beside it is no backup: what is in the log would be missing. */
static bool has_log(const char *path)
{
	char *log = xformat("%s-wal", path);
	struct stat st;
	const bool is_there = stat(log, &st) == 0 && st.st_size > 0;
	if (is_there)
		command_complain("%s is there: %s is the store of a program that runs or was "
				 "killed; use tocsin backup to copy one",
				 log, path);
	free(log);
	return is_there;
}

static void restore_tell(const struct conf *conf, const struct store_restored *done)
{
	char text[TIME_TEXT_BYTES] = "none";
	if (done->newest_ms != 0)
		time_format(done->newest_ms * 1000, text);
	printf("%s restored, newest event %s\n", conf->store.path, text);
	if (done->aside != NULL)
		printf("the former store is %s\n", done->aside);
}

static int restore_make(const struct conf *conf, const char *path)
{
	struct store_restored done = { .aside = NULL };
	struct why why = { "" };
	/* Before we become the store's owner, who may not read it. */
	const int from = open(path, O_RDONLY | O_CLOEXEC);
	if (from < 0) {
		command_complain("cannot read %s: %s", path, strerror(errno));
		return EXIT_FAILURE;
	}
	enum err rc = ERR_DENIED;
	umask(0027);
	if (!has_log(path) && admin_owner_become(conf->store.path)) {
		rc = store_restore(conf->store.path, from, &done, &why);
		if (rc != ERR_OK)
			command_complain("%s; nothing was changed",
					 why.text[0] != '\0' ? why.text : err_text(rc));
	}
	if (rc == ERR_OK)
		restore_tell(conf, &done);
	free(done.aside);
	close(from);
	return rc == ERR_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int restore_run(int argc, char **argv)
{
	struct options options;
	struct conf conf = { 0 };
	int code = EXIT_FAILURE;
	if (!options_parse(argc, argv, &options) || file_word(&options, argv[0]) == NULL)
		return USAGE;
	if (command_conf_load(&options, &conf))
		code = restore_make(&conf, options.words[0]);
	conf_finish(&conf);
	return code;
}
