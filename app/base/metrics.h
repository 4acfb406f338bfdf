/* metrics.h - counters and histograms kept as things happen.
 * SPDX-License-Identifier: MIT
 * One table in metrics.c names every metric, its help and its type; the
 * Prometheus text is printed from it. Thread: any (relaxed atomics). */
#ifndef TOCSIN_BASE_METRICS_H
#define TOCSIN_BASE_METRICS_H

#include <stdint.h>

#include "base/buf.h"

enum metric {
	METRIC_EVENTS_ACCEPTED, /* counter */
	METRIC_EVENTS_DUPLICATE,
	METRIC_DELIVERIES_CREATED,
	METRIC_DELIVERIES_DELIVERED,
	METRIC_DELIVERIES_FAILED,
	METRIC_DELIVERIES_CANCELLED,
	METRIC_ATTEMPTS,
	METRIC_ATTEMPTS_RETRIED, /* attempts that ended in another try */
	METRIC_REQUESTS_2XX,     /* API replies by class */
	METRIC_REQUESTS_4XX,
	METRIC_REQUESTS_5XX,
	METRIC_COMMITS,
	METRIC_COMMIT_ERRORS,
	METRIC_CHECKPOINTS,
	METRIC_NAME_LOOKUPS,
	METRIC_NAME_FAILURES,
	METRIC_ADDRESS_REFUSED,
	METRIC_EVENTS_REMOVED, /* by retention */
	METRIC_DELIVERIES_REMOVED,
	METRIC_ATTEMPTS_IN_FLIGHT, /* gauges from here */
	METRIC_DELIVERIES_WAITING, /* due in the store, being sent included */
	METRIC_DELIVERIES_HELD,
	METRIC_DELIVERIES_IN_MEMORY,
	METRIC_OLDEST_READY_MS,   /* age of the oldest due delivery whose turn is near */
	METRIC_OLDEST_WINDOW_MS,  /* … that waits for its destination's window */
	METRIC_OLDEST_RESTING_MS, /* … whose destination rests after trouble */
	METRIC_CONNECTIONS,
	METRIC_WAL_PAGES,
	METRIC_STORE_BYTES, /* of the store's file in use; looked at with each checkpoint */
	METRIC_STORE_FREE_BYTES,
	METRIC_COUNT
};

enum histogram {
	HISTOGRAM_COMMIT_SECONDS,  /* BEGIN to COMMIT done */
	HISTOGRAM_COMMIT_UNITS,    /* units in one commit */
	HISTOGRAM_REQUEST_SECONDS, /* request read to reply written */
	HISTOGRAM_ATTEMPT_SECONDS, /* one transfer */
	HISTOGRAM_ARRIVAL_SECONDS, /* acceptance to a delivered outcome, first attempt only */
	HISTOGRAM_COUNT
};

void metric_add(enum metric m, int64_t by);
void metric_set(enum metric m, int64_t value);
int64_t metric_get(enum metric m);
void histogram_record(enum histogram h, double value);
/* Append everything as Prometheus text format 0.0.4. */
void metrics_print(struct buf *out);

#endif
