/* own_curl.c - a plugin that carries a libcurl of its own: refused before it
 * runs.
 * SPDX-License-Identifier: MIT */
#define CURL_DISABLE_TYPECHECK
#include "stub.h"

STUB_CONSTRUCTOR

#undef curl_easy_setopt
TOCSIN_EXPORT CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
	(void)easy, (void)option;
	return CURLE_FAILED_INIT;
}

TOCSIN_CHANNEL_DEFINE = {
	.abi = TOCSIN_CHANNEL_ABI,
	.size = sizeof(struct tocsin_channel),
	STUB_MEMBERS,
	.prepare = stub_prepare,
};
