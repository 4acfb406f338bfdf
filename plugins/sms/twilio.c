/* twilio.c - messages through Twilio's Messages resource, and what it answers.
 * Not here: what becomes of a message later (status callbacks go to the operator).
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sms/reply.h"
#include "sms/sms.h"
#include "sms/verdict.h"

enum {
	BODY_MAX_CHARACTERS = 1600,
	VALIDITY_MAX_MS = 36000 * 1000,
	STATUS_CREATED = 201,
	NUMBER_MAX = 1000 /* parts; more is nonsense */
};

static int twilio_open(struct sms *sms, char *err, size_t err_bytes)
{
	const struct sms_settings *s = sms->settings;
	struct text url = { 0 };
	size_t len = 0;

	if (s->account_sid == NULL || s->auth_token == NULL)
		return settings_refuse(err, err_bytes,
				       "provider \"twilio\" needs account_sid and auth_token");
	if (s->sender == NULL && s->messaging_service_sid == NULL)
		return settings_refuse(err, err_bytes,
				       "provider \"twilio\" needs sender or "
				       "messaging_service_sid");
	if (s->validity_ms > VALIDITY_MAX_MS)
		return settings_refuse(err, err_bytes,
				       "validity is at most 10h with provider "
				       "\"twilio\"");
	len = strlen(s->api_base);
	while (len > 0 && s->api_base[len - 1] == '/')
		len--;
	text_bytes(&url, s->api_base, len);
	text_add(&url, "/2010-04-01/Accounts/");
	text_percent(&url, s->account_sid, strlen(s->account_sid));
	text_add(&url, "/Messages.json");
	sms->url = text_take(&url);
	return sms->url == NULL ? TOCSIN_TRY_LATER : TOCSIN_OK;
}

/* --- the request ------------------------------------------------------------------ */

static void form_add(struct text *form, const char *name, const char *value)
{
	if (value == NULL)
		return;
	if (form->len > 0)
		text_add(form, "&");
	text_add(form, name);
	text_add(form, "=");
	text_percent(form, value, strlen(value));
}

static int twilio_prepare(const struct sending *s, struct tocsin_request *out)
{
	const struct sms_settings *settings = s->sms->settings;
	struct text *form = &s->attempt->body;

	form_add(form, "To", s->msg->target);
	form_add(form, "MessagingServiceSid", settings->messaging_service_sid);
	form_add(form, "From", settings->sender);
	form_add(form, "Body", s->attempt->wording.text.ptr);
	form_add(form, "StatusCallback", settings->status_callback);
	if (settings->validity_ms > 0)
		text_format(form, "&ValidityPeriod=%" PRId64, settings->validity_ms / 1000);
	if (form->failed ||
	    curl_easy_setopt(s->easy, CURLOPT_USERNAME,
			     settings->auth_user == NULL ? settings->account_sid
							 : settings->auth_user) != CURLE_OK ||
	    curl_easy_setopt(s->easy, CURLOPT_PASSWORD, settings->auth_token) != CURLE_OK)
		return TOCSIN_TRY_LATER;
	out->url = s->sms->url;
	out->body = (struct tocsin_span){ form->ptr, form->len };
	return header_add(&s->attempt->headers, "Content-Type",
			  "application/x-www-form-urlencoded");
}

/* --- the answer ------------------------------------------------------------------- */

enum action { ACTION_FAIL = 1, ACTION_RETRY, ACTION_ALARM, ACTION_FAIL_ALARM };

/* Status first, codes only where they change what is done: Twilio splits codes into
 * finer ones. The first row that fits; 0 fits any code. */
static const struct rule {
	long from, to, code;
	enum action action;
	const char *what; /* NULL: Twilio's own words */
} rules[] = {
	{ 400, 499, 20429, ACTION_RETRY, NULL },
	{ 400, 499, 20003, ACTION_ALARM, "Twilio refuses the account's credentials" },
	{ 400, 499, 10001, ACTION_ALARM, "the Twilio account is not active" },
	{ 400, 499, 21611, ACTION_RETRY, NULL }, /* the sender's queue is full */
	{ 400, 400, 21606, ACTION_FAIL_ALARM, "Twilio refuses the sender" },
	{ 400, 400, 21659, ACTION_FAIL_ALARM, "Twilio refuses the sender" },
	{ 401, 401, 0, ACTION_ALARM, "Twilio refuses the account's credentials" },
	{ 403, 403, 0, ACTION_ALARM, "Twilio forbids it to this account" },
	{ 404, 404, 0, ACTION_ALARM, "Twilio does not know the account or the URL" },
	{ 408, 408, 0, ACTION_RETRY, NULL },
	{ 425, 425, 0, ACTION_RETRY, NULL },
	{ 429, 429, 0, ACTION_RETRY, NULL },
	{ 400, 499, 0, ACTION_FAIL, NULL },
	{ 500, 599, 0, ACTION_RETRY, NULL },
	{ 0, 999, 0, ACTION_ALARM, "the answer is not Twilio's: is api_base right?" },
};

static const struct rule *rule_find(long status, long code)
{
	const struct rule *rule = rules;

	while (status < rule->from || status > rule->to || (rule->code != 0 && rule->code != code))
		rule++;
	return rule;
}

/* "Twilio answered 400 (code 21211): Invalid 'To' Phone Number" */
static void refusal_judge(const struct answer *a, struct json_object *json,
			  struct tocsin_verdict *v)
{
	const char *words = reply_text(json, "message");
	const char *number = reply_text(json, "code");
	const long status = a->out->status, code = strtol(number, NULL, 10);
	const struct rule *rule = rule_find(status, code);
	char shown[EXCERPT_BYTES], coded[32] = "";

	verdict_excerpt((struct tocsin_span){ words, strlen(words) }, shown);
	if (code > 0)
		snprintf(coded, sizeof(coded), " (code %ld)", code);
	const char *colon = shown[0] == '\0' ? "" : ": ";

	if (rule->action == ACTION_ALARM) {
		verdict_alarm(a, v, "%s: it answered %ld%s", rule->what, status, coded);
	} else if (rule->action == ACTION_RETRY) {
		verdict_retry_throttled(a, v, "Twilio answered %ld%s%s%s", status, coded, colon,
					shown);
	} else if (status <= 499 && !a->is_whole) {
		/* The code that might make it a retry was not read. */
		verdict_retry(a, v, "Twilio answered %ld, and the reply broke off", status);
	} else {
		verdict_fail(v, "Twilio answered %ld%s%s%s", status, coded, colon, shown);
		if (rule->action == ACTION_FAIL_ALARM)
			verdict_complain(a, rule->what);
	}
}

static void success_judge(const struct answer *a, struct json_object *json,
			  struct tocsin_verdict *v)
{
	const char *sid = reply_text(json, "sid"), *state = reply_text(json, "status");
	const char *words = reply_text(json, "error_message");
	const unsigned long parts = strtoul(reply_text(json, "num_segments"), NULL, 10);
	char shown[EXCERPT_BYTES], id[EXCERPT_BYTES];

	if (sid[0] == '\0' && a->is_whole && a->out->status != STATUS_CREATED) {
		verdict_alarm(a, v, "the answer %ld is not Twilio's: is api_base right?",
			      a->out->status);
		return;
	}
	verdict_excerpt((struct tocsin_span){ sid, strlen(sid) }, id);
	verdict_excerpt((struct tocsin_span){ words, strlen(words) }, shown);
	if (strcmp(state, "failed") == 0 || strcmp(state, "undelivered") == 0) {
		const char *code = reply_text(json, "error_code");

		verdict_fail(v, "Twilio took it as %s and says %s%s%.10s%s%s", id, state,
			     code[0] == '\0' ? "" : ", code ", code, shown[0] == '\0' ? "" : ": ",
			     shown);
		return;
	}
	/* With a messaging service it is "0": not known yet. */
	verdict_accept(a, "accepted", id, parts > NUMBER_MAX ? 0 : (unsigned)parts, v);
}

static void twilio_classify(const struct answer *a, struct tocsin_verdict *v)
{
	struct json_object *json = reply_parse(a->out->body);

	if (a->out->status >= 200 && a->out->status <= 299)
		success_judge(a, json, v);
	else
		refusal_judge(a, json, v);
	json_object_put(json);
}

const struct provider provider_twilio = {
	.name = "twilio",
	.characters_max = BODY_MAX_CHARACTERS,
	.open = twilio_open,
	.prepare = twilio_prepare,
	.classify = twilio_classify,
};
