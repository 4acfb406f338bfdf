/* verdict.h - the judgements that all SMS providers share.
 * SPDX-License-Identifier: MIT
 * Thread  any. Reasons are clean UTF-8, cut to fit. */
#ifndef PLUGINS_SMS_VERDICT_H
#define PLUGINS_SMS_VERDICT_H

#include "sms/sms.h"

/* Delivered: "accepted as ID, 2 parts (GSM-7)". id: NULL or "" for none. parts: as
 * the provider counted, or 0. how: "accepted", "queued by the gateway". */
void verdict_accept(const struct answer *a, const char *how, const char *id, unsigned parts,
		    struct tocsin_verdict *v);

/* Final. */
void verdict_fail(struct tocsin_verdict *v, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Not taken now, but worth another try; throttled: the provider is overloaded. */
void verdict_retry(const struct answer *a, struct tocsin_verdict *v, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void verdict_retry_throttled(const struct answer *a, struct tocsin_verdict *v, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Only the operator can mend it (credentials, account, URL): a slow retry, and a
 * line in the log. what: short, without secrets and numbers; both see it. */
void verdict_alarm(const struct answer *a, struct tocsin_verdict *v, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The log's line alone, for refusals that are final all the same. */
void verdict_complain(const struct answer *a, const char *what);

/* A transfer without a reply: a retry that says when the message may have gone out. */
void verdict_transport(CURL *easy, const struct tocsin_outcome *out, struct tocsin_verdict *v);

/* The first words of a reply, fit for a reason: one line of clean UTF-8. */
enum { EXCERPT_BYTES = 100 };
void verdict_excerpt(struct tocsin_span words, char out[EXCERPT_BYTES]);

#endif
