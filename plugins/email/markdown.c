/* markdown.c - cmark with its links filtered.
 * Not here: escaping the event's values (render() did with MARKDOWN).
 * Any thread. cmark ends the process when memory runs out, as the core does.
 * SPDX-License-Identifier: MIT */
#include "email/markdown.h"

#include <cmark.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* cmark itself refuses only the schemes it knows to be bad. */
static int address_is_allowed(const char *address)
{
	static const char *const schemes[] = { "https://", "http://", "mailto:" };

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		if (strncasecmp(address, schemes[i], strlen(schemes[i])) == 0)
			return 1;
	}
	return 0;
}

static void links_filter(cmark_node *root)
{
	cmark_iter *iter = cmark_iter_new(root);
	cmark_event_type event;

	while ((event = cmark_iter_next(iter)) != CMARK_EVENT_DONE) {
		cmark_node *node = cmark_iter_get_node(iter);
		const cmark_node_type type = cmark_node_get_type(node);

		if (event != CMARK_EVENT_ENTER ||
		    (type != CMARK_NODE_LINK && type != CMARK_NODE_IMAGE))
			continue;
		const char *address = cmark_node_get_url(node);

		if (address != NULL && !address_is_allowed(address))
			cmark_node_set_url(node, "");
	}
	cmark_iter_free(iter);
}

void markdown_append(struct tocsin_span source, struct text *out)
{
	cmark_node *root = cmark_parse_document(source.ptr == NULL ? "" : source.ptr, source.len,
						CMARK_OPT_DEFAULT);

	links_filter(root);
	char *html = cmark_render_html(root, CMARK_OPT_DEFAULT);

	text_add(out, html);
	free(html);
	cmark_node_free(root);
}
