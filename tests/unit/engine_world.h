/* engine_world.h - a receiver on loopback that answers as it is told, two
 * channels to reach it by, and settings for an engine. Included once a program.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_ENGINE_WORLD_H
#define TESTS_UNIT_ENGINE_WORLD_H

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "channel/channels.h"

#include "files.h"

enum { HELD_MAX = 64, REQUEST_BYTES = 8192 };

/* --- The receiver ---------------------------------------------------------------- */

static struct {
	int fd, stop[2]; /* stop: a pipe */
	unsigned port;
	pthread_t thread;
	_Atomic int status;          /* of its replies; 0: closes without one */
	_Atomic int failures;        /* first so many replies are 500 */
	_Atomic bool holds;          /* reads requests and answers nothing */
	_Atomic int arrivals, held;  /* whole requests; those without an answer */
	const char *_Atomic headers; /* further lines of its replies, each with CR LF */
	pthread_mutex_t lock;
	char last[REQUEST_BYTES]; /* the last request; under lock */
	int held_fds[HELD_MAX];
} receiver;

/* A whole request, by its Content-Length. */
static bool request_take(int fd)
{
	char text[REQUEST_BYTES];
	size_t len = 0;

	for (;;) {
		const ssize_t n = read(fd, text + len, sizeof(text) - 1 - len);

		if (n <= 0)
			return false;
		len += (size_t)n;
		text[len] = '\0';
		const char *body = strstr(text, "\r\n\r\n");
		const char *length = strcasestr(text, "content-length:");
		const size_t body_bytes = length == NULL ? 0 : strtoul(length + 15, NULL, 10);

		if (body != NULL && len >= (size_t)(body + 4 - text) + body_bytes)
			break;
	}
	pthread_mutex_lock(&receiver.lock);
	memcpy(receiver.last, text, len + 1);
	pthread_mutex_unlock(&receiver.lock);
	return true;
}

/* Is this in the last request that arrived? */
static inline void receiver_got(const char *what)
{
	pthread_mutex_lock(&receiver.lock);
	const bool has = strstr(receiver.last, what) != NULL;

	pthread_mutex_unlock(&receiver.lock);
	if (!has)
		fail_msg("%s is not in: %s", what, receiver.last);
}

static void reply_send(int fd)
{
	static const char body[] = "the \xFF reply";
	int status = atomic_load(&receiver.status);
	char text[512];

	if (atomic_load(&receiver.failures) > 0) {
		atomic_fetch_sub(&receiver.failures, 1);
		status = 500;
	}
	if (status == 0)
		return;
	const int len =
		snprintf(text, sizeof(text),
			 "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
			 status, atomic_load(&receiver.headers), sizeof(body) - 1, body);

	(void)!send(fd, text, (size_t)len, MSG_NOSIGNAL);
}

static void held_close(void)
{
	const int held = atomic_load(&receiver.held);

	for (int i = 0; i < held; i++) {
		reply_send(receiver.held_fds[i]);
		close(receiver.held_fds[i]);
	}
	atomic_store(&receiver.held, 0);
}

static void *receiver_run(void *arg)
{
	struct pollfd wait[2] = { { .fd = receiver.fd, .events = POLLIN },
				  { .fd = receiver.stop[0], .events = POLLIN } };
	char byte;

	(void)arg;
	while (poll(wait, 2, -1) >= 0) {
		if (wait[1].revents != 0) {
			if (read(receiver.stop[0], &byte, 1) != 1 || byte == 's')
				break;
			held_close();
			continue;
		}
		const int fd = accept(receiver.fd, NULL, NULL);
		const bool is_whole = fd >= 0 && request_take(fd);

		if (is_whole && atomic_load(&receiver.holds) &&
		    atomic_load(&receiver.held) < HELD_MAX) {
			receiver.held_fds[atomic_load(&receiver.held)] = fd;
			atomic_fetch_add(&receiver.held, 1);
			atomic_fetch_add(&receiver.arrivals, 1);
			continue;
		}
		if (is_whole) {
			atomic_fetch_add(&receiver.arrivals, 1);
			reply_send(fd);
		}
		close(fd);
	}
	held_close();
	return NULL;
}

static inline void receiver_start(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);

	memset(&receiver, 0, sizeof(receiver));
	pthread_mutex_init(&receiver.lock, NULL);
	atomic_store(&receiver.status, 204);
	atomic_store(&receiver.headers, "");
	receiver.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(receiver.fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(receiver.fd, 64), 0);
	assert_int_equal(getsockname(receiver.fd, (struct sockaddr *)&a, &len), 0);
	receiver.port = ntohs(a.sin_port);
	assert_int_equal(pipe(receiver.stop), 0);
	assert_int_equal(pthread_create(&receiver.thread, NULL, receiver_run, NULL), 0);
}

/* Answer those that are held, and hold no more. */
static inline void receiver_release(void)
{
	atomic_store(&receiver.holds, false);
	assert_int_equal(write(receiver.stop[1], "r", 1), 1);
}

static inline void receiver_stop(void)
{
	assert_int_equal(write(receiver.stop[1], "s", 1), 1);
	pthread_join(receiver.thread, NULL);
	pthread_mutex_destroy(&receiver.lock);
	close(receiver.fd);
	close(receiver.stop[0]);
	close(receiver.stop[1]);
}

/* --- Channels: one over HTTP, one that blocks ------------------------------------ */

struct web_configs {
	const char *url;
};

static const struct tocsin_field web_fields[] = {
	{ .key = "url",
	  .help = "U.",
	  .kind = TOCSIN_URL,
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET,
	  .offset = offsetof(struct web_configs, url) },
	{ .key = NULL },
};

static struct {
	_Atomic int prepared, released;
	_Atomic int rc;        /* what prepare() returns */
	_Atomic bool is_gated; /* deliver() waits */
	_Atomic int inside;    /* calls that wait in it */
} plugin;

static int web_prepare(void *channel, const struct tocsin_message *msg, CURL *easy,
		       struct tocsin_request *out)
{
	const int rc = atomic_load(&plugin.rc);

	(void)channel, (void)easy;
	out->url = msg->target;
	out->body = msg->envelope;
	if (rc == TOCSIN_OK)
		atomic_fetch_add(&plugin.prepared, 1);
	else
		snprintf(out->reason, sizeof(out->reason), "cannot say it");
	return rc;
}

/* 410 is for good, other 4xx are final, 429 and 503 ask for patience. */
static void web_classify(void *channel, void *attempt, CURL *easy, const struct tocsin_outcome *out,
			 struct tocsin_verdict *v)
{
	(void)channel, (void)attempt, (void)easy;
	v->kind = TOCSIN_RETRY;
	snprintf(v->reason, sizeof(v->reason), "it said %ld", out->status);
	if (out->curl != CURLE_OK) {
		v->throttled = 1;
		snprintf(v->reason, sizeof(v->reason), "no answer");
	} else if (out->status < 300) {
		v->kind = TOCSIN_DELIVERED;
		v->reason[0] = '\0';
	} else if (out->status == 410) {
		v->kind = TOCSIN_GONE;
	} else if (out->status == 429 || out->status == 503) {
		v->throttled = 1;
		v->retry_after_ms = out->retry_after_ms;
	} else if (out->status < 500) {
		v->kind = TOCSIN_FAILED;
	}
}

static void web_release(void *channel, void *attempt)
{
	(void)channel, (void)attempt;
	atomic_fetch_add(&plugin.released, 1);
}

static void slow_deliver(void *channel, const struct tocsin_message *msg, struct tocsin_verdict *v)
{
	const struct timespec turn = { .tv_nsec = 200000 };

	(void)channel, (void)msg;
	atomic_fetch_add(&plugin.inside, 1);
	while (atomic_load(&plugin.is_gated))
		nanosleep(&turn, NULL);
	atomic_fetch_sub(&plugin.inside, 1);
	v->kind = TOCSIN_DELIVERED;
	v->status = 250;
}

static char web_name[] = "web", slow_name[] = "slow";
static struct channel engine_channel_items[] = {
	{ .name = web_name,
	  .plugin = { .vtable = { .name = "web",
				  .schemes = "http,https",
				  .fields = web_fields,
				  .configs_bytes = sizeof(struct web_configs),
				  .prepare = web_prepare,
				  .classify = web_classify,
				  .release = web_release } } },
	{ .name = slow_name,
	  .lane = LANE_SLOW,
	  .plugin = { .vtable = { .name = "slow",
				  .fields = web_fields,
				  .configs_bytes = sizeof(struct web_configs),
				  .deliver = slow_deliver } } },
};
static const struct channels engine_channels = { engine_channel_items,
						 COUNT_OF(engine_channel_items) };

/* --- Settings -------------------------------------------------------------------- */

enum { PAUSE_MS = 20, IN_FLIGHT = 8, WINDOW = 4, MEMORY_BYTES = 1 << 20 };

static struct network engine_loopback;
static int64_t engine_pauses_ms[] = { PAUSE_MS, PAUSE_MS };

static inline struct conf engine_conf(void)
{
	assert_int_equal(network_parse(span_of("127.0.0.0/8"), &engine_loopback, NULL), ERR_OK);
	return (struct conf){
		.delivery = { .in_flight = IN_FLIGHT,
			      .in_memory_bytes = MEMORY_BYTES,
			      .window_start = WINDOW,
			      .window_max = WINDOW,
			      .queue_max = 64,
			      .connect_timeout_ms = 5000,
			      .timeout_ms = 20000,
			      .reply_max_bytes = 65536,
			      .excerpt_bytes = 64,
			      .resolver_threads = 2,
			      .lane_threads = 2,
			      .user_agent = "T" },
		.retry = { .pauses_ms = engine_pauses_ms,
			   .pause_count = COUNT_OF(engine_pauses_ms),
			   .max_age_ms = DAYS_MS(1),
			   .retry_after_max_ms = HOURS_MS(1) },
		.guard = { .guard = { &engine_loopback, 1 } },
	};
}

static inline void engine_world_start(void)
{
	memset(&plugin, 0, sizeof(plugin));
	curl_global_init(CURL_GLOBAL_DEFAULT);
	receiver_start();
}

static inline void engine_world_end(void)
{
	atomic_store(&plugin.is_gated, false);
	receiver_stop();
	curl_global_cleanup();
}

#endif
