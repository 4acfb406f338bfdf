/* calls.h - requests between their arrival and their answer.
 * SPDX-License-Identifier: MIT
 * A call belongs to the thread that serves it, or, while its answer waits for the
 * disk, to nobody; after the commit any thread takes it. */
#ifndef TOCSIN_API_CALLS_H
#define TOCSIN_API_CALLS_H

#include <fcgiapp.h>

#include "api/exchange.h"

struct call {
	struct exchange exchange; /* first: the waiter is told of this */
	FCGX_Request fcgi;
	struct call *next;
	int64_t started_us; /* monotonic */
};

struct calls;

/* max: of calls at once. NULL when the system refuses. api: borrowed. */
struct calls *calls_create(const struct api *api, int listen_fd, size_t max);
/* All must have been given back. */
void calls_destroy(struct calls *c);

/* One to accept with; NULL when max are in use. */
struct call *calls_get(struct calls *c);
void calls_give(struct calls *c, struct call *call); /* NULL is fine */

/* One whose commit is over; NULL when there is none. */
struct call *calls_take(struct calls *c);
/* Readable while there may be one. */
int calls_fd(const struct calls *c);

/* Requests that came in and are not answered yet. */
void calls_count(struct calls *c, int by);
/* Wait until one's commit is over. False when none is unanswered any more. */
bool calls_wait(struct calls *c);

#endif
