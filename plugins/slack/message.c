/* message.c - the message itself: the default one, or what the templates give.
 * Not here: limits of blocks (blocks.c), URL and headers (slack.c). Any thread.
 * SPDX-License-Identifier: MIT */
#include "slack/message.h"

#include <stdio.h>
#include <string.h>

#include "slack/blocks.h"
#include "slack/mrkdwn.h"
#include "slack/value.h"

enum {
	TEXT_MAX = 4000, /* Slack's advice; it cuts at 40,000 */
	LABEL_MAX = 80,
	/* Half of what Slack takes: ten full fields would be msg_blocks_too_long. */
	VALUE_MAX = BLOCK_FIELD_MAX / 2,
	CONTEXT_NAME_MAX = 300,
	CONTEXT_ID_MAX = 120,
	DOMAIN_PARTS = 2, /* of com.example.order.created */
	DOMAIN_TYPE_PARTS = 4,
	TIME_BYTES = 40,
};

/* One member of the event that the default message shows. Both are mrkdwn. */
struct fact {
	struct text label, value;
};

struct draft {
	const struct slack *slack;
	const struct tocsin_message *msg;
	struct text title; /* mrkdwn: "Cluster execution failed" */
	struct fact facts[BLOCK_FIELDS_MAX];
	size_t fact_count;
	struct text text;   /* mrkdwn: what notifications and old clients show */
	struct text blocks; /* JSON; empty: none */
	char *why;
	size_t why_bytes;
};

/* --- the event in words ------------------------------------------------------ */

/* A type in reverse-DNS form says whose it is first; people want what happened. */
static const char *type_start(const char *type)
{
	static const char *const domains[] = { "com.", "org.", "net." };
	const char *start = type;
	size_t parts = 1;

	for (const char *at = type; *at != '\0'; at++)
		parts += *at == '.';
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
		if (parts < DOMAIN_TYPE_PARTS || strncmp(type, domains[i], strlen(domains[i])) != 0)
			continue;
		for (int part = 0; part < DOMAIN_PARTS; part++)
			start = strchr(start, '.') + 1;
	}
	return start;
}

/* "collection_id" and "cluster.execution.failed" as people would write them. */
static void words_add(struct text *t, const char *name, size_t len, size_t max)
{
	struct text words = { 0 };

	text_bytes(&words, name, len);
	for (size_t i = 0; i < words.len; i++) {
		if (strchr("._-", words.ptr[i]) != NULL && words.ptr[i] != '\0')
			words.ptr[i] = ' ';
	}
	if (words.len > 0 && words.ptr[0] >= 'a' && words.ptr[0] <= 'z')
		words.ptr[0] = (char)(words.ptr[0] - 'a' + 'A');
	t->failed |= words.failed;
	mrkdwn_add(t, words.ptr, words.len, max);
	text_finish(&words);
}

static void fact_add(struct draft *d, struct tocsin_span name, struct tocsin_span value)
{
	struct text label = { 0 }, plain = { 0 };

	if (d->fact_count < BLOCK_FIELDS_MAX && value_add(&plain, value) && plain.len > 0 &&
	    value_add(&label, name)) {
		struct fact *fact = &d->facts[d->fact_count++];

		words_add(&fact->label, label.ptr, label.len, LABEL_MAX);
		mrkdwn_add(&fact->value, plain.ptr, plain.len, VALUE_MAX);
		d->text.failed |= fact->label.failed | fact->value.failed;
	}
	d->text.failed |= label.failed | plain.failed;
	text_finish(&label);
	text_finish(&plain);
}

/* value itself when it is a scalar, else the scalars in it. name: with quotes. */
static void facts_add(struct draft *d, const char *name, struct tocsin_span value)
{
	struct members m;
	struct member one;

	if (value.ptr == NULL)
		return;
	if (!members_init(&m, value)) {
		fact_add(d, (struct tocsin_span){ name, strlen(name) }, value);
		return;
	}
	while (members_next(&m, &one))
		fact_add(d, one.name, one.value);
}

/* The data is shown only when the metadata says nothing. */
static void event_read(struct draft *d)
{
	const struct tocsin_span envelope = d->msg->envelope;
	const char *type = type_start(d->msg->event_type);

	words_add(&d->title, type, strlen(type), BLOCK_HEADER_MAX);
	d->text.failed |= d->title.failed;
	facts_add(d, "\"subject\"", members_find(envelope, "subject"));
	facts_add(d, "\"namespace\"", members_find(envelope, "namespace_id"));
	const size_t before = d->fact_count;

	facts_add(d, "\"metadata\"", members_find(envelope, "metadata"));
	if (d->fact_count == before)
		facts_add(d, "\"data\"", members_find(envelope, "data"));
}

/* --- the default message -------------------------------------------------------- */

static void text_write(struct draft *d)
{
	text_add(&d->text, d->title.ptr == NULL ? "" : d->title.ptr);
	for (size_t i = 0; i < d->fact_count; i++) {
		const struct fact *fact = &d->facts[i];

		text_format(&d->text, "\n%s: ", fact->label.ptr == NULL ? "" : fact->label.ptr);
		text_bytes(&d->text, fact->value.ptr, fact->value.len);
	}
}

/* verbatim: Slack makes no mention of a bare @here and no link of a name in data. */
static void mrkdwn_object_add(struct text *t, const struct text *mrkdwn)
{
	text_add(t, "{\"type\":\"mrkdwn\",\"text\":");
	text_json(t, mrkdwn->ptr, mrkdwn->len);
	text_add(t, ",\"verbatim\":true}");
	t->failed |= mrkdwn->failed;
}

static void fields_write(struct draft *d)
{
	if (d->fact_count == 0)
		return;
	text_add(&d->blocks, ",{\"type\":\"section\",\"fields\":[");
	for (size_t i = 0; i < d->fact_count; i++) {
		const struct fact *fact = &d->facts[i];
		struct text field = { 0 };

		text_format(&field, "*%s*\n", fact->label.ptr == NULL ? "" : fact->label.ptr);
		text_bytes(&field, fact->value.ptr, fact->value.len);
		text_add(&d->blocks, i == 0 ? "" : ",");
		mrkdwn_object_add(&d->blocks, &field);
		text_finish(&field);
	}
	text_add(&d->blocks, "]}");
}

/* Each reader sees the time in a zone of their own; the part after | is for clients
 * that cannot. */
static void context_write(struct draft *d)
{
	const struct tocsin_message *msg = d->msg;
	const struct tocsin_host *host = d->slack->host;
	char moment[TIME_BYTES];
	struct text line = { 0 };

	host->format_time(host->core, msg->occurred_at_ms, TOCSIN_TIME_PEOPLE, moment,
			  sizeof(moment));
	mrkdwn_add(&line, msg->webhook_name, strlen(msg->webhook_name), CONTEXT_NAME_MAX);
	text_format(&line, "  \xC2\xB7  <!date^%lld^{date_short_pretty} at {time}|",
		    (long long)(msg->occurred_at_ms / 1000));
	mrkdwn_add(&line, moment, strlen(moment), 0);
	text_add(&line, ">  \xC2\xB7  `");
	mrkdwn_add(&line, msg->event_type, strlen(msg->event_type), CONTEXT_NAME_MAX);
	text_add(&line, "`  \xC2\xB7  ");
	mrkdwn_add(&line, msg->event_id, strlen(msg->event_id), CONTEXT_ID_MAX);
	text_add(&line, msg->is_test ? "  \xC2\xB7  test event" : "");
	text_add(&d->blocks, ",{\"type\":\"context\",\"elements\":[");
	mrkdwn_object_add(&d->blocks, &line);
	text_add(&d->blocks, "]}");
	text_finish(&line);
}

static void blocks_write(struct draft *d)
{
	text_add(&d->blocks, "[{\"type\":\"header\",\"text\":{\"type\":\"plain_text\",\"text\":");
	text_json(&d->blocks, d->title.ptr, d->title.len);
	text_add(&d->blocks, ",\"emoji\":false}}");
	fields_write(d);
	context_write(d);
	text_add(&d->blocks, "]");
}

/* --- templates ------------------------------------------------------------------- */

static int template_render(struct draft *d, const struct tocsin_template *template,
			   struct tocsin_span *out)
{
	const struct tocsin_host *host = d->slack->host;
	const struct tocsin_render what = { .size = sizeof(what),
					    .escape = TOCSIN_ESCAPE_SLACK,
					    .text = template };
	const int rc = host->render(host->core, d->msg, &what, out);

	if (rc == TOCSIN_BAD_MESSAGE)
		snprintf(d->why, d->why_bytes, "the rendered template is too large");
	return rc;
}

static int is_blank(const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (memchr(" \t\r\n", bytes[i], 4) == NULL)
			return 0;
	}
	return 1;
}

static int text_render(struct draft *d)
{
	struct tocsin_span words = { NULL, 0 };
	const int rc = template_render(
		d, ((const struct slack_configs *)d->msg->configs)->text_template, &words);

	if (rc == TOCSIN_OK && !is_blank(words.ptr, words.len))
		text_bytes(&d->text, words.ptr, words.len);
	return rc;
}

static int blocks_render(struct draft *d)
{
	struct tocsin_span rendered = { NULL, 0 };
	struct blocks blocks = { 0 };
	int rc = template_render(
		d, ((const struct slack_configs *)d->msg->configs)->blocks_template, &rendered);

	if (rc == TOCSIN_OK)
		rc = blocks_read(rendered, &blocks, d->why, d->why_bytes);
	if (rc == TOCSIN_OK && d->text.len == 0 && !is_blank(blocks.text.ptr, blocks.text.len))
		text_bytes(&d->text, blocks.text.ptr, blocks.text.len);
	if (rc == TOCSIN_OK && blocks.json.len > 0)
		text_bytes(&d->blocks, blocks.json.ptr, blocks.json.len);
	d->text.failed |= blocks.json.failed | blocks.text.failed;
	blocks_finish(&blocks);
	return rc;
}

/* --- the body ----------------------------------------------------------------------- */

static void member_add(struct text *t, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	text_format(t, ",\"%s\":", name);
	text_json(t, value, strlen(value));
}

/* An emoji wins over a picture in Slack, so a default must not meet a choice. */
static void sender_write(const struct draft *d, struct text *out)
{
	const struct slack_configs *configs = d->msg->configs;
	const struct slack_settings *settings = d->slack->settings;
	const int has_icon = configs->icon_emoji != NULL || configs->icon_url != NULL;

	member_add(out, "username",
		   configs->username != NULL ? configs->username : settings->username);
	member_add(out, "icon_emoji", has_icon ? configs->icon_emoji : settings->icon_emoji);
	member_add(out, "icon_url", has_icon ? configs->icon_url : settings->icon_url);
}

static void body_write(struct draft *d, struct text *out)
{
	const struct slack_configs *configs = d->msg->configs;

	mrkdwn_shorten(&d->text, TEXT_MAX);
	text_add(out, "{\"text\":");
	text_json(out, d->text.ptr, d->text.len);
	if (d->blocks.len > 0) {
		text_add(out, ",\"blocks\":");
		text_bytes(out, d->blocks.ptr, d->blocks.len);
	}
	member_add(out, "channel", configs->bot_token != NULL ? d->msg->target : configs->channel);
	sender_write(d, out);
	member_add(out, "thread_ts", configs->thread_ts);
	/* Nobody asked for pictures of whatever the data links to. */
	if (configs->blocks_template == NULL && configs->text_template == NULL)
		text_add(out, ",\"unfurl_links\":false,\"unfurl_media\":false");
	text_add(out, "}");
	out->failed |= d->text.failed | d->blocks.failed;
}

static void draft_finish(struct draft *d)
{
	for (size_t i = 0; i < d->fact_count; i++) {
		text_finish(&d->facts[i].label);
		text_finish(&d->facts[i].value);
	}
	text_finish(&d->title);
	text_finish(&d->text);
	text_finish(&d->blocks);
}

int message_build(const struct slack *slack, const struct tocsin_message *msg, struct text *out,
		  char *why, size_t why_bytes)
{
	const struct slack_configs *configs = msg->configs;
	struct draft d = { .slack = slack, .msg = msg, .why = why, .why_bytes = why_bytes };
	int rc = TOCSIN_OK;

	event_read(&d);
	if (configs->text_template != NULL)
		rc = text_render(&d);
	if (rc == TOCSIN_OK && configs->blocks_template != NULL)
		rc = blocks_render(&d);
	else if (rc == TOCSIN_OK && configs->text_template == NULL)
		blocks_write(&d);
	if (rc == TOCSIN_OK) {
		if (d.text.len == 0)
			text_write(&d);
		body_write(&d, out);
		if (out->failed)
			rc = TOCSIN_TRY_LATER;
	}
	draft_finish(&d);
	return rc;
}
