/* fuzz_webhook.c - webhooks' bodies: created, put and patched over a stored one.
 * What is accepted must be sound; putting what was accepted again must change
 * nothing.
 * SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"
#include "model/pattern.h"
#include "../unit/webhook_fakes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct conf conf = {
	.api = { .body_max_bytes = 65536, .depth_max = 16 },
	.limits = { .webhooks = 8, .channels = 4, .targets = 5, .event_types = 8 },
};

static const char stored[] =
	"{\"webhook_name\":\"n\",\"event_types\":[\"a.b\"],\"channels\":["
	"{\"channel\":\"hook\",\"configs\":{\"url\":\"http://a.example/secret\"}},"
	"{\"channel\":\"many\",\"configs\":{\"phones\":[\"+491\",\"+492\"]}}]}";

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void webhook_check(const struct webhook *w)
{
	struct json_value value;

	must(w->name != NULL && utf8_length(span_of(w->name)) >= 1);
	must(w->event_type_count >= 1 && w->event_type_count <= 8);
	for (size_t i = 0; i < w->event_type_count; i++)
		must(pattern_is_valid(span_of(w->event_types[i])));
	must(w->channel_count >= 1 && w->channel_count <= 4);
	for (size_t i = 0; i < w->channel_count; i++) {
		const struct webhook_channel *c = &w->channels[i];

		must(json_scan(span_of(c->configs), 20, &value, NULL) == ERR_OK);
		must(value.type == JSON_OBJECT && c->id != 0);
		for (size_t n = 0; n < i; n++)
			must(w->channels[n].id != c->id);
	}
}

static void result_check(enum err rc, const struct faults *faults, struct entry *entry)
{
	must(rc == ERR_OK || rc == ERR_BAD_REQUEST);
	must((rc == ERR_OK) == (faults->count == 0));
	if (rc == ERR_OK)
		webhook_check(&entry->webhook);
	entry_drop(entry);
}

static void change(struct webhooks *webhooks,
		   enum err (*fn)(struct webhooks *, const struct webhook_change *, struct faults *,
				  struct entry **),
		   const struct webhook_change *c)
{
	struct entry *entry = NULL;
	struct faults faults;

	faults_init(&faults);
	const enum err rc = fn(webhooks, c, &faults, &entry);

	result_check(rc, &faults, entry);
	faults_finish(&faults);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct webhooks *webhooks = webhooks_create(&conf, &fake_channels, NULL, NULL);
	struct webhook_change c = { .organization = 1, .body = span_of(stored) };

	change(webhooks, webhooks_create_one, &c);
	char id[WEBHOOK_ID_BYTES];

	memcpy(id, fake_rows[0].public_id, sizeof(id));
	c.id = span_of(id);
	c.body = (struct span){ (const char *)data, size };
	change(webhooks, webhooks_create_one, &c);
	change(webhooks, webhooks_patch, &c);
	change(webhooks, webhooks_put, &c);
	const int replaced = fake_replaced;

	change(webhooks, webhooks_put, &c);
	must(fake_replaced == replaced);
	webhooks_destroy(webhooks);
	fakes_reset();
	return 0;
}
