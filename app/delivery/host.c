/* host.c - the services that plugins are lent.
 * SPDX-License-Identifier: MIT
 * Called from delivery threads at once; compile() only at start-up. */
#include "delivery/host.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "delivery/signature.h"
#include "delivery/transfer.h"
#include "template/template.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "dev"
#endif

static void host_log(void *core, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void host_log(void *core, int level, const char *fmt, ...)
{
	const struct channel *c = core;
	char text[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* What a plugin was told by a stranger must not make lines of its own. */
	for (char *at = text; *at != '\0'; at++) {
		if ((unsigned char)*at < 0x20 || *at == 0x7F)
			*at = ' ';
	}
	if (level < LOG_LEVEL_ERROR)
		level = LOG_LEVEL_ERROR;
	log_line((enum log_level)(level > LOG_LEVEL_DEBUG ? LOG_LEVEL_DEBUG : level),
		 "plugin=%s channel=%s %s", c == NULL ? "" : c->plugin.vtable.name,
		 c == NULL ? "" : c->name, text);
}

/* The message lies in its transfer, which knows the webhook's secrets: they
 * never reach the plugin. */
static struct transfer *transfer_of(const struct tocsin_message *msg)
{
	return (struct transfer *)((uintptr_t)msg - offsetof(struct transfer, message));
}

static size_t host_sign(void *core, const struct tocsin_message *msg, struct tocsin_span body,
			uint32_t kinds, char *out, size_t out_bytes)
{
	const struct webhook *w = &transfer_of(msg)->entry->webhook;

	(void)core;
	return signature_format(&(struct signature_input){ .id = msg->message_id,
							   .timestamp_s = msg->timestamp_s,
							   .body = { body.ptr, body.len },
							   .secrets = w->secrets,
							   .secret_count = w->secret_count,
							   .kinds = kinds },
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

static int host_render(void *core, const struct tocsin_message *msg,
		       const struct tocsin_render *what, struct tocsin_span *out)
{
	(void)core;
	if (what->size < sizeof(*what) || what->text == NULL)
		return TOCSIN_BAD_MESSAGE;
	return transfer_render(transfer_of(msg), what, out);
}

/* Texts of plugins, kept until the process ends: there are a few. */
struct compiled {
	struct compiled *next;
	struct template *template;
};
static struct compiled *compiled;

static const struct tocsin_template *host_compile(void *core, const char *text, char *err,
						  size_t err_bytes)
{
	struct template_fault fault = { 0 };
	struct template *template = NULL;

	(void)core;
	if (template_compile(span_of(text), &template, &fault) == ERR_OK) {
		struct compiled *c = xcalloc(1, sizeof(*c));

		*c = (struct compiled){ compiled, template };
		compiled = c;
		return (const struct tocsin_template *)template;
	}
	snprintf(err, err_bytes, "template, line %zu, column %zu: %s", fault.line, fault.column,
		 fault.text);
	return NULL;
}

static void host_format_time(void *core, int64_t wall_ms, uint32_t form, char *out,
			     size_t out_bytes)
{
	char text[TIME_WORDS_BYTES];

	(void)core;
	time_words_format(wall_ms,
			  form == TOCSIN_TIME_MAIL     ? TIME_WORDS_MAIL
			  : form == TOCSIN_TIME_PEOPLE ? TIME_WORDS_PEOPLE
						       : TIME_WORDS_ISO,
			  text);
	snprintf(out, out_bytes, "%s", text);
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
		.render = host_render,
		.compile = host_compile,
		.format_time = host_format_time,
	};

	if (conf->delivery.user_agent != NULL && conf->delivery.user_agent[0] != '\0')
		host.user_agent = conf->delivery.user_agent;
	return &host;
}
