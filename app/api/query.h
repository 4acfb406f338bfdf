/* query.h - the query string, read by a table.
 * SPDX-License-Identifier: MIT
 * The same table describes the parameters in /openapi.json. */
#ifndef TOCSIN_API_QUERY_H
#define TOCSIN_API_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/pubid.h"
#include "base/span.h"
#include "model/faults.h"

enum query_kind { QUERY_TEXT = 1, QUERY_INT, QUERY_BOOL, QUERY_CHOICE, QUERY_POSITION };

struct query_row {
	const char *name, *help; /* name NULL ends the table */
	enum query_kind kind;
	int64_t min, max;           /* QUERY_INT; QUERY_POSITION: min is its enum pubid_kind */
	int64_t dflt;               /* QUERY_INT and QUERY_BOOL, when not given */
	const char *const *choices; /* QUERY_CHOICE: ends with NULL; number is its index */
};

enum { QUERY_ROWS_MAX = 8 };

struct query_value {
	bool is_given;
	int64_t number;   /* QUERY_POSITION: the position to go on from; 0 = the start */
	struct span text; /* decoded; ptr NULL: not given */
};

struct query {
	const struct pubid *ids;                   /* borrowed; reads cursors */
	struct query_value values[QUERY_ROWS_MAX]; /* by the row's index */
	struct buf text;
};

/* What an unknown parameter is. */
enum query_strictness { QUERY_LENIENT = 0, QUERY_STRICT };

/* ids: NULL when no table has a QUERY_POSITION. */
void query_init(struct query *q, const struct pubid *ids);
void query_finish(struct query *q);
/* Faults get loc ["query", name]. rows may be NULL. Spans live until the next call. */
void query_parse(struct query *q, struct span raw, const struct query_row *rows,
		 enum query_strictness strictness, struct faults *faults);

#endif
