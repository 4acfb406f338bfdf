/* listener.c - find or make the listening socket.
 * Not here: accepting (api/server.c).
 * Main thread.
 * SPDX-License-Identifier: MIT */
#include "main/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "main/unix_path.h"

enum { SYSTEMD_FIRST_FD = 3 };

static bool is_listening(int fd)
{
	int on = 0;
	socklen_t bytes = sizeof(on);
	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &bytes) == 0 && on != 0;
}

/* systemd's own protocol: the variables are meant for one process only. */
static int systemd_count(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *fds = getenv("LISTEN_FDS");
	int count = 0;
	if (pid != NULL && fds != NULL && strtol(pid, NULL, 10) == (long)getpid())
		count = (int)strtol(fds, NULL, 10);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return count;
}

/* Move a spawner's socket away from descriptor 0, where a library could take
 * it for standard input. */
static enum err stdin_take(struct listener *out, struct why *why)
{
	out->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, SYSTEMD_FIRST_FD);
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (out->fd < 0 || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0) {
		why_set(why, "descriptor 0: %s", strerror(errno));
		return ERR_IO;
	}
	close(nothing);
	out->source = "inherited";
	return ERR_OK;
}

enum err listener_inherit(struct listener *out, struct why *why)
{
	*out = (struct listener){ .fd = -1, .lock_fd = -1 };
	int count = systemd_count();
	if (count > 1) {
		why_set(why,
			"systemd passed %d sockets; one is wanted: leave one ListenStream= "
			"in the socket unit",
			count);
		return ERR_BAD_REQUEST;
	}
	if (count == 1) {
		if (!is_listening(SYSTEMD_FIRST_FD) ||
		    fcntl(SYSTEMD_FIRST_FD, F_SETFD, FD_CLOEXEC) != 0) {
			why_set(why,
				"LISTEN_FDS is set but descriptor 3 is not a listening socket");
			return ERR_BAD_REQUEST;
		}
		out->fd = SYSTEMD_FIRST_FD;
		out->source = "systemd";
		return ERR_OK;
	}
	return is_listening(STDIN_FILENO) ? stdin_take(out, why) : ERR_OK;
}

/* One process at a time may look at and replace the socket's file. The lock
 * file stays behind: removing it would let two processes hold "the" lock. */
static enum err path_lock(struct listener *l, const char *path, struct why *why)
{
	char *lock = xformat("%s.lock", path);
	l->lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	enum err rc = ERR_OK;
	if (l->lock_fd < 0) {
		rc = errno == ENOENT ? ERR_NOT_FOUND : errno == EACCES ? ERR_DENIED : ERR_IO;
		why_set(why, "%s: %s (server.socket: its folder must exist and be ours to write)",
			lock, strerror(errno));
	} else if (flock(l->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		rc = ERR_BUSY;
		why_set(why,
			"%s: another tocsin listens there: stop it, or choose another "
			"server.socket",
			path);
	}
	free(lock);
	return rc;
}

/* A socket's file may be left over from a crash; a living owner answers. */
static enum err path_check(const char *path, struct why *why)
{
	struct stat st;
	if (lstat(path, &st) != 0)
		return ERR_OK;
	if (!S_ISSOCK(st.st_mode)) {
		why_set(why,
			"%s exists and is not a socket: move it away, or choose another "
			"server.socket",
			path);
		return ERR_CONFLICT;
	}
	int fd = unix_path_connect(path);
	if (fd < 0)
		return ERR_OK;
	close(fd);
	why_set(why,
		"%s: another process listens there: stop it, or choose another "
		"server.socket",
		path);
	return ERR_BUSY;
}

static enum err group_set(const char *path, const char *group, struct why *why)
{
	if (group[0] == '\0')
		return ERR_OK;
	const struct group *found = getgrnam(group);
	if (found == NULL) {
		why_set(why, "server.socket_group: there is no group \"%s\"", group);
		return ERR_NOT_FOUND;
	}
	if (lchown(path, (uid_t)-1, found->gr_gid) != 0) {
		why_set(why, "server.socket_group: %s: %s (we must be root or a member of it)",
			group, strerror(errno));
		return ERR_DENIED;
	}
	return ERR_OK;
}

/* Bind under a temporary name and rename: whoever connects finds either the
 * old socket or the new one with its final mode, never none. */
static enum err unix_bind(const struct conf_server *conf, struct listener *l, const char *path,
			  struct why *why)
{
	char *temporary = xformat("%s.new", path);
	struct unix_path p;
	enum err rc = unix_path_open(temporary, &p, why);
	if (rc != ERR_OK)
		goto out;
	unlink(temporary);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	mode_t mode = (mode_t)strtoul(conf->socket_mode, NULL, 8);
	struct stat st = { 0 };
	if (l->fd < 0 || bind(l->fd, (const struct sockaddr *)&p.address, p.address_bytes) != 0 ||
	    chmod(temporary, mode) != 0 || lstat(temporary, &st) != 0 ||
	    listen(l->fd, (int)conf->backlog) != 0) {
		why_set(why, "%s: %s", path, strerror(errno));
		rc = errno == EACCES ? ERR_DENIED : ERR_IO;
	}
	if (rc == ERR_OK)
		rc = group_set(temporary, conf->socket_group, why);
	if (rc == ERR_OK && rename(temporary, path) != 0) {
		why_set(why, "%s: %s", path, strerror(errno));
		rc = ERR_IO;
	}
	if (rc != ERR_OK)
		unlink(temporary);
	l->device = st.st_dev;
	l->inode = st.st_ino;
	unix_path_close(&p);
out:
	free(temporary);
	return rc;
}

static enum err unix_open(const struct conf_server *conf, struct listener *l, const char *path,
			  struct why *why)
{
	enum err rc = path_lock(l, path, why);
	if (rc == ERR_OK)
		rc = path_check(path, why);
	if (rc == ERR_OK)
		rc = unix_bind(conf, l, path, why);
	if (rc == ERR_OK)
		l->path = xstrdup(path);
	return rc;
}

static enum err tcp_bind(const struct conf_server *conf, struct listener *l,
			 const struct addrinfo *address, struct why *why)
{
	const int on = 1;
	l->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0 || setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(l->fd, address->ai_addr, address->ai_addrlen) != 0 ||
	    listen(l->fd, (int)conf->backlog) != 0) {
		why_set(why, "%s: %s", conf->socket, strerror(errno));
		return errno == EADDRINUSE ? ERR_BUSY : errno == EACCES ? ERR_DENIED : ERR_IO;
	}
	return ERR_OK;
}

/* "127.0.0.1:9000" or "[::1]:9000". */
static enum err tcp_open(const struct conf_server *conf, struct listener *l, const char *text,
			 struct why *why)
{
	char *host = xstrdup(text);
	char *colon = strrchr(host, ':');
	struct addrinfo *found = NULL;
	enum err rc = ERR_BAD_REQUEST;
	if (colon != NULL) {
		*colon = '\0';
		char *name = host;
		if (name[0] == '[' && colon > name && colon[-1] == ']') {
			colon[-1] = '\0';
			name++;
		}
		const struct addrinfo want = { .ai_socktype = SOCK_STREAM,
					       .ai_flags = AI_PASSIVE | AI_NUMERICHOST |
							   AI_NUMERICSERV };
		if (getaddrinfo(name, colon + 1, &want, &found) == 0)
			rc = tcp_bind(conf, l, found, why);
	}
	if (found == NULL)
		why_set(why,
			"server.socket \"%s\": write tcp:ADDRESS:PORT, as in "
			"tcp:127.0.0.1:9000",
			conf->socket);
	else
		freeaddrinfo(found);
	free(host);
	return rc;
}

enum err listener_open(const struct conf_server *conf, struct listener *l, struct why *why)
{
	if (l->fd >= 0)
		return ERR_OK;
	l->source = conf->socket;
	if (strncmp(conf->socket, "unix:", 5) == 0)
		return unix_open(conf, l, conf->socket + 5, why);
	if (strncmp(conf->socket, "tcp:", 4) == 0)
		return tcp_open(conf, l, conf->socket + 4, why);
	why_set(why,
		"server.socket is \"%s\" but nobody passed us a listening socket: start from "
		"a socket unit or a spawner, or write unix:PATH",
		conf->socket);
	return ERR_BAD_REQUEST;
}

void listener_close(struct listener *l)
{
	struct stat st;
	if (l->path != NULL && lstat(l->path, &st) == 0 && st.st_dev == l->device &&
	    st.st_ino == l->inode)
		unlink(l->path);
	if (l->fd >= 0)
		close(l->fd);
	if (l->lock_fd >= 0)
		close(l->lock_fd);
	free(l->path);
	*l = (struct listener){ .fd = -1, .lock_fd = -1 };
}
