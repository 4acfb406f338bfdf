/* test_pubid.c - round trips, refusals and threads of base/pubid.c.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "base/pubid.h"

static const unsigned char key1[PUBID_KEY_BYTES] = "0123456789abcdef";
static const unsigned char key2[PUBID_KEY_BYTES] = "0123456789abcdeg";

static const struct {
	enum pubid_kind kind;
	const char *prefix;
} kinds[] = {
	{ PUBID_EVENT, "evt_" },
	{ PUBID_DELIVERY, "dlv_" },
	{ PUBID_WEBHOOK_CURSOR, "cur_" },
	{ PUBID_DELIVERY_CURSOR, "cur_" },
};

static void expect_round_trip(const struct pubid *p, int64_t id)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		char text[PUBID_TEXT_BYTES];
		int64_t back = ~id;

		pubid_format(p, kinds[i].kind, id, text);
		assert_int_equal(strlen(text), PUBID_TEXT_BYTES - 1);
		assert_memory_equal(text, kinds[i].prefix, 4);
		assert_true(pubid_parse(p, kinds[i].kind, span_of(text), &back));
		assert_int_equal(back, id);
	}
}

static void test_round_trip(void **state)
{
	static const int64_t ids[] = { 0, 1, -1, 255, 256, INT64_MAX, INT64_MIN };
	struct pubid *p = pubid_create(key1);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ids); i++)
		expect_round_trip(p, ids[i]);
	for (int i = 0; i < 20000; i++) {
		int64_t id;

		crypto_random(&id, sizeof(id));
		expect_round_trip(p, id);
	}
	pubid_destroy(p);
	pubid_destroy(NULL);
}

static void test_wrong_kind(void **state)
{
	struct pubid *p = pubid_create(key1);
	char text[PUBID_TEXT_BYTES];
	int64_t id = 42;

	(void)state;
	pubid_format(p, PUBID_EVENT, 7, text);
	assert_false(pubid_parse(p, PUBID_DELIVERY, span_of(text), &id));
	memcpy(text, "dlv_", 4); /* the prefix alone does not make it one */
	assert_false(pubid_parse(p, PUBID_DELIVERY, span_of(text), &id));
	assert_false(pubid_parse(p, PUBID_EVENT, span_of(text), &id));
	pubid_format(p, PUBID_WEBHOOK_CURSOR, 7, text); /* the same prefix, another list */
	assert_false(pubid_parse(p, PUBID_DELIVERY_CURSOR, span_of(text), &id));
	assert_int_equal(id, 42);
	pubid_destroy(p);
}

static void test_changed_text(void **state)
{
	static const char digits[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_ \x80\xFF";
	struct pubid *p = pubid_create(key1);
	char text[PUBID_TEXT_BYTES + 1] = "";
	int64_t id;

	(void)state;
	pubid_format(p, PUBID_EVENT, 123456789, text);
	for (size_t at = 0; at < PUBID_TEXT_BYTES - 1; at++) {
		const char was = text[at];

		for (size_t i = 0; i < sizeof(digits); i++) {
			text[at] = digits[i]; /* the NUL is the last of them */
			const bool same = text[at] == was;
			assert_true(pubid_parse(p, PUBID_EVENT,
						(struct span){ text, PUBID_TEXT_BYTES - 1 },
						&id) == same);
		}
		text[at] = was;
	}
	for (size_t len = 0; len <= PUBID_TEXT_BYTES; len++)
		assert_true(pubid_parse(p, PUBID_EVENT, (struct span){ text, len }, &id) ==
			    (len == PUBID_TEXT_BYTES - 1));
	assert_false(pubid_parse(p, PUBID_EVENT, (struct span){ NULL, 0 }, &id));
	pubid_destroy(p);
}

/* 2^128 is 7n42DGM5Tflk9n8mt7Fhc8 in base 62; a value must not come round. */
static void test_more_than_128_bits(void **state)
{
	static const char *const cases[] = {
		"evt_7n42DGM5Tflk9n8mt7Fhc7", /* 2^128 - 1: parses, but has no tag */
		"evt_7n42DGM5Tflk9n8mt7Fhc8",
		"evt_zzzzzzzzzzzzzzzzzzzzzz",
	};
	struct pubid *p = pubid_create(key1);
	int64_t id;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_false(pubid_parse(p, PUBID_EVENT, span_of(cases[i]), &id));
	pubid_destroy(p);
}

/* Adding 2^128 to a true id's number must not give a second spelling of it. */
static void test_one_spelling(void **state)
{
	static const char digits[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	static const char wrap[] = "7n42DGM5Tflk9n8mt7Fhc8";
	struct pubid *p = pubid_create(key1);

	(void)state;
	for (int64_t n = 0; n < 1000; n++) {
		char text[PUBID_TEXT_BYTES];
		unsigned carry = 0;
		int64_t id;

		pubid_format(p, PUBID_EVENT, n, text);
		for (size_t at = 22; at-- > 0;) {
			const unsigned sum = carry +
					     (unsigned)(strchr(digits, text[4 + at]) - digits) +
					     (unsigned)(strchr(digits, wrap[at]) - digits);

			text[4 + at] = digits[sum % 62];
			carry = sum / 62;
		}
		assert_int_equal(carry, 0);
		assert_false(pubid_parse(p, PUBID_EVENT, span_of(text), &id));
	}
	pubid_destroy(p);
}

static void test_other_key(void **state)
{
	struct pubid *p = pubid_create(key1), *q = pubid_create(key2);
	char a[PUBID_TEXT_BYTES], b[PUBID_TEXT_BYTES];
	int64_t id;

	(void)state;
	for (int64_t n = 0; n < 100; n++) { /* taking turns on one thread */
		pubid_format(p, PUBID_EVENT, n, a);
		pubid_format(q, PUBID_EVENT, n, b);
		assert_string_not_equal(a, b);
		assert_false(pubid_parse(q, PUBID_EVENT, span_of(a), &id));
		assert_false(pubid_parse(p, PUBID_EVENT, span_of(b), &id));
		assert_true(pubid_parse(p, PUBID_EVENT, span_of(a), &id));
		assert_int_equal(id, n);
	}
	pubid_destroy(p);

	struct pubid *again = pubid_create(key2); /* may sit where p was */

	pubid_format(again, PUBID_EVENT, 99, a);
	assert_string_equal(a, b);
	pubid_destroy(again);
	pubid_destroy(q);
}

/* The text is stored in producers' systems: it may never change. */
static void test_fixed_vector(void **state)
{
	struct pubid *p = pubid_create(key1);
	char text[PUBID_TEXT_BYTES];

	(void)state;
	pubid_format(p, PUBID_EVENT, 999999, text);
	assert_string_equal(text, "evt_0fhPuAPyML7ezLHHVcngjk");
	pubid_destroy(p);
}

static void *thread_turn(void *arg)
{
	for (int64_t n = 0; n < 2000; n++) {
		char text[PUBID_TEXT_BYTES];
		int64_t back;

		pubid_format(arg, PUBID_DELIVERY, n, text);
		if (!pubid_parse(arg, PUBID_DELIVERY, span_of(text), &back) || back != n)
			return arg;
	}
	return NULL;
}

static void test_threads(void **state)
{
	struct pubid *p = pubid_create(key1);
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thread_turn, p), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++) {
		void *failed = p;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	pubid_destroy(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),   cmocka_unit_test(test_wrong_kind),
		cmocka_unit_test(test_changed_text), cmocka_unit_test(test_more_than_128_bits),
		cmocka_unit_test(test_one_spelling), cmocka_unit_test(test_other_key),
		cmocka_unit_test(test_fixed_vector), cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
