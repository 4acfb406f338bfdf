/* crash_prepare.c - a plugin that dies in prepare() when the event says so.
 * For tests of what the core makes of it.
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "stub.h"

static int crash_prepare(void *channel, const struct tocsin_message *msg, CURL *easy,
			 struct tocsin_request *out)
{
	static volatile int *const nowhere = NULL;

	if (strcmp(msg->event_type, "plugin.crash") == 0)
		*nowhere = 1;
	return stub_prepare(channel, msg, easy, out);
}

TOCSIN_CHANNEL_DEFINE = {
	.abi = TOCSIN_CHANNEL_ABI,
	.size = sizeof(struct tocsin_channel),
	STUB_MEMBERS,
	.prepare = crash_prepare,
};
