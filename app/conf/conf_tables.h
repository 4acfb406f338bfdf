/* conf_tables.h - the tables of tocsin.conf, one a group.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_CONF_CONF_TABLES_H
#define TOCSIN_CONF_CONF_TABLES_H

#include <stddef.h>

#include "base/clock.h"
#include "tocsin/channel.h"

#define CONF_PAUSE_MAX_MS DAYS_MS(30)

enum { CONF_TABLES_MAX = 16 };

struct conf_table {
	const char *name;                /* "" for the keys outside of groups */
	const struct tocsin_field *rows; /* offsets are in struct conf */
};

/* Ends with rows NULL. Reading, printing, overriding and freeing go by it. */
extern const struct conf_table conf_tables[];

#endif
