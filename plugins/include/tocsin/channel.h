/* tocsin/channel.h - the contract between the core and a channel plugin.
 * SPDX-License-Identifier: MIT
 *
 * A plugin turns one message into one libcurl transfer and reads the result.
 * It never blocks, never opens a socket itself and never touches the store.
 *
 *   open()                                       per channel, at start-up
 *   prepare() -> [transfer] -> classify() -> release()      per attempt
 *   close()                                      per channel, at shutdown
 *
 * THREADS    Calls come from the core's delivery threads, at once for
 *            different attempts, never two for one attempt, and never from
 *            inside a libcurl callback. What open() built is read-only
 *            afterwards unless you lock it. Return within 5 ms.
 * OWNERSHIP  "borrowed": valid only until the call returns, unless stated.
 *            "yours":    the plugin frees it. "core's": never free it.
 * UNITS      In the name: _ms, _s, _bytes. Wall-clock is UTC since 1970.
 * TEXT       UTF-8; NUL-terminated unless it is a struct tocsin_span.
 * CURL       Link the same shared libcurl as the core, never a static one.
 *
 * Members are only ever appended to these structs within one ABI number; each
 * begins with its size or is reached through one that does.
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

/* What every call that can fail returns. */
enum tocsin_rc {
	TOCSIN_OK = 0,
	TOCSIN_BAD_CONFIG = 1,  /* open(): settings are wrong; start-up stops */
	TOCSIN_BAD_MESSAGE = 2, /* prepare(): can never be sent; fails for good */
	TOCSIN_TRY_LATER = 3    /* short of memory or state; counts as a retry */
};

/* --- The two tables a plugin declares ----------------------------------
 * settings: keys of its group in tocsin.conf, read once at start-up.
 * fields:   keys of a webhook's `configs`, checked when a webhook is saved.
 * The core parses, checks and applies defaults, then writes each value at its
 * offset in the plugin's own struct. OpenAPI and the manual print from here. */
enum tocsin_kind {
	TOCSIN_TEXT = 1,     /* const char *; min, max: characters */
	TOCSIN_INT,          /* int64_t */
	TOCSIN_NUMBER,       /* double; min, max whole */
	TOCSIN_BOOL,         /* uint8_t, 0 or 1 */
	TOCSIN_TIME_MS,      /* int64_t milliseconds; "10s" in tocsin.conf, seconds as
	                    a JSON number in configs; min, max in milliseconds */
	TOCSIN_SIZE,         /* int64_t bytes; "256K" in tocsin.conf */
	TOCSIN_CHOICE,       /* const char *; one of choices */
	TOCSIN_URL,          /* const char *; http(s), normalised; the address guard applies */
	TOCSIN_OPERATOR_URL, /* const char *; settings only: this host and port may be private */
	TOCSIN_EMAIL,        /* const char *; one address */
	TOCSIN_PHONE,        /* const char *; E.164 with + */
	TOCSIN_LIST,         /* struct tocsin_list; of item kind; min, max: elements */
	TOCSIN_PAIRS,        /* struct tocsin_pairs; an object of texts; max: members */
	TOCSIN_OBJECT,       /* struct tocsin_span; a JSON object as it was given */
	TOCSIN_TEMPLATE      /* const char *; text with placeholders */
};

enum {
	TOCSIN_REQUIRED = 1 << 0,  /* must be given (with a group: when that group is used) */
	TOCSIN_SECRET = 1 << 1,    /* never logged, masked in replies */
	TOCSIN_IS_TARGET = 1 << 2, /* fields: this value, or each element of this list, is a
	                               target: one delivery each */
	TOCSIN_IS_TIMEOUT =
		1 << 3,            /* fields: TIME_MS over one whole attempt; the core applies it */
	TOCSIN_IS_HEADERS = 1 << 4 /* PAIRS: names and values must be fit for HTTP headers */
};

struct tocsin_field {
	const char *key, *help; /* key NULL ends the table */
	uint32_t kind, flags;   /* enum tocsin_kind; TOCSIN_REQUIRED | ... */
	uint32_t item;          /* TOCSIN_LIST: TEXT, URL, EMAIL or PHONE */
	int64_t min, max;       /* both 0: no limit of your own */
	const char *dflt; /* as written in tocsin.conf (settings), as JSON (fields); NULL: none */
	const char *const *choices; /* TOCSIN_CHOICE: ends with NULL */
	/* Fields with the same group belong together; when any field has a group,
	 * exactly one group must be given. NULL: always allowed. */
	const char *group;
	const char *alias; /* another spelling of key that is accepted; NULL: none */
	size_t offset;     /* in the plugin's settings or configs struct */
};

/* --- Per attempt -------------------------------------------------------- */

/* One message to send. All borrowed until release(). */
struct tocsin_message {
	uint32_t size;    /* sizeof in the core */
	uint32_t attempt; /* 1 for the first try */
	/* Names the event to the receiver, [A-Za-z0-9_-]{1,64}; the same on each try. */
	const char *message_id;
	const char *event_id; /* the event's id in the API; may be a producer's own */
	const char *event_type;
	const char *delivery_id;
	const char *webhook_id, *webhook_name;
	const char *target;          /* this delivery's one target: a URL, number or address */
	const void *configs;         /* your configs struct, filled from fields */
	struct tocsin_span envelope; /* the event as JSON, as the API documents it */
	int64_t timestamp_s;         /* moment of this attempt */
	int64_t occurred_at_ms;      /* when it happened, as the producer says */
	int64_t accepted_at_ms;      /* when we stored it */
	uint32_t is_test;            /* 1: published with a test key */
};

/* Services the core lends a plugin. core's; valid from open() on, any thread. */
struct tocsin_host {
	uint32_t abi, size;     /* TOCSIN_CHANNEL_ABI; sizeof in the core */
	void *core;             /* opaque; first argument of every service */
	const char *user_agent; /* "Tocsin/1.0" */
	/* One line, no secrets, no payload. level is a syslog priority. */
	void (*log)(void *core, int level, const char *fmt, ...);
	/* Write the Standard Webhooks signatures of body ("v1,… v1,…", newest
	 * secret first) for msg's id, timestamp_s and webhook secrets.
	 * Returns the length, or 0 when out is too small (512 always suffices). */
	size_t (*sign)(void *core, const struct tocsin_message *msg, struct tocsin_span body,
		       char *out, size_t out_bytes);
	/* HMAC-SHA256 of data under key. */
	void (*hmac)(void *core, struct tocsin_span key, struct tocsin_span data,
		     unsigned char out[32]);
	/* Overwrite a secret in a way that the compiler keeps. */
	void (*wipe)(void *core, void *ptr, size_t bytes);
};

/* What came back. All borrowed until classify() returns. */
struct tocsin_outcome {
	uint32_t size;           /* sizeof in the core */
	CURLcode curl;           /* CURLE_OK: a full reply was read */
	long status;             /* HTTP or SMTP reply code, 0 when none */
	int64_t retry_after_ms;  /* Retry-After, clamped; 0 when absent or bad */
	struct tocsin_span body; /* first bytes of the reply, capped */
	const char *curl_error;  /* libcurl's text, "" when none */
};

enum tocsin_verdict_kind {
	TOCSIN_UNKNOWN = 0, /* taken as TOCSIN_RETRY */
	TOCSIN_DELIVERED = 1,
	TOCSIN_RETRY = 2,
	TOCSIN_FAILED = 3, /* final */
	TOCSIN_GONE = 4    /* final, and this channel of the webhook is disabled */
};

/* The plugin's judgement. Zeroed by the core before classify(). */
struct tocsin_verdict {
	uint32_t size;          /* sizeof in the core */
	uint32_t kind;          /* enum tocsin_verdict_kind */
	int64_t retry_after_ms; /* TOCSIN_RETRY: at least this; 0 = our policy */
	uint32_t throttled;     /* 1: the receiver is overloaded; its window shrinks */
	char reason[160];       /* shown to the tenant; no secrets */
};

/* The plugin. One const instance, exported under TOCSIN_CHANNEL_SYMBOL.
 * New members are appended; a member beyond `size` reads as NULL. */
struct tocsin_channel {
	uint32_t abi, size;  /* TOCSIN_CHANNEL_ABI; sizeof when built */
	const char *name;    /* the plugin's own, "slack"; a declaration may use any */
	const char *version; /* the plugin's own */
	const char *schemes; /* URL schemes its transfers use, "http,https" */
	const struct tocsin_field *settings; /* NULL: none */
	size_t settings_bytes;               /* sizeof the settings struct */
	const struct tocsin_field *fields;
	size_t configs_bytes; /* sizeof the configs struct */

	/* Check settings together and build state. settings: core's, valid until
	 * close(). On failure write why into err and leave *channel alone. */
	int (*open)(const struct tocsin_host *host, const void *settings, void **channel, char *err,
		    size_t err_bytes);

	/* Fill easy (core's, freshly reset) for msg: URL, headers, body, auth.
	 * *attempt is yours and must keep alive all libcurl was given; release()
	 * is called for it exactly once, also after a cancelled transfer.
	 * A READFUNCTION may only copy memory it already holds.
	 * The core afterwards sets, and so overrides: PRIVATE, ERRORBUFFER,
	 * WRITE/HEADERFUNCTION, timeouts, PROTOCOLS_STR, OPENSOCKETFUNCTION,
	 * RESOLVE, FOLLOWLOCATION (off), NOSIGNAL, proxy, certificate checks. */
	int (*prepare)(void *channel, const struct tocsin_message *msg, CURL *easy, void **attempt);

	/* Pure judgement; easy may be read with curl_easy_getinfo(). */
	void (*classify)(void *channel, void *attempt, CURL *easy, const struct tocsin_outcome *out,
			 struct tocsin_verdict *v);
	void (*release)(void *channel, void *attempt); /* attempt may be NULL */
	void (*close)(void *channel);                  /* channel may be NULL */
};

#define TOCSIN_CHANNEL_SYMBOL "tocsin_channel_v1"
#define TOCSIN_EXPORT         __attribute__((visibility("default")))
#define TOCSIN_CHANNEL_DEFINE const struct tocsin_channel tocsin_channel_v1
TOCSIN_EXPORT extern TOCSIN_CHANNEL_DEFINE;

#ifdef __cplusplus
}
#endif

#endif
