/* envelope.c - an event as the JSON that receivers, templates and readers see.
 * Not here: checking what producers send (ingest.c), rendering of templates.
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "domain/envelope.h"

#include "base/clock.h"
#include "base/json.h"

enum { MESSAGE_ID_MAX_BYTES = 64 };

static bool source_id_fits(const struct event *e)
{
	return e->source_id.ptr != NULL && e->source_id.len < EVENT_TEXT_ID_BYTES;
}

void event_text_id(const struct pubid *ids, const struct event *e, char out[EVENT_TEXT_ID_BYTES])
{
	if (!source_id_fits(e)) {
		pubid_format(ids, PUBID_EVENT, e->id, out);
		return;
	}
	memcpy(out, e->source_id.ptr, e->source_id.len);
	out[e->source_id.len] = '\0';
}

/* A dot would let a signature of one message pass for another's: the signed
 * bytes are id, timestamp and body joined by dots. */
static bool message_id_is_safe(struct span id)
{
	if (id.ptr == NULL || id.len == 0 || id.len > MESSAGE_ID_MAX_BYTES)
		return false;
	for (size_t i = 0; i < id.len; i++) {
		const char c = id.ptr[i];

		if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		      c == '_' || c == '-'))
			return false;
	}
	return true;
}

void event_message_id(const struct pubid *ids, const struct event *e, char out[65])
{
	if (!message_id_is_safe(e->source_id)) {
		pubid_format(ids, PUBID_EVENT, e->id, out);
		return;
	}
	memcpy(out, e->source_id.ptr, e->source_id.len);
	out[e->source_id.len] = '\0';
}

void envelope_append(struct buf *out, const struct pubid *ids, const struct event *e,
		     const struct webhook *webhook)
{
	char id[EVENT_TEXT_ID_BYTES], occurred_at[TIME_TEXT_BYTES];

	event_text_id(ids, e, id);
	time_format(e->occurred_at_us, occurred_at);
	buf_text(out, "{\"event_id\":");
	json_put_string(out, span_of(id));
	buf_text(out, ",\"event_type\":");
	json_put_string(out, e->type);
	buf_text(out, ",\"occurred_at\":\"");
	buf_text(out, occurred_at);
	buf_byte(out, '"');
	if (webhook != NULL) {
		buf_text(out, ",\"webhook_id\":");
		json_put_string(out, span_of(webhook->public_id));
		buf_text(out, ",\"webhook_name\":");
		json_put_string(out, span_of(webhook->name));
	}
	if (e->extra.ptr != NULL) {
		buf_byte(out, ',');
		buf_span(out, e->extra);
	}
	if (e->data.ptr != NULL) {
		buf_text(out, ",\"data\":");
		buf_span(out, e->data);
	}
	buf_byte(out, '}');
}
