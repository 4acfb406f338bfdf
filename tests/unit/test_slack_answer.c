/* test_slack_answer.c - slack.so: what it makes of every answer of Slack's.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "slack_world.h"

static const struct slack_configs by_hook = { .webhook_url = HOOK };
static const struct slack_configs by_bot = { .bot_token = TOKEN, .channel_id = "C042" };

/* --- the answers ------------------------------------------------------------------------ */

struct answer {
	long status;
	const char *body;
	uint32_t kind, throttled;
	const char *reason;     /* how it begins */
	int64_t retry_after_ms; /* with a Retry-After of 30 s */
};

static void answer_expect(const struct slack_configs *configs, const struct answer *a, size_t row)
{
	const struct tocsin_message msg = message_of(configs, "{}");
	const struct tocsin_outcome out = { .size = sizeof(out),
					    .status = a->status,
					    .retry_after_ms = 30000,
					    .body = { a->body, strlen(a->body) },
					    .curl_error = "" };
	struct tocsin_verdict v = { .size = sizeof(v) };
	CURL *easy = curl_easy_init();
	struct sent sent;

	sent_make(&msg, &sent);
	plugin->classify(channel, sent.request.attempt, easy, &out, &v);
	sent_finish(&sent);
	curl_easy_cleanup(easy);
	if (v.kind != a->kind || v.throttled != a->throttled ||
	    strncmp(v.reason, a->reason, strlen(a->reason)) != 0 ||
	    (a->reason[0] == '\0' && v.reason[0] != '\0') ||
	    v.retry_after_ms != a->retry_after_ms || strstr(v.reason, "s3cret") != NULL)
		fail_msg("row %zu, %ld %s: %u %u %lld '%s'", row, a->status, a->body, v.kind,
			 v.throttled, (long long)v.retry_after_ms, v.reason);
}

static void test_hook_answers(void **state)
{
	static const struct answer cases[] = {
		{ 200, "ok", TOCSIN_DELIVERED, 0, "", 0 },
		{ 200, "ok\n", TOCSIN_DELIVERED, 0, "", 0 },
		{ 204, "", TOCSIN_DELIVERED, 0, "accepted with status 204, but not with", 0 },
		{ 200, "<html>", TOCSIN_DELIVERED, 0, "accepted with status 200", 0 },
		{ 200, "{\"ok\":true}", TOCSIN_DELIVERED, 0, "", 0 },
		{ 200, "no_service", TOCSIN_GONE, 0, "Slack answered no_service", 0 },
		{ 200, "{\"ok\":false,\"error\":\"invalid_blocks\"}", TOCSIN_FAILED, 0,
		  "Slack answered invalid_blocks", 0 },
		{ 400, "invalid_payload", TOCSIN_FAILED, 0, "Slack answered invalid_payload", 0 },
		{ 400, "user_not_found", TOCSIN_FAILED, 0, "Slack answered user_not_found", 0 },
		{ 400, "no_text", TOCSIN_FAILED, 0, "Slack answered no_text", 0 },
		{ 400, "invalid_blocks", TOCSIN_FAILED, 0, "Slack answered invalid_blocks", 0 },
		{ 400, "too_many_attachments", TOCSIN_FAILED, 0, "Slack answered too_many_", 0 },
		{ 400, "missing_text_or_fallback_or_attachments", TOCSIN_FAILED, 0,
		  "Slack answered missing_text", 0 },
		{ 403, "action_prohibited", TOCSIN_FAILED, 0, "Slack answered action_proh", 0 },
		{ 403, "invalid_token", TOCSIN_FAILED, 0, "Slack answered invalid_token", 0 },
		{ 403, "posting_to_general_channel_denied", TOCSIN_FAILED, 0, "Slack answered", 0 },
		{ 404, "channel_not_found", TOCSIN_FAILED, 0,
		  "Slack answered channel_not_found: there is no such channel", 0 },
		{ 404, "no_service", TOCSIN_GONE, 0, "Slack answered no_service: the webhook", 0 },
		{ 404, "no_service_id", TOCSIN_FAILED, 0, "Slack answered no_service_id", 0 },
		{ 404, "no_team", TOCSIN_GONE, 0, "Slack answered no_team", 0 },
		{ 404, "no_active_hooks", TOCSIN_GONE, 0, "Slack answered no_active_hooks", 0 },
		{ 404, "team_disabled", TOCSIN_FAILED, 0, "Slack answered team_disabled", 0 },
		{ 410, "channel_is_archived", TOCSIN_GONE, 0, "Slack answered channel_is_a", 0 },
		{ 410, "", TOCSIN_GONE, 0, "receiver answered 410 Gone", 0 },
		{ 410, "what_else", TOCSIN_GONE, 0, "Slack answered what_else with status 410", 0 },
		{ 429, "rate_limited", TOCSIN_RETRY, 1, "Slack answered rate_limited", 30000 },
		{ 429, "", TOCSIN_RETRY, 1, "receiver answered 429 Too Many Requests", 30000 },
		{ 429, "slow_down", TOCSIN_RETRY, 1, "Slack answered slow_down with", 30000 },
		{ 500, "rollup_error", TOCSIN_RETRY, 0, "Slack answered rollup_error", 30000 },
		{ 503, "what_else", TOCSIN_RETRY, 1, "Slack answered what_else", 30000 },
		{ 503, "<html>", TOCSIN_RETRY, 1, "receiver answered 503", 30000 },
		{ 400, "what_else", TOCSIN_FAILED, 0, "Slack answered what_else with status 400",
		  0 },
		{ 404, "<html>" HOOK, TOCSIN_FAILED, 0, "receiver answered 404 Not Found", 0 },
		{ 408, "", TOCSIN_RETRY, 1, "receiver answered 408", 30000 },
		{ 302, "", TOCSIN_RETRY, 0, "receiver answered 302", 30000 },
	};
	static const struct slack_configs named = { .webhook_url = HOOK, .channel = "#ops" };
	static const struct answer not_found = {
		404,
		"channel_not_found",
		TOCSIN_FAILED,
		0,
		"Slack answered channel_not_found: take \"channel\" out of the webhook's configs",
		0
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		answer_expect(&by_hook, &cases[i], i);
	answer_expect(&named, &not_found, COUNT_OF(cases));
}

/* {"ok":false} with each name, all with status 200. */
static void test_bot_errors(void **state)
{
	static const struct {
		const char *names;
		uint32_t kind, throttled;
		int64_t retry_after_ms;
	} groups[] = {
		{ "ratelimited rate_limited service_unavailable request_timeout", TOCSIN_RETRY, 1,
		  30000 },
		{ "internal_error fatal_error team_added_to_org org_login_required", TOCSIN_RETRY,
		  0, 30000 },
		{ "message_limit_exceeded", TOCSIN_RETRY, 0, 3600000 },
		{ "not_authed invalid_auth account_inactive token_revoked token_expired "
		  "missing_scope no_permission not_allowed_token_type ekm_access_denied "
		  "access_denied accesslimited two_factor_setup_required enterprise_is_restricted "
		  "channel_not_found not_in_channel restricted_action restricted_action_read_only "
		  "team_not_found messages_tab_disabled no_text msg_too_long msg_blocks_too_long "
		  "attachment_payload_limit_exceeded markdown_text_conflict too_many_attachments "
		  "invalid_blocks invalid_blocks_format invalid_arguments invalid_arg_name "
		  "invalid_charset invalid_post_type invalid_form_data missing_post_type "
		  "as_user_not_supported metadata_too_large never_heard_of",
		  TOCSIN_FAILED, 0, 0 },
		{ "is_archived channel_is_archived", TOCSIN_GONE, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(groups); i++) {
		for (const char *at = groups[i].names; *at != '\0';) {
			const int len = (int)strcspn(at, " ");
			char body[200], reason[100];

			snprintf(body, sizeof(body), "{\"ok\":false,\"error\":\"%.*s\"}", len, at);
			snprintf(reason, sizeof(reason), "Slack answered %.*s", len, at);
			answer_expect(&by_bot,
				      &(struct answer){ 200, body, groups[i].kind,
							groups[i].throttled, reason,
							groups[i].retry_after_ms },
				      i);
			at += (size_t)len + (at[len] == ' ');
		}
	}
}

static void test_bot_answers(void **state)
{
	static const struct answer cases[] = {
		{ 200, "{\"ok\":true,\"channel\":\"C042\",\"ts\":\"1712.23\"}", TOCSIN_DELIVERED, 0,
		  "posted as ts 1712.23 in C042", 0 },
		{ 200,
		  "{\"ok\":true,\"channel\":\"C042\",\"ts\":\"1712.23\","
		  "\"warning\":\"missing_charset\"}",
		  TOCSIN_DELIVERED, 0, "posted as ts 1712.23 in C042, warning: missing_charset",
		  0 },
		/* the core keeps the beginning of a long reply */
		{ 200,
		  "{ \"ok\" : true, \"channel\" : \"C1\", \"ts\" : \"1.2\", \"message\":{\"t\":[",
		  TOCSIN_DELIVERED, 0, "posted as ts 1.2 in C1", 0 },
		{ 200, "{\"ok\":true}", TOCSIN_DELIVERED, 0, "", 0 },
		{ 200, "{\"ok\":true,\"ts\":\"\\n\x01<\"}", TOCSIN_DELIVERED, 0,
		  "posted as ts \\n?<", 0 },
		{ 200, "{\"ok\":tru", TOCSIN_RETRY, 0, "the answer with status 200 is not", 30000 },
		{ 200, "{\"ok\":\"true\"}", TOCSIN_RETRY, 0, "the answer with status 200", 30000 },
		{ 200, "{\"ok\":false}", TOCSIN_RETRY, 0, "the answer with status 200", 30000 },
		{ 200, "ok", TOCSIN_RETRY, 0, "the answer with status 200 is not", 30000 },
		{ 200, "", TOCSIN_RETRY, 0, "the answer with status 200 is not", 30000 },
		{ 200, "<html>", TOCSIN_RETRY, 0, "the answer with status 200 is not", 30000 },
		{ 200,
		  "{\"ok\":false,\"error\":\"invalid_blocks\",\"response_metadata\":{\"messages\":"
		  "[\"[ERROR] no more \\\"than\\\" 3000 [json-pointer:\\/blocks\\/0]\",\"x\"]}}",
		  TOCSIN_FAILED, 0,
		  "Slack answered invalid_blocks; [ERROR] no "
		  "more \\\"than\\\" 3000 [json-pointer:\\/blocks\\/0]",
		  0 },
		{ 200, "{\"ok\":false,\"error\":\"od\xC3\xA4\\n\"}", TOCSIN_FAILED, 0,
		  "Slack answered od??\\n with status 200", 0 },
		{ 429, "{\"ok\":false,\"error\":\"ratelimited\"}", TOCSIN_RETRY, 1,
		  "Slack answered ratelimited: too many messages", 30000 },
		{ 429, "", TOCSIN_RETRY, 1, "receiver answered 429", 30000 },
		{ 503, "{\"ok\":false,\"error\":\"what_else\"}", TOCSIN_RETRY, 1, "Slack answered",
		  30000 },
		{ 500, "{\"ok\":true}", TOCSIN_RETRY, 1, "receiver answered 500", 30000 },
		{ 404, "not here", TOCSIN_RETRY, 0, "receiver answered 404 Not Found", 30000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		answer_expect(&by_bot, &cases[i], i);
}

static void test_no_answer(void **state)
{
	const struct tocsin_message msg = message_of(&by_hook, "{}");
	const struct tocsin_outcome out = { .size = sizeof(out),
					    .curl = CURLE_GOT_NOTHING,
					    .curl_error = "" };
	struct tocsin_verdict v = { .size = sizeof(v) };
	CURL *easy = curl_easy_init();
	struct sent sent;

	(void)state;
	sent_make(&msg, &sent);
	plugin->classify(channel, sent.request.attempt, easy, &out, &v);
	assert_int_equal(v.kind, TOCSIN_RETRY);
	assert_string_equal(v.reason, "the connection was closed without a reply");
	sent_finish(&sent);
	curl_easy_cleanup(easy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hook_answers),
		cmocka_unit_test(test_bot_errors),
		cmocka_unit_test(test_bot_answers),
		cmocka_unit_test(test_no_answer),
	};

	return cmocka_run_group_tests_name("slack answer", tests, setup, teardown);
}
