/* webhook_fakes.h - a registry and a store for webhooks, in memory: what
 * domain/webhooks.c needs below it, beside channels. Included once a program.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_WEBHOOK_FAKES_H
#define TESTS_UNIT_WEBHOOK_FAKES_H

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "domain/registry.h"
#include "domain/webhooks.h"

#include "channel_fakes.h"

/* --- The store: rows with ids --------------------------------------------------- */

enum { FAKE_ROWS_MAX = 16 };

static struct webhook fake_rows[FAKE_ROWS_MAX];
static size_t fake_row_count;
static int64_t fake_last_id;
static int fake_replaced;               /* calls of store_webhook_replace() */
static enum store_waiting fake_waiting; /* of the last one */
static enum err fake_rc;                /* what writing returns */

static void fake_ids_fill(struct webhook *w)
{
	for (size_t i = 0; i < w->channel_count; i++) {
		struct webhook_channel *c = &w->channels[i];

		if (c->id == 0)
			c->id = ++fake_last_id;
		for (size_t n = 0; n < c->target_count; n++) {
			if (c->targets[n].id == 0)
				c->targets[n].id = ++fake_last_id;
		}
	}
}

static struct webhook *fake_row(int64_t id)
{
	for (size_t i = 0; i < fake_row_count; i++) {
		if (fake_rows[i].id == id)
			return &fake_rows[i];
	}
	return NULL;
}

enum err store_webhook_add(struct store *s, struct webhook *w)
{
	(void)s;
	if (fake_rc != ERR_OK)
		return fake_rc;
	if (fake_row_count == FAKE_ROWS_MAX)
		return ERR_FULL;
	w->id = ++fake_last_id;
	fake_ids_fill(w);
	webhook_copy(w, &fake_rows[fake_row_count++]);
	return ERR_OK;
}

enum err store_webhook_replace(struct store *s, struct webhook *w, enum store_waiting waiting)
{
	(void)s;
	fake_replaced++;
	fake_waiting = waiting;
	if (fake_rc != ERR_OK)
		return fake_rc;
	fake_ids_fill(w);
	webhook_finish(fake_row(w->id));
	/* The finished row has id 0 now. */
	webhook_copy(w, fake_row(0));
	return ERR_OK;
}

enum err store_webhook_remove(struct store *s, int64_t webhook_id, int64_t now_us)
{
	struct webhook *row = fake_row(webhook_id);

	(void)s;
	(void)now_us;
	if (row == NULL)
		return ERR_NOT_FOUND;
	webhook_finish(row);
	*row = fake_rows[--fake_row_count];
	fake_rows[fake_row_count] = (struct webhook){ 0 };
	return ERR_OK;
}

enum err store_webhook_secrets(struct store *s, const struct webhook *w)
{
	struct webhook *row = fake_row(w->id);

	(void)s;
	if (row == NULL)
		return ERR_NOT_FOUND;
	memcpy(row->secrets, w->secrets, sizeof(row->secrets));
	row->secret_count = w->secret_count;
	return fake_rc;
}

enum err store_webhook_read(struct store *s, int64_t webhook_id, struct webhook *out)
{
	const struct webhook *row = fake_row(webhook_id);

	(void)s;
	if (row == NULL)
		return ERR_NOT_FOUND;
	webhook_copy(row, out);
	return ERR_OK;
}

/* --- The registry --------------------------------------------------------------- */

static struct entry *fake_entries[FAKE_ROWS_MAX];
static size_t fake_entry_count;

struct entry *entry_hold(struct entry *e)
{
	e->refs++;
	return e;
}

void entry_drop(struct entry *e)
{
	if (e == NULL || --e->refs > 0)
		return;
	webhook_finish(&e->webhook);
	free(e);
}

struct entry *entry_create(const struct channels *channels, struct webhook *w)
{
	struct entry *e = xcalloc(1, sizeof(*e));

	(void)channels;
	e->refs = 1;
	e->webhook = *w;
	e->position = (uint64_t)w->id;
	*w = (struct webhook){ 0 };
	return e;
}

void registry_put(struct registry *r, struct webhook *w)
{
	struct entry *e = entry_create(NULL, w);
	size_t i = 0;

	(void)r;
	while (i < fake_entry_count && fake_entries[i]->webhook.id != e->webhook.id)
		i++;
	if (i == fake_entry_count)
		fake_entry_count++;
	else
		entry_drop(fake_entries[i]);
	fake_entries[i] = e;
}

void registry_remove(struct registry *r, int64_t organization, int64_t webhook_id)
{
	(void)r;
	for (size_t i = 0; i < fake_entry_count; i++) {
		if (fake_entries[i]->webhook.organization != organization ||
		    fake_entries[i]->webhook.id != webhook_id)
			continue;
		entry_drop(fake_entries[i]);
		fake_entry_count--;
		memmove(&fake_entries[i], &fake_entries[i + 1],
			(fake_entry_count - i) * sizeof(*fake_entries));
		return;
	}
}

struct entry *registry_find(struct registry *r, int64_t organization, struct span public_id)
{
	(void)r;
	for (size_t i = 0; i < fake_entry_count; i++) {
		if (fake_entries[i]->webhook.organization == organization &&
		    span_is(public_id, fake_entries[i]->webhook.public_id))
			return entry_hold(fake_entries[i]);
	}
	return NULL;
}

struct entry **registry_list(struct registry *r, int64_t organization, size_t *out_count)
{
	struct entry **list = xcalloc(fake_entry_count + 1, sizeof(*list));

	(void)r;
	*out_count = 0;
	for (size_t i = 0; i < fake_entry_count; i++) {
		if (fake_entries[i]->webhook.organization == organization)
			list[(*out_count)++] = entry_hold(fake_entries[i]);
	}
	return list;
}

size_t registry_count(struct registry *r, int64_t organization)
{
	size_t count = 0;

	(void)r;
	for (size_t i = 0; i < fake_entry_count; i++)
		count += fake_entries[i]->webhook.organization == organization;
	return count;
}

static void fakes_reset(void)
{
	while (fake_entry_count > 0)
		entry_drop(fake_entries[--fake_entry_count]);
	while (fake_row_count > 0)
		webhook_finish(&fake_rows[--fake_row_count]);
	fake_replaced = 0;
	fake_waiting = STORE_WAITING_KEEP;
	fake_rc = ERR_OK;
}

#endif
