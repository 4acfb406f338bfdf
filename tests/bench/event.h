/* event.h - the event the bench sends: a fixed-size body with a stamp in it.
 * SPDX-License-Identifier: MIT
 * The numbers of a stamp are right-aligned in blanks, which JSON allows and
 * Tocsin keeps byte for byte, so stamping a body is three small writes. */
#ifndef TOCSIN_BENCH_EVENT_H
#define TOCSIN_BENCH_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EVENT_BYTES_MIN = 192, EVENT_BYTES_MAX = 200000, EVENT_TYPE_MAX = 64 };

struct event_stamp {
	int64_t run;     /* which measurement; the sink sets others apart */
	int64_t seq;     /* 0, 1, 2 ... within the run */
	int64_t sent_us; /* CLOCK_MONOTONIC; the intended moment in an open loop */
};

/* Write exactly bytes bytes (no NUL) of
 *   {"event_type":TYPE,"data":{"run":..,"seq":..,"sent_us":..,"pad":".."}}
 * to out. False when the type is too long for that size. */
bool event_body_format(char *out, size_t bytes, const char *type);
/* Write the stamp into a body made by event_body_format for the same type. */
void event_body_stamp(char *body, const char *type, const struct event_stamp *stamp);
/* Find a stamp anywhere in foreign bytes. False when there is none. */
bool event_stamp_find(const char *ptr, size_t len, struct event_stamp *out);

#endif
