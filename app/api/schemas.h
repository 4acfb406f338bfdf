/* schemas.h - the shapes of requests and replies, for /openapi.json.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_API_SCHEMAS_H
#define TOCSIN_API_SCHEMAS_H

#include "base/json.h"
#include "channel/channels.h"

/* Write the members of components.schemas: our own shapes, and one for the
 * configs of each declared channel, from its plugin's table. */
void schemas_write(const struct channels *channels, struct json_writer *w);

#endif
