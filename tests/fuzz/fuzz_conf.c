/* fuzz_conf.c - the configuration reader against any bytes.
 * No input may crash it, leave memory behind or fail without a fault; what it
 * takes keeps the ranges of its table.
 * SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/conf_tables.h"

enum { INPUT_MAX_BYTES = 16 * 1024, PATH_BYTES = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 forgets a text that a syntax error follows; it is not ours. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig";
}

static void ranges_check(const struct conf *c)
{
	for (const struct conf_table *t = conf_tables; t->rows != NULL; t++) {
		for (const struct tocsin_field *row = t->rows; row->key != NULL; row++) {
			const char *slot = (const char *)c + row->offset;
			const int64_t *number = (const int64_t *)(const void *)slot;
			const bool counts = row->kind == TOCSIN_INT ||
					    row->kind == TOCSIN_TIME_MS || row->kind == TOCSIN_SIZE;

			if (counts && (*number < row->min || *number > row->max))
				abort();
		}
	}
}

static void faults_check(enum err rc, const struct setting_faults *faults)
{
	if ((rc == ERR_OK) != (faults->count == 0))
		abort();
	for (size_t i = 0; i < faults->count; i++) {
		if (faults->lines[i][0] == '\0')
			abort();
	}
}

/* The first byte says whether the rest is a file or the text of an override. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[PATH_BYTES];
	char *override = calloc(1, size + 1);
	const char *const overrides[] = { override, NULL };
	struct conf conf;
	struct setting_faults faults = { 0 };
	const int fd = memfd_create("conf", MFD_CLOEXEC);
	const bool is_override = size > 0 && data[0] == '-';

	if (override == NULL || fd < 0 || size > INPUT_MAX_BYTES)
		goto out;
	if (is_override) {
		for (size_t i = 1; i < size; i++)
			override[i - 1] = (char)data[i];
	} else if (write(fd, data, size) != (ssize_t)size) {
		goto out;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);

	const enum err rc = conf_load(path, is_override ? overrides : NULL, &conf, &faults);

	faults_check(rc, &faults);
	if (rc == ERR_OK)
		ranges_check(&conf);
	conf_finish(&conf);
out:
	setting_faults_finish(&faults);
	if (fd >= 0)
		close(fd);
	free(override);
	return 0;
}
