/* content.h - the body of one request, in the form that the webhook chose.
 * SPDX-License-Identifier: MIT */
#ifndef PLUGINS_HTTP_CONTENT_H
#define PLUGINS_HTTP_CONTENT_H

#include "http/http.h"

enum content_form { CONTENT_ENVELOPE = 0, CONTENT_STRUCTURED, CONTENT_BINARY };

struct content {
	enum content_form form;
	struct tocsin_span plain; /* what is signed; ptr NULL: an event without data */
	struct tocsin_span wire;  /* what is sent: plain itself, or that as gzip */
	char *written, *packed;   /* owned; NULL: plain, wire are the message's or the core's */
};

/* Returns TOCSIN_OK, or TOCSIN_BAD_MESSAGE or TOCSIN_TRY_LATER with out->reason.
 * Owner  content_finish(), also after a failure. Thread: any. */
int content_make(const struct http *http, const struct tocsin_message *msg, struct content *content,
		 struct tocsin_request *out);
/* NULL-safe. */
void content_finish(struct content *content);

#endif
