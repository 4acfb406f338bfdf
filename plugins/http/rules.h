/* rules.h - what a webhook's configs must be together.
 * SPDX-License-Identifier: MIT */
#ifndef PLUGINS_HTTP_RULES_H
#define PLUGINS_HTTP_RULES_H

#include "http/http.h"

/* Returns TOCSIN_OK, or TOCSIN_BAD_CONFIG with the first fault in *out.
 * Thread: any; pure. */
int rules_check(const struct http_configs *configs, struct tocsin_fault *out);

#endif
