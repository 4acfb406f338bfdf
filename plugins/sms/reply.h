/* reply.h - JSON replies of providers: a value by its path, as text.
 * SPDX-License-Identifier: MIT
 * Thread  any; pure. */
#ifndef PLUGINS_SMS_REPLY_H
#define PLUGINS_SMS_REPLY_H

#include <json-c/json.h>

#include "tocsin/channel.h"

/* Owner  json_object_put(); NULL when body is no JSON object or array. */
struct json_object *reply_parse(struct tocsin_span body);

/* The value at path: "/messages/0/status" (RFC 6901) or "messages.0.status". NULL
 * when there is none or it is null. Borrowed from json, which may be NULL. */
struct json_object *reply_find(struct json_object *json, const char *path);

/* The text, number or boolean at path; "" when there is none. Borrowed from json. */
const char *reply_text(struct json_object *json, const char *path);

#endif
