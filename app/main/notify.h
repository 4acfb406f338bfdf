/* notify.h - telling the service manager how we are.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_MAIN_NOTIFY_H
#define TOCSIN_MAIN_NOTIFY_H

/* Send state ("READY=1") to NOTIFY_SOCKET; nothing happens without one.
 * Thread  main. */
void notify_send(const char *state);

#endif
