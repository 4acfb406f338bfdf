/* test_notify.c - what reaches the service manager's socket, and when nothing is sent.
 * SPDX-License-Identifier: MIT */
#include "main/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"

#include "files.h"

static char folder[FILE_PATH_BYTES];
static char path[FILE_PATH_BYTES + 8];

static int setup(void **state)
{
	(void)state;
	folder_create(folder);
	snprintf(path, sizeof(path), "%s/n", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	unlink(path);
	return rmdir(folder);
}

/* A datagram socket under this name; @ begins an abstract one. */
static int manager_open(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const size_t len = strlen(name);

	assert_true(fd >= 0 && len < sizeof(a.sun_path));
	memcpy(a.sun_path, name, len);
	if (name[0] == '@')
		a.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (struct sockaddr *)&a,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
			 0);
	return fd;
}

static void datagrams_arrive(void **state)
{
	char abstract[64], longest[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	const char *const names[] = { path, abstract, longest };

	(void)state;
	snprintf(abstract, sizeof(abstract), "@tocsin-test-%ld", (long)getpid());
	memset(longest, 'x', sizeof(longest));
	snprintf(longest, sizeof(longest), "@tocsin-test-%ld-", (long)getpid());
	memset(longest + strlen(longest), 'y', sizeof(longest) - strlen(longest));
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		static const char *const states[] = { "READY=1", "STOPPING=1" };
		const int fd = manager_open(names[i]);

		setenv("NOTIFY_SOCKET", names[i], 1);
		for (size_t n = 0; n < COUNT_OF(states); n++) {
			char got[64] = "";

			notify_send(states[n]);
			const ssize_t len = recv(fd, got, sizeof(got) - 1, 0);

			if (len != (ssize_t)strlen(states[n]) || strcmp(got, states[n]) != 0)
				fail_msg("%s: %zd bytes: %s", names[i], len, got);
		}
		close(fd);
	}
}

/* Nobody to tell is no trouble, and leaves no descriptor behind. */
static void nothing_is_sent(void **state)
{
	char too_long[200];
	const char *const names[] = { NULL, "", "@", "/nowhere/at/all", too_long };
	const int fd = manager_open(path);
	char got[8];

	(void)state;
	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[0] = '/';
	too_long[sizeof(too_long) - 1] = '\0';
	const int before = dup(fd);

	close(before);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		if (names[i] == NULL)
			unsetenv("NOTIFY_SOCKET");
		else
			setenv("NOTIFY_SOCKET", names[i], 1);
		notify_send("READY=1");
		const int after = dup(fd);

		assert_int_equal(after, before);
		close(after);
	}
	assert_int_equal(recv(fd, got, sizeof(got), 0), -1);
	assert_int_equal(errno, EAGAIN);
	close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = { TEST(datagrams_arrive), TEST(nothing_is_sent) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
