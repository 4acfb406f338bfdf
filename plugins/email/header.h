/* header.h - lines of a mail's head (RFC 5322, RFC 2047).
 * SPDX-License-Identifier: MIT
 * What is appended is folded to 76 columns and ends with CR LF. No value can
 * end its line: controls are written as blanks. Any thread; pure. */
#ifndef PLUGINS_EMAIL_HEADER_H
#define PLUGINS_EMAIL_HEADER_H

#include "common/text.h"
#include "tocsin/channel.h"

/* "Name: value", a value of ours that needs neither folding nor encoding. */
void header_line(struct text *out, const char *name, const char *value);

/* A subject: UTF-8, encoded as words where it is not plain ASCII. Runs of
 * blanks become one; cut at 250 characters. */
void header_text(struct text *out, const char *name, struct tocsin_span value);

/* "Name: display name <address>"; display may be NULL or "". */
void header_mailbox(struct text *out, const char *name, const char *display, const char *address);

/* "Name: a@x, b@y"; nothing at all for an empty list. */
void header_addresses(struct text *out, const char *name, struct tocsin_list addresses);

/* Is it safe in a head and in an SMTP command: printable ASCII without blanks
 * and <>,;:\"()[], with one @ inside, at most 254 bytes? */
int header_address_is_safe(const char *address);

#endif
