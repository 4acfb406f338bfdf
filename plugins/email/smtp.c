/* smtp.c - tables: by reply code first, else by libcurl's code.
 * Not here: telling the operator (email.c). Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "email/smtp.h"

#include <stdio.h>
#include <string.h>

#include "common/text.h"

enum {
	REPLY_TEMPORARY = 400,
	REPLY_PERMANENT = 500,
	REPLY_SEND_MAIL = 354,
	OPERATOR_PAUSE_MS = 15 * 60 * 1000
};

/* Where the dialogue stood: libcurl's text says which command was refused. */
enum stage { STAGE_ANY, STAGE_MAIL, STAGE_RCPT };

struct reply_rule {
	long code; /* 0: any from the class */
	enum stage stage;
	uint32_t kind, throttled;
	enum smtp_fault fault;
	const char *words;
};

/* The first row that fits. A recipient cannot be to blame for a refused sender,
 * except by the mail's size. */
static const struct reply_rule temporary_rules[] = {
	{ 421, STAGE_ANY, TOCSIN_RETRY, 1, SMTP_FAULT_NONE, "the mail server is busy" },
	{ 0, STAGE_ANY, TOCSIN_RETRY, 0, SMTP_FAULT_NONE, "refused for now" },
};

static const struct reply_rule permanent_rules[] = {
	{ 530, STAGE_ANY, TOCSIN_RETRY, 0, SMTP_FAULT_OPERATOR, "the relay wants a login" },
	{ 534, STAGE_ANY, TOCSIN_RETRY, 0, SMTP_FAULT_OPERATOR, "the relay refuses the login" },
	{ 535, STAGE_ANY, TOCSIN_RETRY, 0, SMTP_FAULT_OPERATOR, "the relay refuses the login" },
	{ 538, STAGE_ANY, TOCSIN_RETRY, 0, SMTP_FAULT_OPERATOR, "the relay refuses the login" },
	{ 552, STAGE_RCPT, TOCSIN_RETRY, 0, SMTP_FAULT_NONE, "the mailbox is full for now" },
	{ 552, STAGE_ANY, TOCSIN_FAILED, 0, SMTP_FAULT_NONE, "the mail is too large" },
	{ 0, STAGE_MAIL, TOCSIN_RETRY, 0, SMTP_FAULT_OPERATOR, "the relay refuses the sender" },
	{ 521, STAGE_ANY, TOCSIN_FAILED, 0, SMTP_FAULT_NONE, "that host takes no mail" },
	{ 556, STAGE_ANY, TOCSIN_FAILED, 0, SMTP_FAULT_NONE, "that domain takes no mail" },
	{ 0, STAGE_RCPT, TOCSIN_FAILED, 0, SMTP_FAULT_NONE, "the recipient was refused" },
	{ 0, STAGE_ANY, TOCSIN_FAILED, 0, SMTP_FAULT_NONE, "the mail was refused" },
};

struct curl_rule {
	CURLcode code;
	uint32_t throttled;
	enum smtp_fault fault;
	const char *words;
};

/* All of these are tried again. The last row: any other code. */
static const struct curl_rule curl_rules[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, 1, SMTP_FAULT_NONE,
	  "the mail server's name could not be looked up" },
	{ CURLE_COULDNT_CONNECT, 1, SMTP_FAULT_NONE, "no connection to the mail server" },
	{ CURLE_OPERATION_TIMEDOUT, 1, SMTP_FAULT_NONE, "the mail server fell silent" },
	{ CURLE_USE_SSL_FAILED, 0, SMTP_FAULT_OPERATOR,
	  "the mail server offers no STARTTLS, which is required" },
	{ CURLE_SSL_CONNECT_ERROR, 0, SMTP_FAULT_OPERATOR,
	  "TLS handshake with the mail server failed" },
	{ CURLE_PEER_FAILED_VERIFICATION, 0, SMTP_FAULT_OPERATOR,
	  "the mail server's TLS certificate is not trusted" },
	{ CURLE_SSL_CACERT_BADFILE, 0, SMTP_FAULT_OPERATOR, "ca_file cannot be used" },
	{ CURLE_LOGIN_DENIED, 0, SMTP_FAULT_OPERATOR,
	  "the mail server offers no way to log in that we have" },
	{ CURLE_SEND_ERROR, 1, SMTP_FAULT_NONE, "the connection broke while sending" },
	{ CURLE_RECV_ERROR, 1, SMTP_FAULT_NONE, "the mail server closed the connection" },
	{ CURLE_WEIRD_SERVER_REPLY, 0, SMTP_FAULT_NONE, "the mail server's reply is no SMTP" },
	{ CURLE_OUT_OF_MEMORY, 0, SMTP_FAULT_NONE, "out of memory" },
	{ CURLE_OK, 0, SMTP_FAULT_NONE, "the transfer failed" },
};

/* "words: reply", the reply in printable ASCII or UTF-8 and cut between characters. */
static void reason_set(struct tocsin_verdict *v, const char *words, struct tocsin_span reply)
{
	const int used = snprintf(v->reason, sizeof(v->reason), "%s", words);
	size_t at = used < 0 ? 0 : (size_t)used;

	if (reply.len == 0 || at + 3 > sizeof(v->reason))
		return;
	v->reason[at++] = ':';
	v->reason[at++] = ' ';
	const size_t len = text_cut(reply.ptr, reply.len, sizeof(v->reason) - 1 - at);

	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)reply.ptr[i];

		/* Reply texts are ASCII (RFC 5321 4.2); who knows what else this is. */
		v->reason[at++] = (char)(c >= 0x7F ? '?' : c < 0x20 ? ' ' : c);
	}
	v->reason[at] = '\0';
}

/* The last line belongs to this code; a "221 bye" behind it does not. */
static struct tocsin_span reply_of(const struct tocsin_outcome *out, long code)
{
	char digits[8];
	const int len = snprintf(digits, sizeof(digits), "%ld", code % 1000);

	if (out->last_line.len >= (size_t)len && out->last_line.ptr != NULL &&
	    memcmp(out->last_line.ptr, digits, (size_t)len) == 0)
		return out->last_line;
	return (struct tocsin_span){ NULL, 0 };
}

static enum stage stage_of(const struct tocsin_outcome *out)
{
	if (out->curl != CURLE_SEND_ERROR || out->curl_error == NULL)
		return STAGE_ANY;
	if (strstr(out->curl_error, "RCPT failed") != NULL)
		return STAGE_RCPT;
	return strstr(out->curl_error, "MAIL failed") != NULL ? STAGE_MAIL : STAGE_ANY;
}

static int reply_judge(const struct tocsin_outcome *out, struct tocsin_verdict *v)
{
	const enum stage stage = stage_of(out);
	const struct reply_rule *rule = out->status >= REPLY_PERMANENT ? permanent_rules
								       : temporary_rules;
	const struct tocsin_span reply = reply_of(out, out->status);
	char words[80];

	while ((rule->code != 0 && rule->code != out->status) ||
	       (rule->stage != STAGE_ANY && rule->stage != stage))
		rule++;
	v->kind = rule->kind;
	v->throttled = rule->throttled;
	snprintf(words, sizeof(words), "%s", rule->words);
	if (reply.ptr == NULL)
		snprintf(words, sizeof(words), "%s (code %ld)", rule->words, out->status);
	reason_set(v, words, reply);
	return (int)rule->fault;
}

/* The server had the whole mail and did not say what became of it. */
static int is_outcome_unknown(const struct tocsin_outcome *out, int is_all_sent)
{
	return is_all_sent && out->status == REPLY_SEND_MAIL &&
	       (out->curl == CURLE_OPERATION_TIMEDOUT || out->curl == CURLE_RECV_ERROR ||
		out->curl == CURLE_SEND_ERROR);
}

static int silence_judge(const struct tocsin_outcome *out, int is_all_sent,
			 struct tocsin_verdict *v)
{
	const struct tocsin_span nothing = { NULL, 0 };
	const struct curl_rule *rule = curl_rules;
	char words[80];

	v->kind = TOCSIN_RETRY;
	if (is_outcome_unknown(out, is_all_sent)) {
		v->throttled = 1;
		reason_set(v,
			   out->curl == CURLE_OPERATION_TIMEDOUT
				   ? "the server fell silent after the message was sent; it may "
				     "have arrived"
				   : "the server closed the connection after the message was sent; "
				     "it may have arrived",
			   nothing);
		return SMTP_FAULT_NONE;
	}
	while (rule->code != out->curl && rule->code != CURLE_OK)
		rule++;
	v->throttled = rule->throttled;
	snprintf(words, sizeof(words), "%s", rule->words);
	if (rule->code == CURLE_OK)
		snprintf(words, sizeof(words), "%s (libcurl code %d)", rule->words, (int)out->curl);
	reason_set(v, words, nothing);
	return (int)rule->fault;
}

int smtp_judge(const struct tocsin_outcome *out, int is_all_sent, struct tocsin_verdict *v)
{
	int fault = SMTP_FAULT_NONE;

	if (out->curl == CURLE_OK) {
		v->kind = TOCSIN_DELIVERED;
		reason_set(v, "accepted", reply_of(out, 250));
		return fault;
	}
	if (out->status >= REPLY_TEMPORARY && out->status <= 599)
		fault = reply_judge(out, v);
	else
		fault = silence_judge(out, is_all_sent, v);
	if (fault == SMTP_FAULT_OPERATOR)
		v->retry_after_ms = OPERATOR_PAUSE_MS;
	return fault;
}
