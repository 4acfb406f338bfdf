/* rehearsal.c - an attempt that ends before it begins.
 * Not here: how it is shown (api/preview.c). Any thread.
 * SPDX-License-Identifier: MIT */
#include "delivery/rehearsal.h"

void rehearsal_make(const struct transfer_rules *rules, struct entry *entry, size_t channel_at,
		    int64_t target, struct event *event, struct rehearsal *out)
{
	*out = (struct rehearsal){ .rc = ERR_OK };
	out->item.work =
		(struct work){ .delivery_id = event->id + 1, .target = target, .event = event };
	out->transfer = transfer_create(rules, &out->item, entry_hold(entry), channel_at);
	/* Nobody is to blame for a delivery that there is not. */
	out->transfer->delivery = 0;
	if (transfer_channel(out->transfer)->plugin.vtable.deliver != NULL)
		out->is_silent = true;
	else
		out->rc = transfer_prepare(out->transfer, rules, curl_easy_init(), &out->why);
}

void rehearsal_finish(struct rehearsal *r)
{
	transfer_destroy(r->transfer);
	*r = (struct rehearsal){ .rc = ERR_OK };
}
