/* control.h - the door for administrators of a running server.
 * SPDX-License-Identifier: MIT
 * A unix socket beside the store ("STORE.ctl", mode 0600). A request is words,
 * each ended by NUL, then the sender's shutdown; a reply is one byte of exit
 * code and text. */
#ifndef TOCSIN_MAIN_CONTROL_H
#define TOCSIN_MAIN_CONTROL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

enum { CONTROL_WORDS_MAX = 16, CONTROL_REQUEST_MAX_BYTES = 4096 };
/* An exit code: it is not finished, ask again. Such a request is not worth a line. */
enum { CONTROL_MORE = 75 };
#define CONTROL_REPLY_MAX_BYTES ((size_t)64 << 20)

struct control;

/* Carry out one request; returns the exit code, text goes to out.
 * Called on the control thread, one at a time. words: borrowed. */
typedef int (*control_fn)(void *ctx, char **words, int word_count, struct buf *out);

/* Listen beside the store, whose lock the caller holds: a socket left there is stale.
 * Owner  *out is owned; control_stop(). */
MUST_CHECK enum err control_start(const char *store_path, control_fn fn, void *ctx,
				  struct control **out, struct why *why);
/* Answer no more, remove the socket, wait at most wait_ms for a request that
 * is being carried out. False when it still runs: then what ctx uses must stay
 * (and c is not freed). NULL is fine. */
bool control_stop(struct control *c, long wait_ms);

/* Ask the server of this store. ERR_NOT_FOUND: none runs; ERR_DENIED: it is
 * another user's; ERR_IO: it did not answer; each with why. */
MUST_CHECK enum err control_ask(const char *store_path, char *const *words, int word_count,
				int *out_code, struct buf *out, struct why *why);

#endif
