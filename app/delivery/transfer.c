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
#include "model/ids.h"

enum { REPLY_KEPT_BYTES = 4096, ENVELOPE_SLACK_BYTES = 64 * 1024, CONNECTION_LIFE_S = 300 };
enum { CHARACTER_REST_BYTES = 3 }; /* of the longest character, after its first byte */

const struct compiled_configs *transfer_configs(const struct transfer *t)
{
	return t->entry->compiled[t->channel_at];
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
	t->entry = entry;
	t->channel_at = channel_at;
	t->started_us = clock_wall_us();
	t->started_mono_us = clock_mono_us();
	t->lookup_us = -1;
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

void transfer_destroy(struct transfer *t)
{
	if (t == NULL)
		return;
	if (t->is_prepared) {
		const struct channel *c = transfer_configs(t)->channel;

		c->plugin.vtable.release(c->state, t->attempt);
	}
	curl_slist_free_all(t->resolve);
	buf_finish(&t->envelope);
	buf_finish(&t->reply);
	free(t->event_type);
	free(t->target);
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

static size_t header_ignore(char *data, size_t size, size_t count, void *ctx)
{
	(void)data, (void)ctx;
	return size * count;
}

/* The last line of the address guard: sees the very address of each connect. */
static curl_socket_t socket_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct transfer *t = ctx;
	const char *rule = NULL;

	(void)purpose;
	if (guard_check(t->guard, &a->addr, &rule) != ERR_OK) {
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

static void message_fill(struct transfer *t)
{
	const struct event *e = t->item->work.event;
	const struct webhook *w = &t->entry->webhook;

	t->message = (struct tocsin_message){
		.size = sizeof(struct tocsin_message),
		.attempt = t->item->work.attempts + 1,
		.message_id = t->message_id,
		.event_id = t->event_id,
		.event_type = t->event_type,
		.delivery_id = t->delivery_id,
		.webhook_id = w->public_id,
		.webhook_name = w->name,
		.target = t->target,
		.configs = transfer_configs(t)->values,
		.envelope = { t->envelope.ptr, t->envelope.len },
		.timestamp_s = t->started_us / 1000000,
		.occurred_at_ms = e->occurred_at_us / 1000,
		.accepted_at_ms = id_time_ms(e->id),
		.is_test = (e->flags & EVENT_IS_TEST) != 0,
	};
}

static void resolve_set(struct transfer *t, CURL *easy, const char *addresses)
{
	const struct compiled_configs *c = transfer_configs(t);

	if (addresses == NULL || c->host == NULL) {
		curl_easy_setopt(easy, CURLOPT_RESOLVE, NULL);
		return;
	}
	char *text = xformat("+%s:%u:%s", c->host, (unsigned)c->port, addresses);
	t->resolve = curl_slist_append(NULL, text);
	free(text);
	curl_easy_setopt(easy, CURLOPT_RESOLVE, t->resolve);
}

static void core_options_set(struct transfer *t, const struct conf_delivery *d, CURL *easy)
{
	const char *schemes = transfer_configs(t)->channel->plugin.vtable.schemes;
	const int64_t spent_ms = t->lookup_us > 0 ? t->lookup_us / 1000 : 0;
	const int64_t left_ms = t->timeout_ms > spent_ms ? t->timeout_ms - spent_ms : 1;

	if (schemes == NULL)
		schemes = "http,https";
	curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, reply_write);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header_ignore);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)(d->connect_timeout_ms < left_ms ? d->connect_timeout_ms : left_ms));
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, schemes);
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, schemes);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, socket_open);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, socket_close);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, NULL);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_PRE_PROXY, NULL);
	curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, NULL);
	curl_easy_setopt(easy, CURLOPT_CONNECT_TO, NULL);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	/* Debian compiles a CA folder in, which switches libcurl's CA cache off. */
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_MAXLIFETIME_CONN, (long)CONNECTION_LIFE_S);
}

enum err transfer_prepare(struct transfer *t, const struct transfer_rules *rules, CURL *easy,
			  const char *addresses, struct why *why)
{
	const struct channel *c = transfer_configs(t)->channel;

	if (t->target == NULL) {
		why_set(why, "its target was removed");
		return ERR_BAD_REQUEST;
	}
	envelope_append(&t->envelope, rules->ids, t->item->work.event, &t->entry->webhook);
	if (t->envelope.failed != ERR_OK) {
		why_set(why, "out of memory");
		return ERR_MEMORY;
	}
	message_fill(t);
	t->easy = easy;
	const int rc = c->plugin.vtable.prepare(c->state, &t->message, easy, &t->attempt);
	if (rc == TOCSIN_OK) {
		t->is_prepared = true;
		core_options_set(t, &rules->conf->delivery, easy);
		resolve_set(t, easy, addresses);
		return ERR_OK;
	}
	why_set(why, rc == TOCSIN_TRY_LATER ? "the channel is short of memory or state"
					    : "the channel cannot send this event");
	return rc == TOCSIN_TRY_LATER ? ERR_MEMORY : ERR_BAD_REQUEST;
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

void transfer_judge(struct transfer *t, CURLcode result, struct attempt *attempt,
		    struct tocsin_verdict *verdict)
{
	const struct channel *c = transfer_configs(t)->channel;
	struct tocsin_outcome out = { .size = sizeof(out),
				      .curl = result,
				      .body = { t->reply.ptr, t->reply.len },
				      .curl_error = t->error };
	curl_off_t retry_after_s = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &out.status);
	curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
	if (retry_after_s > 0)
		out.retry_after_ms = retry_after_s > 86400 ? DAYS_MS(1) : retry_after_s * 1000;
	memset(verdict, 0, sizeof(*verdict));
	verdict->size = sizeof(*verdict);
	c->plugin.vtable.classify(c->state, t->attempt, t->easy, &out, verdict);
	verdict->reason[sizeof(verdict->reason) - 1] = '\0';

	memset(attempt, 0, sizeof(*attempt));
	attempt->number = t->item->work.attempts + 1;
	attempt->started_at_us = t->started_us;
	attempt->outcome = outcome_of(verdict->kind);
	attempt->status = out.status;
	phases_fill(t, attempt);
	if (t->refused_rule == NULL || result == CURLE_OK) {
		reason_set(attempt, verdict->reason);
		return;
	}
	metric_add(METRIC_ADDRESS_REFUSED, 1);
	snprintf(attempt->reason, sizeof(attempt->reason), "address refused: %s", t->refused_rule);
}

void transfer_unsent(struct transfer *t, enum attempt_outcome outcome, const char *reason,
		     struct attempt *attempt)
{
	memset(attempt, 0, sizeof(*attempt));
	attempt->number = t->item->work.attempts + 1;
	attempt->started_at_us = t->started_us;
	attempt->outcome = outcome;
	attempt->dns_us = t->lookup_us;
	attempt->connect_us = attempt->tls_us = attempt->first_byte_us = -1;
	attempt->total_us = clock_mono_us() - t->started_mono_us;
	snprintf(attempt->reason, sizeof(attempt->reason), "%s", reason);
}

char *transfer_excerpt(const struct transfer *t, size_t max_bytes)
{
	if (t->reply.len == 0 || max_bytes == 0)
		return NULL;
	return text_clean((struct span){ t->reply.ptr, t->reply.len }, max_bytes);
}
