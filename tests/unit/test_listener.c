/* test_listener.c - sockets that were passed to us, and those of our own.
 * SPDX-License-Identifier: MIT
 * Passing means fixed descriptors: each such case runs in a child. */
#include "main/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/mem.h"

#include "program.h"

static char folder[FILE_PATH_BYTES];
static char path[FILE_PATH_BYTES + 8], configured[FILE_PATH_BYTES + 16];
static struct conf_server conf;
static struct listener l;
static struct why why;

static int setup(void **state)
{
	(void)state;
	folder_create(folder);
	snprintf(path, sizeof(path), "%s/s", folder);
	snprintf(configured, sizeof(configured), "unix:%s", path);
	conf = (struct conf_server){
		.socket = configured, .socket_mode = "0660", .socket_group = "", .backlog = 16
	};
	l = (struct listener){ .fd = -1, .lock_fd = -1 };
	why.text[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	char lock[FILE_PATH_BYTES + 16];

	(void)state;
	listener_close(&l);
	unlink(path);
	snprintf(lock, sizeof(lock), "%s.lock", path);
	unlink(lock);
	return rmdir(folder); /* fails when a temporary file was left */
}

/* --- Own unix sockets ------------------------------------------------------------ */

static int dial(const char *to)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(strlen(to) < sizeof(a.sun_path));
	memcpy(a.sun_path, to, strlen(to));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Somebody else's socket at path. */
static int other_open(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(a.sun_path, path, strlen(path));
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void modes(void **state)
{
	static const struct {
		const char *text;
		mode_t want;
	} cases[] = { { "0660", 0660 }, { "0600", 0600 }, { "666", 0666 }, { "0700", 0700 } };
	const mode_t before = umask(0077);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct stat st;

		conf.socket_mode = cases[i].text;
		if (listener_open(&conf, &l, &why) != ERR_OK)
			fail_msg("%s: %s", cases[i].text, why.text);
		assert_int_equal(lstat(path, &st), 0);
		assert_true(S_ISSOCK(st.st_mode));
		assert_int_equal(st.st_mode & 07777, cases[i].want);
		assert_string_equal(l.source, configured);
		assert_true((fcntl(l.fd, F_GETFD) & FD_CLOEXEC) != 0);
		const int fd = dial(path);

		assert_true(fd >= 0);
		close(fd);
		listener_close(&l);
		assert_int_equal(lstat(path, &st), -1); /* removed with it */
		assert_int_equal(l.fd, -1);
		listener_close(&l);
	}
	umask(before);
}

static void a_leftover_is_replaced(void **state)
{
	(void)state;
	close(other_open()); /* its process is gone, the file is not */
	assert_int_equal(listener_open(&conf, &l, &why), ERR_OK);
	const int fd = dial(path);

	assert_true(fd >= 0);
	close(fd);
}

static void a_living_one_is_left_alone(void **state)
{
	const int other = other_open();

	(void)state;
	assert_int_equal(listener_open(&conf, &l, &why), ERR_BUSY);
	assert_non_null(strstr(why.text, "another process listens there"));
	listener_close(&l);
	const int fd = dial(path);

	assert_true(fd >= 0);
	close(fd);
	close(other);
}

/* Between looking and renaming a second process must not do the same. */
static void two_of_ours(void **state)
{
	struct listener second = { .fd = -1, .lock_fd = -1 };

	(void)state;
	assert_int_equal(listener_open(&conf, &l, &why), ERR_OK);
	assert_int_equal(listener_open(&conf, &second, &why), ERR_BUSY);
	assert_non_null(strstr(why.text, "another tocsin listens there"));
	listener_close(&second);
	const int fd = dial(path); /* closing the second one removed nothing */

	assert_true(fd >= 0);
	close(fd);
	listener_close(&l);
	assert_int_equal(listener_open(&conf, &second, &why), ERR_OK);
	listener_close(&second);
}

static void what_is_no_socket_stays(void **state)
{
	size_t len = 0;

	(void)state;
	file_write(path, "precious", 8);
	assert_int_equal(listener_open(&conf, &l, &why), ERR_CONFLICT);
	assert_non_null(strstr(why.text, "is not a socket"));
	listener_close(&l);
	char *text = file_read(path, &len);

	assert_int_equal(len, 8);
	free(text);
}

static void anothers_file_is_not_removed(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(listener_open(&conf, &l, &why), ERR_OK);
	assert_int_equal(unlink(path), 0);
	const int other = other_open();

	listener_close(&l);
	assert_int_equal(lstat(path, &st), 0);
	close(other);
}

static void refused(void **state)
{
	static const struct {
		const char *label, *socket, *group; /* socket NULL: the good one */
		enum err want;
		const char *says;
	} cases[] = {
		{ "no folder", "unix:/nowhere/at/all/s", "", ERR_NOT_FOUND, "server.socket" },
		{ "folder is a file", "unix:/dev/null/s", "", ERR_IO, "/dev/null/s" },
		{ "no group", NULL, "no-such-group", ERR_NOT_FOUND, "no group \"no-such-group\"" },
		{ "nobody passed one", "inherit", "", ERR_BAD_REQUEST, "write unix:PATH" },
		{ "no port", "tcp:127.0.0.1", "", ERR_BAD_REQUEST, "tcp:ADDRESS:PORT" },
		{ "a name", "tcp:localhost:9000", "", ERR_BAD_REQUEST, "tcp:ADDRESS:PORT" },
		{ "a port's name", "tcp:127.0.0.1:http", "", ERR_BAD_REQUEST, "tcp:ADDRESS:PORT" },
		{ "nothing", "tcp:", "", ERR_BAD_REQUEST, "tcp:ADDRESS:PORT" },
		{ "half a bracket", "tcp:[::1:9000", "", ERR_BAD_REQUEST, "tcp:ADDRESS:PORT" },
		{ "not ours", "tcp:192.0.2.1:0", "", ERR_IO, "192.0.2.1" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct stat st;

		conf.socket = cases[i].socket == NULL ? configured : cases[i].socket;
		conf.socket_group = cases[i].group;
		const enum err rc = listener_open(&conf, &l, &why);

		if (rc != cases[i].want || strstr(why.text, cases[i].says) == NULL)
			fail_msg("%s: %s: %s", cases[i].label, err_text(rc), why.text);
		listener_close(&l);
		assert_int_equal(lstat(path, &st), -1);
	}
}

/* --- TCP ------------------------------------------------------------------------- */

static void tcp(void **state)
{
	struct listener second = { .fd = -1, .lock_fd = -1 };
	struct sockaddr_in a = { 0 };
	socklen_t len = sizeof(a);
	char text[64];

	(void)state;
	conf.socket = "tcp:127.0.0.1:0";
	assert_int_equal(listener_open(&conf, &l, &why), ERR_OK);
	assert_int_equal(getsockname(l.fd, (struct sockaddr *)&a, &len), 0);
	assert_int_equal(a.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	assert_null(l.path);
	snprintf(text, sizeof(text), "tcp:127.0.0.1:%u", ntohs(a.sin_port));
	conf.socket = text;
	assert_int_equal(listener_open(&conf, &second, &why), ERR_BUSY);
	assert_non_null(strstr(why.text, text));
	listener_close(&second);
	/* Free at once for the next owner. */
	listener_close(&l);
	assert_int_equal(listener_open(&conf, &second, &why), ERR_OK);
	listener_close(&second);
}

/* --- Passed to us ---------------------------------------------------------------- */

static int listening(void)
{
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };

	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, 1) != 0)
		exit(90);
	return fd;
}

/* argv: what is on descriptor 0 and on 3 (socket, plain or closed), LISTEN_FDS,
 * LISTEN_PID ("me" for ours). Prints what became of it. */
static int inherit_run(int argc, char **argv)
{
	char pid[32];

	(void)argc;
	for (int i = 0; i < 2; i++) {
		const int at = i == 0 ? STDIN_FILENO : 3;
		const int from = strcmp(argv[i], "socket") == 0 ? listening()
								: open("/dev/null", O_RDONLY);

		close(at);
		if (strcmp(argv[i], "closed") != 0)
			dup2(from, at);
		if (from != at)
			close(from);
	}
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	if (argv[2][0] != '\0')
		setenv("LISTEN_FDS", argv[2], 1);
	setenv("LISTEN_PID", strcmp(argv[3], "me") == 0 ? pid : argv[3], 1);
	setenv("LISTEN_FDNAMES", "x", 1);
	const enum err rc = listener_inherit(&l, &why);
	struct stat st;

	/* The variables are for one process: a child of ours must not see them. */
	if (getenv("LISTEN_FDS") != NULL || getenv("LISTEN_PID") != NULL ||
	    getenv("LISTEN_FDNAMES") != NULL)
		return 91;
	if (rc != ERR_OK) {
		printf("%s\n", why.text);
		return 1;
	}
	if (l.fd >= 0 && (fcntl(l.fd, F_GETFD) & FD_CLOEXEC) == 0)
		return 92;
	/* It is used as it is, whatever is configured. */
	const int fd = l.fd;

	if (fd >= 0 && (listener_open(&conf, &l, &why) != ERR_OK || l.fd != fd))
		return 93;
	printf("%s %s\n", fd < 0 ? "none" : l.source,
	       fstat(0, &st) == 0 && S_ISSOCK(st.st_mode) ? "0-is-socket" : "0-is-none");
	return 0;
}

static void inherited(void **state)
{
	static const struct {
		const char *label, *words[5];
		int code;
		const char *has;
	} cases[] = {
		{ "nothing", { "plain", "plain", "", "me" }, 0, "none 0-is-none" },
		{ "no descriptor 0", { "closed", "plain", "", "me" }, 0, "none 0-is-none" },
		{ "systemd", { "plain", "socket", "1", "me" }, 0, "systemd 0-is-none" },
		{ "meant for another", { "plain", "socket", "1", "1" }, 0, "none 0-is-none" },
		{ "two", { "plain", "socket", "2", "me" }, 1, "systemd passed 2 sockets" },
		{ "no socket", { "plain", "plain", "1", "me" }, 1, "descriptor 3 is not" },
		{ "nothing there", { "plain", "closed", "1", "me" }, 1, "descriptor 3 is not" },
		{ "none of them", { "plain", "socket", "0", "me" }, 0, "none 0-is-none" },
		/* Moved away from 0, where a library could take it for standard input. */
		{ "a spawner", { "socket", "plain", "", "me" }, 0, "inherited 0-is-none" },
		{ "both: systemd's", { "socket", "socket", "1", "me" }, 0, "systemd 0-is-socket" },
	};
	static struct program p;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		program_run(inherit_run, cases[i].words, &p);
		program_check(&p, cases[i].label, cases[i].code, cases[i].has, NULL);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(modes),
		TEST(a_leftover_is_replaced),
		TEST(a_living_one_is_left_alone),
		TEST(two_of_ours),
		TEST(what_is_no_socket_stays),
		TEST(anothers_file_is_not_removed),
		TEST(refused),
		TEST(tcp),
		TEST(inherited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
