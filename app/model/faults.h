/* faults.h - what is wrong with a request's body, all of it at once.
 * SPDX-License-Identifier: MIT
 * The shape is the contract's 422: {"detail": [{"loc", "msg", "type"}]}. */
#ifndef TOCSIN_MODEL_FAULTS_H
#define TOCSIN_MODEL_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum { FAULTS_MAX = 50, LOC_DEPTH_MAX = 12 };

/* A place in the request, as a chain of parents on the callers' stacks:
 *   const struct loc body = { NULL, "body", 0 };
 *   const struct loc first = { &body, NULL, 0 };   an index when key is NULL */
struct loc {
	const struct loc *parent;
	const char *key;
	size_t index;
};

struct faults {
	struct buf detail; /* the array's elements as JSON, without brackets */
	size_t count;      /* all found; only FAULTS_MAX are kept */
};

void faults_init(struct faults *f);
void faults_finish(struct faults *f);
/* type is machine-readable, pydantic's vocabulary: "missing", "string_type",
 * "string_too_long", "value_error", "extra_forbidden", "json_invalid", …
 * Keys of loc may be any UTF-8. */
void faults_add(struct faults *f, const struct loc *loc, const char *type, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
static inline bool faults_any(const struct faults *f)
{
	return f->count > 0;
}

#endif
