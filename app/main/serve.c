/* serve.c - `tocsin serve`: the ordered start, the wait, the one ordered stop.
 * Not here: anything that the parts do.
 * Main thread; the parts start their own, with the stopping signals blocked.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <curl/curl.h>

#include "api/server.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "channel/blame.h"
#include "channel/channels.h"
#include "main/admin.h"
#include "main/command.h"
#include "main/control.h"
#include "main/listener.h"
#include "main/notify.h"

enum {
	USAGE = 2,
	HEALTH_LOOK_S = 1,
	CONTROL_WAIT_MS = 2000,
	STOP_EXTRA_S = 10,
	SUSPECTS_BYTES = 1000,
};

/* Everything that runs; zeroed members have not been started. */
struct service {
	struct conf conf;
	struct listener listener;
	struct store *store;
	struct channels channels;
	struct pubid *ids;
	struct access *access;
	struct registry *registry;
	struct webhooks *webhooks;
	struct engine *engine;
	bool engine_runs;
	struct api api;
	struct server *server;
	struct admin admin;
	struct control *control;
};

/* --- Start, in this order --------------------------------------------------- */

static enum err libraries_start(struct service *s, struct why *why)
{
	(void)s;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		why_set(why, "libcurl does not start");
		return ERR_IO;
	}
	const int wanted = CURL_VERSION_ASYNCHDNS | CURL_VERSION_THREADSAFE | CURL_VERSION_SSL;
	if ((curl_version_info(CURLVERSION_NOW)->features & wanted) == wanted)
		return ERR_OK;
	why_set(why, "this libcurl lacks TLS, a threaded resolver or thread-safe start-up: install "
		     "Debian's libcurl4");
	return ERR_BAD_REQUEST;
}

static enum err store_start(struct service *s, struct why *why)
{
	const struct conf_store *conf = &s->conf.store;
	const struct store_options options = { .path = conf->path,
					       .cache_bytes = conf->cache_bytes,
					       .busy_timeout_ms = conf->busy_timeout_ms,
					       .readers = (unsigned)conf->readers,
					       .node = (unsigned)conf->node,
					       .retention = {
						       .max_age_ms = s->conf.retention.max_age_ms,
						       .max_bytes = s->conf.retention.max_bytes,
						       .payload_max_age_ms =
							       s->conf.retention.payload_max_age_ms,
					       } };
	enum err rc = store_open(&options, &s->store, why);
	if (rc != ERR_OK)
		return rc;
	s->ids = pubid_create(store_id_key(s->store));
	return ERR_OK;
}

static enum err blame_start(struct service *s, struct why *why)
{
	char *path = xformat("%s-strikes", s->conf.store.path);
	enum err rc = blame_open(path, why);
	free(path);
	return rc;
}

static enum err channels_start(struct service *s, struct why *why)
{
	struct setting_faults faults = { 0 };
	enum err rc = channels_open(&s->conf, engine_host(&s->conf), &s->channels, &faults);
	for (size_t i = 0; i < faults.count; i++)
		log_error("%s", faults.lines[i]);
	setting_faults_finish(&faults);
	why_set(why, "a channel cannot be opened (see above; tocsin check looks without starting)");
	return rc;
}

static void engine_tells(void *ctx, int64_t webhook_id)
{
	struct service *s = ctx;
	webhooks_reload(s->webhooks, webhook_id);
}

static void webhooks_tell(void *ctx, int64_t webhook_id)
{
	struct service *s = ctx;
	engine_webhook_changed(s->engine, webhook_id);
}

static enum err domain_start(struct service *s, struct why *why)
{
	s->access = access_create(s->store);
	s->registry = registry_create(&s->channels);
	enum err rc = access_load(s->access);
	if (rc == ERR_OK)
		rc = registry_load(s->registry, s->store);
	if (rc != ERR_OK) {
		why_set(why, "reading %s: %s", s->conf.store.path, err_text(rc));
		return rc;
	}
	s->webhooks = webhooks_create(&s->conf, &s->channels, s->registry, s->store);
	return ERR_OK;
}

static enum err engine_begin(struct service *s, struct why *why)
{
	const struct engine_parts parts = { .conf = &s->conf,
					    .channels = &s->channels,
					    .registry = s->registry,
					    .store = s->store,
					    .ids = s->ids,
					    .webhook_changed = engine_tells,
					    .ctx = s };
	enum err rc = engine_create(&parts, &s->engine, why);
	if (rc != ERR_OK)
		return rc;
	webhooks_watch(s->webhooks, webhooks_tell, s);
	rc = engine_start(s->engine, why);
	s->engine_runs = rc == ERR_OK;
	return rc;
}

static enum err front_start(struct service *s, struct why *why)
{
	enum err rc = listener_open(&s->conf.server, &s->listener, why);
	if (rc != ERR_OK)
		return rc;
	s->api = (struct api){
		.conf = &s->conf,
		.channels = &s->channels,
		.store = s->store,
		.access = s->access,
		.registry = s->registry,
		.webhooks = s->webhooks,
		.ingest = { .conf = &s->conf, .registry = s->registry, .store = s->store },
		.engine = s->engine,
		.ids = s->ids
	};
	rc = server_start(&s->api, s->listener.fd, &s->server, why);
	/* libfcgi has replaced our choice. */
	signal(SIGPIPE, SIG_IGN);
	return rc;
}

static enum err control_begin(struct service *s, struct why *why)
{
	s->admin = (struct admin){ .store = s->store, .access = s->access };
	return control_start(s->conf.store.path, admin_answer, &s->admin, &s->control, why);
}

static bool service_start(struct service *s)
{
	static enum err (*const steps[])(struct service *, struct why *) = {
		libraries_start, store_start,  blame_start, channels_start,
		domain_start,    engine_begin, front_start, control_begin,
	};
	for (size_t i = 0; i < COUNT_OF(steps); i++) {
		struct why why = { "" };
		enum err rc = steps[i](s, &why);
		if (rc == ERR_OK)
			continue;
		log_error("start failed: %s", why.text[0] != '\0' ? why.text : err_text(rc));
		return false;
	}
	return true;
}

/* --- Stop, the same way back -------------------------------------------------- */

/* exit_status: for an end from within, while some thread cannot be waited for. */
static void service_stop(struct service *s, int exit_status)
{
	server_stop(s->server);
	listener_close(&s->listener);
	const bool control_ended = control_stop(s->control, CONTROL_WAIT_MS);
	const bool lane_ended = !s->engine_runs ||
				engine_stop(s->engine, s->conf.server.stop_timeout_ms);
	if (!control_ended) {
		/* A long audit still reads; all that was accepted or sent is committed. */
		log_warning("stopped during a control request");
		_exit(exit_status);
	}
	/* The writer's last calls back into the engine end with its thread. */
	store_close(s->store);
	if (!lane_ended) {
		log_warning("stopped while a plugin had not come back");
		_exit(exit_status);
	}
	webhooks_destroy(s->webhooks);
	engine_destroy(s->engine);
	registry_destroy(s->registry);
	access_destroy(s->access);
	channels_close(&s->channels);
	blame_close();
	pubid_destroy(s->ids);
	conf_finish(&s->conf);
	curl_global_cleanup();
}

static void stop_at_once(int number)
{
	static const char again[] = "tocsin: second signal: leaving at once\n";
	static const char late[] = "tocsin: the stop took too long: leaving at once\n";
	if (number == SIGALRM)
		(void)!write(STDERR_FILENO, late, sizeof(late) - 1);
	else
		(void)!write(STDERR_FILENO, again, sizeof(again) - 1);
	_exit(EXIT_FAILURE);
}

/* From here on a second signal, or the time limit, ends the process: the
 * store survives that. */
static void stop_limit(const sigset_t *signals, int64_t timeout_ms)
{
	struct sigaction action = { .sa_handler = stop_at_once };
	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	alarm((unsigned)(timeout_ms / 1000) + STOP_EXTRA_S);
	pthread_sigmask(SIG_UNBLOCK, signals, NULL);
}

/* --- Between ------------------------------------------------------------------ */

static void signals_block(sigset_t *out)
{
	sigemptyset(out);
	sigaddset(out, SIGTERM);
	sigaddset(out, SIGINT);
	sigaddset(out, SIGHUP);
	sigaddset(out, SIGALRM);
	pthread_sigmask(SIG_BLOCK, out, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* Receivers' connections need many more descriptors than the usual soft limit. */
static void descriptors_raise(const struct conf *conf)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)!setrlimit(RLIMIT_NOFILE, &limit);
	const int64_t wanted = conf->delivery.in_flight * 3 + conf->server.threads + 64;
	if (limit.rlim_max != RLIM_INFINITY && (int64_t)limit.rlim_max < wanted)
		log_warning("descriptors limit=%lld wanted=%lld: raise LimitNOFILE or lower "
			    "delivery.in_flight",
			    (long long)limit.rlim_max, (long long)wanted);
}

/* Are nearly all descriptors in use? The core's own are bounded, so something
 * leaks: ending in order, while that still works, beats failing at everything. */
static bool descriptors_are_short(void)
{
	struct rlimit limit;
	size_t count = 0;
	DIR *folder = opendir("/proc/self/fd");
	if (folder == NULL)
		return errno == EMFILE;
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
	       count > limit.rlim_cur - limit.rlim_cur / 10;
}

static void plugins_suspect(const struct channels *channels)
{
	struct buf names;
	buf_init(&names, SUSPECTS_BYTES);
	for (size_t i = 0; i < channels->count; i++)
		buf_format(&names, "%s%s", i == 0 ? "" : ",",
			   channels->items[i].plugin.vtable.name);
	log_error("descriptors are nearly used up; the usual cause is a plugin that leaks them: "
		  "plugins=%s (tocsin plugin check FILE tells which); ending, to be started anew",
		  names.ptr == NULL ? "" : names.ptr);
	buf_finish(&names);
}

enum stop_reason { STOP_SIGNAL = 1, STOP_STORE, STOP_DESCRIPTORS };

/* Wait for a reason to stop; *out_signal when it is one. */
static enum stop_reason stop_wait(struct service *s, const sigset_t *signals, int *out_signal)
{
	const struct timespec look = { .tv_sec = HEALTH_LOOK_S };
	for (;;) {
		int number = sigtimedwait(signals, NULL, &look);
		if (number == SIGALRM)
			continue;
		*out_signal = number;
		if (number > 0)
			return STOP_SIGNAL;
		if (store_health(s->store) == ERR_CORRUPT)
			return STOP_STORE;
		if (descriptors_are_short())
			return STOP_DESCRIPTORS;
	}
}

static void stop_tell(const struct service *s, enum stop_reason reason, int number)
{
	switch (reason) {
	case STOP_SIGNAL: log_notice("stopping signal=%d", number); return;
	case STOP_STORE:
		log_error("the store is damaged (tocsin audit; docs/operations.md): stopping");
		return;
	case STOP_DESCRIPTORS: plugins_suspect(&s->channels); return;
	}
}

static int log_level_find(const char *name)
{
	static const char *const names[] = { "error", "warning", "notice", "info", "debug" };
	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (strcmp(name, names[i]) == 0)
			return LOG_LEVEL_ERROR + (int)i;
	return LOG_LEVEL_NOTICE;
}

static int service_run(struct service *s, const sigset_t *signals, int64_t started_mono_us)
{
	if (!service_start(s)) {
		service_stop(s, EXIT_FAILURE);
		return EXIT_FAILURE;
	}
	log_notice("ready socket=%s store=%s webhooks=%zu ms=%.1f version=%s", s->listener.source,
		   s->conf.store.path, registry_count(s->registry, 0),
		   (double)(clock_mono_us() - started_mono_us) / 1000.0, TOCSIN_VERSION);
	notify_send("READY=1");
	int number = 0;
	const enum stop_reason reason = stop_wait(s, signals, &number);
	notify_send("STOPPING=1");
	stop_tell(s, reason, number);
	const int64_t stop_mono_us = clock_mono_us();
	stop_limit(signals, s->conf.server.stop_timeout_ms);
	const int status = reason == STOP_SIGNAL ? EXIT_SUCCESS : EXIT_FAILURE;
	service_stop(s, status);
	log_notice("stopped ms=%.1f", (double)(clock_mono_us() - stop_mono_us) / 1000.0);
	return status;
}

int serve_run(int argc, char **argv)
{
	const int64_t started_mono_us = clock_mono_us();
	struct service s = { .listener = { .fd = -1, .lock_fd = -1 } };
	struct options options;
	struct why why = { "" };
	sigset_t signals;
	if (!options_parse(argc, argv, &options))
		return USAGE;
	if (options.word_count > 0) {
		command_complain("serve takes no argument but -c FILE and -o K=V");
		return USAGE;
	}
	umask(0027);
	signals_block(&signals);
	setenv("RES_OPTIONS", "timeout:2 attempts:2", 0);
	if (listener_inherit(&s.listener, &why) != ERR_OK) {
		log_error("start failed: %s", why.text);
		return EXIT_FAILURE;
	}
	if (!command_conf_load(&options, &s.conf)) {
		log_error(
			"start failed: the configuration has faults (above); nothing was started");
		conf_finish(&s.conf);
		return EXIT_FAILURE;
	}
	log_level_set((enum log_level)log_level_find(s.conf.log.level));
	descriptors_raise(&s.conf);
	return service_run(&s, &signals, started_mono_us);
}
