/* plugin_check.c - `tocsin plugin check`: a plugin on trial in a process of its own.
 * Not here: what is looked at (delivery/trial.h).
 * Main thread; the plugin runs in a child, so that its crash is a finding.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "delivery/trial.h"
#include "main/command.h"

enum { USAGE = 2, SETTINGS_MAX = 100, CONFIGS_MAX_BYTES = 1 << 20 };

static const struct option long_options[] = {
	{ "setting", required_argument, NULL, 's' },
	{ "configs", required_argument, NULL, 'j' },
	{ "send", no_argument, NULL, 'S' },
	{ NULL, 0, NULL, 0 },
};

struct plugin_options {
	const char *settings[SETTINGS_MAX + 1]; /* borrowed from argv */
	char *configs;                          /* owned; NULL: not given */
	char *file;                             /* owned */
	bool is_sending;
};

/* --- The command line ---------------------------------------------------------- */

/* JSON, or @FILE with it. NULL after a line on stderr. Owner: caller, free(). */
static char *configs_load(const char *text)
{
	char chunk[4096];
	struct buf out;
	size_t bytes;

	if (text[0] != '@')
		return xstrdup(text);
	FILE *file = fopen(text + 1, "r");

	if (file == NULL) {
		command_complain("%s: %s", text + 1, strerror(errno));
		return NULL;
	}
	buf_init(&out, CONFIGS_MAX_BYTES);
	buf_text(&out, "");
	while ((bytes = fread(chunk, 1, sizeof(chunk), file)) > 0)
		buf_bytes(&out, chunk, bytes);
	if (ferror(file) || out.failed != ERR_OK)
		command_complain("%s cannot be read or is too large", text + 1);
	char *configs = ferror(file) ? NULL : buf_take(&out);

	fclose(file);
	buf_finish(&out);
	return configs;
}

static bool option_take(int option, size_t *count, struct plugin_options *out)
{
	switch (option) {
	case 's':
		if (*count == SETTINGS_MAX) {
			command_complain("more than %d -s options", SETTINGS_MAX);
			return false;
		}
		out->settings[(*count)++] = optarg;
		return true;
	case 'j':
		free(out->configs);
		out->configs = configs_load(optarg);
		return out->configs != NULL;
	case 'S': out->is_sending = true; return true;
	case ':': command_complain("%s needs a value (tocsin help)", optarg); return false;
	default: command_complain("no such option (tocsin help)"); return false;
	}
}

static bool plugin_options_parse(int argc, char **argv, struct plugin_options *out)
{
	size_t count = 0;
	int option;

	*out = (struct plugin_options){ .file = NULL };
	optind = 0; /* start over: main() has looked at the same arguments */
	while ((option = getopt_long(argc, argv, "s:", long_options, NULL)) != -1) {
		if (!option_take(option, &count, out))
			return false;
	}
	if (argc - optind != 2 || strcmp(argv[optind], "check") != 0) {
		command_complain("write: tocsin plugin check FILE [-s key=value]... "
				 "[--configs JSON|@FILE] [--send]");
		return false;
	}
	/* A file that is here, else the name of an installed one. */
	out->file = realpath(argv[optind + 1], NULL);
	if (out->file == NULL)
		out->file = xstrdup(argv[optind + 1]);
	return true;
}

/* --- The child ------------------------------------------------------------------- */

static void line_print(enum trial_mark mark, const char *topic, const char *text)
{
	static const char *const marks[] = { "ok", "note", "warning", "FAIL" };

	printf("%-8s %-11s %s\n", marks[mark], topic, text);
	fflush(stdout); /* the next call may crash */
}

static void child_run(const struct plugin_options *options, struct trial_place *place)
{
	const struct trial_rules rules = { .file = options->file,
					   .settings = options->settings,
					   .configs = options->configs,
					   .is_sending = options->is_sending,
					   .say = line_print,
					   .place = place };

	trial_run(&rules);
	exit(EXIT_SUCCESS);
}

/* It came to no end: say what it was in. */
static void crash_print(struct trial_place *place, int status)
{
	const char *doing = place->doing[0] != '\0' ? place->doing
			    : place->has_ended      ? "its end; stderr may say why"
						    : "code of this program";
	char text[512];

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		snprintf(text, sizeof(text), "no return within %u s from %s", place->limit_s,
			 doing);
	else if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "died of signal %d (%s) inside %s", WTERMSIG(status),
			 strsignal(WTERMSIG(status)), doing);
	else
		snprintf(text, sizeof(text), "the process ended with %d inside %s",
			 WEXITSTATUS(status), doing);
	place->marks[TRIAL_FAIL]++;
	line_print(TRIAL_FAIL, "crash", text);
	line_print(TRIAL_NOTE, "crash", "what comes after that was not tried");
}

/* Counts stay in memory that both share. Returns the exit code. */
static int check_run_in(const struct plugin_options *options, struct trial_place *place)
{
	int status = 0;

	fflush(stdout);
	const pid_t child = fork();

	if (child < 0) {
		command_complain("fork: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	if (child == 0)
		child_run(options, place);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (!place->has_ended || status != 0)
		crash_print(place, status);
	printf("%s: %u ok, %u warnings, %u failed\n", options->file, place->marks[TRIAL_OK],
	       place->marks[TRIAL_WARNING], place->marks[TRIAL_FAIL]);
	return place->marks[TRIAL_FAIL] == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int plugin_run(int argc, char **argv)
{
	struct plugin_options options;
	int code = USAGE;

	if (plugin_options_parse(argc, argv, &options)) {
		void *place = mmap(NULL, sizeof(struct trial_place), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (place == MAP_FAILED) {
			command_complain("mmap: %s", strerror(errno));
			code = EXIT_FAILURE;
		} else {
			code = check_run_in(&options, place);
			munmap(place, sizeof(struct trial_place));
		}
	}
	free(options.configs);
	free(options.file);
	return code;
}
