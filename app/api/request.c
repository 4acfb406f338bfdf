/* request.c - reads a request's target, headers and body from libfcgi.
 * The target comes from REQUEST_URI, the only parameter that means the same
 * under every web server; what the server's own access rules may have seen
 * differently (dot segments, encoded slashes) is refused.
 * Not here: who asks and what for (router.c).
 * API threads.
 * SPDX-License-Identifier: MIT */
#include "api/request.h"

#include <string.h>
#include <strings.h>

enum { CHUNK_BYTES = 8192, BODY_KEPT_BYTES = 64 * 1024, LENGTH_DIGITS_MAX = 15 };
enum { LENGTH_ABSENT = -1, LENGTH_BAD = -2 };

static const char *const methods[METHOD_COUNT] = {
	[METHOD_OTHER] = "",  [METHOD_GET] = "GET",     [METHOD_POST] = "POST",
	[METHOD_PUT] = "PUT", [METHOD_PATCH] = "PATCH", [METHOD_DELETE] = "DELETE",
};

const char *method_text(enum method m)
{
	return methods[m];
}

void request_init(struct request *q, size_t body_max_bytes)
{
	*q = (struct request){ 0 };
	buf_init(&q->body, body_max_bytes + CHUNK_BYTES);
}

void request_finish(struct request *q)
{
	if (q != NULL)
		buf_finish(&q->body);
}

/* --- Target ------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Decode raw to out, which has room for raw.len bytes. -1: not acceptable. */
static long segment_decode(struct span raw, char *out)
{
	size_t len = 0;

	for (size_t i = 0; i < raw.len; i++) {
		char c = raw.ptr[i];

		if (c == '%') {
			const int high = i + 2 < raw.len ? hex_digit(raw.ptr[i + 1]) : -1;
			const int low = i + 2 < raw.len ? hex_digit(raw.ptr[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -1;
			c = (char)(high << 4 | low);
			i += 2;
			if (c == '/' || c == '\0')
				return -1;
		}
		out[len++] = c;
	}
	if (len == 0 || (len == 1 && out[0] == '.') || (len == 2 && memcmp(out, "..", 2) == 0))
		return -1;
	return (long)len;
}

/* False when the path is not sound. One slash at the end is fine. */
static bool path_split(struct request *q)
{
	const char *at = q->path.ptr, *end = q->path.ptr + q->path.len;
	char *out = q->decoded;

	if (q->path.len == 0 || q->path.len > PATH_MAX_BYTES || *at != '/')
		return false;
	while (++at < end) {
		const char *slash = memchr(at, '/', (size_t)(end - at));
		const struct span raw = { at, (size_t)((slash == NULL ? end : slash) - at) };
		const long len = segment_decode(raw, out);

		if (len < 0 || q->segment_count == SEGMENTS_MAX)
			return false;
		q->segments[q->segment_count++] = (struct span){ out, (size_t)len };
		out += len;
		at += raw.len;
	}
	return true;
}

static void target_read(struct request *q, const char *uri)
{
	const struct span all = span_of(uri == NULL ? "" : uri);
	const char *mark = all.len == 0 ? NULL : memchr(all.ptr, '?', all.len);

	q->path = all;
	q->query = (struct span){ "", 0 };
	if (mark != NULL) {
		q->path.len = (size_t)(mark - all.ptr);
		q->query = (struct span){ mark + 1, all.len - q->path.len - 1 };
	}
	q->segment_count = 0;
	q->path_is_sound = path_split(q);
}

/* --- Headers -------------------------------------------------------------------- */

static enum method method_parse(const char *text)
{
	if (text == NULL)
		return METHOD_OTHER;
	if (strcmp(text, "HEAD") == 0)
		return METHOD_GET;
	for (int m = METHOD_GET; m < METHOD_COUNT; m++) {
		if (strcmp(text, methods[m]) == 0)
			return (enum method)m;
	}
	return METHOD_OTHER;
}

/* nginx says "" for a request without a body. */
static int64_t length_parse(const char *text)
{
	int64_t length = 0;

	if (text == NULL || *text == '\0')
		return LENGTH_ABSENT;
	if (strlen(text) > LENGTH_DIGITS_MAX)
		return LENGTH_BAD;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return LENGTH_BAD;
		length = length * 10 + (*text - '0');
	}
	return length;
}

void request_head_read(struct request *q, FCGX_ParamArray params)
{
	const char *authorization = FCGX_GetParam("HTTP_AUTHORIZATION", params);

	/* Apache passes it on under this name after an internal redirect. */
	if (authorization == NULL)
		authorization = FCGX_GetParam("REDIRECT_HTTP_AUTHORIZATION", params);
	q->authorization = span_of(authorization);
	q->content_type = span_of(FCGX_GetParam("CONTENT_TYPE", params));
	q->idempotency_key = span_of(FCGX_GetParam("HTTP_IDEMPOTENCY_KEY", params));
	q->is_read = false;
	q->content_length = length_parse(FCGX_GetParam("CONTENT_LENGTH", params));
	q->method = method_parse(FCGX_GetParam("REQUEST_METHOD", params));
	target_read(q, FCGX_GetParam("REQUEST_URI", params));
	buf_clear(&q->body);
	/* One large request must not pin its memory to this thread for good. */
	if (q->body.size > BODY_KEPT_BYTES) {
		const size_t max = q->body.max;

		buf_finish(&q->body);
		buf_init(&q->body, max);
	}
}

static struct span trim(struct span s)
{
	while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
		s.ptr++;
		s.len--;
	}
	while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
		s.len--;
	return s;
}

static bool span_is_nocase(struct span s, const char *text)
{
	return s.len == strlen(text) && strncasecmp(s.ptr, text, s.len) == 0;
}

struct span request_bearer(const struct request *q)
{
	static const char scheme[] = "Bearer ";
	const struct span none = { NULL, 0 }, all = trim(q->authorization);
	const size_t len = sizeof(scheme) - 1;

	if (all.ptr == NULL || all.len <= len || strncasecmp(all.ptr, scheme, len) != 0)
		return none;
	return trim((struct span){ all.ptr + len, all.len - len });
}

/* One "name=value" behind a media type: only charset means anything to us. */
static bool type_parameter_fits(struct span parameter)
{
	const char *sign = parameter.len == 0 ? NULL : memchr(parameter.ptr, '=', parameter.len);

	if (sign == NULL)
		return true;
	const struct span name =
		trim((struct span){ parameter.ptr, (size_t)(sign - parameter.ptr) });
	struct span value =
		trim((struct span){ sign + 1, parameter.len - (size_t)(sign - parameter.ptr) - 1 });

	if (!span_is_nocase(name, "charset"))
		return true;
	if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
		value = (struct span){ value.ptr + 1, value.len - 2 };
	return span_is_nocase(value, "utf-8") || span_is_nocase(value, "utf8");
}

bool request_is_json(const struct request *q)
{
	struct span rest = q->content_type;
	bool is_first = true;

	if (rest.ptr == NULL || rest.len == 0)
		return true;
	while (is_first || rest.len > 0) {
		const char *mark = rest.len == 0 ? NULL : memchr(rest.ptr, ';', rest.len);
		const size_t len = mark == NULL ? rest.len : (size_t)(mark - rest.ptr);
		const struct span part = trim((struct span){ rest.ptr, len });

		if (is_first ? !span_is_nocase(part, "application/json")
			     : !type_parameter_fits(part))
			return false;
		is_first = false;
		rest.ptr += len + (mark != NULL);
		rest.len -= len + (mark != NULL);
	}
	return true;
}

/* --- Body ------------------------------------------------------------------------ */

enum err request_body_read(struct request *q, FCGX_Stream *in, size_t cap_bytes)
{
	char chunk[CHUNK_BYTES];
	int got;

	if (q->content_length == LENGTH_BAD)
		return ERR_BAD_REQUEST;
	if (q->content_length > (int64_t)cap_bytes)
		return ERR_TOO_BIG;
	if (q->content_length > 0)
		buf_reserve(&q->body, (size_t)q->content_length);
	while ((got = FCGX_GetStr(chunk, sizeof(chunk), in)) > 0) {
		buf_bytes(&q->body, chunk, (size_t)got);
		if (q->body.len > cap_bytes)
			return ERR_TOO_BIG;
	}
	/* Apache calls us with half a body when the client went away. */
	if (FCGX_GetError(in) != 0)
		return ERR_IO;
	q->is_read = true;
	if (q->body.failed != ERR_OK)
		return q->body.failed;
	if (q->content_length >= 0 && (size_t)q->content_length != q->body.len)
		return ERR_BAD_REQUEST;
	return ERR_OK;
}
