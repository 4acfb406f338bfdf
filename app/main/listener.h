/* listener.h - the socket on which the web server reaches us.
 * SPDX-License-Identifier: MIT
 * From systemd, inherited on descriptor 0, or our own: in this order. */
#ifndef TOCSIN_MAIN_LISTENER_H
#define TOCSIN_MAIN_LISTENER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "conf/conf.h"

struct listener {
	int fd;             /* -1: none */
	const char *source; /* "systemd", "inherited", or as configured; for people */
	char *path;         /* our own unix socket, removed at the end; owned; NULL: none */
	dev_t device;       /* of path as we made it: another's is left alone */
	ino_t inode;
	int lock_fd; /* on path.lock; -1: none */
};

/* Take what systemd (LISTEN_FDS) or a spawner (descriptor 0) gave us, if
 * anything; out->fd is -1 otherwise. Changes the environment: call before
 * there are threads.
 * Returns ERR_BAD_REQUEST when what was given cannot be used. */
MUST_CHECK enum err listener_inherit(struct listener *out, struct why *why);
/* Unless inherited: make the configured one.
 * Returns ERR_BUSY when a living process listens there, ERR_BAD_REQUEST,
 * ERR_DENIED, ERR_NOT_FOUND, ERR_IO; with why.
 * Owner  *l; listener_close(). */
MUST_CHECK enum err listener_open(const struct conf_server *conf, struct listener *l,
				  struct why *why);
/* Close and remove what is ours. An inherited socket goes on listening for
 * its next owner. */
void listener_close(struct listener *l);

#endif
