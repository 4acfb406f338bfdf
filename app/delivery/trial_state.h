/* trial_state.h - what the parts of a trial share.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_DELIVERY_TRIAL_STATE_H
#define TOCSIN_DELIVERY_TRIAL_STATE_H

#include "delivery/transfer.h"
#include "delivery/trial_rules.h"

enum { TRIAL_CONFIGS_MAX = 20, TRIAL_EVENTS = 5, TRIAL_SECRETS_MAX = 64 };

/* One way to configure the channel, as a webhook. */
struct trial_configs {
	char label[96];
	struct entry *entry; /* a reference */
	size_t targets;      /* 0: a single one */
};

struct trial_event {
	const char *label;
	struct event *event; /* a reference */
	bool is_large;
};

/* One answer, or what came instead. */
struct trial_outcome {
	char label[96];
	CURLcode curl;
	long status;
	struct tocsin_span body;
	int64_t retry_after_ms;
	const char *last_line;
};

struct trial {
	const struct trial_rules *rules;
	struct conf conf;
	struct channels channels; /* the plugin, declared twice */
	const struct channel *channel;
	const struct tocsin_host *host;
	struct transfer_rules transfers;
	struct trial_configs configs[TRIAL_CONFIGS_MAX];
	size_t configs_count;
	struct trial_event events[TRIAL_EVENTS];
	const char *secrets[TRIAL_SECRETS_MAX]; /* of settings and configs; borrowed */
	size_t secret_count;
	const char *topic;
	unsigned found; /* in this topic, that is worse than a note */
	bool is_slow;   /* prepare() is; thousands of calls would take for ever */
};

/* --- Saying (trial.c) --------------------------------------------------------- */

void trial_topic(struct trial *t, const char *name);
void trial_find(struct trial *t, enum trial_mark mark, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The end of a topic: ok with this text, unless something was found. */
void trial_settle(struct trial *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* What is called now; gives it TRIAL_CALL_MAX_S. */
void trial_call(struct trial *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The call may take so long instead. */
void trial_limit(struct trial *t, unsigned seconds);
/* Nothing of the plugin's is running. */
void trial_return(struct trial *t);

/* --- Attempts (trial_requests.c) ---------------------------------------------- */

/* One attempt under trial. */
struct trial_attempt {
	struct item item;
	struct transfer *transfer; /* owned */
	enum err rc;               /* of transfer_prepare() */
	struct why why;
	int64_t took_us;
};

/* Let the plugin describe attempt number `number` (from 1) for the event. Owner:
 * trial_attempt_finish(), which calls release(). */
void trial_attempt_make(struct trial *t, const struct trial_configs *configs,
			const struct trial_event *event, unsigned number,
			struct trial_attempt *out);
void trial_attempt_finish(struct trial_attempt *a);
/* Files that this process has open. */
unsigned trial_files_count(void);

void trial_requests(struct trial *t);
void trial_send(struct trial *t);

/* --- The rest ------------------------------------------------------------------ */

void trial_judging(struct trial *t); /* trial_judging.c */
/* Let classify() judge out for a prepared attempt. */
void trial_judge(const struct trial *t, const struct trial_attempt *a,
		 const struct trial_outcome *out, struct tocsin_verdict *v);
/* Is text a reason that people may read? Finds what is wrong. */
void trial_reason_check(struct trial *t, const char *text, size_t bytes, const char *who);

void trial_rounds(struct trial *t); /* trial_rounds.c: leaks and threads */

void trial_events_make(struct trial *t); /* trial_cases.c */
void trial_events_finish(struct trial *t);
/* The n-th outcome; false when there are no more. */
bool trial_outcome_make(const struct channel *channel, size_t n, struct trial_outcome *out);

#endif
