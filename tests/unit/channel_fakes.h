/* channel_fakes.h - two declared channels: one with a secret URL, one with a list
 * of targets. No plugin is behind them: they can be configured, not sent with.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CHANNEL_FAKES_H
#define TESTS_UNIT_CHANNEL_FAKES_H

#include "channel/channels.h"

struct hook_configs {
	const char *url, *note;
};

static const struct tocsin_field hook_fields[] = {
	{ .key = "url",
	  .help = "U.",
	  .kind = TOCSIN_URL,
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET | TOCSIN_SECRET,
	  .offset = offsetof(struct hook_configs, url) },
	{ .key = "note",
	  .help = "N.",
	  .kind = TOCSIN_TEXT,
	  .offset = offsetof(struct hook_configs, note) },
	{ .key = NULL },
};

struct many_configs {
	struct tocsin_list phones;
};

static const struct tocsin_field many_fields[] = {
	{ .key = "phones",
	  .help = "P.",
	  .kind = TOCSIN_LIST,
	  .item = TOCSIN_PHONE,
	  .min = 1,
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET,
	  .offset = offsetof(struct many_configs, phones) },
	{ .key = NULL },
};

static char hook_name[] = "hook", many_name[] = "many";

static struct channel channel_items[] = {
	{ .name = hook_name,
	  .plugin = { .vtable = { .name = "hook",
				  .fields = hook_fields,
				  .configs_bytes = sizeof(struct hook_configs) } } },
	{ .name = many_name,
	  .plugin = { .vtable = { .name = "many",
				  .fields = many_fields,
				  .configs_bytes = sizeof(struct many_configs) } } },
};

static const struct channels fake_channels = { channel_items, COUNT_OF(channel_items) };

#endif
