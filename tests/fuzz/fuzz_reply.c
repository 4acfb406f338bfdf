/* fuzz_reply.c - a receiver's reply, from the socket to the attempt that is
 * kept: libcurl, the http plugin and the core's transfer as they are.
 * SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "delivery/transfer.h"
#include "http/http.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { REPLY_MAX_BYTES = 64 * 1024, EXCERPT_BYTES = 61, RETRY_AFTER_MAX_MS = 86400000 };

static const char secret_path[] = "k7PzW2vQ9xLm";

static struct conf conf = {
	.delivery = { .timeout_ms = 1000,
		      .connect_timeout_ms = 1000,
		      .reply_max_bytes = 8192,
		      .excerpt_bytes = EXCERPT_BYTES },
};
static char channel_name[] = "webhook";
static struct channel channel = { .name = channel_name };
static struct entry *entry;
static struct event *event;
static struct transfer_rules rules = { .conf = &conf };

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* --- What a transfer needs ----------------------------------------------------- */

static size_t sign(void *core, const struct tocsin_message *msg, struct tocsin_span body,
		   uint32_t kinds, char *out, size_t out_bytes)
{
	(void)core, (void)msg, (void)body, (void)kinds;
	must(out_bytes >= 4);
	memcpy(out, "v1,", 4);
	return 3;
}

static const struct tocsin_host host = {
	.abi = TOCSIN_CHANNEL_ABI, .size = sizeof(host), .user_agent = "Tocsin/9", .sign = sign
};

static void entry_make(void)
{
	struct why why = { "" };

	entry = xcalloc(1, sizeof(*entry));
	entry->refs = 1;
	entry->webhook.id = 1;
	memcpy(entry->webhook.public_id, "wh_0123456789", WEBHOOK_ID_BYTES);
	entry->webhook.name = xstrdup("n");
	entry->webhook.channels = xcalloc(1, sizeof(*entry->webhook.channels));
	entry->webhook.channel_count = 1;
	entry->compiled = xcalloc(1, sizeof(struct compiled_configs *));
	/* With the options by which a receiver can do the most. */
	char *configs = xformat("{\"url\":\"http://r.example:9/%s\",\"timeout\":1.0,"
				"\"control_headers\":true,\"fail_on_4xx\":true}",
				secret_path);

	entry->compiled[0] = configs_compile(&channel, configs, &why);
	must(entry->compiled[0] != NULL);
	free(configs);
}

/* --- The receiver ---------------------------------------------------------------- */

static int listener;                /* in the kernel's own name space of local sockets */
static struct sockaddr listener_at; /* such a name is short */
static socklen_t listener_at_bytes = sizeof(listener_at);

static void listener_open(void)
{
	const struct sockaddr nameless = { .sa_family = AF_UNIX };

	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	must(listener >= 0);
	must(bind(listener, &nameless, sizeof(nameless.sa_family)) == 0);
	must(listen(listener, 8) == 0);
	must(getsockname(listener, &listener_at, &listener_at_bytes) == 0);
	must(listener_at_bytes <= sizeof(listener_at));
}

/* Lead libcurl to the listener instead. */
static curl_socket_t socket_divert(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	(void)ctx, (void)purpose;
	a->family = AF_UNIX;
	a->protocol = 0;
	a->addrlen = listener_at_bytes;
	a->addr = listener_at;
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static int socket_done(void *ctx, curl_socket_t fd)
{
	(void)ctx;
	return close(fd);
}

struct receiver {
	struct span reply;
	int fd;
};

/* The reply is there, and its end, before the request goes: nothing waits. */
static int reply_send(void *ctx, char *remote, char *local, int remote_port, int local_port)
{
	struct receiver *r = ctx;

	(void)remote, (void)local, (void)remote_port, (void)local_port;
	r->fd = accept(listener, NULL, NULL);
	must(r->fd >= 0);
	must(send(r->fd, r->reply.ptr, r->reply.len, MSG_NOSIGNAL) == (ssize_t)r->reply.len);
	must(shutdown(r->fd, SHUT_WR) == 0);
	return CURL_PREREQFUNC_OK;
}

static CURLcode reply_read(CURL *easy, struct span reply)
{
	struct receiver r = { reply, -1 };

	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, socket_divert);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, socket_done);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, reply_send);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, &r);
	curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	const CURLcode code = curl_easy_perform(easy);

	must(r.fd >= 0);
	close(r.fd);
	return code;
}

/* --- What must hold ---------------------------------------------------------------- */

static bool text_holds(struct span text, struct span part)
{
	for (size_t at = 0; at + part.len <= text.len; at++) {
		if (span_equal((struct span){ text.ptr + at, part.len }, part))
			return true;
	}
	return false;
}

static void verdict_check(const struct tocsin_verdict *v, const struct attempt *a,
			  struct span reply)
{
	const struct span path = span_of(secret_path);
	const char *end = memchr(v->reason, '\0', sizeof(v->reason));

	must(v->kind >= TOCSIN_DELIVERED && v->kind <= TOCSIN_GONE && v->throttled <= 1);
	must(v->retry_after_ms >= 0 && v->retry_after_ms <= RETRY_AFTER_MAX_MS);
	must(end != NULL && utf8_check(span_of(v->reason)));
	must((v->kind == TOCSIN_DELIVERED) == (v->reason[0] == '\0'));
	must((v->kind == TOCSIN_DELIVERED) == (a->status >= 200 && a->status <= 299) ||
	     v->kind == TOCSIN_RETRY || v->kind == TOCSIN_GONE);
	for (const char *c = v->reason; c < end; c++)
		must(*c >= 0x20 && *c < 0x7F);
	/* A receiver may tell the path itself. */
	must(text_holds(reply, path) || !text_holds(span_of(v->reason), path));
	must(strcmp(a->reason, v->reason) == 0);
	must(a->outcome >= ATTEMPT_DELIVERED && a->outcome <= ATTEMPT_GONE && a->number == 1);
}

static void excerpt_check(const struct transfer *t)
{
	static const size_t caps[] = { 1, 2, 3, EXCERPT_BYTES, REPLY_MAX_BYTES };

	for (size_t i = 0; i < COUNT_OF(caps); i++) {
		char *excerpt = transfer_excerpt(t, caps[i]);

		must((excerpt != NULL) == (t->reply.len > 0));
		must(excerpt == NULL ||
		     (strlen(excerpt) <= caps[i] && utf8_check(span_of(excerpt))));
		free(excerpt);
	}
	must(transfer_excerpt(t, 0) == NULL);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const unsigned char key[PUBID_KEY_BYTES] = { 1 };
	static const struct http_settings settings = { .cloudevents_source = "tocsin" };
	char err[100];

	(void)argc, (void)argv;
	must(curl_global_init(CURL_GLOBAL_ALL) == CURLE_OK);
	channel.plugin.vtable = tocsin_channel_v1;
	must(tocsin_channel_v1.open(&host, &settings, &channel.state, err, sizeof(err)) ==
	     TOCSIN_OK);
	entry_make();
	listener_open();
	event = event_create(&(struct event){
		.id = 1, .organization = 1, .type = span_of("a.b"), .data = span_of("{}") });
	rules.ids = pubid_create(key);
	must(event != NULL && rules.ids != NULL);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct item item = { .work = { .delivery_id = 1, .destination = 1, .event = event } };
	const struct span reply = { (const char *)data, size };
	struct why why = { "" };
	struct tocsin_verdict verdict;
	struct attempt attempt;

	if (size > REPLY_MAX_BYTES)
		return 0;
	entry->refs++;
	struct transfer *t = transfer_create(&rules, &item, entry, 0);
	CURL *easy = curl_easy_init(); /* as the engine does: never used before */

	must(transfer_prepare(t, &rules, easy, &why) == ERR_OK);
	transfer_arm(t, &rules, "127.0.0.1");
	const CURLcode code = reply_read(easy, reply);

	must(code != CURLE_OPERATION_TIMEDOUT && code != CURLE_COULDNT_CONNECT);
	transfer_judge(t, code, &attempt, &verdict);
	verdict_check(&verdict, &attempt, reply);
	excerpt_check(t);
	must(t->reply.failed == ERR_OK && t->reply.len <= t->reply_bytes);
	transfer_destroy(t); /* and easy with it */
	must(entry->refs == 1);
	return 0;
}
