/* heads.h - the writer's memory: newest row and counts of every chain.
 * SPDX-License-Identifier: MIT
 * Saves reading a row before each append. Changes are undone when their
 * transaction is. Writer thread only. */
#ifndef TOCSIN_STORE_SQLITE_HEADS_H
#define TOCSIN_STORE_SQLITE_HEADS_H

#include <stdbool.h>

#include "model/delivery.h"
#include "store/sqlite/db.h"

/* What a new delivery for this destination becomes. */
enum head_mode {
	HEAD_ACTIVE = 0,
	HEAD_PAUSED,   /* by its owner: not made at all */
	HEAD_DISABLED, /* by Tocsin: held */
	HEAD_REMOVED,  /* not made; what waits is cancelled */
};

/* One destination. */
struct head {
	int64_t id, organization, webhook;
	int64_t last; /* newest delivery, 0 = none */
	int64_t hour; /* of the last mark; -1 = not looked up */
	/* created = all states + removed, the ones that retention took away */
	int64_t created, removed, by_state[DELIVERY_STATES];
	enum head_mode mode;
	bool is_dirty;
};

struct organization_head {
	int64_t id, last, events, removed, hour; /* events: removed ones included */
	bool is_dirty;
};

struct heads;

struct heads *heads_create(void);
void heads_destroy(struct heads *h);
/* Read all from the file, forgetting what was known. */
MUST_CHECK enum err heads_load(struct heads *h, struct db *db);

/* NULL: there is none. Change one only after heads_change(). */
struct head *heads_find(struct heads *h, int64_t destination);
struct organization_head *heads_organization(struct heads *h, int64_t organization);
void heads_change(struct heads *h, struct head *head);
void heads_change_organization(struct heads *h, struct organization_head *head);
/* Move one delivery's count; UNSET as from creates one. */
void heads_count(struct heads *h, struct head *head, enum delivery_state from,
		 enum delivery_state to);

/* One delivery in that state is in the store no more. */
void heads_remove(struct heads *h, struct head *head, enum delivery_state from);

/* A place in the undo log; going back to it. */
size_t heads_place(const struct heads *h);
void heads_undo(struct heads *h, size_t place);
/* Write what changed; before each commit. */
MUST_CHECK enum err heads_save(struct heads *h, struct db *db);
/* The transaction is on disk (or was undone): forget the undo log. */
void heads_settle(struct heads *h);

/* After a commit that stored a new channel or organization. */
void heads_add(struct heads *h, int64_t destination, int64_t organization, int64_t webhook);
void heads_mode(struct heads *h, int64_t destination, enum head_mode mode);

bool heads_has_error(const struct heads *h, int64_t webhook);
void heads_error(struct heads *h, int64_t webhook, bool has_error);

/* The same from a file. */
MUST_CHECK enum err heads_last_id_read(struct db *db, int64_t *out);
/* The last id given to anything. */
int64_t heads_last_id(const struct heads *h);
void heads_last_id_set(struct heads *h, int64_t id);
/* Deliveries of all organizations in a state. */
int64_t heads_total(const struct heads *h, enum delivery_state state);

#endif
