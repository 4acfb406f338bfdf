/* log.c - one line, one write(2), so that lines of many threads never mix.
 * Not here: what is worth a line; who may log (base, store and domain do not).
 * Any thread, without a lock.
 * SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

enum { LINE_MAX_BYTES = 2000, ESCAPE_BYTES = 4 };

static atomic_int level_max = LOG_LEVEL_INFO;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_journal;

/* systemd puts "device:inode" of the stream it gave us into the environment;
 * a shell that redirected stderr elsewhere left it there all the same. */
static void journal_detect(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char here[48];

	if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
		return;
	snprintf(here, sizeof(here), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	is_journal = strcmp(here, stream) == 0;
}

void log_level_set(enum log_level level)
{
	atomic_store_explicit(&level_max, (int)level, memory_order_relaxed);
}

enum log_level log_level_get(void)
{
	return (enum log_level)atomic_load_explicit(&level_max, memory_order_relaxed);
}

static const char *level_name(enum log_level level)
{
	switch (level) {
	case LOG_LEVEL_ERROR: return "error";
	case LOG_LEVEL_WARNING: return "warning";
	case LOG_LEVEL_NOTICE: return "notice";
	case LOG_LEVEL_INFO: return "info";
	case LOG_LEVEL_DEBUG: return "debug";
	}
	return "unknown";
}

/* Is the sequence of len bytes a control (C0, DEL, C1: terminals obey them)? */
static bool is_control(const char *ptr, size_t len)
{
	const uint32_t code = utf8_code(ptr, len);

	return code < 0x20 || (code >= 0x7F && code < 0xA0);
}

/* Append the character at the front of text to out, escaped where it is none
 * for people. Returns bytes taken from text; 0 when it does not fit. */
static size_t character_put(struct span text, char *out, size_t *len, size_t size)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t bad = 0;
	const size_t step = utf8_step(text, &bad);

	if (step > 0 && !is_control(text.ptr, step)) {
		if (size - *len < step)
			return 0;
		memcpy(out + *len, text.ptr, step);
		*len += step;
		return step;
	}

	const size_t take = step > 0 ? step : bad;

	if (size - *len < take * ESCAPE_BYTES)
		return 0;
	for (size_t i = 0; i < take; i++) {
		const unsigned char byte = (unsigned char)text.ptr[i];

		out[(*len)++] = '\\';
		out[(*len)++] = 'x';
		out[(*len)++] = digits[byte >> 4];
		out[(*len)++] = digits[byte & 15];
	}
	return take;
}

static size_t text_put(struct span text, char *out, size_t len, size_t size)
{
	while (text.len > 0) {
		const size_t took = character_put(text, out, &len, size);

		if (took == 0)
			break;
		text.ptr += took;
		text.len -= took;
	}
	return len;
}

static size_t head_put(enum log_level level, char *out, size_t size)
{
	char now[TIME_TEXT_BYTES];

	pthread_once(&once, journal_detect);
	if (is_journal)
		return (size_t)snprintf(out, size, "<%d>", (int)level);
	time_format(clock_wall_us(), now);
	return (size_t)snprintf(out, size, "%s %s ", now, level_name(level));
}

static void line_write(const char *line, size_t len)
{
	while (len > 0) {
		const ssize_t n = write(STDERR_FILENO, line, len);

		/* Nobody is left to be told that the log cannot be written. */
		if (n < 0 && errno != EINTR)
			return;
		if (n > 0) {
			line += n;
			len -= (size_t)n;
		}
	}
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char raw[LINE_MAX_BYTES], line[LINE_MAX_BYTES];
	const int saved = errno;
	va_list args;

	if (level > log_level_get())
		return;
	va_start(args, fmt);
	const int n = vsnprintf(raw, sizeof(raw), fmt, args);
	va_end(args);
	if (n >= 0) {
		const size_t raw_len = (size_t)n < sizeof(raw) ? (size_t)n : sizeof(raw) - 1;
		size_t len = head_put(level, line, sizeof(line));

		len = text_put((struct span){ raw, raw_len }, line, len, sizeof(line) - 1);
		line[len++] = '\n';
		line_write(line, len);
	}
	errno = saved;
}

const char *log_quote(const char *text, char *out, size_t out_bytes)
{
	static const char ellipsis[] = "\xE2\x80\xA6";
	enum { TAIL_BYTES = sizeof(ellipsis) - 1 + 2 }; /* ellipsis, quote, NUL */

	if (out_bytes == 0)
		return out;
	if (out_bytes < 1 + TAIL_BYTES) {
		out[0] = '\0';
		return out;
	}

	struct span rest = span_of(text == NULL ? "" : text);
	const size_t size = out_bytes - TAIL_BYTES;
	size_t len = 0;

	out[len++] = '"';
	while (rest.len > 0) {
		const bool mark = *rest.ptr == '"' || *rest.ptr == '\\';

		if (size - len < 1u + mark)
			break;
		if (mark)
			out[len++] = '\\';

		const size_t took = character_put(rest, out, &len, size);

		if (took == 0)
			break;
		rest.ptr += took;
		rest.len -= took;
	}
	if (rest.len > 0) {
		memcpy(out + len, ellipsis, sizeof(ellipsis) - 1);
		len += sizeof(ellipsis) - 1;
	}
	out[len++] = '"';
	out[len] = '\0';
	return out;
}
