/* preview.c - POST …/webhooks/preview: requests as channels would make them.
 * Not here: making them (delivery/rehearsal). Nothing is stored and nothing sent.
 * What the operator owns (a gateway's URL and credentials) is not shown.
 * API threads.
 * SPDX-License-Identifier: MIT */
#include "api/preview.h"

#include <strings.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "delivery/rehearsal.h"
#include "model/ids.h"

enum { BODY_SHOWN_BYTES = 64 * 1024, TARGET_MAX_BYTES = 4096 };

static const struct loc body_loc = { NULL, "body", 0 };

static const char sample_event[] =
	"{\"event_type\":\"object.created\",\"namespace_id\":\"ns_example\","
	"\"subject\":\"report.pdf\",\"metadata\":{\"collection_id\":\"col_example\","
	"\"environment\":\"preview\"},\"data\":{\"object_id\":\"obj_example\","
	"\"size\":1024}}";

/* --- One request as JSON --------------------------------------------------------- */

static bool header_is_secret(struct span name)
{
	static const char *const secrets[] = { "authorization", "proxy-authorization", "cookie" };

	for (size_t i = 0; i < COUNT_OF(secrets); i++) {
		if (name.len == strlen(secrets[i]) &&
		    strncasecmp(name.ptr, secrets[i], name.len) == 0)
			return true;
	}
	return false;
}

/* "Name: value", "Name;" (empty); "Name:" alone only takes a default away. */
static void header_write(const char *line, struct json_writer *w)
{
	const size_t len = strcspn(line, ":;");
	const char *value = line[len] == ':' ? line + len + 1 : "";

	if (line[len] == '\0' || (line[len] == ':' && value[0] == '\0'))
		return;
	while (*value == ' ')
		value++;
	json_open(w, '{');
	json_put_span(w, "name", (struct span){ line, len });
	json_put(w, "value", header_is_secret((struct span){ line, len }) ? "****" : value);
	json_close(w, '}');
}

static void headers_write(const struct transfer *t, struct json_writer *w)
{
	json_key(w, "headers");
	json_open(w, '[');
	for (const struct curl_slist *h = t->request.headers; h != NULL && !t->place.is_operator;
	     h = h->next)
		header_write(h->data, w);
	json_close(w, ']');
}

static void body_write(struct tocsin_span body, struct json_writer *w)
{
	const size_t len = body.len < BODY_SHOWN_BYTES ? body.len : BODY_SHOWN_BYTES;
	const struct span shown = { body.len == 0 ? "" : body.ptr, len };
	struct buf text;

	if (body.len <= BODY_SHOWN_BYTES && !utf8_check(shown)) {
		buf_init(&text, 2 * BODY_SHOWN_BYTES);
		base64_append(&text, shown);
		json_put_null(w, "body");
		json_put(w, "body_base64", text.ptr);
		buf_finish(&text);
	} else {
		json_put_span(w, "body", shown);
	}
	json_put_bool(w, "is_cut", body.len > len);
}

static void url_write(const struct transfer *t, struct json_writer *w)
{
	struct buf text;

	buf_init(&text, TARGET_MAX_BYTES);
	if (t->request.url == t->target)
		configs_target_show(transfer_channel(t), span_of(t->target), &text);
	else if (!t->place.is_operator)
		buf_text(&text, t->request.url);
	json_put(w, "url", text.ptr);
	buf_finish(&text);
}

static void request_write(const struct transfer *t, struct json_writer *w)
{
	const struct tocsin_request *r = &t->request;

	json_key(w, "request");
	json_open(w, '{');
	url_write(t, w);
	json_put(w, "method", !t->place.is_http ? NULL : r->method == NULL ? "POST" : r->method);
	headers_write(t, w);
	body_write(r->shown.ptr != NULL ? r->shown : r->body, w);
	json_close(w, '}');
}

/* --- One channel -------------------------------------------------------------------- */

static void targets_write(const struct entry *entry, size_t at, struct json_writer *w)
{
	const struct webhook_channel *c = &entry->webhook.channels[at];
	const struct compiled_configs *compiled = entry->compiled[at];
	struct buf text;

	buf_init(&text, TARGET_MAX_BYTES);
	json_key(w, "targets");
	json_open(w, '[');
	for (size_t i = 0; i < c->target_count; i++)
		json_put(w, NULL, c->targets[i].value);
	if (c->target_count == 0 && compiled->target != NULL) {
		configs_target_show(compiled->channel, span_of(compiled->target), &text);
		json_put(w, NULL, text.ptr);
	}
	json_close(w, ']');
	buf_finish(&text);
}

static void channel_write(const struct exchange *x, struct entry *entry, size_t at,
			  struct event *event, struct json_writer *w)
{
	const struct transfer_rules rules = { .conf = x->api->conf, .ids = x->api->ids };
	const struct webhook_channel *c = &entry->webhook.channels[at];
	struct rehearsal r;

	json_open(w, '{');
	json_put(w, "channel", c->name);
	if (entry->compiled[at] == NULL) {
		json_put_raw(w, "targets", span_of("[]"));
		json_put_null(w, "request");
		json_put(w, "error", "this channel is not declared on this server now");
		json_close(w, '}');
		return;
	}
	targets_write(entry, at, w);
	rehearsal_make(&rules, entry, at, c->target_count > 0 ? 1 : 0, event, &r);
	if (r.rc == ERR_OK && !r.is_silent)
		request_write(r.transfer, w);
	else
		json_put_null(w, "request");
	json_put(w, "error",
		 r.is_silent      ? "this channel sends by itself: nothing can be shown"
		 : r.rc != ERR_OK ? r.why.text
				  : NULL);
	json_close(w, '}');
	rehearsal_finish(&r);
}

/* --- The whole ------------------------------------------------------------------------ */

static struct event *event_make(const struct accept_event *e, int64_t organization)
{
	const int64_t now_us = clock_wall_us();

	return event_create(&(struct event){
		.id = id_floor(now_us / 1000),
		.organization = organization,
		.flags = e->flags,
		.occurred_at_us = e->occurred_at_us != 0 ? e->occurred_at_us : now_us,
		.type = e->type,
		.source_id = e->source_id,
		.extra = e->extra,
		.data = e->data });
}

/* The sample event of the body, or ours. */
static enum err event_read(struct exchange *x, const struct json_value *root, struct event **out)
{
	static const struct loc loc = { &body_loc, "event", 0 };
	struct json_value given = json_find(root, "event");
	struct ingest_request r = { .caller = &x->caller, .body = buf_view(&x->request.body) };

	if (given.type == JSON_NONE || given.type == JSON_NULL) {
		r.body = span_of(sample_event);
		(void)!json_scan(r.body, 8, &given, NULL);
	}
	enum err rc = ingest_sample(&x->api->ingest, &r, &given, &loc, &x->faults);

	if (rc == ERR_OK) {
		*out = event_make(&r.accept.events[0], x->caller.organization);
		rc = *out == NULL ? ERR_MEMORY : ERR_OK;
	}
	ingest_request_finish(&r);
	return rc;
}

static void reply_write(struct exchange *x, struct entry *entry, struct event *event)
{
	struct json_writer w = reply_json(&x->reply, 200);

	json_open(&w, '{');
	json_key(&w, "results");
	json_open(&w, '[');
	for (size_t i = 0; i < entry->webhook.channel_count; i++)
		channel_write(x, entry, i, event, &w);
	json_close(&w, ']');
	json_close(&w, '}');
}

/* webhook_id says whose secrets and settings the body is read over. */
static enum err entry_read(struct exchange *x, const struct json_value *root, struct buf *id,
			   struct entry **out)
{
	const struct json_value given = json_find(root, "webhook_id");
	struct webhook_change c = { .organization = x->caller.organization,
				    .body = buf_view(&x->request.body) };

	if (given.type == JSON_STRING) {
		json_string_decode(&given, id);
		c.id = id->len == 0 ? span_of("") : buf_view(id);
	}
	return webhooks_preview(x->api->webhooks, &c, "event", &x->faults, out);
}

void preview_show(struct exchange *x)
{
	struct json_value root = { JSON_NONE, { NULL, 0 } };
	struct entry *entry = NULL;
	struct event *event = NULL;
	struct buf id;

	buf_init(&id, x->request.body.len + 1);
	/* A body that is no JSON is the form's to complain about. */
	(void)!json_scan(buf_view(&x->request.body), (unsigned)x->api->conf->api.depth_max, &root,
			 NULL);
	enum err rc = entry_read(x, &root, &id, &entry);

	if (root.type == JSON_OBJECT && (rc == ERR_OK || rc == ERR_BAD_REQUEST)) {
		const enum err sample = event_read(x, &root, &event);

		rc = rc == ERR_OK ? sample : rc;
	}
	if (rc == ERR_OK)
		reply_write(x, entry, event);
	else if (rc == ERR_BAD_REQUEST)
		reply_faults(&x->reply, &x->faults);
	else
		reply_err(&x->reply, rc);
	event_drop(event);
	entry_drop(entry);
	buf_finish(&id);
}
