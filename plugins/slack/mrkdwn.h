/* mrkdwn.h - text as Slack reads it: escaped, and cut where nothing breaks.
 * SPDX-License-Identifier: MIT
 * Lengths are in units: 1 for a character, 2 for one beyond the first 65,536 (an
 * emoji), because Slack does not say which of the two ways it counts. Pure. */
#ifndef PLUGINS_SLACK_MRKDWN_H
#define PLUGINS_SLACK_MRKDWN_H

#include "common/text.h"

/* Add bytes with & < > escaped, at most max units of it (0: no limit); what does
 * not fit is told by an ellipsis. */
void mrkdwn_add(struct text *t, const char *bytes, size_t len, size_t max);
/* Cut the text itself to max units with an ellipsis at its end. It is mrkdwn
 * already: no character, no entity (&amp;) and no <...> is cut in two. */
void mrkdwn_shorten(struct text *t, size_t max);
/* Take the escapes away again, where Slack wants plain text (a URL). */
void mrkdwn_unescape(struct text *t, const char *bytes, size_t len);

#endif
