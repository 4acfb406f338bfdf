/* reply.c - replies in the shapes that the contract fixes.
 * Not here: writing them to the web server (server.c).
 * API threads.
 * SPDX-License-Identifier: MIT */
#include "api/reply.h"

#include <stdarg.h>
#include <stdio.h>

/* A header block of more than a page is refused by nginx. */
enum {
	HEADERS_MAX_BYTES = 1024,
	BODY_MAX_BYTES = 256 * 1024 * 1024,
	BODY_KEPT_BYTES = 64 * 1024,
	MESSAGE_BYTES = 512,
};

static const char json_type[] = "application/json";

static const struct {
	int status;
	const char *reason, *type;
} statuses[] = {
	{ 200, "OK", NULL },
	{ 201, "Created", NULL },
	{ 202, "Accepted", NULL },
	{ 204, "No Content", NULL },
	{ 400, "Bad Request", "BadRequestError" },
	{ 401, "Unauthorized", "AuthenticationError" },
	{ 403, "Forbidden", "ForbiddenError" },
	{ 404, "Not Found", "NotFoundError" },
	{ 405, "Method Not Allowed", "MethodNotAllowedError" },
	{ 409, "Conflict", "ConflictError" },
	{ 413, "Content Too Large", "PayloadTooLargeError" },
	{ 415, "Unsupported Media Type", "UnsupportedMediaTypeError" },
	{ 422, "Unprocessable Content", NULL },
	{ 429, "Too Many Requests", "RateLimitError" },
	{ 500, "Internal Server Error", "InternalError" },
	{ 503, "Service Unavailable", "UnavailableError" },
};

static const char *status_reason(int status)
{
	for (size_t i = 0; i < COUNT_OF(statuses); i++) {
		if (statuses[i].status == status)
			return statuses[i].reason;
	}
	return "Unknown";
}

static const char *status_type(int status)
{
	for (size_t i = 0; i < COUNT_OF(statuses); i++) {
		if (statuses[i].status == status && statuses[i].type != NULL)
			return statuses[i].type;
	}
	return "InternalError";
}

void reply_init(struct reply *p)
{
	*p = (struct reply){ .status = 500, .content_type = json_type };
	buf_init(&p->headers, HEADERS_MAX_BYTES);
	buf_init(&p->body, BODY_MAX_BYTES);
}

void reply_finish(struct reply *p)
{
	if (p == NULL)
		return;
	buf_finish(&p->headers);
	buf_finish(&p->body);
}

void reply_reset(struct reply *p)
{
	p->status = 500;
	p->cause = ERR_OK;
	p->content_type = json_type;
	buf_clear(&p->headers);
	buf_clear(&p->body);
	/* One long list must not pin its memory to this thread for good. */
	if (p->body.size > BODY_KEPT_BYTES) {
		buf_finish(&p->body);
		buf_init(&p->body, BODY_MAX_BYTES);
	}
}

struct json_writer reply_json(struct reply *p, int status)
{
	p->status = status;
	p->content_type = json_type;
	buf_clear(&p->body);
	return (struct json_writer){ .out = &p->body };
}

void reply_header(struct reply *p, const char *name, const char *value)
{
	buf_format(&p->headers, "%s: %s\r\n", name, value);
}

void reply_error_details(struct reply *p, int status, const char *message, struct span details)
{
	struct json_writer w = reply_json(p, status);

	json_open(&w, '{');
	json_put_bool(&w, "success", false);
	json_put_int(&w, "status", status);
	json_key(&w, "error");
	json_open(&w, '{');
	json_put(&w, "message", message);
	json_put(&w, "type", status_type(status));
	if (details.ptr == NULL)
		json_put_null(&w, "details");
	else
		json_put_raw(&w, "details", details);
	json_close(&w, '}');
	json_close(&w, '}');
}

void reply_error(struct reply *p, int status, const char *fmt, ...)
{
	char message[MESSAGE_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	reply_error_details(p, status, message, (struct span){ NULL, 0 });
}

void reply_faults(struct reply *p, const struct faults *faults)
{
	struct json_writer w = reply_json(p, 422);

	json_open(&w, '{');
	json_key(&w, "detail");
	json_open(&w, '[');
	json_put_raw(&w, NULL, buf_view(&faults->detail));
	json_close(&w, ']');
	json_close(&w, '}');
}

static void unavailable(struct reply *p, const char *retry_after, const char *message)
{
	reply_header(p, "Retry-After", retry_after);
	reply_error(p, 503, "%s", message);
}

void reply_err(struct reply *p, enum err rc)
{
	p->cause = rc;
	switch (rc) {
	case ERR_BAD_REQUEST: reply_error(p, 400, "The request could not be understood"); return;
	case ERR_DENIED: reply_error(p, 403, "This is not allowed"); return;
	case ERR_NOT_FOUND: reply_error(p, 404, "Not found"); return;
	case ERR_CONFLICT: reply_error(p, 409, "It exists already with another content"); return;
	case ERR_TOO_BIG: reply_error(p, 413, "The request is too large"); return;
	case ERR_LIMIT: reply_error(p, 403, "A limit of this organization is reached"); return;
	case ERR_BUSY:
		unavailable(p, "1", "The store is busy; nothing was done, try again");
		return;
	case ERR_FULL:
		unavailable(p, "5",
			    "The store has no space left; nothing was done, try again later");
		return;
	case ERR_IO:
		unavailable(p, "5",
			    "The store cannot be used now; nothing was done, try again later");
		return;
	case ERR_MEMORY: unavailable(p, "1", "Out of memory; nothing was done, try again"); return;
	case ERR_STOPPING:
		unavailable(p, "2", "The server is going down; nothing was done, try again");
		return;
	case ERR_OK:
	case ERR_CORRUPT: break;
	}
	reply_error(p, 500, "Something went wrong inside the server");
}

const char *reply_cause_text(const struct reply *p)
{
	switch (p->cause) {
	case ERR_BUSY:
		return "the store is busy: another program locks it (end that one), or the disk "
		       "is too slow";
	case ERR_FULL:
		return "no space left on the device: free some below store.path, it goes on by "
		       "itself";
	case ERR_IO:
		return "reading or writing the store failed: look at its disk and at the kernel's "
		       "log";
	case ERR_CORRUPT:
		return "stored data is damaged: run tocsin audit, see Backup in operations.md";
	case ERR_MEMORY:
		return "out of memory: give the service more, or lower the caps of tocsin "
		       "settings";
	case ERR_OK: return "a mistake inside the server: please report it";
	default: return err_text(p->cause);
	}
}

void reply_head_format(struct reply *p, struct buf *out)
{
	if (p->body.failed != ERR_OK)
		reply_error(p, 500, "The reply is too large; ask for less at a time");
	buf_format(out, "Status: %d %s\r\n", p->status, status_reason(p->status));
	/* RFC 9110 8.6: no length, and so no type, with a 204. */
	if (p->status != 204)
		buf_format(out, "Content-Type: %s\r\nContent-Length: %zu\r\n", p->content_type,
			   p->body.len);
	buf_span(out, buf_view(&p->headers));
	buf_bytes(out, "\r\n", 2);
}
