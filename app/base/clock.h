/* clock.h - the only place that asks the system for the time.
 * SPDX-License-Identifier: MIT
 * Rules take a moment as a parameter; only tops of loops call these. */
#ifndef TOCSIN_BASE_CLOCK_H
#define TOCSIN_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

#define SECONDS_MS(n) ((int64_t)(n)*1000)
#define MINUTES_MS(n) ((int64_t)(n)*60000)
#define HOURS_MS(n)   ((int64_t)(n)*3600000)
#define DAYS_MS(n)    ((int64_t)(n)*86400000)

int64_t clock_wall_us(void); /* microseconds since 1970, UTC */
int64_t clock_wall_ms(void);
int64_t clock_mono_us(void); /* monotonic; no meaning across processes */
int64_t clock_mono_ms(void);

enum { TIME_TEXT_BYTES = 28 }; /* "2026-11-24T07:55:00.123456Z" and NUL */

/* RFC 3339 in UTC with microseconds and Z. Thread: any. */
void time_format(int64_t wall_us, char out[TIME_TEXT_BYTES]);
enum time_words { TIME_WORDS_ISO = 0, TIME_WORDS_MAIL, TIME_WORDS_PEOPLE };
enum { TIME_WORDS_BYTES = 40 };
/* A moment for others to read, always UTC: "2026-11-24T05:27:39.123Z" (RFC 3339),
 * "Tue, 24 Nov 2026 05:27:39 +0000" (RFC 5322), "24 Nov 2026, 05:27:39 UTC". */
void time_words_format(int64_t wall_ms, enum time_words form, char out[TIME_WORDS_BYTES]);
/* Parse RFC 3339 (section 5.6; any offset, 'T' or 't', 0-9+ fraction digits
 * of which six are kept; leap second 60 becomes the next second; years
 * 1970-9999). False and *out_us untouched when it is not one. */
bool time_parse(struct span text, int64_t *out_us);

#endif
