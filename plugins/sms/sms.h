/* sms.h - what the parts of sms.so share: the settings, one attempt, and what a
 * provider has to give.
 * SPDX-License-Identifier: MIT
 * Thread  any; all but the alarm is read-only after open(). */
#ifndef PLUGINS_SMS_SMS_H
#define PLUGINS_SMS_SMS_H

#include <regex.h>
#include <stdatomic.h>

#include "common/text.h"
#include "sms/wording.h"
#include "tocsin/channel.h"

struct sms_settings {
	const char *provider;
	const char *sender; /* NULL: none; so are all texts here that are not given */
	int64_t parts_max;
	uint8_t is_transliterated;
	double rate;
	int64_t timeout_ms;
	int64_t validity_ms; /* 0: not given */
	const struct tocsin_template *message;
	const char *url, *username, *password; /* kannel, http */
	/* twilio */
	const char *api_base, *account_sid, *auth_user, *auth_token;
	const char *messaging_service_sid, *status_callback;
	/* kannel */
	const char *smsc;
	/* http */
	const char *method, *content_type;
	const struct tocsin_template *query, *body;
	struct tocsin_pairs headers, secrets;
	const char *success_status, *retry_status;
	const char *success_path, *success_value, *success_match, *id_path, *error_path;
	struct tocsin_list retry_values, operator_values;
};

struct provider;

struct sms {
	const struct tocsin_host *host;
	const struct sms_settings *settings;
	const struct provider *provider;
	char *url;             /* owned; where all requests go, without query */
	regex_t success_match; /* compiled when has_success_match */
	int has_success_match;
	atomic_llong alarm_at_s; /* last complaint about the account; 0: all is well */
};

/* One message on its way to one number. */
struct attempt {
	struct wording wording;
	struct curl_slist *headers;
	struct text url, body;
};

/* One message as a provider's prepare() gets it. */
struct sending {
	const struct sms *sms;
	const struct tocsin_message *msg;
	struct attempt *attempt; /* wording is ready; what it frees goes there */
	CURL *easy;
};

/* One answer as a provider's classify() gets it: a reply with a status came. */
struct answer {
	struct sms *sms;
	const struct attempt *attempt;
	const struct tocsin_outcome *out;
	int is_whole; /* 0: the reply broke off after its status */
};

struct provider {
	const char *name;
	size_t characters_max; /* of one message; 0: no limit of its own */
	/* Check and prepare what the settings say together; sms->url is to be set.
	 * Returns TOCSIN_OK, TOCSIN_BAD_CONFIG with why in err, or TOCSIN_TRY_LATER. */
	int (*open)(struct sms *sms, char *err, size_t err_bytes);
	/* Returns as the contract's prepare() does. */
	int (*prepare)(const struct sending *s, struct tocsin_request *out);
	void (*classify)(const struct answer *a, struct tocsin_verdict *v);
};

extern const struct provider provider_twilio, provider_kannel, provider_http;

/* Set err and return TOCSIN_BAD_CONFIG. */
int settings_refuse(char *err, size_t err_bytes, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
