/* trial_cases.c - the events that a plugin on trial is given, and the answers.
 * Not here: what is expected of it (trial_requests.c, trial_judging.c).
 * Main thread.
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "delivery/trial_state.h"

enum { LARGE_BYTES = 200 * 1024, EVENT_BYTES = 16 * 1024, FIRST_ID = 4096 };

/* --- Events -------------------------------------------------------------------- */

static const char unicode[] =
	"Gr\xC3\xBC\xC3\x9F"
	"e \xE2\x9C\x93 \xF0\x9F\x94\x94 \xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E "
	"\xD9\x85\xD8\xB1\xD8\xAD\xD8\xA8\xD8\xA7 e\xCC\x81";
static const char hostile[] = "a\r\nX-Injected: 1\r\n\r\nRCPT TO:<b@c.example>\r\n.\r\n\"quoted\" "
			      "'single' \\ </script> <!channel> & {{event_type}} {{{data}}} %s %n "
			      "\x01\x1B[31m\x7F `*_~ ${x} \xE2\x80\xA8\xE2\x80\xAE";

static void member_put(struct buf *out, const char *name, const char *text)
{
	buf_format(out, "\"%s\":", name);
	json_put_string(out, span_of(text));
}

/* "subject" and "metadata" with the text in both. */
static void extra_put(struct buf *out, const char *text)
{
	member_put(out, "subject", text);
	buf_text(out, ",\"metadata\":{");
	member_put(out, "text", text);
	buf_text(out, ",");
	member_put(out, "collection_id", text);
	buf_text(out, ",\"count\":3,\"ratio\":0.25,\"open\":true,\"none\":null,"
		      "\"labels\":[\"a\",\"b\"],\"owner\":{\"name\":\"Ada\"}}");
}

static void data_put(struct buf *out, const char *text, size_t bytes)
{
	buf_text(out, "{\"list\":[1,2,{\"deep\":[[[]]]}],");
	member_put(out, "text", text);
	buf_text(out, ",\"filler\":\"");
	while (out->failed == ERR_OK && out->len < bytes)
		buf_text(out, "0123456789 abcdefghijklmnopqrstuvwxyz ");
	buf_text(out, "\"}");
}

struct event_plan {
	const char *label, *type, *text; /* text NULL: neither metadata nor data */
	size_t bytes;
};

static const struct event_plan plans[TRIAL_EVENTS] = {
	{ "small", "collection.created", "hello", 0 },
	{ "unicode", "com.example.order.shipped", unicode, 0 },
	{ "large", "collection.documents.written", "much of it", LARGE_BYTES },
	{ "bare", "alert.triggered", NULL, 0 },
	{ "hostile", "trigger.execution.failed", hostile, 0 },
};

/* Nothing written is nothing there. */
static struct span part_of(const struct buf *part)
{
	return part->len == 0 ? (struct span){ NULL, 0 } : buf_view(part);
}

void trial_events_make(struct trial *t)
{
	for (size_t i = 0; i < TRIAL_EVENTS; i++) {
		const struct event_plan *plan = &plans[i];
		struct buf extra, data;

		buf_init(&extra, EVENT_BYTES);
		buf_init(&data, LARGE_BYTES + EVENT_BYTES);
		if (plan->text != NULL) {
			extra_put(&extra, plan->text);
			data_put(&data, plan->text, plan->bytes);
		}
		t->events[i] = (struct trial_event){
			.label = plan->label,
			.is_large = plan->bytes > 0,
			.event = event_create(&(struct event){ .id = FIRST_ID * (int64_t)(i + 1),
							       .organization = 1,
							       .occurred_at_us = clock_wall_us(),
							       .type = span_of(plan->type),
							       .extra = part_of(&extra),
							       .data = part_of(&data) }),
		};
		buf_finish(&extra);
		buf_finish(&data);
	}
}

void trial_events_finish(struct trial *t)
{
	for (size_t i = 0; i < TRIAL_EVENTS; i++)
		event_drop(t->events[i].event);
}

/* --- Answers --------------------------------------------------------------------- */

static const long statuses[] = { 200, 201, 202, 204, 206, 299, 301, 302, 303, 307, 308, 400,
				 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412,
				 413, 414, 415, 417, 418, 421, 422, 423, 424, 425, 426, 428,
				 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 507, 508,
				 511, 520, 521, 522, 523, 524, 525, 526, 530, 599 };

static const char binary[] = "\x00\x01\xFF\xFE\x80\xC3\x28\xED\xA0\x80\x89PNG\r\n\x1A\n\x00\x00{";
static char long_text[4096], long_json[4096];

static const struct {
	const char *label, *text;
	size_t bytes; /* 0: up to the NUL */
} bodies[] = {
	{ "no body", NULL, 0 },
	{ "body \"ok\"", "ok", 0 },
	{ "a JSON body", "{\"ok\":true,\"id\":\"m1\",\"status\":\"queued\"}", 0 },
	{ "a JSON error",
	  "{\"ok\":false,\"error\":\"not_allowed\",\"code\":21211,\"message\":"
	  "\"said \\u0000 \\ud83d\\ude00\\r\\nX: y\",\"errors\":[{\"message\":null}]}",
	  0 },
	{ "JSON of other types", "[[[1e999,-0,\"\"]],{\"ok\":7,\"error\":{},\"sid\":[]}]", 0 },
	{ "cut-off JSON", "{\"ok\":false,\"error\":\"unfin", 0 },
	{ "an HTML page", "<html><body>\r\n<h1>503</h1>\r\nsorry</body></html>", 0 },
	{ "a binary body", binary, sizeof(binary) - 1 },
	{ "a 4 KB body", long_text, sizeof(long_text) },
	{ "4 KB of JSON that ends in a character", long_json, sizeof(long_json) },
};

/* What CHANNELS and libcurl know: how a transfer can end without an answer. */
static const CURLcode failures[] = {
	CURLE_UNSUPPORTED_PROTOCOL,
	CURLE_URL_MALFORMAT,
	CURLE_NOT_BUILT_IN,
	CURLE_COULDNT_RESOLVE_PROXY,
	CURLE_COULDNT_RESOLVE_HOST,
	CURLE_COULDNT_CONNECT,
	CURLE_WEIRD_SERVER_REPLY,
	CURLE_REMOTE_ACCESS_DENIED,
	CURLE_HTTP2,
	CURLE_PARTIAL_FILE,
	CURLE_HTTP_RETURNED_ERROR,
	CURLE_WRITE_ERROR,
	CURLE_UPLOAD_FAILED,
	CURLE_READ_ERROR,
	CURLE_OUT_OF_MEMORY,
	CURLE_OPERATION_TIMEDOUT,
	CURLE_SSL_CONNECT_ERROR,
	CURLE_ABORTED_BY_CALLBACK,
	CURLE_BAD_FUNCTION_ARGUMENT,
	CURLE_TOO_MANY_REDIRECTS,
	CURLE_UNKNOWN_OPTION,
	CURLE_GOT_NOTHING,
	CURLE_SSL_ENGINE_NOTFOUND,
	CURLE_SSL_ENGINE_SETFAILED,
	CURLE_SEND_ERROR,
	CURLE_RECV_ERROR,
	CURLE_SSL_CERTPROBLEM,
	CURLE_SSL_CIPHER,
	CURLE_PEER_FAILED_VERIFICATION,
	CURLE_BAD_CONTENT_ENCODING,
	CURLE_FILESIZE_EXCEEDED,
	CURLE_USE_SSL_FAILED,
	CURLE_SSL_ENGINE_INITFAILED,
	CURLE_LOGIN_DENIED,
	CURLE_SSL_CACERT_BADFILE,
	CURLE_SSL_SHUTDOWN_FAILED,
	CURLE_AGAIN,
	CURLE_SSL_CRL_BADFILE,
	CURLE_SSL_ISSUER_ERROR,
	CURLE_NO_CONNECTION_AVAILABLE,
	CURLE_SSL_PINNEDPUBKEYNOTMATCH,
	CURLE_SSL_INVALIDCERTSTATUS,
	CURLE_HTTP2_STREAM,
	CURLE_HTTP3,
	CURLE_QUIC_CONNECT_ERROR,
	CURLE_SSL_CLIENTCERT,
	(CURLcode)250,
};

static const struct {
	long status;
	CURLcode curl;
	const char *line;
} dialogues[] = {
	{ 250, CURLE_OK, "250 2.0.0 Ok: queued as 4F2A" },
	{ 220, CURLE_OPERATION_TIMEDOUT, "220 mail.example ESMTP" },
	{ 354, CURLE_RECV_ERROR, "354 End data with <CR><LF>.<CR><LF>" },
	{ 354, CURLE_OPERATION_TIMEDOUT, "354 go on" },
	{ 421, CURLE_WEIRD_SERVER_REPLY, "421 4.3.2 shutting down" },
	{ 421, CURLE_RECV_ERROR, "421 \xFF\xFE" },
	{ 450, CURLE_SEND_ERROR, "450 4.7.1 greylisted" },
	{ 451, CURLE_SEND_ERROR, "451 4.3.0 error" },
	{ 452, CURLE_SEND_ERROR, "452 4.2.2 mailbox full" },
	{ 454, CURLE_USE_SSL_FAILED, "454 4.7.0 TLS not available" },
	{ 455, CURLE_SEND_ERROR, "455" },
	{ 500, CURLE_SEND_ERROR, "500 5.5.2 what?" },
	{ 502, CURLE_SEND_ERROR, "502 5.5.1 not implemented" },
	{ 521, CURLE_WEIRD_SERVER_REPLY, "521 5.3.2 takes no mail" },
	{ 530, CURLE_SEND_ERROR, "530 5.7.0 authentication required" },
	{ 534, CURLE_LOGIN_DENIED, "534 5.7.9 too weak" },
	{ 535, CURLE_LOGIN_DENIED, "535 5.7.8 bad credentials" },
	{ 550, CURLE_SEND_ERROR, "550 5.1.1 <person1@receiver.example>: no such user" },
	{ 551, CURLE_SEND_ERROR, "551 5.1.6 moved" },
	{ 552, CURLE_RECV_ERROR, "552 5.3.4 too big" },
	{ 553, CURLE_SEND_ERROR, "553 5.1.3 bad name" },
	{ 554, CURLE_WEIRD_SERVER_REPLY, "554 5.7.1 no" },
	{ 555, CURLE_SEND_ERROR, "555 5.5.4 parameter" },
	{ 556, CURLE_SEND_ERROR, "556 5.1.10 null MX" },
};

static void long_bodies_fill(void)
{
	static const char start[] = "{\"error\":\"";

	if (long_text[0] != '\0')
		return;
	memset(long_text, 'x', sizeof(long_text));
	memcpy(long_json, start, sizeof(start) - 1);
	for (size_t i = sizeof(start) - 1; i < sizeof(long_json); i++)
		long_json[i] = (i - sizeof(start)) % 2 == 0 ? '\xC3' : '\xA4';
}

static bool is_http(const struct channel *channel)
{
	return channel->plugin.vtable.schemes != NULL &&
	       strstr(channel->plugin.vtable.schemes, "http") != NULL;
}

static void answer_make(size_t n, struct trial_outcome *out)
{
	const long status = statuses[n / COUNT_OF(bodies)];
	const size_t body = n % COUNT_OF(bodies);
	const size_t bytes = bodies[body].text == NULL ? 0
			     : bodies[body].bytes == 0 ? strlen(bodies[body].text)
						       : bodies[body].bytes;

	out->status = status;
	out->body = (struct tocsin_span){ bodies[body].text, bytes };
	out->retry_after_ms = status == 429 || status == 503 ? SECONDS_MS(30) : 0;
	snprintf(out->label, sizeof(out->label), "status %ld with %s", status, bodies[body].label);
}

/* Each failure without a status, then after a 200 had come. */
static void failure_make(const struct channel *channel, size_t n, struct trial_outcome *out)
{
	out->curl = failures[n / 2];
	out->status = n % 2 == 0 ? 0 : is_http(channel) ? 200 : 250;
	snprintf(out->label, sizeof(out->label), "CURLcode %d (%.40s), status %ld", out->curl,
		 curl_easy_strerror(out->curl), out->status);
}

bool trial_outcome_make(const struct channel *channel, size_t n, struct trial_outcome *out)
{
	const size_t answers = is_http(channel) ? COUNT_OF(statuses) * COUNT_OF(bodies) : 0;
	const size_t lines = is_http(channel) ? 0 : COUNT_OF(dialogues);

	*out = (struct trial_outcome){ .last_line = "" };
	long_bodies_fill();
	if (n < answers) {
		answer_make(n, out);
		return true;
	}
	n -= answers;
	if (n < lines) {
		out->curl = dialogues[n].curl;
		out->status = dialogues[n].status;
		out->last_line = dialogues[n].line;
		snprintf(out->label, sizeof(out->label), "reply code %ld, CURLcode %d", out->status,
			 out->curl);
		return true;
	}
	n -= lines;
	if (n >= 2 * COUNT_OF(failures))
		return false;
	failure_make(channel, n, out);
	return true;
}
