/* trial_judging.c - does classify() say something sensible of whatever comes back?
 * Not here: the answers (trial_cases.c). The handle has made no transfer, so only
 * struct tocsin_outcome says what came.
 * Main thread; trial_judge() also the threads of trial_rounds.c.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "channel/blame.h"
#include "delivery/trial_state.h"

void trial_judge(const struct trial *t, const struct trial_attempt *a,
		 const struct trial_outcome *out, struct tocsin_verdict *v)
{
	const struct tocsin_outcome given = {
		.size = sizeof(given),
		.curl = out->curl,
		.status = out->status,
		.retry_after_ms = out->retry_after_ms,
		.body = out->body,
		.curl_error = out->curl == CURLE_OK ? "" : curl_easy_strerror(out->curl),
		.last_line = { out->last_line, strlen(out->last_line) },
	};

	*v = (struct tocsin_verdict){ .size = sizeof(*v) };
	t->channel->plugin.vtable.classify(t->channel->state, a->transfer->request.attempt,
					   a->transfer->easy, &given, v);
}

void trial_reason_check(struct trial *t, const char *text, size_t bytes, const char *who)
{
	const char *end = memchr(text, '\0', bytes);

	if (end == NULL) {
		trial_find(t, TRIAL_FAIL, "%s writes a reason without a NUL at its end", who);
		return;
	}
	if (!utf8_check((struct span){ text, (size_t)(end - text) }))
		trial_find(t, TRIAL_FAIL, "%s writes a reason that is no UTF-8", who);
	for (const char *at = text; at < end; at++) {
		if ((unsigned char)*at >= 0x20 && *at != 0x7F)
			continue;
		trial_find(t, TRIAL_WARNING, "%s writes a control character (0x%02x) in a reason",
			   who, (unsigned)(unsigned char)*at);
		break;
	}
	for (size_t i = 0; i < t->secret_count; i++) {
		if (strstr(text, t->secrets[i]) != NULL)
			trial_find(t, TRIAL_FAIL, "%s shows a secret in its reason", who);
	}
}

/* A way to fail that another attempt may well not meet. */
static bool is_passing(const struct trial_outcome *out)
{
	if (out->curl == CURLE_OK)
		return out->status == 429 || out->status >= 500;
	return out->status == 0 &&
	       (out->curl == CURLE_COULDNT_RESOLVE_HOST || out->curl == CURLE_COULDNT_CONNECT ||
		out->curl == CURLE_OPERATION_TIMEDOUT || out->curl == CURLE_GOT_NOTHING ||
		out->curl == CURLE_SEND_ERROR || out->curl == CURLE_RECV_ERROR ||
		out->curl == CURLE_SSL_CONNECT_ERROR || out->curl == CURLE_OUT_OF_MEMORY);
}

static void kind_check(struct trial *t, const struct trial_outcome *out,
		       const struct tocsin_verdict *v)
{
	const bool is_final = v->kind == TOCSIN_FAILED || v->kind == TOCSIN_GONE;

	if (v->kind == TOCSIN_UNKNOWN || v->kind > TOCSIN_GONE)
		trial_find(t, TRIAL_FAIL,
			   "%s: verdict %u is none of delivered, retry, failed, gone", out->label,
			   (unsigned)v->kind);
	if (v->kind == TOCSIN_DELIVERED && out->status == 0)
		trial_find(t, TRIAL_FAIL, "%s is called delivered: nothing was answered",
			   out->label);
	if (v->kind == TOCSIN_DELIVERED && out->status >= 300)
		trial_find(t, TRIAL_WARNING, "%s is called delivered", out->label);
	/* Of a mail dialogue 5xx is final. */
	if (is_final && is_passing(out) && out->last_line[0] == '\0')
		trial_find(t, TRIAL_WARNING, "%s is called final: another attempt might do",
			   out->label);
	if (v->kind != TOCSIN_DELIVERED && v->reason[0] == '\0')
		trial_find(t, TRIAL_WARNING, "%s: no reason, which is all the tenant sees",
			   out->label);
	if (v->retry_after_ms < 0 || v->retry_after_ms > DAYS_MS(30))
		trial_find(t, TRIAL_FAIL, "%s: retry_after_ms is %lld", out->label,
			   (long long)v->retry_after_ms);
	if (v->kind == TOCSIN_RETRY && out->retry_after_ms > v->retry_after_ms)
		trial_find(t, TRIAL_WARNING, "%s: the receiver's Retry-After is dropped",
			   out->label);
}

static void outcome_try(struct trial *t, const struct trial_configs *configs,
			const struct trial_outcome *out)
{
	struct trial_attempt a;
	struct tocsin_verdict v;
	char who[256];

	trial_call(t, "prepare() for the event %s, configs %s", t->events[0].label, configs->label);
	trial_attempt_make(t, configs, &t->events[0], 1, &a);
	if (a.transfer->is_prepared) {
		trial_call(t, "classify() of %s, configs %s", out->label, configs->label);
		trial_judge(t, &a, out, &v);
		trial_return(t);
		snprintf(who, sizeof(who), "classify() of %s (configs %s)", out->label,
			 configs->label);
		trial_reason_check(t, v.reason, sizeof(v.reason), who);
		v.reason[sizeof(v.reason) - 1] = '\0';
		kind_check(t, out, &v);
	}
	trial_call(t, "release() after classify() of %s", out->label);
	trial_attempt_finish(&a);
	trial_return(t);
}

void trial_judging(struct trial *t)
{
	struct trial_outcome out;
	size_t count = 0;

	trial_topic(t, "classify");
	for (size_t c = 0; c < t->configs_count; c++) {
		for (count = 0; trial_outcome_make(t->channel, count, &out); count++)
			outcome_try(t, &t->configs[c], &out);
	}
	trial_settle(t, "%zu outcomes, %zu configs", count, t->configs_count);
}
