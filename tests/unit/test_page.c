/* test_page.c - the pagination member, as far as things are known.
 * SPDX-License-Identifier: MIT */
#include "api/page.h"

#include "json_look.h"

static const unsigned char key[PUBID_KEY_BYTES] = "0123456789abcdef";
static const struct channels no_channels;
static struct pubid *ids;
static struct buf out;

static int setup(void **state)
{
	(void)state;
	ids = pubid_create(key);
	buf_init(&out, 4096);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pubid_destroy(ids);
	buf_finish(&out);
	return 0;
}

/* The member inside an object, as lists write it. */
static void page_write(const struct pagination *p)
{
	struct json_writer w = { .out = &out };

	buf_clear(&out);
	json_open(&w, '{');
	pagination_write(p, &w);
	json_put_int(&w, "after", 1); /* the writer goes on well behind it */
	json_close(&w, '}');
	schema_check(&no_channels, buf_view(&out), "pagination", "PaginationResponse");
}

static void numbers(void **state)
{
	static const struct {
		int64_t limit, offset, total;
		const char *page, *pages;
	} cases[] = {
		{ 10, 0, 0, "1", "0" },      { 10, 0, 1, "1", "1" },
		{ 10, 0, 10, "1", "1" },     { 10, 0, 11, "1", "2" },
		{ 10, 10, 11, "2", "2" },    { 10, 9, 11, "1", "2" },
		{ 10, 15, 11, "2", "2" }, /* behind the end */
		{ 1, 7, 1000, "8", "1000" }, { 1000, 10000, 1001, "11", "2" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct pagination p = { .ids = ids,
					      .cursor = PUBID_WEBHOOK_CURSOR,
					      .limit = cases[i].limit,
					      .offset = cases[i].offset,
					      .total = cases[i].total,
					      .page_is_known = true };
		char label[64], size[32], total[32];

		snprintf(label, sizeof(label), "row %zu", i);
		snprintf(size, sizeof(size), "%lld", (long long)cases[i].limit);
		snprintf(total, sizeof(total), "%lld", (long long)cases[i].total);
		page_write(&p);
		json_look(label, buf_view(&out),
			  LOOKS({ "pagination|page", cases[i].page },
				{ "pagination|page_size", size }, { "pagination|total", total },
				{ "pagination|total_pages", cases[i].pages },
				{ "pagination|next_page", "null" },
				{ "pagination|previous_page", "null" },
				{ "pagination|next_cursor", "null" }, { "after", "1" }));
	}
}

static void unknowns_are_null(void **state)
{
	static const struct {
		int64_t total;
		bool page_is_known;
		const char *page, *totals;
	} cases[] = {
		{ PAGE_UNCOUNTED, true, "3", "null" },
		{ PAGE_UNCOUNTED, false, "null", "null" },
		{ 5, false, "null", "5" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct pagination p = { .ids = ids,
					      .limit = 1,
					      .offset = 2,
					      .total = cases[i].total,
					      .page_is_known = cases[i].page_is_known };

		page_write(&p);
		json_look("unknown", buf_view(&out),
			  LOOKS({ "pagination|page", cases[i].page },
				{ "pagination|total", cases[i].totals },
				{ "pagination|total_pages", cases[i].totals }));
	}
}

/* The cursor leads back to the position, in its own list alone. */
static void cursors(void **state)
{
	static const enum pubid_kind kinds[] = { PUBID_WEBHOOK_CURSOR, PUBID_DELIVERY_CURSOR };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		const struct pagination p = {
			.ids = ids, .cursor = kinds[i], .limit = 1, .total = 1, .next = INT64_MAX
		};
		struct json_object *value = NULL;
		int64_t position = 0;

		page_write(&p);
		struct json_object *root = tree_parse(buf_view(&out));

		assert_true(tree_find(root, "pagination|next_cursor", &value));
		const struct span cursor = span_of(json_object_get_string(value));

		assert_true(pubid_parse(ids, kinds[i], cursor, &position));
		assert_true(position == INT64_MAX);
		assert_false(pubid_parse(ids, kinds[1 - i], cursor, &position));
		json_object_put(root);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(numbers),
		TEST(unknowns_are_null),
		TEST(cursors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
