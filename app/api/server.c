/* server.c - the threads that take requests from the web server.
 * Each waits in an epoll of its own on the shared listening socket
 * (EPOLLEXCLUSIVE wakes one), on commits that are over and on the stop event,
 * takes one request and closes its connection: a kept one would pin the thread.
 * A published event waits for the disk without a thread: whichever is free
 * answers it then, and one commit carries as many as there are clients.
 * Not here: making the socket (main/), answering (router.c).
 * Starts on the main thread; everything else on the API threads.
 * SPDX-License-Identifier: MIT */
#include "api/server.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "api/calls.h"
#include "api/router.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "channel/blame.h"

enum {
	STACK_BYTES = 256 * 1024,
	HEAD_MAX_BYTES = 4096,
	/* A thread still waiting for a silent web server's bytes after this long is woken. */
	STOP_PATIENCE_S = 5,
	ACCEPT_PAUSE_MS = 50,
	WAITING_THREADS = 4, /* for requests, at once */
	LINGER_MS = 2000,
	WAITING_MAX = 256, /* answers that wait for the disk without a thread */
};

struct worker {
	struct server *server;
	pthread_t thread;
	struct call *_Atomic call; /* the one it accepts with, or answers */
	int epoll_fd;
};

struct server {
	const struct api *api;
	struct api parts; /* *api, copied */
	int listen_fd, stop_fd;
	size_t count;
	struct worker *workers; /* owned */
	struct calls *calls;
	pthread_mutex_t lock;
	pthread_cond_t turn;
	size_t waiting, resting; /* threads; under lock */
	bool is_stopping;        /* under lock */
};

/* --- One request -------------------------------------------------------------- */

static void reply_write(struct reply *p, FCGX_Stream *out)
{
	struct buf head;

	buf_init(&head, HEAD_MAX_BYTES);
	reply_head_format(p, &head);
	/* Both land in libfcgi's buffer, so a short reply leaves in one write. An
	 * error means the web server has gone: nobody is left to tell. */
	if (FCGX_PutStr(head.ptr, (int)head.len, out) >= 0 && p->status != 204)
		(void)FCGX_PutStr(p->body.ptr == NULL ? "" : p->body.ptr, (int)p->body.len, out);
	buf_finish(&head);
}

/* Mostly there is no body, and its end is one empty record. */
static bool input_is_over(struct call *c)
{
	const struct request *q = &c->exchange.request;
	char byte;

	return q->is_read || (q->content_length <= 0 && FCGX_GetStr(&byte, 1, c->fcgi.in) == 0 &&
			      FCGX_GetError(c->fcgi.in) == 0);
}

/* Answered before all of the request came (401, 413): a connection that is closed
 * with unread bytes in it could take the reply along. libfcgi would wait like this
 * after every request; we told it not to (fcgi_init()). */
static void call_linger(struct call *c)
{
	struct pollfd p = { c->fcgi.ipcFd, POLLIN, 0 };
	const int64_t until_ms = clock_mono_ms() + LINGER_MS;
	char trash[4096];
	int64_t left_ms = LINGER_MS;

	FCGX_FClose(c->fcgi.err);
	FCGX_FClose(c->fcgi.out);
	shutdown(p.fd, SHUT_WR);
	while (left_ms > 0 && poll(&p, 1, (int)left_ms) > 0 && read(p.fd, trash, sizeof(trash)) > 0)
		left_ms = until_ms - clock_mono_ms();
}

static void call_answer(struct call *c)
{
	reply_write(&c->exchange.reply, c->fcgi.out);
	if (!input_is_over(c))
		call_linger(c);
	c->fcgi.keepConnection = 0;
	FCGX_Finish_r(&c->fcgi);
	histogram_record(HISTOGRAM_REQUEST_SECONDS,
			 (double)(clock_mono_us() - c->started_us) / 1e6);
}

/* A connection was accepted. The call is another's when its answer waits. */
static void call_serve(struct worker *me)
{
	struct call *const c = me->call;

	c->started_us = clock_mono_us();
	calls_count(me->server->calls, 1);
	if (router_run(&c->exchange, c->fcgi.envp, c->fcgi.in) == ROUTER_WAITING) {
		me->call = NULL;
		return;
	}
	call_answer(c);
	calls_count(me->server->calls, -1);
}

/* Commits that are over: answer them. */
static void calls_resume(struct server *s)
{
	struct call *c;

	while ((c = calls_take(s->calls)) != NULL) {
		router_resume(&c->exchange);
		call_answer(c);
		calls_give(s->calls, c);
		calls_count(s->calls, -1);
	}
}

/* --- Threads ------------------------------------------------------------------- */

static void pause_ms(long ms)
{
	const struct timespec span = { .tv_nsec = ms * 1000000 };

	nanosleep(&span, NULL);
}

/* Few threads wait for requests and take turns while they are quick; the others
 * rest. When all that waited are at work, by many requests or by slow peers, one
 * more comes out. So threads do not wake each other for nothing. False at a stop. */
static bool turn_wait(struct server *s)
{
	pthread_mutex_lock(&s->lock);
	while (s->waiting >= WAITING_THREADS && !s->is_stopping) {
		s->resting++;
		pthread_cond_wait(&s->turn, &s->lock);
		s->resting--;
	}
	s->waiting++;
	const bool goes_on = !s->is_stopping;
	pthread_mutex_unlock(&s->lock);
	return goes_on;
}

static void turn_leave(struct server *s)
{
	pthread_mutex_lock(&s->lock);
	s->waiting--;
	if (s->waiting == 0 && s->resting > 0)
		pthread_cond_signal(&s->turn);
	pthread_mutex_unlock(&s->lock);
}

enum wake { WAKE_STOP, WAKE_CALLS, WAKE_REQUEST };

/* Wait for something to do. Spurious wake-ups look like requests. */
static enum wake wake_wait(const struct worker *me)
{
	struct epoll_event events[3];
	enum wake wake = WAKE_REQUEST;

	if (!turn_wait(me->server))
		return WAKE_STOP;
	const int count = epoll_wait(me->epoll_fd, events, 3, -1);

	turn_leave(me->server);

	for (int i = 0; i < count; i++) {
		if (events[i].data.fd == me->server->stop_fd)
			return WAKE_STOP;
		if (events[i].data.fd == calls_fd(me->server->calls))
			wake = WAKE_CALLS;
	}
	return wake;
}

static void request_take(struct worker *me)
{
	const int rc = FCGX_Accept_r(&me->call->fcgi);

	if (rc >= 0) {
		call_serve(me);
	} else if (rc != -EAGAIN && rc != -EINTR && rc != -ECONNABORTED) {
		/* Out of descriptors, most likely: the connection stays in the backlog. */
		log_error("api accept failed code=%d", rc);
		pause_ms(ACCEPT_PAUSE_MS);
	}
}

static void *worker_run(void *arg)
{
	struct worker *me = arg;
	struct server *s = me->server;
	enum wake wake;

	blame_thread_begin();
	while ((wake = wake_wait(me)) != WAKE_STOP) {
		calls_resume(s);
		if (wake == WAKE_CALLS)
			continue;
		if (me->call == NULL)
			me->call = calls_get(s->calls);
		if (me->call != NULL)
			request_take(me);
		else
			calls_wait(s->calls); /* at the bound: until one comes back */
	}
	blame_thread_end();
	return NULL;
}

static bool watch(int epoll_fd, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static bool worker_start(struct worker *me, struct server *s, const pthread_attr_t *attr)
{
	me->server = s;
	me->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (me->epoll_fd < 0)
		return false;
	if (watch(me->epoll_fd, s->listen_fd, EPOLLIN | EPOLLEXCLUSIVE) &&
	    watch(me->epoll_fd, calls_fd(s->calls), EPOLLIN | EPOLLEXCLUSIVE) &&
	    watch(me->epoll_fd, s->stop_fd, EPOLLIN) &&
	    pthread_create(&me->thread, attr, worker_run, me) == 0)
		return true;
	close(me->epoll_fd);
	return false;
}

/* Threads inherit the mask: none of them ever sees a signal. */
static size_t workers_start(struct server *s, size_t wanted)
{
	pthread_attr_t attr;
	sigset_t all, before;
	size_t started = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (started < wanted && worker_start(&s->workers[started], s, &attr))
		started++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return started;
}

/* FCGX_Init() puts its own handlers over some signals; ours come back. */
static bool fcgi_init(void)
{
	static const int signals[] = { SIGPIPE, SIGUSR1, SIGTERM };
	struct sigaction saved[COUNT_OF(signals)];

	for (size_t i = 0; i < COUNT_OF(signals); i++)
		sigaction(signals[i], NULL, &saved[i]);
	/* Not one poll more for each request than it needs; see call_linger(). */
	setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "0", 0);
	const bool is_ready = FCGX_Init() == 0;

	for (size_t i = 0; i < COUNT_OF(signals); i++)
		sigaction(signals[i], &saved[i], NULL);
	return is_ready;
}

enum err server_start(const struct api *api, int listen_fd, struct server **out, struct why *why)
{
	const size_t wanted = (size_t)api->conf->server.threads;
	const int flags = fcntl(listen_fd, F_GETFL);

	if (flags < 0 || fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK) != 0) {
		why_set(why, "the listening socket (descriptor %d) cannot be used", listen_fd);
		return ERR_IO;
	}
	if (!fcgi_init()) {
		why_set(why, "libfcgi did not start");
		return ERR_IO;
	}
	struct server *s = xcalloc(1, sizeof(*s));

	s->parts = *api;
	s->api = &s->parts;
	s->listen_fd = listen_fd;
	s->stop_fd = eventfd(0, EFD_CLOEXEC);
	s->workers = xcalloc(wanted, sizeof(*s->workers));
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->turn, NULL);
	s->calls = calls_create(s->api, listen_fd, wanted + WAITING_MAX);
	if (s->stop_fd >= 0 && s->calls != NULL)
		s->count = workers_start(s, wanted);
	if (s->count == wanted) {
		*out = s;
		return ERR_OK;
	}
	why_set(why,
		"only %zu of %zu API threads could be started; look at the limits of "
		"descriptors and processes",
		s->count, wanted);
	server_stop(s);
	return ERR_MEMORY;
}

/* Join within patience. A thread inside libfcgi that waits for a web server's
 * bytes wakes up when the reading side of its connection is closed. */
static void worker_join(struct worker *me, const struct timespec *until)
{
	if (pthread_timedjoin_np(me->thread, NULL, until) != 0) {
		const struct call *call = me->call;

		if (call != NULL && call->fcgi.ipcFd >= 0)
			shutdown(call->fcgi.ipcFd, SHUT_RD);
		pthread_join(me->thread, NULL);
	}
	close(me->epoll_fd);
}

void server_stop(struct server *s)
{
	const uint64_t one = 1;
	struct timespec until;

	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->is_stopping = true;
	pthread_cond_broadcast(&s->turn);
	pthread_mutex_unlock(&s->lock);
	if (s->stop_fd >= 0 && write(s->stop_fd, &one, sizeof(one)) < 0)
		log_error("api stop event: errno=%d", errno);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_PATIENCE_S;
	for (size_t i = 0; i < s->count; i++)
		worker_join(&s->workers[i], &until);
	/* What waits for the disk still gets its answer. */
	while (s->calls != NULL && calls_wait(s->calls))
		calls_resume(s);
	for (size_t i = 0; i < s->count; i++)
		calls_give(s->calls, s->workers[i].call);
	calls_destroy(s->calls);
	pthread_cond_destroy(&s->turn);
	pthread_mutex_destroy(&s->lock);
	if (s->stop_fd >= 0)
		close(s->stop_fd);
	free(s->workers);
	free(s);
}
