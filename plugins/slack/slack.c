/* slack.c - the channel that posts to Slack, by an incoming webhook's URL or as a
 * bot with chat.postMessage.
 * Not here: the message (message.c), what the answer means (answer.c). Any
 * delivery thread; nothing changes after open().
 * SPDX-License-Identifier: MIT */
#include "slack/slack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "slack/answer.h"
#include "slack/message.h"

struct attempt {
	struct text body;
	char *url; /* NULL: the target is the URL */
	struct curl_slist *headers;
	struct answer_question asked;
};

static const struct tocsin_field settings[] = {
	{ .key = "api_base",
	  .help = "Where Slack's Web API is, for messages by a bot's token.",
	  .kind = TOCSIN_OPERATOR_URL,
	  .dflt = "https://slack.com/api",
	  .offset = offsetof(struct slack_settings, api_base) },
	{ .key = "rate",
	  .help = "Messages a second to one Slack channel; Slack allows 1. 0: no limit.",
	  .kind = TOCSIN_NUMBER,
	  .flags = TOCSIN_IS_TARGET_RATE,
	  .max = 1000,
	  .dflt = "1",
	  .offset = offsetof(struct slack_settings, rate) },
	{ .key = "timeout",
	  .help = "What one attempt may take as a whole.",
	  .kind = TOCSIN_TIME_MS,
	  .flags = TOCSIN_IS_TIMEOUT,
	  .min = 1000,
	  .max = 60000,
	  .dflt = "10s",
	  .offset = offsetof(struct slack_settings, timeout_ms) },
	{ .key = "username",
	  .help = "The sender's name when the webhook gives none.",
	  .kind = TOCSIN_TEXT,
	  .max = 255,
	  .offset = offsetof(struct slack_settings, username) },
	{ .key = "icon_emoji",
	  .help = "The sender's icon when the webhook gives none, like :bell:.",
	  .kind = TOCSIN_TEXT,
	  .max = 255,
	  .offset = offsetof(struct slack_settings, icon_emoji) },
	{ .key = "icon_url",
	  .help = "The same as a picture; Slack prefers icon_emoji.",
	  .kind = TOCSIN_URL,
	  .offset = offsetof(struct slack_settings, icon_url) },
	{ .key = NULL },
};

static const struct tocsin_field fields[] = {
	{ .key = "webhook_url",
	  .help = "The incoming webhook's URL, as Slack shows it.",
	  .kind = TOCSIN_URL,
	  .flags = TOCSIN_REQUIRED | TOCSIN_SECRET | TOCSIN_IS_TARGET,
	  .group = "webhook",
	  .offset = offsetof(struct slack_configs, webhook_url) },
	{ .key = "bot_token",
	  .help = "The app's bot token, xoxb-..., with the scope chat:write.",
	  .kind = TOCSIN_TEXT,
	  .flags = TOCSIN_REQUIRED | TOCSIN_SECRET,
	  .min = 1,
	  .max = 500,
	  .group = "bot",
	  .offset = offsetof(struct slack_configs, bot_token) },
	{ .key = "channel_id",
	  .help = "The Slack channel that the bot posts to, like C0123456789.",
	  .kind = TOCSIN_TEXT,
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET,
	  .min = 1,
	  .max = 100,
	  .group = "bot",
	  .offset = offsetof(struct slack_configs, channel_id) },
	{ .key = "workspace_id",
	  .help = "The workspace, like T0123456789: kept for people, not sent.",
	  .kind = TOCSIN_TEXT,
	  .max = 100,
	  .group = "bot",
	  .offset = offsetof(struct slack_configs, workspace_id) },
	{ .key = "channel",
	  .help = "Another channel than the webhook URL's own; only old webhooks take it.",
	  .kind = TOCSIN_TEXT,
	  .max = 100,
	  .offset = offsetof(struct slack_configs, channel) },
	{ .key = "username",
	  .help = "The sender's name.",
	  .kind = TOCSIN_TEXT,
	  .max = 255,
	  .offset = offsetof(struct slack_configs, username) },
	{ .key = "icon_emoji",
	  .help = "The sender's icon, like :bell:.",
	  .kind = TOCSIN_TEXT,
	  .max = 255,
	  .offset = offsetof(struct slack_configs, icon_emoji) },
	{ .key = "icon_url",
	  .help = "The sender's icon as a picture; Slack prefers icon_emoji.",
	  .kind = TOCSIN_URL,
	  .offset = offsetof(struct slack_configs, icon_url) },
	{ .key = "blocks_template",
	  .help = "The message's blocks: an array or {\"blocks\": [...]}, whose strings are "
		  "templates.",
	  .kind = TOCSIN_JSON_TEMPLATE,
	  .item = TOCSIN_LIST,
	  .offset = offsetof(struct slack_configs, blocks_template) },
	{ .key = "text_template",
	  .help = "The message's text; beside blocks, what notifications show.",
	  .kind = TOCSIN_TEMPLATE,
	  .offset = offsetof(struct slack_configs, text_template) },
	{ .key = "thread_ts",
	  .help = "The message to answer in its thread, like 1712345678.123456.",
	  .kind = TOCSIN_TEXT,
	  .max = 40,
	  .offset = offsetof(struct slack_configs, thread_ts) },
	{ .key = NULL },
};

static int slack_open(const struct tocsin_host *host, const void *values, void **channel, char *err,
		      size_t err_bytes)
{
	struct slack *slack = calloc(1, sizeof(*slack));

	if (slack == NULL) {
		snprintf(err, err_bytes, "out of memory");
		return TOCSIN_TRY_LATER;
	}
	slack->host = host;
	slack->settings = values;
	*channel = slack;
	return TOCSIN_OK;
}

static void slack_close(void *channel)
{
	free(channel);
}

/* --- what a webhook may say -------------------------------------------------------- */

static int has_text(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* It becomes part of a header's line. */
static int is_token(const char *token)
{
	for (const char *at = token; *at != '\0'; at++) {
		if (*at <= 0x20 || *at >= 0x7F)
			return 0;
	}
	return token[0] != '\0';
}

static int is_timestamp(const char *ts)
{
	static const char digits[] = "0123456789";
	const size_t seconds = strspn(ts, digits);

	if (seconds == 0 || ts[seconds] != '.')
		return 0;
	const size_t rest = strspn(ts + seconds + 1, digits);

	return rest > 0 && ts[seconds + 1 + rest] == '\0';
}

static int fault_set(struct tocsin_fault *out, const char *key, const char *text)
{
	snprintf(out->key, sizeof(out->key), "%s", key);
	snprintf(out->text, sizeof(out->text), "%s", text);
	return TOCSIN_BAD_CONFIG;
}

static int slack_check(void *channel, const void *values, struct tocsin_fault *out)
{
	const struct slack_configs *configs = values;

	(void)channel;
	if (configs->bot_token != NULL && !is_token(configs->bot_token))
		return fault_set(out, "bot_token",
				 "a token is one word of letters, digits and dashes: xoxb-...");
	if (configs->bot_token != NULL && has_text(configs->channel))
		return fault_set(out, "channel",
				 "channel goes with webhook_url; a bot posts to channel_id");
	if (has_text(configs->thread_ts) && !is_timestamp(configs->thread_ts))
		return fault_set(out, "thread_ts",
				 "the ts of a message is digits with a point: 1712345678.123456");
	return TOCSIN_OK;
}

/* --- the request ------------------------------------------------------------------- */

/* What is added to a header list with the token in it is wiped at the end. */
static void headers_free(const struct slack *slack, struct curl_slist *headers)
{
	for (struct curl_slist *one = headers; one != NULL; one = one->next)
		slack->host->wipe(slack->host->core, one->data, strlen(one->data));
	curl_slist_free_all(headers);
}

static int token_add(const struct slack *slack, const char *token, struct curl_slist **list)
{
	struct text value = { 0 };
	int rc = TOCSIN_TRY_LATER;

	text_add(&value, "Bearer ");
	text_add(&value, token);
	if (!value.failed) {
		rc = header_add(list, "Authorization", value.ptr);
		slack->host->wipe(slack->host->core, value.ptr, value.len);
	}
	text_finish(&value);
	return rc;
}

static int headers_build(const struct slack *slack, const struct slack_configs *configs,
			 struct curl_slist **list)
{
	/* libcurl would wait for "100 Continue" before a large body. */
	struct curl_slist *first = curl_slist_append(NULL, "Expect:");
	int rc = first == NULL ? TOCSIN_TRY_LATER : TOCSIN_OK;

	*list = first;
	if (rc == TOCSIN_OK)
		rc = header_add(list, "Content-Type",
				configs->bot_token == NULL ? "application/json"
							   : "application/json; charset=utf-8");
	if (rc == TOCSIN_OK)
		rc = header_add(list, "User-Agent", slack->host->user_agent);
	if (rc == TOCSIN_OK && configs->bot_token != NULL)
		rc = token_add(slack, configs->bot_token, list);
	return rc;
}

static char *api_url(const struct slack *slack)
{
	const char *base = slack->settings->api_base;
	size_t len = strlen(base);
	struct text url = { 0 };

	while (len > 0 && base[len - 1] == '/')
		len--;
	text_bytes(&url, base, len);
	text_add(&url, "/chat.postMessage");
	return text_take(&url);
}

static void slack_release(void *channel, void *attempt)
{
	struct attempt *a = attempt;

	if (a == NULL)
		return;
	headers_free(channel, a->headers);
	text_finish(&a->body);
	free(a->url);
	free(a);
}

static int attempt_fill(const struct slack *slack, const struct tocsin_message *msg,
			struct attempt *a, struct tocsin_request *out)
{
	const struct slack_configs *configs = msg->configs;
	int rc = headers_build(slack, configs, &a->headers);

	if (rc == TOCSIN_OK)
		rc = message_build(slack, msg, &a->body, out->reason, sizeof(out->reason));
	if (rc != TOCSIN_OK)
		return rc;
	a->asked.form = configs->bot_token == NULL ? ANSWER_WEBHOOK : ANSWER_BOT;
	a->asked.has_channel = has_text(configs->channel);
	if (a->asked.form == ANSWER_BOT)
		a->url = api_url(slack);
	out->url = a->asked.form == ANSWER_BOT ? a->url : msg->target;
	return out->url == NULL ? TOCSIN_TRY_LATER : TOCSIN_OK;
}

static int slack_prepare(void *channel, const struct tocsin_message *msg, CURL *easy,
			 struct tocsin_request *out)
{
	struct attempt *a = calloc(1, sizeof(*a));

	(void)easy;
	if (a == NULL)
		return TOCSIN_TRY_LATER;
	const int rc = attempt_fill(channel, msg, a, out);

	if (rc != TOCSIN_OK) {
		slack_release(channel, a);
		out->url = NULL;
		return rc;
	}
	out->attempt = a;
	out->body = (struct tocsin_span){ a->body.ptr, a->body.len };
	out->headers = a->headers;
	return TOCSIN_OK;
}

static void slack_classify(void *channel, void *attempt, CURL *easy,
			   const struct tocsin_outcome *out, struct tocsin_verdict *v)
{
	const struct attempt *a = attempt;

	(void)channel;
	answer_judge(&a->asked, easy, out, v);
}

TOCSIN_CHANNEL_DEFINE = {
	.abi = TOCSIN_CHANNEL_ABI,
	.size = sizeof(struct tocsin_channel),
	.name = "slack",
	.version = "1.0",
	.schemes = "http,https",
	.settings = settings,
	.settings_bytes = sizeof(struct slack_settings),
	.fields = fields,
	.configs_bytes = sizeof(struct slack_configs),
	.open = slack_open,
	.prepare = slack_prepare,
	.classify = slack_classify,
	.release = slack_release,
	.close = slack_close,
	.check = slack_check,
};
