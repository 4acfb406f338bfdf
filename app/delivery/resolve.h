/* resolve.h - host names to guarded addresses, off the engine's thread.
 * SPDX-License-Identifier: MIT
 * A pool of threads calls getaddrinfo, one job per name at a time; names that
 * are unknown or failing never hold all of them. Thread: every function here
 * belongs to the engine's thread. */
#ifndef TOCSIN_DELIVERY_RESOLVE_H
#define TOCSIN_DELIVERY_RESOLVE_H

#include <netdb.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"

struct resolver;

enum resolve_state {
	RESOLVE_PENDING, /* ask again after a collect */
	RESOLVE_OK,
	RESOLVE_FAILED,
	RESOLVE_REFUSED /* every address is one the guard denies */
};

struct resolve_answer {
	enum resolve_state state;
	const char *reason;    /* FAILED, REFUSED; valid until the next resolver call */
	const char *addresses; /* OK: "1.2.3.4,[::1]" for CURLOPT_RESOLVE; until the next collect */
};

/* getaddrinfo with a NULL service; *out is freed with freeaddrinfo. Called on
 * pool threads, several at once. */
typedef int (*resolve_fn)(const char *host, const struct addrinfo *hints, struct addrinfo **out);

/* guard: borrowed until destroy; NULL lets every address pass. fn: NULL for
 * getaddrinfo. wake: may be NULL; called from a pool thread, under the pool's
 * lock, when there is something to collect; it must not block or call the
 * resolver. Never called after destroy.
 * Owner: the caller, free with resolver_destroy. */
struct resolver *resolver_create(unsigned threads, const struct guard *guard, resolve_fn fn,
				 void (*wake)(void *ctx), void *ctx);
/* Does not wait: a thread stuck in a lookup ends on its own later. NULL is fine. */
void resolver_destroy(struct resolver *r);

/* The cached answer; starts a lookup when there is none or it is old. A
 * positive answer is refreshed after 60 s and served meanwhile, and while
 * refreshes fail, up to 24 h. Failures are kept 10 s, doubling up to 60 s. */
struct resolve_answer resolver_find(struct resolver *r, const char *host, int64_t now_ms);
/* Takes finished lookups into the cache and gives up on those older than 30 s
 * (their late result still counts). Call it after a wake and about once a
 * second. Returns how many names got an answer. */
size_t resolver_collect(struct resolver *r, int64_t now_ms);

#endif
