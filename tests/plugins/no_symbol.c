/* no_symbol.c - a shared object that is no plugin: refused before it runs.
 * SPDX-License-Identifier: MIT */
#include "stub.h"

STUB_CONSTRUCTOR

TOCSIN_EXPORT extern const struct tocsin_channel tocsin_channel_v0;
const struct tocsin_channel tocsin_channel_v0 = {
	.abi = TOCSIN_CHANNEL_ABI,
	.size = sizeof(struct tocsin_channel),
	STUB_MEMBERS,
	.prepare = stub_prepare,
};
