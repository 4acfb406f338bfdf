/* channels.c - opens what tocsin.conf declares and finds it by name.
 * Not here: what makes a plugin file acceptable (plugin.c), attempts
 * (delivery/).
 * Main thread until channels_open() returns, then read-only for all.
 * SPDX-License-Identifier: MIT */
#include "channel/channels.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/url.h"
#include "channel/blame.h"

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
	if (declared->texts != NULL) {
		setting_faults_add(faults, "%s", text);
		return;
	}
	if (file == NULL)
		file = conf->path == NULL ? "tocsin.conf" : conf->path;
	setting_faults_add(faults, "%s:%u: channel %s: %s", file, line, declared->name, text);
}

/* --- Settings that the core acts on --------------------------------------------- */

static const void *value_at(const struct channel *c, const struct tocsin_field *row)
{
	return (const char *)c->settings + row->offset;
}

/* The host behind an operator's URL; its scheme must be one of the plugin's. */
static void operator_add(const struct conf *conf, const struct conf_channel *declared,
			 struct channel *c, const struct tocsin_field *row,
			 struct setting_faults *faults)
{
	const char *text = *(const char *const *)value_at(c, row);
	struct why why = { "" };
	struct url url;

	if (text == NULL)
		return;
	if (url_parse_of(span_of(text), c->plugin.vtable.schemes, &url, &why) != ERR_OK) {
		char *fault = xformat("%s: %s; allowed are %s", row->key, why.text,
				      c->plugin.vtable.schemes == NULL ? "http,https"
								       : c->plugin.vtable.schemes);

		fault_add(conf, declared, fault, faults);
		free(fault);
		return;
	}
	c->operators = xrealloc(c->operators, (c->operator_count + 1) * sizeof(*c->operators));
	c->operators[c->operator_count++] = (struct operator_host){ xstrdup(url.host), url.port };
	url_finish(&url);
}

static void settings_take(const struct conf *conf, const struct conf_channel *declared,
			  struct channel *c, struct setting_faults *faults)
{
	for (const struct tocsin_field *row = settings_table(&c->plugin); row->key != NULL; row++) {
		if (row->kind == TOCSIN_OPERATOR_URL)
			operator_add(conf, declared, c, row, faults);
		if ((row->flags & TOCSIN_IS_TIMEOUT) != 0)
			c->timeout_ms = *(const int64_t *)value_at(c, row);
		if ((row->flags & TOCSIN_IS_TARGET_RATE) != 0)
			c->target_rate = *(const double *)value_at(c, row);
		if ((row->flags & TOCSIN_IS_CHANNEL_RATE) != 0)
			c->channel_rate = *(const double *)value_at(c, row);
	}
}

bool channel_is_operator(const struct channel *c, const char *host, uint16_t port)
{
	for (size_t i = 0; i < c->operator_count; i++) {
		if (c->operators[i].port == port && strcmp(c->operators[i].host, host) == 0)
			return true;
	}
	return false;
}

static bool has_scheme(const char *schemes, const char *scheme)
{
	const char *at = schemes == NULL ? NULL : strstr(schemes, scheme);
	const size_t len = strlen(scheme);

	for (; at != NULL; at = strstr(at + 1, scheme)) {
		if ((at == schemes || at[-1] == ',') && (at[len] == ',' || at[len] == '\0'))
			return true;
	}
	return false;
}

/* libcurl waits inside its calls for a mail server's answers. */
static enum channel_lane lane_of(const struct tocsin_channel *v)
{
	const bool is_slow = v->deliver != NULL || v->lane == TOCSIN_SLOW_LANE ||
			     has_scheme(v->schemes, "smtp") || has_scheme(v->schemes, "smtps");

	return is_slow ? LANE_SLOW : LANE_FAST;
}

/* --- Opening and closing --------------------------------------------------------- */

static void state_open(const struct conf *conf, const struct conf_channel *declared,
		       const struct tocsin_host *host, struct channel *c,
		       struct setting_faults *faults)
{
	char reason[REASON_MAX_BYTES] = "";

	if (c->plugin.vtable.open == NULL) {
		c->is_open = true;
		return;
	}
	c->host = *host;
	if (c->host.core == NULL)
		c->host.core = c;
	blame_enter(0, declared->name, c->plugin.vtable.name, "open");
	const int rc = c->plugin.vtable.open(&c->host, c->settings, &c->state, reason,
					     sizeof(reason));

	blame_leave();
	if (rc == TOCSIN_OK) {
		c->is_open = true;
		return;
	}
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

	if (declared->texts != NULL)
		settings_read_texts(declared->texts, "settings", settings_table(&c->plugin),
				    c->settings, faults);
	else
		settings_read(declared->group, path, settings_table(&c->plugin), read_elsewhere,
			      c->settings, faults);
	free(path);
	c->lane = lane_of(&c->plugin.vtable);
	if (faults->count == faults_before)
		settings_take(conf, declared, c, faults);
	if (faults->count == faults_before)
		state_open(conf, declared, host, c, faults);
}

static void channel_close(struct channel *c)
{
	/* A channel whose plugin was refused has no name and nothing else. */
	if (c->name == NULL)
		return;
	if (c->is_open && c->plugin.vtable.close != NULL)
		c->plugin.vtable.close(c->state);
	settings_finish(settings_table(&c->plugin), c->settings);
	free(c->settings);
	for (size_t i = 0; i < c->operator_count; i++)
		free(c->operators[i].host);
	free(c->operators);
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
