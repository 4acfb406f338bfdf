/* tocsin/channel.h - the contract between the core and a channel plugin.
 * SPDX-License-Identifier: MIT
 *
 * A plugin turns one message into one request and reads the result. It never
 * blocks, never opens a socket itself and never touches the store; one that
 * cannot work like that gives deliver() instead.
 *
 *   open()                                       per channel, at start-up
 *   check()                                      when a webhook is saved
 *   prepare() -> [transfer] -> classify() -> release()      per attempt
 *   deliver()                                    instead of these, if you must
 *   close()                                      per channel, at shutdown
 *
 * THREADS    Calls come from the core's threads, at once for different
 *            attempts, never two for one attempt, and never from inside a
 *            libcurl callback. What open() built is read-only afterwards
 *            unless you lock it. Return within 5 ms (deliver() excepted).
 * OWNERSHIP  "borrowed": valid only until the call returns, unless stated.
 *            "yours":    the plugin frees it. "core's": never free it.
 * UNITS      In the name: _ms, _s, _bytes. Wall-clock is UTC since 1970.
 * TEXT       UTF-8; NUL-terminated unless it is a struct tocsin_span.
 * CURL       Link the same shared libcurl as the core, never a static one.
 *
 * Members are only ever appended to these structs within one ABI number; each
 * begins with its size or is reached through one that does. Numbers of enums
 * never change their meaning.
 */
#ifndef TOCSIN_CHANNEL_H
#define TOCSIN_CHANNEL_H

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TOCSIN_CHANNEL_ABI 1u /* raised only when an old plugin would break */

struct tocsin_span {
	const char *ptr;
	size_t len;
}; /* borrowed bytes; ptr NULL when absent */

struct tocsin_list {
	const char *const *items;
	size_t count;
};

struct tocsin_pair {
	const char *name, *value;
};

struct tocsin_pairs {
	const struct tocsin_pair *items;
	size_t count;
};

/* A template, checked and compiled by the core; render() fills it. */
struct tocsin_template;

/* What every call that can fail returns. */
enum tocsin_rc {
	TOCSIN_OK = 0,
	TOCSIN_BAD_CONFIG = 1,  /* open(), check(): settings or configs are wrong */
	TOCSIN_BAD_MESSAGE = 2, /* prepare(): can never be sent; fails for good */
	TOCSIN_TRY_LATER = 3    /* short of memory or state; counts as a retry */
};

/* --- The two tables a plugin declares ----------------------------------
 * settings: keys of its group in tocsin.conf, read once at start-up.
 * fields:   keys of a webhook's `configs`, checked when a webhook is saved.
 * The core parses, checks and applies defaults, then writes each value at its
 * offset in the plugin's own struct. OpenAPI and the manual print from here. */
enum tocsin_kind {
	TOCSIN_TEXT = 1,      /* const char *; min, max: characters */
	TOCSIN_INT,           /* int64_t */
	TOCSIN_NUMBER,        /* double; min, max whole */
	TOCSIN_BOOL,          /* uint8_t, 0 or 1 */
	TOCSIN_TIME_MS,       /* int64_t milliseconds; "10s" in tocsin.conf, seconds as
	                         a JSON number in configs; min, max in milliseconds */
	TOCSIN_SIZE,          /* int64_t bytes; "256K" in tocsin.conf */
	TOCSIN_CHOICE,        /* const char *; one of choices */
	TOCSIN_URL,           /* const char *; http(s), normalised; the address guard applies */
	TOCSIN_OPERATOR_URL,  /* const char *; settings only: one of your schemes; requests
	                         to this host and port skip the address guard */
	TOCSIN_EMAIL,         /* const char *; one address */
	TOCSIN_PHONE,         /* const char *; E.164 with +, blanks and dashes taken out */
	TOCSIN_LIST,          /* struct tocsin_list; of item kind; min, max: elements */
	TOCSIN_PAIRS,         /* struct tocsin_pairs; an object of texts; max: members */
	TOCSIN_OBJECT,        /* struct tocsin_span; a JSON object as it was given */
	TOCSIN_TEMPLATE,      /* const struct tocsin_template *; text with placeholders;
	                         min, max: its characters */
	TOCSIN_JSON_TEMPLATE, /* const struct tocsin_template *; fields only: JSON whose strings
	                         are templates. item TOCSIN_OBJECT: an object; item
	                         TOCSIN_LIST: an array or an object, or a text that holds one */
	TOCSIN_FILE           /* const char *; settings only: a readable file's absolute path
	                         (in tocsin.conf relative to that file) */
};

enum tocsin_flag {
	TOCSIN_REQUIRED = 1 << 0,   /* must be given (with a group: when that group is used) */
	TOCSIN_SECRET = 1 << 1,     /* never logged, masked in replies */
	TOCSIN_IS_TARGET = 1 << 2,  /* fields: this value, or each element of this list, is a
	                               target: one delivery each */
	TOCSIN_IS_TIMEOUT = 1 << 3, /* TIME_MS over one whole attempt; the core applies it. A
	                               field overrides a setting */
	TOCSIN_IS_HEADERS = 1 << 4, /* PAIRS: names and values must be fit for HTTP headers */
	/* settings, NUMBER: at most so many messages a second, 0 = no limit, to one
	 * target, or by the whole channel; the core makes the rest wait their turn. */
	TOCSIN_IS_TARGET_RATE = 1 << 5,
	TOCSIN_IS_CHANNEL_RATE = 1 << 6
};

struct tocsin_field {
	const char *key, *help; /* key NULL ends the table */
	uint32_t kind, flags;   /* enum tocsin_kind; TOCSIN_REQUIRED | ... */
	uint32_t item;    /* TOCSIN_LIST: TEXT, URL, EMAIL or PHONE; JSON_TEMPLATE: see there */
	int64_t min, max; /* both 0: no limit of your own */
	const char *dflt; /* as written in tocsin.conf (settings), as JSON (fields); NULL: none */
	const char *const *choices; /* TOCSIN_CHOICE: ends with NULL */
	/* Fields with the same group belong together; when any field has a group,
	 * exactly one group must be given. NULL: always allowed. */
	const char *group;
	const char *alias; /* another spelling of key that is accepted; NULL: none */
	size_t offset;     /* in the plugin's settings or configs struct */
};

/* --- Per attempt -------------------------------------------------------- */

/* One message to send. All borrowed until release() (until deliver() returns). */
struct tocsin_message {
	uint32_t size;    /* sizeof in the core */
	uint32_t attempt; /* 1 for the first try */
	/* Names the event to the receiver, [A-Za-z0-9_-]{1,64}; the same on each try. */
	const char *message_id;
	const char *event_id; /* the event's id in the API; may be a producer's own */
	const char *event_type;
	const char *delivery_id;
	const char *webhook_id, *webhook_name;
	const char *channel;         /* the name this channel is declared under */
	const char *target;          /* this delivery's one target: a URL, number or address */
	const void *configs;         /* your configs struct, filled from fields */
	struct tocsin_span envelope; /* the event as JSON, as the API documents it */
	int64_t timestamp_s;         /* moment of this attempt */
	int64_t occurred_at_ms;      /* when it happened, as the producer says */
	int64_t accepted_at_ms;      /* when we stored it */
	int64_t timeout_ms;          /* what this attempt may take as a whole */
	uint32_t is_test;            /* 1: published with a test key */
};

/* The request that prepare() describes; zeroed by the core before. All it points
 * to is yours and stays until release(), or is the message's or the core's.
 * The core copies it into the transfer; what is beyond it (user name, TLS files
 * and so on) prepare() sets on the easy handle itself. */
struct tocsin_request {
	uint32_t size;           /* sizeof in the core */
	uint32_t unused;         /* 0 */
	void *attempt;           /* yours; given to classify() and release(). May stay NULL */
	const char *url;         /* where to; its scheme is one of your schemes */
	struct tocsin_span body; /* an HTTP body, or the whole mail with CR LF lines */
	const char *method;      /* http: NULL is POST, or PUT, PATCH … */
	struct curl_slist
		*headers;      /* http: "Name: value" lines, as CURLOPT_HTTPHEADER takes them */
	const char *mail_from; /* smtp: the envelope's sender, NULL for none */
	struct curl_slist *mail_to; /* smtp: the envelope's recipients */
	char reason[160];           /* after TOCSIN_BAD_MESSAGE or TRY_LATER: why, for the tenant */
	/* What a preview shows instead of body, where that holds what the tenant must not
	 * see or cannot read ("the text of a message, 2 parts"). ptr NULL: the body. */
	struct tocsin_span shown;
};

/* Where rendered values land; they are escaped for it. In JSON and HEADER the raw
 * tags {{{x}}} and {{&x}} escape all the same. */
enum tocsin_escape {
	TOCSIN_ESCAPE_NONE = 0, /* plain text */
	TOCSIN_ESCAPE_HTML,     /* text and quoted attributes */
	TOCSIN_ESCAPE_JSON,     /* inside the quotes of a JSON string */
	TOCSIN_ESCAPE_SLACK,    /* Slack's mrkdwn: & < > */
	TOCSIN_ESCAPE_MARKDOWN, /* CommonMark: data never becomes markup */
	TOCSIN_ESCAPE_HEADER,   /* one line: controls become blanks */
	TOCSIN_ESCAPE_URL       /* one part of a URL or of a form: percent-encoded */
};

struct tocsin_render {
	uint32_t size;   /* sizeof in the plugin */
	uint32_t escape; /* enum tocsin_escape; for JSON templates: inside their strings */
	const struct tocsin_template *text;
	struct tocsin_pairs extra; /* names of your own; they go before the event's */
};

enum tocsin_time_form {
	TOCSIN_TIME_ISO = 0, /* 2026-11-24T05:27:39.123Z (RFC 3339) */
	TOCSIN_TIME_MAIL,    /* Tue, 24 Nov 2026 05:27:39 +0000 (RFC 5322) */
	TOCSIN_TIME_PEOPLE   /* 24 Nov 2026, 05:27:39 UTC */
};

enum {
	TOCSIN_SIGN_V1 = 1 << 0, /* HMAC-SHA256, one signature per valid secret */
	TOCSIN_SIGN_V1A = 1 << 1 /* Ed25519, one signature per valid secret */
};

/* Services the core lends a plugin. core's; valid from open() on, any thread. */
struct tocsin_host {
	uint32_t abi, size;     /* TOCSIN_CHANNEL_ABI; sizeof in the core */
	void *core;             /* opaque; first argument of every service */
	const char *user_agent; /* "Tocsin/1.0" */
	/* One line, no secrets, no payload. level is a syslog priority. */
	void (*log)(void *core, int level, const char *fmt, ...);
	/* Write the Standard Webhooks signatures of body ("v1,… v1,… v1a,…", newest
	 * secret first) for msg's id, timestamp_s and webhook secrets. kinds: TOCSIN_SIGN_…
	 * Returns the length, or 0 when out is too small (1024 always suffices). */
	size_t (*sign)(void *core, const struct tocsin_message *msg, struct tocsin_span body,
		       uint32_t kinds, char *out, size_t out_bytes);
	/* HMAC-SHA256 of data under key. */
	void (*hmac)(void *core, struct tocsin_span key, struct tocsin_span data,
		     unsigned char out[32]);
	/* Overwrite a secret in a way that the compiler keeps. */
	void (*wipe)(void *core, void *ptr, size_t bytes);
	/* Fill a template with msg's event. *out is the core's until release() (deliver():
	 * until it returns), with a NUL behind it. Returns TOCSIN_OK, TOCSIN_BAD_MESSAGE
	 * (the result is too large) or TOCSIN_TRY_LATER. */
	int (*render)(void *core, const struct tocsin_message *msg,
		      const struct tocsin_render *what, struct tocsin_span *out);
	/* Compile a text of your own, at open() only; kept until the process ends. NULL with
	 * why in err when it is no template. */
	const struct tocsin_template *(*compile)(void *core, const char *text, char *err,
						 size_t err_bytes);
	/* Write a moment and a NUL; form: enum tocsin_time_form. 40 bytes always suffice. */
	void (*format_time)(void *core, int64_t wall_ms, uint32_t form, char *out,
			    size_t out_bytes);
};

/* What came back. All borrowed until classify() returns. */
struct tocsin_outcome {
	uint32_t size;                /* sizeof in the core */
	CURLcode curl;                /* CURLE_OK: a full reply was read */
	long status;                  /* HTTP or SMTP reply code, 0 when none */
	int64_t retry_after_ms;       /* Retry-After, clamped; 0 when absent or bad */
	struct tocsin_span body;      /* http: first bytes of the reply, capped */
	const char *curl_error;       /* libcurl's text, "" when none */
	struct tocsin_span last_line; /* not http: the server's last reply line, no CR LF */
};

enum tocsin_verdict_kind {
	TOCSIN_UNKNOWN = 0, /* taken as TOCSIN_RETRY */
	TOCSIN_DELIVERED = 1,
	TOCSIN_RETRY = 2,
	TOCSIN_FAILED = 3, /* final */
	TOCSIN_GONE = 4    /* final, and this channel of the webhook is disabled */
};

/* The plugin's judgement. Zeroed by the core before classify() or deliver(). */
struct tocsin_verdict {
	uint32_t size;          /* sizeof in the core */
	uint32_t kind;          /* enum tocsin_verdict_kind */
	int64_t retry_after_ms; /* TOCSIN_RETRY: at least this; 0 = our policy */
	uint32_t throttled;     /* 1: the receiver is overloaded; its window shrinks */
	uint32_t status;        /* deliver(): the reply's number, 0 when there is none */
	/* Shown to the tenant with the attempt, also when it delivered ("accepted as
	 * SM12, 2 parts"); no secrets. */
	char reason[160];
};

/* What check() found; zeroed by the core before. */
struct tocsin_fault {
	uint32_t size;   /* sizeof in the core */
	uint32_t unused; /* 0 */
	char key[64];    /* the field it is about; "" = the configs as a whole */
	char text[160];  /* what is wrong and what is right, for people */
};

/* The plugin. One const instance, exported under TOCSIN_CHANNEL_SYMBOL.
 * New members are appended; a member beyond `size` reads as NULL. */
struct tocsin_channel {
	uint32_t abi, size;  /* TOCSIN_CHANNEL_ABI; sizeof when built */
	const char *name;    /* the plugin's own, "slack"; a declaration may use any */
	const char *version; /* the plugin's own */
	const char *schemes; /* URL schemes of its requests, "http,https"; NULL with deliver() */
	const struct tocsin_field *settings; /* NULL: none */
	size_t settings_bytes;               /* sizeof the settings struct */
	const struct tocsin_field *fields;
	size_t configs_bytes; /* sizeof the configs struct */

	/* Check settings together and build state. settings: core's, valid until
	 * close(). On failure write why into err and leave *channel alone. NULL: none. */
	int (*open)(const struct tocsin_host *host, const void *settings, void **channel, char *err,
		    size_t err_bytes);

	/* Describe the request for msg. easy is the core's, fresh; only what *out has
	 * no member for is set there. After TOCSIN_OK release() is called exactly once,
	 * also when the transfer never began. The core afterwards sets, and so
	 * overrides: URL, body, method, headers, mail envelope, PRIVATE, ERRORBUFFER,
	 * READ/WRITE/HEADERFUNCTION, timeouts, PROTOCOLS_STR, OPENSOCKETFUNCTION,
	 * RESOLVE, FOLLOWLOCATION (off), NOSIGNAL, proxy, certificate checks.
	 * Also called, and only released, to show what would be sent. */
	int (*prepare)(void *channel, const struct tocsin_message *msg, CURL *easy,
		       struct tocsin_request *out);

	/* Pure judgement; easy may be read with curl_easy_getinfo() and curl_easy_header(). */
	void (*classify)(void *channel, void *attempt, CURL *easy, const struct tocsin_outcome *out,
			 struct tocsin_verdict *v);
	void (*release)(void *channel, void *attempt); /* attempt may be NULL */
	void (*close)(void *channel);                  /* channel may be NULL. NULL: none */

	/* What no single row can say about configs, when a webhook is saved: TOCSIN_OK or
	 * TOCSIN_BAD_CONFIG with *out. configs: filled as for prepare(). NULL: none. */
	int (*check)(void *channel, const void *configs, struct tocsin_fault *out);

	/* Instead of prepare(), classify() and release(), which are then NULL: send msg, wait
	 * for the answer, judge it. May block, on a thread of the slow lane, for
	 * msg->timeout_ms; a call that takes longer is given up and reported. */
	void (*deliver)(void *channel, const struct tocsin_message *msg, struct tocsin_verdict *v);

	/* TOCSIN_SLOW_LANE: transfers wait inside libcurl or are few and slow; they get
	 * threads of their own. smtp and smtps always do. */
	uint32_t lane;
	uint32_t unused; /* 0 */
};

enum { TOCSIN_FAST_LANE = 0, TOCSIN_SLOW_LANE = 1 };

#define TOCSIN_CHANNEL_SYMBOL "tocsin_channel_v1"
#define TOCSIN_EXPORT         __attribute__((visibility("default")))
#define TOCSIN_CHANNEL_DEFINE const struct tocsin_channel tocsin_channel_v1
TOCSIN_EXPORT extern TOCSIN_CHANNEL_DEFINE;

#ifdef __cplusplus
}
#endif

#endif
