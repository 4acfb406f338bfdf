/* http.c - the channel that posts the event to the receiver's own URL, signed
 * as Standard Webhooks say.
 * Not here: timeouts, redirects, addresses, caps (the core sets them last).
 * Any delivery thread; nothing changes after open().
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/outcome.h"
#include "common/text.h"
#include "tocsin/channel.h"

enum { SIGNATURE_BYTES = 512, TIMESTAMP_BYTES = 24 };

struct http {
	const struct tocsin_host *host; /* core's */
};

struct http_configs {
	const char *url;
	struct tocsin_pairs headers;
	const struct tocsin_template *payload_template;
	int64_t timeout_ms;
	const char *method;
};

static const char *const methods[] = { "POST", "PUT", "PATCH", NULL };

static const struct tocsin_field fields[] = {
	{ .key = "url",
	  .help = "Where the event is sent: http or https, no user information.",
	  .kind = TOCSIN_URL,
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET,
	  .offset = offsetof(struct http_configs, url) },
	{ .key = "headers",
	  .help = "Headers added to each request.",
	  .kind = TOCSIN_PAIRS,
	  .flags = TOCSIN_IS_HEADERS,
	  .max = 50,
	  .dflt = "{}",
	  .offset = offsetof(struct http_configs, headers) },
	{ .key = "payload_template",
	  .help = "A JSON object that is sent instead of the event's envelope; its strings "
		  "are templates.",
	  .kind = TOCSIN_JSON_TEMPLATE,
	  .item = TOCSIN_OBJECT,
	  .offset = offsetof(struct http_configs, payload_template) },
	{ .key = "timeout",
	  .help = "Seconds that one attempt may take as a whole.",
	  .kind = TOCSIN_TIME_MS,
	  .flags = TOCSIN_IS_TIMEOUT,
	  .min = 1000,
	  .max = 60000,
	  .dflt = "10.0",
	  .offset = offsetof(struct http_configs, timeout_ms) },
	{ .key = "method",
	  .help = "The HTTP method.",
	  .kind = TOCSIN_CHOICE,
	  .choices = methods,
	  .dflt = "\"POST\"",
	  .offset = offsetof(struct http_configs, method) },
	{ .key = NULL },
};

static int http_open(const struct tocsin_host *host, const void *settings, void **channel,
		     char *err, size_t err_bytes)
{
	struct http *http = calloc(1, sizeof(*http));

	(void)settings;
	if (http == NULL) {
		snprintf(err, err_bytes, "out of memory");
		return TOCSIN_TRY_LATER;
	}
	http->host = host;
	*channel = http;
	return TOCSIN_OK;
}

static void http_close(void *channel)
{
	free(channel);
}

/* --- the request ----------------------------------------------------------- */

/* Nothing of ours is added beside a header that the webhook gives itself. */
static int is_custom(const struct http_configs *configs, const char *name)
{
	for (size_t i = 0; i < configs->headers.count; i++) {
		if (strcasecmp(configs->headers.items[i].name, name) == 0)
			return 1;
	}
	return 0;
}

static int signature_add(const struct http *http, const struct tocsin_message *msg,
			 struct tocsin_span body, struct curl_slist **list)
{
	char signature[SIGNATURE_BYTES];
	char timestamp[TIMESTAMP_BYTES];
	int rc = header_add(list, "webhook-id", msg->message_id);

	if (http->host->sign(http->host->core, msg, body, TOCSIN_SIGN_V1, signature,
			     sizeof(signature)) == 0)
		return TOCSIN_TRY_LATER;
	snprintf(timestamp, sizeof(timestamp), "%lld", (long long)msg->timestamp_s);
	if (rc == TOCSIN_OK)
		rc = header_add(list, "webhook-timestamp", timestamp);
	if (rc == TOCSIN_OK)
		rc = header_add(list, "webhook-signature", signature);
	return rc;
}

static int headers_build(const struct http *http, const struct tocsin_message *msg,
			 struct tocsin_span body, struct curl_slist **list)
{
	const struct http_configs *configs = msg->configs;
	/* libcurl would wait for "100 Continue" before a large body. */
	struct curl_slist *first = curl_slist_append(NULL, "Expect:");
	int rc = first == NULL ? TOCSIN_TRY_LATER : TOCSIN_OK;

	*list = first;
	if (rc == TOCSIN_OK && !is_custom(configs, "Content-Type"))
		rc = header_add(list, "Content-Type", "application/json");
	if (rc == TOCSIN_OK && !is_custom(configs, "User-Agent"))
		rc = header_add(list, "User-Agent", http->host->user_agent);
	if (rc == TOCSIN_OK)
		rc = signature_add(http, msg, body, list);
	for (size_t i = 0; i < configs->headers.count && rc == TOCSIN_OK; i++)
		rc = header_add(list, configs->headers.items[i].name,
				configs->headers.items[i].value);
	return rc;
}

/* The attempt is its header list: the body is the core's or the configs', and
 * both outlive the transfer. */
static int http_prepare(void *channel, const struct tocsin_message *msg, CURL *easy,
			struct tocsin_request *out)
{
	const struct http_configs *configs = msg->configs;
	const struct http *http = channel;
	struct curl_slist *headers = NULL;
	int rc = TOCSIN_OK;

	(void)easy;
	out->url = msg->target;
	out->method = configs->method;
	out->body = msg->envelope;
	if (configs->payload_template != NULL)
		rc = http->host->render(
			http->host->core, msg,
			&(struct tocsin_render){ .size = sizeof(struct tocsin_render),
						 .text = configs->payload_template },
			&out->body);
	if (rc == TOCSIN_OK)
		rc = headers_build(http, msg, out->body, &headers);
	if (rc != TOCSIN_OK) {
		curl_slist_free_all(headers);
		return rc;
	}
	out->headers = headers;
	out->attempt = headers;
	return TOCSIN_OK;
}

static void http_release(void *channel, void *attempt)
{
	(void)channel;
	curl_slist_free_all(attempt);
}

/* --- the answer ------------------------------------------------------------ */

static void http_classify(void *channel, void *attempt, CURL *easy,
			  const struct tocsin_outcome *out, struct tocsin_verdict *v)
{
	(void)channel, (void)attempt;
	if (outcome_has_status(out))
		outcome_status(easy, out, v);
	else
		outcome_transport(easy, out, v);
	v->retry_after_ms = v->kind == TOCSIN_RETRY ? out->retry_after_ms : 0;
}

TOCSIN_CHANNEL_DEFINE = {
	.abi = TOCSIN_CHANNEL_ABI,
	.size = sizeof(struct tocsin_channel),
	.name = "http",
	.version = "1.0",
	.schemes = "http,https",
	.fields = fields,
	.configs_bytes = sizeof(struct http_configs),
	.open = http_open,
	.prepare = http_prepare,
	.classify = http_classify,
	.release = http_release,
	.close = http_close,
};
