/* fuzz_event.c - published bodies, one event and batches.
 * What is accepted must be sound: a valid type, members that are JSON of their
 * own, an id without controls; what is refused must say why.
 * SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/mem.h"
#include "domain/ingest.h"
#include "model/pattern.h"

enum { DEPTH = 16, EVENTS_MAX = 8, EVENT_MAX = 4096, EXTRA_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Stands for the registry: some events have two targets, others none. */
enum err registry_match(struct registry *r, int64_t organization, struct span type,
			int64_t skip_webhook, struct accept_target **out_targets, size_t *out_count)
{
	(void)r, (void)organization, (void)skip_webhook;
	must(event_type_is_valid(type) && !event_type_is_operational(type));
	*out_count = type.len % 2 * 2;
	*out_targets = *out_count == 0 ? NULL : xcalloc(*out_count, sizeof(**out_targets));
	return ERR_OK;
}

enum err store_accept(struct store *s, struct accept *a)
{
	(void)s, (void)a;
	return ERR_IO;
}

void store_accept_begin(struct store *s, struct accept *a, void (*done)(void *ctx, enum err rc),
			void *ctx)
{
	done(ctx, store_accept(s, a));
}

/* The kept members, put together, are the inside of an object. */
static void extra_check(struct span extra)
{
	struct json_value value;
	struct buf object;

	buf_init(&object, EXTRA_MAX);
	buf_byte(&object, '{');
	buf_span(&object, extra);
	buf_byte(&object, '}');
	must(object.failed == ERR_OK);
	must(json_scan(buf_view(&object), DEPTH + 4, &value, NULL) == ERR_OK);
	must(value.type == JSON_OBJECT);
	buf_finish(&object);
}

static void event_check(const struct accept_event *e)
{
	struct json_value value;

	must(event_type_is_valid(e->type));
	must(e->source_id.ptr == NULL || (e->source_id.len >= 1 && e->source_id.len <= 255));
	for (size_t i = 0; i < e->source_id.len; i++)
		must((unsigned char)e->source_id.ptr[i] >= 0x20);
	if (e->extra.ptr != NULL)
		extra_check(e->extra);
	/* Names may repeat inside data, which alone would be refused. */
	if (e->data.ptr != NULL && e->data.ptr[0] != '{')
		must(json_scan(e->data, DEPTH + 4, &value, NULL) == ERR_OK);
}

static void scan(enum err (*read)(const struct ingest *, struct ingest_request *, struct faults *),
		 struct span body)
{
	static const struct conf conf = { .api = { .depth_max = DEPTH,
						   .body_max_bytes = EVENT_MAX,
						   .batch_max_events = EVENTS_MAX } };
	static const struct ingest ingest = { .conf = &conf };
	static const struct caller caller = { .organization = 1 };
	struct ingest_request r = { .caller = &caller, .body = body };
	struct faults faults;

	if (body.len % 2 == 1)
		r.idempotency_key = (struct span){ "key", 3 };
	faults_init(&faults);
	const enum err rc = read(&ingest, &r, &faults);

	must(rc == ERR_OK || rc == ERR_BAD_REQUEST);
	must((rc == ERR_OK) == (faults.count == 0));
	if (rc == ERR_OK) {
		must(r.accept.event_count >= 1 && r.accept.event_count <= EVENTS_MAX);
		for (size_t i = 0; i < r.accept.event_count; i++)
			event_check(&r.accept.events[i]);
	}
	faults_finish(&faults);
	ingest_request_finish(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span body = { (const char *)data, size };

	scan(ingest_one, body);
	scan(ingest_batch, body);
	return 0;
}
