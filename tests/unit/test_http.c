/* test_http.c - http.so as the core uses it: what it sends to a receiver of our
 * own on loopback, and what it makes of every outcome.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "channel/configs.h"
#include "http/http.h"
#include "template/template.h"

#include "files.h"

enum { REQUEST_BYTES = 16384, STEPS_MAX = 3000, STEP_MS = 10 };

static char folder[FILE_PATH_BYTES], path[FILE_PATH_BYTES];
static struct channel http; /* http.so under a name, opened */
static int listener;
static unsigned port;

/* --- a host and a receiver of our own ---------------------------------------- */

static size_t sign(void *core, const struct tocsin_message *msg, struct tocsin_span body,
		   uint32_t kinds, char *out, size_t out_bytes)
{
	assert_int_equal(kinds, TOCSIN_SIGN_V1);
	assert_string_equal(core, "core");
	return (size_t)snprintf(out, out_bytes, "v1,%s.%lld.%.*s", msg->message_id,
				(long long)msg->timestamp_s, (int)body.len, body.ptr);
}

static size_t sign_nothing(void *core, const struct tocsin_message *msg, struct tocsin_span body,
			   uint32_t kinds, char *out, size_t out_bytes)
{
	(void)core, (void)msg, (void)body, (void)kinds, (void)out, (void)out_bytes;
	return 0;
}

static struct buf rendered; /* of the last render() */

static int render(void *core, const struct tocsin_message *msg, const struct tocsin_render *what,
		  struct tocsin_span *out)
{
	const struct template_input in = { .event = { msg->envelope.ptr, msg->envelope.len },
					   .escape = (enum tocsin_escape)what->escape };

	(void)core;
	buf_finish(&rendered);
	buf_init(&rendered, TEMPLATE_OUTPUT_MAX_BYTES);
	assert_int_equal(template_render((const struct template *)what->text, &in, &rendered),
			 ERR_OK);
	*out = (struct tocsin_span){ rendered.ptr, rendered.len };
	return TOCSIN_OK;
}

static struct tocsin_host host = { .abi = TOCSIN_CHANNEL_ABI,
				   .size = sizeof(host),
				   .core = "core",
				   .user_agent = "Tocsin/9",
				   .sign = sign,
				   .render = render };

static void listener_open(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&a, &len), 0);
	port = ntohs(a.sin_port);
}

static int setup(void **state)
{
	const struct http_settings settings = { .cloudevents_source = "tocsin" };
	char built[FILE_PATH_BYTES], err[100] = "";
	struct why why = { "" };

	(void)state;
	curl_global_init(CURL_GLOBAL_ALL);
	folder_create(folder);
	assert_true(snprintf(path, sizeof(path), "%s/http.so", folder) < (int)sizeof(path));
	file_built(".libs/http.so", built);
	file_copy(built, path);
	if (plugin_open(folder, "http.so", &http.plugin, &why) != ERR_OK)
		fail_msg("%s", why.text);
	http.name = "webhook";
	assert_int_equal(http.plugin.vtable.open(&host, &settings, &http.state, err, sizeof(err)),
			 TOCSIN_OK);
	listener_open();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	http.plugin.vtable.close(http.state);
	buf_finish(&rendered);
	plugin_finish(&http.plugin);
	close(listener);
	unlink(path);
	rmdir(folder);
	curl_global_cleanup();
	return 0;
}

/* --- one transfer -------------------------------------------------------------- */

struct exchange {
	const char *reply; /* sent when the request has come; then the connection is closed */
	size_t reply_len;
	int is_silent; /* 1: neither answer nor close */
	char request[REQUEST_BYTES];
	size_t request_len;
	int fd;
};

static int request_is_whole(const struct exchange *x)
{
	const char *end = strstr(x->request, "\r\n\r\n");
	const char *length = strstr(x->request, "Content-Length: ");

	return end != NULL && length != NULL && strlen(end + 4) >= strtoul(length + 16, NULL, 10);
}

static void reply_send(struct exchange *x)
{
	/* libcurl may hang up on us; that is what some tests are about. */
	for (size_t sent = 0; sent < x->reply_len;) {
		const ssize_t n = send(x->fd, x->reply + sent, x->reply_len - sent,
				       MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n <= 0) {
			x->reply += sent;
			x->reply_len -= sent;
			return;
		}
		sent += (size_t)n;
	}
	close(x->fd);
	x->fd = -2;
}

static void receiver_step(struct exchange *x)
{
	struct pollfd p = { x->fd == -1 ? listener : x->fd, POLLIN, 0 };

	if (x->fd == -2 || (x->request_len > 0 && request_is_whole(x))) {
		if (x->fd >= 0 && !x->is_silent)
			reply_send(x);
		return;
	}
	if (poll(&p, 1, 0) != 1)
		return;
	if (x->fd == -1) {
		x->fd = accept(listener, NULL, NULL);
		return;
	}
	const ssize_t n = recv(x->fd, x->request + x->request_len,
			       sizeof(x->request) - 1 - x->request_len, MSG_DONTWAIT);

	if (n > 0)
		x->request_len += (size_t)n;
	x->request[x->request_len] = '\0';
}

static size_t body_drop(char *ptr, size_t size, size_t count, void *data)
{
	(void)ptr;
	/* data: the cap after which the core stops reading. */
	size_t *room = data;

	if (size * count > *room)
		return 0;
	*room -= size * count;
	return size * count;
}

static CURLcode transfer_run(CURL *easy, const struct tocsin_request *request, struct exchange *x)
{
	CURLM *multi = curl_multi_init();
	int running = 1, left = 0;
	CURLcode code = CURLE_FAILED_INIT;
	size_t room = 1000;

	x->fd = -1;
	curl_easy_setopt(easy, CURLOPT_URL, request->url);
	curl_easy_setopt(easy, CURLOPT_POST, 1L);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.ptr);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_drop);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, &room);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	assert_int_equal(curl_multi_add_handle(multi, easy), CURLM_OK);
	for (int i = 0; i < STEPS_MAX && running > 0; i++) {
		curl_multi_perform(multi, &running);
		receiver_step(x);
		if (running > 0)
			curl_multi_poll(multi, NULL, 0, STEP_MS, NULL);
	}
	const CURLMsg *done = curl_multi_info_read(multi, &left);

	if (done != NULL)
		code = done->data.result;
	curl_multi_remove_handle(multi, easy);
	curl_multi_cleanup(multi);
	if (x->fd >= 0)
		close(x->fd);
	return code;
}

static struct compiled_configs *configs_of(const char *more)
{
	char stored[1024];
	struct why why = { "" };

	snprintf(stored, sizeof(stored), "{\"url\":\"http://127.0.0.1:%u/hook?key=s3cret\"%s}",
		 port, more);
	struct compiled_configs *c = configs_compile(&http, stored, &why);

	if (c == NULL)
		fail_msg("%s", why.text);
	return c;
}

static struct tocsin_message message_of(const struct compiled_configs *c)
{
	static const char envelope[] = "{\"event_type\":\"a.b\",\"data\":{\"n\":1.50}}";

	return (struct tocsin_message){
		.size = sizeof(struct tocsin_message),
		.attempt = 1,
		.message_id = "evt_1",
		.event_id = "evt_1",
		.event_type = "a.b",
		.delivery_id = "dlv_1",
		.webhook_id = "wh_1",
		.webhook_name = "W",
		.target = c->target,
		.configs = c->values,
		.envelope = { envelope, sizeof(envelope) - 1 },
		.timestamp_s = 1700000000,
	};
}

/* Send one message and let the plugin judge. */
static void attempt_run(const char *more, struct exchange *x, struct tocsin_verdict *v,
			long timeout_ms)
{
	struct compiled_configs *c = configs_of(more);
	const struct tocsin_message msg = message_of(c);
	CURL *easy = curl_easy_init();
	struct tocsin_request request = { .size = sizeof(request) };
	char error[CURL_ERROR_SIZE] = "";
	struct tocsin_outcome out = { .size = sizeof(out), .curl_error = error };

	assert_int_equal(http.plugin.vtable.prepare(http.state, &msg, easy, &request), TOCSIN_OK);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms);
	out.curl = transfer_run(easy, &request, x);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &out.status);
	*v = (struct tocsin_verdict){ .size = sizeof(*v) };
	http.plugin.vtable.classify(http.state, request.attempt, easy, &out, v);
	curl_easy_cleanup(easy);
	http.plugin.vtable.release(http.state, request.attempt);
	compiled_configs_destroy(c);
	if (strstr(v->reason, "s3cret") != NULL || strstr(v->reason, "hook") != NULL)
		fail_msg("the reason tells the URL: %s", v->reason);
}

static const char ok_reply[] = "HTTP/1.1 204 No Content\r\n\r\n";

static void expect_line(const struct exchange *x, const char *line)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "\r\n%s\r\n", line);
	const char *found = strstr(x->request, whole);

	if (found == NULL || strstr(found + 1, whole) != NULL)
		fail_msg("'%s' is not there once:\n%s", line, x->request);
}

static void expect_no_header(const struct exchange *x, const char *name)
{
	if (strstr(x->request, name) != NULL)
		fail_msg("'%s' is there:\n%s", name, x->request);
}

/* --- what is sent ---------------------------------------------------------------- */

static void test_request(void **state)
{
	struct exchange x = { .reply = ok_reply, .reply_len = sizeof(ok_reply) - 1 };
	struct tocsin_verdict v;

	(void)state;
	attempt_run("", &x, &v, 5000);
	assert_int_equal(v.kind, TOCSIN_DELIVERED);
	assert_string_equal(v.reason, "");
	assert_int_equal(memcmp(x.request, "POST /hook?key=s3cret HTTP/1.1\r\n", 32), 0);
	expect_line(&x, "Content-Type: application/json");
	expect_line(&x, "User-Agent: Tocsin/9");
	expect_line(&x, "webhook-id: evt_1");
	expect_line(&x, "webhook-timestamp: 1700000000");
	expect_line(&x, "webhook-signature: v1,evt_1.1700000000."
			"{\"event_type\":\"a.b\",\"data\":{\"n\":1.50}}");
	expect_line(&x, "Content-Length: 38");
	expect_no_header(&x, "Expect");
	expect_no_header(&x, "Accept-Encoding");
	assert_string_equal(strstr(x.request, "\r\n\r\n") + 4,
			    "{\"event_type\":\"a.b\",\"data\":{\"n\":1.50}}");
}

static void test_custom(void **state)
{
	struct exchange x = { .reply = ok_reply, .reply_len = sizeof(ok_reply) - 1 };
	struct tocsin_verdict v;

	(void)state;
	attempt_run(",\"method\":\"PUT\",\"payload_template\":{\"text\":\"hi\"},"
		    "\"headers\":{\"content-type\":\"application/x\",\"USER-AGENT\":\"me\","
		    "\"X-Empty\":\"\",\"Authorization\":\"Bearer t\"}",
		    &x, &v, 5000);
	assert_int_equal(v.kind, TOCSIN_DELIVERED);
	assert_int_equal(memcmp(x.request, "PUT /hook?key=s3cret HTTP/1.1\r\n", 31), 0);
	expect_line(&x, "content-type: application/x");
	expect_line(&x, "USER-AGENT: me");
	expect_line(&x, "X-Empty:");
	expect_line(&x, "Authorization: Bearer t");
	expect_line(&x, "webhook-signature: v1,evt_1.1700000000.{\"text\":\"hi\"}");
	expect_no_header(&x, "Content-Type");
	expect_no_header(&x, "Tocsin/9");
	assert_string_equal(strstr(x.request, "\r\n\r\n") + 4, "{\"text\":\"hi\"}");
}

static void test_patch(void **state)
{
	struct exchange x = { .reply = ok_reply, .reply_len = sizeof(ok_reply) - 1 };
	struct tocsin_verdict v;

	(void)state;
	attempt_run(",\"method\":\"PATCH\"", &x, &v, 5000);
	assert_int_equal(memcmp(x.request, "PATCH /hook", 11), 0);
}

/* Nothing leaves unsigned. */
static void test_no_signature(void **state)
{
	struct compiled_configs *c = configs_of("");
	const struct tocsin_message msg = message_of(c);
	CURL *easy = curl_easy_init();
	struct tocsin_request request = { .size = sizeof(request) };

	(void)state;
	host.sign = sign_nothing;
	assert_int_equal(http.plugin.vtable.prepare(http.state, &msg, easy, &request),
			 TOCSIN_TRY_LATER);
	assert_null(request.attempt);
	host.sign = sign;
	curl_easy_cleanup(easy);
	compiled_configs_destroy(c);
}

/* --- what is made of the answer -------------------------------------------------- */

static void test_replies(void **state)
{
	static const struct {
		const char *reply;
		uint32_t kind, throttled;
		const char *reason;
	} cases[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", TOCSIN_DELIVERED, 0, "" },
		{ "HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n"
		  "Location: https://new.example/x?t=s3cret"
		  "\r\n\r\n",
		  TOCSIN_RETRY, 0, "redirect to new.example refused: redirects are not followed" },
		{ "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /hook2\r\n\r\n",
		  TOCSIN_RETRY, 0, "redirect to 127.0.0.1 refused: redirects are not followed" },
		{ "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", TOCSIN_GONE, 0,
		  "receiver answered 410 Gone" },
		{ "", TOCSIN_RETRY, 1, "the connection was closed without a reply" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", TOCSIN_RETRY, 0,
		  "the reply ended before its announced length" },
		{ "220 mail.example ESMTP\r\n", TOCSIN_RETRY, 0,
		  "the reply is not HTTP (or is HTTP/0.9)" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct exchange x = { .reply = cases[i].reply,
				      .reply_len = strlen(cases[i].reply) };
		struct tocsin_verdict v;

		attempt_run("", &x, &v, 5000);
		if (v.kind != cases[i].kind || v.throttled != cases[i].throttled ||
		    strcmp(v.reason, cases[i].reason) != 0)
			fail_msg("row %zu: %u %u '%s'", i, v.kind, v.throttled, v.reason);
	}
}

/* Only the webhook that chose so lets its receiver steer. */
static void test_control(void **state)
{
	static const char reply[] = "HTTP/1.1 503 Busy\r\nWebhook-Delivery:  Abort-Message \r\n"
				    "Content-Length: 0\r\n\r\n";
	struct exchange x = { .reply = reply, .reply_len = sizeof(reply) - 1 };
	struct tocsin_verdict v;

	(void)state;
	attempt_run(",\"control_headers\":true", &x, &v, 5000);
	assert_int_equal(v.kind, TOCSIN_FAILED);
	assert_string_equal(v.reason,
			    "receiver answered 503 and asked not to send this event again");
	x = (struct exchange){ .reply = reply, .reply_len = sizeof(reply) - 1 };
	attempt_run("", &x, &v, 5000);
	assert_int_equal(v.kind, TOCSIN_RETRY);
}

/* A reply of head and then count times filler. */
static void expect_long_reply(const char *head, const char *filler, size_t count, uint32_t kind,
			      const char *reason)
{
	const size_t head_len = strlen(head), filler_len = strlen(filler);
	char *reply = malloc(head_len + filler_len * count);
	struct exchange x = { .reply = reply, .reply_len = head_len + filler_len * count };
	struct tocsin_verdict v;

	assert_non_null(reply);
	memcpy(reply, head, head_len);
	for (size_t i = 0; i < count; i++)
		memcpy(reply + head_len + i * filler_len, filler, filler_len);
	attempt_run("", &x, &v, 5000);
	if (v.kind != kind || strcmp(v.reason, reason) != 0)
		fail_msg("%u '%s'", v.kind, v.reason);
	free(reply);
}

static void test_long_replies(void **state)
{
	(void)state;
	/* The core stops reading the body at its cap. */
	expect_long_reply("HTTP/1.1 200 OK\r\n\r\n", "0123456789", 500, TOCSIN_DELIVERED, "");
	expect_long_reply("HTTP/1.1 500 Oh\r\n\r\n", "0123456789", 500, TOCSIN_RETRY,
			  "receiver answered 500 Internal Server Error");
	expect_long_reply("HTTP/1.1 200 OK\r\nX: ", "0123456789", 12000, TOCSIN_RETRY,
			  "the reply's header is too large");
	expect_long_reply("HTTP/1.1 200 OK\r\n", "X: 0123456789\r\n", 40000, TOCSIN_RETRY,
			  "the reply's header is too large");
}

static void test_silence(void **state)
{
	struct exchange x = { .is_silent = 1 };
	struct tocsin_verdict v;
	unsigned long ms = 0;
	char unit[8] = "", *end = NULL;

	(void)state;
	attempt_run("", &x, &v, 200);
	assert_int_equal(v.kind, TOCSIN_RETRY);
	assert_int_equal(v.throttled, 1);
	assert_int_equal(memcmp(v.reason, "timed out after ", 16), 0);
	ms = strtoul(v.reason + 16, &end, 10);
	assert_true(ms > 0);
	snprintf(unit, sizeof(unit), "%s", end);
	assert_string_equal(unit, " ms");
}

static void test_refused_connection(void **state)
{
	struct exchange x = { 0 };
	struct tocsin_verdict v;

	(void)state;
	close(listener);
	attempt_run("", &x, &v, 2000);
	assert_int_equal(v.kind, TOCSIN_RETRY);
	assert_int_equal(v.throttled, 1);
	assert_string_equal(v.reason, "connection refused");
	listener_open();
}

/* One row for each row of the plugin's two tables. */
static void test_outcomes(void **state)
{
	static const struct {
		CURLcode curl;
		long status;
		uint32_t kind, throttled;
		const char *reason;
	} cases[] = {
		{ CURLE_OK, 200, TOCSIN_DELIVERED, 0, "" },
		{ CURLE_OK, 299, TOCSIN_DELIVERED, 0, "" },
		{ CURLE_WRITE_ERROR, 202, TOCSIN_DELIVERED, 0, "" },
		{ CURLE_FILESIZE_EXCEEDED, 200, TOCSIN_DELIVERED, 0, "" },
		{ CURLE_PARTIAL_FILE, 200, TOCSIN_RETRY, 0, "before its announced length" },
		{ CURLE_OPERATION_TIMEDOUT, 200, TOCSIN_RETRY, 1, "in the middle of the reply" },
		{ CURLE_RECV_ERROR, 200, TOCSIN_RETRY, 1, "broke while receiving" },
		{ CURLE_OK, 101, TOCSIN_RETRY, 0, "receiver answered 101" },
		{ CURLE_OK, 304, TOCSIN_RETRY, 0, "receiver answered 304: redirects are not" },
		{ CURLE_OK, 400, TOCSIN_RETRY, 0, "receiver answered 400 Bad Request" },
		{ CURLE_OK, 401, TOCSIN_RETRY, 0, "receiver answered 401 Unauthorized" },
		{ CURLE_OK, 403, TOCSIN_RETRY, 0, "receiver answered 403 Forbidden" },
		{ CURLE_OK, 404, TOCSIN_RETRY, 0, "receiver answered 404 Not Found" },
		{ CURLE_OK, 405, TOCSIN_RETRY, 0, "receiver answered 405 Method Not Allowed" },
		{ CURLE_OK, 408, TOCSIN_RETRY, 1, "receiver answered 408 Request Timeout" },
		{ CURLE_OK, 410, TOCSIN_GONE, 0, "receiver answered 410 Gone" },
		{ CURLE_WRITE_ERROR, 410, TOCSIN_GONE, 0, "receiver answered 410 Gone" },
		{ CURLE_OK, 413, TOCSIN_RETRY, 0, "receiver answered 413 Content Too Large" },
		{ CURLE_OK, 418, TOCSIN_RETRY, 0, "receiver answered 418" },
		{ CURLE_OK, 425, TOCSIN_RETRY, 1, "receiver answered 425 Too Early" },
		{ CURLE_OK, 429, TOCSIN_RETRY, 1, "receiver answered 429 Too Many Requests" },
		{ CURLE_OK, 500, TOCSIN_RETRY, 1, "receiver answered 500 Internal" },
		{ CURLE_OK, 502, TOCSIN_RETRY, 1, "receiver answered 502 Bad Gateway" },
		{ CURLE_OK, 503, TOCSIN_RETRY, 1, "receiver answered 503 Service" },
		{ CURLE_OK, 504, TOCSIN_RETRY, 1, "receiver answered 504 Gateway" },
		{ CURLE_OK, 599, TOCSIN_RETRY, 1, "receiver answered 599" },
		{ CURLE_OK, 999, TOCSIN_RETRY, 0, "receiver answered 999" },
		{ CURLE_OK, 0, TOCSIN_RETRY, 0, "libcurl code 0" },
		{ CURLE_UNSUPPORTED_PROTOCOL, 0, TOCSIN_FAILED, 0, "neither http nor https" },
		{ CURLE_URL_MALFORMAT, 0, TOCSIN_FAILED, 0, "URL is not valid" },
		{ CURLE_COULDNT_RESOLVE_PROXY, 0, TOCSIN_RETRY, 1, "proxy's name" },
		{ CURLE_COULDNT_RESOLVE_HOST, 0, TOCSIN_RETRY, 1, "host name could not" },
		{ CURLE_COULDNT_CONNECT, 0, TOCSIN_RETRY, 1, "connection failed" },
		{ CURLE_WEIRD_SERVER_REPLY, 0, TOCSIN_RETRY, 0, "not valid HTTP" },
		{ CURLE_HTTP2, 0, TOCSIN_RETRY, 1, "HTTP/2 connection" },
		{ CURLE_HTTP2_STREAM, 0, TOCSIN_RETRY, 1, "HTTP/2 stream" },
		{ CURLE_WRITE_ERROR, 0, TOCSIN_RETRY, 0, "too large" },
		{ CURLE_FILESIZE_EXCEEDED, 0, TOCSIN_RETRY, 0, "too large" },
		{ CURLE_OUT_OF_MEMORY, 0, TOCSIN_RETRY, 0, "out of memory" },
		{ CURLE_OUT_OF_MEMORY, 200, TOCSIN_RETRY, 0, "header is too large" },
		{ CURLE_OPERATION_TIMEDOUT, 0, TOCSIN_RETRY, 1, "ms without a connection" },
		{ CURLE_SSL_CONNECT_ERROR, 0, TOCSIN_RETRY, 1, "TLS handshake" },
		{ CURLE_PEER_FAILED_VERIFICATION, 0, TOCSIN_RETRY, 0, "is not trusted" },
		{ CURLE_SSL_ISSUER_ERROR, 0, TOCSIN_RETRY, 0, "issuer" },
		{ CURLE_SSL_INVALIDCERTSTATUS, 0, TOCSIN_RETRY, 0, "status" },
		{ CURLE_SSL_PINNEDPUBKEYNOTMATCH, 0, TOCSIN_RETRY, 0, "TLS key" },
		{ CURLE_SSL_CIPHER, 0, TOCSIN_RETRY, 0, "cipher" },
		{ CURLE_SSL_CERTPROBLEM, 0, TOCSIN_RETRY, 0, "sender's own" },
		{ CURLE_SSL_CACERT_BADFILE, 0, TOCSIN_RETRY, 0, "CA certificates" },
		{ CURLE_SSL_CLIENTCERT, 0, TOCSIN_RETRY, 0, "client certificate" },
		{ CURLE_GOT_NOTHING, 0, TOCSIN_RETRY, 1, "without a reply" },
		{ CURLE_SEND_ERROR, 0, TOCSIN_RETRY, 1, "while sending" },
		{ CURLE_RECV_ERROR, 0, TOCSIN_RETRY, 1, "while receiving" },
		{ CURLE_ABORTED_BY_CALLBACK, 0, TOCSIN_RETRY, 0, "broken off by the sender" },
		{ CURLE_INTERFACE_FAILED, 0, TOCSIN_RETRY, 0, "failed (libcurl code 45)" },
	};
	CURL *easy = curl_easy_init();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct tocsin_outcome out = { .size = sizeof(out),
						    .curl = cases[i].curl,
						    .status = cases[i].status,
						    .retry_after_ms = 7000,
						    .curl_error = "" };
		struct tocsin_verdict v = { .size = sizeof(v) };
		const int64_t wait_ms = cases[i].kind == TOCSIN_RETRY ? 7000 : 0;

		http.plugin.vtable.classify(http.state, NULL, easy, &out, &v);
		if (v.kind != cases[i].kind || v.throttled != cases[i].throttled ||
		    strstr(v.reason, cases[i].reason) == NULL || v.retry_after_ms != wait_ms)
			fail_msg("row %zu: %u %u '%s'", i, v.kind, v.throttled, v.reason);
	}
	curl_easy_cleanup(easy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),  cmocka_unit_test(test_custom),
		cmocka_unit_test(test_patch),    cmocka_unit_test(test_no_signature),
		cmocka_unit_test(test_replies),  cmocka_unit_test(test_long_replies),
		cmocka_unit_test(test_silence),  cmocka_unit_test(test_refused_connection),
		cmocka_unit_test(test_outcomes), cmocka_unit_test(test_control),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
