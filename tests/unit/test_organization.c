/* test_organization.c - scopes as text and back.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "model/organization.h"

static void test_scopes(void **state)
{
	static const struct {
		const char *text;
		unsigned bits;
		const char *back;
	} cases[] = {
		{ "publish", SCOPE_PUBLISH, "publish" },
		{ "manage,publish", SCOPE_MANAGE | SCOPE_PUBLISH, "publish,manage" },
		{ "publish,read,manage", SCOPE_ALL, "publish,read,manage" },
		{ "read,read", SCOPE_READ, "read" },
		{ "", 0, "" },
		{ "read,", 0, "" },
		{ ",read", 0, "" },
		{ "read, manage", 0, "" },
		{ "Read", 0, "" },
		{ "reader", 0, "" },
		{ "publish,admin", 0, "" },
		{ NULL, 0, "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char text[32];

		assert_int_equal(scopes_parse(cases[i].text), cases[i].bits);
		scopes_format(cases[i].bits, text);
		assert_string_equal(text, cases[i].back);
	}
}

static void test_finish(void **state)
{
	struct organization o = { .id = 4, .name = xstrdup("Acme") };

	(void)state;
	organization_finish(&o);
	assert_null(o.name);
	assert_int_equal(o.id, 0);
	organization_finish(&o);
	organization_finish(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_finish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
