/* message.h - the JSON body of one message to Slack.
 * SPDX-License-Identifier: MIT
 * Any thread. */
#ifndef PLUGINS_SLACK_MESSAGE_H
#define PLUGINS_SLACK_MESSAGE_H

#include "common/text.h"
#include "slack/slack.h"

/* Write the body for msg; the same bytes on every attempt.
 * Returns TOCSIN_OK, TOCSIN_BAD_MESSAGE with why, or TOCSIN_TRY_LATER.
 * Owner  *out: the caller, text_finish(), whatever is returned. */
int message_build(const struct slack *slack, const struct tocsin_message *msg, struct text *out,
		  char *why, size_t why_bytes);

#endif
