/* backup.h - a copy of the store while it is in use.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_STORE_SQLITE_BACKUP_H
#define TOCSIN_STORE_SQLITE_BACKUP_H

#include <stdbool.h>

#include "base/err.h"

struct store;
struct backup;

struct backup *backup_create(void);
/* Also ends one that is under way; its file is removed. The writer must be gone. */
void backup_destroy(struct backup *b);

/* Writer thread: is there anything to copy; copy a few pages between commits; the
 * connection is about to be closed. */
bool backup_is_active(struct backup *b);
void backup_step(struct store *s, bool is_idle);
void backup_fail(struct store *s, enum err rc);

#endif
