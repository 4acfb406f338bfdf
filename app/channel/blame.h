/* blame.h - which delivery was inside a plugin when the process died.
 * SPDX-License-Identifier: MIT
 * A small file beside the store, mapped shared: a handler for fatal signals
 * (SEGV, BUS, ILL, FPE, ABRT) counts a strike for the delivery that the dying
 * thread had inside a plugin call, and names the plugin in the last log line.
 * kill -9, a full memory and deploys blame nobody. */
#ifndef TOCSIN_CHANNEL_BLAME_H
#define TOCSIN_CHANNEL_BLAME_H

#include <stdint.h>

#include "base/err.h"

enum { STRIKES_MAX = 3 };

/* Map path (made when it is not there) and install the handler.
 * Returns ERR_OK or ERR_IO with why. Thread: main, once, before the others. */
MUST_CHECK enum err blame_open(const char *path, struct why *why);
void blame_close(void);

/* Before this thread's first plugin call: a stack of its own for the handler. */
void blame_thread_begin(void);
void blame_thread_end(void);

/* This thread goes into call ("prepare") of a plugin for a delivery, and comes
 * back. The texts must stay until blame_leave(). delivery 0: nobody to blame. */
void blame_enter(int64_t delivery, const char *channel, const char *plugin, const char *call);
void blame_leave(void);

/* Strikes of a delivery; 0 when there are none. Thread: any. */
unsigned blame_strikes(int64_t delivery);
/* It came to an end: its strikes are forgotten. */
void blame_forget(int64_t delivery);

#endif
