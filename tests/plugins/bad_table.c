/* bad_table.c - a plugin whose fields table writes outside its struct.
 * SPDX-License-Identifier: MIT */
#include "stub.h"

static const struct tocsin_field fields[] = {
	{ .key = "url",
	  .help = "Where to.",
	  .kind = TOCSIN_URL,
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET,
	  .offset = sizeof(struct stub_configs) },
	{ .key = NULL },
};

TOCSIN_CHANNEL_DEFINE = {
	.abi = TOCSIN_CHANNEL_ABI,
	.size = sizeof(struct tocsin_channel),
	.name = "bad_table",
	.version = "1",
	.schemes = "http,https",
	.fields = fields,
	.configs_bytes = sizeof(struct stub_configs),
	.prepare = stub_prepare,
	.classify = stub_classify,
	.release = stub_release,
};
