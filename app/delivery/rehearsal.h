/* rehearsal.h - what a channel would send for an event, without sending it.
 * SPDX-License-Identifier: MIT
 * The same code as for a real attempt, up to the point where libcurl would begin. */
#ifndef TOCSIN_DELIVERY_REHEARSAL_H
#define TOCSIN_DELIVERY_REHEARSAL_H

#include "delivery/transfer.h"

struct rehearsal {
	struct transfer *transfer; /* with its request, when rc is ERR_OK; owned */
	struct item item;
	enum err rc;    /* of prepare(); then why says what a real attempt would have failed of */
	bool is_silent; /* the plugin delivers by itself: there is no request to look at */
	struct why why;
};

/* Let channel channel_at of entry describe its request for event and the target
 * with this number (0: the single one).
 * Owner  *out is owned; rehearsal_finish(). entry and event: borrowed. Thread: any. */
void rehearsal_make(const struct transfer_rules *rules, struct entry *entry, size_t channel_at,
		    int64_t target, struct event *event, struct rehearsal *out);
void rehearsal_finish(struct rehearsal *r);

#endif
