/* outcome.c - the reading of HTTP transfers that all our HTTP channels share.
 * Not here: what one service's answers mean (its plugin). Pure; any thread.
 * SPDX-License-Identifier: MIT */
#include "common/outcome.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { HOST_SHOWN_BYTES = 90 };

struct status_rule {
	long from, to;
	uint32_t kind, throttled;
	const char *name; /* NULL: the number says it */
};

/* The first row that fits. */
static const struct status_rule status_rules[] = {
	{ 200, 299, TOCSIN_DELIVERED, 0, NULL },
	{ 400, 400, TOCSIN_RETRY, 0, "Bad Request" },
	{ 401, 401, TOCSIN_RETRY, 0, "Unauthorized" },
	{ 403, 403, TOCSIN_RETRY, 0, "Forbidden" },
	{ 404, 404, TOCSIN_RETRY, 0, "Not Found" },
	{ 405, 405, TOCSIN_RETRY, 0, "Method Not Allowed" },
	{ 408, 408, TOCSIN_RETRY, 1, "Request Timeout" },
	{ 410, 410, TOCSIN_GONE, 0, "Gone" },
	{ 413, 413, TOCSIN_RETRY, 0, "Content Too Large" },
	{ 425, 425, TOCSIN_RETRY, 1, "Too Early" },
	{ 429, 429, TOCSIN_RETRY, 1, "Too Many Requests" },
	{ 400, 499, TOCSIN_RETRY, 0, NULL },
	{ 500, 500, TOCSIN_RETRY, 1, "Internal Server Error" },
	{ 502, 502, TOCSIN_RETRY, 1, "Bad Gateway" },
	{ 503, 503, TOCSIN_RETRY, 1, "Service Unavailable" },
	{ 504, 504, TOCSIN_RETRY, 1, "Gateway Timeout" },
	{ 500, 599, TOCSIN_RETRY, 1, NULL },
	{ 0, 999, TOCSIN_RETRY, 0, NULL },
};

struct curl_rule {
	CURLcode code;
	uint32_t kind, throttled;
	const char *reason;
};

/* Whatever is not named here: the last row. */
static const struct curl_rule curl_rules[] = {
	{ CURLE_UNSUPPORTED_PROTOCOL, TOCSIN_FAILED, 0, "the URL is neither http nor https" },
	{ CURLE_URL_MALFORMAT, TOCSIN_FAILED, 0, "the URL is not valid" },
	{ CURLE_COULDNT_RESOLVE_PROXY, TOCSIN_RETRY, 1, "the proxy's name could not be looked up" },
	{ CURLE_COULDNT_RESOLVE_HOST, TOCSIN_RETRY, 1, "the host name could not be looked up" },
	{ CURLE_COULDNT_CONNECT, TOCSIN_RETRY, 1, "connection failed" },
	{ CURLE_WEIRD_SERVER_REPLY, TOCSIN_RETRY, 0, "the reply is not valid HTTP" },
	{ CURLE_HTTP2, TOCSIN_RETRY, 1, "the HTTP/2 connection broke" },
	{ CURLE_HTTP2_STREAM, TOCSIN_RETRY, 1, "the HTTP/2 stream was broken off" },
	{ CURLE_PARTIAL_FILE, TOCSIN_RETRY, 0, "the reply ended before its announced length" },
	{ CURLE_WRITE_ERROR, TOCSIN_RETRY, 0, "the reply is too large" },
	{ CURLE_FILESIZE_EXCEEDED, TOCSIN_RETRY, 0, "the reply is too large" },
	{ CURLE_OUT_OF_MEMORY, TOCSIN_RETRY, 0, "out of memory" },
	{ CURLE_OPERATION_TIMEDOUT, TOCSIN_RETRY, 1, "timed out" },
	{ CURLE_SSL_CONNECT_ERROR, TOCSIN_RETRY, 1, "TLS handshake failed" },
	{ CURLE_PEER_FAILED_VERIFICATION, TOCSIN_RETRY, 0, "TLS certificate is not trusted" },
	{ CURLE_SSL_ISSUER_ERROR, TOCSIN_RETRY, 0, "TLS certificate has the wrong issuer" },
	{ CURLE_SSL_INVALIDCERTSTATUS, TOCSIN_RETRY, 0, "TLS certificate's status is not valid" },
	{ CURLE_SSL_PINNEDPUBKEYNOTMATCH, TOCSIN_RETRY, 0, "TLS key is not the expected one" },
	{ CURLE_SSL_CIPHER, TOCSIN_RETRY, 0, "no TLS cipher in common with the receiver" },
	{ CURLE_SSL_CERTPROBLEM, TOCSIN_RETRY, 0,
	  "the sender's own TLS certificate cannot be used" },
	{ CURLE_SSL_CACERT_BADFILE, TOCSIN_RETRY, 0,
	  "the sender's CA certificates cannot be read" },
	{ CURLE_SSL_CLIENTCERT, TOCSIN_RETRY, 0, "the receiver demands a TLS client certificate" },
	{ CURLE_GOT_NOTHING, TOCSIN_RETRY, 1, "the connection was closed without a reply" },
	{ CURLE_SEND_ERROR, TOCSIN_RETRY, 1, "the connection broke while sending" },
	{ CURLE_RECV_ERROR, TOCSIN_RETRY, 1, "the connection broke while receiving the reply" },
	{ CURLE_ABORTED_BY_CALLBACK, TOCSIN_RETRY, 0, "the attempt was broken off by the sender" },
	{ CURLE_OK, TOCSIN_RETRY, 0, "the transfer failed" },
};

static const char header_too_large[] = "the reply's header is too large";

static void reason_set(struct tocsin_verdict *v, const char *text)
{
	snprintf(v->reason, sizeof(v->reason), "%s", text);
}

/* Names in other letters, which libcurl hands over undecoded, are not shown. */
static int is_showable(const char *host)
{
	size_t len = 0;

	while (host[len] > 0x20 && host[len] < 0x7F)
		len++;
	return len > 0 && host[len] == '\0';
}

/* The host that the receiver points to; the rest of a Location may be secret. */
static void redirect_reason_set(CURL *easy, long status, struct tocsin_verdict *v)
{
	char *location = NULL, *host = NULL;
	CURLU *url = curl_url();

	if (url != NULL && curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &location) == CURLE_OK &&
	    location != NULL && curl_url_set(url, CURLUPART_URL, location, 0) == CURLUE_OK)
		curl_url_get(url, CURLUPART_HOST, &host, 0);
	if (host != NULL && is_showable(host))
		snprintf(v->reason, sizeof(v->reason),
			 "redirect to %.*s refused: redirects are not followed", HOST_SHOWN_BYTES,
			 host);
	else
		snprintf(v->reason, sizeof(v->reason),
			 "receiver answered %ld: redirects are not followed", status);
	curl_free(host);
	curl_url_cleanup(url);
}

void outcome_status(CURL *easy, const struct tocsin_outcome *out, struct tocsin_verdict *v)
{
	const struct status_rule *rule = status_rules;
	const long status = out->status;

	while (status < rule->from || status > rule->to)
		rule++;
	v->kind = rule->kind;
	v->throttled = rule->throttled;
	if (rule->kind == TOCSIN_DELIVERED)
		return;
	if (status >= 300 && status <= 399)
		redirect_reason_set(easy, status, v);
	else
		snprintf(v->reason, sizeof(v->reason), "receiver answered %ld%s%s", status,
			 rule->name == NULL ? "" : " ", rule->name == NULL ? "" : rule->name);
}

static int was_connected(CURL *easy, const struct tocsin_outcome *out)
{
	long port = 0;

	curl_easy_getinfo(easy, CURLINFO_PRIMARY_PORT, &port);
	return port != 0 || out->status != 0;
}

static void connect_reason_set(CURL *easy, struct tocsin_verdict *v)
{
	long number = 0;

	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number);
	if (number == ECONNREFUSED)
		reason_set(v, "connection refused");
	else if (number == EHOSTUNREACH || number == ENETUNREACH)
		reason_set(v, "no route to the receiver");
	else if (number == ETIMEDOUT)
		reason_set(v, "connection timed out");
}

static void timeout_reason_set(CURL *easy, const struct tocsin_outcome *out,
			       struct tocsin_verdict *v)
{
	curl_off_t total_us = 0, connect_us = 0;
	const char *where = "";

	curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &total_us);
	curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connect_us);
	if (out->status != 0)
		where = " in the middle of the reply";
	else if (connect_us == 0 && !was_connected(easy, out))
		where = " without a connection";
	snprintf(v->reason, sizeof(v->reason), "timed out after %lld ms%s",
		 (long long)(total_us / 1000), where);
}

/* OpenSSL's verification results that a receiver's owner can act on. */
static void certificate_reason_set(CURL *easy, struct tocsin_verdict *v)
{
	static const struct {
		long result;
		const char *text;
	} results[] = {
		{ 1,
		  "TLS certificate is not for this host name" }, /* libcurl checks names itself */
		{ 9, "TLS certificate is not valid yet" },
		{ 10, "TLS certificate has expired" },
		{ 18, "TLS certificate is not trusted: it is self-signed" },
		{ 19, "TLS certificate is not trusted: its root is unknown" },
		{ 20, "TLS certificate is not trusted: its issuer is unknown or not sent" },
		{ 21, "TLS certificate is not trusted: its issuer is unknown or not sent" },
		{ 23, "TLS certificate was revoked" },
		{ 62, "TLS certificate is not for this host name" },
		{ 64, "TLS certificate is not for this address" },
	};
	long result = -1;

	curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &result);
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		if (results[i].result == result)
			reason_set(v, results[i].text);
	}
}

/* What the receiver says about our certificate arrives as an alert, often only
 * when its reply is read: TLS 1.3 clients are done before the server has looked. */
static int alert_reason_set(const struct tocsin_outcome *out, struct tocsin_verdict *v)
{
	static const char *const alerts[][2] = {
		{ "alert certificate required", "the receiver demands a TLS client certificate" },
		{ "alert unknown ca",
		  "the receiver does not trust the sender's TLS client certificate" },
		{ "alert bad certificate", "the receiver refuses the sender's TLS certificate" },
		{ "alert unsupported certificate",
		  "the receiver cannot use the sender's TLS certificate" },
		{ "alert certificate unknown",
		  "the receiver refuses the sender's TLS certificate" },
		{ "alert certificate expired", "the sender's TLS certificate has expired" },
		{ "alert certificate revoked", "the sender's TLS certificate was revoked" },
		{ "alert access denied", "the receiver refuses the sender's TLS certificate" },
	};

	for (size_t i = 0; i < sizeof(alerts) / sizeof(alerts[0]); i++) {
		if (strstr(out->curl_error, alerts[i][0]) == NULL)
			continue;
		v->throttled = 0;
		reason_set(v, alerts[i][1]);
		return 1;
	}
	return 0;
}

static int is_tls_break(CURLcode code)
{
	return code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR ||
	       code == CURLE_SSL_CONNECT_ERROR;
}

/* Codes that mean two things, told apart by how far the transfer came. */
static void detail_set(CURL *easy, const struct tocsin_outcome *out, struct tocsin_verdict *v)
{
	if (out->curl == CURLE_COULDNT_CONNECT) {
		connect_reason_set(easy, v);
	} else if (out->curl == CURLE_OPERATION_TIMEDOUT) {
		timeout_reason_set(easy, out, v);
	} else if (out->curl == CURLE_PEER_FAILED_VERIFICATION) {
		certificate_reason_set(easy, v);
	} else if (is_tls_break(out->curl) && alert_reason_set(out, v)) {
		return;
	} else if (out->curl == CURLE_OUT_OF_MEMORY && was_connected(easy, out)) {
		/* One header line of more than 100 KB: the receiver's doing. */
		reason_set(v, header_too_large);
	} else if (out->curl == CURLE_RECV_ERROR &&
		   strstr(out->curl_error, "Too large response headers") != NULL) {
		v->throttled = 0;
		reason_set(v, header_too_large);
	} else if (out->curl == CURLE_UNSUPPORTED_PROTOCOL && was_connected(easy, out)) {
		v->kind = TOCSIN_RETRY;
		reason_set(v, "the reply is not HTTP (or is HTTP/0.9)");
	}
}

void outcome_transport(CURL *easy, const struct tocsin_outcome *out, struct tocsin_verdict *v)
{
	const struct curl_rule *rule = curl_rules;

	while (rule->code != out->curl && rule->code != CURLE_OK)
		rule++;
	v->kind = rule->kind;
	v->throttled = rule->throttled;
	if (rule->code == CURLE_OK)
		snprintf(v->reason, sizeof(v->reason), "%s (libcurl code %d)", rule->reason,
			 (int)out->curl);
	else
		reason_set(v, rule->reason);
	detail_set(easy, out, v);
}

/* The core stops reading at its cap: the status had come by then. */
int outcome_has_status(const struct tocsin_outcome *out)
{
	const int is_capped = out->curl == CURLE_WRITE_ERROR ||
			      out->curl == CURLE_FILESIZE_EXCEEDED;

	return out->status >= 100 && out->status <= 999 && (out->curl == CURLE_OK || is_capped);
}
