/* command.c - options and configuration, the same for every subcommand.
 * Not here: what the subcommands do.
 * Main thread, before there are others.
 * SPDX-License-Identifier: MIT */
#include "main/command.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct option long_options[] = {
	{ "conf", required_argument, NULL, 'c' },   { "option", required_argument, NULL, 'o' },
	{ "scopes", required_argument, NULL, 's' }, { "test", no_argument, NULL, 't' },
	{ "force", no_argument, NULL, 'f' },        { NULL, 0, NULL, 0 },
};

void command_complain(const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	fputs("tocsin: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
}

static bool override_add(struct options *out, size_t *count, const char *text)
{
	if (strchr(text, '=') == NULL) {
		command_complain("-o %s: write -o group.key=value (keys: tocsin settings)", text);
		return false;
	}
	if (*count == OVERRIDES_MAX) {
		command_complain("more than %d -o options: use a configuration file",
				 OVERRIDES_MAX);
		return false;
	}
	out->overrides[(*count)++] = text;
	return true;
}

bool options_parse(int argc, char **argv, struct options *out)
{
	size_t override_count = 0;
	*out = (struct options){ .conf_path = TOCSIN_CONF_DIR "/tocsin.conf" };
	optind = 0; /* start over: main() has looked at the same arguments */
	opterr = 0;
	for (;;) {
		int c = getopt_long(argc, argv, ":c:o:", long_options, NULL);
		if (c == -1)
			break;
		switch (c) {
		case 'c':
			out->conf_path = optarg;
			out->conf_given = true;
			break;
		case 'o':
			if (!override_add(out, &override_count, optarg))
				return false;
			break;
		case 's': out->scopes = optarg; break;
		case 't': out->is_test = true; break;
		case 'f': out->is_forced = true; break;
		case ':':
			command_complain("%s needs a value (tocsin help)", argv[optind - 1]);
			return false;
		default:
			command_complain("%s: no such option (tocsin help)", argv[optind - 1]);
			return false;
		}
	}
	out->words = argv + optind;
	out->word_count = argc - optind;
	return true;
}

bool command_conf_load(const struct options *options, struct conf *out)
{
	struct setting_faults faults = { 0 };
	enum err rc = conf_load(options->conf_path, options->overrides, out, &faults);
	for (size_t i = 0; i < faults.count; i++)
		fprintf(stderr, "%s\n", faults.lines[i]);
	if (rc != ERR_OK && faults.count == 0)
		command_complain("%s: %s", options->conf_path, err_text(rc));
	setting_faults_finish(&faults);
	return rc == ERR_OK;
}
