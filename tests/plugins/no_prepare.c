/* no_prepare.c - a plugin without a mandatory callback.
 * SPDX-License-Identifier: MIT */
#include "stub.h"

TOCSIN_CHANNEL_DEFINE = {
	.abi = TOCSIN_CHANNEL_ABI,
	.size = sizeof(struct tocsin_channel),
	STUB_MEMBERS,
};
