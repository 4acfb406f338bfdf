/* http.h - what the parts of http.so share: its settings, configs and channel.
 * SPDX-License-Identifier: MIT */
#ifndef PLUGINS_HTTP_HTTP_H
#define PLUGINS_HTTP_HTTP_H

#include <string.h>

#include "http/identity.h"
#include "tocsin/channel.h"

struct http_settings {
	const char *ca_file, *client_cert, *client_key, *key_password;
	const char *cloudevents_source;
};

struct http_configs {
	const char *url;
	struct tocsin_pairs headers;
	const struct tocsin_template *payload_template;
	int64_t timeout_ms;
	const char *method;
	const char *auth, *auth_username, *auth_password, *auth_token;
	const char *hmac_secret, *hmac_header;
	const char *signature;
	const char *format, *cloudevents_source;
	const char *gzip;
	uint8_t has_svix_headers, is_4xx_final, has_control_headers;
};

struct http {
	const struct tocsin_host *host; /* core's */
	const char *source;             /* of CloudEvents; the settings' */
	struct identity identity;
	/* The lines of a request whose webhook changes none of them, ready to copy. */
	char *usual; /* owned; each with its NUL */
	size_t usual_bytes;
};

/* Choices are compared with their names; a value that is not there is none of them. */
static inline int choice_is(const char *choice, const char *name)
{
	return choice != NULL && strcmp(choice, name) == 0;
}

#endif
