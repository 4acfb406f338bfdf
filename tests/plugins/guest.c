/* guest.c - a small sound plugin, or one that breaks the contract in one way: what
 * `tocsin plugin check` must find. GUEST_FAULT says which; the build makes one
 * plugin of each.
 * Any delivery thread.
 * SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tocsin/channel.h"

enum guest_fault {
	GUEST_SOUND,
	GUEST_LEAKS_MEMORY,
	GUEST_LEAKS_FILES,
	GUEST_FORGETS_STATE, /* release() keeps what prepare() made */
	GUEST_TELLS_SECRET,
	GUEST_CRASHES, /* in classify(), on a body of 4 KB */
	GUEST_IS_SLOW,
	GUEST_HANGS,
	GUEST_BREAKS_LINES, /* data in a header as it came */
	GUEST_BREAKS_JSON,  /* data in JSON as it came */
	GUEST_IS_SILENT,    /* no verdict */
	GUEST_EXITS
};

#ifndef GUEST_FAULT
#define GUEST_FAULT GUEST_SOUND
#endif

struct guest_configs {
	const char *url, *key;
	const struct tocsin_template *text;
};

static const struct tocsin_field fields[] = {
	{ .key = "url",
	  .help = "Where to.",
	  .kind = TOCSIN_URL,
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET,
	  .offset = offsetof(struct guest_configs, url) },
	{ .key = "key",
	  .help = "A secret.",
	  .kind = TOCSIN_TEXT,
	  .flags = TOCSIN_REQUIRED | TOCSIN_SECRET,
	  .min = 1,
	  .max = 100,
	  .offset = offsetof(struct guest_configs, key) },
	{ .key = "text",
	  .help = "What to say.",
	  .kind = TOCSIN_TEMPLATE,
	  .dflt = "\"{{subject}}\"",
	  .offset = offsetof(struct guest_configs, text) },
	{ .key = NULL },
};

static const struct tocsin_host *host;
static const enum guest_fault fault = GUEST_FAULT;

static int guest_open(const struct tocsin_host *lent, const void *settings, void **channel,
		      char *err, size_t err_bytes)
{
	(void)settings, (void)channel, (void)err, (void)err_bytes;
	host = lent;
	return TOCSIN_OK;
}

struct attempt {
	struct curl_slist *headers;
	char *body;
	const char *key;
};

static void guest_release(void *channel, void *given)
{
	struct attempt *at = given;

	(void)channel;
	if (at == NULL || fault == GUEST_FORGETS_STATE)
		return;
	curl_slist_free_all(at->headers);
	free(at->body);
	free(at);
}

/* Before anything else of prepare(). */
static void misbehave(void)
{
	if (fault == GUEST_LEAKS_MEMORY) {
		void *volatile lost = malloc(64);

		(void)lost;
	}
	if (fault == GUEST_LEAKS_FILES)
		(void)!open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fault == GUEST_IS_SLOW)
		nanosleep(&(struct timespec){ .tv_nsec = 150000000 }, NULL);
	while (fault == GUEST_HANGS)
		pause();
	if (fault == GUEST_EXITS)
		_exit(7);
}

static char *line_make(const char *beginning, struct tocsin_span text, const char *end)
{
	const size_t bytes = strlen(beginning) + text.len + strlen(end) + 1;
	char *line = malloc(bytes);

	if (line != NULL)
		snprintf(line, bytes, "%s%.*s%s", beginning, (int)text.len, text.ptr, end);
	return line;
}

static int guest_prepare(void *channel, const struct tocsin_message *msg, CURL *easy,
			 struct tocsin_request *out)
{
	const struct guest_configs *configs = msg->configs;
	struct tocsin_render what = { .size = sizeof(what),
				      .escape = fault == GUEST_BREAKS_JSON ? TOCSIN_ESCAPE_NONE
									   : TOCSIN_ESCAPE_JSON,
				      .text = configs->text };
	struct tocsin_span body, title;
	struct attempt *at = calloc(1, sizeof(*at));

	(void)channel, (void)easy;
	if (at == NULL)
		return TOCSIN_TRY_LATER;
	misbehave();
	int rc = host->render(host->core, msg, &what, &body);

	what.escape = fault == GUEST_BREAKS_LINES ? TOCSIN_ESCAPE_NONE : TOCSIN_ESCAPE_HEADER;
	if (rc == TOCSIN_OK)
		rc = host->render(host->core, msg, &what, &title);
	if (rc != TOCSIN_OK) {
		guest_release(channel, at);
		return rc;
	}
	char *line = line_make("X-Title: ", title, "");

	at->headers = curl_slist_append(NULL, "Content-Type: application/json");
	if (line != NULL)
		curl_slist_append(at->headers, line);
	free(line);
	at->body = line_make("{\"text\":\"", body, "\"}");
	at->key = configs->key;
	out->url = msg->target;
	out->headers = at->headers;
	out->body = (struct tocsin_span){ at->body, at->body == NULL ? 0 : strlen(at->body) };
	out->attempt = at;
	return TOCSIN_OK;
}

static void guest_classify(void *channel, void *given, CURL *easy, const struct tocsin_outcome *out,
			   struct tocsin_verdict *v)
{
	const struct attempt *at = given;

	(void)channel, (void)easy;
	if (fault == GUEST_IS_SILENT)
		return;
	if (fault == GUEST_CRASHES && out->body.len >= 4096)
		raise(SIGSEGV);
	v->kind = out->status / 100 == 2 ? TOCSIN_DELIVERED : TOCSIN_RETRY;
	v->retry_after_ms = out->retry_after_ms;
	snprintf(v->reason, sizeof(v->reason), "answered %ld%s%s", out->status,
		 fault == GUEST_TELLS_SECRET ? " to " : "",
		 fault == GUEST_TELLS_SECRET ? at->key : "");
}

TOCSIN_CHANNEL_DEFINE = {
	.abi = TOCSIN_CHANNEL_ABI,
	.size = sizeof(struct tocsin_channel),
	.name = "guest",
	.version = "1",
	.schemes = "http,https",
	.fields = fields,
	.configs_bytes = sizeof(struct guest_configs),
	.open = guest_open,
	.prepare = guest_prepare,
	.classify = guest_classify,
	.release = guest_release,
};
