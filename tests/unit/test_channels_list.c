/* test_channels_list.c - what `tocsin channels` says of a channel, and never says.
 * SPDX-License-Identifier: MIT */
#include "main/channels_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "channel_fakes.h"

static const struct tocsin_field secret_settings[] = {
	{ .key = "token",
	  .help = "T.",
	  .kind = TOCSIN_TEXT,
	  .flags = TOCSIN_SECRET | TOCSIN_REQUIRED,
	  .dflt = "not-for-eyes" },
	{ .key = "rate",
	  .help = "R.",
	  .kind = TOCSIN_NUMBER,
	  .flags = TOCSIN_IS_TARGET_RATE,
	  .max = 10,
	  .dflt = "1" },
	{ .key = NULL },
};

static void listing(void **state)
{
	static const char *const wanted[] = {
		"hook\thook -\t/p/hook.so\n  ABI 1, fast lane, schemes http,https\n",
		"\n  settings, in tocsin.conf: none\n  fields, in a webhook's configs\n",
		"\n    url  http or https URL, required, target, secret\n        U.\n",
		"\n\nmany\tmany 2\t/p/many.so\n  ABI 1, slow lane, sends by itself\n",
		"\n    token  text, required, secret\n        T.\n",
		"\n    rate  number, 0 to 10, messages a second to one target, default 1\n",
		"\n    phones  list, each a phone number, ",
	};
	static char hook_path[] = "/p/hook.so", many_path[] = "/p/many.so";
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	(void)state;
	assert_non_null(out);
	channel_items[0].plugin.path = hook_path;
	channel_items[0].plugin.vtable.abi = channel_items[1].plugin.vtable.abi = 1;
	channel_items[0].plugin.vtable.schemes = "http,https";
	channel_items[1].plugin.path = many_path;
	channel_items[1].plugin.vtable.version = "2";
	channel_items[1].plugin.vtable.settings = secret_settings;
	channel_items[1].plugin.vtable.deliver =
		(void (*)(void *, const struct tocsin_message *, struct tocsin_verdict *))abort;
	channel_items[1].lane = LANE_SLOW;
	channels_list_print(out, &fake_channels);
	fclose(out);
	for (size_t i = 0; i < COUNT_OF(wanted); i++) {
		if (strstr(text, wanted[i]) == NULL)
			fail_msg("is missing: %s\nin: %s", wanted[i], text);
	}
	assert_null(strstr(text, "not-for-eyes"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
