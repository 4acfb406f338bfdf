/* answer.c - Slack's answers to both forms, by the error's name first, then by
 * the status.
 * Not here: transfers without an answer (common/outcome.c). Pure; any thread.
 * SPDX-License-Identifier: MIT */
#include "slack/answer.h"

#include <stdio.h>
#include <string.h>

#include "common/outcome.h"
#include "slack/value.h"

enum {
	HOUR_MS = 3600 * 1000,
	ERROR_BYTES = 65,
	ID_BYTES = 41,
	DETAIL_BYTES = 161,
};

struct rule {
	const char *error; /* a * at its end stands for any rest */
	uint32_t kind, throttled;
	int64_t wait_ms;
	const char *hint; /* NULL: the name says it */
};

#define FINAL(error, hint)                       \
	{                                        \
		error, TOCSIN_FAILED, 0, 0, hint \
	}
#define GONE(error, hint)                      \
	{                                      \
		error, TOCSIN_GONE, 0, 0, hint \
	}
#define LATER(error, hint)                      \
	{                                       \
		error, TOCSIN_RETRY, 0, 0, hint \
	}
#define BUSY(error, hint)                       \
	{                                       \
		error, TOCSIN_RETRY, 1, 0, hint \
	}

static const char no_channel[] = "there is no such channel, or the app cannot see it";
static const char partly[] = "an error inside Slack; it may have been posted all the same";
static const char bad_token[] = "the token is not valid";

/* Both forms: no name means two things. */
static const struct rule rules[] = {
	/* incoming webhooks */
	FINAL("invalid_payload", "the message is not what Slack expects"),
	FINAL("user_not_found", "there is no such user"),
	FINAL("missing_text_or_fallback_or_attachments", NULL),
	FINAL("action_prohibited", "an administrator forbids it"),
	FINAL("invalid_token", "the webhook URL is not valid"),
	FINAL("posting_to_general_channel_denied", NULL),
	GONE("no_service", "the webhook URL was revoked"),
	GONE("no_active_hooks", "the webhook URL was switched off"),
	GONE("no_team", "the workspace is gone"),
	FINAL("no_service_id", "the webhook URL is not whole"),
	FINAL("team_disabled", "the workspace is disabled"),
	GONE("channel_is_archived", "the channel is archived"),
	LATER("rollup_error", "an error inside Slack"),
	/* both */
	FINAL("channel_not_found", no_channel),
	FINAL("no_text", "the message is empty"),
	FINAL("invalid_blocks", NULL),
	FINAL("too_many_attachments", NULL),
	/* chat.postMessage */
	BUSY("ratelimited", "too many messages"),
	BUSY("rate_limited", "too many messages"),
	LATER("internal_error", partly),
	LATER("fatal_error", partly),
	BUSY("service_unavailable", NULL),
	BUSY("request_timeout", NULL),
	LATER("team_added_to_org", "the workspace is being moved"),
	LATER("org_login_required", "the workspace is being moved"),
	{ "message_limit_exceeded", TOCSIN_RETRY, 0, HOUR_MS, "the workspace's limit is reached" },
	FINAL("not_authed", bad_token),
	FINAL("invalid_auth", bad_token),
	FINAL("account_inactive", "the token's user or workspace was removed"),
	FINAL("token_revoked", "the token was revoked"),
	FINAL("token_expired", "the token has expired"),
	FINAL("missing_scope", "the token lacks the scope chat:write"),
	FINAL("no_permission", "the token may not do this"),
	FINAL("not_allowed_token_type", "this takes a bot's token, xoxb-..."),
	FINAL("ekm_access_denied", "an administrator has suspended posting"),
	FINAL("access_denied", "the token may not do this"),
	FINAL("accesslimited", "the token may not do this from here"),
	FINAL("two_factor_setup_required", NULL),
	FINAL("enterprise_is_restricted", "the token does not work in this organization"),
	FINAL("not_in_channel", "invite the app to the channel"),
	GONE("is_archived", "the channel is archived"),
	FINAL("restricted_action*", "the workspace's settings forbid it"),
	FINAL("team_not_found", NULL),
	FINAL("messages_tab_disabled", "the app's messages tab is switched off"),
	FINAL("msg_too_long", "the message is too long"),
	FINAL("msg_blocks_too_long", "the blocks are too long together"),
	FINAL("attachment_payload_limit_exceeded", NULL),
	FINAL("markdown_text_conflict", NULL),
	FINAL("invalid_blocks_format", NULL),
	FINAL("invalid_arguments", NULL),
	FINAL("invalid_arg_name", NULL),
	FINAL("invalid_charset", NULL),
	FINAL("invalid_post_type", NULL),
	FINAL("invalid_form_data", NULL),
	FINAL("missing_post_type", NULL),
	FINAL("as_user_not_supported", NULL),
	FINAL("metadata_too_large", NULL),
};

static const struct rule *rule_find(const char *error)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const size_t len = strlen(rules[i].error);

		if (rules[i].error[len - 1] == '*' ? strncmp(rules[i].error, error, len - 1) == 0
						   : strcmp(rules[i].error, error) == 0)
			return &rules[i];
	}
	return NULL;
}

/* --- reading the reply ---------------------------------------------------------- */

/* Copy what may be shown: one line of ASCII, cut to fit. */
static void shown_copy(const char *bytes, size_t len, char *out, size_t out_bytes)
{
	size_t n = len < out_bytes ? len : out_bytes - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = bytes[i] >= 0x20 && bytes[i] < 0x7F ? bytes[i] : '?';
	out[n] = '\0';
}

/* A JSON string's text; anything else gives "". */
static void string_copy(struct tocsin_span value, char *out, size_t out_bytes)
{
	out[0] = '\0';
	if (value.len >= 2 && value.ptr[0] == '"')
		shown_copy(value.ptr + 1, value.len - 2, out, out_bytes);
}

/* The webhooks' plain answer: one word. Returns 0 when it is something else. */
static int word_copy(struct tocsin_span body, char out[ERROR_BYTES])
{
	while (body.len > 0 && strchr(" \t\r\n", body.ptr[body.len - 1]) != NULL)
		body.len--;
	if (body.len == 0 || body.len >= ERROR_BYTES)
		return 0;
	for (size_t i = 0; i < body.len; i++) {
		const char c = body.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'))
			return 0;
	}
	shown_copy(body.ptr, body.len, out, ERROR_BYTES);
	return 1;
}

/* The first of response_metadata.messages, which tells what in the blocks is wrong. */
static void detail_copy(struct tocsin_span body, char out[DETAIL_BYTES])
{
	struct tocsin_span list = members_find(members_find(body, "response_metadata"), "messages");
	size_t len = 2;

	out[0] = '\0';
	if (list.len < 4 || list.ptr[0] != '[' || list.ptr[1] != '"')
		return;
	while (len < list.len && (list.ptr[len] != '"' || list.ptr[len - 1] == '\\'))
		len++;
	shown_copy(list.ptr + 2, len - 2, out, DETAIL_BYTES);
}

/* --- judging ---------------------------------------------------------------------- */

static void rule_apply(const struct rule *rule, const struct tocsin_outcome *out,
		       struct tocsin_verdict *v)
{
	v->kind = rule->kind;
	v->throttled = rule->throttled;
	if (rule->kind == TOCSIN_RETRY)
		v->retry_after_ms = out->retry_after_ms > rule->wait_ms ? out->retry_after_ms
									: rule->wait_ms;
	if (rule->kind == TOCSIN_RETRY && out->status == 429)
		v->throttled = 1;
}

static void error_judge(const char *error, const struct tocsin_outcome *out,
			struct tocsin_verdict *v)
{
	const struct rule *rule = rule_find(error);

	if (rule != NULL) {
		rule_apply(rule, out, v);
		snprintf(v->reason, sizeof(v->reason), "Slack answered %s%s%s", error,
			 rule->hint == NULL ? "" : ": ", rule->hint == NULL ? "" : rule->hint);
		return;
	}
	v->kind = TOCSIN_FAILED;
	if (out->status == 410)
		v->kind = TOCSIN_GONE;
	else if (out->status == 408 || out->status == 425 || out->status == 429 ||
		 out->status >= 500)
		v->kind = TOCSIN_RETRY;
	v->throttled = v->kind == TOCSIN_RETRY;
	v->retry_after_ms = v->kind == TOCSIN_RETRY ? out->retry_after_ms : 0;
	snprintf(v->reason, sizeof(v->reason), "Slack answered %s with status %ld", error,
		 out->status);
}

static void reason_append(struct tocsin_verdict *v, const char *before, const char *text)
{
	const size_t len = strlen(v->reason);

	if (text[0] != '\0')
		snprintf(v->reason + len, sizeof(v->reason) - len, "%s%s", before, text);
}

/* Without a name of Slack's: a proxy, or a service that imitates Slack. */
static void status_judge(CURL *easy, const struct tocsin_outcome *out, struct tocsin_verdict *v)
{
	outcome_status(easy, out, v);
	v->retry_after_ms = v->kind == TOCSIN_RETRY ? out->retry_after_ms : 0;
}

static void posted_reason_set(struct tocsin_span body, struct tocsin_verdict *v)
{
	char ts[ID_BYTES], channel[ID_BYTES], warning[ERROR_BYTES];

	string_copy(members_find(body, "ts"), ts, sizeof(ts));
	string_copy(members_find(body, "channel"), channel, sizeof(channel));
	string_copy(members_find(body, "warning"), warning, sizeof(warning));
	if (ts[0] == '\0')
		return;
	snprintf(v->reason, sizeof(v->reason), "posted as ts %s", ts);
	reason_append(v, " in ", channel);
	reason_append(v, ", warning: ", warning);
}

/* Returns 0 when the body is no answer of the API's. */
static int json_judge(const struct tocsin_outcome *out, struct tocsin_verdict *v)
{
	const struct tocsin_span ok = members_find(out->body, "ok");
	char error[ERROR_BYTES], detail[DETAIL_BYTES];

	if (value_is(ok, "true") && out->status >= 200 && out->status <= 299) {
		v->kind = TOCSIN_DELIVERED;
		posted_reason_set(out->body, v);
		return 1;
	}
	string_copy(members_find(out->body, "error"), error, sizeof(error));
	if (!value_is(ok, "false") || error[0] == '\0')
		return 0;
	error_judge(error, out, v);
	detail_copy(out->body, detail);
	reason_append(v, "; ", detail);
	return 1;
}

static void bot_judge(CURL *easy, const struct tocsin_outcome *out, struct tocsin_verdict *v)
{
	if (json_judge(out, v))
		return;
	status_judge(easy, out, v);
	if (v->kind != TOCSIN_DELIVERED)
		return;
	v->kind = TOCSIN_RETRY;
	v->retry_after_ms = out->retry_after_ms;
	snprintf(v->reason, sizeof(v->reason),
		 "the answer with status %ld is not one of Slack's API", out->status);
}

static void webhook_judge(const struct answer_question *asked, CURL *easy,
			  const struct tocsin_outcome *out, struct tocsin_verdict *v)
{
	char word[ERROR_BYTES];
	const int is_word = word_copy(out->body, word);
	const int is_2xx = out->status >= 200 && out->status <= 299;

	if (is_2xx && is_word && strcmp(word, "ok") == 0) {
		v->kind = TOCSIN_DELIVERED;
		return;
	}
	if (is_word && (!is_2xx || rule_find(word) != NULL)) {
		error_judge(word, out, v);
		if (asked->has_channel && strcmp(word, "channel_not_found") == 0)
			snprintf(v->reason, sizeof(v->reason),
				 "Slack answered channel_not_found: take \"channel\" out of the "
				 "webhook's configs, most webhook URLs post to one channel only");
		return;
	}
	if (json_judge(out, v))
		return;
	status_judge(easy, out, v);
	if (is_2xx)
		snprintf(v->reason, sizeof(v->reason),
			 "accepted with status %ld, but not with Slack's \"ok\"", out->status);
	/* Slack never means "later" by a 4xx of another kind. */
	if (v->kind == TOCSIN_RETRY && !v->throttled && out->status / 100 == 4) {
		v->kind = TOCSIN_FAILED;
		v->retry_after_ms = 0;
	}
}

void answer_judge(const struct answer_question *asked, CURL *easy, const struct tocsin_outcome *out,
		  struct tocsin_verdict *v)
{
	if (!outcome_has_status(out)) {
		outcome_transport(easy, out, v);
		v->retry_after_ms = v->kind == TOCSIN_RETRY ? out->retry_after_ms : 0;
	} else if (asked->form == ANSWER_BOT) {
		bot_judge(easy, out, v);
	} else {
		webhook_judge(asked, easy, out, v);
	}
}
