/* test_unix_path.c - addresses of sockets whose paths do not fit, and who listens there.
 * SPDX-License-Identifier: MIT */
#include "main/unix_path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "files.h"

enum { ROOM_BYTES = sizeof(((struct sockaddr_un *)NULL)->sun_path), NAME_BYTES = 200 };

static char folder[FILE_PATH_BYTES];
static char deep[FILE_PATH_BYTES]; /* a folder whose path alone is too long */

static int setup(void **state)
{
	char name[NAME_BYTES + 1];

	(void)state;
	folder_create(folder);
	memset(name, 'd', NAME_BYTES);
	name[NAME_BYTES] = '\0';
	snprintf(deep, sizeof(deep), "%.200s/%s", folder, name);
	return mkdir(deep, 0700);
}

static int teardown(void **state)
{
	(void)state;
	rmdir(deep);
	return rmdir(folder);
}

static int lowest_free_fd(void)
{
	const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

/* A path of so many bytes that begins like this. */
static void path_fill(char *out, size_t len, const char *before)
{
	assert_true(strlen(before) < len);
	memset(out, 'x', len);
	memcpy(out, before, strlen(before));
	out[len] = '\0';
}

static void lengths(void **state)
{
	static const struct {
		const char *label;
		size_t len;
		const char *before; /* NULL: the folder and a slash */
		enum err want;
	} cases[] = {
		{ "short", 20, "", ERR_OK },
		{ "just fits", ROOM_BYTES - 1, "", ERR_OK },
		{ "no folder to go through", ROOM_BYTES, "", ERR_TOO_BIG },
		{ "folder is missing", ROOM_BYTES, "/nowhere/at/all/", ERR_NOT_FOUND },
		{ "folder is a file", ROOM_BYTES, "/dev/null/", ERR_IO },
		{ "the top", ROOM_BYTES - 24, "/", ERR_OK },
		{ "name alone is too long", ROOM_BYTES + 40, "/", ERR_TOO_BIG },
		{ "just fits, with a folder", ROOM_BYTES - 1, NULL, ERR_OK },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const int free_fd = lowest_free_fd();
		struct why why = { "" };
		char path[512], before[FILE_PATH_BYTES + 1];
		struct unix_path p;

		snprintf(before, sizeof(before), "%s/", folder);
		path_fill(path, cases[i].len, cases[i].before == NULL ? before : cases[i].before);
		const enum err rc = unix_path_open(path, &p, &why);

		if (rc != cases[i].want)
			fail_msg("%s: %s", cases[i].label, err_text(rc));
		assert_int_equal(why.text[0] != '\0', rc != ERR_OK);
		if (rc == ERR_OK) {
			assert_int_equal(p.address.sun_family, AF_UNIX);
			assert_string_equal(p.address.sun_path, path);
			assert_int_equal(p.folder_fd, -1);
			unix_path_close(&p);
		}
		assert_int_equal(lowest_free_fd(), free_fd); /* none is left open */
	}
}

/* Bound and reached through the folder's descriptor; the file has its own name. */
static void long_paths_work(void **state)
{
	const int free_fd = lowest_free_fd();
	char path[FILE_PATH_BYTES + 16];
	struct unix_path p;
	struct stat st;

	(void)state;
	snprintf(path, sizeof(path), "%s/s", deep);
	assert_true(strlen(path) > ROOM_BYTES);
	assert_int_equal(unix_path_open(path, &p, NULL), ERR_OK);
	assert_true(p.folder_fd >= 0);
	const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(listener, (const struct sockaddr *)&p.address, p.address_bytes), 0);
	assert_int_equal(listen(listener, 1), 0);
	unix_path_close(&p);
	assert_int_equal(p.folder_fd, -1);
	unix_path_close(&p); /* twice does no harm */
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	const int fd = unix_path_connect(path);

	assert_true(fd >= 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	close(fd);
	close(listener);
	/* Its owner is gone: the file is still there and nobody answers. */
	assert_int_equal(unix_path_connect(path), -1);
	assert_int_equal(errno, ECONNREFUSED);
	unlink(path);
	assert_int_equal(lowest_free_fd(), free_fd);
}

static void nobody_there(void **state)
{
	static const struct {
		const char *label, *below; /* the folder */
		int want;
	} cases[] = {
		{ "no file", "/nothing", ENOENT },
		{ "no folder", "/none/nothing", ENOENT },
		{ "no folder, and long",
		  "/0123456789012345678901234567890123456789/01234567890123456789012345"
		  "67890123456789012345678901234567890123456789/s",
		  ENOENT },
		{ "a file that is none", "/plain", ECONNREFUSED },
	};
	char plain[FILE_PATH_BYTES + 16], path[FILE_PATH_BYTES + 512];

	(void)state;
	snprintf(plain, sizeof(plain), "%s/plain", folder);
	file_write(plain, "", 0);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const int free_fd = lowest_free_fd();

		snprintf(path, sizeof(path), "%s%s", folder, cases[i].below);
		errno = 0;
		if (unix_path_connect(path) != -1 || errno != cases[i].want)
			fail_msg("%s: %s", cases[i].label, strerror(errno));
		assert_int_equal(lowest_free_fd(), free_fd);
	}
	path_fill(path, 300, "/");
	assert_int_equal(unix_path_connect(path), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	unlink(plain);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = { TEST(lengths), TEST(long_paths_work),
					    TEST(nobody_there) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
