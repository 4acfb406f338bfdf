/* transfer.c - preparing, guarding and judging one attempt.
 * SPDX-License-Identifier: MIT
 * Not here: when to try (schedule.c), what a reply means (the plugin). What the
 * core sets after the plugin's prepare() cannot be overridden by it. Delivery
 * thread only. */
#include "delivery/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "channel/blame.h"
#include "model/ids.h"
#include "template/template.h"

enum { REPLY_KEPT_BYTES = 4096, ENVELOPE_SLACK_BYTES = 64 * 1024, CONNECTION_LIFE_S = 300 };
enum { CHARACTER_REST_BYTES = 3 }; /* of the longest character, after its first byte */

struct rendered {
	struct rendered *next;
	struct buf text;
};

static const struct compiled_configs *configs_of(const struct transfer *t)
{
	return t->entry->compiled[t->channel_at];
}

const struct channel *transfer_channel(const struct transfer *t)
{
	return configs_of(t)->channel;
}

static char *target_of(const struct entry *entry, size_t channel_at, int64_t target)
{
	const struct webhook_channel *c = &entry->webhook.channels[channel_at];

	if (target == 0)
		return xstrdup(entry->compiled[channel_at]->target);
	for (size_t i = 0; i < c->target_count; i++)
		if (c->targets[i].id == target)
			return xstrdup(c->targets[i].value);
	return NULL;
}

/* Enough for plugins to read, and for an excerpt and the end of its last character. */
static size_t reply_kept_bytes(const struct conf *conf)
{
	const size_t excerpt = (size_t)conf->delivery.excerpt_bytes + CHARACTER_REST_BYTES;

	return excerpt > REPLY_KEPT_BYTES ? excerpt : REPLY_KEPT_BYTES;
}

struct transfer *transfer_create(const struct transfer_rules *rules, struct item *item,
				 struct entry *entry, size_t channel_at)
{
	struct transfer *t = xcalloc(1, sizeof(*t));
	const struct event *e = item->work.event;

	t->item = item;
	t->delivery = item->work.delivery_id;
	t->attempt_number = item->work.attempts + 1;
	t->event = event_hold(item->work.event);
	t->entry = entry;
	t->channel_at = channel_at;
	transfer_begin(t);
	t->guard = &rules->conf->guard.guard;
	t->reply_max_bytes = (size_t)rules->conf->delivery.reply_max_bytes;
	t->timeout_ms = entry->compiled[channel_at]->timeout_ms;
	if (t->timeout_ms == 0)
		t->timeout_ms = rules->conf->delivery.timeout_ms;
	t->target = target_of(entry, channel_at, item->work.target);
	t->event_type = xspandup(e->type);
	event_message_id(rules->ids, e, t->message_id);
	event_text_id(rules->ids, e, t->event_id);
	pubid_format(rules->ids, PUBID_DELIVERY, item->work.delivery_id, t->delivery_id);
	buf_init(&t->envelope, e->bytes + ENVELOPE_SLACK_BYTES);
	buf_init(&t->reply, reply_kept_bytes(rules->conf));
	return t;
}

void transfer_begin(struct transfer *t)
{
	t->started_us = clock_wall_us();
	t->started_mono_us = clock_mono_us();
	t->lookup_us = -1;
}

/* Around each call into a plugin: whom to blame when it does not come back. */
static void plugin_enter(const struct transfer *t, const char *call)
{
	const struct channel *c = transfer_channel(t);

	blame_enter(t->delivery, c->name, c->plugin.vtable.name, call);
}

static void plugin_release(struct transfer *t)
{
	const struct channel *c = transfer_channel(t);

	plugin_enter(t, "release");
	c->plugin.vtable.release(c->state, t->request.attempt);
	blame_leave();
}

void transfer_destroy(struct transfer *t)
{
	if (t == NULL)
		return;
	/* First the handle, which may still point to what the plugin frees. */
	curl_easy_cleanup(t->easy);
	if (t->is_prepared)
		plugin_release(t);
	while (t->rendered != NULL) {
		struct rendered *r = t->rendered;

		t->rendered = r->next;
		buf_finish(&r->text);
		free(r);
	}
	curl_slist_free_all(t->resolve);
	buf_finish(&t->envelope);
	buf_finish(&t->reply);
	free(t->event_type);
	free(t->target);
	event_drop(t->event);
	entry_drop(t->entry);
	free(t);
}

/* --- Callbacks of libcurl ------------------------------------------------------- */

static size_t reply_write(char *data, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	const size_t bytes = size * count;
	const size_t room = t->reply.max - t->reply.len;

	buf_bytes(&t->reply, data, bytes < room ? bytes : room);
	t->reply_bytes += bytes;
	/* Short: libcurl ends the transfer; a 2xx stays a 2xx. */
	return t->reply_bytes > t->reply_max_bytes ? 0 : bytes;
}

/* HTTP's headers libcurl keeps for the plugin; of other dialogues the last line
 * says how they ended. */
static size_t header_take(char *data, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	size_t len = size * count;

	if (!t->place.is_http) {
		while (len > 0 && (data[len - 1] == '\r' || data[len - 1] == '\n'))
			len--;
		/* libcurl says QUIT within the transfer; that answer tells nothing. */
		if (t->last_line[0] != '\0' && len >= 3 && memcmp(data, "221", 3) == 0)
			return size * count;
		snprintf(t->last_line, sizeof(t->last_line), "%.*s", (int)(len < 511 ? len : 511),
			 data);
	}
	return size * count;
}

static size_t body_read(char *out, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	const size_t left = t->request.body.len - t->sent_bytes;
	const size_t bytes = left < size * count ? left : size * count;

	if (bytes > 0)
		memcpy(out, t->request.body.ptr + t->sent_bytes, bytes);
	t->sent_bytes += bytes;
	return bytes;
}

/* The last line of the address guard: sees the very address of each connect. */
static curl_socket_t socket_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct transfer *t = ctx;
	const char *rule = NULL;

	(void)purpose;
	if (t->place.is_operator && (a->family == AF_INET || a->family == AF_INET6))
		rule = NULL;
	else if (guard_check(t->guard, &a->addr, &rule) != ERR_OK) {
		t->refused_rule = rule;
		return CURL_SOCKET_BAD;
	}
	const int fd = socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->protocol);
	if (fd >= 0)
		metric_add(METRIC_CONNECTIONS, 1);
	return fd;
}

/* Outlives the transfer that opened it: takes no context. */
static int socket_close(void *ctx, curl_socket_t fd)
{
	(void)ctx;
	metric_add(METRIC_CONNECTIONS, -1);
	return close(fd);
}

/* --- Preparing -------------------------------------------------------------------- */

static enum err message_fill(struct transfer *t, const struct transfer_rules *rules)
{
	const struct event *e = t->event;
	const struct webhook *w = &t->entry->webhook;

	envelope_append(&t->envelope, rules->ids, e, w);
	if (t->envelope.failed != ERR_OK)
		return ERR_MEMORY;
	t->message = (struct tocsin_message){
		.size = sizeof(struct tocsin_message),
		.attempt = t->attempt_number,
		.message_id = t->message_id,
		.event_id = t->event_id,
		.event_type = t->event_type,
		.delivery_id = t->delivery_id,
		.webhook_id = w->public_id,
		.webhook_name = w->name,
		.channel = transfer_channel(t)->name,
		.target = t->target,
		.configs = configs_of(t)->values,
		.envelope = { t->envelope.ptr, t->envelope.len },
		.timestamp_s = t->started_us / 1000000,
		.occurred_at_ms = e->occurred_at_us / 1000,
		.accepted_at_ms = id_time_ms(e->id),
		.timeout_ms = t->timeout_ms,
		.is_test = (e->flags & EVENT_IS_TEST) != 0,
	};
	return ERR_OK;
}

static bool line_is_clean(const char *line)
{
	return line == NULL || line[strcspn(line, "\r\n")] == '\0';
}

static bool list_is_clean(const struct curl_slist *list)
{
	for (; list != NULL; list = list->next) {
		if (!line_is_clean(list->data))
			return false;
	}
	return true;
}

/* libcurl would pass a line end in any of these on to the receiver. */
static bool request_is_clean(const struct tocsin_request *r)
{
	return r->url != NULL && line_is_clean(r->method) && line_is_clean(r->mail_from) &&
	       list_is_clean(r->headers) && list_is_clean(r->mail_to);
}

static enum err prepare_refuse(const struct transfer *t, int rc, struct why *why)
{
	const char *reason = t->request.reason;

	if (rc == TOCSIN_TRY_LATER) {
		why_set(why, "%s",
			reason[0] != '\0' ? reason : "the channel is short of memory or state");
		return ERR_MEMORY;
	}
	why_set(why, "%s", reason[0] != '\0' ? reason : "the channel cannot send this event");
	return ERR_BAD_REQUEST;
}

enum err transfer_prepare(struct transfer *t, const struct transfer_rules *rules, CURL *easy,
			  struct why *why)
{
	const struct channel *c = transfer_channel(t);

	t->easy = easy;
	if (t->target == NULL) {
		why_set(why, "its target was removed");
		return ERR_BAD_REQUEST;
	}
	if (easy == NULL || message_fill(t, rules) != ERR_OK) {
		why_set(why, "out of memory");
		return ERR_MEMORY;
	}
	t->request.size = sizeof(t->request);
	plugin_enter(t, "prepare");
	const int rc = c->plugin.vtable.prepare(c->state, &t->message, easy, &t->request);

	blame_leave();
	t->request.reason[sizeof(t->request.reason) - 1] = '\0';
	if (rc != TOCSIN_OK)
		return prepare_refuse(t, rc, why);
	t->is_prepared = true;
	if (!request_is_clean(&t->request)) {
		why_set(why, "the channel made a request without a URL or with line ends in it");
		return ERR_BAD_REQUEST;
	}
	return t->request.url == t->target && configs_of(t)->host != NULL
		       ? place_of_target(configs_of(t), t->guard, &t->place, why)
		       : place_of_url(c, t->request.url, t->guard, &t->place, why);
}

/* --- Into the handle ------------------------------------------------------------------ */

static void resolve_set(struct transfer *t, const char *addresses)
{
	if (addresses != NULL) {
		char *text = xformat("+%s:%u:%s", t->place.host, (unsigned)t->place.port,
				     addresses);

		t->resolve = curl_slist_append(NULL, text);
		free(text);
	}
	curl_easy_setopt(t->easy, CURLOPT_RESOLVE, t->resolve);
}

static void http_set(struct transfer *t)
{
	const struct tocsin_request *r = &t->request;

	if (r->body.len == 0 && r->method != NULL && strcmp(r->method, "GET") == 0) {
		curl_easy_setopt(t->easy, CURLOPT_HTTPGET, 1L);
	} else {
		curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
		curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, r->body.len > 0 ? r->body.ptr : "");
		if (r->method != NULL && strcmp(r->method, "POST") != 0)
			curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, r->method);
	}
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, r->headers);
}

static void upload_set(struct transfer *t)
{
	const struct tocsin_request *r = &t->request;

	curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(t->easy, CURLOPT_READFUNCTION, body_read);
	curl_easy_setopt(t->easy, CURLOPT_READDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->body.len);
	curl_easy_setopt(t->easy, CURLOPT_MAIL_FROM, r->mail_from);
	curl_easy_setopt(t->easy, CURLOPT_MAIL_RCPT, r->mail_to);
}

static void limits_set(struct transfer *t, const struct conf_delivery *d)
{
	const int64_t spent_ms = t->lookup_us > 0 ? t->lookup_us / 1000 : 0;
	const int64_t left_ms = t->timeout_ms > spent_ms ? t->timeout_ms - spent_ms : 1;
	/* Of a mail server libcurl counts greeting, EHLO and login as connecting too. */
	const bool is_quick = t->place.is_http && d->connect_timeout_ms < left_ms;
	const int64_t connect_ms = is_quick ? d->connect_timeout_ms : left_ms;

	curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
	curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
}

static void callbacks_set(struct transfer *t)
{
	curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, reply_write);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, header_take);
	curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, socket_open);
	curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(t->easy, CURLOPT_CLOSESOCKETFUNCTION, socket_close);
	curl_easy_setopt(t->easy, CURLOPT_CLOSESOCKETDATA, NULL);
}

void transfer_arm(struct transfer *t, const struct transfer_rules *rules, const char *addresses)
{
	const char *schemes = transfer_channel(t)->plugin.vtable.schemes;

	curl_easy_setopt(t->easy, CURLOPT_URL, t->request.url);
	if (t->place.is_http)
		http_set(t);
	else
		upload_set(t);
	callbacks_set(t);
	limits_set(t, &rules->conf->delivery);
	resolve_set(t, addresses);
	curl_easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, schemes);
	curl_easy_setopt(t->easy, CURLOPT_REDIR_PROTOCOLS_STR, schemes);
	curl_easy_setopt(t->easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(t->easy, CURLOPT_PRE_PROXY, NULL);
	curl_easy_setopt(t->easy, CURLOPT_UNIX_SOCKET_PATH, NULL);
	curl_easy_setopt(t->easy, CURLOPT_CONNECT_TO, NULL);
	curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(t->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* Debian compiles a CA folder in, which switches libcurl's CA cache off. */
	curl_easy_setopt(t->easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(t->easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(t->easy, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_LIFE_S);
}

/* --- Templates -------------------------------------------------------------------------- */

int transfer_render(struct transfer *t, const struct tocsin_render *what, struct tocsin_span *out)
{
	const struct template_input in = { .event = { t->envelope.ptr, t->envelope.len },
					   .extra = what->extra,
					   .escape = (enum tocsin_escape)what->escape };
	struct rendered *r = xcalloc(1, sizeof(*r));

	buf_init(&r->text, TEMPLATE_OUTPUT_MAX_BYTES);
	buf_text(&r->text, ""); /* a text also when nothing comes of it */
	r->next = t->rendered;
	t->rendered = r;
	const enum err rc = template_render((const struct template *)what->text, &in, &r->text);

	if (rc == ERR_OK && r->text.failed == ERR_OK) {
		*out = (struct tocsin_span){ r->text.ptr, r->text.len };
		return TOCSIN_OK;
	}
	return rc == ERR_TOO_BIG || r->text.failed == ERR_TOO_BIG ? TOCSIN_BAD_MESSAGE
								  : TOCSIN_TRY_LATER;
}

/* --- Judging ------------------------------------------------------------------------ */

static int64_t info_us(CURL *easy, CURLINFO info)
{
	curl_off_t us = 0;

	curl_easy_getinfo(easy, info, &us);
	return (int64_t)us;
}

/* libcurl counts every phase from the start; 0 = it did not occur. */
static void phases_fill(const struct transfer *t, struct attempt *a)
{
	const int64_t name = info_us(t->easy, CURLINFO_NAMELOOKUP_TIME_T);
	const int64_t connect = info_us(t->easy, CURLINFO_CONNECT_TIME_T);
	const int64_t tls = info_us(t->easy, CURLINFO_APPCONNECT_TIME_T);
	const int64_t first = info_us(t->easy, CURLINFO_STARTTRANSFER_TIME_T);
	long connects = 0;

	curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connects);
	a->dns_us = t->lookup_us;
	a->connect_us = connects > 0 && connect > 0 ? connect - name : -1;
	a->tls_us = connects > 0 && tls > 0 ? tls - connect : -1;
	a->first_byte_us = first > 0 ? first + (t->lookup_us > 0 ? t->lookup_us : 0) : -1;
	a->total_us = clock_mono_us() - t->started_mono_us;
}

static enum attempt_outcome outcome_of(uint32_t kind)
{
	switch ((enum tocsin_verdict_kind)kind) {
	case TOCSIN_DELIVERED: return ATTEMPT_DELIVERED;
	case TOCSIN_FAILED: return ATTEMPT_FAILED;
	case TOCSIN_GONE: return ATTEMPT_GONE;
	case TOCSIN_RETRY:
	case TOCSIN_UNKNOWN: break;
	}
	return ATTEMPT_RETRY; /* also for a number we do not know */
}

/* The first max_bytes of text, repaired and cut between characters. Owner:
 * caller; NULL = out of memory. */
/* NUL is a character, but no text of ours can hold it: repaired like a fault. */
static void text_repair(struct buf *out, struct span text)
{
	while (text.len > 0) {
		const char *nul = memchr(text.ptr, '\0', text.len);
		const size_t len = nul == NULL ? text.len : (size_t)(nul - text.ptr);
		const size_t step = len + (nul != NULL);

		utf8_repair(out, (struct span){ text.ptr, len });
		if (nul != NULL)
			buf_text(out, "\xEF\xBF\xBD");
		text = (struct span){ text.ptr + step, text.len - step };
	}
}

static char *text_clean(struct span text, size_t max_bytes)
{
	/* Repairing never shortens, so a character that begins below max_bytes
	 * is read to its end and one that the cut splits is left out. */
	const size_t most = max_bytes + CHARACTER_REST_BYTES;
	const size_t len = text.len < most ? text.len : most;
	struct buf b;

	buf_init(&b, 3 * len); /* U+FFFD has three bytes */
	text_repair(&b, (struct span){ text.ptr, len });
	char *out = buf_take(&b);
	buf_finish(&b);
	if (out != NULL && strlen(out) > max_bytes) {
		while (max_bytes > 0 && ((unsigned char)out[max_bytes] & 0xC0) == 0x80)
			max_bytes--;
		out[max_bytes] = '\0';
	}
	return out;
}

/* A plugin may have cut a character in two, or shown what a receiver sent. */
static void reason_set(struct attempt *attempt, const char *text)
{
	char *clean = text_clean(span_of(text), sizeof(attempt->reason) - 1);

	snprintf(attempt->reason, sizeof(attempt->reason), "%s", clean == NULL ? "" : clean);
	free(clean);
}

static void verdict_take(const struct transfer *t, struct tocsin_verdict *verdict,
			 struct attempt *attempt)
{
	verdict->reason[sizeof(verdict->reason) - 1] = '\0';
	memset(attempt, 0, sizeof(*attempt));
	attempt->number = t->attempt_number;
	attempt->started_at_us = t->started_us;
	attempt->outcome = outcome_of(verdict->kind);
	reason_set(attempt, verdict->reason);
}

void transfer_judge(struct transfer *t, CURLcode result, struct attempt *attempt,
		    struct tocsin_verdict *verdict)
{
	const struct channel *c = transfer_channel(t);
	struct tocsin_outcome out = { .size = sizeof(out),
				      .curl = result,
				      .body = { t->reply.ptr, t->reply.len },
				      .curl_error = t->error,
				      .last_line = { t->last_line, strlen(t->last_line) } };
	curl_off_t retry_after_s = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &out.status);
	curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
	if (retry_after_s > 0)
		out.retry_after_ms = retry_after_s > 86400 ? DAYS_MS(1) : retry_after_s * 1000;
	memset(verdict, 0, sizeof(*verdict));
	verdict->size = sizeof(*verdict);
	plugin_enter(t, "classify");
	c->plugin.vtable.classify(c->state, t->request.attempt, t->easy, &out, verdict);
	blame_leave();
	verdict_take(t, verdict, attempt);
	attempt->status = out.status;
	phases_fill(t, attempt);
	if (t->refused_rule == NULL || result == CURLE_OK)
		return;
	metric_add(METRIC_ADDRESS_REFUSED, 1);
	snprintf(attempt->reason, sizeof(attempt->reason), "address refused: %s", t->refused_rule);
}

void transfer_deliver(struct transfer *t, const struct transfer_rules *rules,
		      struct attempt *attempt, struct tocsin_verdict *verdict)
{
	const struct channel *c = transfer_channel(t);

	memset(verdict, 0, sizeof(*verdict));
	verdict->size = sizeof(*verdict);
	if (t->target == NULL) {
		transfer_unsent(t, ATTEMPT_FAILED, "its target was removed", attempt);
		return;
	}
	if (message_fill(t, rules) != ERR_OK) {
		transfer_unsent(t, ATTEMPT_RETRY, "out of memory", attempt);
		return;
	}
	plugin_enter(t, "deliver");
	c->plugin.vtable.deliver(c->state, &t->message, verdict);
	blame_leave();
	verdict_take(t, verdict, attempt);
	attempt->status = (long)verdict->status;
	attempt->dns_us = attempt->connect_us = attempt->tls_us = attempt->first_byte_us = -1;
	attempt->total_us = clock_mono_us() - t->started_mono_us;
}

void transfer_unsent(struct transfer *t, enum attempt_outcome outcome, const char *reason,
		     struct attempt *attempt)
{
	memset(attempt, 0, sizeof(*attempt));
	attempt->number = t->attempt_number;
	attempt->started_at_us = t->started_us;
	attempt->outcome = outcome;
	attempt->dns_us = t->lookup_us;
	attempt->connect_us = attempt->tls_us = attempt->first_byte_us = -1;
	attempt->total_us = clock_mono_us() - t->started_mono_us;
	snprintf(attempt->reason, sizeof(attempt->reason), "%s", reason);
}

char *transfer_excerpt(const struct transfer *t, size_t max_bytes)
{
	/* What an operator's server says may hold what is the operator's. */
	if (max_bytes == 0 || t->place.is_operator)
		return NULL;
	if (t->reply.len == 0)
		return t->last_line[0] == '\0' ? NULL
					       : text_clean(span_of(t->last_line), max_bytes);
	return text_clean((struct span){ t->reply.ptr, t->reply.len }, max_bytes);
}
