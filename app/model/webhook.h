/* webhook.h - a subscription of one organization and its channels.
 * SPDX-License-Identifier: MIT
 * Values only; once shared between threads a webhook is never changed, but
 * replaced by a new one (domain/registry.h). */
#ifndef TOCSIN_MODEL_WEBHOOK_H
#define TOCSIN_MODEL_WEBHOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WEBHOOK_ID_BYTES = 3 + 10 + 1 };

enum channel_status { CHANNEL_ACTIVE = 0, CHANNEL_DISABLED };

/* One element of a field that lists targets. A channel whose target is one
 * plain value (a URL) has none: its deliveries carry target 0. */
struct channel_target {
	int64_t id;  /* row; 0 = not stored yet */
	char *value; /* owned; a number, an address */
};

/* One channel of one webhook: a destination. */
struct webhook_channel {
	int64_t id;        /* row, also the destination's id; 0 = not stored yet */
	char *name;        /* as tocsin.conf declares it; owned */
	char *description; /* owned; may be NULL */
	char *configs;     /* checked and normalised JSON object; owned */
	enum channel_status status;
	char *disabled_reason;          /* owned; NULL while active */
	struct channel_target *targets; /* owned */
	size_t target_count;
};

enum { SECRET_MAX_BYTES = 64 };

struct signing_secret {
	unsigned char bytes[SECRET_MAX_BYTES];
	size_t len;
	int64_t created_at_us;
	int64_t expires_at_us; /* 0 = the current one */
};

enum { WEBHOOK_SECRETS_MAX = 4 };

struct webhook {
	int64_t id; /* row; 0 = not stored yet */
	int64_t organization;
	char public_id[WEBHOOK_ID_BYTES]; /* "wh_…" */
	char *name;                       /* owned */
	char *description;                /* owned; may be NULL */
	char **event_types;               /* owned, each too */
	size_t event_type_count;
	bool is_active;
	char *disabled_reason; /* owned; set when Tocsin disabled it */
	int64_t created_at_us, updated_at_us;
	struct webhook_channel *channels; /* owned */
	size_t channel_count;
	struct signing_secret secrets[WEBHOOK_SECRETS_MAX]; /* newest first */
	size_t secret_count;
};

/* The last failure of a webhook, kept until the next success. */
struct webhook_error {
	bool is_set;
	char message[200], channel[64], event_id[256];
	int64_t status_code; /* 0 = none */
	int64_t occurred_at_us;
};

/* Free what is inside and zero it; secrets are wiped. */
void webhook_finish(struct webhook *w);
void webhook_channel_finish(struct webhook_channel *c);
/* A deep copy. Owner: out, webhook_finish(). */
void webhook_copy(const struct webhook *from, struct webhook *out);
/* Does any of its patterns match? */
bool webhook_matches(const struct webhook *w, const char *type, size_t type_bytes);

#endif
