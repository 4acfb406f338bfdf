/* webhook_rows.h - rows of one webhook, for the units that change it.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_STORE_SQLITE_WEBHOOK_ROWS_H
#define TOCSIN_STORE_SQLITE_WEBHOOK_ROWS_H

#include "store/sqlite/state.h"

/* ERR_NOT_FOUND when removed. Owner: out, webhook_finish(). */
MUST_CHECK enum err webhook_read(struct db *db, int64_t id, struct webhook *out);
/* id: ST_WEBHOOK_ADD or ST_WEBHOOK_UPDATE; the webhook's own row only. */
MUST_CHECK enum err webhook_write(struct db *db, const struct webhook *w, enum statement id);
/* Replace all secrets of w. */
MUST_CHECK enum err secrets_write(struct db *db, const struct webhook *w);
/* A new channel with its destination and targets; fills the ids. */
MUST_CHECK enum err channel_add(struct db *db, const struct webhook *w, size_t position,
				struct webhook_channel *c);
/* A channel that stays; targets with id 0 are new. */
MUST_CHECK enum err channel_update(struct db *db, size_t position, struct webhook_channel *c);

#endif
