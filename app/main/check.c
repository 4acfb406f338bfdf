/* check.c - `tocsin check`, `settings` and `channels`: look, start nothing.
 * Not here: the rules (conf/, channel/).
 * Main thread.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "channel/channels.h"
#include "delivery/engine.h"
#include "main/channels_list.h"
#include "main/command.h"

enum { USAGE = 2 };

/* Faults of both readings go to stderr; false when there is any. */
static bool channels_load(const struct conf *conf, struct channels *out)
{
	struct setting_faults faults = { 0 };
	enum err rc = channels_open(conf, engine_host(conf), out, &faults);
	for (size_t i = 0; i < faults.count; i++)
		fprintf(stderr, "%s\n", faults.lines[i]);
	if (rc != ERR_OK && faults.count == 0)
		command_complain("channels: %s", err_text(rc));
	setting_faults_finish(&faults);
	return rc == ERR_OK;
}

static void check_print(const struct options *options, const struct conf *conf,
			const struct channels *channels)
{
	(void)conf, (void)channels;
	printf("%s: ok\n", options->conf_path);
}

static void channels_print(const struct options *options, const struct conf *conf,
			   const struct channels *channels)
{
	(void)options, (void)conf;
	channels_list_print(stdout, channels);
}

static void settings_show(const struct options *options, const struct conf *conf,
			  const struct channels *channels)
{
	(void)options, (void)conf;
	conf_print(stdout);
	for (size_t i = 0; i < channels->count; i++) {
		const struct channel *c = &channels->items[i];
		char path[128];
		snprintf(path, sizeof(path), "channels.%s", c->name);
		if (c->plugin.vtable.settings != NULL)
			settings_print(stdout, path, c->plugin.vtable.settings);
	}
}

/* Read the configuration, open its plugins, show something of it. */
static int look(const struct options *options,
		void (*show)(const struct options *, const struct conf *, const struct channels *))
{
	struct conf conf = { 0 };
	struct channels channels = { 0 };
	bool good = command_conf_load(options, &conf);
	/* Plugins are tried even so: all faults at once. */
	if (conf.channels != NULL && !channels_load(&conf, &channels))
		good = false;
	if (good)
		show(options, &conf, &channels);
	channels_close(&channels);
	conf_finish(&conf);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int look_run(int argc, char **argv,
		    void (*show)(const struct options *, const struct conf *,
				 const struct channels *))
{
	struct options options;
	if (!options_parse(argc, argv, &options))
		return USAGE;
	if (options.word_count > 0) {
		command_complain("%s takes no argument but -c FILE and -o K=V", argv[0]);
		return USAGE;
	}
	return look(&options, show);
}

int check_run(int argc, char **argv)
{
	return look_run(argc, argv, check_print);
}

int channels_run(int argc, char **argv)
{
	return look_run(argc, argv, channels_print);
}

int settings_run(int argc, char **argv)
{
	struct options options;
	if (!options_parse(argc, argv, &options))
		return USAGE;
	if (options.conf_given)
		return look(&options, settings_show);
	conf_print(stdout);
	return EXIT_SUCCESS;
}
