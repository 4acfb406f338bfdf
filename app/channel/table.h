/* table.h - are the tables that a plugin declares sound?
 * SPDX-License-Identifier: MIT
 * Checked once at start-up, so that everybody else may rely on them. */
#ifndef TOCSIN_CHANNEL_TABLE_H
#define TOCSIN_CHANNEL_TABLE_H

#include <stddef.h>

#include "base/err.h"
#include "tocsin/channel.h"

/* The fields of a webhook's configs; bytes: the size of their struct. */
MUST_CHECK enum err table_fields_check(const struct tocsin_field *fields, size_t bytes,
				       struct why *why);
/* The settings in tocsin.conf; NULL is a sound table without rows. */
MUST_CHECK enum err table_settings_check(const struct tocsin_field *settings, size_t bytes,
					 struct why *why);

#endif
