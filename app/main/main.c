/* main.c - the program's front door: a table of subcommands.
 * Not here: any of them (serve.c, check.c, admin.c).
 * Main thread.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "main/command.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage, *help;
};

static int version_run(int argc, char **argv)
{
	(void)argc, (void)argv;
	printf("tocsin %s (libcurl %s)\n", TOCSIN_VERSION,
	       curl_version_info(CURLVERSION_NOW)->version);
	return EXIT_SUCCESS;
}

static int help_run(int argc, char **argv);

static const struct command commands[] = {
	{ "serve", serve_run, "serve", "run the service until SIGTERM or SIGINT" },
	{ "check", check_run, "check", "check the configuration and its plugins, start nothing" },
	{ "settings", settings_run, "settings",
	  "print every setting with unit, range and default" },
	{ "channels", channels_run, "channels",
	  "list the channels that the configuration declares, with what they take" },
	{ "plugin", plugin_run,
	  "plugin check FILE [-s key=value]... [--configs JSON|@FILE] [--send]",
	  "does a channel plugin keep to its contract? (its author's test; docs/plugins.md)" },
	{ "org", admin_run, "org add NAME | list",
	  "make an organization (prints its id), list them" },
	{ "key", admin_run,
	  "key add ORG --scopes publish,read,manage [--test] | list [ORG] | revoke KEY",
	  "make an API key (prints it, once), list, revoke" },
	{ "audit", admin_run, "audit", "check the store's books by a scan" },
	{ "backup", backup_run, "backup FILE [--force]",
	  "copy the store into FILE, also while the service runs" },
	{ "restore", restore_run, "restore FILE",
	  "put a backup in the store's place; the former one is kept beside it" },
	{ "version", version_run, "version", "print the version" },
	{ "help", help_run, "help", "print this" },
};

static int help_run(int argc, char **argv)
{
	(void)argc, (void)argv;
	puts("usage: tocsin COMMAND [-c FILE] [-o group.key=value]...\n");
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		printf("  %s\n\t%s\n", commands[i].usage, commands[i].help);
	puts("\n  -c FILE  the configuration (default " TOCSIN_CONF_DIR "/tocsin.conf)\n"
	     "  -o K=V   a setting that goes before the file's; may be repeated");
	return EXIT_SUCCESS;
}

static const struct command *command_find(const char *name)
{
	if (strcmp(name, "-V") == 0 || strcmp(name, "--version") == 0)
		name = "version";
	if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0)
		name = "help";
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	return NULL;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		help_run(argc, argv);
		return 2;
	}
	const struct command *command = command_find(argv[1]);
	if (command == NULL) {
		command_complain("%s: no such command (tocsin help)", argv[1]);
		return 2;
	}
	int code = command->run(argc - 1, argv + 1);
	/* A full disk or a closed pipe must not look like success. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		command_complain("writing the output failed");
		return EXIT_FAILURE;
	}
	return code;
}
