/* blocks.h - what a blocks_template gave, brought within Slack's limits.
 * SPDX-License-Identifier: MIT
 * Pure; any thread. */
#ifndef PLUGINS_SLACK_BLOCKS_H
#define PLUGINS_SLACK_BLOCKS_H

#include "common/text.h"

/* In units of mrkdwn.h where it is text. */
enum {
	BLOCKS_MAX = 50,
	BLOCK_HEADER_MAX = 150,
	BLOCK_TEXT_MAX = 3000, /* of a section, and of what has no limit of its own */
	BLOCK_FIELD_MAX = 2000,
	BLOCK_FIELDS_MAX = 10,
};

struct blocks {
	struct text json; /* an array of blocks; empty when there are none */
	struct text text; /* the "text" beside "blocks", mrkdwn; mostly empty */
};

/* Read rendered: an array, or an object with "blocks" and perhaps "text". Texts
 * that are too long are cut; what else Slack would refuse is mended where the
 * author's meaning is plain (a placeholder that gave nothing or a number).
 * Returns TOCSIN_OK, TOCSIN_BAD_MESSAGE with why, or TOCSIN_TRY_LATER.
 * Owner  *out: the caller, blocks_finish(), whatever is returned. */
int blocks_read(struct tocsin_span rendered, struct blocks *out, char *why, size_t why_bytes);
void blocks_finish(struct blocks *blocks);

#endif
