/* files.h - a folder of its own for tests that need files there.
 * SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_FILES_H
#define TESTS_UNIT_FILES_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

enum { FILE_PATH_BYTES = 1024 };

/* A file that the build made, below TEST_BUILDDIR. */
static inline void file_built(const char *name, char out[FILE_PATH_BYTES])
{
	const char *folder = getenv("TEST_BUILDDIR");

	snprintf(out, FILE_PATH_BYTES, "%s/%s", folder == NULL ? "." : folder, name);
}

/* A new folder that only we may write, whatever the umask. */
static inline void folder_create(char out[FILE_PATH_BYTES])
{
	const char *parent = getenv("TMPDIR");

	snprintf(out, FILE_PATH_BYTES, "%s/tocsin-test-XXXXXX", parent == NULL ? "/tmp" : parent);
	assert_non_null(mkdtemp(out));
}

static inline void file_write(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0644), 0);
}

static inline char *file_read(const char *path, size_t *out_len)
{
	FILE *f = fopen(path, "rb");
	char *bytes = malloc((8u << 20) + 1);

	if (f == NULL)
		fail_msg("%s is missing: build the test's plugins first", path);
	assert_non_null(bytes);
	*out_len = fread(bytes, 1, 8u << 20, f);
	bytes[*out_len] = '\0'; /* for those who read texts */
	fclose(f);
	return bytes;
}

static inline void file_copy(const char *from, const char *to)
{
	size_t len = 0;
	char *bytes = file_read(from, &len);

	file_write(to, bytes, len);
	free(bytes);
}

#endif
