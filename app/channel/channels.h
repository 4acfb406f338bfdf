/* channels.h - the channels that tocsin.conf declares, opened and ready.
 * SPDX-License-Identifier: MIT
 * Read-only after channels_open(); any thread may use it. */
#ifndef TOCSIN_CHANNEL_CHANNELS_H
#define TOCSIN_CHANNEL_CHANNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel/plugin.h"
#include "conf/conf.h"

/* A host and port that a setting of kind TOCSIN_OPERATOR_URL names. */
struct operator_host {
	char *host; /* owned */
	uint16_t port;
};

enum channel_lane { LANE_FAST = 0, LANE_SLOW };

struct channel {
	char *name; /* as declared; owned */
	struct plugin plugin;
	void *settings;          /* the plugin's settings struct; owned */
	void *state;             /* what its open() gave */
	struct tocsin_host host; /* the services it is lent; they know the channel by core */
	bool is_open;            /* open() succeeded: close() is due */
	/* From the settings that are flagged for the core. */
	struct operator_host *operators; /* owned */
	size_t operator_count;
	int64_t timeout_ms;               /* 0: not said */
	double target_rate, channel_rate; /* messages a second; 0: no limit */
	enum channel_lane lane;
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
/* Is host:port one that the channel's own settings name? */
bool channel_is_operator(const struct channel *c, const char *host, uint16_t port);
/* NULL: tocsin.conf declares no such channel. */
const struct channel *channels_find(const struct channels *c, const char *name);

#endif
