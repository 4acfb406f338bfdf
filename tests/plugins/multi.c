/* multi.c - a channel with several targets: one call of a gateway per number.
 * A test's channel, and the smallest example of settings, a secret and a list.
 * Any delivery thread; nothing changes after open().
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tocsin/channel.h"

enum { BODY_BYTES = 512 };

struct multi_settings {
	const char *gateway;
};

struct multi_configs {
	struct tocsin_list phone_numbers;
	const char *token;
	int64_t timeout_ms;
};

static const struct tocsin_field settings[] = {
	{ .key = "gateway",
	  .help = "The gateway's URL.",
	  .kind = TOCSIN_OPERATOR_URL,
	  .flags = TOCSIN_REQUIRED,
	  .offset = offsetof(struct multi_settings, gateway) },
	{ .key = NULL },
};

static const struct tocsin_field fields[] = {
	{ .key = "phone_numbers",
	  .help = "Numbers, in international form.",
	  .kind = TOCSIN_LIST,
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET,
	  .item = TOCSIN_PHONE,
	  .min = 1,
	  .max = 100,
	  .alias = "numbers",
	  .offset = offsetof(struct multi_configs, phone_numbers) },
	{ .key = "token",
	  .help = "Sent to the gateway as a bearer token.",
	  .kind = TOCSIN_TEXT,
	  .flags = TOCSIN_SECRET,
	  .min = 1,
	  .max = 200,
	  .offset = offsetof(struct multi_configs, token) },
	{ .key = "timeout",
	  .help = "Seconds that one attempt may take as a whole.",
	  .kind = TOCSIN_TIME_MS,
	  .flags = TOCSIN_IS_TIMEOUT,
	  .min = 1000,
	  .max = 60000,
	  .dflt = "10.0",
	  .offset = offsetof(struct multi_configs, timeout_ms) },
	{ .key = NULL },
};

static int multi_open(const struct tocsin_host *host, const void *given, void **channel, char *err,
		      size_t err_bytes)
{
	const struct multi_settings *s = given;

	(void)host;
	if (strstr(s->gateway, "forbidden") != NULL) {
		snprintf(err, err_bytes, "this gateway is forbidden");
		return TOCSIN_BAD_CONFIG;
	}
	*channel = (void *)(uintptr_t)s;
	return TOCSIN_OK;
}

static int multi_prepare(void *channel, const struct tocsin_message *msg, CURL *easy,
			 struct tocsin_request *out)
{
	const struct multi_settings *s = channel;
	char *body = malloc(BODY_BYTES);

	(void)easy;
	if (body == NULL)
		return TOCSIN_TRY_LATER;
	const int len = snprintf(body, BODY_BYTES, "{\"to\":\"%s\",\"message_id\":\"%s\"}",
				 msg->target, msg->message_id);

	if (len < 0 || len >= BODY_BYTES) {
		free(body);
		return TOCSIN_BAD_MESSAGE;
	}
	out->url = s->gateway;
	out->body = (struct tocsin_span){ body, (size_t)len };
	out->attempt = body;
	return TOCSIN_OK;
}

static void multi_classify(void *channel, void *attempt, CURL *easy,
			   const struct tocsin_outcome *out, struct tocsin_verdict *v)
{
	(void)channel, (void)attempt, (void)easy;
	v->kind = TOCSIN_RETRY;
	if (out->curl == CURLE_OK && out->status / 100 == 2)
		v->kind = TOCSIN_DELIVERED;
	else if (out->curl == CURLE_OK && out->status / 100 == 4)
		v->kind = TOCSIN_FAILED;
	v->retry_after_ms = out->retry_after_ms;
	if (v->kind != TOCSIN_DELIVERED)
		snprintf(v->reason, sizeof(v->reason), "gateway answered %ld", out->status);
}

static void multi_release(void *channel, void *attempt)
{
	(void)channel;
	free(attempt);
}

TOCSIN_CHANNEL_DEFINE = {
	.abi = TOCSIN_CHANNEL_ABI,
	.size = sizeof(struct tocsin_channel),
	.name = "multi",
	.version = "1",
	.schemes = "http,https",
	.settings = settings,
	.settings_bytes = sizeof(struct multi_settings),
	.fields = fields,
	.configs_bytes = sizeof(struct multi_configs),
	.open = multi_open,
	.prepare = multi_prepare,
	.classify = multi_classify,
	.release = multi_release,
};
