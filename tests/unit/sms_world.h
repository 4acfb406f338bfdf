/* sms_world.h - sms.so under a host of our own, for test_sms*.c.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_TESTS_SMS_WORLD_H
#define TOCSIN_TESTS_SMS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sms/sms.h"

/* --- a host of our own ------------------------------------------------------------ */

/* A template is its text: {{name}} becomes the extra of that name, escaped. */
struct tocsin_template {
	const char *text;
};

static struct text rendered[8];
static size_t rendered_count;
static char log_text[1024];
static int log_lines;

static inline const char *extra_find(const struct tocsin_pairs *extra, const char *name, size_t len)
{
	for (size_t i = 0; i < extra->count; i++) {
		if (strlen(extra->items[i].name) == len &&
		    memcmp(extra->items[i].name, name, len) == 0)
			return extra->items[i].value;
	}
	return "";
}

static inline void value_add(struct text *out, const char *value, uint32_t escape)
{
	struct text quoted = { 0 };

	switch (escape) {
	case TOCSIN_ESCAPE_NONE: text_add(out, value); break;
	case TOCSIN_ESCAPE_URL: text_percent(out, value, strlen(value)); break;
	case TOCSIN_ESCAPE_JSON:
		text_json(&quoted, value, strlen(value));
		text_bytes(out, quoted.ptr + 1, quoted.len - 2);
		text_finish(&quoted);
		break;
	case TOCSIN_ESCAPE_HTML: text_format(out, "html(%s)", value); break;
	default: fail_msg("escape %u", escape);
	}
}

static inline int render(void *core, const struct tocsin_message *msg,
			 const struct tocsin_render *what, struct tocsin_span *out)
{
	struct text *t = &rendered[rendered_count++];
	const char *at = what->text->text;

	(void)core, (void)msg;
	assert_int_equal(what->size, sizeof(*what));
	if (strcmp(at, "TOO LARGE") == 0)
		return TOCSIN_BAD_MESSAGE;
	if (strcmp(at, "LATER") == 0)
		return TOCSIN_TRY_LATER;
	for (const char *tag = NULL; (tag = strstr(at, "{{")) != NULL;) {
		const char *end = strstr(tag, "}}");

		text_bytes(t, at, (size_t)(tag - at));
		value_add(t, extra_find(&what->extra, tag + 2, (size_t)(end - tag - 2)),
			  what->escape);
		at = end + 2;
	}
	text_add(t, at);
	*out = (struct tocsin_span){ t->ptr, t->len };
	return TOCSIN_OK;
}

static inline void format_time(void *core, int64_t wall_ms, uint32_t form, char *out,
			       size_t out_bytes)
{
	(void)core;
	assert_int_equal(form, TOCSIN_TIME_PEOPLE);
	snprintf(out, out_bytes, "at %lld", (long long)wall_ms);
}

__attribute__((format(printf, 3, 4))) static inline void log_line(void *core, int level,
								  const char *fmt, ...)
{
	va_list args;

	(void)core, (void)level;
	va_start(args, fmt);
	vsnprintf(log_text, sizeof(log_text), fmt, args);
	va_end(args);
	log_lines++;
}

static const struct tocsin_host host = { .abi = TOCSIN_CHANNEL_ABI,
					 .size = sizeof(host),
					 .user_agent = "Tocsin/9",
					 .log = log_line,
					 .render = render,
					 .format_time = format_time };

/* --- a channel ---------------------------------------------------------------------- */

static const struct tocsin_template standard = { "Hello {{time}}" };

static inline struct sms_settings twilio(void)
{
	return (struct sms_settings){ .provider = "twilio",
				      .sender = "+15005550006",
				      .parts_max = 10,
				      .is_transliterated = 1,
				      .message = &standard,
				      .api_base = "https://api.example/",
				      .account_sid = "AC123",
				      .auth_token = "t0ken",
				      .content_type = "application/json",
				      .success_status = "200-299",
				      .retry_status = "408,425,429,500-599" };
}

static inline struct sms_settings kannel(void)
{
	struct sms_settings s = twilio();

	s.provider = "kannel";
	s.url = "http://127.0.0.1:13013/cgi-bin/sendsms";
	s.username = "tocsin";
	s.password = "s3cret";
	return s;
}

static const struct tocsin_template json_body = {
	"{\"to\":\"{{to}}\",\"from\":\"{{from}}\",\"text\":\"{{text}}\",\"n\":{{parts}},"
	"\"id\":\"{{id}}\",\"key\":\"{{key}}\"}"
};

static inline struct sms_settings gateway(void)
{
	struct sms_settings s = twilio();

	s.provider = "http";
	s.method = "POST";
	s.url = "https://gateway.example/send";
	s.body = &json_body;
	return s;
}

static inline struct sms *channel_open(const struct sms_settings *s)
{
	void *channel = NULL;
	char err[160] = "";

	if (tocsin_channel_v1.open(&host, s, &channel, err, sizeof(err)) != TOCSIN_OK)
		fail_msg("open: %s", err);
	return channel;
}

/* --- one request ------------------------------------------------------------------------ */

/* The configs struct of sms.c, as its fields table has it. */
struct configs {
	struct tocsin_list phone_numbers;
	const struct tocsin_template *message_template;
};

struct asked {
	struct sms *sms;
	CURL *easy;
	struct tocsin_request out;
	int rc;
};

static inline struct asked ask(const struct sms_settings *s, const char *text)
{
	const struct tocsin_template own = { text };
	const struct configs configs = { .message_template = text == NULL ? NULL : &own };
	const struct tocsin_message msg = { .size = sizeof(msg),
					    .attempt = 1,
					    .delivery_id = "dlv_1",
					    .channel = "sms",
					    .target = "+14155550100",
					    .configs = &configs,
					    .occurred_at_ms = 77 };
	struct asked a = { .sms = channel_open(s), .easy = curl_easy_init() };

	a.out.size = sizeof(a.out);
	a.rc = tocsin_channel_v1.prepare(a.sms, &msg, a.easy, &a.out);
	return a;
}

static inline void asked_finish(struct asked *a)
{
	if (a->rc == TOCSIN_OK)
		tocsin_channel_v1.release(a->sms, a->out.attempt);
	tocsin_channel_v1.close(a->sms);
	curl_easy_cleanup(a->easy);
	while (rendered_count > 0)
		text_finish(&rendered[--rendered_count]);
}

#endif
