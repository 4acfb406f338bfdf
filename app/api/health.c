/* health.c - /healthz, /readyz and /metrics.
 * Not here: counting (base/metrics, as things happen).
 * API threads.
 * SPDX-License-Identifier: MIT */
#include "api/health.h"

#include "api/exchange.h"
#include "base/metrics.h"

static void status_write(struct exchange *x, const char *status)
{
	struct json_writer w = reply_json(&x->reply, 200);

	json_open(&w, '{');
	json_put(&w, "status", status);
	json_close(&w, '}');
}

void health_live(struct exchange *x)
{
	status_write(x, "ok");
}

void health_ready(struct exchange *x)
{
	const enum err rc = store_health(x->api->store);

	if (rc == ERR_OK) {
		status_write(x, "ready");
		return;
	}
	reply_header(&x->reply, "Retry-After", "5");
	x->reply.cause = rc;
	reply_error(&x->reply, 503, "The store cannot commit: %s", err_text(rc));
}

void health_metrics(struct exchange *x)
{
	x->reply.status = 200;
	x->reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
	metrics_print(&x->reply.body);
}
