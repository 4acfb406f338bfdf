/* trial_requests.c - does prepare() describe sound requests, and fast?
 * Not here: the events (trial_cases.c), leaks (trial_rounds.c).
 * Main thread.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/json.h"
#include "delivery/trial_state.h"

enum { PREPARE_WARN_US = 5000, PREPARE_FAIL_US = 100000, JSON_DEPTH_MAX = 512, TRIES = 3 };

static const char token_bytes[] = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz";

/* --- Attempts ----------------------------------------------------------------- */

unsigned trial_files_count(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned count = 0;

	if (folder == NULL)
		return 0;
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

void trial_attempt_make(struct trial *t, const struct trial_configs *configs,
			const struct trial_event *event, unsigned number, struct trial_attempt *out)
{
	*out = (struct trial_attempt){ .rc = ERR_OK };
	out->item.work = (struct work){
		.delivery_id = event->event->id + 1,
		.target = configs->targets == 0
				  ? 0
				  : 1 + event->event->id / 4096 % (int64_t)configs->targets,
		.attempts = number - 1,
		.event = event->event,
	};
	out->transfer = transfer_create(&t->transfers, &out->item, entry_hold(configs->entry), 0);
	/* Later attempts are made at a later moment. */
	out->transfer->started_us += (int64_t)(number - 1) * SECONDS_MS(90) * 1000;
	if (t->channel->plugin.vtable.deliver != NULL)
		return;
	CURL *easy = curl_easy_init();
	const int64_t from_us = clock_mono_us();

	out->rc = transfer_prepare(out->transfer, &t->transfers, easy, &out->why);
	out->took_us = clock_mono_us() - from_us;
}

void trial_attempt_finish(struct trial_attempt *a)
{
	transfer_destroy(a->transfer);
	*a = (struct trial_attempt){ .rc = ERR_OK };
}

/* --- What it described ------------------------------------------------------------ */

/* Which event and configs a finding is about. */
struct about {
	const struct trial_configs *configs;
	const struct trial_event *event;
};

static void line_check(struct trial *t, const struct about *about, const char *what,
		       const char *line)
{
	if (line == NULL || line[strcspn(line, "\r\n")] == '\0')
		return;
	trial_find(t, TRIAL_FAIL, "%s holds a line end: \"%.*s\" (event %s, configs %s)", what,
		   (int)strcspn(line, "\r\n"), line, about->event->label, about->configs->label);
}

static void header_line_check(struct trial *t, const struct about *about, const char *line)
{
	const size_t name = strspn(line, token_bytes);

	line_check(t, about, "a header", line);
	if (name == 0 || (line[name] != ':' && line[name] != ';'))
		trial_find(t, TRIAL_FAIL, "\"%.60s\" is no header line \"Name: value\" (event %s)",
			   line, about->event->label);
}

/* The header line with this name ("content-type:"), or NULL. */
static const char *header_find(const struct curl_slist *headers, const char *name)
{
	for (; headers != NULL; headers = headers->next) {
		if (strncasecmp(headers->data, name, strlen(name)) == 0)
			return headers->data;
	}
	return NULL;
}

/* Said to be JSON as it stands: a compressed body is not. */
static bool is_json_type(const struct curl_slist *headers)
{
	const char *type = header_find(headers, "content-type:");

	return type != NULL && strstr(type, "json") != NULL &&
	       header_find(headers, "content-encoding:") == NULL;
}

static void http_check(struct trial *t, const struct about *about, const struct tocsin_request *r)
{
	struct json_value whole;
	struct json_fault fault = { 0, "" };

	if (r->method != NULL && r->method[strspn(r->method, token_bytes)] != '\0')
		trial_find(t, TRIAL_FAIL, "\"%.40s\" is no HTTP method (event %s)", r->method,
			   about->event->label);
	for (const struct curl_slist *h = r->headers; h != NULL; h = h->next)
		header_line_check(t, about, h->data);
	if (is_json_type(r->headers) && json_scan((struct span){ r->body.ptr, r->body.len },
						  JSON_DEPTH_MAX, &whole, &fault) != ERR_OK)
		trial_find(t, TRIAL_FAIL,
			   "the body is said to be JSON and is none: %s at byte %zu (event %s, "
			   "configs %s)",
			   fault.reason, fault.offset, about->event->label, about->configs->label);
}

static void mail_check(struct trial *t, const struct about *about, const struct tocsin_request *r)
{
	line_check(t, about, "mail_from", r->mail_from);
	for (const struct curl_slist *to = r->mail_to; to != NULL; to = to->next)
		line_check(t, about, "mail_to", to->data);
	if (r->mail_to == NULL)
		trial_find(t, TRIAL_FAIL, "the mail has no recipient (event %s)",
			   about->event->label);
	for (size_t i = 0; i < r->body.len; i++) {
		if (r->body.ptr[i] != '\n' || (i > 0 && r->body.ptr[i - 1] == '\r'))
			continue;
		trial_find(t, TRIAL_FAIL, "line of the mail at byte %zu ends without CR (event %s)",
			   i, about->event->label);
		return;
	}
}

static void request_check(struct trial *t, const struct about *about, const struct trial_attempt *a)
{
	const struct tocsin_request *r = &a->transfer->request;
	const unsigned found = t->found;

	if (r->url == NULL) {
		trial_find(t, TRIAL_FAIL, "the request has no url (event %s, configs %s)",
			   about->event->label, about->configs->label);
		return;
	}
	if (r->body.ptr == NULL && r->body.len > 0)
		trial_find(t, TRIAL_FAIL, "the body is NULL and %zu bytes long", r->body.len);
	if (strncmp(r->url, "smtp", 4) == 0)
		mail_check(t, about, r);
	else
		http_check(t, about, r);
	if (a->rc != ERR_OK && t->found == found)
		trial_find(t, TRIAL_FAIL, "the core refuses the request: %s (event %s, configs %s)",
			   a->why.text, about->event->label, about->configs->label);
}

/* prepare() itself said no. */
static void refusal_check(struct trial *t, const struct about *about, const struct trial_attempt *a)
{
	const struct tocsin_request *r = &a->transfer->request;

	if (a->rc == ERR_MEMORY) {
		trial_find(t, TRIAL_FAIL,
			   "prepare() says TOCSIN_TRY_LATER (event %s, configs %s)%s%s",
			   about->event->label, about->configs->label,
			   r->reason[0] == '\0' ? "" : ": ", r->reason);
		return;
	}
	if (r->reason[0] == '\0')
		trial_find(t, TRIAL_WARNING,
			   "prepare() refuses the event %s and gives no reason (configs %s)",
			   about->event->label, about->configs->label);
	trial_reason_check(t, r->reason, sizeof(r->reason), "prepare()");
	trial_find(t, about->event->is_large ? TRIAL_NOTE : TRIAL_WARNING,
		   "prepare() refuses the event %s: %s (configs %s)", about->event->label,
		   r->reason, about->configs->label);
}

/* --- The same bytes again ----------------------------------------------------------- */

static bool texts_equal(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static void repeat_check(struct trial *t, const struct about *about, const struct trial_attempt *a,
			 const struct trial_attempt *b)
{
	const struct tocsin_request *first = &a->transfer->request, *second = &b->transfer->request;

	if (a->rc != b->rc) {
		trial_find(t, TRIAL_WARNING,
			   "prepare() answers differently on attempt 2 (event %s, configs %s)",
			   about->event->label, about->configs->label);
		return;
	}
	if (a->rc != ERR_OK)
		return;
	if (first->body.len != second->body.len ||
	    (first->body.len > 0 &&
	     memcmp(first->body.ptr, second->body.ptr, first->body.len) != 0))
		trial_find(t, TRIAL_WARNING,
			   "the body differs on attempt 2: receivers cannot tell a repeat (event "
			   "%s, configs %s)",
			   about->event->label, about->configs->label);
	if (!texts_equal(first->url, second->url) || !texts_equal(first->method, second->method))
		trial_find(t, TRIAL_WARNING,
			   "url or method differ on attempt 2 (event %s, configs %s)",
			   about->event->label, about->configs->label);
}

static void time_check(struct trial *t, const struct about *about, int64_t took_us)
{
	if (took_us < PREPARE_WARN_US)
		return;
	t->is_slow = t->is_slow || took_us >= PREPARE_FAIL_US;
	trial_find(t, took_us < PREPARE_FAIL_US ? TRIAL_WARNING : TRIAL_FAIL,
		   "prepare() takes %.1f ms; it has 5 (event %s, configs %s)",
		   (double)took_us / 1000, about->event->label, about->configs->label);
}

/* Returns the time that prepare() took, the best of some: others use this machine too. */
static int64_t event_try(struct trial *t, const struct about *about)
{
	struct trial_attempt tries[TRIES];
	const unsigned files = trial_files_count();
	int64_t best_us = INT64_MAX;

	for (unsigned i = 0; i < TRIES; i++) {
		trial_call(t, "prepare() for the event %s, configs %s", about->event->label,
			   about->configs->label);
		trial_attempt_make(t, about->configs, about->event, i == 0 ? 1 : 2, &tries[i]);
		trial_return(t);
		if (tries[i].took_us < best_us)
			best_us = tries[i].took_us;
	}
	if (trial_files_count() != files)
		trial_find(t, TRIAL_FAIL,
			   "prepare() leaves files or sockets open: %u before, %u after (event %s)",
			   files, trial_files_count(), about->event->label);
	time_check(t, about, best_us);
	if (tries[0].transfer->is_prepared)
		request_check(t, about, &tries[0]);
	else
		refusal_check(t, about, &tries[0]);
	repeat_check(t, about, &tries[0], &tries[1]);
	for (unsigned i = 0; i < TRIES; i++) {
		trial_call(t, "release() without a transfer, event %s, configs %s",
			   about->event->label, about->configs->label);
		trial_attempt_finish(&tries[i]);
		trial_return(t);
	}
	return best_us;
}

void trial_requests(struct trial *t)
{
	int64_t worst_us = 0;

	trial_topic(t, "prepare");
	for (size_t c = 0; c < t->configs_count; c++) {
		for (size_t e = 0; e < TRIAL_EVENTS; e++) {
			const int64_t took_us =
				event_try(t, &(struct about){ &t->configs[c], &t->events[e] });

			worst_us = took_us > worst_us ? took_us : worst_us;
		}
	}
	trial_settle(t, "%d events, %zu configs, two attempts each; the slowest took %.2f ms",
		     TRIAL_EVENTS, t->configs_count, (double)worst_us / 1000);
}

/* --- deliver() ------------------------------------------------------------------------ */

void trial_send(struct trial *t)
{
	struct trial_attempt a;
	struct attempt attempt;
	struct tocsin_verdict verdict;

	trial_topic(t, "deliver");
	if (!t->rules->is_sending || t->configs_count == 0) {
		trial_find(t, TRIAL_NOTE, "not called, for it really sends; --send calls it once");
		return;
	}
	trial_attempt_make(t, &t->configs[0], &t->events[0], 1, &a);
	const unsigned files = trial_files_count();
	const int64_t limit_ms = a.transfer->timeout_ms;
	const int64_t from_ms = clock_mono_ms();

	trial_call(t, "deliver() for the event %s", t->events[0].label);
	trial_limit(t, TRIAL_CALL_MAX_S + (unsigned)(limit_ms / 1000));
	transfer_deliver(a.transfer, &t->transfers, &attempt, &verdict);
	trial_return(t);
	if (clock_mono_ms() - from_ms > limit_ms)
		trial_find(t, TRIAL_FAIL, "it took %lld ms; it has %lld",
			   (long long)(clock_mono_ms() - from_ms), (long long)limit_ms);
	if (trial_files_count() > files)
		trial_find(t, TRIAL_WARNING, "it leaves files open: %u before, %u after", files,
			   trial_files_count());
	if (verdict.kind == TOCSIN_UNKNOWN || verdict.kind > TOCSIN_GONE)
		trial_find(t, TRIAL_FAIL, "its verdict %u is none", (unsigned)verdict.kind);
	trial_reason_check(t, verdict.reason, sizeof(verdict.reason), "deliver()");
	trial_attempt_finish(&a);
	trial_settle(t, "verdict %u in %lld ms: %s", (unsigned)verdict.kind,
		     (long long)(clock_mono_ms() - from_ms), attempt.reason);
}
