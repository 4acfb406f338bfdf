/* smtp.h - what a server's answer, or its silence, means for one recipient.
 * SPDX-License-Identifier: MIT
 * Any thread; pure. */
#ifndef PLUGINS_EMAIL_SMTP_H
#define PLUGINS_EMAIL_SMTP_H

#include "tocsin/channel.h"

/* Whose fault a bad end is. */
enum smtp_fault {
	SMTP_FAULT_NONE = 0,
	SMTP_FAULT_OPERATOR = 1 /* settings or relay: no recipient is to blame */
};

/* Fill *v from what libcurl and the server said. is_all_sent: 1 when every byte
 * of the mail had gone out. Returns enum smtp_fault. */
int smtp_judge(const struct tocsin_outcome *out, int is_all_sent, struct tocsin_verdict *v);

#endif
