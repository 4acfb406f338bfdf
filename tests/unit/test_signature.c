/* test_signature.c - Standard Webhooks vectors and which secrets sign.
 * SPDX-License-Identifier: MIT */
#include "delivery/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/crypto.h"

static struct signing_secret secret_of(const char *base64, int64_t expires_at_us)
{
	struct signing_secret s = { .expires_at_us = expires_at_us };
	const long len = base64_decode(span_of(base64), s.bytes, sizeof(s.bytes));

	assert_true(len > 0);
	s.len = (size_t)len;
	return s;
}

static const struct {
	const char *id, *body, *secret, *want;
	int64_t timestamp_s;
} vectors[] = {
	{ "msg_0001", "{\"event_type\":\"cluster.created\",\"data\":{\"id\":1}}",
	  "Q2Nr5qmolxYdVMaZK5JX03nDsLmhUQTa",
	  "v1,ot2mFsRB1kOpjPvKmBt3mZTITUu5csyPCnJIfRy769Q=", 1700000000 },
	{ "evt_2bTz9QxLmW4Kc7Yd",
	  "{\"text\":\"Gr\xc3\xbc\xc3\x9f"
	  "e \xe2\x9c\x93 \xf0\x9f\x94\x94\",\"n\":null}",
	  "/r10Ax9R3OAcbig0Q5lpirZtf5B016zKww2cE4nLhEY=",
	  "v1,z3yw9W6K9pDWABKpAvxlcRRxKTlH5mkhGt3xSbZdCDM=", 1735689600 },
	{ "evt_empty_body", "",
	  "bvqN2IsSk41tYDOxN8kaFv2jJ8yNYO0312HjCRWsnVFz"
	  "ZKRxga/19vZTVUVfak5riGIyM2e8eVE4BHnrtQWzrg==",
	  "v1,8nHOLmOv4KKFl2BJLDHmdXHemvVnH3zIho7TRc93J9s=", 1900000001 },
};

static void vectors_match(void **state)
{
	char out[512];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		const struct signing_secret secret = secret_of(vectors[i].secret, 0);
		const struct signature_input in = { .id = vectors[i].id,
						    .timestamp_s = vectors[i].timestamp_s,
						    .body = span_of(vectors[i].body),
						    .secrets = &secret,
						    .secret_count = 1,
						    .kinds = TOCSIN_SIGN_V1 };

		assert_int_equal(signature_format(&in, out, sizeof(out)), strlen(vectors[i].want));
		assert_string_equal(out, vectors[i].want);
		assert_int_equal(signature_format(&in, out, 20), 0);
	}
}

static void expired_secrets_do_not_sign(void **state)
{
	const struct signing_secret secrets[] = {
		secret_of("Q2Nr5qmolxYdVMaZK5JX03nDsLmhUQTa", 0),
		secret_of("/r10Ax9R3OAcbig0Q5lpirZtf5B016zKww2cE4nLhEY=", 1700000001000000),
		secret_of("/r10Ax9R3OAcbig0Q5lpirZtf5B016zKww2cE4nLhEY=", 1699999999000000),
	};
	const struct signature_input in = { .id = "msg_0001",
					    .timestamp_s = 1700000000,
					    .body = span_of(vectors[0].body),
					    .secrets = secrets,
					    .secret_count = 3,
					    .kinds = TOCSIN_SIGN_V1 };
	char out[512];

	(void)state;
	assert_int_equal(signature_format(&in, out, sizeof(out)), 2 * 47 + 1);
	assert_memory_equal(out, vectors[0].want, 47);
	assert_int_equal(out[47], ' ');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_match),
		cmocka_unit_test(expired_secrets_do_not_sign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
