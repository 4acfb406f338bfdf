/* wrong_size.c - a plugin whose struct is too short: refused before it runs.
 * SPDX-License-Identifier: MIT */
#include "stub.h"

STUB_CONSTRUCTOR

TOCSIN_CHANNEL_DEFINE = {
	.abi = TOCSIN_CHANNEL_ABI,
	.size = offsetof(struct tocsin_channel, release),
	STUB_MEMBERS,
	.prepare = stub_prepare,
};
