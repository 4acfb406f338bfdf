/* lock.c - one process at a time owns a store.
 * SPDX-License-Identifier: MIT
 * A lock of its own beside SQLite's, which come and go with transactions. Any thread. */
#include "store/sqlite/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mem.h"

enum err lock_take(const char *store_path, int *out_fd, struct why *why)
{
	char *path = xformat("%s.lock", store_path);
	enum err rc = ERR_OK;

	*out_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*out_fd < 0) {
		why_set(why,
			"cannot open %s: %s; its folder must exist and be writable by this user",
			path, strerror(errno));
		rc = ERR_DENIED;
	} else if (flock(*out_fd, LOCK_EX | LOCK_NB) != 0) {
		why_set(why,
			"%s is in use by another tocsin process; stop that one first, "
			"or name another store.path",
			store_path);
		rc = ERR_BUSY;
	}
	free(path);
	return rc;
}

enum err folder_sync(const char *path)
{
	char *folder = xstrdup(path);
	char *slash = strrchr(folder, '/');

	if (slash != NULL)
		slash[slash == folder ? 1 : 0] = '\0';
	const int fd = open(slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const bool is_done = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		close(fd);
	free(folder);
	return is_done ? ERR_OK : ERR_IO;
}
