/* page.h - the `pagination` member of lists.
 * SPDX-License-Identifier: MIT */
#ifndef TOCSIN_API_PAGE_H
#define TOCSIN_API_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/pubid.h"

enum { PAGE_UNCOUNTED = -1 };

struct pagination {
	const struct pubid *ids; /* for the cursor, */
	enum pubid_kind cursor;  /* of this kind */
	int64_t limit, offset;
	int64_t total;      /* PAGE_UNCOUNTED: nobody asked, or it is not known */
	bool page_is_known; /* false when a cursor was followed */
	int64_t next;       /* position to go on from; 0 = that was the end */
};

/* All of the contract's keys; what is not known is null. */
void pagination_write(const struct pagination *p, struct json_writer *w);

#endif
