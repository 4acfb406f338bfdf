/* field.h - one value of a channel's configs, by its row of the plugin's table.
 * SPDX-License-Identifier: MIT
 * The JSON form and the form in the plugin's struct of every kind, in one place. */
#ifndef TOCSIN_CHANNEL_FIELD_H
#define TOCSIN_CHANNEL_FIELD_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/address.h"
#include "base/json.h"
#include "model/faults.h"
#include "tocsin/channel.h"

struct field_rules {
	const struct guard *guard; /* a literal address that it denies is a fault; NULL: none is */
	size_t targets_max;        /* elements of a list that names targets */
};

/* One check of one value. All borrowed. */
struct field_check {
	const struct tocsin_field *row;
	const struct field_rules *rules;
	const struct loc *loc; /* of the value */
	struct faults *faults;
};

/* Check value (not null) and write its normalised form. After a fault what was
 * written is of no use. Thread: any. */
void field_check(const struct field_check *c, struct json_object *value, struct json_writer *w);

/* value with every secret that equals its own mask replaced by old's (may be
 * NULL). Owner: the caller, json_object_put(). */
struct json_object *field_unmask(const struct tocsin_field *row, struct json_object *value,
				 struct json_object *old);
/* value as it is shown: masked when the row is a secret. */
void field_show(const struct tocsin_field *row, struct json_object *value, struct json_writer *w);
/* A secret text as it is shown, and whether a text looks like that. */
void field_mask(struct span text, struct buf *out);
bool field_is_masked(struct span text);

/* The row's default, or NULL. Owner: the caller, json_object_put(). */
struct json_object *field_default(const struct tocsin_field *row);

/* Write value (NULL: absent) at the row's offset in values, which is zeroed.
 * False when its type does not fit the row. Owner: values; field_finish(). */
bool field_fill(const struct tocsin_field *row, struct json_object *value, void *values);
void field_finish(const struct tocsin_field *row, void *values);

/* What the kind occupies in the plugin's struct; 0 for an unknown kind. */
size_t field_bytes(uint32_t kind);
bool field_is_text(uint32_t kind); /* is it a const char * there? */
/* A row whose value, or whose list's elements, are secret texts. */
bool field_is_secret(const struct tocsin_field *row);

enum { SECONDS_TEXT_BYTES = 32 };
/* Seconds with a fraction, as the API writes them: 10.0, 1.25. ms: not negative. */
void field_seconds_format(int64_t ms, char out[SECONDS_TEXT_BYTES]);

/* The JSON Schema of the row, as the value of what w is at. */
void field_schema(const struct tocsin_field *row, struct json_writer *w);

#endif
