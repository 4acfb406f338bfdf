/* slack_world.h - slack.so, opened under a host of our own, and what it would send.
 * Included once a program.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_SLACK_WORLD_H
#define TESTS_UNIT_SLACK_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <json-c/json.h>

#include "slack/slack.h"

#include "files.h"

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))
#define ELLIPSIS    "\xE2\x80\xA6"
#define EMOJI       "\xF0\x9F\x94\x94"
#define TOKEN       "xoxb-1-s3cret"
#define HOOK        "https://hooks.slack.test/services/T1/B1/s3cret"

enum { LONG_BYTES = 64 * 1024 };

/* What the core would have compiled: here the text that rendering gives. */
struct tocsin_template {
	const char *gives;
	int rc;
};

static void *library;
static const struct tocsin_channel *plugin;
static void *channel;
static struct slack_settings settings;
static unsigned wiped_tokens;

/* --- a host of our own ------------------------------------------------------------ */

static inline void wipe(void *core, void *ptr, size_t bytes)
{
	(void)core;
	char *text = ptr;

	for (size_t i = 0; i + strlen(TOKEN) <= bytes; i++)
		wiped_tokens += memcmp(text + i, TOKEN, strlen(TOKEN)) == 0;
	memset(ptr, 0, bytes);
}

static inline int render(void *core, const struct tocsin_message *msg,
			 const struct tocsin_render *what, struct tocsin_span *out)
{
	(void)core, (void)msg;
	assert_int_equal(what->size, sizeof(*what));
	assert_int_equal(what->escape, TOCSIN_ESCAPE_SLACK);
	*out = (struct tocsin_span){ what->text->gives, strlen(what->text->gives) };
	return what->text->rc;
}

static inline void format_time(void *core, int64_t wall_ms, uint32_t form, char *out,
			       size_t out_bytes)
{
	(void)core;
	assert_int_equal(form, TOCSIN_TIME_PEOPLE);
	snprintf(out, out_bytes, "moment %lld", (long long)wall_ms);
}

static const struct tocsin_host host = { .abi = TOCSIN_CHANNEL_ABI,
					 .size = sizeof(host),
					 .user_agent = "Tocsin/9",
					 .wipe = wipe,
					 .render = render,
					 .format_time = format_time };

static inline int setup(void **state)
{
	char path[FILE_PATH_BYTES], err[100] = "";

	(void)state;
	file_built(".libs/slack.so", path);
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL)
		fail_msg("%s", dlerror());
	plugin = dlsym(library, TOCSIN_CHANNEL_SYMBOL);
	assert_non_null(plugin);
	settings = (struct slack_settings){ .api_base = "https://slack.test/api/" };
	assert_int_equal(plugin->open(&host, &settings, &channel, err, sizeof(err)), TOCSIN_OK);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	plugin->close(channel);
	plugin->close(NULL);
	dlclose(library);
	return 0;
}

static inline struct tocsin_message message_of(const struct slack_configs *configs,
					       const char *envelope)
{
	return (struct tocsin_message){
		.size = sizeof(struct tocsin_message),
		.attempt = 1,
		.message_id = "evt_1",
		.event_id = "evt_1",
		.event_type = "cluster.execution.failed",
		.delivery_id = "dlv_1",
		.webhook_id = "wh_1",
		.webhook_name = "Ops <alerts>",
		.channel = "slack",
		.target = configs->bot_token == NULL ? HOOK : configs->channel_id,
		.configs = configs,
		.envelope = { envelope, strlen(envelope) },
		.timestamp_s = 1700000009,
		.occurred_at_ms = 1700000000123,
	};
}

/* --- one request ------------------------------------------------------------------- */

struct sent {
	struct tocsin_request request;
	struct json_object *body; /* NULL when nothing is sent */
	int rc;
};

static inline void sent_make(const struct tocsin_message *msg, struct sent *sent)
{
	*sent = (struct sent){ .request = { .size = sizeof(sent->request) } };
	sent->rc = plugin->prepare(channel, msg, NULL, &sent->request);
	if (sent->rc != TOCSIN_OK) {
		assert_null(sent->request.attempt);
		return;
	}
	assert_int_equal(strlen(sent->request.body.ptr), sent->request.body.len);
	sent->body = json_tokener_parse(sent->request.body.ptr);
	if (sent->body == NULL)
		fail_msg("no JSON: %s", sent->request.body.ptr);
}

static inline void sent_finish(struct sent *sent)
{
	plugin->release(channel, sent->request.attempt);
	json_object_put(sent->body);
}

static inline const char *sent_text(const struct sent *sent, const char *name)
{
	return json_object_get_string(json_object_object_get(sent->body, name));
}

/* count times fill, then rest. */
static inline const char *long_text(const char *fill, size_t count, const char *rest)
{
	static char text[LONG_BYTES];
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", fill);
	snprintf(text + len, sizeof(text) - len, "%s", rest);
	return text;
}

#endif
