/* test_lists.c - lists of deliveries without gaps or doubles, and the work that is due.
 * SPDX-License-Identifier: MIT */
#include "store/store.h"

#include "model/ids.h"

#include "store_world.h"

enum { LIST_EVENTS = 25, LIST_MAX = 200 };

struct shelf {
	struct world w;
	int64_t event;         /* one with deliveries for all channels */
	int64_t all[LIST_MAX]; /* newest first */
	enum delivery_state states[LIST_MAX];
	size_t webhook_of[LIST_MAX], count;
};

static void shelf_put(struct shelf *s, int64_t id, enum delivery_state state, size_t webhook)
{
	memmove(s->all + 1, s->all, s->count * sizeof(*s->all));
	memmove(s->states + 1, s->states, s->count * sizeof(*s->states));
	memmove(s->webhook_of + 1, s->webhook_of, s->count * sizeof(*s->webhook_of));
	s->all[0] = id;
	s->states[0] = state;
	s->webhook_of[0] = webhook;
	s->count++;
}

static void other_organization_add(struct world *w)
{
	static char name[] = "Other";
	struct organization o = { .public_id = "org_bbbbbbbbbb",
				  .internal_id = "int_bbbbbbbbbbbbbbbbbbbbbbbb",
				  .name = name };

	assert_int_equal(store_organization_add(w->s, &o), ERR_OK);
	assert_int_equal(o.id, w->organization + 1);
}

/* Webhooks of two and one channels, events with three, one and no deliveries,
 * and another organization's events between them. */
static int shelf_setup(void **state)
{
	static const enum delivery_state states[] = { DELIVERY_DUE, DELIVERY_DELIVERED,
						      DELIVERY_FAILED };
	static struct shelf s;
	struct publish p;

	memset(&s, 0, sizeof(s));
	world_start(&s.w);
	other_organization_add(&s.w);
	assert_int_equal(world_webhook_add(&s.w, 2, 0), ERR_OK);
	assert_int_equal(world_webhook_add(&s.w, 1, 0), ERR_OK);
	const int64_t to[] = { world_channel(&s.w, 0, 0), world_channel(&s.w, 0, 1),
			       world_channel(&s.w, 1, 0) };
	for (int i = 0; i < LIST_EVENTS; i++) {
		const size_t count = i % 4 == 3 ? 0 : i % 4 == 2 ? 1 : 3;

		publish_fill(&s.w, &p, NULL, to, count);
		assert_int_equal(store_accept(s.w.s, &p.accept), ERR_OK);
		if (count == 3)
			s.event = p.event.event_id;
		for (size_t t = 0; t < count; t++) {
			const enum delivery_state wanted = states[((size_t)i + t) % 3];
			struct settle x = settle_make(to[t], p.targets[t].delivery_id, wanted);

			if (wanted != DELIVERY_DUE)
				assert_int_equal(world_settle_all(&s.w, &x, 1), ERR_OK);
			shelf_put(&s, x.delivery_id, wanted, t == 2);
		}
		publish_fill(&s.w, &p, NULL, NULL, 0);
		p.accept.organization = s.w.organization + 1;
		assert_int_equal(store_accept(s.w.s, &p.accept), ERR_OK);
	}
	*state = &s;
	return 0;
}

static int shelf_teardown(void **state)
{
	struct shelf *s = *state;

	world_audit_ok(&s->w);
	world_end(&s->w);
	return 0;
}

/* Read page after page; ids in the order they came. */
static size_t pages_read(struct shelf *s, struct delivery_query q, int64_t *out)
{
	struct delivery_row rows[8];
	size_t count = 0, read = 0;
	int64_t next = 0;

	for (int pages = 0; pages == 0 || next != 0; pages++) {
		assert_true(pages < LIST_MAX);
		q.before = next;
		assert_int_equal(store_deliveries_read(s->w.s, &q, rows, &read, &next), ERR_OK);
		assert_true(read <= q.limit);
		for (size_t i = 0; i < read; i++) {
			assert_true(count < LIST_MAX);
			assert_true(rows[i].organization == s->w.organization);
			assert_string_equal(rows[i].event_type, "order.paid");
			assert_string_equal(rows[i].channel, "web");
			assert_non_null(strstr(rows[i].configs, "a.example"));
			out[count++] = rows[i].id;
			delivery_row_finish(&rows[i]);
		}
	}
	return count;
}

static bool is_wanted(const struct shelf *s, size_t i, const struct delivery_query *q)
{
	if (q->state != DELIVERY_UNSET && s->states[i] != q->state)
		return false;
	if (q->event_id != 0)
		return s->all[i] > q->event_id && s->all[i] < q->event_id + ID_STEP;
	return q->webhook_id == 0 || s->w.webhooks[s->webhook_of[i]].id == q->webhook_id;
}

static void list_compare(struct shelf *s, const struct delivery_query *q)
{
	int64_t wanted[LIST_MAX], found[LIST_MAX];
	size_t count = 0;

	for (size_t i = 0; i < s->count; i++)
		if (is_wanted(s, i, q))
			wanted[count++] = s->all[i];
	assert_int_equal(pages_read(s, *q, found), count);
	assert_memory_equal(found, wanted, count * sizeof(*wanted));
}

static void lists_have_no_gaps_and_no_doubles(void **state)
{
	struct shelf *s = *state;
	const struct delivery_query kinds[] = {
		{ .event_id = 0 },
		{ .event_id = s->event },
		{ .webhook_id = s->w.webhooks[0].id },
		{ .webhook_id = s->w.webhooks[1].id },
	};

	for (size_t limit = 1; limit <= 8; limit++) {
		for (size_t k = 0; k < COUNT_OF(kinds); k++) {
			for (int wanted = 0; wanted < DELIVERY_STATES; wanted++) {
				struct delivery_query q = kinds[k];

				q.organization = s->w.organization;
				q.limit = limit;
				q.state = (enum delivery_state)wanted;
				list_compare(s, &q);
			}
		}
	}
}

static void other_organizations_see_nothing(void **state)
{
	struct shelf *s = *state;
	struct delivery_query q = { .organization = s->w.organization + 1, .limit = 8 };
	struct delivery_row row;
	size_t count = 9;
	int64_t next = 9;

	assert_int_equal(store_deliveries_read(s->w.s, &q, &row, &count, &next), ERR_OK);
	assert_int_equal(count, 0);
	assert_true(next == 0);
	q.event_id = s->event;
	assert_int_equal(store_deliveries_read(s->w.s, &q, &row, &count, &next), ERR_OK);
	assert_int_equal(count, 0);
	assert_true(next == 0);
}

/* --- Work --------------------------------------------------------------------- */

static size_t work_take(struct shelf *s, const struct store_work_query *q, int64_t *out)
{
	struct work work[LIST_MAX];
	size_t count = 0;

	assert_int_equal(store_work_read(s->w.s, q, work, &count), ERR_OK);
	for (size_t i = 0; i < count; i++) {
		assert_true(work[i].event->id < work[i].delivery_id);
		assert_true(work[i].event->id + ID_STEP > work[i].delivery_id);
		out[i] = work[i].delivery_id;
		event_drop(work[i].event);
	}
	return count;
}

static void work_is_the_oldest_that_fits(void **state)
{
	struct shelf *s = *state;
	const int64_t to = world_channel(&s->w, 0, 0), other = world_channel(&s->w, 1, 0);
	struct store_want wants[] = { { .destination = to, .room = 2 },
				      { .destination = other, .room = 100 },
				      { .destination = 77, .room = 5 } };
	struct store_work_query q = { .now_ms = clock_wall_ms() + 1000,
				      .payload_max_bytes = 1 << 20,
				      .wants = wants,
				      .want_count = 3 };
	int64_t ids[LIST_MAX];

	const size_t count = work_take(s, &q, ids);
	assert_int_equal(wants[0].taken, 2);
	assert_true(ids[0] < ids[1]);
	assert_true(wants[0].next_due_ms < q.now_ms);
	assert_int_equal(wants[1].taken, world_state_count(&s->w, other, DELIVERY_DUE));
	assert_true(wants[1].next_due_ms == INT64_MAX);
	assert_int_equal(wants[2].taken, 0);
	assert_int_equal(count, 2 + wants[1].taken);
	/* Another try later is not due, but known. */
	struct settle x = settle_make(to, ids[0], DELIVERY_DUE);
	x.due_ms = id_time_ms(ids[0]);
	x.next_due_ms = q.now_ms + 50;
	assert_int_equal(world_settle_all(&s->w, &x, 1), ERR_OK);
	wants[0].room = 100;
	(void)work_take(s, &q, ids);
	assert_int_equal(wants[0].taken, world_state_count(&s->w, to, DELIVERY_DUE) - 1);
	assert_true(wants[0].next_due_ms == q.now_ms + 50);
	wants[0].room = 0;
	(void)work_take(s, &q, ids);
	assert_int_equal(wants[0].taken, 0);
	assert_true(wants[0].next_due_ms < q.now_ms);
	q.now_ms = 1;
	assert_int_equal(work_take(s, &q, ids), 0);
}

static void payloads_are_capped_but_for_one(void **state)
{
	struct shelf *s = *state;
	struct store_want wants[] = { { .destination = world_channel(&s->w, 0, 0), .room = 5 },
				      { .destination = world_channel(&s->w, 1, 0), .room = 5 } };
	struct store_work_query q = { .now_ms = clock_wall_ms() + 1000,
				      .wants = wants,
				      .want_count = 2 };
	int64_t ids[LIST_MAX];

	assert_int_equal(work_take(s, &q, ids), 1);
	assert_int_equal(wants[0].taken, 1);
	assert_int_equal(wants[1].taken, 0);
	assert_true(wants[0].next_due_ms < q.now_ms);
	assert_true(wants[1].next_due_ms < q.now_ms);
}

static void queue_note(void *ctx, int64_t destination, int64_t first_due_ms)
{
	int64_t *sum = ctx;

	assert_true(first_due_ms <= clock_wall_ms());
	*sum += destination;
}

static void start_up_finds_who_waits(void **state)
{
	struct shelf *s = *state;
	int64_t sum = 0;

	world_reopen(&s->w);
	assert_int_equal(world_webhook_add(&s->w, 1, 0), ERR_OK); /* nothing waits for it */
	assert_int_equal(store_queue_read(s->w.s, queue_note, &sum), ERR_OK);
	assert_true(sum == world_channel(&s->w, 0, 0) + world_channel(&s->w, 0, 1) +
				   world_channel(&s->w, 1, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define LIST_TEST(name) cmocka_unit_test_setup_teardown(name, shelf_setup, shelf_teardown)
		LIST_TEST(lists_have_no_gaps_and_no_doubles),
		LIST_TEST(other_organizations_see_nothing),
		LIST_TEST(work_is_the_oldest_that_fits),
		LIST_TEST(payloads_are_capped_but_for_one),
		LIST_TEST(start_up_finds_who_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
