/* test_slack_blocks.c - slack.so: what a blocks_template gave, within Slack's limits.
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

/* --- blocks_template ---------------------------------------------------------------- */

static void test_blocks(void **state)
{
	static const struct {
		const char *gives, *text_gives, *blocks, *text;
	} cases[] = {
		{ "[{\"type\":\"divider\"}]", NULL, "[{\"type\":\"divider\"}]",
		  "Cluster execution failed" },
		{ "{\"blocks\":[{\"type\":\"divider\"}]}", NULL, "[{\"type\":\"divider\"}]",
		  "Cluster execution failed" },
		{ "{\"text\":\"t <!here>\",\"blocks\":[{\"type\":\"divider\"}],\"channel\":\"C9\"}",
		  NULL, "[{\"type\":\"divider\"}]", "t <!here>" },
		{ "{\"text\":\"t\",\"blocks\":[{\"type\":\"divider\"}]}", "mine",
		  "[{\"type\":\"divider\"}]", "mine" },
		{ "[]", NULL, NULL, "Cluster execution failed" },
		{ "[{\"type\":\"divider\"}]", " \n", "[{\"type\":\"divider\"}]",
		  "Cluster execution failed" },
		/* what placeholders leave behind */
		{ "[null,{\"type\":\"divider\"},null]", NULL, "[{\"type\":\"divider\"}]",
		  "Cluster execution failed" },
		{ "[{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"\"}}]", NULL,
		  "[{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"-\"}}]",
		  "Cluster execution failed" },
		{ "[{\"type\":\"section\",\"fields\":[{\"type\":\"mrkdwn\",\"text\":1.50},"
		  "{\"type\":\"plain_text\",\"text\":null},{\"type\":\"mrkdwn\",\"text\":true},"
		  "{\"type\":\"mrkdwn\",\"text\":[\"<!channel>\"]}]}]",
		  NULL,
		  "[{\"type\":\"section\",\"fields\":[{\"type\":\"mrkdwn\",\"text\":\"1.50\"},"
		  "{\"type\":\"plain_text\",\"text\":\"-\"},"
		  "{\"type\":\"mrkdwn\",\"text\":\"true\"},"
		  "{\"type\":\"mrkdwn\",\"text\":\"[\\\"&lt;!channel&gt;\\\"]\"}]}]",
		  "Cluster execution failed" },
		{ "[{\"type\":\"actions\",\"elements\":[{\"type\":\"button\",\"text\":"
		  "{\"type\":\"plain_text\",\"text\":\"a &amp; b\"},\"url\":"
		  "\"https://e.test/?a=1&amp;b=2\",\"value\":7}]}]",
		  NULL,
		  "[{\"type\":\"actions\",\"elements\":[{\"type\":\"button\",\"text\":"
		  "{\"type\":\"plain_text\",\"text\":\"a &amp; b\"},\"url\":"
		  "\"https://e.test/?a=1&b=2\",\"value\":\"7\"}]}]",
		  "Cluster execution failed" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct tocsin_template blocks = { cases[i].gives, TOCSIN_OK };
		const struct tocsin_template text = { cases[i].text_gives, TOCSIN_OK };
		const struct slack_configs configs = { .webhook_url = HOOK,
						       .blocks_template = &blocks,
						       .text_template = cases[i].text_gives == NULL
										? NULL
										: &text };
		const struct tocsin_message msg = message_of(&configs, "{}");
		struct sent sent;
		char wanted[1024] = "";

		sent_make(&msg, &sent);
		assert_int_equal(sent.rc, TOCSIN_OK);
		if (cases[i].blocks != NULL)
			snprintf(wanted, sizeof(wanted), ",\"blocks\":%s}", cases[i].blocks);
		if (strcmp(sent_text(&sent, "text"), cases[i].text) != 0 ||
		    strstr(sent.request.body.ptr, wanted) == NULL ||
		    (cases[i].blocks == NULL && strstr(sent.request.body.ptr, "blocks") != NULL))
			fail_msg("row %zu: %s", i, sent.request.body.ptr);
		sent_finish(&sent);
	}
}

static void test_blocks_refused(void **state)
{
	static const struct {
		const char *gives;
		int gives_rc, rc;
		const char *reason;
	} cases[] = {
		{ "{\"text\":\"x\"}", TOCSIN_OK, TOCSIN_BAD_MESSAGE,
		  "blocks_template is an object without \"blocks\"" },
		{ "{\"blocks\":{}}", TOCSIN_OK, TOCSIN_BAD_MESSAGE,
		  "blocks_template gives no array of blocks" },
		{ "{\"blocks\":null}", TOCSIN_OK, TOCSIN_BAD_MESSAGE,
		  "blocks_template gives no array of blocks" },
		{ "\"text\"", TOCSIN_OK, TOCSIN_BAD_MESSAGE,
		  "blocks_template gives no array of blocks" },
		{ "[{\"type\":", TOCSIN_OK, TOCSIN_BAD_MESSAGE, "blocks_template gives no JSON" },
		{ "[{\"type\":\"divider\"},7]", TOCSIN_OK, TOCSIN_BAD_MESSAGE,
		  "blocks_template gives a block 2 that is no object" },
		{ "[]", TOCSIN_BAD_MESSAGE, TOCSIN_BAD_MESSAGE,
		  "the rendered template is too large" },
		{ "[]", TOCSIN_TRY_LATER, TOCSIN_TRY_LATER, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct tocsin_template blocks = { cases[i].gives, cases[i].gives_rc };
		const struct slack_configs configs = { .webhook_url = HOOK,
						       .blocks_template = &blocks };
		const struct tocsin_message msg = message_of(&configs, "{}");
		struct sent sent;

		sent_make(&msg, &sent);
		if (sent.rc != cases[i].rc || strcmp(sent.request.reason, cases[i].reason) != 0)
			fail_msg("row %zu: %d %s", i, sent.rc, sent.request.reason);
		sent_finish(&sent);
	}
}

static void test_blocks_count(void **state)
{
	char gives[51 * 32] = "[{\"type\":\"divider\"}";
	const struct tocsin_template blocks = { gives, TOCSIN_OK };
	const struct slack_configs configs = { .webhook_url = HOOK, .blocks_template = &blocks };
	const struct tocsin_message msg = message_of(&configs, "{}");
	struct sent sent;
	size_t len = strlen(gives);

	(void)state;
	for (int i = 1; i < 50; i++)
		len += (size_t)snprintf(gives + len, sizeof(gives) - len,
					",{\"type\":\"divider\"}");
	snprintf(gives + len, sizeof(gives) - len, "]");
	sent_make(&msg, &sent);
	assert_int_equal(sent.rc, TOCSIN_OK);
	sent_finish(&sent);
	snprintf(gives + len, sizeof(gives) - len, ",{\"type\":\"divider\"}]");
	sent_make(&msg, &sent);
	assert_int_equal(sent.rc, TOCSIN_BAD_MESSAGE);
	assert_string_equal(sent.request.reason,
			    "blocks_template gives 51 blocks; Slack takes 50 in a message");
	sent_finish(&sent);
}

static void template_join(char out[LONG_BYTES], const char *before, const char *middle,
			  const char *after)
{
	const int len = snprintf(out, LONG_BYTES, "%s%s%s", before, middle, after);

	assert_in_range(len, 1, LONG_BYTES - 1);
}

/* Each row is cut to max units, the ellipsis among them. */
static void test_blocks_limits(void **state)
{
	static const struct {
		const char *before, *after; /* of the long string */
		size_t max;
	} cases[] = {
		{ "[{\"type\":\"header\",\"text\":{\"type\":\"plain_text\",\"text\":\"", "\"}}]",
		  150 },
		{ "[{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"", "\"}}]",
		  3000 },
		{ "[{\"type\":\"section\",\"fields\":[{\"type\":\"mrkdwn\",\"text\":\"", "\"}]}]",
		  2000 },
		{ "[{\"type\":\"context\",\"elements\":[{\"type\":\"mrkdwn\",\"text\":\"", "\"}]}]",
		  3000 },
		{ "[{\"type\":\"actions\",\"elements\":[{\"type\":\"button\",\"text\":{\"type\":"
		  "\"plain_text\",\"text\":\"",
		  "\"}}]}]", 75 },
		{ "[{\"type\":\"image\",\"alt_text\":\"", "\"}]", 2000 },
		{ "[{\"type\":\"image\",\"title\":{\"type\":\"plain_text\",\"text\":\"", "\"}}]",
		  2000 },
		{ "[{\"type\":\"markdown\",\"text\":\"", "\"}]", 12000 },
		{ "[{\"type\":\"divider\",\"block_id\":\"", "\"}]", 255 },
	};
	static char gives[LONG_BYTES];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct tocsin_template blocks = { gives, TOCSIN_OK };
		const struct slack_configs configs = { .webhook_url = HOOK,
						       .blocks_template = &blocks };
		const struct tocsin_message msg = message_of(&configs, "{}");
		struct sent sent;

		template_join(gives, cases[i].before, long_text("\xC3\xA9", 13000, ""),
			      cases[i].after);
		sent_make(&msg, &sent);
		assert_int_equal(sent.rc, TOCSIN_OK);
		template_join(gives, cases[i].before,
			      long_text("\xC3\xA9", cases[i].max - 1, ELLIPSIS), cases[i].after);
		if (strstr(sent.request.body.ptr, gives) == NULL)
			fail_msg("row %zu: %.300s", i, sent.request.body.ptr);
		sent_finish(&sent);
	}
}

/* Elements beyond the limit are left out. */
static void test_blocks_elements(void **state)
{
	static const struct {
		const char *before, *after;
		size_t max;
	} cases[] = {
		{ "[{\"type\":\"section\",\"fields\":[", "]}]", 10 },
		{ "[{\"type\":\"context\",\"elements\":[", "]}]", 10 },
		{ "[{\"type\":\"actions\",\"elements\":[", "]}]", 25 },
	};
	static const char one[] = "{\"type\":\"mrkdwn\",\"text\":\"x\"}";
	static char gives[LONG_BYTES];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct tocsin_template blocks = { gives, TOCSIN_OK };
		const struct slack_configs configs = { .webhook_url = HOOK,
						       .blocks_template = &blocks };
		const struct tocsin_message msg = message_of(&configs, "{}");
		struct sent sent;
		size_t found = 0;

		char tail[64];

		snprintf(tail, sizeof(tail), "%s%s", one, cases[i].after);
		template_join(gives, cases[i].before,
			      long_text("{\"type\":\"mrkdwn\",\"text\":\"x\"},", 29, ""), tail);
		sent_make(&msg, &sent);
		for (const char *at = sent.request.body.ptr; (at = strstr(at, one)) != NULL; at++)
			found++;
		assert_int_equal(found, cases[i].max);
		sent_finish(&sent);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),          cmocka_unit_test(test_blocks_refused),
		cmocka_unit_test(test_blocks_count),    cmocka_unit_test(test_blocks_limits),
		cmocka_unit_test(test_blocks_elements),
	};

	return cmocka_run_group_tests_name("slack blocks", tests, setup, teardown);
}
