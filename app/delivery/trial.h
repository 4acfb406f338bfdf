/* trial.h - a plugin on trial: does it keep to the contract of tocsin/channel.h?
 * SPDX-License-Identifier: MIT
 * Under the real loader, tables, templates and host; nothing is sent unless
 * is_sending. */
#ifndef TOCSIN_DELIVERY_TRIAL_H
#define TOCSIN_DELIVERY_TRIAL_H

#include "delivery/trial_rules.h"

/* The whole suite, in this process. A call that takes longer than
 * TRIAL_CALL_MAX_S (deliver(): than its deadline and that) ends the process by SIGALRM.
 * Thread: main, once in a process of its own. */
void trial_run(const struct trial_rules *rules);

#endif
