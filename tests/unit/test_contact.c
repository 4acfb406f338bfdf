/* test_contact.c - mail addresses and telephone numbers.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/contact.h"

static void test_email(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
	} cases[] = {
		{ "a@example.com", "a@example.com" },
		{ "First.Last+tag@EXAMPLE.com", "First.Last+tag@example.com" },
		{ "o'neil!#$%&*/=?^_{}~-|`@x.org", "o'neil!#$%&*/=?^_{}~-|`@x.org" },
		{ "root@localhost", "root@localhost" },
		{ "a@xn--bcher-kva.example", "a@xn--bcher-kva.example" },
		{ "", NULL },
		{ "a", NULL },
		{ "@example.com", NULL },
		{ "a@", NULL },
		{ "a@b@c", NULL },
		{ ".a@x.org", NULL },
		{ "a.@x.org", NULL },
		{ "a..b@x.org", NULL },
		{ "\"a b\"@x.org", NULL },
		{ "a b@x.org", NULL },
		{ "a@[127.0.0.1]", NULL },
		{ "a@x..org", NULL },
		{ "a@-x.org", NULL },
		{ "a@x-.org", NULL },
		{ "a@x.org.", NULL },
		{ "a@x_y.org", NULL },
		{ "A <a@x.org>", NULL },
		{ "a@x.org\r\nRCPT TO:<b@x.org>", NULL },
		{ "\xC3\xBC@x.org", NULL },
		{ "a@b\xC3\xBC.org", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char out[EMAIL_TEXT_BYTES] = "untouched";
		struct why why = { "" };
		const enum err rc = contact_email_parse(span_of(cases[i].text), out, &why);

		if ((rc == ERR_OK) != (cases[i].want != NULL) ||
		    strcmp(out, cases[i].want ? cases[i].want : "untouched") != 0 ||
		    (rc != ERR_OK && why.text[0] == '\0'))
			fail_msg("'%s' gave '%s' (%s)", cases[i].text, out, why.text);
	}
}

static void test_email_length(void **state)
{
	char text[300], out[EMAIL_TEXT_BYTES];
	struct why why;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[64] = '@';
	for (size_t i = 65; i < sizeof(text); i += 10)
		text[i + 9 < sizeof(text) ? i + 9 : i] = '.';
	text[253] = 'a';
	assert_int_equal(contact_email_parse((struct span){ text, 254 }, out, &why), ERR_OK);
	assert_int_equal(strlen(out), 254);
	assert_int_equal(contact_email_parse((struct span){ text, 256 }, out, &why),
			 ERR_BAD_REQUEST);
	text[64] = 'a';
	text[65] = '@';
	assert_int_equal(contact_email_parse((struct span){ text, 200 }, out, &why),
			 ERR_BAD_REQUEST);
	/* NUL is a byte like any other, and no valid one. */
	assert_int_equal(contact_email_parse((struct span){ "a\0b@x.org", 9 }, out, &why),
			 ERR_BAD_REQUEST);
}

static void test_phone(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "+4930123456", "+4930123456" },
		{ "+49 (30) 123-456", "+4930123456" },
		{ "+123456789012345", "+123456789012345" },
		{ "+12", "+12" },
		{ " [+1] 2", "+12" },
		{ "+1", NULL },
		{ "+1234567890123456", NULL },
		{ "+049301", NULL },
		{ "004930123", NULL },
		{ "4930123", NULL },
		{ "+49.30", NULL },
		{ "+49a", NULL },
		{ "+49+30", NULL },
		{ "", NULL },
		{ "+", NULL },
		{ "+49\r\n30", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char out[PHONE_TEXT_BYTES] = "untouched";
		struct why why = { "" };
		const enum err rc = contact_phone_parse(span_of(cases[i].text), out, &why);

		if ((rc == ERR_OK) != (cases[i].want != NULL) ||
		    strcmp(out, cases[i].want ? cases[i].want : "untouched") != 0)
			fail_msg("'%s' gave '%s'", cases[i].text, out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_email),
		cmocka_unit_test(test_email_length),
		cmocka_unit_test(test_phone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
