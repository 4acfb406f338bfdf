/* sms.c - the channel that sends a short message to each number: its tables, the
 * text, and the provider that takes it.
 * Not here: the text's coding and parts (wording.c), what providers want and
 * answer (twilio.c, kannel.c, gateway.c), verdicts (verdict.c).
 * Any delivery thread; all but the alarm's moment is read-only after open().
 * SPDX-License-Identifier: MIT */
#include "sms/sms.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sms/verdict.h"

enum { TIME_BYTES = 40, STATUS_FINAL_LEAST = 200 };

struct sms_configs {
	struct tocsin_list phone_numbers;
	const struct tocsin_template *message_template;
};

static const char *const providers_named[] = { "twilio", "kannel", "http", NULL };
static const struct provider *const providers[] = { &provider_twilio, &provider_kannel,
						    &provider_http };
static const char *const methods[] = { "POST", "GET", "PUT", NULL };

#define AT(member) .offset = offsetof(struct sms_settings, member)

static const struct tocsin_field settings_table[] = {
	{ .key = "provider",
	  .help = "Who sends the messages: Twilio, a Kannel gateway, or any HTTP gateway.",
	  .kind = TOCSIN_CHOICE,
	  .flags = TOCSIN_REQUIRED,
	  .choices = providers_named,
	  AT(provider) },
	{ .key = "sender",
	  .help = "Who messages come from: a number with +, a short code or a name of up to "
		  "11 letters and digits, as the provider allows it.",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 64,
	  AT(sender) },
	{ .key = "message",
	  .help = "Template of the text when a webhook gives none.",
	  .kind = TOCSIN_TEMPLATE,
	  .min = 1,
	  .max = 8000,
	  .dflt = "{{webhook_name}}: {{event_type}}{{#subject}} ({{subject}}){{/subject}}, "
		  "{{time}}",
	  AT(message) },
	{ .key = "parts_max",
	  .help = "Longer texts are cut to so many parts, with an ellipsis.",
	  .kind = TOCSIN_INT,
	  .min = 1,
	  .max = 255,
	  .dflt = "10",
	  AT(parts_max) },
	{ .key = "transliterate",
	  .help = "Replace typographic quotes, dashes and spaces by plain ones where that "
		  "keeps a text in the GSM 7-bit alphabet (160 instead of 70 characters).",
	  .kind = TOCSIN_BOOL,
	  .dflt = "true",
	  AT(is_transliterated) },
	{ .key = "rate",
	  .help = "Messages a second that the sender may send; the rest waits. 0: no limit.",
	  .kind = TOCSIN_NUMBER,
	  .flags = TOCSIN_IS_CHANNEL_RATE,
	  .min = 0,
	  .max = 10000,
	  .dflt = "10",
	  AT(rate) },
	{ .key = "timeout",
	  .help = "How long the provider may take to answer.",
	  .kind = TOCSIN_TIME_MS,
	  .flags = TOCSIN_IS_TIMEOUT,
	  .min = 1000,
	  .max = 60000,
	  .dflt = "15s",
	  AT(timeout_ms) },
	{ .key = "validity",
	  .help = "twilio, kannel: a message that could not be handed out after so long is "
		  "dropped (twilio: at most 10h). Not given: the provider's own.",
	  .kind = TOCSIN_TIME_MS,
	  .min = 60 * 1000,
	  .max = 7 * 24 * 3600 * 1000LL,
	  AT(validity_ms) },
	{ .key = "url",
	  .help = "kannel: its sendsms, http://127.0.0.1:13013/cgi-bin/sendsms. http: where "
		  "the request goes.",
	  .kind = TOCSIN_OPERATOR_URL,
	  AT(url) },
	{ .key = "username",
	  .help = "kannel: the sendsms-user. http: for Basic authentication.",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 256,
	  AT(username) },
	{ .key = "password",
	  .help = "kannel, http: the user's password.",
	  .kind = TOCSIN_TEXT,
	  .flags = TOCSIN_SECRET,
	  .min = 1,
	  .max = 1024,
	  AT(password) },
	{ .key = "api_base",
	  .help = "twilio: where its API is.",
	  .kind = TOCSIN_OPERATOR_URL,
	  .dflt = "https://api.twilio.com",
	  AT(api_base) },
	{ .key = "account_sid",
	  .help = "twilio: the account, AC….",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 64,
	  AT(account_sid) },
	{ .key = "auth_user",
	  .help = "twilio: an API key, SK…, whose secret is in auth_token. Not given: the "
		  "account itself.",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 64,
	  AT(auth_user) },
	{ .key = "auth_token",
	  .help = "twilio: the account's token, or the API key's secret.",
	  .kind = TOCSIN_TEXT,
	  .flags = TOCSIN_SECRET,
	  .min = 1,
	  .max = 256,
	  AT(auth_token) },
	{ .key = "messaging_service_sid",
	  .help = "twilio: a messaging service, MG…, that picks the sender.",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 64,
	  AT(messaging_service_sid) },
	{ .key = "status_callback",
	  .help = "twilio: a URL of yours that Twilio tells what became of a message.",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 2048,
	  AT(status_callback) },
	{ .key = "smsc",
	  .help = "kannel: the connection (smsc-id) that messages leave by.",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 64,
	  AT(smsc) },
	{ .key = "method",
	  .help = "http: the method.",
	  .kind = TOCSIN_CHOICE,
	  .choices = methods,
	  .dflt = "POST",
	  AT(method) },
	{ .key = "query",
	  .help = "http: template of the URL's query, without \"?\". Beside the event's names "
		  "it knows to, to_digits (without +), from, text, parts, coding (0 or 2), "
		  "unicode (1 or nothing) and id.",
	  .kind = TOCSIN_TEMPLATE,
	  .min = 1,
	  .max = 8000,
	  AT(query) },
	{ .key = "body",
	  .help = "http: template of the body; knows the same names. Values are escaped as "
		  "content_type demands (JSON, form, XML; else not at all).",
	  .kind = TOCSIN_TEMPLATE,
	  .min = 1,
	  .max = 32000,
	  AT(body) },
	{ .key = "content_type",
	  .help = "http: the body's type.",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 256,
	  .dflt = "application/json",
	  AT(content_type) },
	{ .key = "headers",
	  .help = "http: headers of the request.",
	  .kind = TOCSIN_PAIRS,
	  .flags = TOCSIN_SECRET | TOCSIN_IS_HEADERS,
	  .max = 50,
	  AT(headers) },
	{ .key = "secrets",
	  .help = "http: further names for query and body, for keys that are not to stand in "
		  "this file.",
	  .kind = TOCSIN_PAIRS,
	  .flags = TOCSIN_SECRET,
	  .max = 20,
	  AT(secrets) },
	{ .key = "success_status",
	  .help = "http: statuses that may mean success.",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 200,
	  .dflt = "200-299",
	  AT(success_status) },
	{ .key = "retry_status",
	  .help = "http: statuses that are worth another try.",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 200,
	  .dflt = "408,425,429,500-599",
	  AT(retry_status) },
	{ .key = "success_path",
	  .help = "http: where a JSON reply says how it went, \"messages.0.status\" or "
		  "\"/messages/0/status\".",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 256,
	  AT(success_path) },
	{ .key = "success_value",
	  .help = "http: what stands there after a success. Not given: anything but nothing, "
		  "null, false and \"\".",
	  .kind = TOCSIN_TEXT,
	  .max = 256,
	  AT(success_value) },
	{ .key = "retry_values",
	  .help = "http: what stands there when another try is worth it.",
	  .kind = TOCSIN_LIST,
	  .item = TOCSIN_TEXT,
	  .max = 100,
	  AT(retry_values) },
	{ .key = "operator_values",
	  .help = "http: what stands there when it is about your account: tried once an hour, "
		  "and logged.",
	  .kind = TOCSIN_LIST,
	  .item = TOCSIN_TEXT,
	  .max = 100,
	  AT(operator_values) },
	{ .key = "success_match",
	  .help = "http: instead of success_path, an extended regular expression that a good "
		  "reply matches; its first group is the message's id.",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 512,
	  AT(success_match) },
	{ .key = "id_path",
	  .help = "http: where a JSON reply has the message's id.",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 256,
	  AT(id_path) },
	{ .key = "error_path",
	  .help = "http: where a JSON reply says what is wrong.",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 256,
	  AT(error_path) },
	{ .key = NULL },
};

static const struct tocsin_field fields[] = {
	{ .key = "phone_numbers",
	  .help = "Who gets the message: numbers with country code, +14155550100.",
	  .kind = TOCSIN_LIST,
	  .item = TOCSIN_PHONE,
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET,
	  .min = 1,
	  .max = 1000,
	  .offset = offsetof(struct sms_configs, phone_numbers) },
	{ .key = "message_template",
	  .help = "Template of the text; beside the event's names it knows {{time}}. Without "
		  "it the operator's default is sent.",
	  .kind = TOCSIN_TEMPLATE,
	  .min = 1,
	  .max = 8000,
	  .offset = offsetof(struct sms_configs, message_template) },
	{ .key = NULL },
};

/* --- the channel ------------------------------------------------------------------ */

int settings_refuse(char *err, size_t err_bytes, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(err, err_bytes, fmt, args);
	va_end(args);
	return TOCSIN_BAD_CONFIG;
}

static const struct provider *provider_find(const char *name)
{
	for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++) {
		if (strcmp(providers[i]->name, name) == 0)
			return providers[i];
	}
	return NULL;
}

/* These may land in header lines. */
static int lines_check(const struct sms_settings *s, char *err, size_t err_bytes)
{
	const struct tocsin_pair texts[] = {
		{ "sender", s->sender },
		{ "username", s->username },
		{ "password", s->password },
		{ "account_sid", s->account_sid },
		{ "smsc", s->smsc },
		{ "auth_user", s->auth_user },
		{ "content_type", s->content_type },
		{ "auth_token", s->auth_token },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (const char *c = texts[i].value; c != NULL && *c != '\0'; c++) {
			if ((unsigned char)*c < 0x20 || *c == 0x7F)
				return settings_refuse(err, err_bytes,
						       "%s must be one line without controls",
						       texts[i].name);
		}
	}
	return TOCSIN_OK;
}

static void sms_close(void *channel)
{
	struct sms *sms = channel;

	if (sms == NULL)
		return;
	if (sms->has_success_match)
		regfree(&sms->success_match);
	free(sms->url);
	free(sms);
}

static int sms_open(const struct tocsin_host *host, const void *settings, void **channel, char *err,
		    size_t err_bytes)
{
	const struct sms_settings *s = settings;
	struct sms *sms = calloc(1, sizeof(*sms));
	int rc = TOCSIN_TRY_LATER;

	if (sms != NULL) {
		sms->host = host;
		sms->settings = s;
		sms->provider = provider_find(s->provider);
		rc = sms->provider == NULL ? settings_refuse(err, err_bytes, "unknown provider")
					   : lines_check(s, err, err_bytes);
	}
	if (rc == TOCSIN_OK)
		rc = sms->provider->open(sms, err, err_bytes);
	if (rc == TOCSIN_TRY_LATER)
		snprintf(err, err_bytes, "out of memory");
	if (rc != TOCSIN_OK) {
		sms_close(sms);
		return rc;
	}
	*channel = sms;
	return TOCSIN_OK;
}

/* --- the message ------------------------------------------------------------------ */

static void sms_release(void *channel, void *attempt)
{
	struct attempt *a = attempt;

	(void)channel;
	if (a == NULL)
		return;
	text_finish(&a->wording.text);
	text_finish(&a->url);
	text_finish(&a->body);
	curl_slist_free_all(a->headers);
	free(a);
}

static int text_render(const struct sms *sms, const struct tocsin_message *msg,
		       struct tocsin_span *out)
{
	const struct sms_configs *configs = msg->configs;
	char time[TIME_BYTES];
	const struct tocsin_pair names[] = { { "time", time } };
	const struct tocsin_render what = {
		.size = sizeof(what),
		.escape = TOCSIN_ESCAPE_NONE,
		.text = configs->message_template != NULL ? configs->message_template
							  : sms->settings->message,
		.extra = { names, 1 },
	};

	sms->host->format_time(sms->host->core, msg->occurred_at_ms, TOCSIN_TIME_PEOPLE, time,
			       sizeof(time));
	return sms->host->render(sms->host->core, msg, &what, out);
}

static int wording_prepare(const struct sms *sms, const struct tocsin_message *msg,
			   struct wording *wording, struct tocsin_request *out)
{
	const struct wording_limits limits = {
		.parts_max = (unsigned)sms->settings->parts_max,
		.characters_max = sms->provider->characters_max,
		.is_transliterated = sms->settings->is_transliterated,
	};
	struct tocsin_span text = { NULL, 0 };
	int rc = text_render(sms, msg, &text);

	if (rc == TOCSIN_BAD_MESSAGE)
		snprintf(out->reason, sizeof(out->reason), "the message's text is too large");
	if (rc == TOCSIN_OK)
		rc = wording_fit(wording, text, &limits);
	if (rc == TOCSIN_OK && wording->parts == 0) {
		snprintf(out->reason, sizeof(out->reason), "the message's text is empty");
		rc = TOCSIN_BAD_MESSAGE;
	}
	return rc;
}

static int sms_prepare(void *channel, const struct tocsin_message *msg, CURL *easy,
		       struct tocsin_request *out)
{
	const struct sms *sms = channel;
	struct attempt *attempt = calloc(1, sizeof(*attempt));
	const struct sending sending = { sms, msg, attempt, easy };

	if (attempt == NULL)
		return TOCSIN_TRY_LATER;
	int rc = wording_prepare(sms, msg, &attempt->wording, out);

	if (rc == TOCSIN_OK)
		rc = header_add(&attempt->headers, "User-Agent", sms->host->user_agent);
	if (rc == TOCSIN_OK)
		rc = sms->provider->prepare(&sending, out);
	if (rc != TOCSIN_OK) {
		sms_release(channel, attempt);
		return rc;
	}
	out->headers = attempt->headers;
	out->attempt = attempt;
	/* The request is between the operator and the gateway; people see the text. */
	out->shown = (struct tocsin_span){ attempt->wording.text.ptr, attempt->wording.text.len };
	return TOCSIN_OK;
}

/* A status is enough to judge by, also when the rest of its reply was lost: sending
 * again what was accepted costs money and patience. */
static void sms_classify(void *channel, void *attempt, CURL *easy, const struct tocsin_outcome *out,
			 struct tocsin_verdict *v)
{
	struct sms *sms = channel;
	const struct answer answer = { sms, attempt, out, out->curl == CURLE_OK };

	if (out->status >= STATUS_FINAL_LEAST && out->status <= 999)
		sms->provider->classify(&answer, v);
	else
		verdict_transport(easy, out, v);
}

TOCSIN_CHANNEL_DEFINE = {
	.abi = TOCSIN_CHANNEL_ABI,
	.size = sizeof(struct tocsin_channel),
	.name = "sms",
	.version = "1.0",
	.schemes = "http,https",
	.settings = settings_table,
	.settings_bytes = sizeof(struct sms_settings),
	.fields = fields,
	.configs_bytes = sizeof(struct sms_configs),
	.open = sms_open,
	.prepare = sms_prepare,
	.classify = sms_classify,
	.release = sms_release,
	.close = sms_close,
};
