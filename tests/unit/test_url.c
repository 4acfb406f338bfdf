/* test_url.c - URLs and headers that are taken, normalised or refused.
 * SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <locale.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/address.h"
#include "base/url.h"

static const struct accepted {
	const char *text, *want, *host;
	uint16_t port;
	bool is_literal;
} accepted[] = {
	{ "http://example.com", "http://example.com/", "example.com", 80, false },
	{ "HTTPS://Example.COM/Path?Q=1", "https://example.com/Path?Q=1", "example.com", 443,
	  false },
	{ "https://example.com:443/", "https://example.com/", "example.com", 443, false },
	{ "http://example.com:443/", "http://example.com:443/", "example.com", 443, false },
	{ "http://example.com:080/", "http://example.com/", "example.com", 80, false },
	{ "http://example.com:/", "http://example.com/", "example.com", 80, false },
	{ "http://example.com:65535", "http://example.com:65535/", "example.com", 65535, false },
	{ "http://localhost:8080/x", "http://localhost:8080/x", "localhost", 8080, false },
	{ "http://a_b-c.d1/", "http://a_b-c.d1/", "a_b-c.d1", 80, false },
	{ "http://example.com./x", "http://example.com/x", "example.com", 80, false },
	{ "http://example.com?x=1", "http://example.com/?x=1", "example.com", 80, false },
	{ "http://h/a/../b/./c", "http://h/b/c", "h", 80, false },
	{ "http://h/%7e%2F?a=%00&b=x:y@z/", "http://h/%7e%2F?a=%00&b=x:y@z/", "h", 80, false },
	{ "http://h/?", "http://h/", "h", 80, false },
	{ "http://h//x", "http://h//x", "h", 80, false },
	{ "http://127.0.0.1/", "http://127.0.0.1/", "127.0.0.1", 80, true },
	{ "http://127.1:81/", "http://127.0.0.1:81/", "127.0.0.1", 81, true },
	{ "http://2130706433/", "http://127.0.0.1/", "127.0.0.1", 80, true },
	{ "http://0x7f.1/", "http://127.0.0.1/", "127.0.0.1", 80, true },
	{ "http://0177.0.0.1/", "http://127.0.0.1/", "127.0.0.1", 80, true },
	{ "http://127.0.0.1./", "http://127.0.0.1/", "127.0.0.1", 80, true },
	{ "http://0/", "http://0.0.0.0/", "0.0.0.0", 80, true },
	{ "http://[::1]:8080/x", "http://[::1]:8080/x", "::1", 8080, true },
	{ "https://[2001:DB8:0:0:0:0:0:1]", "https://[2001:db8::1]/", "2001:db8::1", 443, true },
	{ "http://[::FFFF:127.0.0.1]/", "http://[::ffff:127.0.0.1]/", "::ffff:127.0.0.1", 80,
	  true },
	{ "http://m\xC3\xBCnchen.de/x", "http://xn--mnchen-3ya.de/x", "xn--mnchen-3ya.de", 80,
	  false },
	{ "http://M\xC3\x9CNCHEN.de:8/", "http://xn--mnchen-3ya.de:8/", "xn--mnchen-3ya.de", 8,
	  false },
	{ "http://xn--mnchen-3ya.de/", "http://xn--mnchen-3ya.de/", "xn--mnchen-3ya.de", 80,
	  false },
	/* Circled digits and letters are those digits and letters. */
	{ "http://\xE2\x91\xA0\xE2\x91\xA1\xE2\x91\xA6.0.0.1/", "http://127.0.0.1/", "127.0.0.1",
	  80, true },
	{ "http://\xE2\x93\x9Bocalhost/", "http://localhost/", "localhost", 80, false },
	{ "http://127\xE3\x80\x82"
	  "0.0.1/",
	  "http://127.0.0.1/", "127.0.0.1", 80, true },
};

static const char *const refused[] = {
	"",
	"example.com",
	"//example.com/",
	"ftp://example.com/",
	"file:///etc/passwd",
	"gopher://h/",
	"javascript:alert(1)",
	"http:",
	"http:/h",
	"http:h",
	"http://",
	"http:///x",
	"http://?x",
	"https://:80/",
	"http://./",
	"http://../",
	"httpss://h/",
	" http://h/",
	"http://h/ ",
	"http://h/a b",
	"http://h/a\tb",
	"http://h/a\r\nX: y",
	"http://h\n/",
	"http://h/\x7F",
	"http://h\\x/",
	"http://127.0.0.1\\@example.com/",
	"http://user@h/",
	"http://user:pw@h/",
	"http://:@h/",
	"http://@h/",
	"http://ex%61mple.com/",
	"http://%31%32%37.0.0.1/",
	"http://h/#frag",
	"http://h#frag",
	"http://h:0/",
	"http://127.0.0.1:0",
	"http://h:65536/",
	"http://h:-1/",
	"http://h:+80/",
	"http://h:8o/",
	"http://h:80:80/",
	"http://h:99999999999999999999/",
	"http://[::1",
	"http://[::1]x/",
	"http://[]/",
	"http://[1.2.3.4]/",
	"http://[::1%25lo]/",
	"http://[fe80::1%25lo]/",
	"http://[fe80::1%lo]/",
	"http://[v1.x]/",
	"http://::1/",
	"http://a..b/",
	"http://.a/",
	"http://a../",
	"http://a,b/",
	"http://a b/",
	"http://a*b/",
	"http://a'b/",
	"http://a;b/",
	"http://a|b/",
	"http://256.1.1.1/",
	"http://1.2.3.4.5/",
	"http://300.1/",
	"http://foo.1/",
	"http://foo.0x7f/",
	"http://4294967296/",
	"http://h/\xC3\xA9",
	"http://h/?\xC3\xA9",
	"http://\xFF/",
	"http://a\xC3/",
	"http://a\xE2\x84\x80"
	"b/", /* a/c as one character */
	"http://a\xEF\xBC\x8F"
	"b/", /* a wide slash */
	"http://u\xEF\xBC\xA0"
	"127.0.0.1/", /* a wide at sign */
	"http://a\xEF\xBC\x9A"
	"80/", /* a wide colon */
	"http://\xEF\xBC\x85"
	"31/", /* a wide percent sign */
	"http://a234567890123456789012345678901234567890123456789012345678901234/",
};

static void test_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(accepted); i++) {
		const struct accepted *a = &accepted[i];
		struct why why = { "" };
		struct url u, again;

		if (url_parse(span_of(a->text), &u, &why) != ERR_OK)
			fail_msg("%s: %s", a->text, why.text);
		assert_string_equal(u.text, a->want);
		assert_string_equal(u.host, a->host);
		assert_int_equal(u.port, a->port);
		assert_int_equal(u.is_literal, a->is_literal);
		assert_memory_equal(u.text, u.scheme, strlen(u.scheme));
		assert_int_equal(url_parse(span_of(u.text), &again, NULL), ERR_OK);
		assert_string_equal(again.text, u.text);
		url_finish(&u);
		url_finish(&again);
	}
	url_finish(NULL);
}

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct url u = { .port = 7 };
		struct why why = { "" };

		if (url_parse(span_of(refused[i]), &u, &why) != ERR_BAD_REQUEST)
			fail_msg("accepted: %s as %s", refused[i], u.text);
		assert_int_equal(u.port, 7);
		assert_null(u.text);
		assert_true(strlen(why.text) > 0);
		assert_int_equal(url_parse(span_of(refused[i]), &u, NULL), ERR_BAD_REQUEST);
	}
	assert_int_equal(
		url_parse((struct span){ "http://h/\0x", 11 }, &(struct url){ .port = 0 }, NULL),
		ERR_BAD_REQUEST);
	assert_int_equal(url_parse((struct span){ NULL, 0 }, &(struct url){ .port = 0 }, NULL),
			 ERR_BAD_REQUEST);
}

static void test_lengths(void **state)
{
	char text[URL_MAX_BYTES + 2];
	struct url u;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "http://h/", 9);
	assert_int_equal(url_parse((struct span){ text, URL_MAX_BYTES }, &u, NULL), ERR_OK);
	assert_int_equal(strlen(u.text), URL_MAX_BYTES);
	url_finish(&u);
	assert_int_equal(url_parse((struct span){ text, URL_MAX_BYTES + 1 }, &u, NULL),
			 ERR_BAD_REQUEST);
	/* The slash that the normal form adds is one byte too many. */
	memcpy(text, "http://h?", 9);
	assert_int_equal(url_parse((struct span){ text, URL_MAX_BYTES }, &u, NULL),
			 ERR_BAD_REQUEST);
	/* A host of 63.63.63.61 = 253 characters is the longest. */
	memset(text, 'a', sizeof(text));
	memcpy(text, "http://", 7);
	for (size_t at = 63; at < 253; at += 64)
		text[7 + at] = '.';
	assert_int_equal(url_parse((struct span){ text, 7 + 253 }, &u, NULL), ERR_OK);
	assert_int_equal(strlen(u.host), 253);
	url_finish(&u);
	assert_int_equal(url_parse((struct span){ text, 7 + 254 }, &u, NULL), ERR_BAD_REQUEST);
}

static void test_literal_meets_guard(void **state)
{
	static const struct {
		const char *text;
		enum err rc;
	} cases[] = {
		{ "http://127.1/", ERR_DENIED },
		{ "http://[::1]/", ERR_DENIED },
		{ "http://[::ffff:10.0.0.1]/", ERR_DENIED },
		{ "http://0xa9fea9fe/", ERR_DENIED },
		{ "http://8.8.8.8:81/", ERR_OK },
		{ "http://[2606:4700::1111]:81/", ERR_OK },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *rule;
		struct url u;

		assert_int_equal(url_parse(span_of(cases[i].text), &u, NULL), ERR_OK);
		assert_true(u.is_literal);
		assert_int_equal(guard_check(NULL, (const struct sockaddr *)&u.address, &rule),
				 cases[i].rc);
		if (u.address.ss_family == AF_INET)
			assert_int_equal(ntohs(((const struct sockaddr_in *)&u.address)->sin_port),
					 u.port);
		else
			assert_int_equal(
				ntohs(((const struct sockaddr_in6 *)&u.address)->sin6_port),
				u.port);
		url_finish(&u);
	}
}

/* Parsing lends the thread a locale and must give the old one back. */
static void test_locale_is_restored(void **state)
{
	const locale_t before = uselocale((locale_t)0);
	struct url u;

	(void)state;
	assert_int_equal(url_parse(span_of("http://m\xC3\xBCnchen.de/"), &u, NULL), ERR_OK);
	url_finish(&u);
	assert_true(uselocale((locale_t)0) == before);
}

static void test_headers(void **state)
{
	static const struct {
		const char *name, *value;
		bool ok;
	} cases[] = {
		{ "X-Token", "abc", true },
		{ "x", "", true },
		{ "Authorization", "Bearer x", true },
		{ "Content-Type", "application/json; charset=utf-8", true },
		{ "User-Agent", "me/1.0", true },
		{ "!#$%&'*+-.^_`|~09", "a\tb c", true },
		{ "X-Name", "M\xC3\xBCller", true },
		{ "Hosts", "x", true },
		{ "Web-Hook", "x", true },
		{ "Webhook", "x", true },
		{ "Proxy", "x", true },
		{ "", "x", false },
		{ "X Token", "x", false },
		{ "X:", "x", false },
		{ "X\r\nY", "x", false },
		{ "X\xC3\xA9", "x", false },
		{ "X(", "x", false },
		{ "X-A", "a\r\nX-B: c", false },
		{ "X-A", "a\nb", false },
		{ "X-A", "a\x01", false },
		{ "X-A", "a\x7F", false },
		{ "X-A", " a", false },
		{ "X-A", "a\t", false },
		{ "X-A", " ", false },
		{ "Host", "x", false },
		{ "hOST", "x", false },
		{ "Content-Length", "1", false },
		{ "Transfer-Encoding", "chunked", false },
		{ "Connection", "close", false },
		{ "Keep-Alive", "x", false },
		{ "TE", "x", false },
		{ "Trailer", "x", false },
		{ "Upgrade", "x", false },
		{ "Expect", "x", false },
		{ "Proxy-Authorization", "x", false },
		{ "proxy-", "x", false },
		{ "Webhook-Id", "x", false },
		{ "WEBHOOK-SIGNATURE", "x", false },
		{ "Svix-Id", "x", false },
		{ "Ce-Type", "x", false },
		{ "Content-Encoding", "gzip", false },
		{ "Cookie2", "x", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct why why = { "" };
		const enum err rc = header_check(span_of(cases[i].name), span_of(cases[i].value),
						 &why);

		if (rc != (cases[i].ok ? ERR_OK : ERR_BAD_REQUEST))
			fail_msg("%s: %s", cases[i].name, cases[i].value);
		assert_int_equal(strlen(why.text) > 0, !cases[i].ok);
	}
	assert_int_equal(header_check(span_of("X"), (struct span){ "a\0b", 3 }, NULL),
			 ERR_BAD_REQUEST);
	assert_int_equal(header_check((struct span){ "X\0", 2 }, span_of("a"), NULL),
			 ERR_BAD_REQUEST);
}

static void test_header_lengths(void **state)
{
	char text[4098];
	const struct span x = span_of("x");

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_int_equal(header_check((struct span){ text, 128 }, x, NULL), ERR_OK);
	assert_int_equal(header_check((struct span){ text, 129 }, x, NULL), ERR_BAD_REQUEST);
	assert_int_equal(header_check(x, (struct span){ text, 4096 }, NULL), ERR_OK);
	assert_int_equal(header_check(x, (struct span){ text, 4097 }, NULL), ERR_BAD_REQUEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First: a locale that an earlier test left would hide it. */
		cmocka_unit_test(test_locale_is_restored),
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_literal_meets_guard),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_header_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
