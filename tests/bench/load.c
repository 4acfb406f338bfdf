/* load.c - the publisher of the bench: HTTP/1.1 keep-alive to the web server.
 * Not here: what arrives (sink.c). Requests are built once and only stamped;
 * replies are read just far enough. One thread, epoll, loopback.
 *
 * Closed loop (no --rate): every publisher sends its next event when the last
 * was answered. Open loop: event k is due at start + k / rate, whoever is
 * free sends it, and its time counts from the moment it was due, so a stall
 * shows in the figures instead of slowing the load down.
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
#include <sys/timerfd.h>
#include <unistd.h>

#include "event.h"
#include "http.h"
#include "options.h"
#include "tally.h"

enum { PUBLISHERS_MAX = 1024, REPLY_BYTES = 1 << 20, HEAD_BYTES = 1024, BATCH_MAX = 1000 };
enum { TIMER_ID = PUBLISHERS_MAX, REST_US = 50000, TURN_MS = 50 };
#define NO_LIMIT   INT64_MAX
#define BATCH_HEAD "{\"events\":["

enum conn_state { CONN_CLOSED, CONN_IDLE, CONN_WAITING };

struct conn {
	int fd; /* -1 while closed */
	enum conn_state state;
	char *request; /* this publisher's own copy, stamped before each use */
	size_t sent;
	char *reply;
	size_t reply_len;
	int64_t started_us; /* CONN_WAITING: when the call was sent, or was due */
	int64_t rest_until_us;
};

/* One answer, one class. */
struct outcomes {
	int64_t accepted, refused, limited, failed, closed, timeout, connect;
};

static struct {
	const char *url, *key, *type, *path;
	int64_t publishers, rate, seconds, count, bytes, run, first_seq, batch, types, keyed;
	int64_t timeout_s;
	struct sockaddr_in peer;
	char host[64];
	char head[HEAD_BYTES];
	size_t head_bytes, key_offset, request_bytes;
	int epoll_fd, timer_fd;
	struct conn conns[PUBLISHERS_MAX];
	int idle[PUBLISHERS_MAX];
	int idle_count, waiting_count;
	int64_t started_us, ends_us, first_us, last_us;
	int64_t calls; /* sent so far: also the next sequence number, in batches */
	int64_t calls_max;
	struct outcomes out;
	struct tally call;
} load = { .url = "http://127.0.0.1:8080",
	   .key = "",
	   .type = "bench.event",
	   .publishers = 64,
	   .seconds = 3,
	   .bytes = 512,
	   .batch = 1,
	   .types = 1,
	   .timeout_s = 10 };

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* "http://1.2.3.4:5[/path]"; without a path the publish route is used. */
static void url_read(void)
{
	unsigned port = 80;
	char address[32] = "";
	const char *path = strlen(load.url) > 7 ? strchr(load.url + 7, '/') : NULL;

	if (strncmp(load.url, "http://", 7) != 0 ||
	    sscanf(load.url + 7, "%31[0-9.]:%u", address, &port) < 1 || port > 65535 ||
	    inet_pton(AF_INET, address, &load.peer.sin_addr) != 1) {
		fprintf(stderr, "load: --url \"%s\" is not http://A.B.C.D:PORT\n", load.url);
		exit(2);
	}
	load.peer.sin_family = AF_INET;
	load.peer.sin_port = htons((uint16_t)port);
	snprintf(load.host, sizeof(load.host), "%s:%u", address, port);
	load.path = path != NULL && path[1] != '\0' ? path
		    : load.batch > 1                ? "/v1/events/batch"
						    : "/v1/events";
}

/* The type of slot n: TYPE, or TYPE.000 and on when there are several. */
static void type_format(char *out, size_t size, int64_t n)
{
	if (load.types == 1)
		snprintf(out, size, "%s", load.type);
	else
		snprintf(out, size, "%s.%03d", load.type, (int)(n % load.types));
}

static size_t body_bytes(void)
{
	const size_t bytes = (size_t)load.bytes;

	if (load.batch == 1)
		return bytes;
	return sizeof(BATCH_HEAD) - 1 + (bytes + 1) * (size_t)load.batch + 1;
}

static void head_format(void)
{
	char auth[256] = "";

	if (load.key[0] != '\0')
		snprintf(auth, sizeof(auth), "Authorization: Bearer %s\r\n", load.key);
	int len = snprintf(load.head, HEAD_BYTES,
			   "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: tocsin-bench\r\n"
			   "%sContent-Type: application/json\r\nContent-Length: %zu\r\n",
			   load.path, load.host, auth, body_bytes());
	if (load.keyed && len > 0 && len < HEAD_BYTES) {
		load.key_offset = (size_t)len + sizeof("Idempotency-Key: ") - 1;
		len += snprintf(load.head + len, (size_t)(HEAD_BYTES - len),
				"Idempotency-Key: %012d-%012d\r\n", 0, 0);
	}
	if (len < 0 || len + 3 > HEAD_BYTES) {
		fprintf(stderr, "load: the request head is too long\n");
		exit(2);
	}
	memcpy(load.head + len, "\r\n", 3);
	load.head_bytes = (size_t)len + 2;
}

static char *event_at(struct conn *c, int64_t n)
{
	char *body = c->request + load.head_bytes;

	if (load.batch == 1)
		return body;
	return body + sizeof(BATCH_HEAD) - 1 + (size_t)n * ((size_t)load.bytes + 1);
}

static void request_build(struct conn *c)
{
	char type[EVENT_TYPE_MAX + 8];

	/* One byte more: a single event's separator slot lies past its body. */
	c->request = malloc(load.request_bytes + 1);
	c->reply = malloc(REPLY_BYTES);
	if (c->request == NULL || c->reply == NULL)
		die("memory");
	memcpy(c->request, load.head, load.head_bytes);
	if (load.batch > 1)
		memcpy(c->request + load.head_bytes, BATCH_HEAD, sizeof(BATCH_HEAD) - 1);
	type_format(type, sizeof(type), 0);
	for (int64_t i = 0; i < load.batch; i++) {
		if (!event_body_format(event_at(c, i), (size_t)load.bytes, type)) {
			fprintf(stderr, "load: --bytes is too small for the event\n");
			exit(2);
		}
		event_at(c, i)[load.bytes] = i + 1 < load.batch ? ',' : ']';
	}
	if (load.batch > 1)
		event_at(c, load.batch)[0] = '}';
}

static void digits_put(char *to, int width, int64_t value)
{
	while (width-- > 0) {
		to[width] = (char)('0' + value % 10);
		value /= 10;
	}
}

static void request_stamp(struct conn *c, int64_t due_us)
{
	char type[EVENT_TYPE_MAX + 8];
	const int64_t first = load.first_seq + load.calls * load.batch;

	for (int64_t i = 0; i < load.batch; i++) {
		char *body = event_at(c, i);
		type_format(type, sizeof(type), first + i);
		if (load.types > 1)
			memcpy(body + sizeof("{\"event_type\":\"") - 1, type, strlen(type));
		event_body_stamp(body, type, &(struct event_stamp){ load.run, first + i, due_us });
	}
	if (load.keyed) {
		digits_put(c->request + load.key_offset, 12, load.run);
		digits_put(c->request + load.key_offset + 13, 12, first);
	}
}

static void conn_close(struct conn *c)
{
	if (c->state == CONN_WAITING)
		load.waiting_count--;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->state = CONN_CLOSED;
}

static void conn_idle(struct conn *c)
{
	if (c->state == CONN_WAITING)
		load.waiting_count--;
	c->state = CONN_IDLE;
	load.idle[load.idle_count++] = (int)(c - load.conns);
}

/* Loopback connects at once, so this may block. */
static void conn_open(struct conn *c)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				  .data.u32 = (uint32_t)(c - load.conns) };
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	if (connect(fd, (struct sockaddr *)&load.peer, sizeof(load.peer)) != 0) {
		close(fd);
		load.out.connect++;
		c->rest_until_us = tally_now_us() + REST_US;
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	c->fd = fd;
	c->reply_len = 0;
	conn_idle(c);
	if (epoll_ctl(load.epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0)
		die("epoll_ctl");
}

/* An open publisher leaves the idle list only by being given a call, so a
 * connection that died idle is found here. */
static void request_push(struct conn *c)
{
	while (c->state == CONN_WAITING && c->sent < load.request_bytes) {
		const ssize_t sent = send(c->fd, c->request + c->sent, load.request_bytes - c->sent,
					  MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			return;
		if (sent < 0) {
			load.out.closed++;
			conn_close(c);
			return;
		}
		c->sent += (size_t)sent;
	}
}

static void call_start(struct conn *c, int64_t due_us)
{
	if (c->state == CONN_CLOSED)
		conn_open(c);
	if (c->state != CONN_IDLE)
		return;
	/* conn_open() or the caller left it on top of the idle list. */
	load.idle_count--;
	request_stamp(c, due_us);
	c->state = CONN_WAITING;
	c->started_us = due_us;
	c->sent = c->reply_len = 0;
	load.waiting_count++;
	load.calls++;
	request_push(c);
}

static void reply_count(struct conn *c, int status, int64_t now_us)
{
	if (status >= 200 && status < 300) {
		load.out.accepted += load.batch;
		load.last_us = now_us;
		tally_add(&load.call, now_us - c->started_us);
	} else if (status == 429) {
		load.out.limited++;
	} else if (status >= 500) {
		load.out.failed++;
	} else {
		load.out.refused++;
	}
}

static void reply_take(struct conn *c)
{
	struct http_head head;

	if (!http_head_parse(c->reply, c->reply_len, &head) ||
	    http_message_bytes(&head, c->reply, c->reply_len) == 0)
		return;
	const int status = c->reply_len > 12 ? (int)strtol(c->reply + 9, NULL, 10) : 0;
	reply_count(c, status, tally_now_us());
	if (head.is_closing) {
		conn_close(c);
		return;
	}
	conn_idle(c);
}

static void conn_lost(struct conn *c)
{
	if (c->state == CONN_WAITING)
		load.out.closed++;
	for (int i = 0; c->state == CONN_IDLE && i < load.idle_count; i++) {
		if (load.idle[i] != (int)(c - load.conns))
			continue;
		load.idle[i] = load.idle[--load.idle_count];
		break;
	}
	conn_close(c);
}

static void conn_read(struct conn *c)
{
	while (c->state != CONN_CLOSED) {
		const ssize_t got = recv(c->fd, c->reply + c->reply_len,
					 REPLY_BYTES - 1 - c->reply_len, MSG_DONTWAIT);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return;
		if (got <= 0) {
			conn_lost(c);
			return;
		}
		c->reply_len += (size_t)got;
		c->reply[c->reply_len] = '\0';
		if (c->state == CONN_WAITING)
			reply_take(c);
		if (c->state == CONN_IDLE)
			return; /* a reply is all there is; the end comes as another event */
	}
}

static bool is_sending(int64_t now_us)
{
	return load.calls < load.calls_max && now_us < load.ends_us;
}

static int64_t due_next_us(void)
{
	return load.started_us + load.calls * 1000000 * load.batch / load.rate;
}

/* Any publisher without a call: an idle one, or a closed one past its rest. */
static struct conn *conn_free_find(int64_t now_us)
{
	if (load.idle_count > 0)
		return &load.conns[load.idle[load.idle_count - 1]];
	for (int i = 0; i < load.publishers; i++)
		if (load.conns[i].state == CONN_CLOSED && load.conns[i].rest_until_us <= now_us)
			return &load.conns[i];
	return NULL;
}

static void timer_set(int64_t at_us)
{
	const struct itimerspec at = { .it_value = { .tv_sec = at_us / 1000000,
						     .tv_nsec = at_us % 1000000 * 1000 } };

	if (timerfd_settime(load.timer_fd, TFD_TIMER_ABSTIME, &at, NULL) != 0)
		die("timerfd_settime");
}

static void calls_start(void)
{
	for (;;) {
		const int64_t now_us = tally_now_us();
		if (!is_sending(now_us))
			return;
		const int64_t due_us = load.rate > 0 ? due_next_us() : now_us;
		if (due_us > now_us) {
			timer_set(due_us);
			return;
		}
		struct conn *c = conn_free_find(now_us);
		if (c == NULL)
			return;
		call_start(c, due_us);
	}
}

static void timeouts_check(int64_t now_us)
{
	for (int i = 0; i < load.publishers; i++) {
		struct conn *c = &load.conns[i];
		if (c->state != CONN_WAITING || now_us - c->started_us < load.timeout_s * 1000000)
			continue;
		load.out.timeout++;
		conn_close(c);
	}
}

static void load_turn(void)
{
	struct epoll_event events[128];
	const int count = epoll_wait(load.epoll_fd, events, 128, TURN_MS);

	for (int i = 0; i < count; i++) {
		if (events[i].data.u32 == TIMER_ID) {
			uint64_t ticks;
			if (read(load.timer_fd, &ticks, sizeof(ticks)) < 0 && errno != EAGAIN)
				die("timerfd");
			continue;
		}
		struct conn *c = &load.conns[events[i].data.u32];
		if (events[i].events & EPOLLOUT)
			request_push(c);
		if (events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			conn_read(c);
	}
	calls_start();
	if (count == 0)
		timeouts_check(tally_now_us());
}

static void load_open(void)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = TIMER_ID };

	signal(SIGPIPE, SIG_IGN);
	load.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	load.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (load.epoll_fd < 0 || load.timer_fd < 0 ||
	    epoll_ctl(load.epoll_fd, EPOLL_CTL_ADD, load.timer_fd, &ev) != 0)
		die("epoll");
	head_format();
	load.request_bytes = load.head_bytes + body_bytes();
	for (int i = 0; i < load.publishers; i++) {
		load.conns[i].fd = -1;
		request_build(&load.conns[i]);
		conn_open(&load.conns[i]);
	}
	if (load.idle_count == 0) {
		fprintf(stderr, "load: nothing listens at %s\n", load.url);
		exit(1);
	}
}

static void result_print(void)
{
	const struct outcomes *o = &load.out;
	const double seconds = o->accepted > 0 ? (double)(load.last_us - load.first_us) / 1e6 : 0;
	const int64_t errors = o->refused + o->limited + o->failed + o->closed + o->timeout +
			       o->connect;

	printf("{\"run\":%" PRId64 ",\"sent\":%" PRId64 ",\"accepted\":%" PRId64
	       ",\"errors\":%" PRId64 ",\"refused_4xx\":%" PRId64 ",\"limited_429\":%" PRId64
	       ",\"failed_5xx\":%" PRId64 ",\"closed\":%" PRId64 ",\"timeout\":%" PRId64
	       ",\"connect\":%" PRId64,
	       load.run, load.calls * load.batch, o->accepted, errors, o->refused, o->limited,
	       o->failed, o->closed, o->timeout, o->connect);
	printf(",\"seconds\":%.3f,\"accepted_per_s\":%.0f,\"p50_us\":%" PRId64
	       ",\"p99_us\":%" PRId64 ",\"max_us\":%" PRId64 ",\"first_us\":%" PRId64
	       ",\"last_us\":%" PRId64 ",\"own_cpu_us\":%" PRId64 "}\n",
	       seconds, seconds > 0 ? (double)o->accepted / seconds : 0,
	       tally_quantile(&load.call, 500), tally_quantile(&load.call, 990), load.call.max_us,
	       load.first_us, load.last_us, tally_cpu_us());
}

static void options_read(int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "--url", "http://A.B.C.D:PORT[/path]", .text = &load.url },
		{ "--key", "API key, sent as Bearer", .text = &load.key },
		{ "--type", "event type", .text = &load.type },
		{ "--types", "spread over TYPE.000 to TYPE.N-1", .number = &load.types, .min = 1,
		  .max = 1000 },
		{ "--publishers", "connections", .number = &load.publishers, .min = 1,
		  .max = PUBLISHERS_MAX },
		{ "--rate", "events a second, 0 for a closed loop", .number = &load.rate, .min = 0,
		  .max = 1000000 },
		{ "--seconds", "how long, 0 for until --count", .number = &load.seconds, .min = 0,
		  .max = 86400 },
		{ "--count", "events at most, 0 for no limit", .number = &load.count, .min = 0,
		  .max = INT32_MAX },
		{ "--bytes", "size of one event", .number = &load.bytes, .min = EVENT_BYTES_MIN,
		  .max = EVENT_BYTES_MAX },
		{ "--batch", "events a call", .number = &load.batch, .min = 1, .max = BATCH_MAX },
		{ "--run", "number of this run", .number = &load.run, .min = 0, .max = INT32_MAX },
		{ "--first", "first sequence number", .number = &load.first_seq, .min = 0,
		  .max = INT32_MAX },
		{ "--keyed", "1: an Idempotency-Key on every call", .number = &load.keyed, .min = 0,
		  .max = 1 },
		{ "--timeout", "seconds to wait for a reply", .number = &load.timeout_s, .min = 1,
		  .max = 600 },
		{ .name = NULL },
	};

	options_parse(argc, argv, rows);
	if (load.seconds == 0 && load.count == 0) {
		fprintf(stderr, "load: give --seconds or --count\n");
		exit(2);
	}
	if (strlen(load.type) > EVENT_TYPE_MAX - 8) {
		fprintf(stderr, "load: --type is too long\n");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	options_read(argc, argv);
	url_read();
	load_open();
	load.calls_max = load.count == 0 ? NO_LIMIT : (load.count + load.batch - 1) / load.batch;
	load.started_us = load.first_us = tally_now_us();
	load.ends_us = load.seconds == 0 ? NO_LIMIT : load.started_us + load.seconds * 1000000;
	calls_start();
	while (is_sending(tally_now_us()) || load.waiting_count > 0)
		load_turn();
	result_print();
	for (int i = 0; i < load.publishers; i++) {
		free(load.conns[i].request);
		free(load.conns[i].reply);
	}
	return load.out.accepted > 0 ? 0 : 1;
}
