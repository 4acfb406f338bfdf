/* address.c - the table of networks that a tenant's URL may not lead into.
 * Not here: names (delivery/resolve), which targets belong to the operator.
 * Any thread; a guard is read-only once it is filled.
 * SPDX-License-Identifier: MIT */
#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

enum { V4_BITS = 96, ADDRESS_BITS = 128 }; /* an IPv4 is ::ffff:a.b.c.d */

struct range {
	unsigned char bytes[16];
	unsigned bits;
	const char *rule;
};

#define V4(a, b, c, d, prefix, rule)                                                          \
	{                                                                                     \
		{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, a, b, c, d }, V4_BITS + (prefix), \
			#a "." #b "." #c "." #d "/" #prefix " " rule                          \
	}

/* Services that hand out credentials to whoever can reach them. */
static const struct range metadata[] = {
	V4(169, 254, 169, 254, 32, "cloud metadata"),
	V4(169, 254, 170, 2, 32, "container credentials"),
	V4(169, 254, 170, 23, 32, "container credentials"),
	V4(100, 100, 100, 200, 32, "cloud metadata"),
	V4(192, 0, 0, 192, 32, "cloud metadata"),
	V4(168, 63, 129, 16, 32, "cloud host"), /* public space, but never a receiver */
	{ { 0xFD, 0x00, 0x0E, 0xC2, [14] = 0x02, [15] = 0x54 },
	  128,
	  "fd00:ec2::254/128 cloud metadata" },
	{ { 0xFD, 0x00, 0x0E, 0xC2, [15] = 0x23 }, 128, "fd00:ec2::23/128 container credentials" },
	{ { 0xFD, 0x20, 0x00, 0xCE, [14] = 0x02, [15] = 0x54 },
	  128,
	  "fd20:ce::254/128 cloud metadata" },
};

/* IANA's special-purpose registries, multicast and old blocks; the first row
 * that holds an address names it, so narrow ones stand before wide ones. */
static const struct range ranges[] = {
	V4(0, 0, 0, 0, 8, "this network"),
	V4(10, 0, 0, 0, 8, "private"),
	V4(100, 64, 0, 0, 10, "shared by carriers"),
	V4(127, 0, 0, 0, 8, "loopback"),
	V4(169, 254, 0, 0, 16, "link-local"),
	V4(172, 16, 0, 0, 12, "private"),
	V4(192, 0, 0, 0, 24, "protocol assignments"),
	V4(192, 0, 2, 0, 24, "documentation"),
	V4(192, 88, 99, 0, 24, "old 6to4 relay"),
	V4(192, 168, 0, 0, 16, "private"),
	V4(198, 18, 0, 0, 15, "benchmarking"),
	V4(198, 51, 100, 0, 24, "documentation"),
	V4(203, 0, 113, 0, 24, "documentation"),
	V4(224, 0, 0, 0, 4, "multicast"),
	V4(255, 255, 255, 255, 32, "broadcast"),
	V4(240, 0, 0, 0, 4, "reserved"),
	{ { 0 }, 128, "::/128 unspecified" },
	{ { [15] = 1 }, 128, "::1/128 loopback" },
	{ { 0 }, 96, "::/96 old IPv4-compatible" },
	{ { 0x00, 0x64, 0xFF, 0x9B, 0x00, 0x01 }, 48, "64:ff9b:1::/48 local NAT64" },
	{ { 0x01, 0x00 }, 64, "100::/64 discard" },
	{ { 0x01, 0x00, [7] = 1 }, 64, "100:0:0:1::/64 dummy" },
	{ { 0x20, 0x01 }, 23, "2001::/23 protocol assignments" },
	{ { 0x20, 0x01, 0x0D, 0xB8 }, 32, "2001:db8::/32 documentation" },
	{ { 0x20, 0x02 }, 16, "2002::/16 6to4" },
	{ { 0x3F, 0xFF }, 20, "3fff::/20 documentation" },
	{ { 0x5F, 0x00 }, 16, "5f00::/16 segment routing" },
	{ { 0xFC }, 7, "fc00::/7 unique local" },
	{ { 0xFE, 0x80 }, 10, "fe80::/10 link-local" },
	{ { 0xFE, 0xC0 }, 10, "fec0::/10 old site-local" },
	{ { 0xFF }, 8, "ff00::/8 multicast" },
};

static const struct range global = { { 0x20 }, 3, "2000::/3 global" };
static const unsigned char mapped[12] = { [10] = 0xFF, [11] = 0xFF };

/* Prefixes whose last 32 bits are the IPv4 that will really be reached. */
static const unsigned char wrappers[][12] = {
	{ [8] = 0xFF, [9] = 0xFF }, /* ::ffff:0:0:0/96, translated */
	{ 0x00, 0x64, 0xFF, 0x9B }, /* 64:ff9b::/96, NAT64 */
};

static bool bits_equal(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	const unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

static bool is_v4(const unsigned char bytes[16])
{
	return memcmp(bytes, mapped, sizeof(mapped)) == 0;
}

static const struct range *range_find(const struct range *table, size_t count,
				      const unsigned char bytes[16])
{
	for (size_t i = 0; i < count; i++)
		if (bits_equal(bytes, table[i].bytes, table[i].bits))
			return &table[i];
	return NULL;
}

static bool bits_clear_from(const unsigned char bytes[16], unsigned bits)
{
	for (unsigned i = bits; i < ADDRESS_BITS; i++)
		if (bytes[i / 8] >> (7 - i % 8) & 1)
			return false;
	return true;
}

/* One to three digits, at most max; no sign, no blank, no leading zero. */
static bool prefix_parse(struct span text, unsigned max, unsigned *out)
{
	unsigned value = 0;

	if (text.len == 0 || text.len > 3 || (text.len > 1 && text.ptr[0] == '0'))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
		value = value * 10 + (unsigned)(text.ptr[i] - '0');
	}
	*out = value;
	return value <= max;
}

enum err network_parse(struct span text, struct network *out, struct why *why)
{
	const char *slash = text.len == 0 ? NULL : memchr(text.ptr, '/', text.len);
	const size_t len = slash == NULL ? text.len : (size_t)(slash - text.ptr);
	char address[INET6_ADDRSTRLEN];
	struct network network = { .bytes = { 0 } };
	unsigned base = V4_BITS;

	if (len == 0 || len >= sizeof(address) || memchr(text.ptr, '\0', len) != NULL) {
		why_set(why, "not a network: write an address like 10.0.0.0/8 or fd00::/8");
		return ERR_BAD_REQUEST;
	}
	memcpy(address, text.ptr, len);
	address[len] = '\0';
	memcpy(network.bytes, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, address, network.bytes + sizeof(mapped)) != 1) {
		base = 0;
		if (inet_pton(AF_INET6, address, network.bytes) != 1) {
			why_set(why, "\"%s\" is neither an IPv4 nor an IPv6 address", address);
			return ERR_BAD_REQUEST;
		}
	}
	network.bits = ADDRESS_BITS;
	if (slash != NULL) {
		const struct span prefix = { slash + 1, text.len - len - 1 };

		if (!prefix_parse(prefix, ADDRESS_BITS - base, &network.bits)) {
			why_set(why, "the prefix length of %s must be a number from 0 to %u",
				address, ADDRESS_BITS - base);
			return ERR_BAD_REQUEST;
		}
		network.bits += base;
	}
	if (!bits_clear_from(network.bytes, network.bits)) {
		why_set(why, "%s/%u has bits set beyond its prefix", address, network.bits - base);
		return ERR_BAD_REQUEST;
	}
	*out = network;
	return ERR_OK;
}

void guard_finish(struct guard *g)
{
	if (g == NULL)
		return;
	free(g->allowed);
	*g = (struct guard){ 0 };
}

/* An IPv6 network never speaks for IPv4 by accident: ::/0 does not, a network
 * inside ::ffff:0:0/96 does. */
static bool is_allowed(const struct guard *g, const unsigned char bytes[16], unsigned bits_min)
{
	if (g == NULL)
		return false;
	if (bits_min < V4_BITS && is_v4(bytes))
		bits_min = V4_BITS;
	for (size_t i = 0; i < g->allowed_count; i++) {
		const struct network *network = &g->allowed[i];

		if (network->bits >= bits_min && bits_equal(bytes, network->bytes, network->bits))
			return true;
	}
	return false;
}

/* The 16 bytes of an address with any wrapper taken off; false for families
 * that are not ours. */
static bool bytes_get(const struct sockaddr *address, unsigned char out[16])
{
	if (address->sa_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, address, sizeof(in));
		memcpy(out, mapped, sizeof(mapped));
		memcpy(out + sizeof(mapped), &in.sin_addr, 4);
		return true;
	}
	if (address->sa_family != AF_INET6)
		return false;

	struct sockaddr_in6 in6;

	memcpy(&in6, address, sizeof(in6));
	memcpy(out, &in6.sin6_addr, 16);
	for (size_t i = 0; i < COUNT_OF(wrappers); i++)
		if (memcmp(out, wrappers[i], sizeof(wrappers[i])) == 0)
			memcpy(out, mapped, sizeof(mapped));
	return true;
}

enum err guard_check(const struct guard *g, const struct sockaddr *address, const char **out_rule)
{
	unsigned char bytes[16];

	if (!bytes_get(address, bytes)) {
		*out_rule = "neither IPv4 nor IPv6";
		return ERR_DENIED;
	}

	const struct range *range = range_find(metadata, COUNT_OF(metadata), bytes);

	if (range != NULL) {
		if (is_allowed(g, bytes, ADDRESS_BITS))
			return ERR_OK;
		*out_rule = range->rule;
		return ERR_DENIED;
	}
	range = range_find(ranges, COUNT_OF(ranges), bytes);
	if (range == NULL && (is_v4(bytes) || bits_equal(bytes, global.bytes, global.bits)))
		return ERR_OK;
	if (is_allowed(g, bytes, 0))
		return ERR_OK;
	*out_rule = range != NULL ? range->rule : "outside 2000::/3, not global";
	return ERR_DENIED;
}
