/* ntfy.c - a channel for ntfy (https://ntfy.sh): one push message per topic.
 * An example of a plugin that is built outside Tocsin's tree: nothing is used but
 * the installed header, the services it lends and libcurl.
 * Any delivery thread; nothing changes after open().
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tocsin/channel.h>

enum {
	MESSAGE_MAX_BYTES = 4096, /* ntfy makes a file of what is longer */
	TOPIC_MAX_BYTES = 64,
	TAG_MAX_BYTES = 50,
	TAGS_MAX = 10,
	TOKEN_MAX_BYTES = 200,
};

/* --- What it is told ------------------------------------------------------------- */

struct ntfy_settings {
	const char *server, *token;
	int64_t timeout_ms;
};

static const struct tocsin_field settings[] = {
	{ .key = "server",
	  .help = "The ntfy server.",
	  .kind = TOCSIN_OPERATOR_URL,
	  .dflt = "https://ntfy.sh",
	  .offset = offsetof(struct ntfy_settings, server) },
	{ .key = "token",
	  .help = "Access token, tk_..., for servers and topics that want one.",
	  .kind = TOCSIN_TEXT,
	  .flags = TOCSIN_SECRET,
	  .min = 1,
	  .max = TOKEN_MAX_BYTES,
	  .offset = offsetof(struct ntfy_settings, token) },
	{ .key = "timeout",
	  .help = "What one attempt may take as a whole.",
	  .kind = TOCSIN_TIME_MS,
	  .flags = TOCSIN_IS_TIMEOUT,
	  .min = 1000,
	  .max = 60000,
	  .dflt = "10s",
	  .offset = offsetof(struct ntfy_settings, timeout_ms) },
	{ .key = NULL },
};

struct ntfy_configs {
	struct tocsin_list topics, tags;
	const struct tocsin_template *title, *message;
	int64_t priority;
	const char *click;
};

static const struct tocsin_field fields[] = {
	{ .key = "topics",
	  .help = "Topics to publish to: letters, digits, - and _. Each gets its own delivery.",
	  .kind = TOCSIN_LIST,
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET,
	  .item = TOCSIN_TEXT,
	  .min = 1,
	  .max = 20,
	  .offset = offsetof(struct ntfy_configs, topics) },
	{ .key = "title_template",
	  .help = "The message's title.",
	  .kind = TOCSIN_TEMPLATE,
	  .max = 500,
	  .dflt = "\"{{event_type}}\"",
	  .offset = offsetof(struct ntfy_configs, title) },
	{ .key = "message_template",
	  .help = "The message; what is beyond 4096 bytes is cut off.",
	  .kind = TOCSIN_TEMPLATE,
	  .dflt = "\"{{#subject}}{{subject}}\\n{{/subject}}{{event_type}} at {{occurred_at}}\"",
	  .offset = offsetof(struct ntfy_configs, message) },
	{ .key = "priority",
	  .help = "1 (hardly noticed) to 5 (urgent).",
	  .kind = TOCSIN_INT,
	  .min = 1,
	  .max = 5,
	  .dflt = "3",
	  .offset = offsetof(struct ntfy_configs, priority) },
	{ .key = "tags",
	  .help = "Tags and emoji short codes, like warning.",
	  .kind = TOCSIN_LIST,
	  .item = TOCSIN_TEXT,
	  .max = TAGS_MAX,
	  .dflt = "[]",
	  .offset = offsetof(struct ntfy_configs, tags) },
	{ .key = "click",
	  .help = "The page that a tap on the message opens.",
	  .kind = TOCSIN_URL,
	  .offset = offsetof(struct ntfy_configs, click) },
	{ .key = NULL },
};

/* --- Opening and checking ----------------------------------------------------------- */

struct ntfy {
	const struct tocsin_host *host;       /* core's */
	const struct ntfy_settings *settings; /* core's, until close() */
	char *base;                           /* the server without a slash at its end */
};

#define LETTERS_AND_DIGITS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static const char topic_characters[] = LETTERS_AND_DIGITS "-_";
static const char tag_characters[] = LETTERS_AND_DIGITS "-_+";

/* What becomes part of a path or of a header's line is looked at once, when it is
 * saved, and not at each attempt. */
static int is_word(const char *text, const char *allowed, size_t max)
{
	const size_t len = strspn(text, allowed);

	return len > 0 && len <= max && text[len] == '\0';
}

static void ntfy_close(void *channel)
{
	struct ntfy *ntfy = channel;

	if (ntfy == NULL)
		return;
	free(ntfy->base);
	free(ntfy);
}

static int ntfy_open(const struct tocsin_host *host, const void *values, void **channel, char *err,
		     size_t err_bytes)
{
	const struct ntfy_settings *given = values;

	if (given->token != NULL && !is_word(given->token, topic_characters, TOKEN_MAX_BYTES)) {
		snprintf(err, err_bytes,
			 "token holds something else than letters, digits, - and _");
		return TOCSIN_BAD_CONFIG;
	}
	struct ntfy *ntfy = calloc(1, sizeof(*ntfy));
	char *base = strdup(given->server);

	if (ntfy == NULL || base == NULL) {
		free(ntfy);
		free(base);
		snprintf(err, err_bytes, "out of memory");
		return TOCSIN_TRY_LATER;
	}
	for (size_t len = strlen(base); len > 0 && base[len - 1] == '/'; len--)
		base[len - 1] = '\0';
	*ntfy = (struct ntfy){ host, given, base };
	*channel = ntfy;
	return TOCSIN_OK;
}

static int fault_set(struct tocsin_fault *out, const char *key, const char *text)
{
	snprintf(out->key, sizeof(out->key), "%s", key);
	snprintf(out->text, sizeof(out->text), "%s", text);
	return TOCSIN_BAD_CONFIG;
}

static int ntfy_check(void *channel, const void *values, struct tocsin_fault *out)
{
	const struct ntfy_configs *configs = values;

	(void)channel;
	for (size_t i = 0; i < configs->topics.count; i++) {
		if (!is_word(configs->topics.items[i], topic_characters, TOPIC_MAX_BYTES))
			return fault_set(out, "topics",
					 "a topic is 1 to 64 letters, digits, - or _");
	}
	for (size_t i = 0; i < configs->tags.count; i++) {
		if (!is_word(configs->tags.items[i], tag_characters, TAG_MAX_BYTES))
			return fault_set(out, "tags",
					 "a tag is 1 to 50 letters, digits, -, _ or +");
	}
	return TOCSIN_OK;
}

/* --- The request --------------------------------------------------------------------- */

struct attempt {
	char *url;
	struct curl_slist *headers;
};

static void ntfy_release(void *channel, void *given)
{
	struct attempt *attempt = given;

	(void)channel;
	if (attempt == NULL)
		return;
	curl_slist_free_all(attempt->headers);
	free(attempt->url);
	free(attempt);
}

/* Owner: the caller, free(). NULL: out of memory. */
static char *join(const char *a, const char *b, const char *c)
{
	const size_t bytes = strlen(a) + strlen(b) + strlen(c) + 1;
	char *text = malloc(bytes);

	if (text != NULL)
		snprintf(text, bytes, "%s%s%s", a, b, c);
	return text;
}

static int header_add(struct attempt *attempt, const char *beginning, const char *value)
{
	char *line = join(beginning, value, "");
	struct curl_slist *longer = line == NULL ? NULL : curl_slist_append(attempt->headers, line);

	free(line);
	if (longer == NULL)
		return TOCSIN_TRY_LATER;
	attempt->headers = longer;
	return TOCSIN_OK;
}

/* ntfy reads only the first header of a name. */
static int tags_add(struct attempt *attempt, const struct tocsin_list *tags)
{
	char line[TAGS_MAX * (TAG_MAX_BYTES + 1) + 1] = "";
	size_t len = 0;

	for (size_t i = 0; i < tags->count && len < sizeof(line); i++)
		len += (size_t)snprintf(line + len, sizeof(line) - len, "%s%s", i == 0 ? "" : ",",
					tags->items[i]);
	return tags->count == 0 ? TOCSIN_OK : header_add(attempt, "Tags: ", line);
}

static int headers_build(const struct ntfy *ntfy, const struct ntfy_configs *configs,
			 const char *title, struct attempt *attempt)
{
	char priority[24];
	/* Without a value: libcurl is not to wait for "100 Continue". */
	int rc = header_add(attempt, "Expect:", "");

	snprintf(priority, sizeof(priority), "%lld", (long long)configs->priority);
	if (rc == TOCSIN_OK)
		rc = header_add(attempt, "User-Agent: ", ntfy->host->user_agent);
	if (rc == TOCSIN_OK)
		rc = header_add(attempt, "Content-Type: ", "text/plain; charset=utf-8");
	if (rc == TOCSIN_OK && title[0] != '\0')
		rc = header_add(attempt, "Title: ", title);
	if (rc == TOCSIN_OK)
		rc = header_add(attempt, "Priority: ", priority);
	if (rc == TOCSIN_OK)
		rc = tags_add(attempt, &configs->tags);
	if (rc == TOCSIN_OK && configs->click != NULL)
		rc = header_add(attempt, "Click: ", configs->click);
	if (rc == TOCSIN_OK && ntfy->settings->token != NULL)
		rc = header_add(attempt, "Authorization: Bearer ", ntfy->settings->token);
	return rc;
}

static int render(const struct ntfy *ntfy, const struct tocsin_message *msg,
		  const struct tocsin_template *text, enum tocsin_escape escape,
		  struct tocsin_span *out)
{
	const struct tocsin_render what = { .size = sizeof(what), .escape = escape, .text = text };

	/* A field without a value and without a default stays NULL. */
	*out = (struct tocsin_span){ "", 0 };
	return text == NULL ? TOCSIN_OK : ntfy->host->render(ntfy->host->core, msg, &what, out);
}

/* The longest beginning of text that ntfy takes, ending between two characters. */
static size_t message_cut(struct tocsin_span text)
{
	size_t len = text.len;

	if (len <= MESSAGE_MAX_BYTES)
		return len;
	for (len = MESSAGE_MAX_BYTES; len > 0 && ((unsigned char)text.ptr[len] & 0xC0) == 0x80;)
		len--;
	return len;
}

static int ntfy_prepare(void *channel, const struct tocsin_message *msg, CURL *easy,
			struct tocsin_request *out)
{
	const struct ntfy *ntfy = channel;
	const struct ntfy_configs *configs = msg->configs;
	struct attempt *attempt = calloc(1, sizeof(*attempt));
	struct tocsin_span title;

	(void)easy; /* out has a member for all that is needed */
	if (attempt == NULL)
		return TOCSIN_TRY_LATER;
	attempt->url = join(ntfy->base, "/", msg->target);
	int rc = attempt->url == NULL ? TOCSIN_TRY_LATER : TOCSIN_OK;

	if (rc == TOCSIN_OK)
		rc = render(ntfy, msg, configs->title, TOCSIN_ESCAPE_HEADER, &title);
	if (rc == TOCSIN_OK)
		rc = render(ntfy, msg, configs->message, TOCSIN_ESCAPE_NONE, &out->body);
	if (rc == TOCSIN_OK)
		rc = headers_build(ntfy, configs, title.ptr, attempt);
	if (rc != TOCSIN_OK) {
		/* release() is only called after TOCSIN_OK. */
		ntfy_release(channel, attempt);
		return rc;
	}
	out->body.len = message_cut(out->body);
	out->url = attempt->url;
	out->headers = attempt->headers;
	out->attempt = attempt;
	return TOCSIN_OK;
}

/* --- The answer ------------------------------------------------------------------------ */

static void ntfy_classify(void *channel, void *given, CURL *easy, const struct tocsin_outcome *out,
			  struct tocsin_verdict *v)
{
	(void)channel, (void)given, (void)easy;
	if (out->status == 0) {
		v->kind = TOCSIN_RETRY;
		snprintf(v->reason, sizeof(v->reason), "no answer: %s",
			 out->curl == CURLE_OK ? "no status" : curl_easy_strerror(out->curl));
		return;
	}
	snprintf(v->reason, sizeof(v->reason), "ntfy answered %ld", out->status);
	if (out->status >= 200 && out->status < 300) {
		/* Also when the rest of the answer got lost: ntfy has the message. */
		v->kind = TOCSIN_DELIVERED;
	} else if (out->status == 400 || out->status == 404 || out->status == 413) {
		v->kind = TOCSIN_FAILED;
	} else {
		/* 401 and 403 too: the operator may give another token meanwhile. */
		v->kind = TOCSIN_RETRY;
		v->throttled = out->status == 429 || out->status >= 500;
		v->retry_after_ms = out->retry_after_ms;
	}
}

TOCSIN_CHANNEL_DEFINE = {
	.abi = TOCSIN_CHANNEL_ABI,
	.size = sizeof(struct tocsin_channel),
	.name = "ntfy",
	.version = "1.0",
	.schemes = "http,https",
	.settings = settings,
	.settings_bytes = sizeof(struct ntfy_settings),
	.fields = fields,
	.configs_bytes = sizeof(struct ntfy_configs),
	.open = ntfy_open,
	.check = ntfy_check,
	.prepare = ntfy_prepare,
	.classify = ntfy_classify,
	.release = ntfy_release,
	.close = ntfy_close,
};
