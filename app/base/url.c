/* url.c - receivers' URLs and custom headers: refused or brought into one form.
 * A URL is parsed again in its new form until that changes nothing, so that
 * what a conversion made ("①②⑦.0.0.1", "127.0.0.1.") meets every rule too.
 * Not here: resolving names; address rules (address.c); how many headers.
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "base/url.h"

#include <arpa/inet.h>
#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

enum { PASSES = 3, LABEL_MAX_BYTES = 63, HEADER_NAME_MAX = 128, HEADER_VALUE_MAX = 4096 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static locale_t utf8_locale; /* 0 where the system has none */

static void locale_create(void)
{
	utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static bool has_foreign(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] >= 0x80)
			return true;
	return false;
}

static const char web_schemes[] = "http,https";

static struct span any_scheme_find(struct span text)
{
	const char *colon = text.len == 0 ? NULL : memchr(text.ptr, ':', text.len);
	const size_t len = colon == NULL ? 0 : (size_t)(colon - text.ptr);

	if (len == 0 || len >= SCHEME_BYTES || text.len < len + 3 || memcmp(colon, "://", 3) != 0 ||
	    strncasecmp(text.ptr, "file", 4) == 0)
		return (struct span){ 0 };
	return (struct span){ text.ptr, len };
}

/* The scheme of text when it is one of schemes ("http,https"); else absent. */
static struct span scheme_find(struct span text, const char *schemes)
{
	if (schemes == NULL)
		return any_scheme_find(text);
	while (*schemes != '\0') {
		const size_t len = strcspn(schemes, ",");

		if (len < SCHEME_BYTES && text.len > len + 3 &&
		    strncasecmp(text.ptr, schemes, len) == 0 &&
		    memcmp(text.ptr + len, "://", 3) == 0)
			return (struct span){ text.ptr, len };
		schemes += len + (schemes[len] == ',');
	}
	return (struct span){ 0 };
}

/* "https://host:1/path" to "host:1"; absent when the scheme is another or the
 * slashes are not exactly two: libcurl would guess there. */
static struct span authority_find(struct span text, const char *schemes)
{
	const struct span scheme = scheme_find(text, schemes);
	const size_t start = scheme.len + 3;
	size_t end = start;

	if (scheme.ptr == NULL)
		return scheme;
	while (end < text.len && memchr("/?#", text.ptr[end], 3) == NULL)
		end++;
	return (struct span){ text.ptr + start, end - start };
}

static const char *fault_of_bytes(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		const unsigned char c = (unsigned char)text.ptr[i];

		if (c <= 0x20 || c == 0x7F)
			return "blanks and control characters are not allowed";
		if (c == '\\')
			return "a backslash is not allowed";
		if (c == '#')
			return "a fragment (#) is never sent to a receiver";
	}
	return NULL;
}

/* What is wrong with the text before any parsing; NULL when nothing is. */
static const char *fault_of_text(struct span text, const char *schemes)
{
	if (text.len > URL_MAX_BYTES)
		return "longer than 2048 bytes";

	const char *fault = fault_of_bytes(text);

	if (fault != NULL)
		return fault;

	const struct span authority = authority_find(text, schemes);

	if (authority.ptr == NULL)
		return schemes == web_schemes ? "it must begin with http:// or https://"
					      : "its scheme is none that is used here";
	if (authority.len == 0)
		return "the host is missing";
	if (memchr(authority.ptr, '@', authority.len) != NULL)
		return "user information before the host is not allowed";
	if (memchr(authority.ptr, '%', authority.len) != NULL)
		return "a percent sign or zone id in the host is not allowed";
	if (!utf8_check(authority))
		return "the host is not well-formed UTF-8";

	const char *rest = authority.ptr + authority.len;

	if (has_foreign((struct span){ rest, (size_t)(text.ptr + text.len - rest) }))
		return "characters beyond ASCII must be percent-encoded behind the host";
	return NULL;
}

static bool is_label_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* A last label like 5 or 0x7f: some resolvers read an address into that. */
static bool is_number_label(const char *label)
{
	if (label[0] == '0' && label[1] == 'x')
		return label[2 + strspn(label + 2, "0123456789abcdef")] == '\0';
	return label[strspn(label, "0123456789")] == '\0';
}

/* host: lower case, without a final dot, no IPv4. */
static const char *fault_of_name(const char *host)
{
	const char *label = host;

	for (const char *at = host;; at++) {
		if (*at != '.' && *at != '\0') {
			if (!is_label_byte(*at))
				return "a host name has letters, digits, hyphens and dots only";
			continue;
		}
		if (at == label || at - label > LABEL_MAX_BYTES)
			return "each part of a host name has 1 to 63 characters";
		if (*at == '\0')
			break;
		label = at + 1;
	}
	return is_number_label(label) ? "the host looks like an address but is none" : NULL;
}

static void address_set4(struct url *u, const struct in_addr *address)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
				  .sin_addr = *address,
				  .sin_port = htons(u->port) };

	memcpy(&u->address, &in, sizeof(in));
	u->is_literal = true;
}

static void address_set6(struct url *u, const struct in6_addr *address)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
				    .sin6_addr = *address,
				    .sin6_port = htons(u->port) };

	memcpy(&u->address, &in6, sizeof(in6));
	u->is_literal = true;
}

/* "[::1]" into u->host as inet_ntop spells it. */
static const char *literal_set(struct url *u, struct span host)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (host.len < 3 || host.len - 2 >= sizeof(text) || host.ptr[host.len - 1] != ']')
		return "the host is no IPv6 address";
	memcpy(text, host.ptr + 1, host.len - 2);
	text[host.len - 2] = '\0';
	if (inet_pton(AF_INET6, text, &address) != 1)
		return "the host is no IPv6 address";
	if (inet_ntop(AF_INET6, &address, u->host, sizeof(u->host)) == NULL)
		return "the host is no IPv6 address";
	address_set6(u, &address);
	return NULL;
}

/* host as libcurl sees it; fills host, is_literal and address. */
static const char *host_set(struct url *u, struct span host)
{
	struct in_addr address;

	if (host.len > 0 && host.ptr[0] == '[')
		return literal_set(u, host);
	if (host.len > 0 && host.ptr[host.len - 1] == '.')
		host.len--;
	if (host.len > HOST_MAX_BYTES)
		return "a host name has at most 253 characters";
	for (size_t i = 0; i < host.len; i++) {
		const char c = host.ptr[i];

		u->host[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
	u->host[host.len] = '\0';
	if (inet_pton(AF_INET, u->host, &address) == 1) {
		address_set4(u, &address);
		return NULL;
	}
	return fault_of_name(u->host);
}

/* libcurl converts international names in UTF-8 locales only; this thread
 * gets one for the moment, whatever the process runs in. */
static const char *foreign_host_get(CURLU *handle, char **out_host)
{
	pthread_once(&once, locale_create);
	if (utf8_locale == (locale_t)0)
		return "write international host names in their xn-- form";

	const locale_t before = uselocale(utf8_locale);
	const CURLUcode rc = curl_url_get(handle, CURLUPART_HOST, out_host, CURLU_PUNYCODE);

	uselocale(before);
	return rc == CURLUE_OK ? NULL : "the international host name cannot be converted";
}

static const char *port_set(struct url *u, CURLU *handle)
{
	char *text = NULL;

	if (curl_url_get(handle, CURLUPART_PORT, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
		return "the port is not a number from 1 to 65535";

	const long port = strtol(text, NULL, 10);

	curl_free(text);
	if (port < 1 || port > 65535)
		return "the port is not a number from 1 to 65535";
	u->port = (uint16_t)port;
	return NULL;
}

static void text_put(struct buf *out, const struct url *u, CURLU *handle)
{
	char *path = NULL, *query = NULL, *port = NULL;

	curl_url_get(handle, CURLUPART_PORT, &port, CURLU_NO_DEFAULT_PORT);
	curl_url_get(handle, CURLUPART_PATH, &path, 0);
	curl_url_get(handle, CURLUPART_QUERY, &query, 0);
	const bool brackets = strchr(u->host, ':') != NULL;

	buf_text(out, u->scheme);
	buf_text(out, brackets ? "://[" : "://");
	buf_text(out, u->host);
	if (brackets)
		buf_byte(out, ']');
	if (port != NULL) {
		buf_byte(out, ':');
		buf_int(out, u->port);
	}
	buf_text(out, path != NULL && path[0] == '/' ? path : "/");
	if (query != NULL && query[0] != '\0') {
		buf_byte(out, '?');
		buf_text(out, query);
	}
	curl_free(port);
	curl_free(path);
	curl_free(query);
}

/* The parts of handle into u, its new text into out. */
static const char *parts_get(struct url *u, CURLU *handle, bool foreign, struct buf *out)
{
	char *host = NULL;
	const char *fault = port_set(u, handle);

	if (fault != NULL)
		return fault;
	if (foreign)
		fault = foreign_host_get(handle, &host);
	else if (curl_url_get(handle, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		fault = "the host is missing";
	if (fault == NULL)
		fault = host_set(u, span_of(host));
	curl_free(host);
	if (fault != NULL)
		return fault;
	text_put(out, u, handle);
	return out->failed == ERR_OK ? NULL : "longer than 2048 bytes in its normal form";
}

/* One pass: check text, fill u but for its text, write the new text to out. */
static const char *pass_parse(const char *text, const char *schemes, struct url *u, struct buf *out)
{
	const struct span all = span_of(text);
	const char *fault = fault_of_text(all, schemes);

	if (fault != NULL)
		return fault;

	const struct span authority = authority_find(all, schemes);
	const size_t scheme_len = (size_t)(authority.ptr - all.ptr) - 3;
	CURLU *handle = curl_url();

	if (handle == NULL)
		return "no memory to parse it";
	for (size_t i = 0; i < scheme_len; i++)
		u->scheme[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i]);
	u->scheme[scheme_len] = '\0';

	const CURLUcode rc = curl_url_set(handle, CURLUPART_URL, text, CURLU_DISALLOW_USER);

	fault = rc == CURLUE_OK ? parts_get(u, handle, has_foreign(authority), out)
				: curl_url_strerror(rc);
	curl_url_cleanup(handle);
	return fault;
}

static const char *passes_parse(struct span text, const char *schemes, struct url *u)
{
	const char *fault = "it changes whenever it is parsed";
	struct buf old, new;

	buf_init(&old, URL_MAX_BYTES);
	buf_init(&new, URL_MAX_BYTES);
	buf_span(&new, text);
	for (int pass = 0; pass < PASSES; pass++) {
		const struct buf swap = old;

		old = new;
		new = swap;
		buf_clear(&new);
		*u = (struct url){ .text = NULL };

		const char *now = pass_parse(buf_view(&old).ptr, schemes, u, &new);

		if (now != NULL || span_equal(buf_view(&old), buf_view(&new))) {
			fault = now;
			break;
		}
	}
	if (fault == NULL)
		u->text = xspandup(buf_view(&new));
	buf_finish(&old);
	buf_finish(&new);
	return fault;
}

enum err url_parse_of(struct span text, const char *schemes, struct url *out, struct why *why)
{
	struct url u;

	if (text.len > URL_MAX_BYTES ||
	    (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL)) {
		why_set(why, "the URL is refused: it is longer than %d bytes or holds a NUL",
			URL_MAX_BYTES);
		return ERR_BAD_REQUEST;
	}
	const char *fault = passes_parse(text, schemes, &u);

	if (fault != NULL) {
		why_set(why, "the URL is refused: %s", fault);
		return ERR_BAD_REQUEST;
	}
	*out = u;
	return ERR_OK;
}

enum err url_parse(struct span text, struct url *out, struct why *why)
{
	return url_parse_of(text, web_schemes, out, why);
}

void url_finish(struct url *u)
{
	if (u == NULL)
		return;
	free(u->text);
	*u = (struct url){ .text = NULL };
}

static bool is_token_byte(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* Names that steer the connection or the signature; a final * is a prefix. */
static const char *reserved_find(struct span name)
{
	static const char *const reserved[] = {
		"host",    "content-length", "transfer-encoding", "connection", "keep-alive",
		"te",      "trailer",        "upgrade",           "expect",     "content-encoding",
		"cookie2", "proxy-*",        "webhook-*",         "svix-*",     "ce-*",
	};

	for (size_t i = 0; i < COUNT_OF(reserved); i++) {
		const char *row = reserved[i];
		const size_t len = strlen(row);
		const bool prefix = row[len - 1] == '*';

		if (prefix ? name.len >= len - 1 && strncasecmp(name.ptr, row, len - 1) == 0
			   : name.len == len && strncasecmp(name.ptr, row, len) == 0)
			return row;
	}
	return NULL;
}

static const char *fault_of_value(struct span value)
{
	if (value.len > HEADER_VALUE_MAX)
		return "its value is longer than 4096 bytes";
	for (size_t i = 0; i < value.len; i++) {
		const unsigned char c = (unsigned char)value.ptr[i];

		if ((c < 0x20 && c != '\t') || c == 0x7F)
			return "its value holds a control character";
	}
	if (value.len > 0 && (memchr(" \t", value.ptr[0], 2) != NULL ||
			      memchr(" \t", value.ptr[value.len - 1], 2) != NULL))
		return "its value begins or ends with a blank";
	return NULL;
}

enum err header_check(struct span name, struct span value, struct why *why)
{
	if (name.len == 0 || name.len > HEADER_NAME_MAX) {
		why_set(why, "a header name has 1 to %d characters", HEADER_NAME_MAX);
		return ERR_BAD_REQUEST;
	}
	for (size_t i = 0; i < name.len; i++)
		if (!is_token_byte(name.ptr[i])) {
			why_set(why, "a header name has letters, digits and "
				     "!#$%%&'*+-.^_`|~ only");
			return ERR_BAD_REQUEST;
		}

	const char *reserved = reserved_find(name);

	if (reserved != NULL) {
		why_set(why, "header \"%.*s\" is reserved (%s)", (int)name.len, name.ptr, reserved);
		return ERR_BAD_REQUEST;
	}

	const char *fault = fault_of_value(value);

	if (fault != NULL) {
		why_set(why, "header \"%.*s\" is refused: %s", (int)name.len, name.ptr, fault);
		return ERR_BAD_REQUEST;
	}
	return ERR_OK;
}
