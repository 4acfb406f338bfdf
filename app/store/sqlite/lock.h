/* lock.h - one process at a time owns a store.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_STORE_SQLITE_LOCK_H
#define TOCSIN_STORE_SQLITE_LOCK_H

#include "base/err.h"

/* Hold STORE.lock until *out_fd is closed. ERR_BUSY: another process does;
 * ERR_DENIED: the file cannot be opened; why says what to do.
 * Owner  *out_fd is owned; close(). It is -1 when nothing was opened. */
MUST_CHECK enum err lock_take(const char *store_path, int *out_fd, struct why *why);
/* Make an entry of the folder that holds path safe from a power cut. */
MUST_CHECK enum err folder_sync(const char *path);

#endif
