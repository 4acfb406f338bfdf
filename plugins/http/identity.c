/* identity.c - private CAs, client certificate and its key: read, checked, kept.
 * Not here: checking the receiver (the core switches that on last).
 * identity_set() on any thread, the rest at start-up and shutdown.
 * SPDX-License-Identifier: MIT */
#include "http/identity.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX_BYTES = 1024 * 1024 };

/* Where faults are told. */
struct report {
	char *err;
	size_t err_bytes;
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct report *r, const char *fmt,
							...)
{
	va_list args;

	ERR_clear_error();
	va_start(args, fmt);
	vsnprintf(r->err, r->err_bytes, fmt, args);
	va_end(args);
	return TOCSIN_BAD_CONFIG;
}

/* --- Files ---------------------------------------------------------------------- */

static void blob_set(struct curl_blob *blob, char *text, size_t len)
{
	blob->data = text;
	blob->len = len;
	blob->flags = CURL_BLOB_NOCOPY;
}

static int file_read(FILE *file, const char *path, struct curl_blob *out, const struct report *r)
{
	blob_set(out, malloc(FILE_MAX_BYTES), 0);
	if (out->data == NULL) {
		refuse(r, "out of memory");
		return TOCSIN_TRY_LATER;
	}
	out->len = fread(out->data, 1, FILE_MAX_BYTES, file);
	if (ferror(file))
		return refuse(r, "%s: %s", path, strerror(errno));
	if (out->len == FILE_MAX_BYTES)
		return refuse(r, "%s is larger than 1 MiB", path);
	void *fitting = realloc(out->data, out->len + 1);

	if (fitting != NULL)
		out->data = fitting;
	return TOCSIN_OK;
}

static int file_load(const char *path, struct curl_blob *out, const struct report *r)
{
	FILE *file = fopen(path, "re");

	if (file == NULL)
		return refuse(r, "%s: %s", path, strerror(errno));
	const int rc = file_read(file, path, out, r);

	fclose(file);
	return rc;
}

static BIO *blob_open(const struct curl_blob *blob)
{
	return BIO_new_mem_buf(blob->data, (int)blob->len);
}

/* --- What they must hold -------------------------------------------------------- */

static X509 *certificate_read(const struct curl_blob *blob)
{
	BIO *bio = blob_open(blob);
	X509 *cert = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	return cert;
}

static int certificates_load(const char *key, const char *path, struct curl_blob *out,
			     const struct report *r)
{
	const int rc = file_load(path, out, r);

	if (rc != TOCSIN_OK)
		return rc;
	X509 *cert = certificate_read(out);

	if (cert == NULL)
		return refuse(r, "%s: %s holds no PEM certificate", key, path);
	X509_free(cert);
	return TOCSIN_OK;
}

struct password {
	const char *text;
	int was_asked;
};

/* OpenSSL would ask at the terminal. */
static int password_give(char *out, int room, int is_for_writing, void *ctx)
{
	struct password *p = ctx;
	const size_t len = p->text == NULL ? 0 : strlen(p->text);

	(void)is_for_writing;
	p->was_asked = 1;
	if (len == 0 || len > (size_t)room)
		return -1;
	memcpy(out, p->text, len);
	return (int)len;
}

/* Kept in the clear, as every connection needs it: no file, and no work again. */
static int key_keep(EVP_PKEY *key, struct curl_blob *out)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *text = NULL;
	int rc = TOCSIN_TRY_LATER;

	if (bio != NULL && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
		const long len = BIO_get_mem_data(bio, &text);
		char *copy = malloc((size_t)len);

		if (copy != NULL) {
			memcpy(copy, text, (size_t)len);
			blob_set(out, copy, (size_t)len);
			rc = TOCSIN_OK;
		}
	}
	BIO_free(bio);
	return rc;
}

static int key_refuse(const struct identity_files *files, const struct password *p,
		      const struct report *r)
{
	if (!p->was_asked)
		return refuse(r, "client_key: %s holds no PEM private key", files->key);
	if (p->text == NULL)
		return refuse(r, "client_key: %s is encrypted, and there is no key_password",
			      files->key);
	return refuse(r, "client_key: %s cannot be decrypted with key_password", files->key);
}

/* The key in raw, which must be the certificate's. */
static int key_read(const struct identity_files *files, const struct curl_blob *raw,
		    struct identity *id, const struct report *r)
{
	struct password p = { files->password, 0 };
	BIO *bio = blob_open(raw);
	EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, password_give, &p);
	X509 *cert = certificate_read(&id->cert);
	int rc = TOCSIN_OK;

	if (key == NULL)
		rc = key_refuse(files, &p, r);
	else if (X509_check_private_key(cert, key) != 1)
		rc = refuse(r, "client_key %s does not belong to client_cert %s", files->key,
			    files->cert);
	else if (key_keep(key, &id->key) != TOCSIN_OK)
		rc = refuse(r, "out of memory");
	X509_free(cert);
	EVP_PKEY_free(key);
	BIO_free(bio);
	return rc;
}

static int pair_load(const struct identity_files *files, struct identity *id,
		     const struct report *r)
{
	struct curl_blob raw = { NULL, 0, 0 };
	int rc = certificates_load("client_cert", files->cert, &id->cert, r);

	if (rc == TOCSIN_OK)
		rc = file_load(files->key, &raw, r);
	if (rc == TOCSIN_OK)
		rc = key_read(files, &raw, id, r);
	if (raw.data != NULL)
		OPENSSL_cleanse(raw.data, raw.len);
	free(raw.data);
	return rc;
}

int identity_open(const struct identity_files *files, struct identity *out, char *err,
		  size_t err_bytes)
{
	const struct report r = { err, err_bytes };
	int rc = TOCSIN_OK;

	*out = (struct identity){ .ca = { NULL, 0, 0 } };
	if ((files->cert == NULL) != (files->key == NULL))
		return refuse(&r, "client_cert and client_key go together: %s is missing",
			      files->cert == NULL ? "client_cert" : "client_key");
	if (files->password != NULL && files->key == NULL)
		return refuse(&r, "key_password is for client_key, which is missing");
	if (files->ca != NULL)
		rc = certificates_load("ca_file", files->ca, &out->ca, &r);
	if (rc == TOCSIN_OK && files->cert != NULL)
		rc = pair_load(files, out, &r);
	return rc;
}

int identity_set(const struct identity *id, CURL *easy)
{
	CURLcode code = CURLE_OK;

	if (id->ca.data != NULL)
		code = curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &id->ca);
	if (code == CURLE_OK && id->cert.data != NULL)
		code = curl_easy_setopt(easy, CURLOPT_SSLCERT_BLOB, &id->cert);
	if (code == CURLE_OK && id->key.data != NULL)
		code = curl_easy_setopt(easy, CURLOPT_SSLKEY_BLOB, &id->key);
	return code == CURLE_OK ? TOCSIN_OK : TOCSIN_TRY_LATER;
}

void identity_finish(const struct tocsin_host *host, struct identity *id)
{
	if (id == NULL)
		return;
	if (id->key.data != NULL)
		host->wipe(host->core, id->key.data, id->key.len);
	free(id->ca.data);
	free(id->cert.data);
	free(id->key.data);
	*id = (struct identity){ .ca = { NULL, 0, 0 } };
}
