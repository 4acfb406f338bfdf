/* schemas.c - the shapes of requests and replies as tables, written as JSON
 * Schema. What a channel's configs hold comes from its plugin's table.
 * Not here: paths and operations (openapi.c).
 * API threads; pure.
 * SPDX-License-Identifier: MIT */
#include "api/schemas.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "channel/configs.h"

/* type: string, integer, number, boolean, object, any, date-time or #Schema; in
 * front [] for an array of it; behind it ? when it may be null and ! when it is
 * always there. more: further keywords as JSON members. */
struct property {
	const char *name, *type, *more, *help;
};

struct schema {
	const char *name, *title, *help;
	const struct property *properties; /* ends with name NULL */
};

/* --- Webhooks ------------------------------------------------------------------ */

#define NAME_RULE    "\"minLength\":1,\"maxLength\":200"
#define TEXT_RULE    "\"maxLength\":2000"
#define ONE_AT_LEAST "\"minItems\":1"
#define NAME_HELP    "What people call it; 1 to 200 characters."
#define TYPES_HELP \
	"Event types to send: exact ones, prefixes like cluster.* (any depth below), or *."
#define CHANNELS_HELP "Where to send; each event goes to all of them."
#define ACTIVE_HELP   "False pauses: nothing is matched, what waits is held."

/* Sent back by clients that were generated from an older description. */
#define SERVER_OWNED                                                     \
	{ "webhook_id", "any", NULL, "Ignored: the server's." },         \
		{ "created_at", "any", NULL, "Ignored: the server's." }, \
		{ "updated_at", "any", NULL, "Ignored: the server's." }, \
		{ "last_error", "any", NULL, "Ignored: the server's." }, \
	{                                                                \
		"disabled_reason", "any", NULL, "Ignored: the server's." \
	}

static const struct property webhook_input[] = {
	{ "webhook_name", "string!", NAME_RULE, NAME_HELP },
	{ "description", "string?", TEXT_RULE, "Anything worth knowing about it." },
	{ "event_types", "[]string!", ONE_AT_LEAST, TYPES_HELP },
	{ "channels", "[]#WebhookChannel-Input!", ONE_AT_LEAST, CHANNELS_HELP },
	{ "is_active", "boolean?", "\"default\":true", ACTIVE_HELP },
	SERVER_OWNED,
	{ NULL, NULL, NULL, NULL },
};

static const struct property webhook_patch[] = {
	{ "webhook_name", "string?", NAME_RULE, NAME_HELP },
	{ "description", "string?", TEXT_RULE, "Null removes it." },
	{ "event_types", "[]string?", ONE_AT_LEAST, TYPES_HELP },
	{ "channels", "[]#WebhookChannel-Input?", ONE_AT_LEAST, CHANNELS_HELP },
	{ "is_active", "boolean?", NULL, ACTIVE_HELP },
	SERVER_OWNED,
	{ NULL, NULL, NULL, NULL },
};

static const struct property webhook_output[] = {
	{ "webhook_id", "string!", "\"pattern\":\"^wh_[0-9A-Za-z]{10}$\"", "Its id." },
	{ "webhook_name", "string!", NAME_RULE, NAME_HELP },
	{ "description", "string?!", NULL, "Anything worth knowing about it." },
	{ "event_types", "[]string!", ONE_AT_LEAST, TYPES_HELP },
	{ "channels", "[]#WebhookChannel-Output!", ONE_AT_LEAST, CHANNELS_HELP },
	{ "is_active", "boolean!", NULL, ACTIVE_HELP },
	{ "disabled_reason", "string?!", NULL,
	  "Why the server disabled it; null while it did not." },
	{ "created_at", "date-time!", NULL, "When it was created." },
	{ "updated_at", "date-time!", NULL,
	  "When event_types, channels or is_active changed last." },
	{ "last_error", "#WebhookError?!", NULL, "The last failure, until the next success." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property webhook_error[] = {
	{ "message", "string!", NULL, "What went wrong." },
	{ "channel", "string!", NULL, "The channel's name." },
	{ "status_code", "integer?!", NULL, "What the receiver answered; null when it did not." },
	{ "event_id", "string!", NULL, "The event that was being sent." },
	{ "occurred_at", "date-time!", NULL, "When it went wrong." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property channel_input[] = {
	{ "channel", "#NotificationChannel!", NULL, "A channel that this server has." },
	{ "configs", "#ChannelConfigs!", NULL, "The channel's own settings." },
	{ "description", "string?", TEXT_RULE, "Anything worth knowing about it." },
	{ "status", "any", NULL, "Ignored: the server's." },
	{ "disabled_reason", "any", NULL, "Ignored: the server's." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property channel_output[] = {
	{ "channel", "#NotificationChannel!", NULL, "A channel that this server has." },
	{ "description", "string?!", NULL, "Anything worth knowing about it." },
	{ "configs", "object!", NULL,
	  "The channel's own settings, defaults filled in, secrets masked. A masked value that "
	  "is sent back stands for the stored one." },
	{ "status", "string!", "\"enum\":[\"active\",\"disabled\"]",
	  "Disabled by the server after lasting failure or 410 Gone." },
	{ "disabled_reason", "string?!", NULL, "Why it was disabled." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property list_request[] = {
	{ "event_type", "string?", NULL, "Only webhooks whose subscriptions match this type." },
	{ "is_active", "boolean?", NULL, "Only active, or only paused webhooks." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property list_response[] = {
	{ "results", "[]#Webhook-Output!", NULL, "One page." },
	{ "pagination", "#PaginationResponse!", NULL, "Where to go on." },
	{ "total", "integer!", NULL, "Webhooks that match, on all pages." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property pagination[] = {
	{ "total", "integer?!", NULL, "With include_total only." },
	{ "page", "integer?!", NULL, "By offset and limit; null behind a cursor." },
	{ "page_size", "integer?!", NULL, "The limit." },
	{ "total_pages", "integer?!", NULL, "With include_total only." },
	{ "next_page", "string?!", NULL, "Always null: use next_cursor." },
	{ "previous_page", "string?!", NULL, "Always null." },
	{ "next_cursor", "string?!", NULL, "Give it as cursor to go on; null at the end." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property preview_request[] = {
	{ "webhook_id", "string?", NULL,
	  "A stored webhook that the rest changes; null: a new one." },
	{ "webhook_name", "string?", NAME_RULE, NAME_HELP },
	{ "description", "string?", TEXT_RULE, "Anything worth knowing about it." },
	{ "event_types", "[]string?", ONE_AT_LEAST, TYPES_HELP },
	{ "channels", "[]#WebhookChannel-Input?", ONE_AT_LEAST, CHANNELS_HELP },
	{ "is_active", "boolean?", NULL, ACTIVE_HELP },
	{ "event", "#EventInput?", NULL, "The event to show it with; null: one of the server's." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property preview_response[] = {
	{ "results", "[]#PreviewedChannel!", NULL, "One for each channel, in order." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property previewed_channel[] = {
	{ "channel", "string!", NULL, "The channel's name." },
	{ "targets", "[]string!", NULL, "Each gets a delivery of its own; the first is shown." },
	{ "request", "#PreviewedRequest?!", NULL, "What would be sent; null when nothing would." },
	{ "error", "string?!", NULL, "Why nothing would be sent." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property previewed_request[] = {
	{ "url", "string?!", NULL,
	  "Where to; masked where it is a secret, null where the host is the "
	  "operator's." },
	{ "method", "string?!", NULL, "The HTTP method; null when it is not HTTP." },
	{ "headers", "[]#PreviewedHeader!", NULL, "Without those of an operator's host." },
	{ "body", "string?!", NULL, "What would be sent; null when it is no text." },
	{ "body_base64", "string", NULL, "The same when it is no text." },
	{ "is_cut", "boolean!", NULL, "Is the body longer than what is shown?" },
	{ NULL, NULL, NULL, NULL },
};

static const struct property previewed_header[] = {
	{ "name", "string!", NULL, "Its name." },
	{ "value", "string!", NULL, "Its value; credentials are masked." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property signing_secret[] = {
	{ "secret", "string!", "\"pattern\":\"^whsec_[0-9A-Za-z+/]+=*$\"",
	  "Standard Webhooks secret; sign and verify with the bytes behind whsec_." },
	{ "public_key", "string!", "\"pattern\":\"^whpk_[0-9A-Za-z+/]+=*$\"",
	  "Ed25519 public key, base64 behind whpk_: verifies the v1a signatures of channels that "
	  "are set to them." },
	{ "created_at", "date-time!", NULL, "When it was made." },
	{ "previous", "[]#PreviousSecret!", NULL, "Older ones that still sign." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property previous_secret[] = {
	{ "expires_at", "date-time!", NULL, "Until when deliveries also carry its signature." },
	{ NULL, NULL, NULL, NULL },
};

/* --- Events ---------------------------------------------------------------------- */

#define EVENT_ID_HELP "Your own id, for idempotency; without one the server gives one."
#define TYPE_RULE     "\"maxLength\":200,\"pattern\":\"^[0-9A-Za-z_-]+([.][0-9A-Za-z_-]+)+$\""
#define SHORT_RULE    "\"maxLength\":1000"

static const struct property event_input[] = {
	{ "event_id", "string?", "\"minLength\":1,\"maxLength\":255", EVENT_ID_HELP },
	{ "event_type", "string!", TYPE_RULE, "Like cluster.created." },
	{ "occurred_at", "date-time?", NULL, "When it happened; otherwise when it is accepted." },
	{ "namespace_id", "string?", SHORT_RULE, "Passed on." },
	{ "subject", "string?", SHORT_RULE, "Passed on." },
	{ "metadata", "object?", NULL, "Passed on." },
	{ "cache_scope", "string?", SHORT_RULE, "Passed on." },
	{ "data", "any", NULL, "Any JSON; receivers get the same bytes." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property event_accepted[] = {
	{ "event_id", "string!", NULL, "Yours, or the one it was given." },
	{ "event_type", "string!", NULL, "As it was sent." },
	{ "deliveries", "integer!", NULL, "Targets it goes to." },
	{ "duplicate", "boolean!", NULL, "It was accepted before; nothing is sent again." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property event_batch[] = {
	{ "events", "[]#EventInput!", "\"minItems\":1,\"maxItems\":1000",
	  "All are accepted, or none." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property event_batch_accepted[] = {
	{ "results", "[]#EventAccepted!", NULL, "In the order of the events." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property event_output[] = {
	{ "event_id", "string!", NULL, "The producer's, or the server's." },
	{ "event_type", "string!", NULL, "As it was sent." },
	{ "occurred_at", "date-time!", NULL, "When it happened." },
	{ "created_at", "date-time!", NULL, "When it was accepted." },
	{ "namespace_id", "string?!", NULL, "As it was sent." },
	{ "subject", "string?!", NULL, "As it was sent." },
	{ "metadata", "object?!", NULL, "As it was sent." },
	{ "cache_scope", "string?!", NULL, "As it was sent." },
	{ "data", "any!", NULL, "As it was sent." },
	{ "deliveries", "integer!", NULL, "Targets it went to." },
	{ "test", "boolean!", NULL, "Published with a test key." },
	{ "payload_removed", "boolean", NULL,
	  "There and true when retention removed data and the members above it." },
	{ NULL, NULL, NULL, NULL },
};

/* --- Deliveries ------------------------------------------------------------------- */

#define STATE_RULE "\"enum\":[\"due\",\"sending\",\"held\",\"delivered\",\"failed\",\"cancelled\"]"

#define DELIVERY_HEAD                                                                     \
	{ "delivery_id", "string!", NULL, "Its id." },                                    \
		{ "event_id", "string!", NULL, "The event that is delivered." },          \
		{ "event_type", "string!", NULL, "The event's type." },                   \
		{ "webhook_id", "string!", NULL, "The webhook it is for." },              \
		{ "channel", "string!", NULL, "The channel's name." },                    \
		{ "target", "string?!", NULL, "Where to; masked where it is a secret." }, \
	{                                                                                 \
		"state", "string!", STATE_RULE, "Where it stands."                        \
	}

#define DELIVERY_TAIL                                                                     \
	{ "created_at", "date-time!", NULL, "When the event was accepted." },             \
		{ "next_attempt_at", "date-time?!", NULL, "Null when none is planned." }, \
		{ "done_at", "date-time?!", NULL, "When it reached a final state." },     \
		{ "last_status_code", "integer?!", NULL, "Of the last attempt." },        \
		{ "last_error", "string?!", NULL, "Why the last attempt failed." },       \
	{                                                                                 \
		NULL, NULL, NULL, NULL                                                    \
	}

static const struct property delivery[] = {
	DELIVERY_HEAD,
	{ "attempts", "integer!", NULL, "Attempts made so far." },
	DELIVERY_TAIL,
};

static const struct property delivery_detail[] = {
	DELIVERY_HEAD,
	{ "attempts", "[]#Attempt!", NULL, "First to last." },
	DELIVERY_TAIL,
};

static const struct property delivery_list[] = {
	{ "results", "[]#Delivery!", NULL,
	  "One page; a filter may leave it short although more follows." },
	{ "pagination", "#PaginationResponse!", NULL, "Where to go on." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property attempt[] = {
	{ "number", "integer!", NULL, "From 1." },
	{ "started_at", "date-time!", NULL, "When it began." },
	{ "duration_ms", "number?!", NULL, "All of it." },
	{ "timing", "#AttemptTiming!", NULL, "In parts." },
	{ "status_code", "integer?!", NULL, "What the receiver answered." },
	{ "outcome", "string!", NULL, "What it came to." },
	{ "reason", "string?!", NULL, "For people." },
	{ "reply_excerpt", "string?!", NULL, "The beginning of a reply that was not 2xx." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property attempt_timing[] = {
	{ "dns_ms", "number?!", NULL, "Name look-up." },
	{ "connect_ms", "number?!", NULL, "TCP; null on a kept connection." },
	{ "tls_ms", "number?!", NULL, "TLS handshake." },
	{ "first_byte_ms", "number?!", NULL, "Until the reply began." },
	{ "total_ms", "number?!", NULL, "All of it." },
	{ NULL, NULL, NULL, NULL },
};

/* --- Errors, health ----------------------------------------------------------------- */

static const struct property error_response[] = {
	{ "success", "boolean", "\"default\":false", "Always false." },
	{ "status", "integer!", NULL, "The HTTP status." },
	{ "error", "#ErrorDetail!", NULL, "What went wrong." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property error_detail[] = {
	{ "message", "string!", NULL, "For people." },
	{ "type", "string!", NULL, "For programs." },
	{ "details", "object?", NULL, "More, where there is more." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property validation_errors[] = {
	{ "detail", "[]#ValidationError", NULL, "All faults found, at most 50." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property validation_error[] = {
	{ "loc", "[]any!", NULL, "The way to the value: texts and indexes." },
	{ "msg", "string!", NULL, "For people." },
	{ "type", "string!", NULL, "For programs." },
	{ NULL, NULL, NULL, NULL },
};

static const struct property health[] = {
	{ "status", "string!", NULL, "ok or ready." },
	{ NULL, NULL, NULL, NULL },
};

static const struct schema schemas[] = {
	{ "Webhook-Input", "WebhookInput", "A webhook to create or to put.", webhook_input },
	{ "WebhookPatch", "WebhookPatch", "What to change of a webhook.", webhook_patch },
	{ "Webhook-Output", "Webhook", "A subscription of an organization.", webhook_output },
	{ "WebhookError", "WebhookError", "The last failure of a webhook.", webhook_error },
	{ "WebhookChannel-Input", "WebhookChannelInput", "One way to send.", channel_input },
	{ "WebhookChannel-Output", "WebhookChannel", "One way to send.", channel_output },
	{ "ListWebhooksRequest", "ListWebhooksRequest", "Filters.", list_request },
	{ "ListWebhooksResponse", "ListWebhooksResponse", "A page of webhooks.", list_response },
	{ "PaginationResponse", "PaginationResponse", "Where to go on.", pagination },
	{ "PreviewRequest", "PreviewRequest", "A webhook and an event to look at.",
	  preview_request },
	{ "PreviewResponse", "PreviewResponse", "What would be sent.", preview_response },
	{ "PreviewedChannel", "PreviewedChannel", "What one channel would send.",
	  previewed_channel },
	{ "PreviewedRequest", "PreviewedRequest", "A request that was not made.",
	  previewed_request },
	{ "PreviewedHeader", "PreviewedHeader", "One header line.", previewed_header },
	{ "SigningSecret", "SigningSecret", "What deliveries are signed with.", signing_secret },
	{ "PreviousSecret", "PreviousSecret", "A secret that was replaced.", previous_secret },
	{ "EventInput", "EventInput", "An event to publish.", event_input },
	{ "EventAccepted", "EventAccepted", "An event that is on disk.", event_accepted },
	{ "EventBatch", "EventBatch", "Events to publish together.", event_batch },
	{ "EventBatchAccepted", "EventBatchAccepted", "Events that are on disk.",
	  event_batch_accepted },
	{ "Event", "Event", "A stored event.", event_output },
	{ "Delivery", "Delivery", "One event on its way to one target.", delivery },
	{ "DeliveryDetail", "DeliveryDetail", "A delivery with its attempts.", delivery_detail },
	{ "DeliveryList", "DeliveryList", "A page of deliveries.", delivery_list },
	{ "Attempt", "Attempt", "One try to deliver.", attempt },
	{ "AttemptTiming", "AttemptTiming", "Milliseconds; null for what did not happen.",
	  attempt_timing },
	{ "ErrorResponse", "ErrorResponse", "Every error but 422.", error_response },
	{ "ErrorDetail", "ErrorDetail", "What went wrong.", error_detail },
	{ "HTTPValidationError", "HTTPValidationError", "What is wrong with a request.",
	  validation_errors },
	{ "ValidationError", "ValidationError", "One fault of a request.", validation_error },
	{ "Health", "Health", "The server's health.", health },
};

/* --- Writing -------------------------------------------------------------------------- */

static void ref_write(struct json_writer *w, struct span name)
{
	char text[128];

	snprintf(text, sizeof(text), "#/components/schemas/%.*s", (int)name.len, name.ptr);
	json_put(w, "$ref", text);
}

/* The members that say what a value is; type: without its marks. */
static void kind_write(struct json_writer *w, struct span type, const char *more)
{
	if (type.len > 2 && memcmp(type.ptr, "[]", 2) == 0) {
		json_put(w, "type", "array");
		json_key(w, "items");
		json_open(w, '{');
		kind_write(w, (struct span){ type.ptr + 2, type.len - 2 }, NULL);
		json_close(w, '}');
	} else if (type.ptr[0] == '#') {
		ref_write(w, (struct span){ type.ptr + 1, type.len - 1 });
	} else if (span_is(type, "date-time")) {
		json_put(w, "type", "string");
		json_put(w, "format", "date-time");
	} else if (!span_is(type, "any")) {
		json_put_span(w, "type", type);
	}
	if (more != NULL) {
		if (w->comma)
			buf_byte(w->out, ',');
		buf_text(w->out, more);
		w->comma = true;
	}
}

static void property_write(struct json_writer *w, const struct property *p)
{
	const struct span type = { p->type, strcspn(p->type, "?!") };

	json_key(w, p->name);
	json_open(w, '{');
	if (strchr(p->type, '?') != NULL) {
		json_key(w, "anyOf");
		json_open(w, '[');
		json_open(w, '{');
		kind_write(w, type, p->more);
		json_close(w, '}');
		json_open(w, '{');
		json_put(w, "type", "null");
		json_close(w, '}');
		json_close(w, ']');
	} else {
		kind_write(w, type, p->more);
	}
	json_put(w, "description", p->help);
	json_close(w, '}');
}

static void required_write(struct json_writer *w, const struct property *p)
{
	bool has_any = false;

	for (; p->name != NULL; p++) {
		if (strchr(p->type, '!') == NULL)
			continue;
		if (!has_any) {
			json_key(w, "required");
			json_open(w, '[');
			has_any = true;
		}
		json_put(w, NULL, p->name);
	}
	if (has_any)
		json_close(w, ']');
}

static void schema_write(struct json_writer *w, const struct schema *s)
{
	json_key(w, s->name);
	json_open(w, '{');
	json_put(w, "title", s->title);
	json_put(w, "description", s->help);
	json_put(w, "type", "object");
	json_key(w, "properties");
	json_open(w, '{');
	for (const struct property *p = s->properties; p->name != NULL; p++)
		property_write(w, p);
	json_close(w, '}');
	required_write(w, s->properties);
	json_close(w, '}');
}

/* --- Channels -------------------------------------------------------------------------- */

/* "my-sms" as "MySmsConfig". Owner: the caller, free(). */
static char *config_title(const char *channel)
{
	char *title = xcalloc(1, strlen(channel) + sizeof("Config"));
	bool is_first = true;
	size_t len = 0;

	for (; *channel != '\0'; channel++) {
		const bool is_lower = *channel >= 'a' && *channel <= 'z';
		const bool is_other = (*channel >= 'A' && *channel <= 'Z') ||
				      (*channel >= '0' && *channel <= '9');

		if (is_lower || is_other)
			title[len++] = is_first && is_lower ? (char)(*channel - 'a' + 'A')
							    : *channel;
		is_first = !is_lower && !is_other;
	}
	memcpy(title + len, "Config", sizeof("Config"));
	return title;
}

/* Titles must be unique: "a-b" and "ab" may both be declared. */
static char **config_titles(const struct channels *channels)
{
	char **titles = xcalloc(channels->count + 1, sizeof(*titles));

	for (size_t i = 0; i < channels->count; i++) {
		titles[i] = config_title(channels->items[i].name);
		for (size_t n = 0; n < i; n++) {
			if (strcmp(titles[n], titles[i]) != 0)
				continue;
			char *unique = xformat("%s%zu", titles[i], i + 1);

			free(titles[i]);
			titles[i] = unique;
			break;
		}
	}
	return titles;
}

static void names_write(const struct channels *channels, struct json_writer *w)
{
	json_key(w, "NotificationChannel");
	json_open(w, '{');
	json_put(w, "title", "NotificationChannel");
	json_put(w, "type", "string");
	if (channels->count > 0) {
		json_key(w, "enum");
		json_open(w, '[');
		for (size_t i = 0; i < channels->count; i++)
			json_put(w, NULL, channels->items[i].name);
		json_close(w, ']');
	}
	json_close(w, '}');
}

static void choice_write(char *const *titles, size_t count, struct json_writer *w)
{
	json_key(w, "ChannelConfigs");
	json_open(w, '{');
	json_put(w, "title", "ChannelConfigs");
	json_put(w, "description", "Those of the channel that is named beside it.");
	if (count > 0) {
		json_key(w, "anyOf");
		json_open(w, '[');
		for (size_t i = 0; i < count; i++) {
			json_open(w, '{');
			ref_write(w, span_of(titles[i]));
			json_close(w, '}');
		}
		json_close(w, ']');
	}
	json_close(w, '}');
}

static void channels_write(const struct channels *channels, struct json_writer *w)
{
	char **titles = config_titles(channels);

	names_write(channels, w);
	choice_write(titles, channels->count, w);
	for (size_t i = 0; i < channels->count; i++) {
		json_key(w, titles[i]);
		configs_schema(&channels->items[i], titles[i], w);
		free(titles[i]);
	}
	free(titles);
}

void schemas_write(const struct channels *channels, struct json_writer *w)
{
	for (size_t i = 0; i < COUNT_OF(schemas); i++)
		schema_write(w, &schemas[i]);
	channels_write(channels, w);
}
