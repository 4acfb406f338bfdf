/* command.h - what all subcommands share: their options and the configuration.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_MAIN_COMMAND_H
#define TOCSIN_MAIN_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

enum { OVERRIDES_MAX = 64 };

/* A command line after its subcommand's name. All borrowed from argv. */
struct options {
	const char *conf_path;                    /* -c; else TOCSIN_CONF_DIR/tocsin.conf */
	bool conf_given;                          /* -c was there */
	const char *overrides[OVERRIDES_MAX + 1]; /* -o group.key=value; NULL-terminated */
	const char *scopes;                       /* --scopes; NULL: not given */
	bool is_test;                             /* --test */
	bool is_forced;                           /* --force */
	char **words;                             /* what is left, in order */
	int word_count;
};

/* argv[0] is the subcommand's name. False after a line on stderr. */
bool options_parse(int argc, char **argv, struct options *out);

/* Read the configuration; all faults go to stderr. False when there is any.
 * Owner  *out is owned either way; conf_finish(). */
bool command_conf_load(const struct options *options, struct conf *out);

/* One line on stderr: "tocsin: …". */
void command_complain(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* The subcommands; argv[0] is the name. Return the exit code. */
int serve_run(int argc, char **argv);
int check_run(int argc, char **argv);
int settings_run(int argc, char **argv);
int channels_run(int argc, char **argv);
int plugin_run(int argc, char **argv);
int admin_run(int argc, char **argv);
int backup_run(int argc, char **argv);
int restore_run(int argc, char **argv);

#endif
