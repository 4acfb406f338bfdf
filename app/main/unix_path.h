/* unix_path.h - addresses of unix sockets, however long the path.
 * SPDX-License-Identifier: MIT
 * sockaddr_un holds 107 bytes; a longer path goes through its folder's
 * descriptor as /proc/self/fd/N/name. */
#ifndef TOCSIN_MAIN_UNIX_PATH_H
#define TOCSIN_MAIN_UNIX_PATH_H

#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"

struct unix_path {
	struct sockaddr_un address;
	socklen_t address_bytes;
	int folder_fd; /* -1: not needed */
};

/* ERR_NOT_FOUND (the folder), ERR_TOO_BIG (the name), ERR_IO; with why.
 * Owner  *out is owned on success: unix_path_close() once bound or connected. */
MUST_CHECK enum err unix_path_open(const char *path, struct unix_path *out, struct why *why);
void unix_path_close(struct unix_path *p);

/* A connected CLOEXEC stream socket, or -1 with errno (ENOENT and ECONNREFUSED:
 * nobody listens there). */
int unix_path_connect(const char *path);

#endif
