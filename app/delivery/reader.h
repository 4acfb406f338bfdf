/* reader.h - the thread that reads due work from the store for the loop.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_DELIVERY_READER_H
#define TOCSIN_DELIVERY_READER_H

#include "store/store.h"

struct reader;

struct read_result {
	struct store_want *wants; /* owned */
	size_t want_count;
	struct work *work; /* owned; each event one reference, the taker's */
	size_t work_count;
};
/* Frees the arrays; the events are the taker's. */
void read_result_destroy(struct read_result *r);

struct reader_parts {
	struct store *store;
	size_t payload_max_bytes;
	void (*arrived)(void *ctx, struct read_result *r); /* taken; on the reader's thread */
	void (*reload)(void *ctx, int64_t webhook);        /* on the reader's thread */
	void *ctx;
};

struct reader *reader_create(const struct reader_parts *parts);
MUST_CHECK enum err reader_start(struct reader *r);
/* Finish what it is at, join. */
void reader_stop(struct reader *r);
void reader_destroy(struct reader *r);
/* Ask for up to room due deliveries. Never blocks. Ends in arrived(). */
void reader_want(struct reader *r, int64_t destination, unsigned room);
/* Ask to have a webhook read again. */
void reader_reload(struct reader *r, int64_t webhook);

#endif
