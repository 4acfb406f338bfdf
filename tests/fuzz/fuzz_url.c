/* fuzz_url.c - URLs that pass must be in one form that libcurl reads alike.
 * SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/address.h"
#include "base/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void text_check(const struct url *u)
{
	const size_t len = strlen(u->text);

	must(len <= URL_MAX_BYTES);
	must(strncmp(u->text, "http://", 7) == 0 || strncmp(u->text, "https://", 8) == 0);
	for (size_t i = 0; i < len; i++)
		must(u->text[i] > 0x20 && u->text[i] < 0x7F && u->text[i] != '\\' &&
		     u->text[i] != '#');
	must(u->host[0] != '\0' && u->port != 0);
	must(strpbrk(u->host, "%@/?[]ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
}

/* What libcurl will connect to is what was checked. */
static void libcurl_check(const struct url *u)
{
	CURLU *handle = curl_url();
	char *host = NULL, *port = NULL, *user = NULL;

	must(handle != NULL);
	must(curl_url_set(handle, CURLUPART_URL, u->text, 0) == CURLUE_OK);
	must(curl_url_get(handle, CURLUPART_HOST, &host, 0) == CURLUE_OK);
	must(curl_url_get(handle, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK);
	must(curl_url_get(handle, CURLUPART_USER, &user, 0) != CURLUE_OK);
	must(strtol(port, NULL, 10) == u->port);

	const bool brackets = host[0] == '[';
	const size_t len = strlen(host);

	must(len - (brackets ? 2 : 0) == strlen(u->host));
	must(memcmp(host + (brackets ? 1 : 0), u->host, strlen(u->host)) == 0);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(handle);
}

/* A host is a literal exactly when the C library reads an address in it: a
 * name that it takes for one would walk past the resolver's checks. */
static void literal_check(const struct url *u)
{
	unsigned char bytes[16];
	struct in_addr loose;
	const char *rule = NULL;
	const bool v4 = inet_pton(AF_INET, u->host, bytes) == 1;
	const bool v6 = inet_pton(AF_INET6, u->host, bytes) == 1;

	must(u->is_literal == (v4 || v6));
	must(v4 == (inet_aton(u->host, &loose) != 0));
	if (u->is_literal && guard_check(NULL, (const struct sockaddr *)&u->address, &rule) != 0)
		must(rule != NULL);
}

/* The first line is a header's name, the rest its value. */
static void header_try(const char *text, size_t size)
{
	const char *line = size == 0 ? NULL : memchr(text, '\n', size);
	const size_t len = line == NULL ? size : (size_t)(line - text);
	const struct span value = { line == NULL ? "" : line + 1,
				    line == NULL ? 0 : size - len - 1 };

	if (header_check((struct span){ text, len }, value, NULL) != ERR_OK)
		return;
	for (size_t i = 0; i < value.len; i++)
		must(value.ptr[i] != '\r' && value.ptr[i] != '\n' && value.ptr[i] != '\0');
	must(len > 0 && memchr(text, ':', len) == NULL && memchr(text, ' ', len) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span text = { (const char *)data, size };
	struct network network;
	struct why why = { "" };
	struct url u, again;

	(void)!network_parse(text, &network, NULL);
	header_try(text.ptr, size);
	if (url_parse(text, &u, &why) != ERR_OK) {
		must(why.text[0] != '\0');
		return 0;
	}
	text_check(&u);
	libcurl_check(&u);
	literal_check(&u);
	must(url_parse(span_of(u.text), &again, NULL) == ERR_OK);
	must(strcmp(u.text, again.text) == 0 && strcmp(u.host, again.host) == 0);
	must(u.port == again.port && u.is_literal == again.is_literal);
	url_finish(&u);
	url_finish(&again);
	return 0;
}
