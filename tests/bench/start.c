/* start.c - start a FastCGI program and time it until /readyz says yes.
 * It asks the program's own socket, not the web server: a web server that
 * found the socket dead leaves it alone for a while, and that pause is not
 * the program's. The program stays up, in a session of its own.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "options.h"
#include "tally.h"

enum { RECORD_BEGIN = 1, RECORD_PARAMS = 4, RECORD_STDIN = 5, RECORD_STDOUT = 6 };
enum { ASK_BYTES = 1024, ANSWER_BYTES = 4096, POLL_US = 500 };

static struct {
	const char *socket, *log;
	int64_t timeout_ms;
} start = { .log = "/dev/null", .timeout_ms = 30000 };

static size_t record_put(unsigned char *to, int type, const void *ptr, size_t len)
{
	const unsigned char head[8] = {
		1, (unsigned char)type, 0, 1, (unsigned char)(len >> 8), (unsigned char)len, 0, 0
	};

	memcpy(to, head, sizeof(head));
	if (len > 0)
		memcpy(to + sizeof(head), ptr, len);
	return sizeof(head) + len;
}

static size_t param_put(unsigned char *to, const char *name, const char *value)
{
	const size_t name_len = strlen(name), value_len = strlen(value);

	to[0] = (unsigned char)name_len;
	to[1] = (unsigned char)value_len;
	memcpy(to + 2, name, name_len);
	memcpy(to + 2 + name_len, value, value_len);
	return 2 + name_len + value_len;
}

static size_t ask_format(unsigned char *to)
{
	static const unsigned char responder[8] = { 0, 1, 0, 0, 0, 0, 0, 0 };
	static const char *const params[][2] = {
		{ "REQUEST_METHOD", "GET" },       { "REQUEST_URI", "/readyz" },
		{ "SCRIPT_NAME", "/readyz" },      { "QUERY_STRING", "" },
		{ "SERVER_PROTOCOL", "HTTP/1.1" }, { "CONTENT_LENGTH", "0" },
		{ "REMOTE_ADDR", "127.0.0.1" },
	};
	unsigned char text[512];
	size_t text_len = 0, len = 0;

	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++)
		text_len += param_put(text + text_len, params[i][0], params[i][1]);
	len += record_put(to + len, RECORD_BEGIN, responder, sizeof(responder));
	len += record_put(to + len, RECORD_PARAMS, text, text_len);
	len += record_put(to + len, RECORD_PARAMS, NULL, 0);
	len += record_put(to + len, RECORD_STDIN, NULL, 0);
	return len;
}

static int socket_connect(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	memcpy(at.sun_path, start.socket, strlen(start.socket));
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* The first bytes of what the program answers; 0 when it does not. */
static size_t answer_read(char *out, size_t size)
{
	unsigned char ask[ASK_BYTES];
	const size_t ask_len = ask_format(ask);
	const int fd = socket_connect();
	size_t len = 0;

	if (fd < 0)
		return 0;
	if (send(fd, ask, ask_len, MSG_NOSIGNAL) == (ssize_t)ask_len) {
		ssize_t got;
		while (len < size && (got = recv(fd, out + len, size - len, 0)) > 0)
			len += (size_t)got;
	}
	close(fd);
	return len;
}

static bool is_ready(void)
{
	char answer[ANSWER_BYTES];
	const size_t len = answer_read(answer, sizeof(answer));

	if (len < 9 || answer[1] != RECORD_STDOUT)
		return false;
	const char *status = memmem(answer, len, "Status: ", 8);
	/* FastCGI: no status line means 200. */
	return status == NULL || strncmp(status + 8, "200", 3) == 0;
}

static pid_t child_start(char **argv)
{
	const pid_t pid = fork();

	if (pid != 0)
		return pid;
	const int log = open(start.log, O_WRONLY | O_APPEND | O_CREAT, 0600);
	const int none = open("/dev/null", O_RDONLY);
	setsid();
	if (log < 0 || none < 0 || dup2(none, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
		_exit(126);
	close(log);
	close(none);
	execvp(argv[0], argv);
	_exit(127);
}

int main(int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "--socket", "the program's unix socket", .text = &start.socket },
		{ "--log", "where its output goes", .text = &start.log },
		{ "--timeout", "milliseconds to wait at most", .number = &start.timeout_ms,
		  .min = 1, .max = 600000 },
		{ .name = NULL },
	};
	const int first = options_parse(argc, argv, rows);
	const size_t path_max = sizeof(((struct sockaddr_un *)NULL)->sun_path);

	if (start.socket == NULL || strlen(start.socket) >= path_max || first >= argc) {
		fprintf(stderr, "start: needs --socket PATH -- PROGRAM [ARGUMENT]...\n");
		return 2;
	}
	const int64_t from_us = tally_now_us();
	const pid_t pid = child_start(argv + first);
	while (pid > 0 && tally_now_us() - from_us < start.timeout_ms * 1000) {
		if (is_ready()) {
			printf("{\"ready_us\":%" PRId64 ",\"pid\":%d}\n", tally_now_us() - from_us,
			       (int)pid);
			return 0;
		}
		if (waitpid(pid, NULL, WNOHANG) == pid)
			break;
		nanosleep(&(struct timespec){ .tv_nsec = POLL_US * 1000 }, NULL);
	}
	fprintf(stderr, "start: %s did not get ready; see %s\n", argv[first], start.log);
	if (pid > 0)
		kill(pid, SIGKILL);
	return 1;
}
