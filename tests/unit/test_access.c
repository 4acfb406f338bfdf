/* test_access.c - keys: made, found, loaded again, revoked; over a store in memory.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "domain/access.h"

enum { ROWS_MAX = 200 };

static struct organization organizations[ROWS_MAX];
static struct api_key keys[ROWS_MAX];
static size_t organization_count, key_count;
static enum err store_rc;

enum err store_organization_add(struct store *s, struct organization *o)
{
	(void)s;
	if (store_rc != ERR_OK)
		return store_rc;
	o->id = (int64_t)organization_count + 1;
	o->created_at_us = 1700000000000000;
	organizations[organization_count] = *o;
	organizations[organization_count++].name = xstrdup(o->name);
	return ERR_OK;
}

enum err store_key_add(struct store *s, struct api_key *k)
{
	(void)s;
	if (store_rc != ERR_OK)
		return store_rc;
	k->id = (int64_t)key_count + 1;
	keys[key_count++] = *k;
	return ERR_OK;
}

enum err store_key_revoke(struct store *s, int64_t key_id, int64_t now_us)
{
	(void)s;
	if (store_rc != ERR_OK)
		return store_rc;
	keys[key_id - 1].revoked_at_us = now_us;
	return ERR_OK;
}

enum err store_organizations_read(struct store *s, store_organization_fn fn, void *ctx)
{
	(void)s;
	for (size_t i = 0; i < organization_count; i++)
		fn(ctx, &organizations[i]);
	return ERR_OK;
}

enum err store_keys_read(struct store *s, store_key_fn fn, void *ctx)
{
	(void)s;
	for (size_t i = 0; i < key_count; i++)
		fn(ctx, &keys[i]);
	return store_rc;
}

static int setup(void **state)
{
	*state = access_create(NULL);
	return 0;
}

static int teardown(void **state)
{
	access_destroy(*state);
	for (size_t i = 0; i < organization_count; i++)
		organization_finish(&organizations[i]);
	organization_count = key_count = 0;
	store_rc = ERR_OK;
	return 0;
}

static void test_keys(void **state)
{
	struct access *a = *state;
	char organization[15], texts[100][KEY_TEXT_BYTES];
	struct caller caller;
	struct why why;

	assert_int_equal(access_organization_add(a, "One", organization, &why), ERR_OK);
	assert_memory_equal(organization, "org_", 4);
	for (size_t i = 0; i < 100; i++)
		assert_int_equal(
			access_key_add(a, organization, SCOPE_READ, i % 2 == 1, texts[i], &why),
			ERR_OK);
	/* Once as they were added, once as they are loaded. */
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < 100; i++) {
			assert_int_equal(access_check(a, span_of(texts[i]), &caller), ERR_OK);
			assert_int_equal(caller.key_id, i + 1);
			assert_int_equal(caller.organization, 1);
			assert_int_equal(caller.scopes, SCOPE_READ);
			assert_int_equal(caller.is_test, i % 2 == 1);
			assert_memory_equal(texts[i], i % 2 == 1 ? "sk_test_" : "sk_live_", 8);
		}
		assert_int_equal(access_load(a), ERR_OK);
	}
}

static void test_strangers(void **state)
{
	static const char *const texts[] = {
		"",
		"sk_live_",
		"sk_live_00000000000000000000000000000000",
		"SK_LIVE_00000000000000000000000000000000",
		"sk_live_000000000000000000000000000000000",
	};
	struct caller caller;

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_int_equal(access_check(*state, span_of(texts[i]), &caller), ERR_DENIED);
}

static void test_revocation(void **state)
{
	struct access *a = *state;
	char organization[15], first[KEY_TEXT_BYTES], second[KEY_TEXT_BYTES];
	struct caller caller;
	struct why why;

	assert_int_equal(access_organization_add(a, "One", organization, &why), ERR_OK);
	assert_int_equal(access_key_add(a, organization, SCOPE_ALL, false, first, &why), ERR_OK);
	assert_int_equal(access_key_add(a, organization, SCOPE_ALL, false, second, &why), ERR_OK);
	store_rc = ERR_FULL;
	assert_int_equal(access_key_revoke(a, first, &why), ERR_FULL);
	store_rc = ERR_OK;
	assert_int_equal(access_check(a, span_of(first), &caller), ERR_OK);
	assert_int_equal(access_key_revoke(a, first, &why), ERR_OK);
	assert_int_equal(access_check(a, span_of(first), &caller), ERR_DENIED);
	assert_int_equal(access_key_revoke(a, first, &why), ERR_NOT_FOUND);
	assert_int_equal(access_check(a, span_of(second), &caller), ERR_OK);
	assert_int_equal(access_key_revoke(a, caller.key_public_id, &why), ERR_OK);
	assert_int_equal(access_check(a, span_of(second), &caller), ERR_DENIED);
	assert_int_equal(access_load(a), ERR_OK);
	assert_int_equal(access_check(a, span_of(first), &caller), ERR_DENIED);
}

static void test_refusals(void **state)
{
	static const char *const names[] = { "", "a\nb", "\xFF", "\xC2\x85" };
	char organization[15], text[KEY_TEXT_BYTES];
	struct why why;

	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_int_equal(access_organization_add(*state, names[i], organization, &why),
				 ERR_BAD_REQUEST);
	assert_int_equal(access_key_add(*state, "org_0000000000", SCOPE_ALL, false, text, &why),
			 ERR_NOT_FOUND);
	assert_non_null(strstr(why.text, "org_0000000000"));
	store_rc = ERR_IO;
	assert_int_equal(access_organization_add(*state, "x", organization, &why), ERR_IO);
}

static void test_print(void **state)
{
	struct access *a = *state;
	char one[15], two[15], text[KEY_TEXT_BYTES];
	struct why why;
	struct buf out;

	assert_int_equal(access_organization_add(a, "One & Only", one, &why), ERR_OK);
	assert_int_equal(access_organization_add(a, "Two", two, &why), ERR_OK);
	assert_int_equal(access_key_add(a, one, SCOPE_READ | SCOPE_PUBLISH, true, text, &why),
			 ERR_OK);
	assert_int_equal(access_key_add(a, two, SCOPE_READ, false, text, &why), ERR_OK);
	buf_init(&out, 10000);
	access_organizations_print(a, &out);
	assert_non_null(strstr(out.ptr, "  2023-11-14T22:13:20.000000Z  One & Only\n"));
	buf_clear(&out);
	assert_int_equal(access_keys_print(a, NULL, &out, &why), ERR_OK);
	assert_non_null(strstr(out.ptr, "  publish,read  test  "));
	assert_non_null(strstr(out.ptr, "  read  live  "));
	assert_null(strstr(out.ptr, "sk_"));
	buf_clear(&out);
	assert_int_equal(access_keys_print(a, two, &out, &why), ERR_OK);
	assert_null(strstr(out.ptr, one));
	assert_non_null(strstr(out.ptr, "  active\n"));
	buf_clear(&out);
	assert_int_equal(access_keys_print(a, "org_nope", &out, &why), ERR_NOT_FOUND);
	assert_non_null(strstr(why.text, "no organization org_nope"));
	assert_int_equal(out.len, 0);
	buf_finish(&out);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = { TEST(test_keys), TEST(test_strangers),
					    TEST(test_revocation), TEST(test_refusals),
					    TEST(test_print) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
