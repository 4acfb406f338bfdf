/* deliveries.c - what became of events: deliveries and their attempts.
 * "sending" is shown for a due delivery that the engine has in flight.
 * Not here: reading rows (store/), masking of targets (channel/configs).
 * API threads.
 * SPDX-License-Identifier: MIT */
#include "api/deliveries.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/events.h"
#include "api/page.h"
#include "base/mem.h"
#include "channel/configs.h"
#include "domain/envelope.h"
#include "model/ids.h"

enum { QUERY_EVENT, QUERY_WEBHOOK, QUERY_STATE, QUERY_LIMIT, QUERY_CURSOR };

/* Row n of this table is choice n of the parameter. */
static const char *const state_choices[] = { "due",    "sending",   "held", "delivered",
					     "failed", "cancelled", NULL };
static const enum delivery_state choice_states[] = {
	DELIVERY_DUE,       DELIVERY_DUE,    DELIVERY_HELD,
	DELIVERY_DELIVERED, DELIVERY_FAILED, DELIVERY_CANCELLED,
};

const struct query_row deliveries_query[] = {
	[QUERY_EVENT] = { "event_id", "Only those of this event.", QUERY_TEXT, 0, 0, 0, NULL },
	[QUERY_WEBHOOK] = { "webhook_id", "Only those of this webhook.", QUERY_TEXT, 0, 0, 0,
			    NULL },
	[QUERY_STATE] = { "state", "Only those in this state.", QUERY_CHOICE, 0, 0, 0,
			  state_choices },
	[QUERY_LIMIT] = { "limit", "Deliveries on a page, at most.", QUERY_INT, 1, 1000, 100,
			  NULL },
	[QUERY_CURSOR] = { "cursor", "next_cursor of the page before.", QUERY_POSITION,
			   PUBID_DELIVERY_CURSOR, 0, 0, NULL },
	{ NULL, NULL, 0, 0, 0, 0, NULL },
};

/* --- One delivery as JSON ---------------------------------------------------------- */

static const char *state_shown(const struct api *api, const struct delivery_row *d)
{
	if (d->state == DELIVERY_DUE && engine_is_sending(api->engine, d->id))
		return "sending";
	return delivery_state_text(d->state);
}

static void target_write(const struct api *api, const struct delivery_row *d, struct json_writer *w)
{
	const struct channel *channel = channels_find(api->channels, d->channel);
	char *single = NULL;
	struct buf text;

	buf_init(&text, 64 * 1024);
	if (channel != NULL && d->target == NULL && d->configs != NULL)
		single = configs_target(channel, d->configs);
	const char *target = d->target == NULL ? single : d->target;

	if (channel != NULL && target != NULL)
		configs_target_show(channel, span_of(target), &text);
	/* Without the plugin's table nobody knows whether it is a secret. */
	json_put(w, "target", text.ptr);
	buf_finish(&text);
	free(single);
}

static void last_write(const struct attempt *last, struct json_writer *w)
{
	const bool has_failed = last->outcome != ATTEMPT_DELIVERED && last->reason[0] != '\0';

	if (last->status == 0)
		json_put_null(w, "last_status_code");
	else
		json_put_int(w, "last_status_code", last->status);
	json_put(w, "last_error", has_failed ? last->reason : NULL);
}

/* Everything up to `state`; the caller closes the object. */
static void delivery_begin(const struct api *api, const struct delivery_row *d, const char *state,
			   struct json_writer *w)
{
	const struct event named = { .id = d->event_id, .source_id = span_of(d->source_id) };
	char id[PUBID_TEXT_BYTES], event_id[EVENT_TEXT_ID_BYTES];

	pubid_format(api->ids, PUBID_DELIVERY, d->id, id);
	event_text_id(api->ids, &named, event_id);
	json_open(w, '{');
	json_put(w, "delivery_id", id);
	json_put(w, "event_id", event_id);
	json_put(w, "event_type", d->event_type);
	json_put(w, "webhook_id", d->webhook_id);
	json_put(w, "channel", d->channel);
	target_write(api, d, w);
	json_put(w, "state", state);
}

static void delivery_end(const struct delivery_row *d, struct json_writer *w)
{
	json_put_time_us(w, "created_at", id_time_ms(d->event_id) * 1000);
	json_put_time_us(w, "next_attempt_at", d->next_attempt_at_ms * 1000);
	json_put_time_us(w, "done_at", d->done_at_ms * 1000);
	last_write(&d->last, w);
	json_close(w, '}');
}

/* --- Attempts ----------------------------------------------------------------------- */

/* Microseconds as milliseconds with three places; null for a phase that was not. */
static void duration_put(struct json_writer *w, const char *key, int64_t us)
{
	char text[32];

	if (us < 0) {
		json_put_null(w, key);
		return;
	}
	snprintf(text, sizeof(text), "%" PRId64 ".%03" PRId64, us / 1000, us % 1000);
	json_put_raw(w, key, span_of(text));
}

static void attempt_write(const struct attempt_row *row, struct json_writer *w)
{
	const struct attempt *a = &row->attempt;

	json_open(w, '{');
	json_put_int(w, "number", a->number);
	json_put_time_us(w, "started_at", a->started_at_us);
	duration_put(w, "duration_ms", a->total_us);
	json_key(w, "timing");
	json_open(w, '{');
	duration_put(w, "dns_ms", a->dns_us);
	duration_put(w, "connect_ms", a->connect_us);
	duration_put(w, "tls_ms", a->tls_us);
	duration_put(w, "first_byte_ms", a->first_byte_us);
	duration_put(w, "total_ms", a->total_us);
	json_close(w, '}');
	if (a->status == 0)
		json_put_null(w, "status_code");
	else
		json_put_int(w, "status_code", a->status);
	json_put(w, "outcome", attempt_outcome_text(a->outcome));
	json_put(w, "reason", a->reason[0] == '\0' ? NULL : a->reason);
	json_put(w, "reply_excerpt", row->excerpt);
	json_close(w, '}');
}

static void detail_write(struct exchange *x, const struct delivery_row *d,
			 const struct attempt_row *attempts, size_t count)
{
	struct json_writer w = reply_json(&x->reply, 200);

	delivery_begin(x->api, d, state_shown(x->api, d), &w);
	json_key(&w, "attempts");
	json_open(&w, '[');
	for (size_t i = 0; i < count; i++)
		attempt_write(&attempts[i], &w);
	json_close(&w, ']');
	delivery_end(d, &w);
}

void deliveries_show(struct exchange *x)
{
	struct delivery_row row = { 0 };
	struct attempt_row *attempts = NULL;
	size_t count = 0;
	int64_t id = 0;
	enum err rc = ERR_NOT_FOUND;

	if (pubid_parse(x->api->ids, PUBID_DELIVERY, x->identifier, &id))
		rc = store_delivery_read(x->api->store, x->caller.organization, id, &row);
	if (rc == ERR_OK)
		rc = store_attempts_read(x->api->store, id, &attempts, &count);
	if (rc == ERR_OK)
		detail_write(x, &row, attempts, count);
	else if (rc == ERR_NOT_FOUND)
		reply_error(&x->reply, 404, "There is no such delivery");
	else
		reply_err(&x->reply, rc);
	for (size_t i = 0; i < count; i++)
		free(attempts[i].excerpt);
	free(attempts);
	delivery_row_finish(&row);
}

/* --- List ----------------------------------------------------------------------------- */

/* What the parameters ask for. *out_is_empty: an id that is not this organization's. */
static enum err query_read(struct exchange *x, struct delivery_query *q, bool *out_is_empty)
{
	const struct query_value *values = x->query.values;
	enum err rc = ERR_OK;

	*out_is_empty = false;
	if (values[QUERY_EVENT].is_given) {
		rc = events_find(x, values[QUERY_EVENT].text, &q->event_id);
		*out_is_empty = q->event_id == 0;
	}
	/* The registry has forgotten a removed webhook; its deliveries are still there. */
	if (rc == ERR_OK && values[QUERY_WEBHOOK].is_given) {
		rc = store_webhook_find(x->api->store, q->organization, values[QUERY_WEBHOOK].text,
					&q->webhook_id);
		*out_is_empty = *out_is_empty || q->webhook_id == 0;
	}
	if (values[QUERY_STATE].is_given)
		q->state = choice_states[values[QUERY_STATE].number];
	return rc;
}

/* The store knows "due" alone; which of those are being sent is the engine's. */
static bool is_asked_for(const struct exchange *x, const char *state)
{
	const struct query_value *asked = &x->query.values[QUERY_STATE];

	return !asked->is_given || strcmp(state_choices[asked->number], state) == 0;
}

static void list_write(struct exchange *x, const struct delivery_query *q,
		       const struct delivery_row *rows, size_t count, int64_t next)
{
	const struct pagination p = { .ids = x->api->ids,
				      .cursor = PUBID_DELIVERY_CURSOR,
				      .limit = (int64_t)q->limit,
				      .total = PAGE_UNCOUNTED,
				      .next = next };
	struct json_writer w = reply_json(&x->reply, 200);

	json_open(&w, '{');
	json_key(&w, "results");
	json_open(&w, '[');
	for (size_t i = 0; i < count; i++) {
		const char *state = state_shown(x->api, &rows[i]);

		if (!is_asked_for(x, state))
			continue;
		delivery_begin(x->api, &rows[i], state, &w);
		json_put_int(&w, "attempts", rows[i].attempts);
		delivery_end(&rows[i], &w);
	}
	json_close(&w, ']');
	pagination_write(&p, &w);
	json_close(&w, '}');
}

void deliveries_list(struct exchange *x)
{
	struct delivery_query q = { .organization = x->caller.organization,
				    .before = x->query.values[QUERY_CURSOR].number,
				    .limit = (size_t)x->query.values[QUERY_LIMIT].number };
	struct delivery_row *rows = xcalloc(q.limit, sizeof(*rows));
	int64_t next = 0;
	size_t count = 0;
	bool is_empty;
	enum err rc = query_read(x, &q, &is_empty);

	if (rc == ERR_OK && !is_empty)
		rc = store_deliveries_read(x->api->store, &q, rows, &count, &next);
	if (rc == ERR_OK)
		list_write(x, &q, rows, count, next);
	else
		reply_err(&x->reply, rc);
	for (size_t i = 0; i < count; i++)
		delivery_row_finish(&rows[i]);
	free(rows);
}
