/* rules.c - finds what no single field of a webhook's configs can say.
 * Not here: each field's own limits (the core, by the table in http.c).
 * Any thread; pure.
 * SPDX-License-Identifier: MIT */
#include "http/rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "http/cloudevent.h"

__attribute__((format(printf, 3, 4))) static int refuse(struct tocsin_fault *out, const char *key,
							const char *fmt, ...)
{
	va_list args;

	snprintf(out->key, sizeof(out->key), "%s", key);
	va_start(args, fmt);
	vsnprintf(out->text, sizeof(out->text), fmt, args);
	va_end(args);
	return TOCSIN_BAD_CONFIG;
}

static int is_given(const struct http_configs *configs, const char *name)
{
	for (size_t i = 0; i < configs->headers.count; i++) {
		if (strcasecmp(configs->headers.items[i].name, name) == 0)
			return 1;
	}
	return 0;
}

/* --- Credentials ------------------------------------------------------------------- */

struct credential {
	const char *key, *value, *auth;
	int is_needed;
};

static int is_line(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7F)
			return 0;
	}
	return 1;
}

static int is_word(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text <= 0x20 || *text >= 0x7F)
			return 0;
	}
	return 1;
}

/* Those that auth needs are there, and no others. */
static int credentials_check(const struct http_configs *configs, struct tocsin_fault *out)
{
	const struct credential rows[] = {
		{ "auth_username", configs->auth_username, "basic", 1 },
		{ "auth_password", configs->auth_password, "basic", 0 },
		{ "auth_token", configs->auth_token, "bearer", 1 },
		{ "hmac_secret", configs->hmac_secret, "hmac", 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const int is_chosen = choice_is(configs->auth, rows[i].auth);

		if (is_chosen && rows[i].is_needed && rows[i].value == NULL)
			return refuse(out, rows[i].key, "%s is needed with auth \"%s\"",
				      rows[i].key, rows[i].auth);
		if (!is_chosen && rows[i].value != NULL)
			return refuse(out, rows[i].key, "%s is for auth \"%s\" only", rows[i].key,
				      rows[i].auth);
		if (rows[i].value != NULL && !is_line(rows[i].value))
			return refuse(out, rows[i].key, "%s should have no control characters",
				      rows[i].key);
	}
	return TOCSIN_OK;
}

/* Names that steer the connection, or are ours; a final * is a prefix. */
static int is_reserved(const char *name)
{
	static const char *const names[] = { "host",          "content-*",  "transfer-encoding",
					     "connection",    "keep-alive", "te",
					     "trailer",       "upgrade",    "expect",
					     "user-agent",    "cookie*",    "proxy-*",
					     "authorization", "accept*",    "webhook-*",
					     "svix-*",        "ce-*" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const size_t len = strlen(names[i]);
		const int is_prefix = names[i][len - 1] == '*';

		if (is_prefix ? strncasecmp(name, names[i], len - 1) == 0
			      : strcasecmp(name, names[i]) == 0)
			return 1;
	}
	return 0;
}

static int is_token(const char *name)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (const char *c = name; *c != '\0'; c++) {
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
		      (*c >= '0' && *c <= '9') || strchr(others, *c) != NULL))
			return 0;
	}
	return name[0] != '\0';
}

static int auth_check(const struct http_configs *configs, struct tocsin_fault *out)
{
	const char *name = configs->hmac_header;
	const int rc = credentials_check(configs, out);

	if (rc != TOCSIN_OK)
		return rc;
	if (choice_is(configs->auth, "basic") && strchr(configs->auth_username, ':') != NULL)
		return refuse(out, "auth_username", "A user name should have no colon");
	if (configs->auth_token != NULL && !is_word(configs->auth_token))
		return refuse(out, "auth_token", "A token is visible ASCII without blanks");
	if (name != NULL && (!is_token(name) || is_reserved(name)))
		return refuse(out, "hmac_header", "%s",
			      is_token(name) ? "This header is reserved"
					     : "A header's name has letters, digits and "
					       "!#$%&'*+-.^_`|~ only");
	if ((choice_is(configs->auth, "basic") || choice_is(configs->auth, "bearer")) &&
	    is_given(configs, "Authorization"))
		return refuse(out, "headers",
			      "Authorization is made by auth \"%s\": give one of "
			      "the two",
			      configs->auth);
	if (choice_is(configs->auth, "hmac") && name == NULL)
		return refuse(out, "hmac_header", "hmac_header is needed with auth \"hmac\"");
	if (choice_is(configs->auth, "hmac") && is_given(configs, name))
		return refuse(out, "hmac_header", "This header is given in headers too");
	return TOCSIN_OK;
}

/* --- The form ------------------------------------------------------------------------ */

static int format_check(const struct http_configs *configs, struct tocsin_fault *out)
{
	const char *source = configs->cloudevents_source;

	if (source != NULL && !source_is_valid(source, strlen(source)))
		return refuse(out, "cloudevents_source",
			      "A source is a URI-reference: ASCII without blanks, all else "
			      "percent-encoded");
	if (configs->format != NULL && !choice_is(configs->format, "envelope") &&
	    is_given(configs, "Content-Type"))
		return refuse(out, "headers", "Content-Type is made by format \"%s\"",
			      configs->format);
	return TOCSIN_OK;
}

int rules_check(const struct http_configs *configs, struct tocsin_fault *out)
{
	const int rc = auth_check(configs, out);

	return rc == TOCSIN_OK ? format_check(configs, out) : rc;
}
