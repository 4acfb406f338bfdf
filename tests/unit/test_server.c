/* test_server.c - requests through the FastCGI front, as a web server sends them.
 * SPDX-License-Identifier: MIT
 * A socket in a folder of its own; the peer speaks the protocol by hand. */
#include "api/server.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "api_world.h"

enum {
	THREADS = 3,
	LARGE_BYTES = 200000,
	REPLY_BYTES = 512 * 1024,
	PEER_WAIT_MS = 20000,
	HEADER_BYTES = 8
};
/* Record types of FastCGI. */
enum { BEGIN_REQUEST = 1, END_REQUEST = 3, PARAMS = 4, STDIN = 5, STDOUT = 6 };

static struct api_world w;
static struct server *server;
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static int listen_fd;
static char key[KEY_TEXT_BYTES];

static int setup(void **state)
{
	struct why why = { "" };

	(void)state;
	api_world_start(&w);
	w.conf.server.threads = THREADS;
	w.conf.api.body_max_bytes = LARGE_BYTES;
	snprintf(address.sun_path, sizeof(address.sun_path), "%.80s/s", w.store.folder);
	listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(listen_fd >= 0);
	assert_int_equal(bind(listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listen_fd, 64), 0);
	assert_int_equal(
		access_key_add(w.api.access, "org_aaaaaaaaaa", SCOPE_ALL, false, key, &why),
		ERR_OK);
	if (server_start(&w.api, listen_fd, &server, &why) != ERR_OK)
		fail_msg("%s", why.text);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	server_stop(server);
	server = NULL;
	close(listen_fd);
	unlink(address.sun_path);
	api_world_end(&w);
	return 0;
}

/* --- The web server's end -------------------------------------------------------- */

static void record_append(struct buf *b, int type, struct span content)
{
	const char header[HEADER_BYTES] = {
		1, (char)type, 0, 1, (char)(content.len >> 8), (char)(content.len & 0xFF), 0, 0
	};

	buf_bytes(b, header, sizeof(header));
	buf_span(b, content);
}

/* params: "NAME=value" each; NULL ends them. */
static void request_append(struct buf *b, const char *const *params, struct span body)
{
	/* Role 1 answers; flag 1 asks to keep the connection, which we never do. */
	const char begin[8] = { 0, 1, 1, 0, 0, 0, 0, 0 };
	const struct span none = { "", 0 };
	struct buf pairs;

	buf_init(&pairs, 4096);
	for (; *params != NULL; params++) {
		const size_t name = strcspn(*params, "=");
		const struct span value = span_of(*params + name + 1);

		assert_true(name < 128 && value.len < 128);
		buf_byte(&pairs, (char)name);
		buf_byte(&pairs, (char)value.len);
		buf_bytes(&pairs, *params, name);
		buf_span(&pairs, value);
	}
	record_append(b, BEGIN_REQUEST, (struct span){ begin, sizeof(begin) });
	record_append(b, PARAMS, buf_view(&pairs));
	record_append(b, PARAMS, none);
	for (size_t at = 0; at < body.len; at += 32768) {
		const size_t left = body.len - at;

		record_append(b, STDIN,
			      (struct span){ body.ptr + at, left < 32768 ? left : 32768 });
	}
	record_append(b, STDIN, none);
	buf_finish(&pairs);
}

static int peer_open(void)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static bool peer_send(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		const ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

/* Everything until the server closes; false when that takes too long. */
static bool peer_drain(int fd, struct buf *out)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char chunk[8192];
	ssize_t n = 1;

	while (n > 0 && poll(&wait, 1, PEER_WAIT_MS) == 1) {
		n = read(fd, chunk, sizeof(chunk));
		buf_bytes(out, chunk, n > 0 ? (size_t)n : 0);
	}
	return n == 0;
}

/* The STDOUT records' content joined; false unless the request was ended well. */
static bool reply_join(struct span records, struct buf *out)
{
	bool has_ended = false;

	while (records.len >= HEADER_BYTES) {
		const unsigned char *h = (const unsigned char *)records.ptr;
		const size_t len = (size_t)h[4] << 8 | h[5], all = HEADER_BYTES + len + h[6];

		if (records.len < all || has_ended)
			return false;
		if (h[1] == STDOUT)
			buf_bytes(out, records.ptr + HEADER_BYTES, len);
		has_ended = h[1] == END_REQUEST;
		records.ptr += all;
		records.len -= all;
	}
	return has_ended && records.len == 0;
}

/* One whole request; the reply's text, or NULL. Owner: the caller, free(). */
static char *fetch(const char *method, const char *uri, struct span body)
{
	char verb[64], target[128], authorization[128];
	const char *const params[] = { verb, target, authorization, NULL };
	struct buf request, records, text;
	const int fd = peer_open();
	char *reply = NULL;

	snprintf(verb, sizeof(verb), "REQUEST_METHOD=%s", method);
	snprintf(target, sizeof(target), "REQUEST_URI=%s", uri);
	snprintf(authorization, sizeof(authorization), "HTTP_AUTHORIZATION=Bearer %s", key);
	buf_init(&request, REPLY_BYTES);
	buf_init(&records, REPLY_BYTES);
	buf_init(&text, REPLY_BYTES);
	request_append(&request, params, body);
	if (peer_send(fd, request.ptr, request.len) && peer_drain(fd, &records) &&
	    reply_join(buf_view(&records), &text))
		reply = buf_take(&text);
	close(fd);
	buf_finish(&request);
	buf_finish(&records);
	buf_finish(&text);
	return reply;
}

/* --- Replies --------------------------------------------------------------------- */

#define HOOKS "/v1/organizations/webhooks"

static void replies(void **state)
{
	static const struct {
		const char *method, *uri, *body, *head, *has;
	} cases[] = {
		{ "GET", "/healthz", "",
		  "Status: 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n",
		  "{\"status\":\"ok\"}" },
		{ "GET", "/v1/nothing", "", "Status: 404 ", "NotFoundError" },
		{ "POST", "/v1/events", "{\"event_type\":\"a.b\"}", "Status: 202 ", "evt_" },
		{ "POST", "/v1/events", "{\"event_type\":", "Status: 422 ", "json_invalid" },
		/* A 204 has neither length nor body. */
		{ "DELETE", HOOKS "/wh_0000000000", "", "Status: 204 No Content\r\n\r\n", "" },
		{ "GET", "/openapi.json", "", "Status: 200 ", "\"openapi\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char *reply = fetch(cases[i].method, cases[i].uri, span_of(cases[i].body));

		if (reply == NULL)
			fail_msg("%s: no reply", cases[i].uri);
		if (strncmp(reply, cases[i].head, strlen(cases[i].head)) != 0 ||
		    strstr(reply, cases[i].has) == NULL)
			fail_msg("%s: %s", cases[i].uri, reply);
		if (strstr(cases[i].head, "204") != NULL)
			assert_string_equal(reply, cases[i].head);
		free(reply);
	}
}

/* Bodies and replies of many records. */
static void large_ones(void **state)
{
	static char body[LARGE_BYTES];
	const int start = snprintf(body, sizeof(body),
				   "{\"event_type\":\"a.b\",\"event_id\":"
				   "\"big\",\"data\":\"");

	(void)state;
	for (size_t i = (size_t)start; i < sizeof(body); i++)
		body[i] = (char)('a' + i % 23);
	memcpy(body + sizeof(body) - 2, "\"}", 2);
	char *reply = fetch("POST", "/v1/events", (struct span){ body, sizeof(body) });

	assert_non_null(reply);
	assert_non_null(strstr(reply, "Status: 202"));
	free(reply);
	reply = fetch("GET", "/v1/events/big", span_of(""));
	assert_non_null(reply);
	const char *rest = strstr(reply, "\r\n\r\n"), *data = strstr(reply, "\"data\":\"");
	const char *length = strstr(reply, "Content-Length: ");

	assert_true(rest != NULL && data != NULL && length != NULL);
	assert_int_equal(strtoul(length + 16, NULL, 10), strlen(rest + 4));
	assert_memory_equal(data + 8, body + start, sizeof(body) - (size_t)start - 1);
	free(reply);
}

static void one_connection_one_request(void **state)
{
	static const char *const params[] = { "REQUEST_METHOD=GET", "REQUEST_URI=/healthz", NULL };
	struct buf request, records, text;
	const int fd = peer_open();

	(void)state;
	buf_init(&request, REPLY_BYTES);
	buf_init(&records, REPLY_BYTES);
	buf_init(&text, REPLY_BYTES);
	request_append(&request, params, span_of(""));
	assert_true(peer_send(fd, request.ptr, request.len));
	/* Closed after it, although the request asked to keep the connection. */
	assert_true(peer_drain(fd, &records));
	assert_true(reply_join(buf_view(&records), &text));
	assert_non_null(strstr(text.ptr, "Status: 200"));
	close(fd);
	buf_finish(&request);
	buf_finish(&records);
	buf_finish(&text);
}

/* --- Peers that misbehave -------------------------------------------------------- */

/* Whatever a peer sends before it goes, the next one is answered. */
static void broken_peers(void **state)
{
	static const struct {
		const char *label;
		struct span bytes;
	} cases[] = {
		{ "nothing", { "", 0 } },
		{ "half a header", { "\1\1\0\1", 4 } },
		{ "another version", { "\7\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0", 16 } },
		{ "not FastCGI", { "GET / HTTP/1.1\r\n\r\n", 18 } },
		{ "only a beginning", { "\1\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0", 16 } },
		{ "a pair longer than its record",
		  { "\1\1\0\1\0\10\0\0\0\1\1\0\0\0\0\0\1\4\0\1\0\4\0\0\177\177AB\1\4\0\1\0\0\0\0",
		    36 } },
	};

	(void)state;
	for (size_t round = 0; round < THREADS + 1; round++) {
		for (size_t i = 0; i < COUNT_OF(cases); i++) {
			const int fd = peer_open();

			(void)peer_send(fd, cases[i].bytes.ptr, cases[i].bytes.len);
			close(fd);
			char *reply = fetch("GET", "/healthz", span_of(""));

			if (reply == NULL || strstr(reply, "Status: 200") == NULL)
				fail_msg("after %s: %s", cases[i].label,
					 reply == NULL ? "no reply" : reply);
			free(reply);
		}
	}
}

/* A thread waits for a silent web server; the others answer. */
static void a_silent_peer_holds_one_thread(void **state)
{
	const int silent = peer_open();

	(void)state;
	assert_true(peer_send(silent, "\1\1\0\1", 4));
	for (int i = 0; i < 10; i++) {
		char *reply = fetch("GET", "/healthz", span_of(""));

		assert_non_null(reply);
		free(reply);
	}
	close(silent);
}

/* --- Many at once ---------------------------------------------------------------- */

enum { PEERS = 8, EACH = 20 };

static void *peer_run(void *arg)
{
	size_t *answered = arg;

	for (int i = 0; i < EACH; i++) {
		char *reply = fetch("POST", "/v1/events", span_of("{\"event_type\":\"a.b\"}"));

		*answered += reply != NULL && strstr(reply, "Status: 202") != NULL;
		free(reply);
	}
	return NULL;
}

static void many_at_once(void **state)
{
	pthread_t threads[PEERS];
	size_t answered[PEERS] = { 0 };

	(void)state;
	for (size_t i = 0; i < PEERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, peer_run, &answered[i]), 0);
	for (size_t i = 0; i < PEERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(answered[i], EACH);
	}
	assert_int_equal(world_sql(&w.store, "SELECT count(*) FROM event"), PEERS * EACH);
}

/* --- Start and stop -------------------------------------------------------------- */

static void a_stopped_server_takes_nothing(void **state)
{
	struct pollfd wait = { .events = POLLIN };

	(void)state;
	server_stop(server);
	server = NULL;
	/* The socket is not ours to close: a peer waits in its backlog. */
	wait.fd = peer_open();
	assert_true(peer_send(wait.fd, "\1\1\0\1", 4));
	assert_int_equal(poll(&wait, 1, 50), 0);
	close(wait.fd);
	server_stop(NULL);
}

static void started_again_on_the_same_socket(void **state)
{
	struct why why = { "" };

	(void)state;
	server_stop(server);
	server = NULL;
	assert_int_equal(server_start(&w.api, listen_fd, &server, &why), ERR_OK);
	char *reply = fetch("GET", "/healthz", span_of(""));

	assert_non_null(reply);
	free(reply);
	/* It was made non-blocking: two threads may wake for one connection. */
	assert_true((fcntl(listen_fd, F_GETFL) & O_NONBLOCK) != 0);
}

static void a_bad_socket(void **state)
{
	struct server *other = NULL;
	struct why why = { "" };

	(void)state;
	assert_int_equal(server_start(&w.api, -1, &other, &why), ERR_IO);
	assert_null(other);
	assert_non_null(strstr(why.text, "descriptor -1"));
}

/* libfcgi takes the signals that nobody cares for; they are given back. */
static void handlers_stay(void **state)
{
	static const struct {
		int number;
		void (*before)(int number);
	} cases[] = { { SIGPIPE, SIG_IGN }, { SIGUSR1, SIG_DFL }, { SIGTERM, SIG_DFL } };
	struct sigaction now;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(sigaction(cases[i].number, NULL, &now), 0);
		assert_true(now.sa_handler == cases[i].before);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(replies),
		TEST(large_ones),
		TEST(one_connection_one_request),
		TEST(broken_peers),
		TEST(a_silent_peer_holds_one_thread),
		TEST(many_at_once),
		TEST(a_stopped_server_takes_nothing),
		TEST(started_again_on_the_same_socket),
		TEST(a_bad_socket),
		TEST(handlers_stay),
	};

	signal(SIGPIPE, SIG_IGN); /* a peer may be gone before its reply */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
