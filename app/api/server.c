/* server.c - the threads that take requests from the web server.
 * Each waits in an epoll of its own on the shared listening socket
 * (EPOLLEXCLUSIVE wakes one) and on the stop event, takes one request and
 * closes its connection: a kept one would pin the thread.
 * Not here: making the socket (main/), answering (router.c).
 * Starts on the main thread; everything else on the API threads.
 * SPDX-License-Identifier: MIT */
#include "api/server.h"

#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "api/router.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"

enum {
	STACK_BYTES = 256 * 1024,
	HEAD_MAX_BYTES = 4096,
	/* A thread still waiting for a silent web server's bytes after this long is woken. */
	STOP_PATIENCE_S = 5,
	ACCEPT_PAUSE_MS = 50,
};

struct worker {
	struct server *server;
	pthread_t thread;
	FCGX_Request fcgi;
	int epoll_fd;
};

struct server {
	const struct api *api;
	struct api parts; /* *api, copied */
	int listen_fd, stop_fd;
	size_t count;
	struct worker *workers; /* owned */
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

static void request_serve(struct exchange *x, FCGX_Request *fcgi)
{
	const int64_t started_us = clock_mono_us();

	router_run(x, fcgi->envp, fcgi->in);
	reply_write(&x->reply, fcgi->out);
	fcgi->keepConnection = 0;
	FCGX_Finish_r(fcgi);
	histogram_record(HISTOGRAM_REQUEST_SECONDS, (double)(clock_mono_us() - started_us) / 1e6);
}

/* --- Threads ------------------------------------------------------------------- */

static void pause_ms(long ms)
{
	const struct timespec span = { .tv_nsec = ms * 1000000 };

	nanosleep(&span, NULL);
}

/* False once the server stops. Spurious wake-ups return true. */
static bool request_wait(const struct worker *me)
{
	struct epoll_event events[2];
	const int count = epoll_wait(me->epoll_fd, events, 2, -1);

	for (int i = 0; i < count; i++) {
		if (events[i].data.fd == me->server->stop_fd)
			return false;
	}
	return true;
}

static void *worker_run(void *arg)
{
	struct worker *me = arg;
	struct exchange x;

	exchange_init(&x, me->server->api);
	while (request_wait(me)) {
		const int rc = FCGX_Accept_r(&me->fcgi);

		if (rc >= 0) {
			request_serve(&x, &me->fcgi);
		} else if (rc != -EAGAIN && rc != -EINTR && rc != -ECONNABORTED) {
			/* Out of descriptors, most likely: the connection stays in the backlog. */
			log_error("api accept failed code=%d", rc);
			pause_ms(ACCEPT_PAUSE_MS);
		}
	}
	FCGX_Free(&me->fcgi, 1);
	exchange_finish(&x);
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
	if (FCGX_InitRequest(&me->fcgi, s->listen_fd, 0) == 0 &&
	    watch(me->epoll_fd, s->listen_fd, EPOLLIN | EPOLLEXCLUSIVE) &&
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
	if (s->stop_fd >= 0)
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
		if (me->fcgi.ipcFd >= 0)
			shutdown(me->fcgi.ipcFd, SHUT_RD);
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
	if (s->stop_fd >= 0 && write(s->stop_fd, &one, sizeof(one)) < 0)
		log_error("api stop event: errno=%d", errno);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STOP_PATIENCE_S;
	for (size_t i = 0; i < s->count; i++)
		worker_join(&s->workers[i], &until);
	if (s->stop_fd >= 0)
		close(s->stop_fd);
	free(s->workers);
	free(s);
}
