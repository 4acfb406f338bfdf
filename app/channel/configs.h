/* configs.h - the `configs` of one channel of a webhook, by its plugin's table.
 * SPDX-License-Identifier: MIT
 * Checking (at save), compiling (once per change), masking and describing. No
 * field of any channel is known here. */
#ifndef TOCSIN_CHANNEL_CONFIGS_H
#define TOCSIN_CHANNEL_CONFIGS_H

#include <json-c/json.h>
#include <stdbool.h>

#include "base/address.h"
#include "base/json.h"
#include "channel/channels.h"
#include "model/faults.h"

struct configs_rules {
	const struct guard *guard; /* a literal address that it denies is a fault */
	size_t targets_max;        /* per listing field */
	const char *old;           /* the stored configs, for masked secrets; NULL: none */
};

/* Check given (from a request; any JSON type) by the channel's fields table and
 * write the normalised object to out: the table's order, aliases under their
 * main key, defaults filled in, null for absent optional values without default. Every fault
 * gets its loc below `loc`. A value equal to its own mask (secrets) is taken
 * from `old` (in rules).
 * Returns nothing: see faults->count. */
void configs_check(const struct channel *channel, struct json_object *given,
		   const struct configs_rules *rules, const struct loc *loc, struct faults *faults,
		   struct buf *out);

/* The values of the listing field(s) in stored configs, doubles removed, as an
 * owned array of owned texts; *out_count 0 when the target is a single value. */
char **configs_targets(const struct channel *channel, const char *stored, size_t *out_count);

/* The single target (a URL) of stored configs, or NULL. Owner: caller, free(). */
char *configs_target(const struct channel *channel, const char *stored);

/* Stored configs as they are shown: secrets masked. Appends an object. */
void configs_show(const struct channel *channel, const char *stored, struct buf *out);
/* One target as it is shown: masked when its field is a secret. Appends text. */
void configs_target_show(const struct channel *channel, struct span target, struct buf *out);

/* The plugin's configs struct, filled; read-only, shared by attempts. */
struct compiled_configs {
	void *values;       /* vtable.configs_bytes; texts inside are owned */
	char *target;       /* the single target; NULL when targets are listed */
	int64_t timeout_ms; /* 0: neither a field nor a setting says it */
	char *host;         /* of the single target when it is a URL; else NULL */
	uint16_t port;
	bool is_literal;                 /* host is an address: */
	struct sockaddr_storage address; /* that one */
	const struct channel *channel;   /* borrowed */
};

/* NULL when stored does not fit the table any more (another plugin version);
 * why says what. Owner: caller, compiled_configs_destroy(). Thread: any. */
struct compiled_configs *configs_compile(const struct channel *channel, const char *stored,
					 struct why *why);
void compiled_configs_destroy(struct compiled_configs *c);

/* The JSON Schema of the channel's configs, appended as an object with this title. */
void configs_schema(const struct channel *channel, const char *title, struct json_writer *w);

#endif
