/* sockets.h - libcurl's multi handle driven by one epoll.
 * SPDX-License-Identifier: MIT
 * Delivery thread only, but sockets_wake(). */
#ifndef TOCSIN_DELIVERY_SOCKETS_H
#define TOCSIN_DELIVERY_SOCKETS_H

#include <curl/curl.h>
#include <stdint.h>

#include "base/err.h"

struct sockets;

/* connections: idle ones kept. NULL with why when the system refuses. */
struct sockets *sockets_create(long connections, struct why *why);
void sockets_destroy(struct sockets *s);
MUST_CHECK enum err sockets_add(struct sockets *s, CURL *easy);
void sockets_remove(struct sockets *s, CURL *easy);
/* From now on a wake ends the next poll, also one that comes before it begins.
 * Look for what was left before this call, then poll. */
void sockets_doze(struct sockets *s);
/* Wait for at most wait_ms (or for a wake) and let libcurl work. */
void sockets_poll(struct sockets *s, int64_t wait_ms);
/* One finished transfer; NULL when there is none. Remove it before the next call. */
CURL *sockets_finished(struct sockets *s, CURLcode *out_result);
/* Something was left for the loop: end its wait. Costs a system call only when
 * it dozes. Thread: any. */
void sockets_wake(struct sockets *s);

#endif
