/* envelope.h - the event as JSON: what receivers, templates and readers see.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_DOMAIN_ENVELOPE_H
#define TOCSIN_DOMAIN_ENVELOPE_H

#include "base/buf.h"
#include "base/pubid.h"
#include "model/event.h"
#include "model/webhook.h"

enum { EVENT_TEXT_ID_BYTES = 256 };

/* The event's id as the API shows it: the producer's own, else "evt_…". */
void event_text_id(const struct pubid *ids, const struct event *e, char out[EVENT_TEXT_ID_BYTES]);
/* What the receiver knows it by: the text id when it is [A-Za-z0-9_-]{1,64},
 * else "evt_…". */
void event_message_id(const struct pubid *ids, const struct event *e, char out[65]);

/* {event_id, event_type, occurred_at, webhook_id, webhook_name, namespace_id,
 * subject, metadata, cache_scope, data}, absent ones omitted. webhook NULL: without
 * its two members (reading an event). */
void envelope_append(struct buf *out, const struct pubid *ids, const struct event *e,
		     const struct webhook *webhook);

#endif
