/* metrics.c - the table of metrics, their counters and their printing.
 * Not here: when something counts; whoever does the thing adds to it.
 * Any thread: every number is an atomic of its own, so a scrape may see one
 * event in one metric and not yet in another.
 * SPDX-License-Identifier: MIT */
#include "base/metrics.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum { BUCKETS_MAX = 16 };

enum metric_type { TYPE_COUNTER = 1, TYPE_GAUGE };
enum metric_unit { UNIT_NONE, UNIT_MS /* kept in ms, printed in seconds */ };

struct metric_info {
	const char *name, *help, *labels; /* rows of one name follow one another */
	enum metric_type type;
	enum metric_unit unit;
};

#define COUNTER(name, labels, help)                         \
	{                                                   \
		name, help, labels, TYPE_COUNTER, UNIT_NONE \
	}
#define GAUGE(name, labels, help)                         \
	{                                                 \
		name, help, labels, TYPE_GAUGE, UNIT_NONE \
	}
#define AGE(name, labels, help)                         \
	{                                               \
		name, help, labels, TYPE_GAUGE, UNIT_MS \
	}

static const struct metric_info infos[METRIC_COUNT] = {
	[METRIC_EVENTS_ACCEPTED] = COUNTER("events_accepted_total", "",
					   "Events committed and answered with 202."),
	[METRIC_EVENTS_DUPLICATE] = COUNTER("events_duplicate_total", "",
					    "Publish calls recognised as repeated."),
	[METRIC_DELIVERIES_CREATED] = COUNTER("deliveries_created_total", "",
					      "Deliveries made from events."),
	[METRIC_DELIVERIES_DELIVERED] = COUNTER("deliveries_delivered_total", "",
						"Deliveries a receiver accepted."),
	[METRIC_DELIVERIES_FAILED] = COUNTER("deliveries_failed_total", "",
					     "Deliveries given up for good."),
	[METRIC_DELIVERIES_CANCELLED] =
		COUNTER("deliveries_cancelled_total", "",
			"Deliveries whose webhook, channel or target was removed."),
	[METRIC_ATTEMPTS] = COUNTER("attempts_total", "",
				    "Attempts to deliver that ended, whatever the outcome."),
	[METRIC_ATTEMPTS_RETRIED] = COUNTER("attempts_retried_total", "",
					    "Attempts that ended in another try."),
	[METRIC_REQUESTS_2XX] = COUNTER("http_requests_total", "class=\"2xx\"",
					"API replies by class of status."),
	[METRIC_REQUESTS_4XX] = COUNTER("http_requests_total", "class=\"4xx\"", ""),
	[METRIC_REQUESTS_5XX] = COUNTER("http_requests_total", "class=\"5xx\"", ""),
	[METRIC_COMMITS] = COUNTER("store_commits_total", "",
				   "Transactions committed by the writer."),
	[METRIC_COMMIT_ERRORS] = COUNTER("store_commit_errors_total", "",
					 "Transactions that could not be committed."),
	[METRIC_CHECKPOINTS] = COUNTER("store_checkpoints_total", "",
				       "Checkpoints of the write-ahead log."),
	[METRIC_NAME_LOOKUPS] = COUNTER("name_lookups_total", "", "Receivers' names looked up."),
	[METRIC_NAME_FAILURES] = COUNTER("name_failures_total", "",
					 "Look-ups that gave no address."),
	[METRIC_ADDRESS_REFUSED] = COUNTER("address_refused_total", "",
					   "Attempts stopped by the address guard."),
	[METRIC_EVENTS_REMOVED] = COUNTER("events_removed_total", "",
					  "Events that retention removed from the store."),
	[METRIC_DELIVERIES_REMOVED] = COUNTER("deliveries_removed_total", "",
					      "Deliveries that retention removed from the store."),
	[METRIC_ATTEMPTS_IN_FLIGHT] = GAUGE("attempts_in_flight", "", "Attempts under way."),
	[METRIC_DELIVERIES_WAITING] = GAUGE("deliveries_waiting", "",
					    "Deliveries due, those being sent included."),
	[METRIC_DELIVERIES_HELD] = GAUGE("deliveries_held", "",
					 "Deliveries held for a paused or disabled webhook."),
	[METRIC_DELIVERIES_IN_MEMORY] = GAUGE("deliveries_in_memory", "",
					      "Deliveries the engine holds in memory."),
	[METRIC_OLDEST_READY_MS] = AGE("oldest_due_seconds", "reason=\"ready\"",
				       "Age of the oldest due delivery by what it waits for."),
	[METRIC_OLDEST_WINDOW_MS] = AGE("oldest_due_seconds", "reason=\"window\"", ""),
	[METRIC_OLDEST_RESTING_MS] = AGE("oldest_due_seconds", "reason=\"resting\"", ""),
	[METRIC_CONNECTIONS] = GAUGE("connections", "", "Connections to receivers that are open."),
	[METRIC_WAL_PAGES] = GAUGE("store_wal_pages", "", "Pages in the write-ahead log."),
	[METRIC_STORE_BYTES] = GAUGE("store_bytes", "", "Bytes in use in the store's file."),
	[METRIC_STORE_FREE_BYTES] = GAUGE("store_free_bytes", "",
					  "Bytes of the store's file that are free for new rows."),
};

/* Upper ends, ascending; text as printed. The last bucket is open. */
struct bucket {
	double max;
	const char *text;
};

#define BUCKET(value)         \
	{                     \
		value, #value \
	}

static const struct bucket seconds[] = {
	BUCKET(0.0005), BUCKET(0.001), BUCKET(0.002), BUCKET(0.005), BUCKET(0.01),
	BUCKET(0.02),   BUCKET(0.05),  BUCKET(0.1),   BUCKET(0.2),   BUCKET(0.5),
	BUCKET(1),      BUCKET(2),     BUCKET(5),     BUCKET(10),    BUCKET(30),
};
static const struct bucket units[] = {
	BUCKET(1),  BUCKET(2),  BUCKET(4),   BUCKET(8),   BUCKET(16),
	BUCKET(32), BUCKET(64), BUCKET(128), BUCKET(256),
};

struct histogram_info {
	const char *name, *help;
	const struct bucket *buckets;
	size_t count;
};

#define BUCKETS(table) table, sizeof(table) / sizeof((table)[0])

static const struct histogram_info histogram_infos[HISTOGRAM_COUNT] = {
	[HISTOGRAM_COMMIT_SECONDS] = { "store_commit_seconds",
				       "Time from the begin to the end of a transaction.",
				       BUCKETS(seconds) },
	[HISTOGRAM_COMMIT_UNITS] = { "store_commit_units", "Units of work in one transaction.",
				     BUCKETS(units) },
	[HISTOGRAM_REQUEST_SECONDS] = { "http_request_seconds",
					"Time from an API request read to its reply written.",
					BUCKETS(seconds) },
	[HISTOGRAM_ATTEMPT_SECONDS] = { "attempt_seconds", "Time of one attempt.",
					BUCKETS(seconds) },
	[HISTOGRAM_ARRIVAL_SECONDS] = { "arrival_seconds",
					"Time from acceptance to delivery by the first attempt.",
					BUCKETS(seconds) },
};

struct histogram_state {
	atomic_uint_fast64_t counts[BUCKETS_MAX]; /* of each bucket alone */
	atomic_uint_fast64_t sum_micro;           /* millionths */
};

static atomic_int_fast64_t values[METRIC_COUNT];
static struct histogram_state states[HISTOGRAM_COUNT];

_Static_assert(sizeof(seconds) / sizeof(seconds[0]) < BUCKETS_MAX, "no room for the open bucket");
_Static_assert(sizeof(units) / sizeof(units[0]) < BUCKETS_MAX, "no room for the open bucket");

void metric_add(enum metric m, int64_t by)
{
	atomic_fetch_add_explicit(&values[m], by, memory_order_relaxed);
}

void metric_set(enum metric m, int64_t value)
{
	atomic_store_explicit(&values[m], value, memory_order_relaxed);
}

int64_t metric_get(enum metric m)
{
	return atomic_load_explicit(&values[m], memory_order_relaxed);
}

void histogram_record(enum histogram h, double value)
{
	const struct histogram_info *info = &histogram_infos[h];
	size_t i = 0;

	/* Written so that a NaN counts as 0, not as something unbounded. */
	if (!(value > 0))
		value = 0;
	if (value > 1e9)
		value = 1e9;
	while (i < info->count && value > info->buckets[i].max)
		i++;
	atomic_fetch_add_explicit(&states[h].counts[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&states[h].sum_micro, (uint64_t)(value * 1e6 + 0.5),
				  memory_order_relaxed);
}

/* value / 10^digits with all digits, and without a locale's comma. */
static void fixed_put(struct buf *out, int64_t value, unsigned digits)
{
	uint64_t scale = 1;
	const uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;

	for (unsigned i = 0; i < digits; i++)
		scale *= 10;
	buf_format(out, "%s%llu.%0*llu", value < 0 ? "-" : "", (unsigned long long)(size / scale),
		   (int)digits, (unsigned long long)(size % scale));
}

static void head_put(struct buf *out, const char *name, const char *help, const char *type)
{
	buf_format(out, "# HELP tocsin_%s %s\n# TYPE tocsin_%s %s\n", name, help, name, type);
}

static void metric_print(struct buf *out, enum metric m)
{
	const struct metric_info *info = &infos[m];

	if (m == 0 || strcmp(info->name, infos[m - 1].name) != 0)
		head_put(out, info->name, info->help,
			 info->type == TYPE_COUNTER ? "counter" : "gauge");
	buf_format(out, "tocsin_%s", info->name);
	if (info->labels[0] != '\0')
		buf_format(out, "{%s}", info->labels);
	buf_byte(out, ' ');
	if (info->unit == UNIT_MS)
		fixed_put(out, metric_get(m), 3);
	else
		buf_int(out, metric_get(m));
	buf_byte(out, '\n');
}

static void histogram_print(struct buf *out, enum histogram h)
{
	const struct histogram_info *info = &histogram_infos[h];
	struct histogram_state *state = &states[h];
	uint64_t total = 0;

	head_put(out, info->name, info->help, "histogram");
	for (size_t i = 0; i <= info->count; i++) {
		total += atomic_load_explicit(&state->counts[i], memory_order_relaxed);
		buf_format(out, "tocsin_%s_bucket{le=\"%s\"} %llu\n", info->name,
			   i < info->count ? info->buckets[i].text : "+Inf",
			   (unsigned long long)total);
	}
	buf_format(out, "tocsin_%s_sum ", info->name);
	fixed_put(out, (int64_t)atomic_load_explicit(&state->sum_micro, memory_order_relaxed), 6);
	/* The same number as +Inf above, also while others are counting. */
	buf_format(out, "\ntocsin_%s_count %llu\n", info->name, (unsigned long long)total);
}

void metrics_print(struct buf *out)
{
	for (unsigned m = 0; m < METRIC_COUNT; m++)
		metric_print(out, (enum metric)m);
	for (unsigned h = 0; h < HISTOGRAM_COUNT; h++)
		histogram_print(out, (enum histogram)h);
}
