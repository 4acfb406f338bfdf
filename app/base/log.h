/* log.h - one event, one line, key=value, ids first, to stderr.
 * SPDX-License-Identifier: MIT
 * No secret, payload or full receiver URL goes in here. Lines start with a
 * journald priority "<3>" only when stderr is the journal (JOURNAL_STREAM);
 * else with an RFC 3339 time and the level's name. */
#ifndef TOCSIN_BASE_LOG_H
#define TOCSIN_BASE_LOG_H

#include "base/err.h"
#include "base/span.h"

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7
}; /* syslog's numbers */

/* Lines above this level are dropped; callable at any time from any thread. */
void log_level_set(enum log_level level);
enum log_level log_level_get(void);

/* Thread: any; one write(2) a line, at most 2,000 bytes. Control characters
 * and invalid UTF-8 in the result are escaped as \xNN. */
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_line(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* text as "quoted" with quotes, backslashes and controls escaped, cut with an
 * ellipsis to fit. Returns out. */
const char *log_quote(const char *text, char *out, size_t out_bytes);

#endif
