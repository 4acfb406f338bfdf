/* conf.h - what tocsin.conf says, read and checked.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_CONF_CONF_H
#define TOCSIN_CONF_CONF_H

#include <libconfig.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/address.h"
#include "conf/settings.h"

struct conf_server {
	/* "unix:/run/tocsin/tocsin.sock", "tcp:127.0.0.1:9000" or "inherit" (fd 0) */
	const char *socket;
	const char *socket_mode;  /* "0660", octal, for a unix socket of our own */
	const char *socket_group; /* "" = unchanged */
	int64_t threads;          /* API threads: default 48, 1-64 */
	int64_t backlog;          /* 4096 */
	int64_t stop_timeout_ms;  /* running attempts get this long at a stop: "10s" */
};

struct conf_store {
	const char *path;        /* the SQLite file */
	int64_t cache_bytes;     /* writer's page cache: "16M" */
	int64_t readers;         /* pooled read connections: 4, 1-16 */
	int64_t busy_timeout_ms; /* "5s": how long another program may hold the lock */
	int64_t node;            /* 0-31, part of every id */
};

struct conf_log {
	const char *level; /* error warning notice info debug; default notice */
};

struct conf_api {
	int64_t body_max_bytes;   /* one request with one event or a webhook: "256K" */
	int64_t batch_max_bytes;  /* one batch request: "8M" */
	int64_t batch_max_events; /* 1000 */
	int64_t depth_max;        /* nesting of JSON: 64 */
};

struct conf_delivery {
	int64_t in_flight;                /* attempts at once: 1000 */
	int64_t in_memory_bytes;          /* payload bytes of deliveries held in memory: "16M" */
	int64_t window_start, window_max; /* attempts at once to one destination: 8, 64 */
	int64_t queue_max;                /* deliveries kept in memory per destination: 1024 */
	int64_t connect_timeout_ms;       /* "5s" */
	int64_t timeout_ms;               /* when the webhook names none: "10s" */
	int64_t reply_max_bytes;          /* read at most this much of a reply: "64K" */
	int64_t excerpt_bytes;            /* kept of a reply that is not 2xx: "1K" */
	int64_t resolver_threads;         /* 16 */
	int64_t lane_threads;             /* of the slow lane: 16 */
	const char *user_agent;           /* "" = Tocsin/VERSION */
};

struct conf_retry {
	struct tocsin_list schedule; /* pauses before the 2nd, 3rd … attempt: "5s" "5m" … */
	int64_t *pauses_ms;          /* the same parsed; owned */
	int64_t pause_count;
	int64_t jitter_percent;     /* each pause is lengthened by 0 … this: 20 */
	int64_t max_age_ms;         /* "5d" from acceptance */
	int64_t retry_after_max_ms; /* "24h" */
};

struct conf_guard {
	struct tocsin_list
		allow;      /* networks receivers may live in although special: "10.0.0.0/8" */
	struct guard guard; /* the same parsed */
};

struct conf_limits {
	int64_t webhooks;    /* per organization: 1000 */
	int64_t channels;    /* per webhook: 10 */
	int64_t targets;     /* per field: 100 */
	int64_t event_types; /* per webhook: 100 */
};

struct conf_events {
	struct tocsin_list types;  /* the catalogue */
	uint8_t closed;            /* 1: only types of the catalogue are accepted */
	int64_t secret_overlap_ms; /* old signing secret stays valid: "24h" */
};

struct conf_retention {
	int64_t max_age_ms;         /* "30d"; 0 = for ever */
	int64_t max_bytes;          /* 0 = no limit */
	int64_t payload_max_age_ms; /* 0 = as long as the event */
};

struct conf_channel {
	const char *name;              /* under which webhooks name it; owned */
	const char *plugin;            /* "http.so" or an absolute path; owned */
	const config_setting_t *group; /* the plugin's own settings; lives as long as the conf */
	/* Instead of group, "key=value" each, ends with NULL; borrowed. NULL: there are none. */
	const char *const *texts;
};

struct conf {
	struct conf_server server;
	struct conf_store store;
	struct conf_log log;
	struct conf_api api;
	struct conf_delivery delivery;
	struct conf_retry retry;
	struct conf_guard guard;
	struct conf_limits limits;
	struct conf_events events;
	struct conf_retention retention;
	const char *plugin_folder; /* where relative plugin names are found: default PLUGIN_DIR */
	struct conf_channel *channels;
	size_t channel_count;
	config_t file; /* libconfig's tree; kept for conf_channel.group */
	char *path;
};

/* Read path (NULL: nothing, so that the defaults hold) and apply overrides
 * ("store.path=/tmp/x.db"; NULL-terminated or NULL), last one wins. All faults at
 * once in faults; a syntax error or an unreadable file is one fault. `@include "x"`
 * is relative to the file.
 * Returns ERR_OK, or ERR_BAD_REQUEST with faults.
 * Owner  *out is owned either way; conf_finish(). */
MUST_CHECK enum err conf_load(const char *path, const char *const *overrides, struct conf *out,
			      struct setting_faults *faults);
void conf_finish(struct conf *c);

/* Every group of our own with its keys, for `tocsin settings`. */
void conf_print(FILE *out);

#endif
