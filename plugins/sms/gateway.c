/* gateway.c - messages through any HTTP gateway: a request from the operator's
 * templates, and what counts as success in its answer.
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sms/reply.h"
#include "sms/sms.h"
#include "sms/verdict.h"

enum {
	OWN_NAMES = 8,
	COUNT_BYTES = 16,
	MATCHED_BYTES = 4096, /* of a reply that success_match sees */
	STATUS_LEAST = 100,
	STATUS_MOST = 599
};

/* The names that query and body may use beside the event's; see names_fill(). */
static const char *const own_names[OWN_NAMES] = { "to",    "to_digits", "from",    "text",
						  "parts", "coding",    "unicode", "id" };

/* --- settings ------------------------------------------------------------------- */

/* Is status in "200-299,409"? -1: these are no ranges. */
static int ranges_have(const char *ranges, long status)
{
	int found = 0;

	for (const char *at = ranges;; at++) {
		char *end = NULL;
		const long from = strtol(at, &end, 10);
		long to = from;

		if (end == at)
			return -1;
		if (*end == '-') {
			at = end + 1;
			to = strtol(at, &end, 10);
		}
		if (end == at || from < STATUS_LEAST || to > STATUS_MOST || from > to)
			return -1;
		found |= status >= from && status <= to;
		if (*end == '\0')
			return found;
		if (*end != ',')
			return -1;
		at = end;
	}
}

static int is_own(const char *name)
{
	for (size_t i = 0; i < OWN_NAMES; i++) {
		if (strcmp(own_names[i], name) == 0)
			return 1;
	}
	return 0;
}

static int pairs_check(const struct sms_settings *s, char *err, size_t err_bytes)
{
	for (size_t i = 0; i < s->secrets.count; i++) {
		if (is_own(s->secrets.items[i].name))
			return settings_refuse(err, err_bytes,
					       "secrets: \"%.40s\" is a name that templates have "
					       "already",
					       s->secrets.items[i].name);
	}
	for (size_t i = 0; i < s->headers.count; i++) {
		if (strcasecmp(s->headers.items[i].name, "Content-Type") == 0)
			return settings_refuse(err, err_bytes,
					       "headers: Content-Type is the setting content_type");
	}
	return TOCSIN_OK;
}

static int success_check(const struct sms_settings *s, char *err, size_t err_bytes)
{
	if (ranges_have(s->success_status, 0) < 0 || ranges_have(s->retry_status, 0) < 0)
		return settings_refuse(err, err_bytes,
				       "success_status and retry_status are statuses or ranges "
				       "parted by commas: \"200-299,409\"");
	if (s->success_path != NULL && s->success_match != NULL)
		return settings_refuse(err, err_bytes,
				       "success_path and success_match exclude each other");
	if (s->success_path == NULL &&
	    (s->success_value != NULL || s->retry_values.count > 0 || s->operator_values.count > 0))
		return settings_refuse(err, err_bytes,
				       "success_value, retry_values and operator_values need "
				       "success_path");
	return TOCSIN_OK;
}

static int match_compile(struct sms *sms, char *err, size_t err_bytes)
{
	char why[80];

	if (sms->settings->success_match == NULL)
		return TOCSIN_OK;
	const int rc = regcomp(&sms->success_match, sms->settings->success_match, REG_EXTENDED);

	if (rc != 0) {
		regerror(rc, &sms->success_match, why, sizeof(why));
		return settings_refuse(err, err_bytes, "success_match: %s", why);
	}
	sms->has_success_match = 1;
	return TOCSIN_OK;
}

static int gateway_open(struct sms *sms, char *err, size_t err_bytes)
{
	const struct sms_settings *s = sms->settings;
	struct text url = { 0 };

	if (s->url == NULL || (s->query == NULL && s->body == NULL))
		return settings_refuse(err, err_bytes,
				       "provider \"http\" needs url, and query or body");
	if ((s->username == NULL) != (s->password == NULL))
		return settings_refuse(err, err_bytes, "username and password go together");
	int rc = pairs_check(s, err, err_bytes);

	if (rc == TOCSIN_OK)
		rc = success_check(s, err, err_bytes);
	if (rc == TOCSIN_OK)
		rc = match_compile(sms, err, err_bytes);
	if (rc != TOCSIN_OK)
		return rc;
	text_add(&url, s->url);
	sms->url = text_take(&url);
	return sms->url == NULL ? TOCSIN_TRY_LATER : TOCSIN_OK;
}

/* --- the request ------------------------------------------------------------------ */

/* What a value lands in, by the body's type. */
static enum tocsin_escape escape_of(const char *content_type)
{
	if (strcasestr(content_type, "json") != NULL)
		return TOCSIN_ESCAPE_JSON;
	if (strcasestr(content_type, "x-www-form-urlencoded") != NULL)
		return TOCSIN_ESCAPE_URL;
	if (strcasestr(content_type, "xml") != NULL || strcasestr(content_type, "html") != NULL)
		return TOCSIN_ESCAPE_HTML;
	return TOCSIN_ESCAPE_NONE;
}

/* In the order of own_names. parts: COUNT_BYTES. */
static void names_fill(const struct sending *s, struct tocsin_pair *names, char *parts)
{
	const struct wording *w = &s->attempt->wording;
	const int is_unicode = w->coding == CODING_UCS2;
	const char *from = s->sms->settings->sender, *to = s->msg->target;
	const char *const values[OWN_NAMES] = {
		to,    to[0] == '+' ? to + 1 : to, from == NULL ? "" : from, w->text.ptr,
		parts, is_unicode ? "2" : "0",     is_unicode ? "1" : "",    s->msg->delivery_id
	};

	snprintf(parts, COUNT_BYTES, "%u", w->parts);
	for (size_t i = 0; i < OWN_NAMES; i++)
		names[i] = (struct tocsin_pair){ own_names[i], values[i] };
}

static int template_render(const struct sending *s, const struct tocsin_render *what,
			   struct tocsin_request *out, struct tocsin_span *result)
{
	const struct tocsin_host *host = s->sms->host;
	const int rc = host->render(host->core, s->msg, what, result);

	if (rc == TOCSIN_BAD_MESSAGE)
		snprintf(out->reason, sizeof(out->reason), "the gateway's request is too large");
	return rc;
}

static int request_render(const struct sending *s, struct tocsin_pairs names,
			  struct tocsin_request *out)
{
	const struct sms_settings *settings = s->sms->settings;
	struct tocsin_render what = { .size = sizeof(what), .extra = names };
	struct text *url = &s->attempt->url;
	struct tocsin_span query = { NULL, 0 };
	int rc = TOCSIN_OK;

	text_add(url, s->sms->url);
	if (settings->query != NULL) {
		what.text = settings->query;
		what.escape = TOCSIN_ESCAPE_URL;
		rc = template_render(s, &what, out, &query);
		if (query.len > 0) {
			text_add(url, strchr(s->sms->url, '?') == NULL ? "?" : "&");
			text_bytes(url, query.ptr, query.len);
		}
	}
	if (rc == TOCSIN_OK && settings->body != NULL) {
		what.text = settings->body;
		what.escape = escape_of(settings->content_type);
		rc = template_render(s, &what, out, &out->body);
	}
	out->url = url->ptr;
	return rc == TOCSIN_OK && url->failed ? TOCSIN_TRY_LATER : rc;
}

static int gateway_prepare(const struct sending *s, struct tocsin_request *out)
{
	const struct sms_settings *settings = s->sms->settings;
	const size_t count = OWN_NAMES + settings->secrets.count;
	struct tocsin_pair *names = calloc(count, sizeof(*names));
	char parts[COUNT_BYTES];
	int rc = TOCSIN_TRY_LATER;

	if (names == NULL)
		return rc;
	names_fill(s, names, parts);
	for (size_t i = OWN_NAMES; i < count; i++)
		names[i] = settings->secrets.items[i - OWN_NAMES];
	rc = request_render(s, (struct tocsin_pairs){ names, count }, out);
	free(names);
	out->method = settings->method;
	if (rc == TOCSIN_OK && settings->body != NULL)
		rc = header_add(&s->attempt->headers, "Content-Type", settings->content_type);
	for (size_t i = 0; i < settings->headers.count && rc == TOCSIN_OK; i++)
		rc = header_add(&s->attempt->headers, settings->headers.items[i].name,
				settings->headers.items[i].value);
	if (settings->username != NULL &&
	    (curl_easy_setopt(s->easy, CURLOPT_USERNAME, settings->username) != CURLE_OK ||
	     curl_easy_setopt(s->easy, CURLOPT_PASSWORD, settings->password) != CURLE_OK))
		rc = TOCSIN_TRY_LATER;
	return rc;
}

/* --- the answer ------------------------------------------------------------------- */

static int list_has(struct tocsin_list list, const char *text)
{
	for (size_t i = 0; i < list.count; i++) {
		if (strcmp(list.items[i], text) == 0)
			return 1;
	}
	return 0;
}

/* Present, and neither null, false nor "". */
static int is_truthy(struct json_object *value)
{
	if (json_object_is_type(value, json_type_boolean))
		return json_object_get_boolean(value);
	if (json_object_is_type(value, json_type_string))
		return json_object_get_string_len(value) > 0;
	return value != NULL;
}

static void result_judge(const struct answer *a, struct json_object *json, struct tocsin_verdict *v)
{
	const struct sms_settings *s = a->sms->settings;
	const char *value = reply_text(json, s->success_path);
	const char *id = s->id_path == NULL ? "" : reply_text(json, s->id_path);
	const char *words = s->error_path == NULL ? "" : reply_text(json, s->error_path);
	char shown[EXCERPT_BYTES], told[EXCERPT_BYTES], named[EXCERPT_BYTES];
	const int is_success = s->success_value != NULL
				       ? strcmp(value, s->success_value) == 0
				       : is_truthy(reply_find(json, s->success_path));

	verdict_excerpt((struct tocsin_span){ value, strlen(value) }, shown);
	verdict_excerpt((struct tocsin_span){ words, strlen(words) }, told);
	verdict_excerpt((struct tocsin_span){ id, strlen(id) }, named);
	const char *colon = told[0] == '\0' ? "" : ": ";

	if (is_success)
		verdict_accept(a, "accepted", named, 0, v);
	else if (list_has(s->retry_values, value))
		verdict_retry_throttled(a, v, "the gateway says \"%s\"%s%s", shown, colon, told);
	else if (list_has(s->operator_values, value))
		verdict_alarm(a, v, "the gateway refuses the account: it says \"%s\"", shown);
	else
		verdict_fail(v, "the gateway refuses it: it says \"%s\"%s%s", shown, colon, told);
}

static void match_judge(const struct answer *a, struct tocsin_verdict *v)
{
	char text[MATCHED_BYTES], id[EXCERPT_BYTES] = "", shown[EXCERPT_BYTES];
	const size_t len = a->out->body.len < sizeof(text) ? a->out->body.len : sizeof(text) - 1;
	regmatch_t groups[2] = { { -1, -1 }, { -1, -1 } };

	for (size_t i = 0; i < len; i++)
		text[i] = a->out->body.ptr[i] == '\0' ? ' ' : a->out->body.ptr[i];
	text[len] = '\0';
	if (regexec(&a->sms->success_match, text, 2, groups, 0) != 0) {
		verdict_excerpt(a->out->body, shown);
		verdict_fail(v, "the gateway refuses it: it says \"%s\"", shown);
		return;
	}
	if (groups[1].rm_so >= 0)
		verdict_excerpt((struct tocsin_span){ text + groups[1].rm_so,
						      (size_t)(groups[1].rm_eo - groups[1].rm_so) },
				id);
	verdict_accept(a, "accepted", id, 0, v);
}

static void success_judge(const struct answer *a, struct json_object *json,
			  struct tocsin_verdict *v)
{
	const struct sms_settings *s = a->sms->settings;
	const int is_read = s->success_path != NULL || s->success_match != NULL;

	if (is_read && !a->is_whole)
		verdict_retry(a, v, "the gateway's reply broke off; may have been sent");
	else if (s->success_path != NULL && json == NULL)
		verdict_alarm(a, v, "the gateway's answer %ld is not JSON: is url right?",
			      a->out->status);
	else if (s->success_path != NULL)
		result_judge(a, json, v);
	else if (s->success_match != NULL)
		match_judge(a, v);
	else
		verdict_accept(a, "accepted",
			       s->id_path == NULL ? "" : reply_text(json, s->id_path), 0, v);
}

static void refusal_judge(const struct answer *a, struct json_object *json,
			  struct tocsin_verdict *v)
{
	const struct sms_settings *s = a->sms->settings;
	const char *words = s->error_path == NULL ? "" : reply_text(json, s->error_path);
	const long status = a->out->status;
	const int is_json = words[0] != '\0';
	char shown[EXCERPT_BYTES];

	verdict_excerpt(is_json ? (struct tocsin_span){ words, strlen(words) } : a->out->body,
			shown);
	const char *colon = shown[0] == '\0' ? "" : ": ";

	if (ranges_have(s->retry_status, status) > 0)
		verdict_retry_throttled(a, v, "the gateway answered %ld%s%s", status, colon, shown);
	else if (status == 401 || status == 403)
		verdict_alarm(a, v, "the gateway refuses the account: it answered %ld", status);
	else if (status < 400 || status == 404 || status == 405)
		verdict_alarm(a, v, "the gateway answered %ld: is url right?", status);
	else
		verdict_fail(v, "the gateway answered %ld%s%s", status, colon, shown);
}

static void gateway_classify(const struct answer *a, struct tocsin_verdict *v)
{
	struct json_object *json = reply_parse(a->out->body);

	if (ranges_have(a->sms->settings->success_status, a->out->status) > 0)
		success_judge(a, json, v);
	else
		refusal_judge(a, json, v);
	json_object_put(json);
}

const struct provider provider_http = {
	.name = "http",
	.open = gateway_open,
	.prepare = gateway_prepare,
	.classify = gateway_classify,
};
