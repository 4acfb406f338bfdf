/* noop.c - a FastCGI handler that stores nothing: the baseline for accepted/s.
 * Its threads are set up as tocsin's API threads are (one epoll each on the
 * non-blocking listener with EPOLLEXCLUSIVE, an eventfd to stop, no kept
 * connections), so the difference between the two is Tocsin's own work.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "options.h"

enum { THREADS_MAX = 64, BACKLOG = 4096, BODY_MAX = 262144 };

static struct {
	const char *socket;
	int64_t threads;
	int listen_fd, stop_fd;
	pthread_t ids[THREADS_MAX];
} noop = { .threads = 16, .listen_fd = -1 };

static void request_answer(FCGX_Request *req, char *body)
{
	const char *length = FCGX_GetParam("CONTENT_LENGTH", req->envp);
	long bytes = length == NULL ? 0 : strtol(length, NULL, 10);

	if (bytes < 0 || bytes > BODY_MAX)
		bytes = BODY_MAX;
	const int got = FCGX_GetStr(body, (int)bytes, req->in);
	const char *method = FCGX_GetParam("REQUEST_METHOD", req->envp);
	FCGX_FPrintF(req->out, "Status: %s\r\n",
		     method != NULL && strcmp(method, "GET") == 0 ? "200 OK" : "202 Accepted");
	FCGX_FPrintF(req->out,
		     "Content-Type: application/json\r\n\r\n"
		     "{\"event_id\":\"evt_0123456789abcdefghijkl\",\"event_type\":\"bench.event\","
		     "\"deliveries\":%d,\"duplicate\":false}",
		     got > 0);
}

static int thread_epoll_open(void)
{
	struct epoll_event on_listen = { .events = EPOLLIN | EPOLLEXCLUSIVE,
					 .data.fd = noop.listen_fd };
	struct epoll_event on_stop = { .events = EPOLLIN, .data.fd = noop.stop_fd };
	const int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, noop.listen_fd, &on_listen) != 0 ||
	    epoll_ctl(fd, EPOLL_CTL_ADD, noop.stop_fd, &on_stop) != 0) {
		perror("noop: epoll");
		exit(1);
	}
	return fd;
}

/* False when it is time to stop. */
static bool listener_wait(int epoll_fd)
{
	struct epoll_event events[2];
	const int count = epoll_wait(epoll_fd, events, 2, -1);

	for (int i = 0; i < count; i++)
		if (events[i].data.fd == noop.stop_fd)
			return false;
	return true;
}

static void *thread_run(void *unused)
{
	const int epoll_fd = thread_epoll_open();
	char *body = malloc(BODY_MAX);
	FCGX_Request req;

	(void)unused;
	if (body == NULL || FCGX_InitRequest(&req, noop.listen_fd, FCGI_FAIL_ACCEPT_ON_INTR) != 0)
		exit(1);
	while (listener_wait(epoll_fd)) {
		if (FCGX_Accept_r(&req) != 0)
			continue; /* another thread won */
		req.keepConnection = 0;
		request_answer(&req, body);
		FCGX_Finish_r(&req);
	}
	FCGX_Free(&req, 1);
	free(body);
	close(epoll_fd);
	return NULL;
}

static void listener_open(void)
{
	unlink(noop.socket);
	if (FCGX_Init() == 0)
		noop.listen_fd = FCGX_OpenSocket(noop.socket, BACKLOG);
	noop.stop_fd = eventfd(0, EFD_CLOEXEC);
	if (noop.listen_fd < 0 || noop.stop_fd < 0 ||
	    fcntl(noop.listen_fd, F_SETFL, O_NONBLOCK) != 0) {
		perror("noop: cannot listen");
		exit(1);
	}
}

int main(int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "--socket", "unix socket to listen on", .text = &noop.socket },
		{ "--threads", "threads", .number = &noop.threads, .min = 1, .max = THREADS_MAX },
		{ .name = NULL },
	};
	sigset_t stops;
	int signal_number = 0;

	options_parse(argc, argv, rows);
	if (noop.socket == NULL) {
		fprintf(stderr, "noop: give --socket\n");
		return 2;
	}
	sigemptyset(&stops);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGINT);
	pthread_sigmask(SIG_BLOCK, &stops, NULL);
	signal(SIGPIPE, SIG_IGN);
	listener_open();
	for (int i = 0; i < noop.threads; i++)
		if (pthread_create(&noop.ids[i], NULL, thread_run, NULL) != 0)
			return 1;
	sigwait(&stops, &signal_number);
	if (eventfd_write(noop.stop_fd, 1) != 0)
		return 1;
	for (int i = 0; i < noop.threads; i++)
		pthread_join(noop.ids[i], NULL);
	unlink(noop.socket);
	return 0;
}
