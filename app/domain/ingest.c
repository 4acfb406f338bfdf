/* ingest.c - events from a request's bytes to the store, with their targets.
 * The hot path: one scan, spans into the request's own bytes, and memory only
 * for what has to be put together. Not here: HTTP (api/events.c), committing
 * (store/), sending (delivery/).
 * Any thread; a request belongs to one.
 * SPDX-License-Identifier: MIT */
#include "domain/ingest.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "domain/catalogue.h"
#include "domain/text.h"
#include "model/pattern.h"

enum {
	EVENT_ID_MAX_BYTES = 255,
	TEXT_MAX_CHARACTERS = 1000,
	/* Besides the body's own bytes: what a buffer's end and rounding need. */
	SCRATCH_SPARE_BYTES = 64,
	/* A batch wraps its events in an object and an array. */
	BATCH_DEPTH = 2,
};

/* Members of an event, in the order in which the envelope shows them. */
enum member {
	MEMBER_EVENT_ID,
	MEMBER_EVENT_TYPE,
	MEMBER_OCCURRED_AT,
	MEMBER_NAMESPACE_ID, /* from here on kept as they came, */
	MEMBER_SUBJECT,
	MEMBER_METADATA,
	MEMBER_CACHE_SCOPE, /* up to here */
	MEMBER_DATA,
	MEMBER_COUNT
};

#define NAME(text)                     \
	{                              \
		text, sizeof(text) - 1 \
	}
static const struct span names[MEMBER_COUNT] = {
	[MEMBER_EVENT_ID] = NAME("event_id"),       [MEMBER_EVENT_TYPE] = NAME("event_type"),
	[MEMBER_OCCURRED_AT] = NAME("occurred_at"), [MEMBER_NAMESPACE_ID] = NAME("namespace_id"),
	[MEMBER_SUBJECT] = NAME("subject"),         [MEMBER_METADATA] = NAME("metadata"),
	[MEMBER_CACHE_SCOPE] = NAME("cache_scope"), [MEMBER_DATA] = NAME("data"),
};

/* One event on its way from its JSON object to the store's struct. */
struct reading {
	const struct ingest *in;
	struct ingest_request *request;
	struct faults *faults;
	const struct loc *loc; /* the event's own place */
	struct json_value values[MEMBER_COUNT];
};

/* --- Texts ----------------------------------------------------------------- */

/* All that is ever decoded or put together is no longer than the body it came
 * from, so one reservation keeps earlier spans valid for good. */
static struct buf *scratch_get(struct ingest_request *r)
{
	if (r->scratch.ptr == NULL)
		buf_reserve(&r->scratch, r->body.len + SCRATCH_SPARE_BYTES);
	return &r->scratch;
}

static struct span inside(const struct json_value *string)
{
	return (struct span){ string->raw.ptr + 1, string->raw.len - 2 };
}

/* A scanned string's characters: its own bytes when nothing in it is escaped. */
static struct span text_view(struct ingest_request *r, const struct json_value *string)
{
	const struct span raw = inside(string);

	if (raw.len == 0 || memchr(raw.ptr, '\\', raw.len) == NULL)
		return raw;
	struct buf *scratch = scratch_get(r);
	const size_t start = scratch->len;

	json_string_decode(string, scratch);
	if (scratch->failed != ERR_OK)
		return (struct span){ "", 0 };
	return (struct span){ scratch->ptr + start, scratch->len - start };
}

static size_t text_characters(const struct json_value *string)
{
	const struct span raw = inside(string);
	struct buf text;

	if (raw.len <= TEXT_MAX_CHARACTERS)
		return raw.len; /* no more characters than that, which is all we ask */
	buf_init(&text, raw.len);
	json_string_decode(string, &text);
	const size_t characters = utf8_length(buf_view(&text));

	buf_finish(&text);
	return characters;
}

/* --- Members ----------------------------------------------------------------- */

static enum member member_find(struct span raw_key)
{
	for (int m = 0; m < MEMBER_COUNT; m++) {
		if (span_equal(raw_key, names[m]))
			return (enum member)m;
	}
	if (raw_key.len == 0 || memchr(raw_key.ptr, '\\', raw_key.len) == NULL)
		return MEMBER_COUNT;
	for (int m = 0; m < MEMBER_COUNT; m++) {
		if (json_key_is(raw_key, names[m].ptr))
			return (enum member)m;
	}
	return MEMBER_COUNT;
}

static void unknown_key_add(struct faults *faults, const struct loc *parent, struct span raw_key)
{
	const struct json_value key = { JSON_STRING, { raw_key.ptr - 1, raw_key.len + 2 } };
	struct buf text;

	buf_init(&text, raw_key.len);
	json_string_decode(&key, &text);
	const struct loc loc = { parent, text.ptr == NULL ? "" : text.ptr, 0 };

	faults_add(faults, &loc, "extra_forbidden", "Extra inputs are not permitted");
	buf_finish(&text);
}

static void members_read(struct reading *rd, const struct json_value *object)
{
	struct json_member member;
	size_t at = 0;

	while (json_member_next(object, &at, &member)) {
		const enum member m = member_find(member.key);

		if (m == MEMBER_COUNT) {
			unknown_key_add(rd->faults, rd->loc, member.key);
			continue;
		}
		if (rd->values[m].type != JSON_NONE) {
			const struct loc loc = { rd->loc, names[m].ptr, 0 };

			faults_add(rd->faults, &loc, "value_error", "Given more than once");
		}
		rd->values[m] = member.value;
	}
	/* Null says the same as absent, except for data, where it is a value. */
	for (int m = 0; m < MEMBER_DATA; m++) {
		if (rd->values[m].type == JSON_NULL)
			rd->values[m].type = JSON_NONE;
	}
}

/* False when absent, and also, with a fault, when it is no string. */
static bool is_text(const struct reading *rd, enum member m)
{
	const struct loc loc = { rd->loc, names[m].ptr, 0 };

	if (rd->values[m].type == JSON_NONE)
		return false;
	if (rd->values[m].type == JSON_STRING)
		return true;
	faults_add(rd->faults, &loc, "string_type", "Input should be a valid string");
	return false;
}

static void event_id_read(const struct reading *rd, struct accept_event *e)
{
	const struct loc loc = { rd->loc, "event_id", 0 };

	if (!is_text(rd, MEMBER_EVENT_ID))
		return;
	const struct span id = text_view(rd->request, &rd->values[MEMBER_EVENT_ID]);

	if (id.len == 0)
		faults_add(rd->faults, &loc, "string_too_short", "String should not be empty");
	else if (id.len > EVENT_ID_MAX_BYTES)
		faults_add(rd->faults, &loc, "string_too_long",
			   "String should have at most %d bytes", EVENT_ID_MAX_BYTES);
	else if (!text_is_line(id))
		faults_add(rd->faults, &loc, "value_error",
			   "An event id must not hold control characters");
	else if (id.len >= 4 && memcmp(id.ptr, "evt_", 4) == 0)
		faults_add(rd->faults, &loc, "value_error",
			   "Ids that start with evt_ are given by the server; use another or none");
	e->source_id = id;
}

static void event_type_read(const struct reading *rd, struct accept_event *e)
{
	const struct loc loc = { rd->loc, "event_type", 0 };

	if (rd->values[MEMBER_EVENT_TYPE].type == JSON_NONE) {
		faults_add(rd->faults, &loc, "missing", "Field required");
		return;
	}
	if (!is_text(rd, MEMBER_EVENT_TYPE))
		return;
	const struct span type = text_view(rd->request, &rd->values[MEMBER_EVENT_TYPE]);

	if (!event_type_is_valid(type))
		faults_add(
			rd->faults, &loc, "value_error",
			"An event type is two or more parts of letters, digits, _ and - joined by "
			"dots, at most %d bytes, like cluster.created",
			EVENT_TYPE_MAX_BYTES);
	else if (event_type_is_operational(type))
		faults_add(
			rd->faults, &loc, "value_error",
			"Types that start with webhook. are reserved for the server's own events");
	else if (!catalogue_admits(&rd->in->conf->events, type))
		faults_add(rd->faults, &loc, "value_error",
			   "This event type is not in the server's catalogue");
	e->type = type;
}

static void occurred_at_read(const struct reading *rd, struct accept_event *e)
{
	const struct loc loc = { rd->loc, "occurred_at", 0 };

	if (!is_text(rd, MEMBER_OCCURRED_AT))
		return;
	const struct span text = text_view(rd->request, &rd->values[MEMBER_OCCURRED_AT]);

	if (!time_parse(text, &e->occurred_at_us))
		faults_add(
			rd->faults, &loc, "datetime_parsing",
			"Input should be an RFC 3339 date and time with an offset, from 1970 on");
}

static void kept_members_check(const struct reading *rd)
{
	for (int m = MEMBER_NAMESPACE_ID; m <= MEMBER_CACHE_SCOPE; m++) {
		const struct json_value *value = &rd->values[m];
		const struct loc loc = { rd->loc, names[m].ptr, 0 };

		if (m == MEMBER_METADATA) {
			if (value->type != JSON_NONE && value->type != JSON_OBJECT)
				faults_add(rd->faults, &loc, "dict_type",
					   "Input should be a valid object");
		} else if (is_text(rd, (enum member)m) &&
			   text_characters(value) > TEXT_MAX_CHARACTERS) {
			faults_add(rd->faults, &loc, "string_too_long",
				   "String should have at most %d characters", TEXT_MAX_CHARACTERS);
		}
	}
}

static struct span kept_members_join(const struct reading *rd)
{
	struct buf *scratch = NULL;
	size_t start = 0;

	for (int m = MEMBER_NAMESPACE_ID; m <= MEMBER_CACHE_SCOPE; m++) {
		if (rd->values[m].type == JSON_NONE)
			continue;
		if (scratch == NULL) {
			scratch = scratch_get(rd->request);
			start = scratch->len;
		} else {
			buf_byte(scratch, ',');
		}
		buf_byte(scratch, '"');
		buf_span(scratch, names[m]);
		buf_bytes(scratch, "\":", 2);
		buf_span(scratch, rd->values[m].raw);
	}
	if (scratch == NULL || scratch->failed != ERR_OK)
		return (struct span){ NULL, 0 };
	return (struct span){ scratch->ptr + start, scratch->len - start };
}

/* --- Events -------------------------------------------------------------------- */

/* Type and bytes, so that the same id with another content is noticed. */
static void event_fingerprint(struct accept_event *e, struct span raw)
{
	const struct span parts[] = { e->type, { "", 1 }, raw };
	unsigned char hash[SHA256_BYTES];

	crypto_sha256_parts(parts, COUNT_OF(parts), hash);
	memcpy(e->fingerprint, hash, sizeof(e->fingerprint));
}

static enum err event_read(struct reading *rd, const struct json_value *object,
			   struct accept_event *e)
{
	if (object->type != JSON_OBJECT) {
		faults_add(rd->faults, rd->loc, "model_attributes_type",
			   "Input should be a valid object");
		return ERR_OK;
	}
	members_read(rd, object);
	event_id_read(rd, e);
	event_type_read(rd, e);
	occurred_at_read(rd, e);
	kept_members_check(rd);
	if (faults_any(rd->faults))
		return ERR_OK;
	e->extra = kept_members_join(rd);
	if (rd->values[MEMBER_DATA].type != JSON_NONE)
		e->data = rd->values[MEMBER_DATA].raw;
	if (e->source_id.ptr != NULL)
		event_fingerprint(e, object->raw);
	if (rd->request->caller->is_test)
		e->flags |= EVENT_IS_TEST;
	const enum err rc = registry_match(rd->in->registry, rd->request->caller->organization,
					   e->type, 0, &e->targets, &e->target_count);

	rd->request->target_count += e->target_count;
	return rc;
}

static enum err body_scan(const struct ingest_request *r, unsigned depth_max, struct faults *faults,
			  struct json_value *out)
{
	const struct loc body = { NULL, "body", 0 };
	struct json_fault why = { 0, "" };

	if (r->body.len == 0) {
		faults_add(faults, &body, "missing", "Field required");
		return ERR_BAD_REQUEST;
	}
	if (json_scan(r->body, depth_max, out, &why) != ERR_OK) {
		faults_add(faults, &body, "json_invalid", "Invalid JSON at byte %zu: %s",
			   why.offset, why.reason);
		return ERR_BAD_REQUEST;
	}
	return ERR_OK;
}

static enum err events_reserve(struct ingest_request *r, size_t count)
{
	r->accept.events = calloc(count, sizeof(*r->accept.events));
	if (r->accept.events == NULL)
		return ERR_MEMORY;
	r->accept.event_count = count;
	return ERR_OK;
}

/* What is the same for one event and for a batch. */
static void request_begin(struct ingest_request *r, const char *kind)
{
	buf_init(&r->scratch, r->body.len + SCRATCH_SPARE_BYTES);
	r->accept.organization = r->caller->organization;
	r->accept.idempotency_key = r->idempotency_key;
	if (r->idempotency_key.ptr == NULL)
		return;
	const struct span parts[] = { span_of(kind), { "", 1 }, r->body };
	unsigned char hash[SHA256_BYTES];

	crypto_sha256_parts(parts, COUNT_OF(parts), hash);
	memcpy(r->accept.fingerprint, hash, sizeof(r->accept.fingerprint));
}

static enum err request_end(const struct ingest_request *r, const struct faults *faults,
			    enum err rc)
{
	if (rc != ERR_OK)
		return rc;
	if (faults_any(faults))
		return ERR_BAD_REQUEST;
	return r->scratch.failed == ERR_OK ? ERR_OK : ERR_MEMORY;
}

enum err ingest_one(const struct ingest *in, struct ingest_request *r, struct faults *faults)
{
	const struct loc body = { NULL, "body", 0 };
	struct reading rd = { .in = in, .request = r, .faults = faults, .loc = &body };
	struct json_value root;

	request_begin(r, "event");
	enum err rc = body_scan(r, (unsigned)in->conf->api.depth_max, faults, &root);

	if (rc == ERR_OK)
		rc = events_reserve(r, 1);
	if (rc == ERR_OK)
		rc = event_read(&rd, &root, &r->accept.events[0]);
	return request_end(r, faults, rc);
}

enum err ingest_sample(const struct ingest *in, struct ingest_request *r,
		       const struct json_value *event, const struct loc *loc, struct faults *faults)
{
	struct reading rd = { .in = in, .request = r, .faults = faults, .loc = loc };

	request_begin(r, "event");
	enum err rc = events_reserve(r, 1);

	if (rc == ERR_OK)
		rc = event_read(&rd, event, &r->accept.events[0]);
	return request_end(r, faults, rc);
}

/* The list inside {"events": […]}; type JSON_NONE with a fault otherwise. */
static struct json_value batch_list(const struct json_value *root, struct faults *faults)
{
	const struct loc body = { NULL, "body", 0 }, events = { &body, "events", 0 };
	struct json_value list = { JSON_NONE, { NULL, 0 } };
	struct json_member member;
	size_t at = 0;

	if (root->type != JSON_OBJECT) {
		faults_add(faults, &body, "model_attributes_type",
			   "Input should be a valid object");
		return list;
	}
	while (json_member_next(root, &at, &member)) {
		if (json_key_is(member.key, "events"))
			list = member.value;
		else
			unknown_key_add(faults, &body, member.key);
	}
	if (list.type == JSON_NONE) {
		faults_add(faults, &events, "missing", "Field required");
	} else if (list.type != JSON_ARRAY) {
		faults_add(faults, &events, "list_type", "Input should be a valid list");
		list.type = JSON_NONE;
	}
	return list;
}

/* Elements of the list, counting no further than one beyond the allowed. */
static size_t batch_count(const struct json_value *list, size_t max, struct faults *faults)
{
	const struct loc body = { NULL, "body", 0 }, events = { &body, "events", 0 };
	struct json_value element;
	size_t at = 0, count = 0;

	while (count <= max && json_element_next(list, &at, &element))
		count++;
	if (count == 0)
		faults_add(faults, &events, "too_short", "List should have at least 1 item");
	if (count > max)
		faults_add(faults, &events, "too_long", "List should have at most %zu items", max);
	return count;
}

static enum err batch_read(const struct ingest *in, struct ingest_request *r,
			   const struct json_value *list, struct faults *faults)
{
	const struct loc body = { NULL, "body", 0 }, events = { &body, "events", 0 };
	/* What could not come alone does not come in company. */
	const int64_t event_max_bytes = in->conf->api.body_max_bytes;
	struct json_value element;
	enum err rc = ERR_OK;
	size_t at = 0;

	for (size_t i = 0; rc == ERR_OK && json_element_next(list, &at, &element); i++) {
		const struct loc loc = { &events, NULL, i };
		struct reading rd = { .in = in, .request = r, .faults = faults, .loc = &loc };

		if (element.raw.len <= (size_t)event_max_bytes)
			rc = event_read(&rd, &element, &r->accept.events[i]);
		else
			faults_add(faults, &loc, "too_long",
				   "An event may have at most %" PRId64 " bytes", event_max_bytes);
	}
	return rc;
}

enum err ingest_batch(const struct ingest *in, struct ingest_request *r, struct faults *faults)
{
	struct json_value root, list = { JSON_NONE, { NULL, 0 } };
	size_t count = 0;

	request_begin(r, "batch");
	enum err rc = body_scan(r, (unsigned)in->conf->api.depth_max + BATCH_DEPTH, faults, &root);

	if (rc == ERR_OK)
		list = batch_list(&root, faults);
	if (list.type != JSON_NONE)
		count = batch_count(&list, (size_t)in->conf->api.batch_max_events, faults);
	if (rc == ERR_OK && count > 0 && count <= (size_t)in->conf->api.batch_max_events) {
		rc = events_reserve(r, count);
		if (rc == ERR_OK)
			rc = batch_read(in, r, &list, faults);
	}
	return request_end(r, faults, rc);
}

enum err ingest_commit(const struct ingest *in, struct ingest_request *r)
{
	return store_accept(in->store, &r->accept);
}

void ingest_commit_begin(const struct ingest *in, struct ingest_request *r,
			 void (*done)(void *ctx, enum err rc), void *ctx)
{
	store_accept_begin(in->store, &r->accept, done, ctx);
}

void ingest_request_finish(struct ingest_request *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->accept.event_count; i++)
		free(r->accept.events[i].targets);
	free(r->accept.events);
	buf_finish(&r->scratch);
	*r = (struct ingest_request){ 0 };
}
