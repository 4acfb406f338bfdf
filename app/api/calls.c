/* calls.c - the pool of calls and the line of those whose commit is over.
 * Not here: what is done with one (server.c). One lock covers both; it is held for
 * a few instructions. Any API thread; calls_committed() on the writer's.
 * SPDX-License-Identifier: MIT */
#include "api/calls.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"

enum { WAIT_MS = 100 };

struct calls {
	const struct api *api;
	int listen_fd, event_fd;
	pthread_mutex_t lock;
	struct call *idle;          /* under lock, as the rest */
	struct call *first, **last; /* commits that are over */
	bool is_signalled;          /* event_fd is readable */
	size_t made, max;
	_Atomic int unanswered;
};

/* Wakes a thread only when none is on its way: a commit ends for many at once. */
static void calls_committed(void *ctx, struct exchange *x)
{
	struct calls *c = ctx;
	struct call *call = (struct call *)x;
	const uint64_t one = 1;

	pthread_mutex_lock(&c->lock);
	call->next = NULL;
	*c->last = call;
	c->last = &call->next;
	const bool must_wake = !c->is_signalled;
	c->is_signalled = true;
	pthread_mutex_unlock(&c->lock);
	if (must_wake)
		(void)!write(c->event_fd, &one, sizeof(one));
}

struct calls *calls_create(const struct api *api, int listen_fd, size_t max)
{
	struct calls *c = xcalloc(1, sizeof(*c));

	c->api = api;
	c->listen_fd = listen_fd;
	c->max = max;
	c->last = &c->first;
	c->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&c->lock, NULL);
	if (c->event_fd >= 0)
		return c;
	calls_destroy(c);
	return NULL;
}

static void call_destroy(struct call *call)
{
	FCGX_Free(&call->fcgi, 1);
	exchange_finish(&call->exchange);
	free(call);
}

void calls_destroy(struct calls *c)
{
	if (c == NULL)
		return;
	while (c->idle != NULL) {
		struct call *call = c->idle;

		c->idle = call->next;
		call_destroy(call);
	}
	if (c->event_fd >= 0)
		close(c->event_fd);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct call *call_create(struct calls *c)
{
	struct call *call = xcalloc(1, sizeof(*call));

	if (FCGX_InitRequest(&call->fcgi, c->listen_fd, 0) != 0) {
		free(call);
		return NULL;
	}
	exchange_init(&call->exchange, c->api);
	call->exchange.waiter = (struct exchange_waiter){ calls_committed, c };
	return call;
}

struct call *calls_get(struct calls *c)
{
	pthread_mutex_lock(&c->lock);
	struct call *call = c->idle;
	const bool may_make = call == NULL && c->made < c->max;

	if (call != NULL)
		c->idle = call->next;
	c->made += may_make;
	pthread_mutex_unlock(&c->lock);
	return may_make ? call_create(c) : call;
}

void calls_give(struct calls *c, struct call *call)
{
	if (call == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	call->next = c->idle;
	c->idle = call;
	pthread_mutex_unlock(&c->lock);
}

/* The last one taken calms the event; what is left keeps waking others. */
struct call *calls_take(struct calls *c)
{
	uint64_t count;

	pthread_mutex_lock(&c->lock);
	struct call *call = c->first;

	if (call != NULL) {
		c->first = call->next;
		if (c->first == NULL)
			c->last = &c->first;
	}
	if (c->first == NULL && c->is_signalled) {
		c->is_signalled = false;
		(void)!read(c->event_fd, &count, sizeof(count));
	}
	pthread_mutex_unlock(&c->lock);
	return call;
}

int calls_fd(const struct calls *c)
{
	return c->event_fd;
}

void calls_count(struct calls *c, int by)
{
	atomic_fetch_add(&c->unanswered, by);
}

bool calls_wait(struct calls *c)
{
	struct pollfd p = { c->event_fd, POLLIN, 0 };

	if (atomic_load(&c->unanswered) == 0)
		return false;
	(void)!poll(&p, 1, WAIT_MS);
	return true;
}
