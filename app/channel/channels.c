/* channels.c - opens what tocsin.conf declares and finds it by name.
 * Not here: what makes a plugin file acceptable (plugin.c), attempts
 * (delivery/).
 * Main thread until channels_open() returns, then read-only for all.
 * SPDX-License-Identifier: MIT */
#include "channel/channels.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { REASON_MAX_BYTES = 256 };

static const struct tocsin_field no_settings[] = { { .key = NULL } };

static const struct tocsin_field *settings_table(const struct plugin *p)
{
	return p->vtable.settings == NULL ? no_settings : p->vtable.settings;
}

/* "tocsin.conf:12: channel slack: …" */
static void fault_add(const struct conf *conf, const struct conf_channel *declared,
		      const char *text, struct setting_faults *faults)
{
	const char *file = NULL;
	unsigned line = 0;

	if (declared->group != NULL) {
		file = config_setting_source_file(declared->group);
		line = config_setting_source_line(declared->group);
	}
	if (file == NULL)
		file = conf->path == NULL ? "tocsin.conf" : conf->path;
	setting_faults_add(faults, "%s:%u: channel %s: %s", file, line, declared->name, text);
}

static void state_open(const struct conf *conf, const struct conf_channel *declared,
		       const struct tocsin_host *host, struct channel *c,
		       struct setting_faults *faults)
{
	char reason[REASON_MAX_BYTES] = "";

	if (c->plugin.vtable.open == NULL)
		return;
	const int rc = c->plugin.vtable.open(host, c->settings, &c->state, reason, sizeof(reason));

	if (rc == TOCSIN_OK)
		return;
	reason[sizeof(reason) - 1] = '\0';
	c->state = NULL;
	fault_add(conf, declared, reason[0] == '\0' ? "its open() failed without a reason" : reason,
		  faults);
}

static void channel_open(const struct conf *conf, const struct conf_channel *declared,
			 const struct tocsin_host *host, struct channel *c,
			 struct setting_faults *faults)
{
	static const char *const read_elsewhere[] = { "name", "plugin", NULL };
	const size_t faults_before = faults->count;
	struct why why = { "" };

	if (plugin_open(conf->plugin_folder, declared->plugin, &c->plugin, &why) != ERR_OK) {
		fault_add(conf, declared, why.text, faults);
		return;
	}
	c->name = xstrdup(declared->name);
	c->settings = xcalloc(1, c->plugin.vtable.settings_bytes + 1);
	char *path = xformat("channels.%s", declared->name);

	settings_read(declared->group, path, settings_table(&c->plugin), read_elsewhere,
		      c->settings, faults);
	free(path);
	if (faults->count == faults_before)
		state_open(conf, declared, host, c, faults);
}

static void channel_close(struct channel *c)
{
	/* A channel whose plugin was refused has no name and nothing else. */
	if (c->name == NULL)
		return;
	if (c->plugin.vtable.close != NULL)
		c->plugin.vtable.close(c->state);
	settings_finish(settings_table(&c->plugin), c->settings);
	free(c->settings);
	free(c->name);
	plugin_finish(&c->plugin);
	*c = (struct channel){ 0 };
}

enum err channels_open(const struct conf *conf, const struct tocsin_host *host,
		       struct channels *out, struct setting_faults *faults)
{
	const size_t faults_before = faults->count;

	*out = (struct channels){ 0 };
	if (conf->channel_count == 0)
		return ERR_OK;
	out->items = xcalloc(conf->channel_count, sizeof(*out->items));
	for (size_t i = 0; i < conf->channel_count; i++) {
		channel_open(conf, &conf->channels[i], host, &out->items[i], faults);
		out->count = i + 1;
	}
	return faults->count == faults_before ? ERR_OK : ERR_BAD_REQUEST;
}

void channels_close(struct channels *c)
{
	if (c == NULL)
		return;
	while (c->count > 0)
		channel_close(&c->items[--c->count]);
	free(c->items);
	*c = (struct channels){ 0 };
}

const struct channel *channels_find(const struct channels *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++) {
		if (c->items[i].name != NULL && strcmp(c->items[i].name, name) == 0)
			return &c->items[i];
	}
	return NULL;
}
