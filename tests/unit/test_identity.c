/* test_identity.c - CA, certificate and key files of http.so: good ones and bad.
 * SPDX-License-Identifier: MIT */
#include "http/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "files.h"

enum file { CERT, KEY, LOCKED, OTHER, JUNK, FILE_COUNT };

static char folder[FILE_PATH_BYTES], paths[FILE_COUNT][FILE_PATH_BYTES + 8];

/* --- Files to read ------------------------------------------------------------------ */

static FILE *file_create(enum file file)
{
	FILE *out = NULL;

	assert_true(snprintf(paths[file], sizeof(paths[file]), "%s/%d.pem", folder, (int)file) <
		    (int)sizeof(paths[file]));
	out = fopen(paths[file], "we");
	assert_non_null(out);
	return out;
}

static void key_save(enum file file, EVP_PKEY *key, const char *password)
{
	FILE *out = file_create(file);
	const EVP_CIPHER *cipher = password == NULL ? NULL : EVP_aes_256_cbc();

	assert_int_equal(PEM_write_PKCS8PrivateKey(out, key, cipher, NULL, 0, NULL,
						   (void *)(uintptr_t)password),
			 1);
	fclose(out);
}

static void certificate_save(EVP_PKEY *key)
{
	FILE *out = file_create(CERT);
	X509 *cert = X509_new();

	assert_non_null(cert);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	assert_int_equal(PEM_write_X509(out, cert), 1);
	X509_free(cert);
	fclose(out);
}

static int setup(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256"), *other = EVP_EC_gen("P-256");
	FILE *junk;

	(void)state;
	folder_create(folder);
	certificate_save(key);
	key_save(KEY, key, NULL);
	key_save(LOCKED, key, "open");
	key_save(OTHER, other, NULL);
	junk = file_create(JUNK);
	fputs("nothing\n", junk);
	fclose(junk);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < FILE_COUNT; i++)
		unlink(paths[i]);
	rmdir(folder);
	return 0;
}

/* --- Reading them ---------------------------------------------------------------------- */

static size_t wiped_bytes;

static void wipe(void *core, void *ptr, size_t bytes)
{
	(void)core;
	memset(ptr, 0, bytes);
	wiped_bytes += bytes;
}

static const struct tocsin_host host = { .size = sizeof(host), .wipe = wipe };

static void test_good(void **state)
{
	static const struct {
		const char *ca, *cert, *key, *password;
	} cases[] = {
		{ NULL, NULL, NULL, NULL },
		{ paths[CERT], NULL, NULL, NULL },
		{ NULL, paths[CERT], paths[KEY], NULL },
		{ NULL, paths[CERT], paths[KEY], "not needed" },
		{ paths[CERT], paths[CERT], paths[LOCKED], "open" },
	};
	CURL *easy = curl_easy_init();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct identity_files files = { cases[i].ca, cases[i].cert, cases[i].key,
						      cases[i].password };
		struct identity id;
		char err[200] = "";

		if (identity_open(&files, &id, err, sizeof(err)) != TOCSIN_OK)
			fail_msg("row %zu: %s", i, err);
		assert_int_equal(id.ca.data != NULL, files.ca != NULL);
		assert_int_equal(id.cert.data != NULL, files.cert != NULL);
		assert_int_equal(id.key.data != NULL, files.key != NULL);
		/* Also a locked key is kept ready for use. */
		if (id.key.data != NULL)
			assert_memory_equal(id.key.data, "-----BEGIN PRIVATE KEY-----", 27);
		assert_int_equal(identity_set(&id, easy), TOCSIN_OK);
		wiped_bytes = 0;
		const size_t key_bytes = id.key.len;

		identity_finish(&host, &id);
		assert_int_equal(wiped_bytes, key_bytes);
		identity_finish(&host, &id);
	}
	identity_finish(&host, NULL);
	curl_easy_cleanup(easy);
}

static void test_bad(void **state)
{
	static const struct {
		struct identity_files files;
		const char *err;
	} cases[] = {
		{ { NULL, paths[CERT], NULL, NULL }, "client_key is missing" },
		{ { NULL, NULL, paths[KEY], NULL }, "client_cert is missing" },
		{ { NULL, NULL, NULL, "p" }, "key_password is for client_key" },
		{ { paths[JUNK], NULL, NULL, NULL }, "ca_file" },
		{ { "/nowhere/x", NULL, NULL, NULL }, "No such file" },
		{ { folder, NULL, NULL, NULL }, "directory" },
		{ { NULL, paths[JUNK], paths[KEY], NULL }, "no PEM certificate" },
		{ { NULL, paths[CERT], paths[JUNK], NULL }, "no PEM private key" },
		{ { NULL, paths[CERT], paths[CERT], NULL }, "no PEM private key" },
		{ { NULL, paths[CERT], "/nowhere/x", NULL }, "No such file" },
		{ { NULL, paths[CERT], paths[OTHER], NULL }, "does not belong to" },
		{ { NULL, paths[CERT], paths[LOCKED], NULL }, "no key_password" },
		{ { NULL, paths[CERT], paths[LOCKED], "shut" }, "cannot be decrypted" },
		{ { NULL, paths[CERT], paths[LOCKED], "" }, "cannot be decrypted" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct identity id;
		char err[200] = "";

		if (identity_open(&cases[i].files, &id, err, sizeof(err)) != TOCSIN_BAD_CONFIG ||
		    strstr(err, cases[i].err) == NULL)
			fail_msg("row %zu: '%s'", i, err);
		identity_finish(&host, &id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
