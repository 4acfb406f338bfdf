/* test_smtp.c - the verdict on every way a transfer of a mail can end.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "email/smtp.h"

#include "mail_world.h"

struct row {
	CURLcode curl;
	long status;
	const char *curl_error, *last_line;
	int is_all_sent;
	uint32_t kind, throttled;
	int fault;
	const char *reason;
};

static const struct row rows[] = {
	{ CURLE_OK, 250, "", "250 2.0.0 Ok: queued as 4F2A", 1, TOCSIN_DELIVERED, 0, 0,
	  "accepted: 250 2.0.0 Ok: queued as 4F2A" },
	{ CURLE_OK, 250, "", "221 2.0.0 Bye", 1, TOCSIN_DELIVERED, 0, 0, "accepted" },
	{ CURLE_OK, 0, "", NULL, 1, TOCSIN_DELIVERED, 0, 0, "accepted" },

	/* The reply code goes first, whatever libcurl calls it. */
	{ CURLE_SEND_ERROR, 421, "RCPT failed: 421", "421 4.3.2 closing", 0, TOCSIN_RETRY, 1, 0,
	  "the mail server is busy: 421 4.3.2 closing" },
	{ CURLE_WEIRD_SERVER_REPLY, 421, "Got unexpected smtp-server response: 421", "421 busy", 0,
	  TOCSIN_RETRY, 1, 0, "the mail server is busy: 421 busy" },
	{ CURLE_SEND_ERROR, 450, "RCPT failed: 450", "450 4.2.0 greylisted", 0, TOCSIN_RETRY, 0, 0,
	  "refused for now: 450 4.2.0 greylisted" },
	{ CURLE_WEIRD_SERVER_REPLY, 451, "", "451 4.3.0 error", 1, TOCSIN_RETRY, 0, 0,
	  "refused for now: 451 4.3.0 error" },
	{ CURLE_SEND_ERROR, 452, "RCPT failed: 452", NULL, 0, TOCSIN_RETRY, 0, 0,
	  "refused for now (code 452)" },
	{ CURLE_LOGIN_DENIED, 454, "", "454 4.7.0 later", 0, TOCSIN_RETRY, 0, 0,
	  "refused for now: 454 4.7.0 later" },
	{ CURLE_SEND_ERROR, 455, "MAIL failed: 455", "455 x", 0, TOCSIN_RETRY, 0, 0,
	  "refused for now: 455 x" },
	{ CURLE_SEND_ERROR, 550, "RCPT failed: 550", "550 5.1.1 no such user", 0, TOCSIN_FAILED, 0,
	  0, "the recipient was refused: 550 5.1.1 no such user" },
	{ CURLE_SEND_ERROR, 551, "RCPT failed: 551", "551 x", 0, TOCSIN_FAILED, 0, 0,
	  "the recipient was refused: 551 x" },
	{ CURLE_SEND_ERROR, 553, "RCPT failed: 553", "553 x", 0, TOCSIN_FAILED, 0, 0,
	  "the recipient was refused: 553 x" },
	{ CURLE_SEND_ERROR, 556, "RCPT failed: 556", "556 5.1.10 x", 0, TOCSIN_FAILED, 0, 0,
	  "that domain takes no mail: 556 5.1.10 x" },
	{ CURLE_WEIRD_SERVER_REPLY, 521, "", "521 x", 0, TOCSIN_FAILED, 0, 0,
	  "that host takes no mail: 521 x" },
	{ CURLE_SEND_ERROR, 500, "DATA failed: 500", "500 x", 0, TOCSIN_FAILED, 0, 0,
	  "the mail was refused: 500 x" },
	{ CURLE_SEND_ERROR, 504, "RCPT failed: 504", "504 x", 0, TOCSIN_FAILED, 0, 0,
	  "the recipient was refused: 504 x" },
	{ CURLE_SEND_ERROR, 555, "RCPT failed: 555", "555 x", 0, TOCSIN_FAILED, 0, 0,
	  "the recipient was refused: 555 x" },
	{ CURLE_WEIRD_SERVER_REPLY, 554, "Got unexpected smtp-server response: 554", "554 no", 0,
	  TOCSIN_FAILED, 0, 0, "the mail was refused: 554 no" },
	{ CURLE_WEIRD_SERVER_REPLY, 554, "", "554 5.7.1 spam", 1, TOCSIN_FAILED, 0, 0,
	  "the mail was refused: 554 5.7.1 spam" },

	/* 552: a full mailbox passes, a mail that is too large stays so. */
	{ CURLE_SEND_ERROR, 552, "RCPT failed: 552", "552 5.2.2 full", 0, TOCSIN_RETRY, 0, 0,
	  "the mailbox is full for now: 552 5.2.2 full" },
	{ CURLE_WEIRD_SERVER_REPLY, 552, "", "552 5.3.4 too big", 1, TOCSIN_FAILED, 0, 0,
	  "the mail is too large: 552 5.3.4 too big" },
	{ CURLE_SEND_ERROR, 552, "MAIL failed: 552", "552 5.3.4 too big", 0, TOCSIN_FAILED, 0, 0,
	  "the mail is too large: 552 5.3.4 too big" },

	/* The operator's own affairs fail nobody's mail. */
	{ CURLE_SEND_ERROR, 530, "MAIL failed: 530", "530 5.7.0 login first", 0, TOCSIN_RETRY, 0, 1,
	  "the relay wants a login: 530 5.7.0 login first" },
	{ CURLE_LOGIN_DENIED, 534, "", "534 x", 0, TOCSIN_RETRY, 0, 1,
	  "the relay refuses the login: 534 x" },
	{ CURLE_LOGIN_DENIED, 535, "", "535 5.7.8 no", 0, TOCSIN_RETRY, 0, 1,
	  "the relay refuses the login: 535 5.7.8 no" },
	{ CURLE_LOGIN_DENIED, 538, "", "538 x", 0, TOCSIN_RETRY, 0, 1,
	  "the relay refuses the login: 538 x" },
	{ CURLE_SEND_ERROR, 550, "MAIL failed: 550", "550 5.7.1 not you", 0, TOCSIN_RETRY, 0, 1,
	  "the relay refuses the sender: 550 5.7.1 not you" },
	{ CURLE_LOGIN_DENIED, 250, "", "250 AUTH CRAM-MD5", 0, TOCSIN_RETRY, 0, 1,
	  "the mail server offers no way to log in that we have" },
	{ CURLE_USE_SSL_FAILED, 250, "STARTTLS not supported.", "250 x", 0, TOCSIN_RETRY, 0, 1,
	  "the mail server offers no STARTTLS, which is required" },
	{ CURLE_PEER_FAILED_VERIFICATION, 220, "SSL", "220 x", 0, TOCSIN_RETRY, 0, 1,
	  "the mail server's TLS certificate is not trusted" },
	{ CURLE_SSL_CACERT_BADFILE, 0, "", NULL, 0, TOCSIN_RETRY, 0, 1, "ca_file cannot be used" },

	/* No reply that says so. */
	{ CURLE_COULDNT_CONNECT, 0, "", NULL, 0, TOCSIN_RETRY, 1, 0,
	  "no connection to the mail server" },
	{ CURLE_COULDNT_RESOLVE_HOST, 0, "", NULL, 0, TOCSIN_RETRY, 1, 0,
	  "the mail server's name could not be looked up" },
	{ CURLE_RECV_ERROR, 0, "response reading failed", NULL, 0, TOCSIN_RETRY, 1, 0,
	  "the mail server closed the connection" },
	{ CURLE_RECV_ERROR, 220, "response reading failed", "220 x", 0, TOCSIN_RETRY, 1, 0,
	  "the mail server closed the connection" },
	{ CURLE_OPERATION_TIMEDOUT, 250, "", "250 x", 0, TOCSIN_RETRY, 1, 0,
	  "the mail server fell silent" },
	{ CURLE_WEIRD_SERVER_REPLY, 0, "", NULL, 0, TOCSIN_RETRY, 0, 0,
	  "the mail server's reply is no SMTP" },
	{ CURLE_READ_ERROR, 354, "", NULL, 0, TOCSIN_RETRY, 0, 0,
	  "the transfer failed (libcurl code 26)" },

	/* Nobody knows. */
	{ CURLE_OPERATION_TIMEDOUT, 354, "", "354 go on", 1, TOCSIN_RETRY, 1, 0,
	  "the server fell silent after the message was sent; it may have arrived" },
	{ CURLE_RECV_ERROR, 354, "", "354 go on", 1, TOCSIN_RETRY, 1, 0,
	  "the server closed the connection after the message was sent; it may have arrived" },
	{ CURLE_OPERATION_TIMEDOUT, 354, "", "354 go on", 0, TOCSIN_RETRY, 1, 0,
	  "the mail server fell silent" },
	{ CURLE_RECV_ERROR, 354, "", "354 go on", 0, TOCSIN_RETRY, 1, 0,
	  "the mail server closed the connection" },
};

static void ends_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct row *row = &rows[i];
		const struct tocsin_outcome out = { .size = sizeof(out),
						    .curl = row->curl,
						    .status = row->status,
						    .curl_error = row->curl_error,
						    .last_line = world_span(row->last_line) };
		struct tocsin_verdict v = { .size = sizeof(v) };
		const int fault = smtp_judge(&out, row->is_all_sent, &v);

		if (v.kind != row->kind || v.throttled != row->throttled || fault != row->fault ||
		    strcmp(v.reason, row->reason) != 0)
			fail_msg("row %zu: kind %u throttled %u fault %d: %s", i, v.kind,
				 v.throttled, fault, v.reason);
		assert_true((v.retry_after_ms > 60000) == (fault == SMTP_FAULT_OPERATOR));
	}
}

/* Every code that a server can send, at every stage, has a verdict. */
static void every_code_is_judged(void **state)
{
	static const char *const errors[] = { "RCPT failed: x", "MAIL failed: x", "DATA failed: x",
					      "" };

	(void)state;
	for (long code = 400; code <= 599; code++) {
		for (size_t i = 0; i < COUNT_OF(errors); i++) {
			const struct tocsin_outcome out = { .size = sizeof(out),
							    .curl = CURLE_SEND_ERROR,
							    .status = code,
							    .curl_error = errors[i] };
			struct tocsin_verdict v = { .size = sizeof(v) };

			smtp_judge(&out, 0, &v);
			assert_true(v.kind == TOCSIN_RETRY ||
				    (code >= 500 && v.kind == TOCSIN_FAILED));
			assert_true(v.reason[0] != '\0');
		}
	}
}

static void replies_are_cut_and_cleaned(void **state)
{
	char line[1000] = "550 \x1B[2J\x01\t";
	struct tocsin_outcome out = { .size = sizeof(out),
				      .curl = CURLE_SEND_ERROR,
				      .status = 550,
				      .curl_error = "RCPT failed: 550" };
	struct tocsin_verdict v = { .size = sizeof(v) };

	(void)state;
	for (int i = 0; i < 200; i++)
		strncat(line, "\xE2\x82\xAC", 4);
	out.last_line = world_span(line);
	smtp_judge(&out, 0, &v);
	assert_memory_equal(v.reason, "the recipient was refused: 550  [2J  ???", 40);
	assert_true(strlen(v.reason) >= 150 && strlen(v.reason) < sizeof(v.reason));
	for (const char *at = v.reason; *at != '\0'; at++)
		assert_in_range(*at, 0x20, 0x7E);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_are_judged),
		cmocka_unit_test(every_code_is_judged),
		cmocka_unit_test(replies_are_cut_and_cleaned),
	};

	return cmocka_run_group_tests_name("smtp", tests, NULL, NULL);
}
