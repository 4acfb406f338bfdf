/* control.c - the control socket, both ends.
 * Not here: what the requests mean (admin.c).
 * The server's end has a thread of its own. It waits for all peers at once, so
 * that a silent one delays nobody, and carries out one request at a time.
 * SPDX-License-Identifier: MIT */
#include "main/control.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "main/unix_path.h"

enum { PEER_TIMEOUT_MS = 2000, PEER_LOOK_MS = 500, PEERS_MAX = 32, BACKLOG = 64 };

/* One connection: first its request comes in, then its reply goes out. */
struct peer {
	int fd;
	uid_t uid;
	int64_t until_mono_ms; /* without progress until then it is dropped */
	struct buf request, reply;
	size_t sent;
	bool is_answered;
};

struct control {
	pthread_t thread;
	int listen_fd, stop_fd; /* stop_fd: an eventfd */
	char *path;             /* owned */
	control_fn fn;
	void *ctx;
	struct peer peers[PEERS_MAX]; /* the thread's; the oldest first */
	size_t peer_count;
};

static char *control_path(const char *store_path)
{
	return xformat("%s.ctl", store_path);
}

/* Read until the sender's end; the cap keeps a stranger from feeding us for ever. */
static enum err all_read(int fd, struct buf *out)
{
	char chunk[4096];
	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));
		if (n == 0)
			return out->failed;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_IO;
		buf_bytes(out, chunk, (size_t)n);
		if (out->failed != ERR_OK)
			return out->failed;
	}
}

static enum err all_send(int fd, const char *ptr, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, ptr, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_IO;
		ptr += n;
		len -= (size_t)n;
	}
	return ERR_OK;
}

/* --- The server's end ---------------------------------------------------- */

static bool peer_may(int fd, uid_t *out_uid)
{
	struct ucred peer;
	socklen_t bytes = sizeof(peer);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) != 0)
		return false;
	*out_uid = peer.uid;
	return peer.uid == 0 || peer.uid == geteuid();
}

static int words_split(struct buf *request, char **words)
{
	int count = 0;
	char *at = request->ptr;
	char *end = at + request->len;
	while (at < end && count < CONTROL_WORDS_MAX) {
		char *stop = memchr(at, '\0', (size_t)(end - at));
		if (stop == NULL)
			return 0;
		words[count++] = at;
		at = stop + 1;
	}
	return at == end ? count : 0;
}

static void peer_progress(struct peer *p)
{
	p->until_mono_ms = clock_mono_ms() + PEER_TIMEOUT_MS;
}

static void peer_accept(struct control *c)
{
	struct peer *p = &c->peers[c->peer_count];
	int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	uid_t uid = 0;
	if (fd < 0)
		return;
	if (!peer_may(fd, &uid)) {
		close(fd);
		return;
	}
	*p = (struct peer){ .fd = fd, .uid = uid };
	buf_init(&p->request, CONTROL_REQUEST_MAX_BYTES);
	buf_init(&p->reply, CONTROL_REPLY_MAX_BYTES);
	peer_progress(p);
	c->peer_count++;
}

static void buf_wipe(struct buf *b)
{
	if (b->ptr != NULL)
		explicit_bzero(b->ptr, b->len);
	buf_finish(b);
}

static void peer_drop(struct control *c, size_t index)
{
	struct peer *p = &c->peers[index];
	close(p->fd);
	buf_wipe(&p->request);
	buf_wipe(&p->reply);
	c->peer_count--;
	memmove(p, p + 1, (c->peer_count - index) * sizeof(*p));
}

/* Its request is complete. False when it is none. */
static bool peer_answer(struct control *c, struct peer *p)
{
	char *words[CONTROL_WORDS_MAX];
	int count = p->request.len > 0 ? words_split(&p->request, words) : 0;
	if (count == 0)
		return false;
	buf_byte(&p->reply, 0);
	int code = c->fn(c->ctx, words, count, &p->reply);
	for (size_t i = 0; i < c->peer_count; i++)
		peer_progress(&c->peers[i]); /* nobody could: the time was this request's */
	/* Only the verbs: an argument may be a key's text. */
	if (code != CONTROL_MORE)
		log_notice("control uid=%u command=%s%s%s exit=%d", (unsigned)p->uid, words[0],
			   count > 1 ? "," : "", count > 1 ? words[1] : "", code);
	if (p->reply.failed != ERR_OK)
		return false;
	p->reply.ptr[0] = (char)code;
	p->is_answered = true;
	return true;
}

/* What is there now. False when the peer is done with, well or not. */
static bool peer_read(struct control *c, struct peer *p)
{
	char chunk[CONTROL_REQUEST_MAX_BYTES];
	ssize_t n = read(p->fd, chunk, sizeof(chunk));
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return peer_answer(c, p);
	buf_bytes(&p->request, chunk, (size_t)n);
	explicit_bzero(chunk, (size_t)n);
	return p->request.failed == ERR_OK; /* the time for all of it is running */
}

static bool peer_write(struct peer *p)
{
	ssize_t n = send(p->fd, p->reply.ptr + p->sent, p->reply.len - p->sent, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	p->sent += (size_t)n;
	peer_progress(p);
	return p->sent < p->reply.len;
}

/* One turn for each peer that poll() has marked; those out of time are dropped.
 * From the last on: dropping one moves only those that had their turn. */
static void peers_turn(struct control *c, const struct pollfd *marks)
{
	for (size_t i = c->peer_count; i-- > 0;) {
		struct peer *p = &c->peers[i];
		bool stays = true;
		if (marks[i].revents != 0)
			stays = p->is_answered ? peer_write(p) : peer_read(c, p);
		if (!stays || clock_mono_ms() >= p->until_mono_ms)
			peer_drop(c, i);
	}
}

/* The oldest peer that has not asked yet; PEERS_MAX: none. */
static size_t silent_find(const struct control *c)
{
	for (size_t i = 0; i < c->peer_count; i++)
		if (!c->peers[i].is_answered)
			return i;
	return PEERS_MAX;
}

static bool room_can_be(const struct control *c)
{
	return c->peer_count < PEERS_MAX || silent_find(c) < PEERS_MAX;
}

/* At the cap one that has not asked makes room, so that silence costs nobody else. */
static void newcomer_take(struct control *c)
{
	const size_t silent = silent_find(c);
	if (c->peer_count == PEERS_MAX && silent < PEERS_MAX)
		peer_drop(c, silent);
	if (c->peer_count < PEERS_MAX)
		peer_accept(c);
}

static void *control_thread(void *arg)
{
	struct control *c = arg;
	struct pollfd wait[2 + PEERS_MAX] = { { .events = POLLIN },
					      { .fd = c->stop_fd, .events = POLLIN } };
	for (;;) {
		wait[0].fd = room_can_be(c) ? c->listen_fd : -1;
		for (size_t i = 0; i < c->peer_count; i++) {
			const short events = c->peers[i].is_answered ? POLLOUT : POLLIN;
			wait[2 + i] = (struct pollfd){ .fd = c->peers[i].fd, .events = events };
		}
		const int timeout_ms = c->peer_count > 0 ? PEER_LOOK_MS : -1;
		const int rc = poll(wait, 2 + c->peer_count, timeout_ms);
		if (rc < 0 && errno == EINTR)
			continue;
		if (rc < 0 || wait[1].revents != 0)
			break;
		peers_turn(c, wait + 2);
		if (wait[0].revents != 0)
			newcomer_take(c);
	}
	while (c->peer_count > 0)
		peer_drop(c, c->peer_count - 1);
	return NULL;
}

static enum err control_listen(struct control *c, struct why *why)
{
	struct unix_path p;
	enum err rc = unix_path_open(c->path, &p, why);
	if (rc != ERR_OK)
		return rc;
	unlink(c->path);
	c->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* On Linux the file gets the descriptor's mode: it is never open to others. */
	if (c->listen_fd < 0 || fchmod(c->listen_fd, 0600) != 0 ||
	    bind(c->listen_fd, (const struct sockaddr *)&p.address, p.address_bytes) != 0 ||
	    chmod(c->path, 0600) != 0 || listen(c->listen_fd, BACKLOG) != 0) {
		why_set(why, "control socket %s: %s", c->path, strerror(errno));
		rc = ERR_IO;
	}
	unix_path_close(&p);
	return rc;
}

static void control_free(struct control *c)
{
	if (c->listen_fd >= 0)
		close(c->listen_fd);
	if (c->stop_fd >= 0)
		close(c->stop_fd);
	free(c->path);
	free(c);
}

enum err control_start(const char *store_path, control_fn fn, void *ctx, struct control **out,
		       struct why *why)
{
	struct control *c = xcalloc(1, sizeof(*c));
	c->listen_fd = -1;
	c->path = control_path(store_path);
	c->fn = fn;
	c->ctx = ctx;
	c->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	enum err rc = c->stop_fd < 0 ? ERR_IO : control_listen(c, why);
	if (rc == ERR_OK && pthread_create(&c->thread, NULL, control_thread, c) != 0) {
		why_set(why, "control socket: no thread");
		unlink(c->path);
		rc = ERR_BUSY;
	}
	if (rc != ERR_OK) {
		control_free(c);
		return rc;
	}
	*out = c;
	return ERR_OK;
}

bool control_stop(struct control *c, long wait_ms)
{
	if (c == NULL)
		return true;
	unlink(c->path);
	const uint64_t one = 1;
	(void)!write(c->stop_fd, &one, sizeof(one));
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += wait_ms / 1000 + 1;
	if (pthread_timedjoin_np(c->thread, NULL, &until) != 0)
		return false;
	control_free(c);
	return true;
}

/* --- The asking end ------------------------------------------------------- */

static enum err connect_failed(const char *path, struct why *why)
{
	if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR) {
		why_set(why, "no server runs on this store");
		return ERR_NOT_FOUND;
	}
	if (errno == EACCES || errno == EPERM) {
		why_set(why, "%s: %s: run this as root or as the server's user", path,
			strerror(errno));
		return ERR_DENIED;
	}
	why_set(why, "%s: %s", path, strerror(errno));
	return ERR_IO;
}

static enum err words_send(int fd, char *const *words, int word_count, struct why *why)
{
	struct buf request;
	buf_init(&request, CONTROL_REQUEST_MAX_BYTES);
	for (int i = 0; i < word_count; i++)
		buf_bytes(&request, words[i], strlen(words[i]) + 1);
	enum err rc = request.failed;
	if (rc == ERR_OK)
		rc = all_send(fd, request.ptr, request.len);
	if (rc == ERR_OK && shutdown(fd, SHUT_WR) != 0)
		rc = ERR_IO;
	if (rc != ERR_OK)
		why_set(why, "the request could not be sent to the running server: %s",
			err_text(rc));
	buf_finish(&request);
	return rc;
}

enum err control_ask(const char *store_path, char *const *words, int word_count, int *out_code,
		     struct buf *out, struct why *why)
{
	char *path = control_path(store_path);
	struct buf reply;
	buf_init(&reply, CONTROL_REPLY_MAX_BYTES);
	int fd = unix_path_connect(path);
	enum err rc = fd < 0 ? connect_failed(path, why) : words_send(fd, words, word_count, why);
	if (rc != ERR_OK)
		goto out;
	rc = all_read(fd, &reply);
	if (rc != ERR_OK || reply.len == 0) {
		why_set(why, "the running server did not answer on %s (look at its log)", path);
		rc = ERR_IO;
		goto out;
	}
	*out_code = (unsigned char)reply.ptr[0];
	buf_bytes(out, reply.ptr + 1, reply.len - 1);
	rc = out->failed;
out:
	if (fd >= 0)
		close(fd);
	buf_finish(&reply);
	free(path);
	return rc;
}
