/* multi.c - bare libcurl posting the same events to the same sink: the
 * baseline for deliveries a second. It stores, signs and retries nothing.
 * One thread: curl_multi_socket_action and epoll, a window of easy handles
 * that are used again, kept-alive connections; as Tocsin's engine, less all
 * that Tocsin adds.
 * SPDX-License-Identifier: MIT */
#include <curl/curl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "event.h"
#include "options.h"
#include "tally.h"

enum { WINDOW_MAX = 1024, HOSTS_MAX = 250, URL_BYTES = 128 };

struct slot {
	CURL *easy;
	char *body;
};

static struct {
	const char *path;
	int64_t port, hosts, paths, window, bytes, seconds, count, run;
	CURLM *multi;
	int epoll_fd;
	int64_t timer_at_us; /* -1: libcurl wants no timer */
	struct curl_slist *headers;
	struct slot slots[WINDOW_MAX];
	int64_t started, posted, errors, ends_us;
	int running;
} bare = { .path = "/m",
	   .port = 9100,
	   .hosts = 1,
	   .paths = 1,
	   .window = 64,
	   .bytes = 512,
	   .seconds = 3,
	   .timer_at_us = -1 };

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "multi: %s\n", what);
	exit(1);
}

static size_t reply_drop(char *ptr, size_t size, size_t count, void *unused)
{
	(void)ptr, (void)unused;
	return size * count;
}

static int socket_watch(CURL *easy, curl_socket_t fd, int what, void *unused, void *known)
{
	struct epoll_event ev = { .data.fd = fd };

	(void)easy, (void)unused;
	if (what == CURL_POLL_REMOVE)
		return epoll_ctl(bare.epoll_fd, EPOLL_CTL_DEL, fd, NULL) == 0 ? 0 : -1;
	if (what & CURL_POLL_IN)
		ev.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		ev.events |= EPOLLOUT;
	if (known == NULL)
		curl_multi_assign(bare.multi, fd, &bare);
	return epoll_ctl(bare.epoll_fd, known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &ev);
}

static int timer_watch(CURLM *multi, long pause_ms, void *unused)
{
	(void)multi, (void)unused;
	bare.timer_at_us = pause_ms < 0 ? -1 : tally_now_us() + pause_ms * 1000;
	return 0;
}

static void headers_build(void)
{
	/* As many and as long as Tocsin's own. */
	static const char *const lines[] = {
		"Content-Type: application/json",
		"User-Agent: tocsin-bench-multi",
		"webhook-id: evt_0123456789abcdefghijkl",
		"webhook-timestamp: 1700000000",
		"webhook-signature: v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
		"Expect:",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		bare.headers = curl_slist_append(bare.headers, lines[i]);
}

/* Everything but the URL stays from one post to the next. */
static void slot_prepare(struct slot *s)
{
	curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, bare.headers);
	curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, s->body);
	curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE, (long)bare.bytes);
	curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, reply_drop);
	curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
	curl_easy_setopt(s->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(s->easy, CURLOPT_TIMEOUT_MS, 10000L);
	curl_easy_setopt(s->easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(s->easy, CURLOPT_PROXY, "");
}

static void slot_start(struct slot *s)
{
	char url[URL_BYTES];
	const int64_t way = bare.started % (bare.hosts * bare.paths);

	snprintf(url, sizeof(url), "http://127.0.0.%d:%d%s%d", (int)(way % bare.hosts) + 1,
		 (int)bare.port, bare.path, (int)way);
	event_body_stamp(s->body, "bench.event",
			 &(struct event_stamp){ bare.run, bare.started / (bare.hosts * bare.paths),
						tally_now_us() });
	curl_easy_setopt(s->easy, CURLOPT_URL, url);
	if (curl_multi_add_handle(bare.multi, s->easy) != CURLM_OK)
		die("curl_multi_add_handle");
	bare.started++;
	bare.running++;
}

static bool is_sending(void)
{
	if (bare.count > 0 && bare.started >= bare.count)
		return false;
	return tally_now_us() < bare.ends_us;
}

static void slots_settle(void)
{
	const CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(bare.multi, &left)) != NULL) {
		long status = 0;
		struct slot *s = NULL;
		CURL *easy = msg->easy_handle;
		const CURLcode rc = msg->data.result;
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &s);
		curl_multi_remove_handle(bare.multi, easy);
		bare.running--;
		if (rc == CURLE_OK && status >= 200 && status < 300)
			bare.posted++;
		else
			bare.errors++;
		if (is_sending())
			slot_start(s);
	}
}

static void multi_turn(void)
{
	struct epoll_event events[128];
	int running;
	int pause_ms = 1000;

	if (bare.timer_at_us >= 0) {
		const int64_t left_us = bare.timer_at_us - tally_now_us();
		pause_ms = left_us <= 0 ? 0 : (int)((left_us + 999) / 1000);
	}
	const int count = epoll_wait(bare.epoll_fd, events, 128, pause_ms);
	for (int i = 0; i < count; i++) {
		int what = 0;
		if (events[i].events & EPOLLIN)
			what |= CURL_CSELECT_IN;
		if (events[i].events & EPOLLOUT)
			what |= CURL_CSELECT_OUT;
		if (events[i].events & (EPOLLERR | EPOLLHUP))
			what |= CURL_CSELECT_ERR;
		curl_multi_socket_action(bare.multi, events[i].data.fd, what, &running);
	}
	if (bare.timer_at_us >= 0 && tally_now_us() >= bare.timer_at_us) {
		bare.timer_at_us = -1;
		curl_multi_socket_action(bare.multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
	slots_settle();
}

static void multi_open(void)
{
	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	bare.multi = curl_multi_init();
	bare.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (bare.multi == NULL || bare.epoll_fd < 0)
		die("cannot set up");
	curl_multi_setopt(bare.multi, CURLMOPT_SOCKETFUNCTION, socket_watch);
	curl_multi_setopt(bare.multi, CURLMOPT_TIMERFUNCTION, timer_watch);
	curl_multi_setopt(bare.multi, CURLMOPT_MAXCONNECTS, (long)bare.window * 2);
	headers_build();
	for (int i = 0; i < bare.window; i++) {
		struct slot *s = &bare.slots[i];
		s->easy = curl_easy_init();
		s->body = malloc((size_t)bare.bytes);
		if (s->easy == NULL || s->body == NULL ||
		    !event_body_format(s->body, (size_t)bare.bytes, "bench.event"))
			die("memory, or --bytes too small");
		slot_prepare(s);
	}
}

static void multi_close(void)
{
	for (int i = 0; i < bare.window; i++) {
		curl_easy_cleanup(bare.slots[i].easy);
		free(bare.slots[i].body);
	}
	curl_multi_cleanup(bare.multi);
	curl_slist_free_all(bare.headers);
	curl_global_cleanup();
}

int main(int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "--port", "the sink's port", .number = &bare.port, .min = 1, .max = 65535 },
		{ "--path", "path prefix; the way's number follows", .text = &bare.path },
		{ "--hosts", "post to 127.0.0.1 to 127.0.0.N in turn", .number = &bare.hosts,
		  .min = 1, .max = HOSTS_MAX },
		{ "--paths", "paths a host", .number = &bare.paths, .min = 1, .max = 1000 },
		{ "--window", "posts in flight", .number = &bare.window, .min = 1,
		  .max = WINDOW_MAX },
		{ "--bytes", "size of one event", .number = &bare.bytes, .min = EVENT_BYTES_MIN,
		  .max = EVENT_BYTES_MAX },
		{ "--seconds", "how long", .number = &bare.seconds, .min = 1, .max = 3600 },
		{ "--count", "posts at most, 0 for no limit", .number = &bare.count, .min = 0,
		  .max = INT32_MAX },
		{ "--run", "number of this run", .number = &bare.run, .min = 0, .max = INT32_MAX },
		{ .name = NULL },
	};

	options_parse(argc, argv, rows);
	multi_open();
	const int64_t from_us = tally_now_us(), from_cpu_us = tally_cpu_us();
	bare.ends_us = from_us + bare.seconds * 1000000;
	for (int i = 0; i < bare.window && is_sending(); i++)
		slot_start(&bare.slots[i]);
	while (bare.running > 0)
		multi_turn();
	const double seconds = (double)(tally_now_us() - from_us) / 1e6;
	const int64_t cpu_us = tally_cpu_us() - from_cpu_us;
	printf("{\"posted\":%" PRId64 ",\"errors\":%" PRId64
	       ",\"seconds\":%.3f,\"posted_per_s\":%.0f,\"cpu_us_each\":%.1f}\n",
	       bare.posted, bare.errors, seconds, (double)bare.posted / seconds,
	       bare.posted > 0 ? (double)cpu_us / (double)bare.posted : 0);
	multi_close();
	return bare.posted > 0 ? 0 : 1;
}
