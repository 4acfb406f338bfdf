/* stub.h - the callbacks and fields that a plugin needs to be loadable.
 * SPDX-License-Identifier: MIT
 * For the plugins of tests/plugins/, which are wrong in one way each. */
#ifndef TESTS_PLUGINS_STUB_H
#define TESTS_PLUGINS_STUB_H

#include <stdlib.h>

#include "tocsin/channel.h"

struct stub_configs {
	const char *url;
};

static const struct tocsin_field stub_fields[] = {
	{ .key = "url",
	  .help = "Where to.",
	  .kind = TOCSIN_URL,
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET,
	  .offset = offsetof(struct stub_configs, url) },
	{ .key = NULL },
};

static inline int stub_prepare(void *channel, const struct tocsin_message *msg, CURL *easy,
			       struct tocsin_request *out)
{
	(void)channel, (void)easy;
	out->url = msg->target;
	return TOCSIN_OK;
}

static inline void stub_classify(void *channel, void *attempt, CURL *easy,
				 const struct tocsin_outcome *out, struct tocsin_verdict *v)
{
	(void)channel, (void)attempt, (void)easy;
	v->kind = out->status == 200 ? TOCSIN_DELIVERED : TOCSIN_RETRY;
}

static inline void stub_release(void *channel, void *attempt)
{
	(void)channel, (void)attempt;
}

/* A plugin that is refused before it is loaded must not have come this far. */
#define STUB_CONSTRUCTOR                                           \
	__attribute__((constructor)) static void stub_loaded(void) \
	{                                                          \
		setenv("TOCSIN_TEST_PLUGIN_RAN", "1", 1);          \
	}

#define STUB_MEMBERS                                                                    \
	.name = "stub", .version = "1", .schemes = "http,https", .fields = stub_fields, \
	.configs_bytes = sizeof(struct stub_configs), .classify = stub_classify,        \
	.release = stub_release

#endif
