/* routes.c - the table of routes, and finding the one for a path.
 * Literal paths stand before those with {identifier} and win over them.
 * Not here: authentication, scopes, body (router.c); the answers.
 * API threads.
 * SPDX-License-Identifier: MIT */
#include "api/routes.h"

#include "api/deliveries.h"
#include "api/events.h"
#include "api/health.h"
#include "api/hooks.h"
#include "api/openapi.h"
#include "api/preview.h"
#include "model/organization.h"

enum { READERS = SCOPE_READ | SCOPE_MANAGE };

#define HOOKS    "/v1/organizations/webhooks/"
#define HOOK     HOOKS "{identifier}"
#define BODY     ROUTE_BODY
#define OPTIONAL (ROUTE_BODY | ROUTE_BODY_OPTIONAL)
#define PUBLISH  (ROUTE_BODY | ROUTE_STRICT_QUERY | ROUTE_CONFLICTS)

/* The first one is the hot one. */
static const struct route routes[] = {
	{ METHOD_POST, "/v1/events", SCOPE_PUBLISH, PUBLISH, events_publish, events_publish_begin,
	  NULL, 202, "EventInput", "EventAccepted", "publish_event_v1_events_post", "Events",
	  "Publish Event",
	  "Store one event and its deliveries. Answered only after both are on disk." },
	{ METHOD_POST, "/v1/events/batch", SCOPE_PUBLISH, PUBLISH | ROUTE_BATCH,
	  events_publish_batch, NULL, NULL, 202, "EventBatch", "EventBatchAccepted",
	  "publish_event_batch_v1_events_batch_post", "Events", "Publish Events",
	  "Store up to 1,000 events, all or nothing, in one commit. Results are in order." },
	{ METHOD_GET, "/v1/events/{identifier}", READERS, ROUTE_STRICT_QUERY, events_show, NULL,
	  NULL, 200, NULL, "Event", "get_event_v1_events__identifier__get", "Events", "Get Event",
	  "One event by the server's id or by the producer's own." },

	{ METHOD_GET, "/v1/deliveries", READERS, ROUTE_STRICT_QUERY, deliveries_list, NULL,
	  deliveries_query, 200, NULL, "DeliveryList", "list_deliveries_v1_deliveries_get",
	  "Deliveries", "List Deliveries", "Deliveries, newest first." },
	{ METHOD_GET, "/v1/deliveries/{identifier}", READERS, ROUTE_STRICT_QUERY, deliveries_show,
	  NULL, NULL, 200, NULL, "DeliveryDetail", "get_delivery_v1_deliveries__identifier__get",
	  "Deliveries", "Get Delivery", "One delivery with all of its attempts." },

	{ METHOD_POST, HOOKS, SCOPE_MANAGE, BODY, hooks_add, NULL, NULL, 201, "Webhook-Input",
	  "Webhook-Output", "create_webhook_v1_organizations_webhooks__post", "Webhooks",
	  "Create Webhook", "Create a new webhook for the key's organization." },
	{ METHOD_GET, HOOKS, READERS, ROUTE_ARRAY, hooks_list_plain, NULL, NULL, 200, NULL,
	  "Webhook-Output", "list_webhooks_plain_v1_organizations_webhooks__get", "Webhooks",
	  "List Webhooks (older form)", "All webhooks of the key's organization as an array." },
	{ METHOD_POST, HOOKS "list", READERS, OPTIONAL, hooks_list, NULL, hooks_query, 200,
	  "ListWebhooksRequest", "ListWebhooksResponse",
	  "list_webhooks_v1_organizations_webhooks_list_post", "Webhooks", "List Webhooks",
	  "Webhooks of the key's organization, filtered, a page at a time." },
	{ METHOD_POST, HOOKS "preview", SCOPE_MANAGE, BODY, preview_show, NULL, NULL, 200,
	  "PreviewRequest", "PreviewResponse",
	  "preview_webhook_v1_organizations_webhooks_preview_post", "Webhooks", "Preview Webhook",
	  "What each channel would send for a sample event. Nothing is stored or sent." },
	{ METHOD_GET, HOOK, READERS, 0, hooks_show, NULL, NULL, 200, NULL, "Webhook-Output",
	  "get_webhook_v1_organizations_webhooks__identifier__get", "Webhooks", "Get Webhook",
	  "Get a single webhook by its id." },
	{ METHOD_PUT, HOOK, SCOPE_MANAGE, BODY, hooks_put, NULL, NULL, 200, "Webhook-Input",
	  "Webhook-Output", "update_webhook_v1_organizations_webhooks__identifier__put", "Webhooks",
	  "Update Webhook",
	  "Replace name, event types and channels. is_active and description keep their value "
	  "when they are absent." },
	{ METHOD_PATCH, HOOK, SCOPE_MANAGE, BODY, hooks_patch, NULL, hooks_patch_query, 200,
	  "WebhookPatch", "Webhook-Output",
	  "patch_webhook_v1_organizations_webhooks__identifier__patch", "Webhooks", "Patch Webhook",
	  "Change the members that are given." },
	{ METHOD_DELETE, HOOK, SCOPE_MANAGE, 0, hooks_remove, NULL, NULL, 204, NULL, NULL,
	  "delete_webhook_v1_organizations_webhooks__identifier__delete", "Webhooks",
	  "Delete Webhook",
	  "Delete a webhook and cancel what waits for it. Succeeds also when there is none." },
	{ METHOD_GET, HOOK "/secret", SCOPE_MANAGE, 0, hooks_secret_show, NULL, NULL, 200, NULL,
	  "SigningSecret", "get_secret_v1_organizations_webhooks__identifier__secret_get",
	  "Webhooks", "Get Signing Secret", "The secret that deliveries are signed with." },
	{ METHOD_POST, HOOK "/secret/rotate", SCOPE_MANAGE, 0, hooks_secret_rotate, NULL, NULL, 200,
	  NULL, "SigningSecret",
	  "rotate_secret_v1_organizations_webhooks__identifier__secret_rotate_post", "Webhooks",
	  "Rotate Signing Secret",
	  "Make a new secret; deliveries carry signatures by both until the old one expires." },

	{ METHOD_GET, "/openapi.json", 0, ROUTE_PLAIN, openapi_show, NULL, NULL, 200, NULL, NULL,
	  "openapi_get", "Server", "This Description", "The API as OpenAPI 3.1." },
	{ METHOD_GET, "/healthz", 0, 0, health_live, NULL, NULL, 200, NULL, "Health", "healthz_get",
	  "Server", "Liveness", "The process answers." },
	{ METHOD_GET, "/readyz", 0, 0, health_ready, NULL, NULL, 200, NULL, "Health", "readyz_get",
	  "Server", "Readiness", "Events can be accepted: 503 while the store cannot commit." },
	{ METHOD_GET, "/metrics", 0, ROUTE_PLAIN, health_metrics, NULL, NULL, 200, NULL, NULL,
	  "metrics_get", "Server", "Metrics", "Prometheus text format." },
};

const struct route *routes_all(size_t *out_count)
{
	*out_count = COUNT_OF(routes);
	return routes;
}

static bool path_fits(const char *pattern, const struct request *q, struct span *identifier)
{
	size_t at = 0;

	while (*pattern == '/') {
		const size_t len = strcspn(++pattern, "/");

		if (len == 0)
			break; /* its final slash */
		if (at == q->segment_count)
			return false;
		const struct span segment = q->segments[at++];

		if (*pattern == '{')
			*identifier = segment;
		else if (segment.len != len || memcmp(segment.ptr, pattern, len) != 0)
			return false;
		pattern += len;
	}
	return at == q->segment_count;
}

const struct route *routes_find(const struct request *q, unsigned *out_allowed,
				struct span *out_identifier)
{
	bool is_literal = false;

	*out_allowed = 0;
	for (size_t i = 0; i < COUNT_OF(routes); i++) {
		const struct route *route = &routes[i];
		struct span identifier = { NULL, 0 };

		if (!path_fits(route->pattern, q, &identifier) ||
		    (is_literal && identifier.ptr != NULL))
			continue;
		if (route->method == q->method) {
			*out_identifier = identifier;
			return route;
		}
		is_literal = is_literal || identifier.ptr == NULL;
		*out_allowed |= BIT(route->method);
	}
	return NULL;
}
