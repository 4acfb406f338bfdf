/* address.h - which network addresses a delivery may reach.
 * SPDX-License-Identifier: MIT
 * Refuses the special-purpose ranges of the IANA registries (IPv4 and IPv6),
 * unwrapping IPv4-mapped, -translated and NAT64 forms first, unless
 * tocsin.conf allows the network. */
#ifndef TOCSIN_BASE_ADDRESS_H
#define TOCSIN_BASE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/span.h"

struct network {
	unsigned char bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
	unsigned bits;           /* 0-128, of the mapped form */
};

struct guard {
	struct network *allowed; /* owned */
	size_t allowed_count;
};

/* "10.0.0.0/8", "fd00::/8" or a bare address. ERR_BAD_REQUEST otherwise, also
 * when bits beyond the prefix are set; why says which rule. */
MUST_CHECK enum err network_parse(struct span text, struct network *out, struct why *why);
void guard_finish(struct guard *g);

/* ERR_OK when the address may be connected to; ERR_DENIED with *out_rule
 * naming the range ("127.0.0.0/8 loopback"; static text). Metadata addresses
 * (169.254.169.254, fd00:ec2::254, …) pass only when allowed by a network no
 * wider than /32 (IPv4) or /128. Families other than AF_INET and AF_INET6 are
 * denied. Thread: any. */
MUST_CHECK enum err guard_check(const struct guard *g, const struct sockaddr *address,
				const char **out_rule);

#endif
