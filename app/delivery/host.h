/* host.h - the services that plugins are lent.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_DELIVERY_HOST_H
#define TOCSIN_DELIVERY_HOST_H

#include "conf/conf.h"
#include "tocsin/channel.h"

/* Usable before the engine exists. Thread: main, once, before the others. */
const struct tocsin_host *engine_host(const struct conf *conf);

#endif
