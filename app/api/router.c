/* router.c - the steps every request takes before its resource answers it.
 * Order: key, path, method, scope, query, body. The key comes first, so that a
 * stranger learns nothing of what exists.
 * Not here: reading from the wire (request.c), the answers (one file a
 * resource).
 * API threads.
 * SPDX-License-Identifier: MIT */
#include "api/router.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "api/routes.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"

enum { ALLOW_BYTES = 64, COMPLAINT_PAUSE_MS = 1000 };

/* --- Who asks, and for what ----------------------------------------------------- */

/* Everything under /v1 needs a key, also what does not exist there. */
static bool is_guarded(const struct request *q)
{
	return q->path.len >= 3 && memcmp(q->path.ptr, "/v1", 3) == 0 &&
	       (q->path.len == 3 || q->path.ptr[3] == '/');
}

static bool caller_check(struct exchange *x)
{
	const struct span key = request_bearer(&x->request);

	if (key.ptr != NULL && access_check(x->api->access, key, &x->caller) == ERR_OK)
		return true;
	reply_header(&x->reply, "WWW-Authenticate", "Bearer");
	reply_error(&x->reply, 401,
		    key.ptr == NULL ? "An API key is needed: Authorization: Bearer sk_live_…"
				    : "The API key is not valid");
	return false;
}

static void method_refuse(struct exchange *x, unsigned allowed)
{
	char list[ALLOW_BYTES] = "";
	size_t len = 0;

	for (int m = METHOD_GET; m < METHOD_COUNT; m++) {
		if ((allowed & BIT(m)) == 0)
			continue;
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s%s",
					len == 0 ? "" : ", ", method_text((enum method)m),
					m == METHOD_GET ? ", HEAD" : "");
	}
	reply_header(&x->reply, "Allow", list);
	reply_error(&x->reply, 405, "This path answers only to %s", list);
}

static bool route_find(struct exchange *x)
{
	unsigned allowed = 0;

	x->identifier = (struct span){ NULL, 0 };
	x->route = NULL;
	if (x->request.path_is_sound)
		x->route = routes_find(&x->request, &allowed, &x->identifier);
	if (x->route == NULL && allowed != 0)
		method_refuse(x, allowed);
	else if (x->route == NULL)
		reply_error(&x->reply, 404, "There is nothing at this path");
	return x->route != NULL;
}

static bool scope_check(struct exchange *x)
{
	char needed[32];

	if (x->route->scopes == 0 || (x->route->scopes & x->caller.scopes) != 0)
		return true;
	scopes_format(x->route->scopes, needed);
	reply_error(&x->reply, 403, "The API key lacks the scope for this (%s)", needed);
	return false;
}

/* --- What is sent ------------------------------------------------------------------ */

static bool query_check(struct exchange *x)
{
	const enum query_strictness strictness = x->route->flags & ROUTE_STRICT_QUERY
							 ? QUERY_STRICT
							 : QUERY_LENIENT;

	query_parse(&x->query, x->request.query, x->route->query, strictness, &x->faults);
	/* With a body there may be more to say, all of it at once. */
	if (!faults_any(&x->faults) || (x->route->flags & ROUTE_BODY) != 0)
		return true;
	reply_faults(&x->reply, &x->faults);
	return false;
}

static bool body_check(struct exchange *x, FCGX_Stream *in)
{
	const struct conf_api *caps = &x->api->conf->api;
	const int64_t cap = x->route->flags & ROUTE_BATCH ? caps->batch_max_bytes
							  : caps->body_max_bytes;
	const enum err rc = request_body_read(&x->request, in, (size_t)cap);

	if (rc == ERR_TOO_BIG)
		reply_error(&x->reply, 413, "The body may have at most %" PRId64 " bytes", cap);
	else if (rc == ERR_IO)
		reply_error(&x->reply, 400, "The body broke off");
	else if (rc == ERR_BAD_REQUEST)
		reply_error(&x->reply, 400, "The body is not as long as Content-Length says");
	else if (rc != ERR_OK)
		reply_err(&x->reply, rc);
	else if (x->request.body.len > 0 && !request_is_json(&x->request))
		reply_error(&x->reply, 415, "The body must be application/json in UTF-8");
	else
		return true;
	return false;
}

static enum router_outcome answer(struct exchange *x, FCGX_Stream *in)
{
	if (is_guarded(&x->request) && !caller_check(x))
		return ROUTER_ANSWERED;
	if (!route_find(x) || !scope_check(x) || !query_check(x))
		return ROUTER_ANSWERED;
	if ((x->route->flags & ROUTE_BODY) != 0 && !body_check(x, in))
		return ROUTER_ANSWERED;
	/* The hot route, where one may wait for the disk without a thread. */
	if (x->route->begin != NULL && x->waiter.committed != NULL && x->route->begin(x))
		return ROUTER_WAITING;
	if (x->route->begin == NULL || x->waiter.committed == NULL)
		x->route->answer(x);
	return ROUTER_ANSWERED;
}

/* --- What is kept of it ------------------------------------------------------------ */

static void status_count(int status)
{
	if (status >= 500)
		metric_add(METRIC_REQUESTS_5XX, 1);
	else if (status >= 400)
		metric_add(METRIC_REQUESTS_4XX, 1);
	else
		metric_add(METRIC_REQUESTS_2XX, 1);
}

/* A full disk fails thousands of requests a second: one line a second is enough. */
static void failure_log(const struct exchange *x)
{
	static _Atomic int64_t next_mono_ms;
	static atomic_uint unsaid;
	const int64_t now_ms = clock_mono_ms();
	int64_t next_ms = atomic_load(&next_mono_ms);

	if (now_ms < next_ms ||
	    !atomic_compare_exchange_strong(&next_mono_ms, &next_ms, now_ms + COMPLAINT_PAUSE_MS)) {
		atomic_fetch_add(&unsaid, 1);
		return;
	}
	log_error("api status=%d method=%s route=%s key=%s unsaid=%u reason=\"%s\"",
		  x->reply.status, method_text(x->request.method),
		  x->route == NULL ? "-" : x->route->pattern, x->caller.key_public_id,
		  atomic_exchange(&unsaid, 0), reply_cause_text(&x->reply));
}

static void reply_note(const struct exchange *x)
{
	status_count(x->reply.status);
	if (x->reply.status >= 500)
		failure_log(x);
}

enum router_outcome router_run(struct exchange *x, FCGX_ParamArray params, FCGX_Stream *in)
{
	exchange_reset(x);
	x->routes = routes_all(&x->route_count);
	request_head_read(&x->request, params);
	if (answer(x, in) == ROUTER_WAITING)
		return ROUTER_WAITING;
	reply_note(x);
	return ROUTER_ANSWERED;
}

void router_resume(struct exchange *x)
{
	x->resume(x);
	reply_note(x);
}
