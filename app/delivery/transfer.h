/* transfer.h - one delivery attempt as one libcurl transfer.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_DELIVERY_TRANSFER_H
#define TOCSIN_DELIVERY_TRANSFER_H

#include <curl/curl.h>

#include "base/pubid.h"
#include "conf/conf.h"
#include "delivery/place.h"
#include "delivery/schedule.h"
#include "domain/envelope.h"
#include "domain/registry.h"

struct rendered; /* a text that render() gave */

struct transfer {
	struct transfer *next, **prev_link; /* in a list of the engine's or the lane's */
	struct item *item; /* never looked at by the slow lane: it may be taken away */
	struct destination *destination;
	int64_t delivery; /* row */
	unsigned attempt_number;
	struct event *event; /* a reference */
	struct entry *entry; /* a reference */
	size_t channel_at;   /* which of its channels */
	CURL *easy;
	struct tocsin_request request; /* what the plugin described */
	bool is_prepared;              /* prepare() was called and release() is due */
	struct tocsin_message message; /* its texts are below */
	char message_id[65], event_id[EVENT_TEXT_ID_BYTES], delivery_id[PUBID_TEXT_BYTES];
	char *event_type; /* owned, NUL-terminated copy */
	char *target;     /* owned */
	struct place place;
	struct rendered *rendered; /* owned, until the end */
	struct buf envelope, reply;
	size_t reply_bytes, reply_max_bytes;
	size_t sent_bytes;          /* of request.body, where libcurl asks for it */
	char last_line[512];        /* of a dialogue that is not HTTP */
	struct curl_slist *resolve; /* what CURLOPT_RESOLVE was given */
	const struct guard *guard;
	const char *refused_rule; /* the guard refused the socket */
	char error[CURL_ERROR_SIZE];
	int64_t started_us, started_mono_us; /* wall clock; monotonic */
	int64_t lookup_us;                   /* spent waiting for the name; -1 = none needed */
	int64_t timeout_ms;
	/* The slow lane leaves its result here. */
	struct attempt attempt;
	struct tocsin_verdict verdict;
};

struct transfer_rules {
	const struct conf *conf;
	const struct pubid *ids;
};

/* Take over the item and the entry's reference. Owner: transfer_destroy(),
 * which gives the item to nobody: take it out first. */
struct transfer *transfer_create(const struct transfer_rules *rules, struct item *item,
				 struct entry *entry, size_t channel_at);
void transfer_destroy(struct transfer *t);

const struct channel *transfer_channel(const struct transfer *t);

/* Its time begins now: also after it has waited for a thread. */
void transfer_begin(struct transfer *t);

/* Let the plugin describe the request, with easy (fresh; owned by t from here on),
 * and see where it goes.
 * Returns ERR_OK, ERR_BAD_REQUEST (can never be sent), ERR_DENIED (the guard
 * refuses its address) or ERR_MEMORY; why for people. Thread: any one at a time. */
MUST_CHECK enum err transfer_prepare(struct transfer *t, const struct transfer_rules *rules,
				     CURL *easy, struct why *why);
/* Put the request and the core's own options into easy.
 * addresses: as CURLOPT_RESOLVE wants them, NULL for a literal. */
void transfer_arm(struct transfer *t, const struct transfer_rules *rules, const char *addresses);

/* How it ended: fills attempt (number, outcome, times, status, reason) and the
 * plugin's verdict. */
void transfer_judge(struct transfer *t, CURLcode result, struct attempt *attempt,
		    struct tocsin_verdict *verdict);
/* Instead of all that, for a plugin with deliver(). Blocks. */
void transfer_deliver(struct transfer *t, const struct transfer_rules *rules,
		      struct attempt *attempt, struct tocsin_verdict *verdict);
/* An attempt that came to no transfer: the name did not resolve, prepare failed. */
void transfer_unsent(struct transfer *t, enum attempt_outcome outcome, const char *reason,
		     struct attempt *attempt);
/* The first bytes of the reply as valid UTF-8, at most max bytes. Owner: caller; NULL = none. */
char *transfer_excerpt(const struct transfer *t, size_t max_bytes);

/* The service that plugins are lent; see struct tocsin_host. */
int transfer_render(struct transfer *t, const struct tocsin_render *what, struct tocsin_span *out);

#endif
