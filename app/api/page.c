/* page.c - the `pagination` member of lists.
 * API threads; pure.
 * SPDX-License-Identifier: MIT */
#include "api/page.h"

static void number_put(struct json_writer *w, const char *key, bool is_known, int64_t value)
{
	if (is_known)
		json_put_int(w, key, value);
	else
		json_put_null(w, key);
}

void pagination_write(const struct pagination *p, struct json_writer *w)
{
	const bool has_total = p->total != PAGE_UNCOUNTED;
	char cursor[PUBID_TEXT_BYTES];

	if (p->next != 0)
		pubid_format(p->ids, p->cursor, p->next, cursor);
	json_key(w, "pagination");
	json_open(w, '{');
	number_put(w, "total", has_total, p->total);
	number_put(w, "page", p->page_is_known, p->offset / p->limit + 1);
	json_put_int(w, "page_size", p->limit);
	number_put(w, "total_pages", has_total, (p->total + p->limit - 1) / p->limit);
	json_put_null(w, "next_page");
	json_put_null(w, "previous_page");
	json_put(w, "next_cursor", p->next == 0 ? NULL : cursor);
	json_close(w, '}');
}
