/* headers.c - type, sender, signatures, credentials and the webhook's own lines.
 * Not here: a CloudEvent's attributes (cloudevent.c), what may be given (rules.c).
 * Any thread; nothing changes after headers_prepare().
 * SPDX-License-Identifier: MIT */
#include "http/headers.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "http/cloudevent.h"

enum {
	SIGNATURE_BYTES = 1024,
	TIMESTAMP_BYTES = 24,
	HMAC_BYTES = 32,
	USUAL_COUNT = 3,
	/* Usual lines, encoding, credentials, two times three of the signature. */
	LINES_MAX = 16,
};

/* --- What is there by itself ------------------------------------------------------- */

/* libcurl would wait for "100 Continue" before a large body. */
static const char no_expect[] = "Expect:";
static const char json_type[] = "application/json";

int headers_prepare(struct http *http)
{
	struct text text = { 0 };

	text_bytes(&text, no_expect, sizeof(no_expect));
	text_format(&text, "Content-Type: %s%c", json_type, '\0');
	text_format(&text, "User-Agent: %s%c", http->host->user_agent, '\0');
	http->usual_bytes = text.len;
	http->usual = text_take(&text);
	return http->usual == NULL ? TOCSIN_TRY_LATER : TOCSIN_OK;
}

/* Nothing of ours is added beside a header that the webhook gives itself. */
static int is_custom(const struct http_configs *configs, const char *name)
{
	for (size_t i = 0; i < configs->headers.count; i++) {
		if (strcasecmp(configs->headers.items[i].name, name) == 0)
			return 1;
	}
	return 0;
}

static void type_add(const struct http_configs *configs, const struct content *content,
		     struct lines *out)
{
	if (content->form == CONTENT_STRUCTURED)
		lines_add(out, "Content-Type", "application/cloudevents+json; charset=utf-8");
	else if (content->plain.ptr == NULL)
		lines_copy(out, "Content-Type:", sizeof("Content-Type:"), 1);
	else if (!is_custom(configs, "Content-Type"))
		lines_add(out, "Content-Type", json_type);
}

static void usual_add(const struct http *http, const struct http_configs *configs,
		      const struct content *content, struct lines *out)
{
	if (configs->headers.count == 0 && content->form == CONTENT_ENVELOPE) {
		lines_copy(out, http->usual, http->usual_bytes, USUAL_COUNT);
		return;
	}
	lines_copy(out, no_expect, sizeof(no_expect), 1);
	type_add(configs, content, out);
	if (!is_custom(configs, "User-Agent"))
		lines_add(out, "User-Agent", http->host->user_agent);
}

/* --- Signatures ---------------------------------------------------------------------- */

struct signature {
	const char *id;
	char timestamp[TIMESTAMP_BYTES], text[SIGNATURE_BYTES];
};

static void signature_lines(const struct signature *s, const char *const names[3],
			    struct lines *out)
{
	lines_add(out, names[0], s->id);
	lines_add(out, names[1], s->timestamp);
	lines_add(out, names[2], s->text);
}

static uint32_t kinds_of(const struct http_configs *configs)
{
	if (choice_is(configs->signature, "v1a"))
		return TOCSIN_SIGN_V1A;
	if (choice_is(configs->signature, "v1,v1a"))
		return TOCSIN_SIGN_V1 | TOCSIN_SIGN_V1A;
	return TOCSIN_SIGN_V1;
}

static int signature_add(const struct http *http, const struct tocsin_message *msg,
			 struct tocsin_span body, struct lines *out)
{
	static const char *const webhook[] = { "webhook-id", "webhook-timestamp",
					       "webhook-signature" };
	static const char *const svix[] = { "svix-id", "svix-timestamp", "svix-signature" };
	const struct http_configs *configs = msg->configs;
	struct signature s;

	s.id = msg->message_id;
	snprintf(s.timestamp, sizeof(s.timestamp), "%lld", (long long)msg->timestamp_s);
	if (http->host->sign(http->host->core, msg, body, kinds_of(configs), s.text,
			     sizeof(s.text)) == 0)
		return TOCSIN_TRY_LATER;
	signature_lines(&s, webhook, out);
	if (configs->has_svix_headers)
		signature_lines(&s, svix, out);
	return TOCSIN_OK;
}

/* --- Credentials ----------------------------------------------------------------------- */

static void basic_add(const struct http_configs *configs, struct lines *out)
{
	struct text pair = { 0 }, value = { 0 };

	text_format(&pair, "%s:%s", configs->auth_username,
		    configs->auth_password == NULL ? "" : configs->auth_password);
	text_add(&value, "Basic ");
	if (!pair.failed)
		text_base64(&value, (const unsigned char *)pair.ptr, pair.len);
	if (pair.failed || value.failed)
		out->failed = 1;
	else
		lines_add(out, "Authorization", value.ptr);
	text_finish(&pair);
	text_finish(&value);
}

static void bearer_add(const struct http_configs *configs, struct lines *out)
{
	static const char begin[] = "Authorization: Bearer ";

	lines_bytes(out, begin, sizeof(begin) - 1);
	lines_bytes(out, configs->auth_token, strlen(configs->auth_token));
	lines_end(out);
}

/* GitHub's form. */
static void hmac_add(const struct http *http, const struct http_configs *configs,
		     struct tocsin_span body, struct lines *out)
{
	static const char digits[] = "0123456789abcdef", begin[] = "sha256=";
	const struct tocsin_span key = { configs->hmac_secret, strlen(configs->hmac_secret) };
	char value[sizeof(begin) + 2 * HMAC_BYTES];
	unsigned char mac[HMAC_BYTES];
	char *at = value + sizeof(begin) - 1;

	http->host->hmac(http->host->core, key, body, mac);
	memcpy(value, begin, sizeof(begin));
	for (size_t i = 0; i < HMAC_BYTES; i++) {
		*at++ = digits[mac[i] >> 4];
		*at++ = digits[mac[i] & 15];
	}
	*at = '\0';
	lines_add(out, configs->hmac_header, value);
}

static void credentials_add(const struct http *http, const struct http_configs *configs,
			    struct tocsin_span body, struct lines *out)
{
	if (configs->auth == NULL || choice_is(configs->auth, "none"))
		return;
	if (choice_is(configs->auth, "basic"))
		basic_add(configs, out);
	else if (choice_is(configs->auth, "bearer"))
		bearer_add(configs, out);
	else
		hmac_add(http, configs, body, out);
}

/* --- The whole ---------------------------------------------------------------------------- */

int headers_build(const struct http *http, const struct tocsin_message *msg,
		  const struct content *content, size_t head, struct lines *out)
{
	const struct http_configs *configs = msg->configs;
	const size_t attributes = content->form == CONTENT_BINARY ? CLOUDEVENT_LINES_MAX : 0;
	const struct tocsin_span body = { content->plain.ptr == NULL ? "" : content->plain.ptr,
					  content->plain.len };

	lines_init(out, head, LINES_MAX + configs->headers.count + attributes);
	usual_add(http, configs, content, out);
	if (content->packed != NULL)
		lines_add(out, "Content-Encoding", "gzip");
	const int rc = signature_add(http, msg, body, out);

	if (rc != TOCSIN_OK)
		return rc;
	credentials_add(http, configs, body, out);
	if (content->form == CONTENT_BINARY)
		cloudevent_lines(http, msg, out);
	for (size_t i = 0; i < configs->headers.count; i++)
		lines_add(out, configs->headers.items[i].name, configs->headers.items[i].value);
	return out->failed ? TOCSIN_TRY_LATER : TOCSIN_OK;
}
