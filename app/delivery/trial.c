/* trial.c - puts a plugin on trial: loads it, configures it, and has the parts look.
 * Not here: its own process and the printing (main/plugin_check.c), the parts.
 * Main thread.
 * SPDX-License-Identifier: MIT */
#include "delivery/trial.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "channel/field.h"
#include "channel/sample.h"
#include "delivery/host.h"
#include "delivery/trial_state.h"

enum { FOUND_SHOWN_MAX = 5, TEXT_BYTES = 1024, CONFIGS_MAX_BYTES = 1 << 20, SECRET_MIN_BYTES = 6 };

/* --- Saying ------------------------------------------------------------------- */

static void say(const struct trial *t, enum trial_mark mark, const char *text)
{
	t->rules->place->marks[mark]++;
	t->rules->say(mark, t->topic, text);
}

void trial_topic(struct trial *t, const char *name)
{
	t->topic = name;
	t->found = 0;
}

void trial_find(struct trial *t, enum trial_mark mark, const char *fmt, ...)
{
	char text[TEXT_BYTES];
	va_list args;

	if ((mark == TRIAL_WARNING || mark == TRIAL_FAIL) && ++t->found > FOUND_SHOWN_MAX) {
		t->rules->place->marks[mark]++;
		return;
	}
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	say(t, mark, text);
}

void trial_settle(struct trial *t, const char *fmt, ...)
{
	char text[TEXT_BYTES];
	va_list args;

	if (t->found > FOUND_SHOWN_MAX) {
		snprintf(text, sizeof(text), "and %u more like these", t->found - FOUND_SHOWN_MAX);
		say(t, TRIAL_NOTE, text);
	}
	if (t->found > 0)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	say(t, TRIAL_OK, text);
}

void trial_call(struct trial *t, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(t->rules->place->doing, sizeof(t->rules->place->doing), fmt, args);
	va_end(args);
	trial_limit(t, TRIAL_CALL_MAX_S);
}

void trial_limit(struct trial *t, unsigned seconds)
{
	t->rules->place->limit_s = seconds;
	alarm(seconds);
}

void trial_return(struct trial *t)
{
	alarm(0);
	t->rules->place->doing[0] = '\0';
}

/* --- Loading -------------------------------------------------------------------- */

/* Two declarations with the same settings have the same faults. */
static bool line_is_new(const struct setting_faults *faults, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (strcmp(faults->lines[i], faults->lines[at]) == 0)
			return false;
	}
	return true;
}

static bool faults_say(struct trial *t, struct setting_faults *faults, const char *hint)
{
	const bool has_any = faults->count > 0;

	for (size_t i = 0; i < faults->count; i++) {
		const char *line = faults->lines[i];

		if (line_is_new(faults, i))
			trial_find(t, TRIAL_FAIL, "%s%s", line,
				   strstr(line, "is missing") != NULL ? hint : "");
	}
	setting_faults_finish(faults);
	return has_any;
}

/* Defaults, and nothing that keeps requests from anywhere: none is made. */
static bool conf_make(struct trial *t)
{
	static const char *const overrides[] = { "guard.allow=0.0.0.0/0, ::/0", NULL };
	struct setting_faults faults = { NULL, 0 };

	if (conf_load(NULL, overrides, &t->conf, &faults) != ERR_OK && faults.count == 0)
		setting_faults_add(&faults, "the defaults cannot be read");
	return !faults_say(t, &faults, "");
}

static size_t rows_count(const struct tocsin_field *table)
{
	size_t count = 0;

	while (table != NULL && table[count].key != NULL)
		count++;
	return count;
}

static bool file_load(struct trial *t)
{
	struct plugin p;
	struct why why = { "" };

	trial_topic(t, "load");
	trial_call(t, "loading it (its constructors)");
	const enum err rc = plugin_open(t->conf.plugin_folder, t->rules->file, &p, &why);

	trial_return(t);
	if (rc != ERR_OK) {
		trial_find(t, TRIAL_FAIL, "%s", why.text);
		return false;
	}
	trial_settle(t, "%s %s, ABI %u, %s", p.vtable.name,
		     p.vtable.version == NULL ? "(no version)" : p.vtable.version,
		     (unsigned)p.vtable.abi, p.path);
	trial_topic(t, "tables");
	trial_settle(t, "%zu settings, %zu fields", rows_count(p.vtable.settings),
		     rows_count(p.vtable.fields));
	plugin_finish(&p);
	return true;
}

/* Twice, under two names: so do people with two accounts. */
static bool channels_make(struct trial *t)
{
	static const char *const names[] = { "check", "check-2" };
	struct setting_faults faults = { NULL, 0 };

	free(t->conf.channels); /* room for none */
	t->conf.channels = xcalloc(COUNT_OF(names), sizeof(*t->conf.channels));
	t->conf.channel_count = COUNT_OF(names);
	for (size_t i = 0; i < COUNT_OF(names); i++)
		t->conf.channels[i] = (struct conf_channel){ .name = xstrdup(names[i]),
							     .plugin = xstrdup(t->rules->file),
							     .texts = t->rules->settings };
	t->host = engine_host(&t->conf);
	trial_topic(t, "settings");
	trial_call(t, "open()");
	const enum err rc = channels_open(&t->conf, t->host, &t->channels, &faults);

	trial_return(t);
	if (faults_say(t, &faults, "; give it with -s key=value") || rc != ERR_OK)
		return false;
	t->channel = &t->channels.items[0];
	trial_settle(t, "open() takes them, twice; the %s lane",
		     t->channel->lane == LANE_SLOW ? "slow" : "fast");
	return true;
}

/* --- Secrets --------------------------------------------------------------------- */

static void secret_add(struct trial *t, const char *text)
{
	if (text == NULL || strlen(text) < SECRET_MIN_BYTES || t->secret_count == TRIAL_SECRETS_MAX)
		return;
	for (size_t i = 0; i < t->secret_count; i++) {
		if (strcmp(t->secrets[i], text) == 0)
			return;
	}
	t->secrets[t->secret_count++] = text;
}

static void secrets_add(struct trial *t, const struct tocsin_field *table, const void *values)
{
	for (const struct tocsin_field *row = table; row != NULL && row->key != NULL; row++) {
		const void *at = (const char *)values + row->offset;

		if (!field_is_secret(row))
			continue;
		if (row->kind == TOCSIN_LIST) {
			const struct tocsin_list *list = at;

			for (size_t i = 0; i < list->count; i++)
				secret_add(t, list->items[i]);
		} else if (row->kind == TOCSIN_PAIRS) {
			const struct tocsin_pairs *pairs = at;

			for (size_t i = 0; i < pairs->count; i++)
				secret_add(t, pairs->items[i].value);
		} else {
			secret_add(t, *(const char *const *)at);
		}
	}
}

/* --- Configs --------------------------------------------------------------------- */

static struct entry *entry_make(const struct trial *t, const char *configs)
{
	struct webhook w = { .id = 1,
			     .organization = 1,
			     .public_id = "wh_0000000001",
			     .name = xstrdup("A \"sample\" <webhook> & more"),
			     .is_active = true,
			     .channel_count = 1,
			     .secret_count = 1 };

	w.channels = xcalloc(1, sizeof(*w.channels));
	w.channels[0] = (struct webhook_channel){ .id = 1,
						  .name = xstrdup(t->channel->name),
						  .configs = xstrdup(configs) };
	char **targets = configs_targets(t->channel, configs, &w.channels[0].target_count);

	w.channels[0].targets = xcalloc(w.channels[0].target_count + 1,
					sizeof(*w.channels[0].targets));
	for (size_t i = 0; i < w.channels[0].target_count; i++)
		w.channels[0].targets[i] = (struct channel_target){ .id = (int64_t)i + 1,
								    .value = targets[i] };
	free(targets);
	w.secrets[0].len = 32;
	memset(w.secrets[0].bytes, 7, w.secrets[0].len);
	return entry_create(&t->channels, &w);
}

/* text is checked and normalised. */
static void configs_add(struct trial *t, const char *label, const char *text)
{
	struct trial_configs *c = &t->configs[t->configs_count];

	if (t->configs_count == TRIAL_CONFIGS_MAX)
		return;
	snprintf(c->label, sizeof(c->label), "%s", label);
	c->entry = entry_make(t, text);
	if (c->entry->compiled[0] == NULL) {
		trial_find(t, TRIAL_FAIL, "the configs %s cannot be compiled", label);
		entry_drop(c->entry);
		return;
	}
	c->targets = c->entry->webhook.channels[0].target_count;
	secrets_add(t, t->channel->plugin.vtable.fields, c->entry->compiled[0]->values);
	t->configs_count++;
}

static void given_add(struct trial *t)
{
	struct why why = { "" };
	struct buf text;

	buf_init(&text, CONFIGS_MAX_BYTES);
	trial_call(t, "check() of the given configs");
	if (sample_check(t->channel, t->rules->configs, &text, &why) == ERR_OK)
		configs_add(t, "as given", text.ptr);
	else
		trial_find(t, TRIAL_FAIL, "the given configs are refused: %s", why.text);
	trial_return(t);
	buf_finish(&text);
}

/* Values that are made up may mean nothing to the plugin: no fault of its. */
static void sample_add(struct trial *t, const char *group, enum sample_size size)
{
	const char *what = size == SAMPLE_LEAST ? "with required fields" : "with every field";
	struct why why = { "" };
	struct buf text, left;
	char label[sizeof(t->configs[0].label)];

	snprintf(label, sizeof(label), "%s%s%s", what, group == NULL ? "" : " of ",
		 group == NULL ? "" : group);
	buf_init(&text, CONFIGS_MAX_BYTES);
	buf_init(&left, TEXT_BYTES);
	trial_call(t, "check() of configs %s", label);
	if (sample_make(t->channel, group, size, &text, &left, &why) == ERR_OK)
		configs_add(t, label, text.ptr);
	else
		trial_find(t, TRIAL_NOTE, "made-up configs %s are refused: %s", label, why.text);
	trial_return(t);
	if (left.len > 0)
		trial_find(t, TRIAL_NOTE,
			   "configs %s are without %s: made-up values are refused (--configs)",
			   label, left.ptr);
	buf_finish(&left);
	buf_finish(&text);
}

static void configs_make(struct trial *t)
{
	const char *group = sample_group_next(t->channel, NULL);

	trial_topic(t, "configs");
	if (t->rules->configs != NULL)
		given_add(t);
	do {
		sample_add(t, group, SAMPLE_LEAST);
		sample_add(t, group, SAMPLE_WHOLE);
		group = group == NULL ? NULL : sample_group_next(t->channel, group);
	} while (group != NULL);
	if (t->configs_count == 0)
		trial_find(t, TRIAL_FAIL, "there are no configs to try; give some with --configs");
	trial_settle(t, "%zu to try", t->configs_count);
}

/* --- All of it -------------------------------------------------------------------- */

static void parts_run(struct trial *t)
{
	if (!conf_make(t) || !file_load(t) || !channels_make(t))
		return;
	secrets_add(t, t->channel->plugin.vtable.settings, t->channel->settings);
	configs_make(t);
	trial_events_make(t);
	if (t->channel->plugin.vtable.deliver != NULL) {
		trial_send(t);
	} else if (t->configs_count > 0) {
		trial_requests(t);
		if (!t->is_slow)
			trial_judging(t);
	}
	trial_rounds(t);
	trial_events_finish(t);
}

void trial_run(const struct trial_rules *rules)
{
	static const unsigned char key[PUBID_KEY_BYTES] = { 1 };
	struct trial t = { .rules = rules, .topic = "start" };
	struct pubid *ids = pubid_create(key);

	curl_global_init(CURL_GLOBAL_ALL);
	t.transfers = (struct transfer_rules){ &t.conf, ids };
	parts_run(&t);
	for (size_t i = 0; i < t.configs_count; i++)
		entry_drop(t.configs[i].entry);
	trial_call(&t, "close()");
	channels_close(&t.channels);
	trial_return(&t);
	conf_finish(&t.conf);
	pubid_destroy(ids);
	rules->place->has_ended = true;
}
