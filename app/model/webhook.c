/* webhook.c - frees, copies and matches webhooks.
 * Not here: validating (domain/webhooks), storing (store/), configs' meaning
 * (channel/configs).
 * Any thread; a shared webhook is read-only.
 * SPDX-License-Identifier: MIT */
#include "model/webhook.h"

#include <stdlib.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "model/pattern.h"

void webhook_channel_finish(struct webhook_channel *c)
{
	if (c == NULL)
		return;
	free(c->name);
	free(c->description);
	free(c->configs);
	free(c->disabled_reason);
	for (size_t i = 0; i < c->target_count; i++)
		free(c->targets[i].value);
	free(c->targets);
	*c = (struct webhook_channel){ 0 };
}

void webhook_finish(struct webhook *w)
{
	if (w == NULL)
		return;
	free(w->name);
	free(w->description);
	free(w->disabled_reason);
	for (size_t i = 0; i < w->event_type_count; i++)
		free(w->event_types[i]);
	free(w->event_types);
	for (size_t i = 0; i < w->channel_count; i++)
		webhook_channel_finish(&w->channels[i]);
	free(w->channels);
	crypto_wipe(w->secrets, sizeof(w->secrets));
	*w = (struct webhook){ 0 };
}

static void channel_copy(const struct webhook_channel *from, struct webhook_channel *out)
{
	*out = *from;
	out->name = xstrdup(from->name);
	out->description = xstrdup(from->description);
	out->configs = xstrdup(from->configs);
	out->disabled_reason = xstrdup(from->disabled_reason);
	out->targets = NULL;
	if (from->target_count == 0)
		return;
	out->targets = xcalloc(from->target_count, sizeof(*out->targets));
	for (size_t i = 0; i < from->target_count; i++) {
		out->targets[i].id = from->targets[i].id;
		out->targets[i].value = xstrdup(from->targets[i].value);
	}
}

void webhook_copy(const struct webhook *from, struct webhook *out)
{
	*out = *from;
	out->name = xstrdup(from->name);
	out->description = xstrdup(from->description);
	out->disabled_reason = xstrdup(from->disabled_reason);
	out->event_types = NULL;
	if (from->event_type_count > 0)
		out->event_types = xcalloc(from->event_type_count, sizeof(*out->event_types));
	for (size_t i = 0; i < from->event_type_count; i++)
		out->event_types[i] = xstrdup(from->event_types[i]);
	out->channels = NULL;
	if (from->channel_count > 0)
		out->channels = xcalloc(from->channel_count, sizeof(*out->channels));
	for (size_t i = 0; i < from->channel_count; i++)
		channel_copy(&from->channels[i], &out->channels[i]);
}

bool webhook_matches(const struct webhook *w, const char *type, size_t type_bytes)
{
	for (size_t i = 0; i < w->event_type_count; i++) {
		if (pattern_matches(span_of(w->event_types[i]), (struct span){ type, type_bytes }))
			return true;
	}
	return false;
}
