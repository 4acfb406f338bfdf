/* kannel.c - messages through the sendsms of a Kannel gateway, and what it answers.
 * The POST form: its headers keep the password out of URLs, and a "+" as it is.
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sms/sms.h"
#include "sms/verdict.h"

enum { MINUTE_MS = 60 * 1000, NUMBER_BYTES = 24 };

static int kannel_open(struct sms *sms, char *err, size_t err_bytes)
{
	const struct sms_settings *s = sms->settings;
	struct text url = { 0 };

	if (s->url == NULL || s->username == NULL || s->password == NULL)
		return settings_refuse(err, err_bytes,
				       "provider \"kannel\" needs url, username and password");
	text_add(&url, s->url);
	sms->url = text_take(&url);
	return sms->url == NULL ? TOCSIN_TRY_LATER : TOCSIN_OK;
}

static int kannel_prepare(const struct sending *s, struct tocsin_request *out)
{
	const struct sms_settings *settings = s->sms->settings;
	const struct wording *w = &s->attempt->wording;
	char minutes[NUMBER_BYTES] = "";
	int rc = TOCSIN_OK;

	if (settings->validity_ms > 0)
		snprintf(minutes, sizeof(minutes), "%" PRId64,
			 (settings->validity_ms + MINUTE_MS - 1) / MINUTE_MS);
	const struct tocsin_pair headers[] = {
		/* The charset of the text as we send it; the coding is what goes on air. */
		{ "Content-Type", "text/plain; charset=UTF-8" },
		{ "X-Kannel-Username", settings->username },
		{ "X-Kannel-Password", settings->password },
		{ "X-Kannel-To", s->msg->target },
		{ "X-Kannel-From", settings->sender },
		{ "X-Kannel-Coding", w->coding == CODING_GSM ? "0" : "2" },
		{ "X-Kannel-SMSC", settings->smsc },
		{ "X-Kannel-Validity", minutes[0] == '\0' ? NULL : minutes },
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]) && rc == TOCSIN_OK; i++) {
		if (headers[i].value != NULL)
			rc = header_add(&s->attempt->headers, headers[i].name, headers[i].value);
	}
	out->url = s->sms->url;
	out->body = (struct tocsin_span){ w->text.ptr, w->text.len };
	return rc;
}

static int begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static void kannel_classify(const struct answer *a, struct tocsin_verdict *v)
{
	const long status = a->out->status;
	char shown[EXCERPT_BYTES];

	verdict_excerpt(a->out->body, shown);
	const char *colon = shown[0] == '\0' ? "" : ": ";

	if (status >= 200 && status <= 299 && begins(shown, "3:"))
		/* "Queued for later delivery": no way to the network now; it is stored. */
		verdict_accept(a, "queued by the gateway", NULL, 0, v);
	else if (status == 202 || (status >= 200 && status <= 299 && begins(shown, "0:")))
		verdict_accept(a, "accepted by the gateway", NULL, 0, v);
	else if (status == 401 || status == 403)
		verdict_alarm(a, v, "the gateway refuses username or password: it answered %ld",
			      status);
	else if (status == 400 && begins(shown, "Sender missing"))
		verdict_alarm(a, v, "the gateway wants a sender, and none is set");
	else if (status == 408 || status == 425 || status == 429 || status >= 500)
		verdict_retry_throttled(a, v, "the gateway answered %ld%s%s", status, colon, shown);
	else if (status >= 400 && status != 404 && status != 405)
		verdict_fail(v, "the gateway answered %ld%s%s", status, colon, shown);
	else
		verdict_alarm(a, v, "the answer %ld is not that of a sendsms: is url right?",
			      status);
}

const struct provider provider_kannel = {
	.name = "kannel",
	.open = kannel_open,
	.prepare = kannel_prepare,
	.classify = kannel_classify,
};
