/* test_summary.c - the default subject and body, as text and as HTML.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "email/summary.h"

#include "mail_world.h"

static void a_whole_event_reads_well(void **state)
{
	const struct tocsin_message msg = world_message(
		"{\"event_id\":\"evt_1\",\"namespace_id\":\"ns 1\",\"subject\":\"obj_7\","
		"\"metadata\":{\"collection_id\":\"col_1\",\"score\":0.850,\"note\":\"a\\nb\"},"
		"\"data\":{\"n\":12345678901234567890,\"list\":[]}}");
	struct text out = { 0 };

	(void)state;
	summary_text(&world_host, &msg, &out);
	assert_string_equal(out.ptr, "object.created\n\n"
				     "Time          24 Nov 2026, 05:27:07 UTC\n"
				     "Webhook       Alerts\n"
				     "Event         evt_1\n"
				     "Namespace     ns 1\n"
				     "Subject       obj_7\n"
				     "\nMetadata\n"
				     "collection_id  col_1\n"
				     "score         0.850\n"
				     "note          a\n"
				     "              b\n"
				     "\nData\n"
				     "{\n  \"n\": 12345678901234567890,\n  \"list\": []\n}\n");
	text_finish(&out);
}

static void absent_members_are_left_out(void **state)
{
	struct tocsin_message msg = world_message("{\"metadata\":{},\"subject\":null}");
	struct text out = { 0 };

	(void)state;
	msg.is_test = 1;
	summary_text(&world_host, &msg, &out);
	assert_null(strstr(out.ptr, "Subject"));
	assert_null(strstr(out.ptr, "Metadata"));
	assert_null(strstr(out.ptr, "Data"));
	assert_non_null(strstr(out.ptr, "This is a test"));
	text_finish(&out);
	summary_subject(&msg, &out);
	assert_string_equal(out.ptr, "[test] object.created (Alerts)");
	text_finish(&out);
}

static void values_are_no_html(void **state)
{
	struct tocsin_message msg = world_message(
		"{\"subject\":\"<script>\","
		"\"metadata\":{\"<b>\":\"\\u003cimg src=x onerror='y'>\"},"
		"\"data\":\"</pre><script>\"}");
	struct text out = { 0 };

	(void)state;
	msg.event_type = "a<b";
	msg.webhook_name = "\"><x";
	summary_html(&world_host, &msg, &out);
	assert_null(strstr(out.ptr, "<script"));
	assert_null(strstr(out.ptr, "<img"));
	assert_null(strstr(out.ptr, "<b>"));
	assert_null(strstr(out.ptr, "<x"));
	assert_null(strstr(out.ptr, "a<b"));
	assert_non_null(strstr(out.ptr, "&lt;/pre&gt;&lt;script&gt;"));
	assert_non_null(strstr(out.ptr, "&lt;img src=x onerror=&#39;y&#39;&gt;"));
	text_finish(&out);
}

static void huge_data_is_cut(void **state)
{
	struct text envelope = { 0 }, out = { 0 };

	(void)state;
	text_add(&envelope, "{\"metadata\":{\"long\":\"");
	for (int i = 0; i < 3000; i++)
		text_add(&envelope, "\xE2\x82\xAC");
	text_add(&envelope, "\"},\"data\":\"");
	for (int i = 0; i < 100000; i++)
		text_add(&envelope, "\xE2\x82\xAC");
	text_add(&envelope, "\"}");
	const struct tocsin_message msg = world_message(envelope.ptr);

	summary_text(&world_host, &msg, &out);
	assert_true(out.len < 70000);
	assert_non_null(strstr(out.ptr, "\xE2\x82\xAC\xE2\x80\xA6\n(cut: "));
	text_finish(&out);
	text_finish(&envelope);
}

static void pages_are_framed(void **state)
{
	static const struct {
		const char *in, *want;
		int is_framed;
	} rows[] = {
		{ "<p>a</p>", "<p>a</p>\n</body>", 1 },
		{ "a\nb", "a<br>\nb\n</body>", 1 },
		{ "<!DOCTYPE html><HTML lang=en>x</HTML>", "<HTML lang=en>x</HTML>", 0 },
		{ "", "</body>", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct text out = { 0 };

		summary_page(world_span(rows[i].in), &out);
		assert_non_null(strstr(out.ptr, rows[i].want));
		assert_int_equal(strstr(out.ptr, "<meta charset") != NULL, rows[i].is_framed);
		text_finish(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_event_reads_well),
		cmocka_unit_test(absent_members_are_left_out),
		cmocka_unit_test(values_are_no_html),
		cmocka_unit_test(huge_data_is_cut),
		cmocka_unit_test(pages_are_framed),
	};

	return cmocka_run_group_tests_name("summary", tests, NULL, NULL);
}
