/* fill.c - finished deliveries and known keys in a store, by store.h's batches.
 * SPDX-License-Identifier: MIT
 *
 *   fill DB ORGANIZATION WEBHOOK DELIVERIES KEYS
 *
 * The server must be down: the store has one owner. Each delivery belongs to an
 * event of its own, to the webhook's first channel, and is settled as delivered;
 * each key belongs to an event without deliveries. */
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/store.h"

enum { BATCH = 250, KEY_BYTES = 32, READERS = 2 };

struct place {
	const char *organization_id, *webhook_id; /* as the API names them */
	int64_t organization, destination;
};

struct round {
	struct accept_event events[BATCH];
	struct accept_target targets[BATCH];
	struct settle settles[BATCH];
	struct settle_batch batch;
	sem_t settled;
	enum err rc;
};

static void organization_look(void *ctx, const struct organization *o)
{
	struct place *p = ctx;

	if (strcmp(o->public_id, p->organization_id) == 0)
		p->organization = o->id;
}

static void webhook_look(void *ctx, struct webhook *w)
{
	struct place *p = ctx;

	if (strcmp(w->public_id, p->webhook_id) == 0 && w->channel_count > 0)
		p->destination = w->channels[0].id;
}

static void settled(struct settle_batch *b, enum err rc)
{
	struct round *r = b->ctx;

	r->rc = rc;
	sem_post(&r->settled);
}

static struct accept_event event_of(const char *data)
{
	return (struct accept_event){ .type = span_of("bench.filled"), .data = span_of(data) };
}

static void settle_fill(struct settle *s, const struct accept_target *t, int64_t due_ms)
{
	*s = (struct settle){
		.delivery_id = t->delivery_id,
		.destination = t->destination,
		.due_ms = due_ms,
		.state = DELIVERY_DELIVERED,
		.attempt = { .number = 1,
			     .outcome = ATTEMPT_DELIVERED,
			     .started_at_us = due_ms * 1000,
			     .dns_us = -1,
			     .connect_us = 100,
			     .tls_us = -1,
			     .first_byte_us = 300,
			     .total_us = 400,
			     .status = 200 },
	};
}

/* count events with one delivery each, then their results. */
static enum err deliveries_add(struct store *s, const struct place *p, struct round *r,
			       const char *data, size_t count)
{
	struct accept a = { .organization = p->organization,
			    .events = r->events,
			    .event_count = count };

	for (size_t i = 0; i < count; i++) {
		r->targets[i] = (struct accept_target){ .destination = p->destination };
		r->events[i] = event_of(data);
		r->events[i].targets = &r->targets[i];
		r->events[i].target_count = 1;
	}
	enum err rc = store_accept(s, &a);
	if (rc != ERR_OK)
		return rc;
	for (size_t i = 0; i < count; i++)
		settle_fill(&r->settles[i], &r->targets[i], r->events[i].accepted_at_ms);
	r->batch = (struct settle_batch){
		.items = r->settles, .count = count, .done = settled, .ctx = r
	};
	store_settle(s, &r->batch);
	sem_wait(&r->settled);
	return r->rc;
}

/* count events that were published with an id of their own. */
static enum err keys_add(struct store *s, const struct place *p, struct round *r, size_t first,
			 size_t count)
{
	char names[BATCH][KEY_BYTES];
	struct accept a = { .organization = p->organization,
			    .events = r->events,
			    .event_count = count };

	for (size_t i = 0; i < count; i++) {
		const int len = snprintf(names[i], sizeof(names[i]), "filled-%zu", first + i);

		r->events[i] = event_of("1");
		r->events[i].source_id = (struct span){ names[i], (size_t)len };
	}
	return store_accept(s, &a);
}

static enum err fill(struct store *s, const struct place *p, size_t deliveries, size_t keys)
{
	static struct round r;
	char data[400];
	enum err rc = ERR_OK;

	memset(data, 'x', sizeof(data));
	data[0] = data[sizeof(data) - 2] = '"';
	data[sizeof(data) - 1] = '\0';
	sem_init(&r.settled, 0, 0);
	for (size_t done = 0; done < deliveries && rc == ERR_OK; done += BATCH)
		rc = deliveries_add(s, p, &r, data,
				    deliveries - done < BATCH ? deliveries - done : BATCH);
	for (size_t done = 0; done < keys && rc == ERR_OK; done += BATCH)
		rc = keys_add(s, p, &r, done, keys - done < BATCH ? keys - done : BATCH);
	return rc;
}

static enum err place_find(struct store *s, struct place *p)
{
	enum err rc = store_organizations_read(s, organization_look, p);

	if (rc == ERR_OK)
		rc = store_webhooks_read(s, webhook_look, p);
	if (rc == ERR_OK && (p->organization == 0 || p->destination == 0))
		rc = ERR_NOT_FOUND;
	return rc;
}

int main(int argc, char **argv)
{
	struct store *store = NULL;
	struct why why = { "" };

	if (argc != 6) {
		fprintf(stderr, "usage: fill DB ORGANIZATION WEBHOOK DELIVERIES KEYS\n");
		return 2;
	}
	const struct store_options options = { .path = argv[1],
					       .cache_bytes = 16 << 20,
					       .busy_timeout_ms = 5000,
					       .readers = READERS };
	struct place place = { .organization_id = argv[2], .webhook_id = argv[3] };
	enum err rc = store_open(&options, &store, &why);
	if (rc != ERR_OK) {
		fprintf(stderr, "fill: %s\n", why.text);
		return 1;
	}
	rc = place_find(store, &place);
	if (rc == ERR_OK)
		rc = fill(store, &place, strtoul(argv[4], NULL, 10), strtoul(argv[5], NULL, 10));
	store_close(store);
	if (rc != ERR_OK)
		fprintf(stderr, "fill: %s\n", err_text(rc));
	return rc == ERR_OK ? 0 : 1;
}
