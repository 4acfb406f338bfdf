/* value.h - one value: from the file or a text into its slot, by its row.
 * SPDX-License-Identifier: MIT
 * The part of the settings machine that knows the kinds of tocsin/channel.h. */
#ifndef TOCSIN_CONF_VALUE_H
#define TOCSIN_CONF_VALUE_H

#include <libconfig.h>

#include "conf/value_words.h"
#include "tocsin/channel.h"

/* Write a value to row's slot in values, in place of what is there. A value
 * that the row does not allow leaves the slot alone and becomes a fault. */
void value_setting_store(const struct value_place *at, const struct tocsin_field *row,
			 const config_setting_t *setting, void *values);
/* From a text, as defaults and `-o` give it: whole numbers, "true", list
 * elements parted by commas, pairs as name=value parted by commas. */
void value_text_store(const struct value_place *at, const struct tocsin_field *row,
		      const char *text, void *values);
/* Free (and wipe when secret) what row's slot holds and empty it. */
void value_finish(const struct tocsin_field *row, void *values);

#endif
