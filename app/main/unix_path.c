/* unix_path.c - fill in sockaddr_un, through the folder when the path is long.
 * Not here: what is bound or connected there.
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "main/unix_path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

static enum err folder_open(const char *path, const char *name, struct unix_path *out,
			    struct why *why)
{
	char *folder = xstrdup(path);
	folder[name - path] = '\0';
	out->folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int saved = errno;
	if (out->folder_fd < 0)
		why_set(why, "%s: %s", folder, strerror(saved));
	free(folder);
	if (out->folder_fd >= 0)
		return ERR_OK;
	return saved == ENOENT ? ERR_NOT_FOUND : ERR_IO;
}

enum err unix_path_open(const char *path, struct unix_path *out, struct why *why)
{
	*out = (struct unix_path){ .address.sun_family = AF_UNIX, .folder_fd = -1 };
	char *text = out->address.sun_path;
	const size_t text_bytes = sizeof(out->address.sun_path);
	size_t len = strlen(path);
	if (len < text_bytes) {
		memcpy(text, path, len + 1);
	} else {
		const char *slash = strrchr(path, '/');
		const char *name = slash == NULL ? path : slash + 1;
		if (name == path) {
			why_set(why, "%s: the name is too long for a socket", path);
			return ERR_TOO_BIG;
		}
		enum err rc = folder_open(path, name, out, why);
		if (rc != ERR_OK)
			return rc;
		int n = snprintf(text, text_bytes, "/proc/self/fd/%d/%s", out->folder_fd, name);
		if (n < 0 || (size_t)n >= text_bytes) {
			unix_path_close(out);
			why_set(why, "%s: the name is too long for a socket", path);
			return ERR_TOO_BIG;
		}
	}
	out->address_bytes = (socklen_t)sizeof(out->address);
	return ERR_OK;
}

void unix_path_close(struct unix_path *p)
{
	if (p->folder_fd >= 0)
		close(p->folder_fd);
	p->folder_fd = -1;
}

int unix_path_connect(const char *path)
{
	struct unix_path p;
	enum err rc = unix_path_open(path, &p, NULL);
	if (rc != ERR_OK) {
		errno = rc == ERR_NOT_FOUND ? ENOENT : ENAMETOOLONG;
		return -1;
	}
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&p.address, p.address_bytes) != 0) {
		int saved = errno;
		close(fd);
		errno = saved;
		fd = -1;
	}
	unix_path_close(&p);
	return fd;
}
