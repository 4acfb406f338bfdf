/* heads.c - chain heads and counters in the writer's memory.
 * SPDX-License-Identifier: MIT
 * Row numbers are small and dense, so tables are arrays by id. Writer thread
 * only (store_open fills it before that thread starts). */
#include "store/sqlite/heads.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/ids.h"
#include "store/sqlite/meta.h"

/* An array of pointers by row id. */
struct by_id {
	void **items;
	size_t size;
};

struct undo {
	void *where; /* the head */
	bool is_organization;
	union {
		struct head head;
		struct organization_head organization;
	} was;
};

struct heads {
	struct by_id destinations, organizations;
	unsigned char *errors; /* by webhook id: has a last_error */
	size_t errors_size;
	void **dirty; /* heads with is_dirty, both kinds */
	bool *dirty_is_organization;
	size_t dirty_count, dirty_size;
	struct undo *undo;
	size_t undo_count, undo_size;
	int64_t last_id;
	int64_t totals[DELIVERY_STATES];
};

static void *by_id_find(const struct by_id *t, int64_t id)
{
	return id > 0 && (size_t)id < t->size ? t->items[id] : NULL;
}

static void by_id_put(struct by_id *t, int64_t id, void *item)
{
	if ((size_t)id >= t->size) {
		const size_t size = (size_t)id + (size_t)id / 2 + 16;

		t->items = xrealloc(t->items, size * sizeof(*t->items));
		memset(t->items + t->size, 0, (size - t->size) * sizeof(*t->items));
		t->size = size;
	}
	t->items[id] = item;
}

static void by_id_finish(struct by_id *t)
{
	for (size_t i = 0; i < t->size; i++)
		free(t->items[i]);
	free(t->items);
	memset(t, 0, sizeof(*t));
}

struct heads *heads_create(void)
{
	return xcalloc(1, sizeof(struct heads));
}

static void heads_clear(struct heads *h)
{
	by_id_finish(&h->destinations);
	by_id_finish(&h->organizations);
	free(h->errors);
	free(h->dirty);
	free(h->dirty_is_organization);
	free(h->undo);
	memset(h, 0, sizeof(*h));
}

void heads_destroy(struct heads *h)
{
	if (h == NULL)
		return;
	heads_clear(h);
	free(h);
}

/* --- Loading --------------------------------------------------------------- */

static enum head_mode mode_of(sqlite3_stmt *st)
{
	const bool is_disabled = db_column_int(st, 10) != 0 || db_column_int(st, 14) != 0;
	const bool is_removed = db_column_int(st, 11) != 0 || db_column_int(st, 13) != 0;

	if (is_removed)
		return HEAD_REMOVED;
	if (is_disabled)
		return HEAD_DISABLED;
	return db_column_int(st, 12) != 0 ? HEAD_ACTIVE : HEAD_PAUSED;
}

static enum err destinations_load(struct heads *h, struct db *db)
{
	sqlite3_stmt *st = db_statement(db, ST_DESTINATIONS);
	enum err rc;

	while ((rc = db_step(db, st)) == ERR_OK) {
		struct head *head = xcalloc(1, sizeof(*head));

		head->id = db_column_int(st, 0);
		head->organization = db_column_int(st, 1);
		head->webhook = db_column_int(st, 2);
		head->last = db_column_int(st, 3);
		head->hour = -1;
		head->created = db_column_int(st, 4);
		for (int s = DELIVERY_DUE; s < DELIVERY_STATES; s++) {
			head->by_state[s] = db_column_int(st, 4 + s);
			h->totals[s] += head->by_state[s];
		}
		head->removed = db_column_int(st, 15);
		head->mode = mode_of(st);
		by_id_put(&h->destinations, head->id, head);
	}
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static enum err organizations_load(struct heads *h, struct db *db)
{
	sqlite3_stmt *st = db_statement(db, ST_ORGANIZATION_HEADS);
	enum err rc;

	while ((rc = db_step(db, st)) == ERR_OK) {
		struct organization_head *head = xcalloc(1, sizeof(*head));

		head->id = db_column_int(st, 0);
		head->last = db_column_int(st, 1);
		head->events = db_column_int(st, 2);
		head->removed = db_column_int(st, 3);
		head->hour = -1;
		by_id_put(&h->organizations, head->id, head);
	}
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static enum err errors_load(struct heads *h, struct db *db)
{
	sqlite3_stmt *st = db_statement(db, ST_ERRORS);
	enum err rc;

	while ((rc = db_step(db, st)) == ERR_OK)
		heads_error(h, db_column_int(st, 0), true);
	return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

/* Ids go on after the newest event, after what retention removed, and after what
 * was given before a backup was put back. */
enum err heads_last_id_read(struct db *db, int64_t *out)
{
	static const char *const places[] = { META_FLOOR, META_LAST_ID };
	sqlite3_stmt *st = db_statement(db, ST_EVENT_NEWEST);
	enum err rc = db_step(db, st);

	*out = 0;
	if (rc == ERR_OK) {
		*out = id_after(db_column_int(st, 0), db_column_int(st, 1) - 1) - ID_STEP;
		db_reset(st);
	}
	if (rc == ERR_NOT_FOUND)
		rc = ERR_OK;
	for (size_t i = 0; i < COUNT_OF(places) && rc == ERR_OK; i++) {
		int64_t id = 0;

		rc = meta_int_read(db, places[i], &id);
		if (id > *out)
			*out = id;
	}
	return rc;
}

enum err heads_load(struct heads *h, struct db *db)
{
	enum err rc;

	heads_clear(h);
	rc = destinations_load(h, db);
	if (rc == ERR_OK)
		rc = organizations_load(h, db);
	if (rc == ERR_OK)
		rc = errors_load(h, db);
	return rc == ERR_OK ? heads_last_id_read(db, &h->last_id) : rc;
}

/* --- Finding and changing --------------------------------------------------- */

struct head *heads_find(struct heads *h, int64_t destination)
{
	return by_id_find(&h->destinations, destination);
}

struct organization_head *heads_organization(struct heads *h, int64_t organization)
{
	struct organization_head *head = by_id_find(&h->organizations, organization);

	if (head == NULL && organization > 0) {
		head = xcalloc(1, sizeof(*head));
		head->id = organization;
		head->hour = -1;
		by_id_put(&h->organizations, organization, head);
	}
	return head;
}

static struct undo *undo_push(struct heads *h)
{
	if (h->undo_count == h->undo_size) {
		h->undo_size = h->undo_size == 0 ? 256 : h->undo_size * 2;
		h->undo = xrealloc(h->undo, h->undo_size * sizeof(*h->undo));
	}
	return &h->undo[h->undo_count++];
}

static void dirty_push(struct heads *h, void *head, bool is_organization)
{
	if (h->dirty_count == h->dirty_size) {
		h->dirty_size = h->dirty_size == 0 ? 256 : h->dirty_size * 2;
		h->dirty = xrealloc(h->dirty, h->dirty_size * sizeof(*h->dirty));
		h->dirty_is_organization = xrealloc(h->dirty_is_organization, h->dirty_size);
	}
	h->dirty[h->dirty_count] = head;
	h->dirty_is_organization[h->dirty_count++] = is_organization;
}

void heads_change(struct heads *h, struct head *head)
{
	struct undo *u = undo_push(h);

	u->where = head;
	u->is_organization = false;
	u->was.head = *head;
	if (!head->is_dirty)
		dirty_push(h, head, false);
	head->is_dirty = true;
}

void heads_change_organization(struct heads *h, struct organization_head *head)
{
	struct undo *u = undo_push(h);

	u->where = head;
	u->is_organization = true;
	u->was.organization = *head;
	if (!head->is_dirty)
		dirty_push(h, head, true);
	head->is_dirty = true;
}

void heads_count(struct heads *h, struct head *head, enum delivery_state from,
		 enum delivery_state to)
{
	if (from == DELIVERY_UNSET) {
		head->created++;
	} else {
		head->by_state[from]--;
		h->totals[from]--;
	}
	head->by_state[to]++;
	h->totals[to]++;
}

void heads_remove(struct heads *h, struct head *head, enum delivery_state from)
{
	head->removed++;
	head->by_state[from]--;
	h->totals[from]--;
}

size_t heads_place(const struct heads *h)
{
	return h->undo_count;
}

static void head_restore(struct heads *h, const struct undo *u)
{
	struct head *head = u->where;

	for (int s = DELIVERY_DUE; s < DELIVERY_STATES; s++)
		h->totals[s] += u->was.head.by_state[s] - head->by_state[s];
	*head = u->was.head;
	head->is_dirty = true; /* it stays in the dirty list; one write too many does no harm */
}

void heads_undo(struct heads *h, size_t place)
{
	while (h->undo_count > place) {
		const struct undo *u = &h->undo[--h->undo_count];

		if (!u->is_organization) {
			head_restore(h, u);
			continue;
		}
		*(struct organization_head *)u->where = u->was.organization;
		((struct organization_head *)u->where)->is_dirty = true;
	}
}

/* --- Writing ----------------------------------------------------------------- */

static enum err head_save(struct db *db, const struct head *head)
{
	sqlite3_stmt *st = db_statement(db, ST_DESTINATION_SAVE);

	db_bind_int(st, 1, head->id);
	db_bind_int(st, 2, head->last);
	db_bind_int(st, 3, head->created);
	for (int s = DELIVERY_DUE; s < DELIVERY_STATES; s++)
		db_bind_int(st, 3 + s, head->by_state[s]);
	db_bind_int(st, 3 + DELIVERY_STATES, head->removed);
	return db_run(db, st);
}

static enum err organization_save(struct db *db, const struct organization_head *head)
{
	sqlite3_stmt *st = db_statement(db, ST_ORGANIZATION_HEAD_SAVE);

	db_bind_int(st, 1, head->id);
	db_bind_int(st, 2, head->last);
	db_bind_int(st, 3, head->events);
	db_bind_int(st, 4, head->removed);
	return db_run(db, st);
}

enum err heads_save(struct heads *h, struct db *db)
{
	for (size_t i = 0; i < h->dirty_count; i++) {
		enum err rc = h->dirty_is_organization[i] ? organization_save(db, h->dirty[i])
							  : head_save(db, h->dirty[i]);

		if (rc != ERR_OK)
			return rc;
	}
	return ERR_OK;
}

void heads_settle(struct heads *h)
{
	for (size_t i = 0; i < h->dirty_count; i++) {
		if (h->dirty_is_organization[i])
			((struct organization_head *)h->dirty[i])->is_dirty = false;
		else
			((struct head *)h->dirty[i])->is_dirty = false;
	}
	h->dirty_count = 0;
	h->undo_count = 0;
}

void heads_add(struct heads *h, int64_t destination, int64_t organization, int64_t webhook)
{
	struct head *head = xcalloc(1, sizeof(*head));

	head->id = destination;
	head->organization = organization;
	head->webhook = webhook;
	head->hour = -1;
	by_id_put(&h->destinations, destination, head);
}

void heads_mode(struct heads *h, int64_t destination, enum head_mode mode)
{
	struct head *head = heads_find(h, destination);

	if (head != NULL)
		head->mode = mode;
}

bool heads_has_error(const struct heads *h, int64_t webhook)
{
	return (size_t)webhook < h->errors_size && h->errors[webhook] != 0;
}

void heads_error(struct heads *h, int64_t webhook, bool has_error)
{
	if ((size_t)webhook >= h->errors_size) {
		const size_t size = (size_t)webhook + (size_t)webhook / 2 + 64;

		h->errors = xrealloc(h->errors, size);
		memset(h->errors + h->errors_size, 0, size - h->errors_size);
		h->errors_size = size;
	}
	h->errors[webhook] = has_error;
}

int64_t heads_last_id(const struct heads *h)
{
	return h->last_id;
}

void heads_last_id_set(struct heads *h, int64_t id)
{
	h->last_id = id;
}

int64_t heads_total(const struct heads *h, enum delivery_state state)
{
	return h->totals[state];
}
