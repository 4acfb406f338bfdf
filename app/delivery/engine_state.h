/* engine_state.h - what the delivery loop is made of.
 * SPDX-License-Identifier: MIT
 * Shared by engine.c, engine_settles.c and engine_attempts.c only. All but the
 * intake (note_…) belongs to the loop's thread. */
#ifndef TOCSIN_DELIVERY_ENGINE_STATE_H
#define TOCSIN_DELIVERY_ENGINE_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "delivery/known.h"
#include "delivery/lane.h"
#include "delivery/pace.h"
#include "delivery/reader.h"
#include "delivery/resolve.h"
#include "delivery/sockets.h"
#include "delivery/transfer.h"
#include "model/backoff.h"

/* Who runs the loop and where its parts come from. */
struct engine_source {
	const struct conf *conf;
	const struct channels *channels;
	struct registry *registry;
	struct store *store;
	void (*webhook_changed)(void *ctx, int64_t webhook_id);
	void *ctx;
};

enum {
	SETTLES_AT_ONCE = 64,
	LANE_STOP_MS = 3000, /* what threads of the lane get to come back */
};

/* What others tell the loop. */
enum note_kind { NOTE_HAND_OVER, NOTE_STORED, NOTE_CHANGED, NOTE_READ, NOTE_SETTLED, NOTE_LANE };

struct note {
	struct note *next;
	enum note_kind kind;
	size_t bytes;              /* HAND_OVER: share of each delivery */
	struct event *event;       /* HAND_OVER: a reference */
	int64_t id;                /* STORED: destination; CHANGED: webhook */
	struct read_result *read;  /* READ */
	struct settles *settles;   /* SETTLED */
	struct transfer *transfer; /* LANE */
	enum err rc;
	size_t count;
	struct accept_target targets[]; /* HAND_OVER, STORED */
};

/* A batch on its way to the store. */
struct settles {
	struct settle_batch batch;
	struct engine *engine;
	struct settles *next; /* waiting to be tried again */
	int64_t again_at_ms;
	struct settle items[SETTLES_AT_ONCE];
	struct item *sent[SETTLES_AT_ONCE];
};

struct engine {
	struct engine_source parts;
	struct transfer_rules rules;
	struct backoff backoff;
	struct sockets *sockets;
	struct resolver *resolver, *operator_resolver; /* the second knows no guard */
	struct schedule *schedule;
	struct known *known;
	struct reader *reader;
	struct transfer *resolving; /* waiting for their name */
	struct transfer *sending;   /* in libcurl's hands */
	size_t in_flight;
	unsigned *of_channel; /* in flight by declaration, where the operator owns the host */
	struct pace *pace;
	struct lane *lane;
	size_t lane_out; /* transfers that the lane has */
	bool lane_has_stopped, lane_has_ended;
	struct settles *open;  /* being filled */
	struct settles *again; /* refused by the store for now */
	size_t settles_out;    /* at the store */
	pthread_t thread;
	bool runs;
	pthread_mutex_t lock;
	struct note *first, **last;   /* under lock */
	_Atomic bool stopping;        /* begin nothing new */
	_Atomic bool ending;          /* leave when all is settled */
	_Atomic int64_t stop_at_ms;   /* monotonic: give running attempts up */
	_Atomic int64_t bytes;        /* of events in memory, counted per delivery */
	_Atomic int64_t *sending_ids; /* one slot per attempt in flight or in the lane */
	int64_t sending_max;
	int64_t ticked_ms;
};

/* The intake: any thread. */
struct note *note_create(enum note_kind kind, size_t targets);
void note_push(struct engine *e, struct note *n); /* taken */

/* Forget a delivery: it is settled, or stays in the store only. */
void item_forget(struct engine *e, struct item *item);

/* engine_settles.c: results on their way to the store. */
struct settle *settle_next(struct engine *e, struct item *item);
void settles_flush(struct engine *e);
void settles_take(struct engine *e, struct settles *s, enum err rc);
void settles_retry(struct engine *e, int64_t mono_ms);
void settles_free(struct settles *s);

/* engine_attempts.c: from a turn to a result. */
void turns_take(struct engine *e);
void resolving_look(struct engine *e);
void transfer_finish(struct engine *e, CURL *easy, CURLcode result);
/* What the slow lane gives back, and what it lost. */
void lane_take(struct engine *e, struct transfer *t);
void lane_look(struct engine *e);
/* At a stop: what waits in the lane goes back to the store. */
void lane_hand_back(struct engine *e);
/* At a stop: attempts still under way are handed back, unrecorded. */
void attempts_give_up(struct engine *e);

#endif
