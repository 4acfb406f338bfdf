/* relay.c - the operator's side of the channel: relay, login, sender.
 * Not here: a webhook's own fields (email.c). open()'s thread, then any.
 * SPDX-License-Identifier: MIT */
#include "email/relay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/text.h"
#include "email/header.h"

enum { HOST_NAME_BYTES = 256, RESPONSE_WAIT_MIN_S = 60 };

static const char *const starttls_choices[] = { "required", "optional", "off", NULL };
static const char *const auth_choices[] = { "auto", "plain", "login", NULL };

const struct tocsin_field email_settings[] = {
	{ .key = "relay",
	  .help = "The mail server that takes our mails: smtp://host:587 (STARTTLS) or "
		  "smtps://host:465.",
	  .kind = TOCSIN_OPERATOR_URL,
	  .flags = TOCSIN_REQUIRED,
	  .offset = offsetof(struct email_settings, relay) },
	{ .key = "starttls",
	  .help = "With smtp://: must the relay offer STARTTLS, may it, or is it not used. A "
		  "login needs \"required\" or smtps://.",
	  .kind = TOCSIN_CHOICE,
	  .choices = starttls_choices,
	  .dflt = "required",
	  .offset = offsetof(struct email_settings, starttls) },
	{ .key = "username",
	  .help = "Login at the relay.",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 255,
	  .offset = offsetof(struct email_settings, username) },
	{ .key = "password",
	  .help = "Password of that login.",
	  .kind = TOCSIN_TEXT,
	  .flags = TOCSIN_SECRET,
	  .min = 1,
	  .max = 1024,
	  .offset = offsetof(struct email_settings, password) },
	{ .key = "auth",
	  .help = "How to log in: auto takes PLAIN or LOGIN, whichever the relay offers.",
	  .kind = TOCSIN_CHOICE,
	  .choices = auth_choices,
	  .dflt = "auto",
	  .offset = offsetof(struct email_settings, auth) },
	{ .key = "helo",
	  .help = "Our name in EHLO; otherwise the machine's host name.",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 253,
	  .offset = offsetof(struct email_settings, helo) },
	{ .key = "from",
	  .help = "The sender of every mail, in From and in the envelope.",
	  .kind = TOCSIN_EMAIL,
	  .flags = TOCSIN_REQUIRED,
	  .offset = offsetof(struct email_settings, from) },
	{ .key = "from_name",
	  .help = "The name beside the sender's address.",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 100,
	  .offset = offsetof(struct email_settings, from_name) },
	{ .key = "reply_to",
	  .help = "Where answers go, when not to the sender.",
	  .kind = TOCSIN_EMAIL,
	  .offset = offsetof(struct email_settings, reply_to) },
	{ .key = "message_id_domain",
	  .help = "Right side of every Message-ID; otherwise the sender's domain.",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 100,
	  .offset = offsetof(struct email_settings, message_id_domain) },
	{ .key = "list_unsubscribe",
	  .help = "An https URL (that takes one-click POSTs, RFC 8058) or a mailto: for "
		  "List-Unsubscribe.",
	  .kind = TOCSIN_TEXT,
	  .min = 1,
	  .max = 500,
	  .offset = offsetof(struct email_settings, list_unsubscribe) },
	{ .key = "ca_file",
	  .help = "CA certificates (PEM) that the relay's certificate is checked by; otherwise "
		  "the system's.",
	  .kind = TOCSIN_FILE,
	  .offset = offsetof(struct email_settings, ca_file) },
	{ .key = "timeout",
	  .help = "How long one mail may take as a whole. Giving up while the relay still works "
		  "on it makes doubles.",
	  .kind = TOCSIN_TIME_MS,
	  .flags = TOCSIN_IS_TIMEOUT,
	  .min = 1000,
	  .max = 30 * 60 * 1000,
	  .dflt = "5m",
	  .offset = offsetof(struct email_settings, timeout_ms) },
	{ .key = NULL },
};

/* --- checks ------------------------------------------------------------------- */

static int refuse(char *err, size_t err_bytes, const char *why)
{
	snprintf(err, err_bytes, "%s", why);
	return TOCSIN_BAD_CONFIG;
}

static int is_host_name(const char *name)
{
	if (name[0] == '\0' || name[0] == '.' || name[0] == '-')
		return 0;
	for (const char *c = name; *c != '\0'; c++) {
		const int is_plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
				     (*c >= '0' && *c <= '9') || *c == '-' || *c == '.';

		if (!is_plain)
			return 0;
	}
	return 1;
}

static int is_unsubscribe(const char *address)
{
	if (strncmp(address, "https://", 8) != 0 && strncmp(address, "mailto:", 7) != 0)
		return 0;
	for (const char *c = address; *c != '\0'; c++) {
		if (*c <= 0x20 || *c >= 0x7F || strchr("<>,\"\\", *c) != NULL)
			return 0;
	}
	return 1;
}

/* A password may be sent over TLS only, and only to a relay that proves its name.
 * Not even to localhost: one rule is easier to trust than one with exceptions. */
static int login_check(const struct email_settings *s, char *err, size_t err_bytes)
{
	const int is_safe = strncmp(s->relay, "smtps:", 6) == 0 ||
			    strcmp(s->starttls, "required") == 0;

	if ((s->username == NULL) != (s->password == NULL))
		return refuse(err, err_bytes, "username and password belong together");
	if (s->username == NULL || is_safe)
		return TOCSIN_OK;
	return refuse(err, err_bytes,
		      "username and password would be sent in clear: set starttls = \"required\", "
		      "or use a smtps:// relay");
}

static int senders_check(const struct email_settings *s, char *err, size_t err_bytes)
{
	if (!header_address_is_safe(s->from))
		return refuse(err, err_bytes, "from is no mail address that can be used");
	if (s->reply_to != NULL && !header_address_is_safe(s->reply_to))
		return refuse(err, err_bytes, "reply_to is no mail address that can be used");
	if (s->message_id_domain != NULL && !is_host_name(s->message_id_domain))
		return refuse(err, err_bytes,
			      "message_id_domain is no domain: letters, digits, - and .");
	if (s->helo != NULL && !is_host_name(s->helo))
		return refuse(err, err_bytes, "helo is no host name: letters, digits, - and .");
	if (s->list_unsubscribe != NULL && !is_unsubscribe(s->list_unsubscribe))
		return refuse(err, err_bytes,
			      "list_unsubscribe is neither an https:// URL nor a mailto:, or has "
			      "blanks, quotes, commas or <> in it");
	return TOCSIN_OK;
}

/* --- the relay ------------------------------------------------------------------ */

/* What the relay knows us by. */
static const char *helo_of(const struct email_settings *s, char name[HOST_NAME_BYTES])
{
	if (s->helo != NULL)
		return s->helo;
	if (gethostname(name, HOST_NAME_BYTES - 1) == 0) {
		name[HOST_NAME_BYTES - 1] = '\0';
		if (is_host_name(name))
			return name;
	}
	return "localhost";
}

/* Scheme, host and port of the relay only: its path would be taken for the EHLO
 * name, and no login stands in a URL. */
static int url_make(const struct email_settings *s, char **out, char *err, size_t err_bytes)
{
	char name[HOST_NAME_BYTES] = "";
	const char *authority = strstr(s->relay, "://");
	struct text url = { 0 };

	if (authority == NULL ||
	    (strncmp(s->relay, "smtp:", 5) != 0 && strncmp(s->relay, "smtps:", 6) != 0))
		return refuse(err, err_bytes, "relay is neither smtp://host nor smtps://host");
	authority += 3;
	const size_t len = strcspn(authority, "/?#");

	if (len == 0 || memchr(authority, '@', len) != NULL)
		return refuse(err, err_bytes,
			      "relay is no smtp://host:port (username and password have keys of "
			      "their own)");
	if (authority[len] != '\0' && strcmp(authority + len, "/") != 0)
		return refuse(err, err_bytes,
			      "relay has a path: give the EHLO name as helo instead");
	text_bytes(&url, s->relay, (size_t)(authority - s->relay) + len);
	text_format(&url, "/%s", helo_of(s, name));
	*out = text_take(&url);
	return *out == NULL ? TOCSIN_TRY_LATER : TOCSIN_OK;
}

static long use_ssl_of(const struct email_settings *s)
{
	if (strncmp(s->relay, "smtps:", 6) == 0 || strcmp(s->starttls, "required") == 0)
		return CURLUSESSL_ALL;
	return strcmp(s->starttls, "optional") == 0 ? CURLUSESSL_TRY : CURLUSESSL_NONE;
}

/* Without it libcurl would also try mechanisms that nobody has tested here. */
static char *login_options_make(const struct email_settings *s)
{
	if (strcmp(s->auth, "plain") == 0)
		return strdup("AUTH=PLAIN");
	if (strcmp(s->auth, "login") == 0)
		return strdup("AUTH=LOGIN");
	return strdup("AUTH=PLAIN;AUTH=LOGIN");
}

int relay_open(struct relay *relay, const struct email_settings *settings, char *err,
	       size_t err_bytes)
{
	int rc = senders_check(settings, err, err_bytes);

	if (rc == TOCSIN_OK)
		rc = url_make(settings, &relay->url, err, err_bytes);
	if (rc == TOCSIN_OK)
		rc = login_check(settings, err, err_bytes);
	if (rc == TOCSIN_OK && settings->username != NULL) {
		relay->login_options = login_options_make(settings);
		rc = relay->login_options == NULL ? TOCSIN_TRY_LATER : TOCSIN_OK;
	}
	if (rc == TOCSIN_TRY_LATER)
		snprintf(err, err_bytes, "out of memory");
	relay->use_ssl = use_ssl_of(settings);
	relay->settings = settings;
	return rc;
}

void relay_finish(struct relay *relay)
{
	free(relay->url);
	free(relay->login_options);
	*relay = (struct relay){ 0 };
}

const char *relay_id_domain(const struct email_settings *settings)
{
	if (settings->message_id_domain != NULL)
		return settings->message_id_domain;
	return strchr(settings->from, '@') + 1;
}

/* libcurl has one patience for every reply. The final dot deserves minutes (RFC
 * 5321 wants ten): a mail given up while the relay still works on it is sent
 * twice. So the whole attempt's time is the limit, and never less than a minute. */
void relay_options_set(const struct relay *relay, CURL *easy)
{
	const struct email_settings *s = relay->settings;
	const long timeout_s = (long)((s->timeout_ms + 999) / 1000);

	curl_easy_setopt(easy, CURLOPT_USE_SSL, relay->use_ssl);
	curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT,
			 timeout_s > RESPONSE_WAIT_MIN_S ? timeout_s : (long)RESPONSE_WAIT_MIN_S);
	if (s->ca_file != NULL)
		curl_easy_setopt(easy, CURLOPT_CAINFO, s->ca_file);
	if (s->username == NULL)
		return;
	curl_easy_setopt(easy, CURLOPT_USERNAME, s->username);
	curl_easy_setopt(easy, CURLOPT_PASSWORD, s->password);
	curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS, relay->login_options);
}
