/* settings.h - the settings table machine: one table, one reader, one manual.
 * SPDX-License-Identifier: MIT
 * Reads a libconfig group into a struct through a table of tocsin_field rows
 * (the same rows that plugins use for theirs), reporting every fault. */
#ifndef TOCSIN_CONF_SETTINGS_H
#define TOCSIN_CONF_SETTINGS_H

#include <libconfig.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "tocsin/channel.h"

/* All faults found in one reading, one line of text each:
 * "tocsin.conf:12: delivery.in_flight is 0; allowed is 1 to 100000". */
struct setting_faults {
	char **lines; /* owned */
	size_t count;
};

void setting_faults_add(struct setting_faults *f, const char *fmt, ...) PRINTF_LIKE(2, 3);
void setting_faults_finish(struct setting_faults *f);

/* Read group (NULL: absent, defaults only) into values by table. `path` is the
 * group's name for messages ("delivery", "channels.slack"). Unknown keys, wrong
 * types, values out of range, missing required keys become faults.
 * `also` names keys that are read elsewhere and are no fault (ends with NULL;
 * may be NULL). Texts "env:NAME" and "file:PATH" (relative to the config
 * file; one trailing newline dropped; at most 64 KiB) are replaced for rows
 * flagged TOCSIN_SECRET.
 * Times: "250ms" "10s" "5m" "2h" "7d"; sizes: "512" "256K" "16M" "2G".
 * Owner  texts and lists in values are owned: settings_finish() with the same table. */
void settings_read(const config_setting_t *group, const char *path,
		   const struct tocsin_field *table, const char *const *also, void *values,
		   struct setting_faults *faults);
/* The same from texts, "key=value" each, as a command line has them; texts ends
 * with NULL. Lists are parted by commas, pairs are name=value. */
void settings_read_texts(const char *const *texts, const char *path,
			 const struct tocsin_field *table, void *values,
			 struct setting_faults *faults);
/* Free (and wipe secret) texts and lists. */
void settings_finish(const struct tocsin_field *table, void *values);

/* Print the table for `tocsin settings`: key, kind with unit, range, default,
 * help; one block a key, prefixed with path. */
void settings_print(FILE *out, const char *path, const struct tocsin_field *table);

/* Set one value from text, as `tocsin serve -o group.key=value` does. */
void settings_override(const char *path, const char *text, const struct tocsin_field *row,
		       void *values, struct setting_faults *faults);

bool setting_time_parse(const char *text, int64_t *out_ms);
bool setting_size_parse(const char *text, int64_t *out_bytes);

#endif
