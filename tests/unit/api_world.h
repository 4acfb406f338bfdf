/* api_world.h - what handlers answer with: a real store with its keys and
 * webhooks, and an engine that only notes what it is told.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_API_WORLD_H
#define TESTS_UNIT_API_WORLD_H

#include "api/exchange.h"

#include "channel_fakes.h"
#include "json_look.h"
#include "store_world.h"

/* --- The engine --------------------------------------------------------------------- */

static struct {
	bool has_room;
	size_t asked_bytes; /* at the last engine_room() */
	int asked, handed, left;
	size_t handed_targets, left_targets;
	struct event *event; /* the last one handed over; ours */
	int64_t sending;     /* this delivery is being sent */
} fake_engine;

bool engine_room(struct engine *e, size_t bytes)
{
	(void)e;
	fake_engine.asked++;
	fake_engine.asked_bytes = bytes;
	return fake_engine.has_room;
}

void engine_hand_over(struct engine *e, struct event *event, const struct accept_target *targets,
		      size_t count)
{
	(void)e, (void)targets;
	event_drop(fake_engine.event);
	fake_engine.event = event;
	fake_engine.handed++;
	fake_engine.handed_targets += count;
}

void engine_leave(struct engine *e, const struct accept_target *targets, size_t count)
{
	(void)e, (void)targets;
	fake_engine.left++;
	fake_engine.left_targets += count;
}

bool engine_is_sending(struct engine *e, int64_t delivery_id)
{
	(void)e;
	return delivery_id == fake_engine.sending;
}

/* --- The world ------------------------------------------------------------------------ */

struct api_world {
	struct world store;
	struct conf conf;
	struct api api;
	struct exchange x;
	struct caller caller; /* who asks with api_ask() */
};

static inline void api_world_start(struct api_world *w)
{
	memset(w, 0, sizeof(*w));
	memset(&fake_engine, 0, sizeof(fake_engine));
	fake_engine.has_room = true;
	world_start(&w->store);
	w->conf.api = (struct conf_api){ .body_max_bytes = 2000,
					 .batch_max_bytes = 4000,
					 .batch_max_events = 4,
					 .depth_max = 16 };
	w->conf.limits = (struct conf_limits){
		.webhooks = 5, .channels = 3, .targets = 5, .event_types = 4
	};
	w->conf.events.secret_overlap_ms = HOURS_MS(1);
	w->api = (struct api){ .conf = &w->conf,
			       .channels = &fake_channels,
			       .store = w->store.s,
			       .access = access_create(w->store.s),
			       .registry = registry_create(&fake_channels),
			       .ids = pubid_create(store_id_key(w->store.s)) };
	assert_int_equal(access_load(w->api.access), ERR_OK);
	w->api.webhooks = webhooks_create(&w->conf, &fake_channels, w->api.registry, w->store.s);
	w->api.ingest = (struct ingest){ &w->conf, w->api.registry, w->store.s };
	w->caller = (struct caller){ .organization = w->store.organization, .scopes = SCOPE_ALL };
	exchange_init(&w->x, &w->api);
}

static inline void api_world_end(struct api_world *w)
{
	exchange_finish(&w->x);
	event_drop(fake_engine.event);
	fake_engine.event = NULL;
	webhooks_destroy(w->api.webhooks);
	registry_destroy(w->api.registry);
	access_destroy(w->api.access);
	pubid_destroy((struct pubid *)(uintptr_t)w->api.ids);
	world_end(&w->store);
}

/* --- Asking a handler --------------------------------------------------------------- */

/* What the router would have prepared; absent parts are NULL. */
struct ask {
	void (*handler)(struct exchange *x);
	const char *identifier;
	const struct query_row *rows;
	const char *query, *body, *idempotency_key;
};

static inline void api_ask(struct api_world *w, const struct ask *a)
{
	static char identifier[512], body[8192];
	struct exchange *x = &w->x;

	/* Copies: what a handler is asked with may be in its last reply. */
	snprintf(identifier, sizeof(identifier), "%s", a->identifier == NULL ? "" : a->identifier);
	snprintf(body, sizeof(body), "%s", a->body == NULL ? "" : a->body);
	exchange_reset(x);
	x->caller = w->caller;
	x->identifier = span_of(identifier);
	x->request.idempotency_key = span_of(a->idempotency_key);
	buf_clear(&x->request.body);
	buf_text(&x->request.body, body);
	query_parse(&x->query, span_of(a->query), a->rows, QUERY_STRICT, &x->faults);
	assert_false(faults_any(&x->faults));
	a->handler(x);
}

/* The status and members of the last reply. looks may be NULL. */
static inline void reply_check(const struct api_world *w, const char *label, int status,
			       const struct look *looks)
{
	const struct reply *p = &w->x.reply;

	if (p->status != status)
		fail_msg("%s: %d instead of %d: %s", label, p->status, status,
			 p->body.ptr == NULL ? "" : p->body.ptr);
	if (looks != NULL)
		json_look(label, buf_view(&p->body), looks);
}

/* A text member of the last reply. */
static inline void reply_text(const struct api_world *w, const char *path, char *out,
			      size_t out_bytes)
{
	struct json_object *root = tree_parse(buf_view(&w->x.reply.body));
	struct json_object *value = NULL;

	if (!tree_find(root, path, &value))
		fail_msg("no %s in %s", path, w->x.reply.body.ptr);
	snprintf(out, out_bytes, "%s", value == NULL ? "" : json_object_get_string(value));
	json_object_put(root);
}

static inline void reply_fits(const struct api_world *w, const char *path, const char *schema)
{
	schema_check(&fake_channels, buf_view(&w->x.reply.body), path, schema);
}

/* --- Webhooks --------------------------------------------------------------------------- */

#define HOOK_CHANNEL(url)    "{\"channel\":\"hook\",\"configs\":{\"url\":\"" url "\"}}"
#define MANY_CHANNEL(phones) "{\"channel\":\"many\",\"configs\":{\"phones\":[" phones "]}}"
#define HOOK_BODY(types, channels) \
	"{\"webhook_name\":\"n\",\"event_types\":[" types "],\"channels\":[" channels "]}"

/* A webhook of the world's organization; out_id has room for WEBHOOK_ID_BYTES. */
static inline void api_webhook_add(struct api_world *w, const char *body, char *out_id)
{
	const struct webhook_change change = { .organization = w->store.organization,
					       .body = span_of(body) };
	struct entry *entry = NULL;
	struct faults faults;

	faults_init(&faults);
	if (webhooks_create_one(w->api.webhooks, &change, &faults, &entry) != ERR_OK)
		fail_msg("%s: %s", body, faults.count > 0 ? faults.detail.ptr : "no fault");
	faults_finish(&faults);
	memcpy(out_id, entry->webhook.public_id, WEBHOOK_ID_BYTES);
	entry_drop(entry);
}

#endif
