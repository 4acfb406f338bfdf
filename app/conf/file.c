/* file.c - one small file of the operator's, read whole.
 * Not here: what the text means (source.c, value.c).
 * Thread: main, at start-up; it may wait for the disk.
 * SPDX-License-Identifier: MIT */
#include "conf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { CHUNK_BYTES = 4096 };

static enum err refuse(struct why *why, const char *what)
{
	why_set(why, "%s", what);
	return ERR_BAD_REQUEST;
}

static enum err size_refuse(struct why *why, size_t max)
{
	why_set(why, "is larger than %zu bytes", max);
	return ERR_TOO_BIG;
}

static enum err system_refuse(struct why *why, int number)
{
	switch (number) {
	case ENOENT:
	case ENOTDIR: why_set(why, "does not exist"); return ERR_NOT_FOUND;
	case EACCES: why_set(why, "may not be read by this user"); return ERR_DENIED;
	default: why_set(why, "cannot be read: %s", strerror(number)); return ERR_IO;
	}
}

static enum err descriptor_read(int fd, size_t bytes, struct buf *out, struct why *why)
{
	char chunk[CHUNK_BYTES];
	ssize_t got = 0;

	buf_reserve(out, bytes);
	do {
		got = read(fd, chunk, sizeof(chunk));
		if (got > 0)
			buf_bytes(out, chunk, (size_t)got);
	} while (out->failed == ERR_OK && (got > 0 || (got < 0 && errno == EINTR)));

	const int number = errno;

	explicit_bzero(chunk, sizeof(chunk));
	if (out->failed == ERR_OK && got < 0)
		return system_refuse(why, number);
	return out->failed == ERR_OK ? ERR_OK : size_refuse(why, out->max);
}

enum err file_load(const char *path, struct buf *out, struct why *why)
{
	struct stat st;
	/* Not blocking, so that opening a pipe without a writer returns too. */
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	enum err rc = ERR_OK;

	if (fd < 0)
		return system_refuse(why, errno);
	if (fstat(fd, &st) != 0)
		rc = system_refuse(why, errno);
	else if (S_ISDIR(st.st_mode))
		rc = refuse(why, "is a folder, not a file");
	else if (!S_ISREG(st.st_mode))
		rc = refuse(why, "is not a regular file");
	else if ((uintmax_t)st.st_size > out->max)
		rc = size_refuse(why, out->max);
	else
		rc = descriptor_read(fd, (size_t)st.st_size, out, why);
	close(fd);
	return rc;
}

char *file_path(const char *folder, const char *path)
{
	if (folder == NULL || path[0] == '/')
		return xstrdup(path);
	return xformat("%s/%s", strcmp(folder, "/") == 0 ? "" : folder, path);
}

char *file_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL   ? xstrdup(".")
		       : slash == path ? xstrdup("/")
				       : xformat("%.*s", (int)(slash - path), path);
	char *absolute = realpath(folder, NULL);

	if (absolute == NULL)
		return folder;
	free(folder);
	return absolute;
}
