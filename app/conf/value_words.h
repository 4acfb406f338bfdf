/* value_words.h - what a value is, may be and should have been, in words.
 * SPDX-License-Identifier: MIT
 * Values of rows flagged TOCSIN_SECRET are never among the words. */
#ifndef TOCSIN_CONF_VALUE_WORDS_H
#define TOCSIN_CONF_VALUE_WORDS_H

#include <libconfig.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "conf/settings.h"

/* What is being read, for the faults and for `file:`; all borrowed. */
struct value_place {
	const char *file;   /* of the setting, or "command line"; NULL: nowhere */
	unsigned line;      /* 0: none */
	const char *key;    /* "delivery.in_flight" */
	const char *folder; /* `file:PATH` starts here; NULL: the current one */
	long index;         /* of a list's element; -1: no element */
	struct setting_faults *faults;
};

static inline bool value_is_secret(const struct tocsin_field *row)
{
	return (row->flags & TOCSIN_SECRET) != 0;
}

static inline bool value_has_range(const struct tocsin_field *row)
{
	return row->min != 0 || row->max != 0;
}

/* Add the fault "PLACE: KEY <text>". */
void value_fault_add(const struct value_place *at, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Append what row allows: kind ("integer") and range ("1 to 64", with its
 * unit; nothing when there is none). */
void value_kind_describe(struct buf *out, const struct tocsin_field *row);
void value_range_describe(struct buf *out, const struct tocsin_field *row);
/* Both, as in "allowed is an integer, 1 to 64". */
void value_allowed_describe(struct buf *out, const struct tocsin_field *row);

/* Append a bound, or a number to compare with it, in the row's unit. */
void value_bound_describe(struct buf *out, const struct tocsin_field *row, int64_t bound);
/* What the range counts: " characters", " elements", " members" or "". */
const char *value_counted_of(const struct tocsin_field *row);

/* Add "PLACE: KEY is <found>; allowed is <kind and range>". */
void value_kind_refuse(const struct value_place *at, const struct tocsin_field *row,
		       const char *found);
/* The same for a value of the right kind: the range alone says it. */
void value_range_refuse(const struct value_place *at, const struct tocsin_field *row,
			const char *found);
/* For a text that breaks its kind's rules; shown unless it is a secret. */
void value_text_refuse(const struct value_place *at, const struct tocsin_field *row,
		       const char *text);
/* For a setting of another type than the row's. */
void value_type_refuse(const struct value_place *at, const struct tocsin_field *row,
		       const config_setting_t *s);

#endif
