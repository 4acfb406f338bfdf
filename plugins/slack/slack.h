/* slack.h - what one declared Slack channel and one webhook's configs hold.
 * SPDX-License-Identifier: MIT
 * Written by the core (settings, configs) and at open(); read-only afterwards. */
#ifndef PLUGINS_SLACK_SLACK_H
#define PLUGINS_SLACK_SLACK_H

#include "tocsin/channel.h"

struct slack_settings {
	const char *api_base; /* https://slack.com/api */
	double rate;          /* messages a second to one target; the core keeps it */
	int64_t timeout_ms;
	const char *username, *icon_emoji, *icon_url; /* NULL: none */
};

/* NULL: not given. Either webhook_url or bot_token and channel_id are there. */
struct slack_configs {
	const char *webhook_url;
	const char *bot_token, *channel_id, *workspace_id;
	const char *channel, *username, *icon_emoji, *icon_url, *thread_ts;
	const struct tocsin_template *blocks_template, *text_template;
};

struct slack {
	const struct tocsin_host *host;        /* core's */
	const struct slack_settings *settings; /* core's */
};

#endif
