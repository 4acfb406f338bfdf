/* reply.h - one reply: status, a few headers, a body, in the contract's shapes.
 * SPDX-License-Identifier: MIT
 * A struct reply belongs to one thread and is used again and again. */
#ifndef TOCSIN_API_REPLY_H
#define TOCSIN_API_REPLY_H

#include "base/buf.h"
#include "base/json.h"
#include "model/faults.h"

struct reply {
	int status;
	enum err cause;           /* of a 5xx; ERR_OK: the server itself went wrong */
	const char *content_type; /* static text */
	struct buf headers;       /* extra header lines, each with its CR LF */
	struct buf body;
};

void reply_init(struct reply *p);
void reply_finish(struct reply *p);
/* Empty it: status 500 until somebody says otherwise. */
void reply_reset(struct reply *p);

/* Begin a JSON body with this status. */
struct json_writer reply_json(struct reply *p, int status);
/* value: ours, fit for a header. */
void reply_header(struct reply *p, const char *name, const char *value);
/* {"success": false, "status", "error": {"message", "type", "details": null}};
 * the type follows from the status. */
void reply_error(struct reply *p, int status, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* The same with details, a JSON object. */
void reply_error_details(struct reply *p, int status, const char *message, struct span details);
/* 422 {"detail": […]} */
void reply_faults(struct reply *p, const struct faults *faults);
/* The reply that an error of domain or store asks for. */
void reply_err(struct reply *p, enum err rc);
/* Why a 5xx, and what to do, for the log; without quotes. */
const char *reply_cause_text(const struct reply *p);

/* Append the header block, its empty line included. A body that did not fit
 * has turned the reply into a 500 before. */
void reply_head_format(struct reply *p, struct buf *out);

#endif
