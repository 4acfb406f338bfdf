/* answer.h - what Slack's answers mean.
 * SPDX-License-Identifier: MIT
 * Pure; any thread. */
#ifndef PLUGINS_SLACK_ANSWER_H
#define PLUGINS_SLACK_ANSWER_H

#include "tocsin/channel.h"

enum answer_form {
	ANSWER_WEBHOOK, /* "ok" or an error's name as plain text */
	ANSWER_BOT      /* {"ok":…} as JSON, also with status 200 */
};

struct answer_question {
	enum answer_form form;
	int has_channel; /* 1: the webhook's request named a channel */
};

void answer_judge(const struct answer_question *asked, CURL *easy, const struct tocsin_outcome *out,
		  struct tocsin_verdict *v);

#endif
