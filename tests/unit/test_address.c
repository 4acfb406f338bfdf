/* test_address.c - every blocked network's ends and the neighbours outside.
 * SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#include <cmocka.h>

#include "base/address.h"

static enum err check(const struct guard *g, const char *text, const char **out_rule)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	*out_rule = NULL;
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return guard_check(g, (const struct sockaddr *)&in, out_rule);
	if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
		fail_msg("not an address: %s", text);
	return guard_check(g, (const struct sockaddr *)&in6, out_rule);
}

static void expect(const struct guard *g, const char *text, const char *rule)
{
	const char *got;
	const enum err rc = check(g, text, &got);

	if (rc != (rule == NULL ? ERR_OK : ERR_DENIED))
		fail_msg("%s: rc %d", text, (int)rc);
	if (rule == NULL)
		return;
	assert_non_null(got);
	if (strncmp(got, rule, strlen(rule)) != 0)
		fail_msg("%s: \"%s\" instead of \"%s\"", text, got, rule);
}

/* The first and the last address inside; the neighbours outside where those
 * are free, NULL where another block begins. */
static const struct block {
	const char *network, *first, *last, *before, *after;
} blocks[] = {
	{ "0.0.0.0/8", "0.0.0.0", "0.255.255.255", NULL, "1.0.0.0" },
	{ "10.0.0.0/8", "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0" },
	{ "100.64.0.0/10", "100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0" },
	{ "127.0.0.0/8", "127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0" },
	{ "169.254.0.0/16", "169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0" },
	{ "172.16.0.0/12", "172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0" },
	{ "192.0.0.0/24", "192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0" },
	{ "192.0.2.0/24", "192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0" },
	{ "192.88.99.0/24", "192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0" },
	{ "192.168.0.0/16", "192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0" },
	{ "198.18.0.0/15", "198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0" },
	{ "198.51.100.0/24", "198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0" },
	{ "203.0.113.0/24", "203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0" },
	{ "224.0.0.0/4", "224.0.0.0", "239.255.255.255", "223.255.255.255", NULL },
	{ "240.0.0.0/4", "240.0.0.0", "255.255.255.254", NULL, NULL },
	{ "255.255.255.255/32", "255.255.255.255", "255.255.255.255", NULL, NULL },
	{ "::/128", "::", "::", NULL, NULL },
	{ "::1/128", "::1", "::1", NULL, NULL },
	{ "::/96", "::2", "::ffff:ffff", NULL, NULL },
	{ "64:ff9b:1::/48", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", NULL, NULL },
	{ "100::/64", "100::", "100::ffff:ffff:ffff:ffff", NULL, NULL },
	{ "100:0:0:1::/64", "100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff", NULL, NULL },
	{ "2001::/23", "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::" },
	{ "2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
	  "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::" },
	{ "2002::/16", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::" },
	{ "3fff::/20", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
	  "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::" },
	{ "5f00::/16", "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL },
	{ "fc00::/7", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL },
	{ "fe80::/10", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL },
	{ "fec0::/10", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL },
	{ "ff00::/8", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL },
};

static void test_blocks(void **state)
{
	const struct guard nothing = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(blocks); i++) {
		const struct block *b = &blocks[i];

		expect(&nothing, b->first, b->network);
		expect(&nothing, b->last, b->network);
		expect(NULL, b->first, b->network);
		if (b->before != NULL)
			expect(&nothing, b->before, NULL);
		if (b->after != NULL)
			expect(&nothing, b->after, NULL);
	}
}

static void test_global_only(void **state)
{
	static const struct {
		const char *address, *rule;
	} cases[] = {
		{ "2000::", NULL },
		{ "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL },
		{ "2606:4700::1111", NULL },
		{ "8.8.8.8", NULL },
		{ "192.31.196.1", NULL },
		{ "192.52.193.1", NULL },
		{ "192.175.48.1", NULL },
		{ "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "outside 2000::/3" },
		{ "4000::", "outside 2000::/3" },
		{ "::1:0:0", "outside 2000::/3" },
		{ "100:0:0:2::", "outside 2000::/3" },
		{ "64:ff9b:2::", "outside 2000::/3" },
		{ "64:ff9b::1:0:0", "outside 2000::/3" },
		{ "fbff::1", "outside 2000::/3" },
		{ "fe00::1", "outside 2000::/3" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		expect(NULL, cases[i].address, cases[i].rule);
}

/* The three forms that carry an IPv4 are judged by it, 6to4 never passes. */
static void test_wrapped(void **state)
{
	static const char *const wrappers[] = { "::ffff:", "::ffff:0:", "64:ff9b::" };

	(void)state;
	for (size_t w = 0; w < COUNT_OF(wrappers); w++) {
		for (size_t i = 0; i < COUNT_OF(blocks); i++) {
			const struct block *b = &blocks[i];
			const char *const texts[] = { b->first, b->last, b->before, b->after };

			if (strchr(b->network, ':') != NULL)
				continue;
			for (size_t t = 0; t < COUNT_OF(texts); t++) {
				char text[64];

				if (texts[t] == NULL)
					continue;
				snprintf(text, sizeof(text), "%s%s", wrappers[w], texts[t]);
				expect(NULL, text, t < 2 ? b->network : NULL);
			}
		}
	}
	expect(NULL, "2002:808:808::1", "2002::/16");
	expect(NULL, "::8.8.8.8", "::/96");
	expect(NULL, "2001:0:808:808::1", "2001::/23");
}

static struct guard guard_of(const char *const *networks, size_t count)
{
	struct guard g = { .allowed = calloc(count, sizeof(struct network)),
			   .allowed_count = count };

	assert_non_null(g.allowed);
	for (size_t i = 0; i < count; i++) {
		struct why why = { "" };

		if (network_parse(span_of(networks[i]), &g.allowed[i], &why) != ERR_OK)
			fail_msg("%s: %s", networks[i], why.text);
	}
	return g;
}

static void test_allowed(void **state)
{
	static const char *const networks[] = { "127.0.0.0/8", "192.168.7.7", "fd00:1::/32",
						"4000::/8", "10.1.0.0/16" };
	struct guard g = guard_of(networks, COUNT_OF(networks));

	(void)state;
	expect(&g, "127.0.0.1", NULL);
	expect(&g, "127.255.255.255", NULL);
	expect(&g, "::ffff:127.0.0.1", NULL);
	expect(&g, "64:ff9b::127.0.0.1", NULL);
	expect(&g, "192.168.7.7", NULL);
	expect(&g, "192.168.7.6", "192.168.0.0/16");
	expect(&g, "192.168.7.8", "192.168.0.0/16");
	expect(&g, "10.1.255.255", NULL);
	expect(&g, "10.2.0.0", "10.0.0.0/8");
	expect(&g, "fd00:1:ffff::1", NULL);
	expect(&g, "fd00:2::1", "fc00::/7");
	expect(&g, "40ff::1", NULL);
	expect(&g, "4100::1", "outside 2000::/3");
	expect(&g, "::1", "::1/128");
	expect(&g, "8.8.8.8", NULL);
	guard_finish(&g);
	guard_finish(&g);
	guard_finish(NULL);
}

static void test_everything_allowed(void **state)
{
	static const char *const v6[] = { "::/0" };
	static const char *const v4[] = { "0.0.0.0/0" };
	struct guard g = guard_of(v6, 1);

	(void)state;
	expect(&g, "::1", NULL);
	expect(&g, "fe80::1", NULL);
	/* A wide IPv6 network is no word about IPv4. */
	expect(&g, "127.0.0.1", "127.0.0.0/8");
	expect(&g, "::ffff:127.0.0.1", "127.0.0.0/8");
	guard_finish(&g);
	g = guard_of(v4, 1);
	expect(&g, "127.0.0.1", NULL);
	expect(&g, "::ffff:10.0.0.1", NULL);
	expect(&g, "::1", "::1/128");
	guard_finish(&g);
}

static void test_metadata(void **state)
{
	static const char *const hosts[] = { "169.254.169.254", "169.254.170.2", "169.254.170.23",
					     "100.100.100.200", "192.0.0.192",   "168.63.129.16",
					     "fd00:ec2::254",   "fd00:ec2::23",  "fd20:ce::254" };
	static const char *const wide[] = { "0.0.0.0/0",          "::/0",
					    "169.254.0.0/16",     "fd00::/8",
					    "169.254.169.254/31", "fd00:ec2::254/127" };
	struct guard g = guard_of(wide, COUNT_OF(wide));

	(void)state;
	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		expect(NULL, hosts[i], hosts[i]);
		expect(&g, hosts[i], hosts[i]);
	}
	expect(&g, "169.254.169.253", NULL);
	expect(&g, "::ffff:169.254.169.254", "169.254.169.254/32");
	expect(&g, "64:ff9b::169.254.169.254", "169.254.169.254/32");
	guard_finish(&g);
	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		struct guard one = guard_of(&hosts[i], 1);

		for (size_t j = 0; j < COUNT_OF(hosts); j++)
			expect(&one, hosts[j], i == j ? NULL : hosts[j]);
		guard_finish(&one);
	}
}

static void test_other_families(void **state)
{
	const struct sockaddr_un local = { .sun_family = AF_UNIX };
	const char *rule = NULL;

	(void)state;
	assert_int_equal(guard_check(NULL, (const struct sockaddr *)&local, &rule), ERR_DENIED);
	assert_non_null(rule);
}

static void test_network_parse(void **state)
{
	static const struct {
		const char *text;
		unsigned bits;
	} good[] = {
		{ "10.0.0.0/8", 104 },
		{ "0.0.0.0/0", 96 },
		{ "1.2.3.4", 128 },
		{ "1.2.3.4/32", 128 },
		{ "fd00::/8", 8 },
		{ "::/0", 0 },
		{ "::1", 128 },
		{ "::1/128", 128 },
		{ "::ffff:10.0.0.0/104", 104 },
		{ "255.255.255.254/31", 127 },
	};
	static const char *const bad[] = {
		"",
		"/8",
		"10.0.0.0/",
		"10.0.0.0/33",
		"10.0.0.0/-1",
		"10.0.0.0/+8",
		"10.0.0.0/08",
		"10.0.0.0/8 ",
		" 10.0.0.0/8",
		"10.0.0.0/8/8",
		"10.0.0.1/8",
		"10/8",
		"10.0.0/24",
		"010.0.0.0/8",
		"0x0a.0.0.0/8",
		"fd00::1/8",
		"fd00::/129",
		"fd00::/1000",
		"fe80::1%lo",
		"localhost",
		"[::1]",
		"10.0.0.0/8,",
		"10.0.0.0\\8",
		"1.2.3.256",
		"::ffff:10.0.0.1/104",
		"11111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct network network;

		assert_int_equal(network_parse(span_of(good[i].text), &network, NULL), ERR_OK);
		assert_int_equal(network.bits, good[i].bits);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct network network = { .bits = 77 };
		struct why why = { "" };

		if (network_parse(span_of(bad[i]), &network, &why) != ERR_BAD_REQUEST)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(network.bits, 77);
		assert_true(strlen(why.text) > 0);
	}
	assert_int_equal(
		network_parse((struct span){ "::1\0", 4 }, &(struct network){ .bits = 0 }, NULL),
		ERR_BAD_REQUEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_global_only),
		cmocka_unit_test(test_wrapped),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_everything_allowed),
		cmocka_unit_test(test_metadata),
		cmocka_unit_test(test_other_families),
		cmocka_unit_test(test_network_parse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
