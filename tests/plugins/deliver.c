/* deliver.c - a plugin that delivers by itself, and does what the event's type
 * says: hang until a file is there, leak a descriptor, refuse, or deliver.
 * For tests of the slow lane.
 * SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tocsin/channel.h"

struct deliver_settings {
	const char *release; /* a hanging call comes back when this file is there */
	int64_t timeout_ms;
};

struct deliver_configs {
	const char *file; /* each delivery adds a line to it */
};

static const struct tocsin_field settings[] = {
	{ .key = "release",
	  .help = "A file.",
	  .kind = TOCSIN_TEXT,
	  .flags = TOCSIN_REQUIRED,
	  .offset = offsetof(struct deliver_settings, release) },
	{ .key = "timeout",
	  .help = "How long a call may take.",
	  .kind = TOCSIN_TIME_MS,
	  .flags = TOCSIN_IS_TIMEOUT,
	  .min = 1,
	  .max = 60000,
	  .dflt = "200ms",
	  .offset = offsetof(struct deliver_settings, timeout_ms) },
	{ .key = NULL },
};

static const struct tocsin_field fields[] = {
	{ .key = "file",
	  .help = "Where to.",
	  .kind = TOCSIN_TEXT,
	  .flags = TOCSIN_REQUIRED | TOCSIN_IS_TARGET,
	  .offset = offsetof(struct deliver_configs, file) },
	{ .key = NULL },
};

static int deliver_open(const struct tocsin_host *host, const void *given, void **channel,
			char *err, size_t err_bytes)
{
	(void)host, (void)err, (void)err_bytes;
	*channel = (void *)(uintptr_t)given;
	return TOCSIN_OK;
}

static void hang(const struct deliver_settings *s)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };

	while (access(s->release, F_OK) != 0)
		nanosleep(&pause, NULL);
}

static uint32_t line_add(const struct tocsin_message *msg)
{
	FILE *file = fopen(msg->target, "ae");

	if (file == NULL)
		return TOCSIN_RETRY;
	fprintf(file, "%s %s\n", msg->event_id, msg->event_type);
	return fclose(file) == 0 ? TOCSIN_DELIVERED : TOCSIN_RETRY;
}

static void deliver(void *channel, const struct tocsin_message *msg, struct tocsin_verdict *v)
{
	if (strcmp(msg->event_type, "plugin.hang") == 0)
		hang(channel);
	if (strcmp(msg->event_type, "plugin.leak") == 0)
		(void)!open("/dev/null", O_RDONLY | O_CLOEXEC);
	v->kind = strcmp(msg->event_type, "plugin.refuse") == 0 ? TOCSIN_FAILED : line_add(msg);
	v->status = 7;
	snprintf(v->reason, sizeof(v->reason), "attempt %u of %s", msg->attempt, msg->channel);
}

TOCSIN_CHANNEL_DEFINE = {
	.abi = TOCSIN_CHANNEL_ABI,
	.size = sizeof(struct tocsin_channel),
	.name = "deliver",
	.version = "1",
	.settings = settings,
	.settings_bytes = sizeof(struct deliver_settings),
	.fields = fields,
	.configs_bytes = sizeof(struct deliver_configs),
	.open = deliver_open,
	.deliver = deliver,
};
