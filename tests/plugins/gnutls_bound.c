/* gnutls_bound.c - a plugin linked to another flavour of libcurl: refused
 * before it runs. The library that it needs is fake_curl.c under its name.
 * SPDX-License-Identifier: MIT */
#include "stub.h"

STUB_CONSTRUCTOR

TOCSIN_CHANNEL_DEFINE = {
	.abi = TOCSIN_CHANNEL_ABI,
	.size = sizeof(struct tocsin_channel),
	STUB_MEMBERS,
	.prepare = stub_prepare,
};
