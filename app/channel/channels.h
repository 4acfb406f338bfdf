/* channels.h - the channels that tocsin.conf declares, opened and ready.
 * SPDX-License-Identifier: MIT
 * Read-only after channels_open(); any thread may use it. */
#ifndef TOCSIN_CHANNEL_CHANNELS_H
#define TOCSIN_CHANNEL_CHANNELS_H

#include <stddef.h>

#include "channel/plugin.h"
#include "conf/conf.h"

struct channel {
	char *name; /* as declared; owned */
	struct plugin plugin;
	void *settings; /* the plugin's settings struct; owned */
	void *state;    /* what its open() gave */
};

struct channels {
	struct channel *items; /* owned; in the order of tocsin.conf */
	size_t count;
};

/* Open every declared channel with its settings and call its open(). All
 * faults at once (config file line, channel, plugin, reason).
 * host: borrowed for as long as the channels live.
 * Owner  *out is owned either way; channels_close(). Thread: main, before the others. */
MUST_CHECK enum err channels_open(const struct conf *conf, const struct tocsin_host *host,
				  struct channels *out, struct setting_faults *faults);
void channels_close(struct channels *c);
/* NULL: tocsin.conf declares no such channel. */
const struct channel *channels_find(const struct channels *c, const char *name);

#endif
