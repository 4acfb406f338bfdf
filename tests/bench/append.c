/* append.c - append and fdatasync: what the disk gives a store that does
 * nothing else, the baseline for durable events a second.
 * One thread, one file, removed at the end.
 * SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "tally.h"

#define FILE_BYTES_MAX ((int64_t)1 << 30) /* then start over: bounded on disk */

static struct {
	const char *file;
	int64_t bytes, batch, seconds;
	struct tally sync;
} run = { .file = "append.tmp", .bytes = 512, .batch = 16, .seconds = 2 };

static bool batch_write(int fd, const char *ptr, size_t len)
{
	while (len > 0) {
		const ssize_t put = write(fd, ptr, len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		ptr += put;
		len -= (size_t)put;
	}
	return fdatasync(fd) == 0;
}

/* Batches written until the time is over, -1 when the disk refused. */
static int64_t batches_append(int fd, const char *batch, size_t batch_bytes)
{
	const int64_t ends_us = tally_now_us() + run.seconds * 1000000;
	int64_t batches = 0, file_bytes = 0;

	for (int64_t now_us = tally_now_us(); now_us < ends_us; batches++) {
		if (!batch_write(fd, batch, batch_bytes))
			return -1;
		const int64_t after_us = tally_now_us();
		tally_add(&run.sync, after_us - now_us);
		now_us = after_us;
		file_bytes += (int64_t)batch_bytes;
		if (file_bytes < FILE_BYTES_MAX)
			continue;
		if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0)
			return -1;
		file_bytes = 0;
	}
	return batches;
}

int main(int argc, char **argv)
{
	const struct option_row rows[] = {
		{ "--file", "scratch file, on the disk of the store", .text = &run.file },
		{ "--bytes", "bytes an event", .number = &run.bytes, .min = 1, .max = 1 << 20 },
		{ "--batch", "events a sync", .number = &run.batch, .min = 1, .max = 4096 },
		{ "--seconds", "how long", .number = &run.seconds, .min = 1, .max = 3600 },
		{ .name = NULL },
	};

	options_parse(argc, argv, rows);
	const size_t batch_bytes = (size_t)(run.bytes * run.batch);
	char *batch = malloc(batch_bytes);
	const int fd = open(run.file, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	if (batch == NULL || fd < 0) {
		perror(run.file);
		return 1;
	}
	memset(batch, 'x', batch_bytes);
	const int64_t from_us = tally_now_us();
	const int64_t batches = batches_append(fd, batch, batch_bytes);
	const double seconds = (double)(tally_now_us() - from_us) / 1e6;
	if (batches < 0)
		perror(run.file);
	else
		printf("{\"events_per_s\":%.0f,\"syncs_per_s\":%.0f,\"batch\":%" PRId64
		       ",\"bytes\":%" PRId64 ",\"sync_p50_us\":%" PRId64 ",\"sync_p99_us\":%" PRId64
		       "}\n",
		       (double)(batches * run.batch) / seconds, (double)batches / seconds,
		       run.batch, run.bytes, tally_quantile(&run.sync, 500),
		       tally_quantile(&run.sync, 990));
	close(fd);
	unlink(run.file);
	free(batch);
	return batches < 0;
}
