/* conf_reader.c - what tocsin.conf says, read and checked.
 * Not here: the tables (conf_tables.c); how a table is read (settings.c); a
 * plugin's own keys (app/channel); whether event types are well-formed (domain).
 * Thread: main, at start-up; read-only afterwards, from any.
 * SPDX-License-Identifier: MIT */
#include "conf/conf.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/mem.h"
#include "conf/conf_tables.h"
#include "conf/file.h"
#include "conf/source.h"
#include "conf/value.h"

enum { PORT_MAX = 65535, PORT_DIGITS_MAX = 5, MODE_MAX = 0777 };

static const char channels_key[] = "channels";

/* What conf_load() has in hands. */
struct loading {
	struct conf *conf;
	const char *const *overrides;
	struct setting_faults *faults;
};

/* --- The file ----------------------------------------------------------- */

static const config_setting_t *group_find(const struct conf *c, const char *name)
{
	const config_setting_t *root = config_root_setting(&c->file);

	return name[0] == '\0' ? root : config_setting_get_member(root, name);
}

static void groups_read(const struct loading *l)
{
	const char *names[CONF_TABLES_MAX + 1];
	size_t count = 0;

	/* At the top level the groups' names are keys too. */
	for (const struct conf_table *t = conf_tables; t->rows != NULL; t++) {
		if (t->name[0] != '\0')
			names[count++] = t->name;
	}
	names[count++] = channels_key;
	names[count] = NULL;
	for (const struct conf_table *t = conf_tables; t->rows != NULL; t++)
		settings_read(group_find(l->conf, t->name), t->name, t->rows,
			      t->name[0] == '\0' ? names : NULL, l->conf, l->faults);
}

/* --- Channels ----------------------------------------------------------- */

static const struct tocsin_field channel_rows[] = {
	{ .key = "name",
	  .kind = TOCSIN_TEXT,
	  .flags = TOCSIN_REQUIRED,
	  .min = 1,
	  .max = 64,
	  .offset = offsetof(struct conf_channel, name),
	  .help = "Under which webhooks name the channel: a-z, 0-9, _ and -." },
	{ .key = "plugin",
	  .kind = TOCSIN_TEXT,
	  .flags = TOCSIN_REQUIRED,
	  .min = 1,
	  .max = 4096,
	  .offset = offsetof(struct conf_channel, plugin),
	  .help = "A file in plugin_folder (\"http.so\") or an absolute path." },
	{ .key = NULL },
};

static struct value_place channel_place(const struct loading *l, const config_setting_t *s,
					const char *key)
{
	return (struct value_place){ .file = config_setting_source_file(s),
				     .line = config_setting_source_line(s),
				     .key = key,
				     .index = -1,
				     .faults = l->faults };
}

static void channel_row_read(const struct loading *l, const config_setting_t *group,
			     const struct tocsin_field *row, struct conf_channel *channel)
{
	const config_setting_t *s = config_setting_get_member(group, row->key);
	char *key = xformat("%s[%d].%s", channels_key, config_setting_index(group), row->key);
	const struct value_place at = channel_place(l, s == NULL ? group : s, key);

	if (s != NULL) {
		value_setting_store(&at, row, s, channel);
	} else {
		struct buf allowed;

		buf_init(&allowed, 1024);
		value_allowed_describe(&allowed, row);
		value_fault_add(&at, "is missing; allowed is %s", allowed.ptr);
		buf_finish(&allowed);
	}
	free(key);
}

static void channel_name_check(const struct loading *l, const struct conf_channel *channel)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";

	if (channel->name == NULL)
		return; /* said already */

	const config_setting_t *s = config_setting_get_member(channel->group, "name");
	char *key = xformat("%s[%d].name", channels_key, config_setting_index(channel->group));
	const struct value_place at = channel_place(l, s, key);

	if (channel->name[strspn(channel->name, allowed)] != '\0')
		value_fault_add(&at, "is \"%s\"; allowed are a-z, 0-9, _ and -", channel->name);
	for (const struct conf_channel *other = l->conf->channels; other < channel; other++) {
		if (other->name == NULL || strcmp(other->name, channel->name) != 0)
			continue;
		s = config_setting_get_member(other->group, "name");
		value_fault_add(&at,
				"is \"%s\" a second time; allowed is a name once, "
				"and the first is at %s:%u",
				channel->name, config_setting_source_file(s),
				config_setting_source_line(s));
		break;
	}
	free(key);
}

static void channels_read(const struct loading *l)
{
	const config_setting_t *list = group_find(l->conf, channels_key);
	const int count = list == NULL ? 0 : config_setting_length(list);

	if (list != NULL && !config_setting_is_list(list)) {
		const struct value_place at = channel_place(l, list, channels_key);

		value_fault_add(&at, "is no list of groups; allowed is "
				     "( { name = \"webhook\"; plugin = \"http.so\"; }, ... )");
		return;
	}
	l->conf->channels = xcalloc((size_t)count + 1, sizeof(*l->conf->channels));
	for (int i = 0; i < count; i++) {
		const config_setting_t *group = config_setting_get_elem(list, (unsigned)i);
		struct conf_channel *channel = &l->conf->channels[l->conf->channel_count];

		if (!config_setting_is_group(group)) {
			struct value_place at = channel_place(l, group, channels_key);

			at.index = i;
			value_fault_add(&at, "is no group; allowed is "
					     "{ name = \"webhook\"; plugin = \"http.so\"; }");
			continue;
		}
		channel->group = group;
		for (const struct tocsin_field *row = channel_rows; row->key != NULL; row++)
			channel_row_read(l, group, row, channel);
		channel_name_check(l, channel);
		/* Plugins are tried in spite of faults, but only whole declarations. */
		if (channel->name != NULL && channel->plugin != NULL)
			l->conf->channel_count++;
		else
			settings_finish(channel_rows, channel);
	}
}

/* --- Overrides ---------------------------------------------------------- */

/* The row that "delivery.in_flight" names. */
static const struct tocsin_field *row_find(struct span key)
{
	const char *dot = memchr(key.ptr, '.', key.len);
	const struct span group = { key.ptr, dot == NULL ? 0 : (size_t)(dot - key.ptr) };
	const struct span name = { dot == NULL ? key.ptr : dot + 1,
				   dot == NULL ? key.len : key.len - group.len - 1 };

	for (const struct conf_table *t = conf_tables; t->rows != NULL; t++) {
		if (!span_is(group, t->name))
			continue;
		for (const struct tocsin_field *row = t->rows; row->key != NULL; row++) {
			if (span_is(name, row->key))
				return row;
		}
	}
	return NULL;
}

static void override_apply(const struct loading *l, const char *text)
{
	const char *equals = strchr(text, '=');
	const struct tocsin_field *row = NULL;
	char *key = NULL;

	if (equals == NULL) {
		setting_faults_add(l->faults,
				   "command line: %s has no value; allowed is "
				   "group.key=value such as delivery.timeout=10s",
				   text);
		return;
	}
	key = xspandup((struct span){ text, (size_t)(equals - text) });
	row = row_find(span_of(key));
	if (row != NULL)
		settings_override(key, equals + 1, row, l->conf, l->faults);
	else
		setting_faults_add(l->faults,
				   "command line: %s is not known; `tocsin settings` "
				   "prints every key (a channel's own keys stand in the file only)",
				   key);
	free(key);
}

/* The override that has the last word on key, or NULL. */
static const char *override_find(const struct loading *l, const char *key)
{
	const size_t bytes = strlen(key);
	const char *found = NULL;

	for (size_t i = 0; l->overrides != NULL && l->overrides[i] != NULL; i++) {
		if (strncmp(l->overrides[i], key, bytes) == 0 && l->overrides[i][bytes] == '=')
			found = l->overrides[i];
	}
	return found;
}

/* --- Paths -------------------------------------------------------------- */

static void path_settle(const char **text, const char *prefix, const char *folder)
{
	const size_t bytes = strlen(prefix);
	char *old = (char *)(uintptr_t)*text; /* owned, though handed out as const */

	if (old == NULL || strncmp(old, prefix, bytes) != 0 || old[bytes] == '/' ||
	    old[bytes] == '\0')
		return;

	char *path = file_path(folder, old + bytes);

	*text = xformat("%s%s", prefix, path);
	free(path);
	free(old);
}

/* Relative paths start in folder, whatever the current one is later. */
static void paths_settle(struct conf *c, const char *folder)
{
	path_settle(&c->store.path, "", folder);
	path_settle(&c->plugin_folder, "", folder);
	path_settle(&c->server.socket, "unix:", folder);
}

static void overrides_apply(const struct loading *l)
{
	char *here = file_folder("here"); /* a shell's user means the current folder */

	for (size_t i = 0; l->overrides != NULL && l->overrides[i] != NULL; i++)
		override_apply(l, l->overrides[i]);
	paths_settle(l->conf, here);
	free(here);
}

/* --- Rules beyond one row ----------------------------------------------- */

static const int64_t *row_integer(const struct tocsin_field *row, const struct conf *c)
{
	return (const int64_t *)(const void *)((const char *)c + row->offset);
}

/* Where key got its value: the command line, its line in the file, or nowhere
 * (a default); of a list's element when index is not -1. */
static struct value_place place_find(const struct loading *l, const char *key, long index)
{
	const config_setting_t *s = config_lookup(&l->conf->file, key);
	struct value_place at = {
		.file = l->conf->path, .key = key, .index = index, .faults = l->faults
	};

	if (override_find(l, key) != NULL) {
		at.file = "command line";
		return at;
	}
	if (s != NULL && index >= 0 && config_setting_is_aggregate(s) &&
	    index < config_setting_length(s))
		s = config_setting_get_elem(s, (unsigned)index);
	if (s != NULL) {
		at.file = config_setting_source_file(s);
		at.line = config_setting_source_line(s);
	}
	return at;
}

/* Both are integers, or both sizes. */
static void order_check(const struct loading *l, const char *small_key, const char *large_key)
{
	const struct tocsin_field *small = row_find(span_of(small_key));
	const struct tocsin_field *large = row_find(span_of(large_key));
	const int64_t least = *row_integer(small, l->conf), most = *row_integer(large, l->conf);
	const struct value_place at = place_find(l, small_key, -1);
	struct buf words;

	if (least <= most)
		return;
	buf_init(&words, 256);
	buf_text(&words, "is ");
	value_bound_describe(&words, small, least);
	buf_format(&words, "; allowed is at most %s, which is ", large_key);
	value_bound_describe(&words, large, most);
	value_fault_add(&at, "%s", words.ptr);
	buf_finish(&words);
}

static bool port_check(const char *text)
{
	const size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > PORT_DIGITS_MAX || text[digits] != '\0')
		return false;

	const long port = strtol(text, NULL, 10);

	return port >= 1 && port <= PORT_MAX;
}

/* "127.0.0.1:9000" or "[::1]:9000". */
static bool tcp_address_check(const char *text)
{
	const char *colon = strrchr(text, ':');
	unsigned char bytes[sizeof(struct in6_addr)];
	bool good = false;

	if (colon == NULL || !port_check(colon + 1))
		return false;

	const bool brackets = text[0] == '[' && colon > text + 1 && colon[-1] == ']';
	char *host = brackets ? xspandup((struct span){ text + 1, (size_t)(colon - text) - 2 })
			      : xspandup((struct span){ text, (size_t)(colon - text) });

	good = inet_pton(brackets ? AF_INET6 : AF_INET, host, bytes) == 1;
	free(host);
	return good;
}

static void socket_check(const struct loading *l)
{
	const char *socket = l->conf->server.socket;
	const size_t path_max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
	const struct value_place at = place_find(l, "server.socket", -1);

	if (strcmp(socket, "inherit") == 0)
		return;
	if (strncmp(socket, "tcp:", 4) == 0 && tcp_address_check(socket + 4))
		return;
	if (strncmp(socket, "unix:", 5) != 0 || socket[5] == '\0')
		value_fault_add(&at,
				"is \"%s\"; allowed are unix:PATH, tcp:ADDRESS:PORT "
				"(tcp:127.0.0.1:9000, tcp:[::1]:9000) and inherit",
				socket);
	else if (strlen(socket + 5) > path_max)
		value_fault_add(&at, "has a path of %zu bytes (%s); allowed are %zu",
				strlen(socket + 5), socket + 5, path_max);
}

static void socket_mode_check(const struct loading *l)
{
	const char *mode = l->conf->server.socket_mode;
	const struct value_place at = place_find(l, "server.socket_mode", -1);
	const size_t digits = strspn(mode, "01234567");

	if (digits == 0 || digits > 4 || mode[digits] != '\0' || strtol(mode, NULL, 8) > MODE_MAX)
		value_fault_add(
			&at, "is \"%s\"; allowed is an octal mode from \"0000\" to \"0777\"", mode);
}

/* It goes into a header: what HTTP would break on is stopped here. */
static void user_agent_check(const struct loading *l)
{
	const struct value_place at = place_find(l, "delivery.user_agent", -1);

	for (const char *p = l->conf->delivery.user_agent; *p != '\0'; p++) {
		if (*p >= ' ' && *p <= '~')
			continue;
		value_fault_add(&at, "has a character that no header may have; "
				     "allowed are letters, digits, blanks and signs of ASCII");
		return;
	}
}

static void schedule_parse(const struct loading *l)
{
	struct conf_retry *retry = &l->conf->retry;

	retry->pauses_ms = xcalloc(retry->schedule.count + 1, sizeof(*retry->pauses_ms));
	for (size_t i = 0; i < retry->schedule.count; i++) {
		const struct value_place at = place_find(l, "retry.schedule", (long)i);
		int64_t *pause_ms = &retry->pauses_ms[i];

		if (!setting_time_parse(retry->schedule.items[i], pause_ms) ||
		    *pause_ms > CONF_PAUSE_MAX_MS)
			value_fault_add(&at,
					"is \"%s\"; allowed is a time such as \"5s\", 0 to 30d",
					retry->schedule.items[i]);
	}
	retry->pause_count = (int64_t)retry->schedule.count;
}

static void guard_parse(const struct loading *l)
{
	struct conf_guard *guard = &l->conf->guard;
	struct guard *parsed = &guard->guard;

	parsed->allowed = xcalloc(guard->allow.count + 1, sizeof(*parsed->allowed));
	for (size_t i = 0; i < guard->allow.count; i++) {
		const struct value_place at = place_find(l, "guard.allow", (long)i);
		struct why why = { "" };

		if (network_parse(span_of(guard->allow.items[i]),
				  &parsed->allowed[parsed->allowed_count], &why) == ERR_OK)
			parsed->allowed_count++;
		else
			value_fault_add(&at,
					"is \"%s\": %s; allowed is a network such as "
					"\"10.0.0.0/8\" or \"fd00::/8\"",
					guard->allow.items[i], why.text);
	}
}

static void rules_check(const struct loading *l)
{
	socket_check(l);
	socket_mode_check(l);
	user_agent_check(l);
	schedule_parse(l);
	guard_parse(l);
	order_check(l, "delivery.window_start", "delivery.window_max");
	order_check(l, "delivery.excerpt", "delivery.reply_max");
	/* A payload that never fits into memory would wait for ever. */
	order_check(l, "api.body_max", "delivery.in_memory");
}

/* --- All of it ---------------------------------------------------------- */

enum err conf_load(const char *path, const char *const *overrides, struct conf *out,
		   struct setting_faults *faults)
{
	const struct loading l = { out, overrides, faults };
	const size_t before = faults->count;

	*out = (struct conf){ .path = xstrdup(path) };
	config_init(&out->file);
	if (path != NULL && source_load(path, &out->file, faults) != ERR_OK)
		return ERR_BAD_REQUEST;
	groups_read(&l);
	channels_read(&l);
	if (path != NULL)
		paths_settle(out, source_folder(config_root_setting(&out->file)));
	overrides_apply(&l);
	rules_check(&l);
	return faults->count == before ? ERR_OK : ERR_BAD_REQUEST;
}

void conf_finish(struct conf *c)
{
	if (c == NULL)
		return;
	for (const struct conf_table *t = conf_tables; t->rows != NULL; t++)
		settings_finish(t->rows, c);
	for (size_t i = 0; i < c->channel_count; i++)
		settings_finish(channel_rows, &c->channels[i]);
	free(c->channels);
	free(c->retry.pauses_ms);
	guard_finish(&c->guard.guard);
	free(c->path);
	if (c->file.root != NULL) /* NULL: conf_load() was never called */
		config_destroy(&c->file);
	*c = (struct conf){ 0 };
}

void conf_print(FILE *out)
{
	for (const struct conf_table *t = conf_tables; t->rows != NULL; t++)
		settings_print(out, t->name, t->rows);
	fputs("channels  list of groups: one a channel, with the plugin's own keys beside these\n"
	      "    What webhooks may deliver by; a webhook's `channel` is one of the names.\n",
	      out);
	settings_print(out, "channels[]", channel_rows);
}
