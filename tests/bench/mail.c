/* mail.c - the mail server of the bench: takes every mail, at once, late or never.
 * Not here: what is in the mails. One thread, epoll, loopback only; just enough
 * SMTP for a client that waits for each answer.
 *
 * A GET on the second port is answered with one flat JSON object: mails,
 * first_us, last_us (CLOCK_MONOTONIC), connections. SIGTERM ends it.
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
#include <sys/socket.h>
#include <unistd.h>

#include "options.h"
#include "tally.h"

enum { CONNS_MAX = 4096, LINE_MAX_BYTES = 8192, EVENTS_MAX = 64 };

enum conn_kind { CONN_NONE, CONN_LISTENER, CONN_STATS_LISTENER, CONN_STATS, CONN_MAIL };

struct conn {
	enum conn_kind kind;
	bool in_data;
	uint32_t birth;
	size_t len;
	char in[LINE_MAX_BYTES]; /* what is not a whole line yet */
};

/* An answer that is due later; the delay is one for all, so this is a queue. */
struct late_answer {
	int fd;
	uint32_t birth;
	int64_t due_us;
};

static struct {
	int64_t port, stats_port, delay_ms, hang;
	int epoll_fd;
	struct conn conns[CONNS_MAX];
	struct late_answer late[CONNS_MAX];
	unsigned late_first, late_count;
	uint64_t mails, connections;
	int64_t first_us, last_us;
} mail = { .port = 2525, .stats_port = 2526 };

static volatile sig_atomic_t stopping;

static void stop(int number)
{
	(void)number;
	stopping = 1;
}

static void conn_close(int fd)
{
	mail.conns[fd].kind = CONN_NONE;
	close(fd);
}

static void answer(int fd, const char *text)
{
	const size_t len = strlen(text);

	if (send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)len)
		shutdown(fd, SHUT_RDWR);
}

static void mail_count(void)
{
	mail.last_us = tally_now_us();
	if (mail.mails++ == 0)
		mail.first_us = mail.last_us;
	/* One mail may be 200 ms away from its answer: it counts when it is told. */
}

static void mail_answer(int fd)
{
	if (mail.delay_ms == 0) {
		mail_count();
		answer(fd, "250 2.0.0 taken\r\n");
		return;
	}
	if (mail.late_count == CONNS_MAX)
		return;
	mail.late[(mail.late_first + mail.late_count++) % CONNS_MAX] = (struct late_answer){
		fd, mail.conns[fd].birth, tally_now_us() + mail.delay_ms * 1000
	};
}

static void late_look(int64_t now_us)
{
	while (mail.late_count > 0 && mail.late[mail.late_first].due_us <= now_us) {
		const struct late_answer *l = &mail.late[mail.late_first];
		struct conn *c = &mail.conns[l->fd];

		if (c->kind == CONN_MAIL && c->birth == l->birth) {
			mail_count();
			answer(l->fd, "250 2.0.0 taken\r\n");
		}
		mail.late_first = (mail.late_first + 1) % CONNS_MAX;
		mail.late_count--;
	}
}

static void stats_answer(int fd)
{
	char body[256], text[512];
	const int len = snprintf(body, sizeof(body),
				 "{\"mails\":%" PRIu64 ",\"connections\":%" PRIu64
				 ",\"first_us\":%" PRId64 ",\"last_us\":%" PRId64 "}\n",
				 mail.mails, mail.connections, mail.first_us, mail.last_us);

	snprintf(text, sizeof(text),
		 "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len, body);
	answer(fd, text);
}

static void line_take(int fd, struct conn *c, const char *line, size_t len)
{
	if (c->in_data) {
		if (len == 1 && line[0] == '.') {
			c->in_data = false;
			mail_answer(fd);
		}
		return;
	}
	if (len >= 4 && strncasecmp(line, "EHLO", 4) == 0)
		answer(fd, "250 bench\r\n");
	else if (len >= 4 && strncasecmp(line, "DATA", 4) == 0)
		c->in_data = true, answer(fd, "354 go on\r\n");
	else if (len >= 4 && strncasecmp(line, "QUIT", 4) == 0)
		answer(fd, "221 bye\r\n"), shutdown(fd, SHUT_WR);
	else
		answer(fd, "250 ok\r\n");
}

static void lines_take(int fd, struct conn *c)
{
	size_t done = 0;
	char *end;

	while ((end = memchr(c->in + done, '\n', c->len - done)) != NULL) {
		size_t len = (size_t)(end - (c->in + done));
		const size_t whole = len + 1;

		if (len > 0 && c->in[done + len - 1] == '\r')
			len--;
		line_take(fd, c, c->in + done, len);
		done += whole;
	}
	/* A line longer than the buffer is text of a mail: only its end matters. */
	if (done == 0 && c->len == sizeof(c->in))
		done = c->len - 1;
	memmove(c->in, c->in + done, c->len - done);
	c->len -= done;
}

static void conn_read(int fd)
{
	struct conn *c = &mail.conns[fd];
	const ssize_t got = recv(fd, c->in + c->len, sizeof(c->in) - c->len, MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		conn_close(fd);
		return;
	}
	c->len += (size_t)got;
	if (c->kind == CONN_STATS)
		stats_answer(fd), c->len = 0;
	else if (mail.hang != 0)
		c->len = 0;
	else
		lines_take(fd, c);
}

static void conn_accept(int listener, enum conn_kind kind)
{
	const int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0)
		return;
	if (fd >= CONNS_MAX || epoll_ctl(mail.epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	mail.conns[fd].kind = kind;
	mail.conns[fd].birth++;
	mail.conns[fd].len = 0;
	mail.conns[fd].in_data = false;
	if (kind != CONN_MAIL)
		return;
	mail.connections++;
	if (mail.hang == 0)
		answer(fd, "220 bench\r\n");
}

static void listener_open(int64_t port, enum conn_kind kind)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) != 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 1024) != 0 ||
	    epoll_ctl(mail.epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0) {
		perror("mail: cannot listen");
		exit(1);
	}
	mail.conns[fd].kind = kind;
}

static void turn(void)
{
	struct epoll_event events[EVENTS_MAX];
	const int count = epoll_wait(mail.epoll_fd, events, EVENTS_MAX,
				     mail.late_count > 0 ? 1 : 200);

	for (int i = 0; i < count; i++) {
		const int fd = events[i].data.fd;

		switch (mail.conns[fd].kind) {
		case CONN_LISTENER: conn_accept(fd, CONN_MAIL); break;
		case CONN_STATS_LISTENER: conn_accept(fd, CONN_STATS); break;
		case CONN_STATS:
		case CONN_MAIL: conn_read(fd); break;
		case CONN_NONE: break;
		}
	}
	late_look(tally_now_us());
}

int main(int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "--port", "port of the mail server", .number = &mail.port, .min = 1,
		  .max = 65535 },
		{ "--stats", "port that answers GET with the counts", .number = &mail.stats_port,
		  .min = 1, .max = 65535 },
		{ "--delay", "milliseconds before each mail is answered", .number = &mail.delay_ms,
		  .min = 0, .max = 60000 },
		{ "--hang", "1: take connections and say nothing", .number = &mail.hang, .min = 0,
		  .max = 1 },
		{ .name = NULL },
	};

	options_parse(argc, argv, rows);
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	mail.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	listener_open(mail.port, CONN_LISTENER);
	listener_open(mail.stats_port, CONN_STATS_LISTENER);
	while (!stopping)
		turn();
	return 0;
}
