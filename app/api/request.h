/* request.h - one HTTP request as the web server hands it over.
 * SPDX-License-Identifier: MIT
 * A struct request belongs to one thread and is used again and again. Spans
 * live until the next request_head_read(). */
#ifndef TOCSIN_API_REQUEST_H
#define TOCSIN_API_REQUEST_H

#include <fcgiapp.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum method {
	METHOD_OTHER = 0,
	METHOD_GET,
	METHOD_POST,
	METHOD_PUT,
	METHOD_PATCH,
	METHOD_DELETE,
	METHOD_COUNT
};

enum { SEGMENTS_MAX = 8, PATH_MAX_BYTES = 2048 };

struct request {
	enum method method;                 /* HEAD counts as GET; the web server drops the body */
	struct span path;                   /* as sent, up to the '?' */
	struct span query;                  /* as sent, behind it */
	bool path_is_sound;                 /* no //, dot segments, %2F, %00, broken escapes */
	struct span segments[SEGMENTS_MAX]; /* of a sound path, each decoded once */
	size_t segment_count;
	struct span authorization, content_type, idempotency_key; /* ptr NULL: absent */
	int64_t content_length; /* -1 = not said, -2 = not a number */
	bool is_read;           /* the body came to its end */
	struct buf body;
	char decoded[PATH_MAX_BYTES + 1]; /* what segments point into */
};

/* body_max_bytes: the largest cap request_body_read() will be called with. */
void request_init(struct request *q, size_t body_max_bytes);
void request_finish(struct request *q);

/* Everything but the body. Never fails: see method and path_is_sound. */
void request_head_read(struct request *q, FCGX_ParamArray params);
/* Returns ERR_OK; ERR_TOO_BIG past cap_bytes (nothing more is read);
 * ERR_BAD_REQUEST when it is not as long as it was said to be; ERR_IO when the
 * upload broke off; ERR_MEMORY. */
MUST_CHECK enum err request_body_read(struct request *q, FCGX_Stream *in, size_t cap_bytes);
/* The key of "Bearer <key>"; ptr NULL when there is none. */
struct span request_bearer(const struct request *q);
/* application/json, in UTF-8 if it says so, or no type at all. */
bool request_is_json(const struct request *q);

const char *method_text(enum method m);

#endif
