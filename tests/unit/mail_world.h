/* mail_world.h - a host for tests of the email channel: real templates, a fixed
 * clock, a digest that is good enough to tell texts apart.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_MAIL_WORLD_H
#define TESTS_UNIT_MAIL_WORLD_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "template/template.h"
#include "tocsin/channel.h"

enum { WORLD_RENDERS_MAX = 8, WORLD_LOG_BYTES = 200 };

static struct buf world_renders[WORLD_RENDERS_MAX];
static int world_render_count, world_log_count;
static char world_log_line[WORLD_LOG_BYTES];

static struct tocsin_span world_span(const char *text)
{
	return (struct tocsin_span){ text, text == NULL ? 0 : strlen(text) };
}

__attribute__((format(printf, 3, 4))) static void world_log(void *core, int level, const char *fmt,
							    ...)
{
	va_list args;

	(void)core, (void)level;
	va_start(args, fmt);
	vsnprintf(world_log_line, sizeof(world_log_line), fmt, args);
	va_end(args);
	world_log_count++;
}

static void world_hmac(void *core, struct tocsin_span key, struct tocsin_span data,
		       unsigned char out[32])
{
	uint64_t hash = 14695981039346656037u;

	(void)core;
	for (size_t i = 0; i < key.len + data.len; i++) {
		const char c = i < key.len ? key.ptr[i] : data.ptr[i - key.len];

		hash = (hash ^ (unsigned char)c) * 1099511628211u;
	}
	for (int i = 0; i < 32; i++)
		out[i] = (unsigned char)(hash >> (i % 8 * 8));
}

static int world_render(void *core, const struct tocsin_message *msg,
			const struct tocsin_render *what, struct tocsin_span *out)
{
	struct buf *b = &world_renders[world_render_count++ % WORLD_RENDERS_MAX];
	const struct template_input in = { .event = { msg->envelope.ptr, msg->envelope.len },
					   .escape = (enum tocsin_escape)what->escape };

	(void)core;
	buf_finish(b);
	buf_init(b, TEMPLATE_OUTPUT_MAX_BYTES);
	if (template_render((const struct template *)what->text, &in, b) != ERR_OK)
		return TOCSIN_BAD_MESSAGE;
	*out = (struct tocsin_span){ b->ptr, b->len };
	return TOCSIN_OK;
}

static void world_format_time(void *core, int64_t wall_ms, uint32_t form, char *out,
			      size_t out_bytes)
{
	(void)core;
	snprintf(out, out_bytes,
		 form == TOCSIN_TIME_MAIL ? "Tue, 24 Nov 2026 05:27:%02d +0000"
					  : "24 Nov 2026, 05:27:%02d UTC",
		 (int)(wall_ms / 1000 % 60));
}

__attribute__((unused)) static struct tocsin_host world_host = { .abi = TOCSIN_CHANNEL_ABI,
								 .size = sizeof(struct tocsin_host),
								 .user_agent = "Tocsin/9",
								 .log = world_log,
								 .hmac = world_hmac,
								 .render = world_render,
								 .format_time = world_format_time };

/* Owner: the caller, template_destroy(). */
__attribute__((unused)) static struct template *world_template(const char *source)
{
	struct template_fault fault;
	struct template *out = NULL;

	if (template_compile((struct span){ source, strlen(source) }, &out, &fault) != ERR_OK) {
		fprintf(stderr, "template: %s\n", fault.text);
		abort();
	}
	return out;
}

/* An event with that envelope. */
__attribute__((unused)) static struct tocsin_message world_message(const char *envelope)
{
	return (struct tocsin_message){ .size = sizeof(struct tocsin_message),
					.attempt = 1,
					.message_id = "evt_1",
					.event_id = "evt_1",
					.event_type = "object.created",
					.delivery_id = "dlv_1",
					.webhook_id = "wh_1",
					.webhook_name = "Alerts",
					.channel = "email",
					.target = "a@example.com",
					.envelope = world_span(envelope),
					.timestamp_s = 1000,
					.occurred_at_ms = 7000,
					.accepted_at_ms = 8000 };
}

__attribute__((unused)) static void world_finish(void)
{
	for (int i = 0; i < WORLD_RENDERS_MAX; i++)
		buf_finish(&world_renders[i]);
}

#endif
