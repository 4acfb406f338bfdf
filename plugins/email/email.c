/* email.c - the channel that sends the event as a mail, one transfer for each
 * recipient, through the operator's relay.
 * Not here: timeouts, addresses, caps and the envelope's transfer (the core);
 * the relay (relay.c), texts (body.c), bytes (mail.c), verdicts (smtp.c).
 * Threads of the slow lane; of what open() built only logged_at_s changes.
 * SPDX-License-Identifier: MIT */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "common/text.h"
#include "email/body.h"
#include "email/header.h"
#include "email/mail.h"
#include "email/relay.h"
#include "email/smtp.h"
#include "tocsin/channel.h"

enum { DATE_BYTES = 40, LOG_PAUSE_S = 60 };

struct email {
	const struct tocsin_host *host; /* core's */
	struct relay relay;
	_Atomic int64_t logged_at_s; /* when the operator was told last */
};

struct email_configs {
	struct tocsin_list to, cc, bcc;
	const struct tocsin_template *subject, *body; /* NULL: ours */
	const char *content_type;
};

/* One mail under way. */
struct attempt {
	char *mail; /* owned */
	size_t mail_bytes;
	char *shown; /* owned; the same for people */
	size_t shown_bytes;
	struct curl_slist *recipient; /* owned */
};

static const char *const content_types[] = { "plain_text", "html", "markdown", "json", NULL };

static const struct tocsin_field fields[] = {
	{ .key = "to_addresses",
	  .alias = "recipients",
	  .help = "Who gets the mail; each address is a delivery of its own.",
	  .kind = TOCSIN_LIST,
	  .item = TOCSIN_EMAIL,
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET,
	  .min = 1,
	  .max = 1000,
	  .offset = offsetof(struct email_configs, to) },
	{ .key = "cc_addresses",
	  .help = "Who gets a copy and is named in it.",
	  .kind = TOCSIN_LIST,
	  .item = TOCSIN_EMAIL,
	  .flags = TOCSIN_IS_TARGET,
	  .max = 1000,
	  .dflt = "[]",
	  .offset = offsetof(struct email_configs, cc) },
	{ .key = "bcc_addresses",
	  .help = "Who gets a copy without being named.",
	  .kind = TOCSIN_LIST,
	  .item = TOCSIN_EMAIL,
	  .flags = TOCSIN_IS_TARGET,
	  .max = 1000,
	  .dflt = "[]",
	  .offset = offsetof(struct email_configs, bcc) },
	{ .key = "subject_template",
	  .help = "The subject; without it the event's type and the webhook's name.",
	  .kind = TOCSIN_TEMPLATE,
	  .max = 1000,
	  .offset = offsetof(struct email_configs, subject) },
	{ .key = "body_template",
	  .help = "The body in the form that content_type says; without it a summary of the "
		  "event.",
	  .kind = TOCSIN_TEMPLATE,
	  .offset = offsetof(struct email_configs, body) },
	{ .key = "content_type",
	  .help = "What the body is: html and markdown are sent with plain text beside them, "
		  "json also as an attachment.",
	  .kind = TOCSIN_CHOICE,
	  .choices = content_types,
	  .dflt = "\"html\"",
	  .offset = offsetof(struct email_configs, content_type) },
	{ .key = NULL },
};

static void email_close(void *channel)
{
	struct email *email = channel;

	if (email == NULL)
		return;
	relay_finish(&email->relay);
	free(email);
}

static int email_open(const struct tocsin_host *host, const void *settings, void **channel,
		      char *err, size_t err_bytes)
{
	struct email *email = calloc(1, sizeof(*email));

	if (email == NULL) {
		snprintf(err, err_bytes, "out of memory");
		return TOCSIN_TRY_LATER;
	}
	email->host = host;
	const int rc = relay_open(&email->relay, settings, err, err_bytes);

	if (rc != TOCSIN_OK) {
		email_close(email);
		return rc;
	}
	*channel = email;
	return TOCSIN_OK;
}

/* --- the mail --------------------------------------------------------------- */

static void email_release(void *channel, void *attempt)
{
	struct attempt *a = attempt;

	(void)channel;
	if (a == NULL)
		return;
	curl_slist_free_all(a->recipient);
	free(a->mail);
	free(a->shown);
	free(a);
}

static int is_list_safe(struct tocsin_list list)
{
	for (size_t i = 0; i < list.count; i++) {
		if (!header_address_is_safe(list.items[i]))
			return 0;
	}
	return 1;
}

/* The core has checked them; what is sent to a mail server is checked twice. */
static int addresses_check(const struct tocsin_message *msg, struct tocsin_request *out)
{
	const struct email_configs *configs = msg->configs;

	if (header_address_is_safe(msg->target) && is_list_safe(configs->to) &&
	    is_list_safe(configs->cc))
		return TOCSIN_OK;
	snprintf(out->reason, sizeof(out->reason), "a recipient is no mail address");
	return TOCSIN_BAD_MESSAGE;
}

static struct tocsin_span span_or_none(const struct text *t)
{
	return (struct tocsin_span){ t->len == 0 ? NULL : t->ptr, t->len };
}

/* Date is when we took the event on: the same on each attempt. */
static int mail_make(const struct email *email, const struct tocsin_message *msg,
		     const struct body *body, struct attempt *a)
{
	const struct email_configs *configs = msg->configs;
	const struct email_settings *s = email->relay.settings;
	char date[DATE_BYTES];
	struct text bytes = { 0 }, shown = { 0 };

	email->host->format_time(email->host->core, msg->accepted_at_ms, TOCSIN_TIME_MAIL, date,
				 sizeof(date));
	const struct mail mail = { .from = s->from,
				   .from_name = s->from_name,
				   .reply_to = s->reply_to,
				   .list_unsubscribe = s->list_unsubscribe,
				   .id_domain = relay_id_domain(s),
				   .message_id = msg->message_id,
				   .webhook_id = msg->webhook_id,
				   .date = date,
				   .to = configs->to,
				   .cc = configs->cc,
				   .subject = { body->subject.ptr, body->subject.len },
				   .text = { body->text.ptr, body->text.len },
				   .html = span_or_none(&body->html),
				   .json = span_or_none(&body->json) };

	mail_build(&mail, email->host, &bytes);
	mail_show(&mail, &shown);
	a->mail_bytes = bytes.len;
	a->mail = text_take(&bytes);
	a->shown_bytes = shown.len;
	a->shown = text_take(&shown);
	a->recipient = curl_slist_append(NULL, msg->target);
	return a->mail == NULL || a->shown == NULL || a->recipient == NULL ? TOCSIN_TRY_LATER
									   : TOCSIN_OK;
}

static int attempt_fill(const struct email *email, const struct tocsin_message *msg,
			struct attempt *a, struct tocsin_request *out)
{
	const struct email_configs *configs = msg->configs;
	struct body body = { 0 };
	int rc = addresses_check(msg, out);

	if (rc != TOCSIN_OK)
		return rc;
	rc = body_make(
		email->host, msg,
		&(struct body_wish){ configs->subject, configs->body, configs->content_type },
		&body);
	if (rc == TOCSIN_OK)
		rc = mail_make(email, msg, &body, a);
	else if (rc == TOCSIN_BAD_MESSAGE)
		snprintf(out->reason, sizeof(out->reason),
			 "a template's result is too large for a mail");
	body_finish(&body);
	return rc;
}

static int email_prepare(void *channel, const struct tocsin_message *msg, CURL *easy,
			 struct tocsin_request *out)
{
	const struct email *email = channel;
	struct attempt *a = calloc(1, sizeof(*a));
	const int rc = a == NULL ? TOCSIN_TRY_LATER : attempt_fill(email, msg, a, out);

	if (rc != TOCSIN_OK) {
		email_release(channel, a);
		return rc;
	}
	relay_options_set(&email->relay, easy);
	out->url = email->relay.url;
	out->mail_from = email->relay.settings->from;
	out->mail_to = a->recipient;
	out->body = (struct tocsin_span){ a->mail, a->mail_bytes };
	out->shown = (struct tocsin_span){ a->shown, a->shown_bytes };
	out->attempt = a;
	return TOCSIN_OK;
}

/* --- the answer ------------------------------------------------------------ */

/* Thousands of mails may wait for one wrong password: a line a minute. */
static void operator_tell(struct email *email, const struct tocsin_verdict *v)
{
	struct timespec now;
	int64_t last = atomic_load(&email->logged_at_s);

	clock_gettime(CLOCK_MONOTONIC, &now);
	const int64_t now_s = (int64_t)now.tv_sec + LOG_PAUSE_S; /* never 0 */

	if ((last == 0 || now_s - last >= LOG_PAUSE_S) &&
	    atomic_compare_exchange_strong(&email->logged_at_s, &last, now_s))
		email->host->log(email->host->core, LOG_ERR, "mail relay: %s", v->reason);
}

static void email_classify(void *channel, void *attempt, CURL *easy,
			   const struct tocsin_outcome *out, struct tocsin_verdict *v)
{
	const struct attempt *a = attempt;
	curl_off_t sent = 0;

	curl_easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &sent);
	const int is_all_sent = a != NULL && sent > 0 && (size_t)sent >= a->mail_bytes;

	if (smtp_judge(out, is_all_sent, v) == SMTP_FAULT_OPERATOR)
		operator_tell(channel, v);
}

TOCSIN_CHANNEL_DEFINE = {
	.abi = TOCSIN_CHANNEL_ABI,
	.size = sizeof(struct tocsin_channel),
	.name = "email",
	.version = "1.0",
	.schemes = "smtp,smtps",
	.settings = email_settings,
	.settings_bytes = sizeof(struct email_settings),
	.fields = fields,
	.configs_bytes = sizeof(struct email_configs),
	.open = email_open,
	.prepare = email_prepare,
	.classify = email_classify,
	.release = email_release,
	.close = email_close,
	.lane = TOCSIN_SLOW_LANE,
};
