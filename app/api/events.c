/* events.c - publishing events, and showing one.
 * Room in the engine is asked for before the commit and filled after it, so
 * that a first attempt needs no reading. Not here: checking (domain/ingest),
 * storing, sending.
 * API threads; a batch waits for the commit, one event need not.
 * SPDX-License-Identifier: MIT */
#include "api/events.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "domain/envelope.h"
#include "model/ids.h"

enum { IDEMPOTENCY_KEY_MAX_BYTES = 255, KEPT_MEMBERS = 4, WAITING_BODY_MAX_BYTES = 32 * 1024 };

/* --- Publishing --------------------------------------------------------------- */

static bool idempotency_key_is_sound(struct span key)
{
	if (key.ptr == NULL)
		return true;
	for (size_t i = 0; i < key.len; i++) {
		if (key.ptr[i] < 0x21 || key.ptr[i] > 0x7E)
			return false;
	}
	return key.len >= 1 && key.len <= IDEMPOTENCY_KEY_MAX_BYTES;
}

static size_t payload_bytes(const struct accept_event *e)
{
	return e->type.len + e->extra.len + e->data.len;
}

static size_t request_bytes(const struct ingest_request *r)
{
	size_t bytes = 0;

	for (size_t i = 0; i < r->accept.event_count; i++) {
		if (r->accept.events[i].target_count > 0)
			bytes += payload_bytes(&r->accept.events[i]);
	}
	return bytes;
}

static struct event *event_make(const struct ingest_request *r, const struct accept_event *e)
{
	const struct event from = {
		.flags = e->flags,
		.id = e->event_id,
		.organization = r->accept.organization,
		.occurred_at_us = e->occurred_at_us,
		.type = e->type,
		.source_id = e->source_id,
		.extra = e->extra,
		.data = e->data,
	};

	return event_create(&from);
}

/* Tell the engine what was made of one event: in memory, or where to read it. */
static void event_hand_over(struct engine *engine, const struct ingest_request *r,
			    const struct accept_event *e, bool has_room)
{
	if (e->duplicate || e->deliveries == 0)
		return;
	struct event *event = has_room ? event_make(r, e) : NULL;
	if (event != NULL)
		engine_hand_over(engine, event, e->targets, e->target_count);
	else
		engine_leave(engine, e->targets, e->target_count);
}

static void event_write(const struct exchange *x, const struct accept_event *e,
			struct json_writer *w)
{
	const struct event named = { .id = e->event_id, .source_id = e->source_id };
	char id[EVENT_TEXT_ID_BYTES];

	event_text_id(x->api->ids, &named, id);
	json_open(w, '{');
	json_put(w, "event_id", id);
	json_put_span(w, "event_type", e->type);
	json_put_int(w, "deliveries", e->deliveries);
	json_put_bool(w, "duplicate", e->duplicate);
	json_close(w, '}');
}

static void events_count(const struct accept *a)
{
	int64_t duplicates = 0;

	for (size_t i = 0; i < a->event_count; i++)
		duplicates += a->events[i].duplicate;
	metric_add(METRIC_EVENTS_DUPLICATE, duplicates);
	metric_add(METRIC_EVENTS_ACCEPTED, (int64_t)a->event_count - duplicates);
}

static void conflict_write(struct exchange *x, const struct accept *a)
{
	struct buf details;
	struct json_writer w = { .out = &details };

	buf_init(&details, x->request.body.len * 6 + 256); /* an id escaped as \u00XX throughout */
	json_open(&w, '{');
	if (a->conflict_index < a->event_count) {
		json_put_int(&w, "index", (int64_t)a->conflict_index);
		json_put_span(&w, "event_id", a->events[a->conflict_index].source_id);
	} else {
		json_put_span(&w, "idempotency_key", a->idempotency_key);
	}
	json_close(&w, '}');
	reply_error_details(&x->reply, 409,
			    a->conflict_index < a->event_count
				    ? "This event_id was used for another event"
				    : "This Idempotency-Key was used for another request",
			    buf_view(&details));
	buf_finish(&details);
}

/* After the commit, however it went: what is left to tell, to engine and client. */
static void request_committed(struct exchange *x, struct ingest_request *r, bool has_room,
			      enum err rc)
{
	if (rc == ERR_OK) {
		for (size_t i = 0; i < r->accept.event_count; i++)
			event_hand_over(x->api->engine, r, &r->accept.events[i], has_room);
		events_count(&r->accept);
		x->reply.status = 202;
		return;
	}
	if (rc == ERR_CONFLICT)
		conflict_write(x, &r->accept);
	else
		reply_err(&x->reply, rc);
}

static bool room_ask(const struct exchange *x, const struct ingest_request *r)
{
	return r->target_count > 0 && engine_room(x->api->engine, request_bytes(r));
}

/* Check it and find its targets. False after a reply that says why not. */
static bool request_scan(struct exchange *x, struct ingest_request *r,
			 enum err (*scan)(const struct ingest *, struct ingest_request *,
					  struct faults *))
{
	if (!idempotency_key_is_sound(r->idempotency_key)) {
		reply_error(&x->reply, 400,
			    "The header Idempotency-Key must be 1 to %d visible ASCII characters",
			    IDEMPOTENCY_KEY_MAX_BYTES);
		return false;
	}
	const enum err rc = scan(&x->api->ingest, r, &x->faults);

	if (rc == ERR_BAD_REQUEST)
		reply_faults(&x->reply, &x->faults);
	else if (rc != ERR_OK)
		reply_err(&x->reply, rc);
	return rc == ERR_OK;
}

static struct ingest_request request_of(const struct exchange *x)
{
	return (struct ingest_request){ .caller = &x->caller,
					.body = buf_view(&x->request.body),
					.idempotency_key = x->request.idempotency_key };
}

static void accepted_write(struct exchange *x, const struct ingest_request *r)
{
	if (x->reply.status != 202)
		return;
	struct json_writer w = reply_json(&x->reply, 202);

	event_write(x, &r->accept.events[0], &w);
}

void events_publish(struct exchange *x)
{
	struct ingest_request r = request_of(x);

	if (request_scan(x, &r, ingest_one)) {
		const bool has_room = room_ask(x, &r);

		request_committed(x, &r, has_room, ingest_commit(&x->api->ingest, &r));
		accepted_write(x, &r);
	}
	ingest_request_finish(&r);
}

/* --- Publishing without a thread that waits ------------------------------------------- */

static void publish_resume(struct exchange *x)
{
	request_committed(x, &x->publishing, x->has_room, x->commit_rc);
	accepted_write(x, &x->publishing);
	ingest_request_finish(&x->publishing);
}

static void publish_committed(void *ctx, enum err rc)
{
	struct exchange *x = ctx;

	x->commit_rc = rc;
	x->waiter.committed(x->waiter.ctx, x);
}

bool events_publish_begin(struct exchange *x)
{
	/* Large bodies wait on their thread: so few of them are in memory at once. */
	if (x->request.body.len > WAITING_BODY_MAX_BYTES) {
		events_publish(x);
		return false;
	}
	x->publishing = request_of(x);
	if (!request_scan(x, &x->publishing, ingest_one)) {
		ingest_request_finish(&x->publishing);
		return false;
	}
	x->has_room = room_ask(x, &x->publishing);
	x->resume = publish_resume;
	ingest_commit_begin(&x->api->ingest, &x->publishing, publish_committed, x);
	return true;
}

/* --- Batches ----------------------------------------------------------------------------- */

void events_publish_batch(struct exchange *x)
{
	struct ingest_request r = request_of(x);

	if (request_scan(x, &r, ingest_batch)) {
		const bool has_room = room_ask(x, &r);

		request_committed(x, &r, has_room, ingest_commit(&x->api->ingest, &r));
	}
	if (x->reply.status == 202) {
		struct json_writer w = reply_json(&x->reply, 202);

		json_open(&w, '{');
		json_key(&w, "results");
		json_open(&w, '[');
		for (size_t i = 0; i < r.accept.event_count; i++)
			event_write(x, &r.accept.events[i], &w);
		json_close(&w, ']');
		json_close(&w, '}');
	}
	ingest_request_finish(&r);
}

/* --- Showing -------------------------------------------------------------------- */

enum err events_find(const struct exchange *x, struct span text, int64_t *out_id)
{
	*out_id = 0;
	if (text.len >= 4 && memcmp(text.ptr, "evt_", 4) == 0) {
		if (!pubid_parse(x->api->ids, PUBID_EVENT, text, out_id))
			*out_id = 0;
		return ERR_OK;
	}
	return store_event_find(x->api->store, x->caller.organization, text, out_id);
}

/* The kept members, null when absent: readers get one shape. */
static void kept_members_write(struct json_writer *w, struct span extra)
{
	static const char *const names[KEPT_MEMBERS] = { "namespace_id", "subject", "metadata",
							 "cache_scope" };
	struct json_value object = { JSON_NONE, { NULL, 0 } };
	struct json_member member;
	struct span found[KEPT_MEMBERS] = { { NULL, 0 } };
	struct buf text;
	size_t at = 0;

	buf_init(&text, extra.len + 2);
	buf_byte(&text, '{');
	buf_span(&text, extra);
	buf_byte(&text, '}');
	if (text.failed == ERR_OK)
		object = (struct json_value){ JSON_OBJECT, buf_view(&text) };
	while (json_member_next(&object, &at, &member)) {
		for (size_t i = 0; i < KEPT_MEMBERS; i++) {
			if (span_is(member.key, names[i]))
				found[i] = member.value.raw;
		}
	}
	for (size_t i = 0; i < KEPT_MEMBERS; i++)
		json_put_raw(w, names[i], found[i].ptr == NULL ? span_of("null") : found[i]);
	buf_finish(&text);
}

void events_show(struct exchange *x)
{
	struct event_row row = { 0 };
	char text_id[EVENT_TEXT_ID_BYTES];
	int64_t id = 0;
	enum err rc = events_find(x, x->identifier, &id);

	if (rc == ERR_OK)
		rc = id == 0 ? ERR_NOT_FOUND
			     : store_event_read(x->api->store, x->caller.organization, id, &row);
	if (rc == ERR_NOT_FOUND) {
		reply_error(&x->reply, 404, "There is no such event");
		return;
	}
	if (rc != ERR_OK) {
		reply_err(&x->reply, rc);
		return;
	}
	const struct event *e = row.event;
	struct json_writer w = reply_json(&x->reply, 200);

	event_text_id(x->api->ids, e, text_id);
	json_open(&w, '{');
	json_put(&w, "event_id", text_id);
	json_put_span(&w, "event_type", e->type);
	json_put_time_us(&w, "occurred_at", e->occurred_at_us);
	json_put_time_us(&w, "created_at", id_time_ms(e->id) * 1000);
	kept_members_write(&w, e->extra);
	json_put_raw(&w, "data", e->data.ptr == NULL ? span_of("null") : e->data);
	json_put_int(&w, "deliveries", row.deliveries);
	json_put_bool(&w, "test", (e->flags & EVENT_IS_TEST) != 0);
	if ((e->flags & EVENT_IS_EMPTIED) != 0) /* null does not mean that there was none */
		json_put_bool(&w, "payload_removed", true);
	json_close(&w, '}');
	event_drop(row.event);
}
