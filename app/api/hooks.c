/* hooks.c - creating, changing, listing and showing webhooks.
 * Not here: the rules (domain/webhooks), masking of secrets (channel/configs).
 * API threads; changes wait for the commit.
 * SPDX-License-Identifier: MIT */
#include "api/hooks.h"

#include <inttypes.h>
#include <stdlib.h>

#include "api/exchange.h"
#include "api/page.h"
#include "base/crypto.h"
#include "base/mem.h"
#include "channel/configs.h"
#include "delivery/signature.h"
#include "model/pattern.h"

enum { QUERY_LIMIT, QUERY_OFFSET, QUERY_CURSOR, QUERY_TOTAL };

const struct query_row hooks_query[] = {
	[QUERY_LIMIT] = { "limit", "Webhooks on a page.", QUERY_INT, 1, 1000, 100, NULL },
	[QUERY_OFFSET] = { "offset", "Webhooks to skip.", QUERY_INT, 0, 10000, 0, NULL },
	[QUERY_CURSOR] = { "cursor", "next_cursor of the page before.", QUERY_POSITION,
			   PUBID_WEBHOOK_CURSOR, 0, 0, NULL },
	[QUERY_TOTAL] = { "include_total", "Fill in the totals inside pagination.", QUERY_BOOL, 0,
			  0, 0, NULL },
	{ NULL, NULL, 0, 0, 0, 0, NULL },
};

enum { QUERY_HELD };

static const char *const held_choices[] = { [HELD_SEND] = "send", [HELD_DROP] = "drop", NULL };

const struct query_row hooks_patch_query[] = {
	[QUERY_HELD] = { "held",
			 "What becomes of deliveries that were held while the webhook was paused, "
			 "when this change resumes it: sent (the default) or cancelled.",
			 QUERY_CHOICE, 0, 0, HELD_SEND, held_choices },
	{ NULL, NULL, 0, 0, 0, 0, NULL },
};

/* --- One webhook as JSON --------------------------------------------------------- */

static void channel_write(const struct api *api, const struct webhook_channel *c,
			  struct json_writer *w)
{
	const struct channel *channel = channels_find(api->channels, c->name);

	json_open(w, '{');
	json_put(w, "channel", c->name);
	json_put(w, "description", c->description);
	json_key(w, "configs");
	/* Its plugin may have been taken out of tocsin.conf: without its table nobody
	 * knows which values are secrets. */
	if (channel == NULL)
		json_put_raw(w, NULL, span_of("{}"));
	else {
		configs_show(channel, c->configs, w->out);
		w->comma = true;
	}
	json_put(w, "status", c->status == CHANNEL_ACTIVE ? "active" : "disabled");
	json_put(w, "disabled_reason", c->disabled_reason);
	json_close(w, '}');
}

static void error_write(const struct webhook_error *e, struct json_writer *w)
{
	if (!e->is_set) {
		json_put_null(w, "last_error");
		return;
	}
	json_key(w, "last_error");
	json_open(w, '{');
	json_put(w, "message", e->message);
	json_put(w, "channel", e->channel);
	if (e->status_code == 0)
		json_put_null(w, "status_code");
	else
		json_put_int(w, "status_code", e->status_code);
	json_put(w, "event_id", e->event_id);
	json_put_time_us(w, "occurred_at", e->occurred_at_us);
	json_close(w, '}');
}

static void hook_write(const struct api *api, const struct webhook *hook,
		       const struct webhook_error *error, struct json_writer *w)
{
	json_open(w, '{');
	json_put(w, "webhook_id", hook->public_id);
	json_put(w, "webhook_name", hook->name);
	json_put(w, "description", hook->description);
	json_key(w, "event_types");
	json_open(w, '[');
	for (size_t i = 0; i < hook->event_type_count; i++)
		json_put(w, NULL, hook->event_types[i]);
	json_close(w, ']');
	json_key(w, "channels");
	json_open(w, '[');
	for (size_t i = 0; i < hook->channel_count; i++)
		channel_write(api, &hook->channels[i], w);
	json_close(w, ']');
	json_put_bool(w, "is_active", hook->is_active);
	json_put(w, "disabled_reason", hook->disabled_reason);
	json_put_time_us(w, "created_at", hook->created_at_us);
	json_put_time_us(w, "updated_at", hook->updated_at_us);
	error_write(error, w);
	json_close(w, '}');
}

/* Their last errors, in their order. Owner: the caller, free(). */
static enum err errors_read(const struct exchange *x, struct entry *const *entries, size_t count,
			    struct webhook_error **out)
{
	int64_t *ids = xcalloc(count + 1, sizeof(*ids));
	struct webhook_error *errors = xcalloc(count + 1, sizeof(*errors));
	enum err rc = ERR_OK;

	for (size_t i = 0; i < count; i++)
		ids[i] = entries[i]->webhook.id;
	if (count > 0)
		rc = store_webhook_errors_read(x->api->store, ids, count, errors);
	free(ids);
	if (rc == ERR_OK)
		*out = errors;
	else
		free(errors);
	return rc;
}

/* Takes the reference. */
static void hook_reply(struct exchange *x, int status, struct entry *entry)
{
	struct webhook_error *errors = NULL;
	const enum err rc = errors_read(x, &entry, 1, &errors);

	if (rc == ERR_OK) {
		struct json_writer w = reply_json(&x->reply, status);

		hook_write(x->api, &entry->webhook, &errors[0], &w);
	} else {
		reply_err(&x->reply, rc);
	}
	free(errors);
	entry_drop(entry);
}

static void failure_reply(struct exchange *x, enum err rc)
{
	if (rc == ERR_BAD_REQUEST)
		reply_faults(&x->reply, &x->faults);
	else if (rc == ERR_NOT_FOUND)
		reply_error(&x->reply, 404, "There is no such webhook");
	else if (rc == ERR_LIMIT)
		reply_error(&x->reply, 403, "An organization may have at most %" PRId64 " webhooks",
			    x->api->conf->limits.webhooks);
	else
		reply_err(&x->reply, rc);
}

/* --- One by one -------------------------------------------------------------------- */

static struct webhook_change change_of(const struct exchange *x)
{
	return (struct webhook_change){ .organization = x->caller.organization,
					.id = x->identifier,
					.body = buf_view(&x->request.body) };
}

static void change_reply(struct exchange *x, int status, enum err rc, struct entry *entry)
{
	if (rc == ERR_OK)
		hook_reply(x, status, entry);
	else
		failure_reply(x, rc);
}

void hooks_add(struct exchange *x)
{
	const struct webhook_change change = change_of(x);
	struct entry *entry = NULL;
	const enum err rc = webhooks_create_one(x->api->webhooks, &change, &x->faults, &entry);

	change_reply(x, 201, rc, entry);
}

void hooks_put(struct exchange *x)
{
	const struct webhook_change change = change_of(x);
	struct entry *entry = NULL;
	const enum err rc = webhooks_put(x->api->webhooks, &change, &x->faults, &entry);

	change_reply(x, 200, rc, entry);
}

void hooks_patch(struct exchange *x)
{
	struct webhook_change change = change_of(x);
	struct entry *entry = NULL;

	change.held = (enum held_policy)x->query.values[QUERY_HELD].number;
	const enum err rc = webhooks_patch(x->api->webhooks, &change, &x->faults, &entry);

	change_reply(x, 200, rc, entry);
}

void hooks_remove(struct exchange *x)
{
	const enum err rc = webhooks_remove(x->api->webhooks, x->caller.organization,
					    x->identifier);

	if (rc == ERR_OK)
		x->reply.status = 204;
	else
		failure_reply(x, rc);
}

void hooks_show(struct exchange *x)
{
	struct entry *entry = registry_find(x->api->registry, x->caller.organization,
					    x->identifier);

	change_reply(x, 200, entry == NULL ? ERR_NOT_FOUND : ERR_OK, entry);
}

/* --- Secrets ------------------------------------------------------------------------ */

/* Takes the reference. */
static void secret_reply(struct exchange *x, struct entry *entry)
{
	const struct webhook *hook = &entry->webhook;
	struct json_writer w = reply_json(&x->reply, 200);
	char public_key[PUBLIC_KEY_TEXT_BYTES];
	struct buf text;

	buf_init(&text, SECRET_MAX_BYTES * 2);
	buf_text(&text, "whsec_");
	base64_append(&text,
		      (struct span){ (const char *)hook->secrets[0].bytes, hook->secrets[0].len });
	json_open(&w, '{');
	json_put_span(&w, "secret", buf_view(&text));
	signature_public_key(&hook->secrets[0], public_key);
	json_put(&w, "public_key", public_key);
	json_put_time_us(&w, "created_at", hook->secrets[0].created_at_us);
	json_key(&w, "previous");
	json_open(&w, '[');
	for (size_t i = 1; i < hook->secret_count; i++) {
		json_open(&w, '{');
		json_put_time_us(&w, "expires_at", hook->secrets[i].expires_at_us);
		json_close(&w, '}');
	}
	json_close(&w, ']');
	json_close(&w, '}');
	if (text.ptr != NULL)
		crypto_wipe(text.ptr, text.len);
	buf_finish(&text);
	entry_drop(entry);
}

void hooks_secret_show(struct exchange *x)
{
	struct entry *entry = registry_find(x->api->registry, x->caller.organization,
					    x->identifier);

	if (entry == NULL)
		failure_reply(x, ERR_NOT_FOUND);
	else
		secret_reply(x, entry);
}

void hooks_secret_rotate(struct exchange *x)
{
	struct entry *entry = NULL;
	const enum err rc = webhooks_secret_rotate(x->api->webhooks, x->caller.organization,
						   x->identifier, &entry);

	if (rc == ERR_OK)
		secret_reply(x, entry);
	else
		failure_reply(x, rc);
}

/* --- Lists --------------------------------------------------------------------------- */

static void hooks_write(const struct exchange *x, const struct webhook_page *page,
			const struct webhook_error *errors, struct json_writer *w)
{
	json_open(w, '[');
	for (size_t i = 0; i < page->count; i++)
		hook_write(x->api, &page->entries[i]->webhook, &errors[i], w);
	json_close(w, ']');
}

void hooks_list_plain(struct exchange *x)
{
	const struct webhook_query query = { .organization = x->caller.organization,
					     .is_active = -1,
					     .limit = SIZE_MAX };
	struct webhook_error *errors = NULL;
	struct webhook_page page;

	webhooks_list(x->api->webhooks, &query, &page);
	const enum err rc = errors_read(x, page.entries, page.count, &errors);

	if (rc == ERR_OK) {
		struct json_writer w = reply_json(&x->reply, 200);

		hooks_write(x, &page, errors, &w);
	} else {
		reply_err(&x->reply, rc);
	}
	free(errors);
	webhook_page_finish(&page);
}

static void filter_member_read(struct exchange *x, const struct json_member *member,
			       struct webhook_query *query, struct buf *text)
{
	static const struct loc body = { NULL, "body", 0 };
	const bool is_type = json_key_is(member->key, "event_type");
	const bool is_active = json_key_is(member->key, "is_active");
	const struct loc loc = { &body, is_type ? "event_type" : "is_active", 0 };

	if (!is_type && !is_active) {
		char *key = xspandup(member->key);
		const struct loc unknown = { &body, key, 0 };

		faults_add(&x->faults, &unknown, "extra_forbidden",
			   "Extra inputs are not permitted");
		free(key);
	} else if (member->value.type == JSON_NULL) {
		return;
	} else if (is_type && member->value.type == JSON_STRING) {
		json_string_decode(&member->value, text);
		query->event_type = buf_view(text);
		if (!event_type_is_valid(query->event_type))
			faults_add(&x->faults, &loc, "value_error",
				   "Should be an event type like cluster.created");
	} else if (is_active && member->value.type == JSON_BOOL) {
		query->is_active = json_is_true(&member->value);
	} else {
		faults_add(&x->faults, &loc, is_type ? "string_type" : "bool_type",
			   is_type ? "Input should be a valid string"
				   : "Input should be a valid boolean");
	}
}

/* The filters in the body, which may be absent or null. text: what they point into. */
static void filters_read(struct exchange *x, struct webhook_query *query, struct buf *text)
{
	static const struct loc body = { NULL, "body", 0 };
	const unsigned depth_max = (unsigned)x->api->conf->api.depth_max;
	struct json_fault why = { 0, "" };
	struct json_member member;
	struct json_value root;
	size_t at = 0;

	if (x->request.body.len == 0)
		return;
	if (json_scan(buf_view(&x->request.body), depth_max, &root, &why) != ERR_OK)
		faults_add(&x->faults, &body, "json_invalid", "Invalid JSON at byte %zu: %s",
			   why.offset, why.reason);
	else if (root.type != JSON_OBJECT && root.type != JSON_NULL)
		faults_add(&x->faults, &body, "model_attributes_type",
			   "Input should be a valid object");
	else
		while (json_member_next(&root, &at, &member))
			filter_member_read(x, &member, query, text);
}

static void page_reply(struct exchange *x, const struct webhook_query *query)
{
	struct webhook_error *errors = NULL;
	struct webhook_page page;

	webhooks_list(x->api->webhooks, query, &page);
	const enum err rc = errors_read(x, page.entries, page.count, &errors);

	if (rc == ERR_OK) {
		const struct pagination p = {
			.ids = x->api->ids,
			.cursor = PUBID_WEBHOOK_CURSOR,
			.limit = (int64_t)query->limit,
			.offset = (int64_t)query->offset,
			.total = x->query.values[QUERY_TOTAL].number != 0 ? (int64_t)page.total
									  : PAGE_UNCOUNTED,
			.page_is_known = query->after_position == 0,
			.next = (int64_t)page.next_position,
		};
		struct json_writer w = reply_json(&x->reply, 200);

		json_open(&w, '{');
		json_key(&w, "results");
		hooks_write(x, &page, errors, &w);
		pagination_write(&p, &w);
		json_put_int(&w, "total", (int64_t)page.total);
		json_close(&w, '}');
	} else {
		reply_err(&x->reply, rc);
	}
	free(errors);
	webhook_page_finish(&page);
}

void hooks_list(struct exchange *x)
{
	struct webhook_query query = {
		.organization = x->caller.organization,
		.is_active = -1,
		.limit = (size_t)x->query.values[QUERY_LIMIT].number,
		.offset = (size_t)x->query.values[QUERY_OFFSET].number,
		.after_position = (uint64_t)x->query.values[QUERY_CURSOR].number,
	};
	struct buf text;

	buf_init(&text, x->request.body.len + 1);
	filters_read(x, &query, &text);
	if (faults_any(&x->faults))
		reply_faults(&x->reply, &x->faults);
	else
		page_reply(x, &query);
	buf_finish(&text);
}
