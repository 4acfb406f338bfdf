/* test_mail.c - whole mails: their lines, parts, ids; the same bytes each time.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "email/mail.h"

#include "mail_world.h"

static const char *const to_items[] = { "a@example.com", "b@example.com" };
static const char *const cc_items[] = { "c@example.com" };

static struct mail mail_simple(void)
{
	return (struct mail){ .from = "tocsin@example.org",
			      .id_domain = "example.org",
			      .message_id = "evt_1",
			      .webhook_id = "wh_1",
			      .date = "Tue, 24 Nov 2026 05:27:08 +0000",
			      .to = { to_items, 2 },
			      .subject = world_span("Hello"),
			      .text = world_span("text\n") };
}

static void a_plain_mail_is_exact(void **state)
{
	const struct mail m = mail_simple();
	struct text out = { 0 };

	(void)state;
	mail_build(&m, &world_host, &out);
	assert_memory_equal(out.ptr, "Message-ID: <evt_1.wh_1.", 24);
	assert_string_equal(strchr(out.ptr + 24, '@'),
			    "@example.org>\r\n"
			    "Date: Tue, 24 Nov 2026 05:27:08 +0000\r\n"
			    "From: tocsin@example.org\r\n"
			    "To: a@example.com, b@example.com\r\n"
			    "Subject: Hello\r\n"
			    "Auto-Submitted: auto-generated\r\n"
			    "MIME-Version: 1.0\r\n"
			    "Content-Type: text/plain; charset=UTF-8\r\n"
			    "Content-Transfer-Encoding: quoted-printable\r\n"
			    "\r\n"
			    "text\r\n");
	text_finish(&out);
}

static void the_operator_s_lines_are_there(void **state)
{
	struct mail m = mail_simple();
	struct text out = { 0 };

	(void)state;
	m.from_name = "Tocsin Alerts";
	m.reply_to = "help@example.org";
	m.cc = (struct tocsin_list){ cc_items, 1 };
	m.list_unsubscribe = "https://example.org/u?x=1";
	mail_build(&m, &world_host, &out);
	assert_non_null(strstr(out.ptr, "\r\nFrom: Tocsin Alerts <tocsin@example.org>\r\n"));
	assert_non_null(strstr(out.ptr, "\r\nReply-To: help@example.org\r\n"));
	assert_non_null(strstr(out.ptr, "\r\nCc: c@example.com\r\n"));
	assert_non_null(strstr(out.ptr, "\r\nList-Unsubscribe: <https://example.org/u?x=1>\r\n"
					"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
	text_finish(&out);
	m.list_unsubscribe = "mailto:u@example.org";
	mail_build(&m, &world_host, &out);
	assert_non_null(strstr(out.ptr, "\r\nList-Unsubscribe: <mailto:u@example.org>\r\n"));
	assert_null(strstr(out.ptr, "List-Unsubscribe-Post"));
	text_finish(&out);
}

/* Copies the boundary that the mail declares. */
static void boundary_read(const struct text *mail, char out[80])
{
	const char *at = strstr(mail->ptr, "boundary=\"");

	assert_non_null(at);
	snprintf(out, 80, "%.*s", (int)strcspn(at + 10, "\""), at + 10);
	assert_true(strlen(out) >= 20 && strlen(out) <= 70);
}

static void html_comes_after_text(void **state)
{
	struct mail m = mail_simple();
	struct text out = { 0 };
	char boundary[80], want[900];

	(void)state;
	m.html = world_span("<p>text = html</p>");
	mail_build(&m, &world_host, &out);
	boundary_read(&out, boundary);
	snprintf(want, sizeof(want),
		 "MIME-Version: 1.0\r\nContent-Type: multipart/alternative;\r\n boundary=\"%s\"\r\n"
		 "\r\n--%s\r\n"
		 "Content-Type: text/plain; charset=UTF-8\r\n"
		 "Content-Transfer-Encoding: quoted-printable\r\n\r\ntext\r\n"
		 "\r\n--%s\r\n"
		 "Content-Type: text/html; charset=UTF-8\r\n"
		 "Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>text =3D html</p>\r\n"
		 "\r\n--%s--\r\n",
		 boundary, boundary, boundary, boundary);
	assert_string_equal(strstr(out.ptr, "MIME-Version"), want);
	text_finish(&out);
}

static void json_is_attached(void **state)
{
	struct mail m = mail_simple();
	struct text out = { 0 };

	(void)state;
	m.json = world_span("{\"a\": \"0123456789012345678901234567890123456789012345678\"}\n");
	mail_build(&m, &world_host, &out);
	assert_non_null(strstr(out.ptr, "multipart/mixed"));
	assert_non_null(strstr(
		out.ptr,
		"Content-Type: application/json; name=\"event.json\"\r\n"
		"Content-Disposition: attachment; filename=\"event.json\"\r\n"
		"Content-Transfer-Encoding: base64\r\n\r\n"
		"eyJhIjogIjAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzgi\r\n"
		"fQo=\r\n\r\n--"));
	text_finish(&out);
}

static void id_read(const struct mail *m, char out[200])
{
	struct text mail = { 0 };

	mail_build(m, &world_host, &mail);
	snprintf(out, 200, "%.*s", (int)strcspn(mail.ptr, "\r"), mail.ptr);
	text_finish(&mail);
}

static void ids_follow_the_content(void **state)
{
	struct mail m = mail_simple();
	char first[200], other[200];

	(void)state;
	id_read(&m, first);
	id_read(&m, other);
	assert_string_equal(first, other);
	m.text = world_span("texts\n");
	id_read(&m, other);
	assert_string_not_equal(first, other);
	m = mail_simple();
	m.webhook_id = "wh_2";
	id_read(&m, other);
	assert_string_not_equal(first, other);
	m = mail_simple();
	m.message_id = "evil> x\r\nBcc: e@example.com";
	id_read(&m, other);
	assert_memory_equal(other, "Message-ID: <evil--x--Bcc--e-example-com.wh_1.", 46);
}

/* A part that holds the very boundary cannot end itself. */
static void parts_cannot_break_out(void **state)
{
	struct mail m = mail_simple();
	struct text out = { 0 }, text = { 0 };
	char boundary[80], line[90];
	size_t count = 0;

	(void)state;
	m.html = world_span("<p>x</p>");
	mail_build(&m, &world_host, &out);
	boundary_read(&out, boundary);
	text_finish(&out);
	text_format(&text, "\r\n--%s--\r\n.\r\nQUIT\r\n", boundary);
	m.text = (struct tocsin_span){ text.ptr, text.len };
	m.html = m.text;
	mail_build(&m, &world_host, &out);
	snprintf(line, sizeof(line), "\r\n--%s", boundary);
	for (const char *at = out.ptr; (at = strstr(at, line)) != NULL; at++)
		count++;
	assert_int_equal(count, 3);
	assert_null(strstr(out.ptr, "\r\n.\r\n"));
	text_finish(&out);
	text_finish(&text);
}

static void lines_end_with_cr_lf(void **state)
{
	struct mail m = mail_simple();
	struct text out = { 0 };

	(void)state;
	m.subject = world_span("a\nb\rc");
	m.from_name = "x\ny";
	m.html = world_span("a\nb\r\nc\rd");
	mail_build(&m, &world_host, &out);
	for (size_t i = 0; i < out.len; i++) {
		if (out.ptr[i] == '\n')
			assert_true(i > 0 && out.ptr[i - 1] == '\r');
		if (out.ptr[i] == '\r')
			assert_true(out.ptr[i + 1] == '\n');
	}
	text_finish(&out);
}

static void a_preview_is_readable(void **state)
{
	struct mail m = mail_simple();
	struct text out = { 0 };

	(void)state;
	m.cc = (struct tocsin_list){ cc_items, 1 };
	m.subject = world_span("Gr\xC3\xBC\xC3\x9F"
			       "e");
	m.html = world_span("<p>text</p>\n");
	mail_show(&m, &out);
	assert_string_equal(out.ptr, "From: tocsin@example.org\n"
				     "To: a@example.com, b@example.com\n"
				     "Cc: c@example.com\n"
				     "Subject: Gr\xC3\xBC\xC3\x9F"
				     "e\n\ntext\n\n--- HTML ---\n<p>text</p>\n");
	text_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_mail_is_exact),
		cmocka_unit_test(the_operator_s_lines_are_there),
		cmocka_unit_test(html_comes_after_text),
		cmocka_unit_test(json_is_attached),
		cmocka_unit_test(ids_follow_the_content),
		cmocka_unit_test(parts_cannot_break_out),
		cmocka_unit_test(lines_end_with_cr_lf),
		cmocka_unit_test(a_preview_is_readable),
	};

	return cmocka_run_group_tests_name("mail", tests, NULL, NULL);
}
