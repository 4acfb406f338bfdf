/* sink.c - the receiver of the bench: answers at once, late or never, and
 * keeps count of what arrived.
 * Not here: counting (arrivals.c). It is cheap on purpose: it shares the cores
 * with what is measured. One thread, epoll, loopback only.
 *
 *   GET  /stats?expected=N                    one flat JSON object
 *   GET  /wait?distinct=N&quiet_ms=M&max_ms=M answers like /stats once N events
 *                                             are there, M ms passed without
 *                                             one, or max_ms are over
 *   POST /reset?run=R                         forget all, count run R
 * Every other request is a delivery. SIGTERM prints the stats and ends.
 * SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "arrivals.h"
#include "http.h"
#include "options.h"

enum { CONNS_MAX = 16384, CONN_BYTES_MAX = 1 << 20, HANGS_MAX = 16, EVENTS_MAX = 256 };

struct conn {
	bool is_open, is_hung;
	uint32_t birth; /* tells a later connection on the same descriptor apart */
	char *in;
	size_t in_len, in_size;
};

/* A reply that is due later; the delay is one for all, so this is a queue. */
struct late_reply {
	int fd;
	uint32_t birth;
	int64_t due_us;
};

struct waiter {
	int fd; /* -1: nobody waits */
	uint32_t birth;
	uint64_t distinct;
	int64_t quiet_us, until_us, since_us;
};

static struct {
	int64_t port, hosts, delay_ms, expected;
	const char *hangs[HANGS_MAX];
	int epoll_fd, signal_fd;
	bool is_listener[CONNS_MAX];
	struct conn conns[CONNS_MAX];
	struct late_reply late[CONNS_MAX]; /* at most one a connection */
	unsigned late_first, late_count;
	struct waiter waiter;
	struct arrivals arrivals;
	uint64_t hung;
} sink = { .port = 9100, .hosts = 1, .expected = -1, .waiter.fd = -1 };

static const char answer_ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

static void conn_close(int fd)
{
	struct conn *c = &sink.conns[fd];

	free(c->in);
	*c = (struct conn){ .birth = c->birth };
	close(fd);
}

/* Replies fit the socket buffer of a peer that reads; one that does not is
 * dropped. */
static void conn_send(int fd, const char *ptr, size_t len)
{
	const ssize_t sent = send(fd, ptr, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent != (ssize_t)len)
		shutdown(fd, SHUT_RDWR);
}

static void stats_send(int fd, int64_t expected)
{
	char body[1024], reply[1200];
	const size_t body_bytes = arrivals_format(&sink.arrivals, expected, body, sizeof(body));
	const int len = snprintf(reply, sizeof(reply),
				 "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
				 "Content-Length: %zu\r\n\r\n%s",
				 body_bytes, body);

	conn_send(fd, reply, (size_t)len);
}

/* The number after "name=" in the request line, or otherwise. */
static int64_t query_get(const char *line, size_t len, const char *name, int64_t otherwise)
{
	const char *at = memmem(line, len, name, strlen(name));

	return at == NULL ? otherwise : strtoll(at + strlen(name), NULL, 10);
}

static void waiter_start(int fd, const char *line, size_t len)
{
	const int64_t now_us = tally_now_us();

	sink.waiter = (struct waiter){
		.fd = fd,
		.birth = sink.conns[fd].birth,
		.distinct = (uint64_t)query_get(line, len, "distinct=", INT64_MAX),
		.quiet_us = query_get(line, len, "quiet_ms=", 2000) * 1000,
		.until_us = now_us + query_get(line, len, "max_ms=", 60000) * 1000,
		.since_us = now_us,
	};
}

static void waiter_check(int64_t now_us)
{
	struct waiter *w = &sink.waiter;

	if (w->fd < 0)
		return;
	const int64_t last_us = sink.arrivals.last_us > w->since_us ? sink.arrivals.last_us
								    : w->since_us;
	if (sink.arrivals.distinct < w->distinct && now_us - last_us < w->quiet_us &&
	    now_us < w->until_us)
		return;
	if (sink.conns[w->fd].is_open && sink.conns[w->fd].birth == w->birth)
		stats_send(w->fd, w->distinct < INT64_MAX ? (int64_t)w->distinct : -1);
	w->fd = -1;
}

static bool control_answer(int fd, const char *path, size_t line_len)
{
	if (line_len >= 6 && memcmp(path, "/stats", 6) == 0) {
		stats_send(fd, query_get(path, line_len, "expected=", -1));
	} else if (line_len >= 5 && memcmp(path, "/wait", 5) == 0) {
		waiter_start(fd, path, line_len);
		waiter_check(tally_now_us());
	} else if (line_len >= 6 && memcmp(path, "/reset", 6) == 0) {
		arrivals_reset(&sink.arrivals, query_get(path, line_len, "run=", 0));
		conn_send(fd, answer_ok, sizeof(answer_ok) - 1);
	} else {
		return false;
	}
	return true;
}

static bool path_hangs(const char *path, size_t len)
{
	for (const char **hang = sink.hangs; *hang != NULL; hang++)
		if (strlen(*hang) <= len && memcmp(path, *hang, strlen(*hang)) == 0)
			return true;
	return false;
}

static void delivery_answer(int fd, int64_t now_us)
{
	if (sink.delay_ms == 0) {
		conn_send(fd, answer_ok, sizeof(answer_ok) - 1);
		return;
	}
	if (sink.late_count == CONNS_MAX)
		return;
	sink.late[(sink.late_first + sink.late_count++) % CONNS_MAX] = (struct late_reply){
		.fd = fd, .birth = sink.conns[fd].birth, .due_us = now_us + sink.delay_ms * 1000
	};
}

static void late_answer(int64_t now_us)
{
	while (sink.late_count > 0 && sink.late[sink.late_first].due_us <= now_us) {
		const struct late_reply *l = &sink.late[sink.late_first];
		if (sink.conns[l->fd].is_open && sink.conns[l->fd].birth == l->birth)
			conn_send(l->fd, answer_ok, sizeof(answer_ok) - 1);
		sink.late_first = (sink.late_first + 1) % CONNS_MAX;
		sink.late_count--;
	}
}

static void request_take(int fd, const struct http_head *head, const char *ptr, size_t len)
{
	struct event_stamp stamp;
	const char *path = memchr(ptr, ' ', head->head_bytes);

	path = path == NULL ? ptr : path + 1;
	const char *end = memchr(path, ' ', head->head_bytes - (size_t)(path - ptr));
	const size_t path_len = end == NULL ? 0 : (size_t)(end - path);
	if (control_answer(fd, path, path_len))
		return;
	if (path_hangs(path, path_len)) {
		sink.hung++;
		sink.conns[fd].is_hung = true;
		return;
	}
	const int64_t now_us = tally_now_us();
	if (event_stamp_find(ptr + head->head_bytes, len - head->head_bytes, &stamp))
		arrivals_add(&sink.arrivals, path, path_len, &stamp, now_us);
	else
		sink.arrivals.unreadable++;
	delivery_answer(fd, now_us);
}

static void requests_take(int fd)
{
	struct conn *c = &sink.conns[fd];
	size_t done = 0;

	while (done < c->in_len && !c->is_hung) {
		struct http_head head;
		const char *ptr = c->in + done;
		if (!http_head_parse(ptr, c->in_len - done, &head))
			break;
		const size_t bytes = http_message_bytes(&head, ptr, c->in_len - done);
		if (bytes == 0)
			break;
		request_take(fd, &head, ptr, bytes);
		done += bytes;
	}
	if (c->is_hung)
		done = c->in_len;
	if (done > 0)
		memmove(c->in, c->in + done, c->in_len - done);
	c->in_len -= done;
}

static bool conn_has_room(struct conn *c)
{
	if (c->in_len < c->in_size)
		return true;
	const size_t size = c->in_size == 0 ? 4096 : c->in_size * 2;
	char *in = size > CONN_BYTES_MAX ? NULL : realloc(c->in, size);
	if (in == NULL)
		return false;
	c->in = in;
	c->in_size = size;
	return true;
}

static void conn_read(int fd)
{
	struct conn *c = &sink.conns[fd];

	if (!conn_has_room(c)) {
		conn_close(fd);
		return;
	}
	const ssize_t got = recv(fd, c->in + c->in_len, c->in_size - c->in_len, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		conn_close(fd);
		return;
	}
	c->in_len += (size_t)got;
	requests_take(fd);
}

static void conn_accept(int listener)
{
	const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0)
		return;
	if (fd >= CONNS_MAX || epoll_ctl(sink.epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	sink.conns[fd].is_open = true;
	sink.conns[fd].birth++;
}

static void listener_open(unsigned host)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)sink.port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK + host) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) != 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 4096) != 0 ||
	    epoll_ctl(sink.epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0) {
		perror("sink: cannot listen");
		exit(1);
	}
	sink.is_listener[fd] = true;
}

static void sink_open(void)
{
	const struct rlimit files = { CONNS_MAX, CONNS_MAX };
	sigset_t stops;

	/* When the hard limit is lower the old one stays; accept4 then says so. */
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&stops);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGINT);
	sigprocmask(SIG_BLOCK, &stops, NULL);
	sink.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	sink.signal_fd = signalfd(-1, &stops, SFD_CLOEXEC | SFD_NONBLOCK);
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = sink.signal_fd };
	if (sink.epoll_fd < 0 || sink.signal_fd < 0 ||
	    epoll_ctl(sink.epoll_fd, EPOLL_CTL_ADD, sink.signal_fd, &ev) != 0) {
		perror("sink");
		exit(1);
	}
	for (unsigned host = 0; host < (unsigned)sink.hosts; host++)
		listener_open(host);
}

/* False once a stop signal came. */
static bool sink_turn(void)
{
	struct epoll_event events[EVENTS_MAX];
	const int pause_ms = sink.late_count > 0 ? 1 : sink.waiter.fd >= 0 ? 20 : -1;
	const int count = epoll_wait(sink.epoll_fd, events, EVENTS_MAX, pause_ms);
	bool goes_on = true;

	for (int i = 0; i < count; i++) {
		const int fd = events[i].data.fd;
		if (fd == sink.signal_fd)
			goes_on = false;
		else if (sink.is_listener[fd])
			conn_accept(fd);
		else
			conn_read(fd);
	}
	const int64_t now_us = tally_now_us();
	late_answer(now_us);
	waiter_check(now_us);
	return goes_on;
}

int main(int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "--port", "port to listen on", .number = &sink.port, .min = 1, .max = 65535 },
		{ "--hosts", "listen on 127.0.0.1 to 127.0.0.N", .number = &sink.hosts, .min = 1,
		  .max = 250 },
		{ "--delay", "milliseconds before each answer", .number = &sink.delay_ms, .min = 0,
		  .max = 600000 },
		{ "--hang", "path prefix that is never answered; repeatable", .list = sink.hangs,
		  .list_max = HANGS_MAX },
		{ "--expected", "events expected, for \"lost\" at the end",
		  .number = &sink.expected, .min = -1, .max = INT64_MAX },
		{ .name = NULL },
	};
	char text[1024];

	options_parse(argc, argv, rows);
	sink_open();
	while (sink_turn())
		;
	arrivals_format(&sink.arrivals, sink.expected, text, sizeof(text));
	fputs(text, stdout);
	arrivals_finish(&sink.arrivals);
	return 0;
}
