/* host.c - the services that plugins are lent.
 * SPDX-License-Identifier: MIT
 * Called from delivery threads at once; keeps no state. */
#include "delivery/host.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "base/crypto.h"
#include "base/log.h"
#include "delivery/signature.h"
#include "delivery/transfer.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "dev"
#endif

static void host_log(void *core, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void host_log(void *core, int level, const char *fmt, ...)
{
	char text[1024];
	va_list args;

	(void)core;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (level < LOG_LEVEL_ERROR)
		level = LOG_LEVEL_ERROR;
	log_line((enum log_level)(level > LOG_LEVEL_DEBUG ? LOG_LEVEL_DEBUG : level), "plugin %s",
		 text);
}

/* The message lies in its transfer, which knows the webhook's secrets: they
 * never reach the plugin. */
static size_t host_sign(void *core, const struct tocsin_message *msg, struct tocsin_span body,
			char *out, size_t out_bytes)
{
	const struct transfer *t =
		(const struct transfer *)(const void *)((const char *)msg -
							offsetof(struct transfer, message));
	const struct webhook *w = &t->entry->webhook;

	(void)core;
	return signature_format(&(struct signature_input){ .id = msg->message_id,
							   .timestamp_s = msg->timestamp_s,
							   .body = { body.ptr, body.len },
							   .secrets = w->secrets,
							   .secret_count = w->secret_count },
				out, out_bytes);
}

static void host_hmac(void *core, struct tocsin_span key, struct tocsin_span data,
		      unsigned char out[32])
{
	const struct span part = { data.ptr, data.len };

	(void)core;
	crypto_hmac_sha256((struct span){ key.ptr, key.len }, &part, 1, out);
}

static void host_wipe(void *core, void *ptr, size_t bytes)
{
	(void)core;
	crypto_wipe(ptr, bytes);
}

const struct tocsin_host *engine_host(const struct conf *conf)
{
	static struct tocsin_host host = {
		.abi = TOCSIN_CHANNEL_ABI,
		.size = sizeof(struct tocsin_host),
		.user_agent = "Tocsin/" PACKAGE_VERSION,
		.log = host_log,
		.sign = host_sign,
		.hmac = host_hmac,
		.wipe = host_wipe,
	};

	if (conf->delivery.user_agent != NULL && conf->delivery.user_agent[0] != '\0')
		host.user_agent = conf->delivery.user_agent;
	return &host;
}
