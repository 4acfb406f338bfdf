/* sample.h - configs made up from a plugin's table, and given ones checked.
 * SPDX-License-Identifier: MIT
 * For `tocsin plugin check`: no field of any channel is known here. */
#ifndef TOCSIN_CHANNEL_SAMPLE_H
#define TOCSIN_CHANNEL_SAMPLE_H

#include "channel/configs.h"

enum sample_size {
	SAMPLE_LEAST, /* required fields and one target */
	SAMPLE_WHOLE, /* every field that may be there */
};

/* The groups of the channel's fields, one after the other: after NULL comes the
 * first. NULL: there is none, or none more. */
const char *sample_group_next(const struct channel *channel, const char *after);
/* Make configs for this group (NULL: the table has none), check them and append
 * the normalised object. Its templates show the event's type, subject and
 * metadata.text. A field that the plugin refuses with what is made up, or beside
 * the others, is left out and added to *left ("a, b").
 * Returns ERR_OK, or ERR_BAD_REQUEST with why: a needed field is refused. */
MUST_CHECK enum err sample_make(const struct channel *channel, const char *group,
				enum sample_size size, struct buf *out, struct buf *left,
				struct why *why);

/* Check text as a webhook's configs and append the normalised object.
 * Returns ERR_OK or ERR_BAD_REQUEST with why: the first faults, with their places. */
MUST_CHECK enum err sample_check(const struct channel *channel, const char *text, struct buf *out,
				 struct why *why);

#endif
