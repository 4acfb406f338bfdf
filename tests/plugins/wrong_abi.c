/* wrong_abi.c - a plugin of another ABI: refused before any of it runs.
 * SPDX-License-Identifier: MIT */
#include "stub.h"

STUB_CONSTRUCTOR

TOCSIN_CHANNEL_DEFINE = {
	.abi = TOCSIN_CHANNEL_ABI + 7,
	.size = sizeof(struct tocsin_channel),
	STUB_MEMBERS,
	.prepare = stub_prepare,
};
