/* conf_tables.c - the tables of tocsin.conf, one a group.
 * Reading, `tocsin settings` and `-o` all go by them; a new key is a new row
 * here, a member in conf.h and a line in conf/tocsin.conf.
 * Not here: rules between keys (conf.c). Constant; any thread.
 * SPDX-License-Identifier: MIT */
#include "conf/conf_tables.h"

#include "conf/conf.h"

static const char *const levels[] = { "error", "warning", "notice", "info", "debug", NULL };

/* What the modelled system emits; producers may use others unless events.closed. */
static const char default_types[] =
	"object.created, objects.created.batch, object.updated, object.deleted, "
	"collection.created, collection.updated, collection.deleted, "
	"collection.documents.written, cluster.created, cluster.updated, "
	"cluster.deleted, cluster.execution.started, cluster.execution.completed, "
	"cluster.execution.failed, trigger.created, trigger.updated, trigger.deleted, "
	"trigger.paused, trigger.resumed, trigger.fired, trigger.execution.completed, "
	"trigger.execution.failed, taxonomy.created, taxonomy.updated, taxonomy.deleted, "
	"alert.created, alert.updated, alert.deleted, alert.triggered, "
	"alert.execution.completed, alert.execution.failed";

#define ROW(name, of_kind, low, high, otherwise, member, text)                                \
	{                                                                                     \
		.key = (name), .help = (text), .kind = TOCSIN_##of_kind, .item = TOCSIN_TEXT, \
		.min = (low), .max = (high), .dflt = (otherwise),                             \
		.offset = offsetof(struct conf, member)                                       \
	}

static const struct tocsin_field top_rows[] = {
	ROW("plugin_folder", TEXT, 1, 4096, TOCSIN_PLUGIN_DIR, plugin_folder,
	    "Where a channel's plugin is found when its path is relative."),
	{ .key = NULL },
};

static const struct tocsin_field server_rows[] = {
	ROW("socket", TEXT, 1, 4096, "unix:" TOCSIN_RUN_DIR "/tocsin.sock", server.socket,
	    "Where the web server reaches us: unix:PATH, tcp:ADDRESS:PORT, or inherit (fd "
	    "0, or systemd)."),
	ROW("socket_mode", TEXT, 3, 4, "0660", server.socket_mode,
	    "Octal mode of a unix socket of our own; the web server must be able to write "
	    "to it."),
	ROW("socket_group", TEXT, 0, 64, "", server.socket_group,
	    "Group of that socket, the web server's; empty leaves it as it is."),
	ROW("threads", INT, 1, 64, "48", server.threads,
	    "Threads that take requests; few wait at a time, the rest when those are held up."),
	ROW("backlog", INT, 1, 65535, "4096", server.backlog,
	    "Requests that may wait for a thread; the kernel caps it (net.core.somaxconn)."),
	ROW("stop_timeout", TIME_MS, 0, MINUTES_MS(10), "10s", server.stop_timeout_ms,
	    "How long running attempts get at a stop before they are handed back."),
	{ .key = NULL },
};

static const struct tocsin_field store_rows[] = {
	ROW("path", TEXT, 1, 4096, TOCSIN_STATE_DIR "/tocsin.db", store.path,
	    "The SQLite file; its folder must be writable, and on a local disk."),
	ROW("cache", SIZE, 1 << 20, INT64_C(16) << 30, "16M", store.cache_bytes,
	    "Page cache of the writing connection."),
	ROW("readers", INT, 1, 16, "4", store.readers, "Connections for reading."),
	ROW("busy_timeout", TIME_MS, 0, MINUTES_MS(10), "5s", store.busy_timeout_ms,
	    "How long another program may hold the file's lock before a request fails with 503."),
	ROW("node", INT, 0, 31, "0", store.node,
	    "Number of this machine, part of every id; different on each machine that ever "
	    "shares data."),
	{ .key = NULL },
};

static const struct tocsin_field log_rows[] = {
	{ .key = "level",
	  .help = "The least important line that is still written to stderr.",
	  .kind = TOCSIN_CHOICE,
	  .dflt = "notice",
	  .choices = levels,
	  .offset = offsetof(struct conf, log.level) },
	{ .key = NULL },
};

static const struct tocsin_field api_rows[] = {
	ROW("body_max", SIZE, 1 << 10, 16 << 20, "256K", api.body_max_bytes,
	    "Largest request with one event or one webhook; a larger one is answered 413."),
	ROW("batch_max", SIZE, 1 << 10, 256 << 20, "8M", api.batch_max_bytes,
	    "Largest batch request."),
	ROW("batch_max_events", INT, 1, 10000, "1000", api.batch_max_events,
	    "Most events in one batch."),
	ROW("depth_max", INT, 1, 512, "64", api.depth_max,
	    "Deepest nesting of JSON that is taken."),
	{ .key = NULL },
};

static const struct tocsin_field delivery_rows[] = {
	ROW("in_flight", INT, 1, 100000, "1000", delivery.in_flight, "Attempts under way at once."),
	ROW("in_memory", SIZE, 64 << 10, INT64_C(64) << 30, "16M", delivery.in_memory_bytes,
	    "Payloads held in memory; what is beyond waits in the store."),
	ROW("window_start", INT, 1, 10000, "8", delivery.window_start,
	    "Attempts at once to one destination that is not known yet."),
	ROW("window_max", INT, 1, 10000, "64", delivery.window_max,
	    "Attempts at once to one destination that answers well."),
	ROW("queue_max", INT, 1, 1000000, "1024", delivery.queue_max,
	    "Deliveries to one destination held in memory; the rest wait in the store."),
	ROW("connect_timeout", TIME_MS, 10, MINUTES_MS(5), "5s", delivery.connect_timeout_ms,
	    "How long an HTTP connection may take, TLS included."),
	ROW("timeout", TIME_MS, 10, MINUTES_MS(10), "10s", delivery.timeout_ms,
	    "How long one whole attempt may take when the webhook does not say."),
	ROW("reply_max", SIZE, 1 << 10, 16 << 20, "64K", delivery.reply_max_bytes,
	    "Read at most this much of a receiver's reply."),
	ROW("excerpt", SIZE, 0, 64 << 10, "1K", delivery.excerpt_bytes,
	    "Kept of a reply that is not 2xx, for people to look at."),
	ROW("resolver_threads", INT, 1, 256, "16", delivery.resolver_threads,
	    "Threads that look up names."),
	ROW("lane_threads", INT, 1, 256, "16", delivery.lane_threads,
	    "Threads for channels that block: mail, and plugins that say so."),
	ROW("user_agent", TEXT, 0, 200, "", delivery.user_agent,
	    "Sent as User-Agent; empty is Tocsin/VERSION."),
	{ .key = NULL },
};

static const struct tocsin_field retry_rows[] = {
	ROW("schedule", LIST, 1, 40, "5s, 5m, 30m, 2h, 5h, 10h, 14h, 20h, 24h", retry.schedule,
	    "Pauses before the second, third ... attempt; the first is at once. The last "
	    "one over, a delivery has failed."),
	ROW("jitter_percent", INT, 0, 100, "20", retry.jitter_percent,
	    "Each pause is lengthened by chance, by up to this share."),
	ROW("max_age", TIME_MS, SECONDS_MS(1), DAYS_MS(365), "5d", retry.max_age_ms,
	    "A delivery older than this has failed, whatever the schedule says."),
	ROW("retry_after_max", TIME_MS, 0, DAYS_MS(30), "24h", retry.retry_after_max_ms,
	    "The longest Retry-After that a receiver may ask for."),
	{ .key = NULL },
};

static const struct tocsin_field guard_rows[] = {
	ROW("allow", LIST, 0, 1000, "", guard.allow,
	    "Networks that receivers may live in although they are private or special, such "
	    "as \"10.0.0.0/8\"."),
	{ .key = NULL },
};

static const struct tocsin_field limits_rows[] = {
	ROW("webhooks", INT, 1, 1000000, "1000", limits.webhooks, "Webhooks of one organization."),
	ROW("channels", INT, 1, 100, "10", limits.channels, "Channels of one webhook."),
	ROW("targets", INT, 1, 10000, "100", limits.targets,
	    "Targets (numbers, addresses) in one field of a channel."),
	ROW("event_types", INT, 1, 1000, "100", limits.event_types, "Event types of one webhook."),
	{ .key = NULL },
};

static const struct tocsin_field events_rows[] = {
	ROW("types", LIST, 0, 10000, default_types, events.types,
	    "The catalogue of event types, shown in openapi.json."),
	ROW("closed", BOOL, 0, 0, "false", events.closed,
	    "Take only event types of the catalogue."),
	ROW("secret_overlap", TIME_MS, 0, DAYS_MS(30), "24h", events.secret_overlap_ms,
	    "How long an old signing secret goes on signing beside the new one after a "
	    "rotation."),
	{ .key = NULL },
};

static const struct tocsin_field retention_rows[] = {
	ROW("max_age", TIME_MS, 0, DAYS_MS(3650), "30d", retention.max_age_ms,
	    "Finished events older than this are removed with their deliveries, attempts and "
	    "idempotency keys; \"0s\" keeps them for ever."),
	ROW("max_bytes", SIZE, 0, INT64_C(1) << 50, "0", retention.max_bytes,
	    "When the store is larger, the oldest finished events are removed whatever their "
	    "age; \"0\" is no limit."),
	ROW("payload_max_age", TIME_MS, 0, DAYS_MS(3650), "0s", retention.payload_max_age_ms,
	    "Finished events older than this lose their payload (data, metadata and the like) "
	    "and keep the rest; \"0s\" keeps it as long as the event."),
	{ .key = NULL },
};

const struct conf_table conf_tables[] = {
	{ "", top_rows },
	{ "server", server_rows },
	{ "store", store_rows },
	{ "log", log_rows },
	{ "api", api_rows },
	{ "delivery", delivery_rows },
	{ "retry", retry_rows },
	{ "guard", guard_rows },
	{ "limits", limits_rows },
	{ "events", events_rows },
	{ "retention", retention_rows },
	{ NULL, NULL },
};

_Static_assert(COUNT_OF(conf_tables) <= CONF_TABLES_MAX, "CONF_TABLES_MAX is too small");
