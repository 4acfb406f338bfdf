/* sockets.c - socket_action, epoll and timer.
 * SPDX-License-Identifier: MIT
 * curl_multi_poll would walk every socket at each turn; with a thousand slow
 * receivers that is most of the time spent. Delivery thread only. */
#include "delivery/sockets.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { EVENTS_AT_ONCE = 256 };

struct sockets {
	CURLM *multi;
	int epoll_fd, wake_fd;
	int64_t timer_ms;       /* monotonic moment of libcurl's timer; -1 = none */
	_Atomic bool is_dozing; /* it may sleep soon, or does: the next wake writes */
	/* By descriptor: does epoll watch it, and does libcurl ask for that? A kept
	 * connection is asked for again with its next request: one call then, not two. */
	unsigned char *watched;
	size_t watched_count;
};

enum { WATCHED = 1, IDLE = 2 };

static unsigned char *watched_at(struct sockets *s, curl_socket_t fd)
{
	const size_t at = (size_t)fd;

	if (at >= s->watched_count) {
		const size_t count = at * 2 + 64;

		s->watched = xrealloc(s->watched, count);
		memset(s->watched + s->watched_count, 0, count - s->watched_count);
		s->watched_count = count;
	}
	return &s->watched[at];
}

/* Where a descriptor was closed and given anew, epoll has forgotten it. */
static void watch(struct sockets *s, curl_socket_t fd, uint32_t events)
{
	unsigned char *watched = watched_at(s, fd);
	struct epoll_event ev = { .events = events, .data.fd = fd };

	if ((*watched & WATCHED) == 0 ||
	    (epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, fd, &ev) != 0 && errno == ENOENT)) {
		if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0 && errno == EEXIST)
			(void)epoll_ctl(s->epoll_fd, EPOLL_CTL_MOD, fd, &ev);
	}
	*watched = WATCHED;
}

/* Something happens on a connection that nobody uses: it was closed, most likely,
 * as libcurl will see when it wants it again. */
static bool is_idle(struct sockets *s, curl_socket_t fd)
{
	unsigned char *watched = watched_at(s, fd);

	if ((*watched & IDLE) == 0)
		return false;
	(void)epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
	*watched = 0;
	return true;
}

static int socket_changed(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known)
{
	struct sockets *s = ctx;
	uint32_t events = 0;

	(void)easy, (void)known;
	if (what == CURL_POLL_REMOVE) {
		*watched_at(s, fd) |= IDLE;
		return 0;
	}
	if (what != CURL_POLL_OUT)
		events |= EPOLLIN;
	if (what != CURL_POLL_IN)
		events |= EPOLLOUT;
	watch(s, fd, events);
	return 0;
}

static int timer_changed(CURLM *multi, long timeout_ms, void *ctx)
{
	struct sockets *s = ctx;

	(void)multi;
	s->timer_ms = timeout_ms < 0 ? -1 : clock_mono_ms() + timeout_ms;
	return 0;
}

struct sockets *sockets_create(long connections, struct why *why)
{
	struct sockets *s = xcalloc(1, sizeof(*s));
	struct epoll_event ev = { .events = EPOLLIN };

	s->timer_ms = -1;
	s->multi = curl_multi_init();
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ev.data.fd = s->wake_fd;
	if (s->multi == NULL || s->epoll_fd < 0 || s->wake_fd < 0 ||
	    epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->wake_fd, &ev) != 0) {
		why_set(why, "cannot create the delivery loop: %s; raise the limit on open files",
			strerror(errno));
		sockets_destroy(s);
		return NULL;
	}
	curl_multi_setopt(s->multi, CURLMOPT_SOCKETFUNCTION, socket_changed);
	curl_multi_setopt(s->multi, CURLMOPT_SOCKETDATA, s);
	curl_multi_setopt(s->multi, CURLMOPT_TIMERFUNCTION, timer_changed);
	curl_multi_setopt(s->multi, CURLMOPT_TIMERDATA, s);
	curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS, connections);
	return s;
}

void sockets_destroy(struct sockets *s)
{
	if (s == NULL)
		return;
	curl_multi_cleanup(s->multi);
	free(s->watched);
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	free(s);
}

enum err sockets_add(struct sockets *s, CURL *easy)
{
	return curl_multi_add_handle(s->multi, easy) == CURLM_OK ? ERR_OK : ERR_MEMORY;
}

void sockets_remove(struct sockets *s, CURL *easy)
{
	(void)curl_multi_remove_handle(s->multi, easy);
}

static void sockets_act(struct sockets *s, const struct epoll_event *ev)
{
	int mask = 0, running;
	uint64_t wakes;

	if (ev->data.fd == s->wake_fd) {
		(void)!read(s->wake_fd, &wakes, sizeof(wakes));
		return;
	}
	if (is_idle(s, ev->data.fd))
		return;
	if (ev->events & (EPOLLIN | EPOLLHUP))
		mask |= CURL_CSELECT_IN;
	if (ev->events & EPOLLOUT)
		mask |= CURL_CSELECT_OUT;
	if (ev->events & EPOLLERR)
		mask |= CURL_CSELECT_ERR;
	(void)curl_multi_socket_action(s->multi, ev->data.fd, mask, &running);
}

void sockets_doze(struct sockets *s)
{
	atomic_store(&s->is_dozing, true);
}

void sockets_poll(struct sockets *s, int64_t wait_ms)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int running;

	if (s->timer_ms >= 0) {
		const int64_t left_ms = s->timer_ms - clock_mono_ms();

		if (left_ms < wait_ms)
			wait_ms = left_ms < 0 ? 0 : left_ms;
	}
	const int count = epoll_wait(s->epoll_fd, events, EVENTS_AT_ONCE, (int)wait_ms);
	atomic_store(&s->is_dozing, false);
	for (int i = 0; i < count; i++)
		sockets_act(s, &events[i]);
	if (s->timer_ms >= 0 && s->timer_ms <= clock_mono_ms()) {
		s->timer_ms = -1;
		(void)curl_multi_socket_action(s->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
}

CURL *sockets_finished(struct sockets *s, CURLcode *out_result)
{
	int left;
	CURLMsg *msg;

	while ((msg = curl_multi_info_read(s->multi, &left)) != NULL) {
		if (msg->msg != CURLMSG_DONE)
			continue;
		*out_result = msg->data.result;
		return msg->easy_handle;
	}
	return NULL;
}

void sockets_wake(struct sockets *s)
{
	const uint64_t one = 1;

	if (atomic_exchange(&s->is_dozing, false))
		(void)!write(s->wake_fd, &one, sizeof(one));
}
