/* verdict.c - sets verdicts with their reasons, and tells the operator.
 * Not here: what a provider's answers mean (twilio.c, kannel.c, gateway.c).
 * Any thread; the alarm's moment is the only state.
 * SPDX-License-Identifier: MIT */
#include "sms/verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "common/outcome.h"

enum {
	OPERATOR_RETRY_MS = 60 * 60 * 1000,
	COMPLAINT_EVERY_S = 60,
	DESCRIPTION_BYTES = 64,
	ID_MAX_BYTES = 64
};

__attribute__((format(printf, 2, 0))) static void reason_format(struct tocsin_verdict *v,
								const char *fmt, va_list args)
{
	char whole[512];
	const int len = vsnprintf(whole, sizeof(whole), fmt, args);
	size_t kept = len < 0 ? 0 : strlen(whole);

	kept = text_cut(whole, kept, sizeof(v->reason) - 1);
	memcpy(v->reason, whole, kept);
	v->reason[kept] = '\0';
}

void verdict_excerpt(struct tocsin_span words, char out[EXCERPT_BYTES])
{
	size_t len = 0;

	for (size_t at = 0; at < words.len;) {
		const size_t start = at;
		const uint32_t c = wording_character(words.ptr, words.len, &at);
		const int is_plain = c >= 0x20 && !(c >= 0x7F && c <= 0x9F) && c != 0xFFFD;

		if (!is_plain && (len == 0 || out[len - 1] == ' '))
			continue;
		if (len + (is_plain ? at - start : 1) >= EXCERPT_BYTES)
			break;
		if (is_plain) {
			memcpy(out + len, words.ptr + start, at - start);
			len += at - start;
		} else {
			out[len++] = ' ';
		}
	}
	while (len > 0 && out[len - 1] == ' ')
		len--;
	out[len] = '\0';
}

void verdict_fail(struct tocsin_verdict *v, const char *fmt, ...)
{
	va_list args;

	v->kind = TOCSIN_FAILED;
	va_start(args, fmt);
	reason_format(v, fmt, args);
	va_end(args);
}

void verdict_retry(const struct answer *a, struct tocsin_verdict *v, const char *fmt, ...)
{
	va_list args;

	v->kind = TOCSIN_RETRY;
	v->retry_after_ms = a->out->retry_after_ms;
	va_start(args, fmt);
	reason_format(v, fmt, args);
	va_end(args);
}

void verdict_retry_throttled(const struct answer *a, struct tocsin_verdict *v, const char *fmt, ...)
{
	va_list args;

	v->kind = TOCSIN_RETRY;
	v->throttled = 1;
	v->retry_after_ms = a->out->retry_after_ms;
	va_start(args, fmt);
	reason_format(v, fmt, args);
	va_end(args);
}

/* --- the operator's log --------------------------------------------------------- */

static long long now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec + 1; /* 0 is "no alarm" */
}

void verdict_complain(const struct answer *a, const char *what)
{
	const struct tocsin_host *host = a->sms->host;
	const long long now = now_s();
	long long last = atomic_load(&a->sms->alarm_at_s);

	/* Whoever sets the moment writes the line: one of all threads, once a minute. */
	if (last != 0 && now - last < COMPLAINT_EVERY_S)
		return;
	if (atomic_compare_exchange_strong(&a->sms->alarm_at_s, &last, now))
		host->log(host->core, LOG_ERR, "provider=%s messages are not sent: %s",
			  a->sms->provider->name, what);
}

static void recovery_tell(const struct answer *a)
{
	const struct tocsin_host *host = a->sms->host;

	if (atomic_load(&a->sms->alarm_at_s) != 0 && atomic_exchange(&a->sms->alarm_at_s, 0) != 0)
		host->log(host->core, LOG_NOTICE, "provider=%s messages are taken again",
			  a->sms->provider->name);
}

void verdict_alarm(const struct answer *a, struct tocsin_verdict *v, const char *fmt, ...)
{
	va_list args;

	v->kind = TOCSIN_RETRY;
	v->retry_after_ms = a->out->retry_after_ms > OPERATOR_RETRY_MS ? a->out->retry_after_ms
								       : OPERATOR_RETRY_MS;
	va_start(args, fmt);
	reason_format(v, fmt, args);
	va_end(args);
	verdict_complain(a, v->reason);
}

/* --- accepted, or who knows ------------------------------------------------------ */

void verdict_accept(const struct answer *a, const char *how, const char *id, unsigned parts,
		    struct tocsin_verdict *v)
{
	char count[DESCRIPTION_BYTES];

	v->kind = TOCSIN_DELIVERED;
	wording_describe(&a->attempt->wording, parts, count, sizeof(count));
	snprintf(v->reason, sizeof(v->reason), "%s%s%.*s, %s", how,
		 id == NULL || id[0] == '\0' ? "" : " as ",
		 (int)(id == NULL ? 0 : text_cut(id, strlen(id), ID_MAX_BYTES)),
		 id == NULL ? "" : id, count);
	recovery_tell(a);
}

/* The request, or some of it, was written to a connection. */
static int was_begun(CURL *easy)
{
	long bytes = 0;

	return curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &bytes) == CURLE_OK && bytes > 0;
}

void verdict_transport(CURL *easy, const struct tocsin_outcome *out, struct tocsin_verdict *v)
{
	static const char doubt[] = "; may have been sent";

	outcome_transport(easy, out, v);
	v->retry_after_ms = out->retry_after_ms;
	if (!was_begun(easy))
		return;
	const size_t kept = text_cut(v->reason, strlen(v->reason),
				     sizeof(v->reason) - sizeof(doubt));

	memcpy(v->reason + kept, doubt, sizeof(doubt));
}
