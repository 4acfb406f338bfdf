/* http.c - the channel that posts the event to the receiver's own URL, signed
 * as Standard Webhooks say: its tables, one attempt, and what the answer means.
 * Not here: timeouts, redirects, addresses, caps (the core sets them last); the
 * body (content.c) and the header (headers.c).
 * Any delivery thread; nothing changes after open().
 * SPDX-License-Identifier: MIT */
#include "http/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "common/outcome.h"
#include "http/cloudevent.h"
#include "http/content.h"
#include "http/headers.h"
#include "http/lines.h"
#include "http/rules.h"

static const char *const methods[] = { "POST", "PUT", "PATCH", NULL };
static const char *const auths[] = { "none", "basic", "bearer", "hmac", NULL };
static const char *const signatures[] = { "v1", "v1a", "v1,v1a", NULL };
static const char *const formats[] = { "envelope", "cloudevents_structured", "cloudevents_binary",
				       NULL };
static const char *const gzips[] = { "never", "large", NULL };

#define SETTING(member) .offset = offsetof(struct http_settings, member)
#define FIELD(member)   .offset = offsetof(struct http_configs, member)

static const struct tocsin_field settings_table[] = {
	{ .key = "ca_file",
	  .help = "PEM certificates of CAs that receivers' certificates are checked against, "
		  "instead of the system's.",
	  .kind = TOCSIN_FILE,
	  SETTING(ca_file) },
	{ .key = "client_cert",
	  .help = "PEM certificate (and its chain) that is shown to receivers that ask for one.",
	  .kind = TOCSIN_FILE,
	  SETTING(client_cert) },
	{ .key = "client_key",
	  .help = "PEM private key of client_cert.",
	  .kind = TOCSIN_FILE,
	  SETTING(client_key) },
	{ .key = "key_password",
	  .help = "Decrypts client_key.",
	  .kind = TOCSIN_TEXT,
	  .flags = TOCSIN_SECRET,
	  .min = 1,
	  .max = 1024,
	  SETTING(key_password) },
	{ .key = "cloudevents_source",
	  .help = "The source of CloudEvents, a URI-reference, when neither webhook nor event "
		  "has one.",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 1024,
	  .dflt = "tocsin",
	  SETTING(cloudevents_source) },
	{ .key = NULL },
};

static const struct tocsin_field fields[] = {
	{ .key = "url",
	  .help = "Where the event is sent: http or https, no user information.",
	  .kind = TOCSIN_URL,
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET,
	  FIELD(url) },
	{ .key = "headers",
	  .help = "Headers added to each request.",
	  .kind = TOCSIN_PAIRS,
	  .flags = TOCSIN_IS_HEADERS,
	  .max = 50,
	  .dflt = "{}",
	  FIELD(headers) },
	{ .key = "payload_template",
	  .help = "A JSON object that is sent instead of the event's envelope (of its data, in "
		  "a CloudEvent); its strings are templates.",
	  .kind = TOCSIN_JSON_TEMPLATE,
	  .item = TOCSIN_OBJECT,
	  FIELD(payload_template) },
	{ .key = "timeout",
	  .help = "Seconds that one attempt may take as a whole.",
	  .kind = TOCSIN_TIME_MS,
	  .flags = TOCSIN_IS_TIMEOUT,
	  .min = 1000,
	  .max = 60000,
	  .dflt = "10.0",
	  FIELD(timeout_ms) },
	{ .key = "method",
	  .help = "The HTTP method.",
	  .kind = TOCSIN_CHOICE,
	  .choices = methods,
	  .dflt = "\"POST\"",
	  FIELD(method) },
	{ .key = "fail_on_4xx",
	  .help = "Whether a 4xx answer is final. 408, 409, 425 and 429 are retried all the "
		  "same; 410 always disables.",
	  .kind = TOCSIN_BOOL,
	  .dflt = "false",
	  FIELD(is_4xx_final) },
	{ .key = "auth",
	  .help = "Credentials: Basic, a bearer token, or an HMAC-SHA256 of the body in GitHub's "
		  "form.",
	  .kind = TOCSIN_CHOICE,
	  .choices = auths,
	  .dflt = "\"none\"",
	  FIELD(auth) },
	{ .key = "auth_username",
	  .help = "basic: the user, without a colon.",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 256,
	  FIELD(auth_username) },
	{ .key = "auth_password",
	  .help = "basic: the password; empty when not given.",
	  .kind = TOCSIN_TEXT,
	  .flags = TOCSIN_SECRET,
	  .min = 1,
	  .max = 1024,
	  FIELD(auth_password) },
	{ .key = "auth_token",
	  .help = "bearer: the token.",
	  .kind = TOCSIN_TEXT,
	  .flags = TOCSIN_SECRET,
	  .min = 1,
	  .max = 4000,
	  FIELD(auth_token) },
	{ .key = "hmac_secret",
	  .help = "hmac: the key, as text.",
	  .kind = TOCSIN_TEXT,
	  .flags = TOCSIN_SECRET,
	  .min = 1,
	  .max = 1024,
	  FIELD(hmac_secret) },
	{ .key = "hmac_header",
	  .help = "hmac: the header that holds \"sha256=\" and the digest in hexadecimal.",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 128,
	  .dflt = "\"X-Hub-Signature-256\"",
	  FIELD(hmac_header) },
	{ .key = "signature",
	  .help = "Standard Webhooks signatures: v1 (HMAC-SHA256 with the secret), v1a (Ed25519; "
		  "the receiver needs the public key only), or both.",
	  .kind = TOCSIN_CHOICE,
	  .choices = signatures,
	  .dflt = "\"v1\"",
	  FIELD(signature) },
	{ .key = "svix_headers",
	  .help = "Whether id, timestamp and signature are sent under their svix- names too.",
	  .kind = TOCSIN_BOOL,
	  .dflt = "false",
	  FIELD(has_svix_headers) },
	{ .key = "format",
	  .help = "The event's own envelope, or a CloudEvent 1.0: all in the body, or its "
		  "attributes as headers and the data alone as body.",
	  .kind = TOCSIN_CHOICE,
	  .choices = formats,
	  .dflt = "\"envelope\"",
	  FIELD(format) },
	{ .key = "cloudevents_source",
	  .help = "The source of this webhook's CloudEvents, a URI-reference.",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 1024,
	  FIELD(cloudevents_source) },
	{ .key = "gzip",
	  .help = "large: bodies of 8 to 256 KiB are sent as gzip where that saves a "
		  "quarter. Signatures are of the body before that.",
	  .kind = TOCSIN_CHOICE,
	  .choices = gzips,
	  .dflt = "\"never\"",
	  FIELD(gzip) },
	{ .key = "control_headers",
	  .help = "Whether an answer's header \"webhook-delivery: abort-message\" ends the "
		  "delivery and \"webhook-delivery: disable\" disables this channel.",
	  .kind = TOCSIN_BOOL,
	  .dflt = "false",
	  FIELD(has_control_headers) },
	{ .key = NULL },
};

/* --- The channel --------------------------------------------------------------------- */

static void http_close(void *channel)
{
	struct http *http = channel;

	if (http == NULL)
		return;
	identity_finish(http->host, &http->identity);
	free(http->usual);
	free(http);
}

static int http_start(struct http *http, const struct http_settings *s, char *err, size_t err_bytes)
{
	const struct identity_files files = { s->ca_file, s->client_cert, s->client_key,
					      s->key_password };
	const int rc = identity_open(&files, &http->identity, err, err_bytes);

	if (rc != TOCSIN_OK)
		return rc;
	http->source = s->cloudevents_source;
	if (!source_is_valid(http->source, strlen(http->source))) {
		snprintf(err, err_bytes,
			 "cloudevents_source is no URI-reference: ASCII without blanks, all else "
			 "percent-encoded");
		return TOCSIN_BAD_CONFIG;
	}
	if (headers_prepare(http) != TOCSIN_OK) {
		snprintf(err, err_bytes, "out of memory");
		return TOCSIN_TRY_LATER;
	}
	return TOCSIN_OK;
}

static int http_open(const struct tocsin_host *host, const void *settings, void **channel,
		     char *err, size_t err_bytes)
{
	struct http *http = calloc(1, sizeof(*http));

	if (http == NULL) {
		snprintf(err, err_bytes, "out of memory");
		return TOCSIN_TRY_LATER;
	}
	http->host = host;
	const int rc = http_start(http, settings, err, err_bytes);

	if (rc != TOCSIN_OK)
		http_close(http);
	else
		*channel = http;
	return rc;
}

static int http_check(void *channel, const void *configs, struct tocsin_fault *out)
{
	(void)channel;
	return rules_check(configs, out);
}

/* --- The request ------------------------------------------------------------------------ */

/* Stands at the beginning of the block that holds the header lines. */
struct attempt {
	const struct http_configs *configs; /* the core's */
	struct content content;
};

static int attempt_make(const struct http *http, const struct tocsin_message *msg,
			struct content *content, struct tocsin_request *out)
{
	struct lines lines;
	int rc = content_make(http, msg, content, out);

	if (rc != TOCSIN_OK)
		return rc;
	rc = headers_build(http, msg, content, sizeof(struct attempt), &lines);
	if (rc != TOCSIN_OK) {
		lines_finish(&lines);
		return rc;
	}
	struct attempt *attempt = lines_take(&lines, &out->headers);

	if (attempt == NULL)
		return TOCSIN_TRY_LATER;
	attempt->configs = msg->configs;
	attempt->content = *content;
	out->attempt = attempt;
	return TOCSIN_OK;
}

static int http_prepare(void *channel, const struct tocsin_message *msg, CURL *easy,
			struct tocsin_request *out)
{
	const struct http_configs *configs = msg->configs;
	const struct http *http = channel;
	struct content content = { .form = CONTENT_ENVELOPE };
	int rc = identity_set(&http->identity, easy);

	if (rc == TOCSIN_OK)
		rc = attempt_make(http, msg, &content, out);
	if (rc != TOCSIN_OK) {
		content_finish(&content);
		return rc;
	}
	out->url = msg->target;
	out->method = configs->method;
	out->body = content.wire;
	if (content.packed != NULL)
		out->shown = content.plain;
	return TOCSIN_OK;
}

static void http_release(void *channel, void *attempt)
{
	struct attempt *a = attempt;

	(void)channel;
	if (a == NULL)
		return;
	content_finish(&a->content);
	free(a);
}

/* --- The answer ---------------------------------------------------------------------------- */

/* What the receiver asks for in its header, whatever the status is; "" when nothing. */
static const char *control_find(CURL *easy)
{
	struct curl_header *header = NULL;

	if (curl_easy_header(easy, "webhook-delivery", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
		return "";
	return header->value;
}

/* An event that was taken cannot be given up any more. */
static void control_obey(CURL *easy, const struct tocsin_outcome *out, struct tocsin_verdict *v)
{
	const char *asked = control_find(easy);

	if (strcasecmp(asked, "disable") == 0) {
		v->kind = TOCSIN_GONE;
		snprintf(v->reason, sizeof(v->reason),
			 "receiver answered %ld and asked for no more events", out->status);
	} else if (strcasecmp(asked, "abort-message") == 0 && v->kind == TOCSIN_RETRY) {
		v->kind = TOCSIN_FAILED;
		snprintf(v->reason, sizeof(v->reason),
			 "receiver answered %ld and asked not to send this event again",
			 out->status);
	}
}

/* The throttled ones are about the moment, and so is a conflict: a receiver that
 * is still at work on an earlier attempt answers like that. */
static void refusal_finish(const struct tocsin_outcome *out, struct tocsin_verdict *v)
{
	const size_t len = strlen(v->reason);

	if (v->kind != TOCSIN_RETRY || v->throttled || out->status < 400 || out->status > 499 ||
	    out->status == 409)
		return;
	v->kind = TOCSIN_FAILED;
	snprintf(v->reason + len, sizeof(v->reason) - len, ", which is final here (fail_on_4xx)");
}

static void http_classify(void *channel, void *attempt, CURL *easy,
			  const struct tocsin_outcome *out, struct tocsin_verdict *v)
{
	const struct attempt *a = attempt;

	(void)channel;
	if (outcome_has_status(out)) {
		outcome_status(easy, out, v);
		if (a != NULL && a->configs->has_control_headers)
			control_obey(easy, out, v);
		if (a != NULL && a->configs->is_4xx_final)
			refusal_finish(out, v);
	} else {
		outcome_transport(easy, out, v);
	}
	v->retry_after_ms = v->kind == TOCSIN_RETRY ? out->retry_after_ms : 0;
}

TOCSIN_CHANNEL_DEFINE = {
	.abi = TOCSIN_CHANNEL_ABI,
	.size = sizeof(struct tocsin_channel),
	.name = "http",
	.version = "1.0",
	.schemes = "http,https",
	.settings = settings_table,
	.settings_bytes = sizeof(struct http_settings),
	.fields = fields,
	.configs_bytes = sizeof(struct http_configs),
	.open = http_open,
	.check = http_check,
	.prepare = http_prepare,
	.classify = http_classify,
	.release = http_release,
	.close = http_close,
};
