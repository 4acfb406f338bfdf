/* access.c - keys to organizations and scopes, kept in memory.
 * A key's text is never kept: keys are found by its SHA-256, which, the text
 * being 190 random bits, needs no slow hash. Not here: which scope an action
 * needs (api/routes.c), how keys are stored (store/).
 * Any thread; management calls come from the control thread or a subcommand.
 * SPDX-License-Identifier: MIT */
#include "domain/access.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/mem.h"
#include "domain/text.h"

enum { PREFIX_CHARACTERS = 8, NAME_MAX_CHARACTERS = 200, SLOTS_MIN = 64 };

struct access {
	struct store *store;
	pthread_rwlock_t lock;              /* over everything below */
	struct organization *organizations; /* owned */
	size_t organization_count;
	struct api_key *keys; /* owned; only ever grows */
	size_t key_count;
	uint32_t *slots;   /* owned; index of a key + 1, 0 = free; by hash */
	size_t slot_count; /* a power of two, at least twice key_count */
};

struct access *access_create(struct store *s)
{
	struct access *a = xcalloc(1, sizeof(*a));

	a->store = s;
	pthread_rwlock_init(&a->lock, NULL);
	return a;
}

static void rows_drop(struct access *a)
{
	for (size_t i = 0; i < a->organization_count; i++)
		organization_finish(&a->organizations[i]);
	free(a->organizations);
	free(a->keys);
	free(a->slots);
	a->organizations = NULL;
	a->keys = NULL;
	a->slots = NULL;
	a->organization_count = a->key_count = a->slot_count = 0;
}

void access_destroy(struct access *a)
{
	if (a == NULL)
		return;
	rows_drop(a);
	pthread_rwlock_destroy(&a->lock);
	free(a);
}

/* --- The table; the caller holds the lock -------------------------------- */

static size_t slot_first(const struct access *a, const unsigned char hash[SHA256_BYTES])
{
	uint64_t n;

	memcpy(&n, hash, sizeof(n));
	return (size_t)n & (a->slot_count - 1);
}

static void slot_take(struct access *a, size_t key)
{
	size_t at = slot_first(a, a->keys[key].hash);

	while (a->slots[at] != 0)
		at = (at + 1) & (a->slot_count - 1);
	a->slots[at] = (uint32_t)key + 1;
}

static void slots_grow(struct access *a)
{
	a->slot_count = a->slot_count == 0 ? SLOTS_MIN : a->slot_count * 2;
	free(a->slots);
	a->slots = xcalloc(a->slot_count, sizeof(*a->slots));
	for (size_t i = 0; i < a->key_count; i++)
		slot_take(a, i);
}

static void key_put(struct access *a, const struct api_key *k)
{
	a->keys = xrealloc(a->keys, (a->key_count + 1) * sizeof(*a->keys));
	a->keys[a->key_count++] = *k;
	if (a->key_count * 2 > a->slot_count)
		slots_grow(a);
	else
		slot_take(a, a->key_count - 1);
}

static struct api_key *key_find(const struct access *a, const unsigned char hash[SHA256_BYTES])
{
	if (a->slot_count == 0)
		return NULL;
	for (size_t at = slot_first(a, hash); a->slots[at] != 0;
	     at = (at + 1) & (a->slot_count - 1)) {
		struct api_key *k = &a->keys[a->slots[at] - 1];

		if (crypto_equal(k->hash, hash, SHA256_BYTES))
			return k;
	}
	return NULL;
}

static struct api_key *key_find_public(const struct access *a, const char *public_id)
{
	for (size_t i = 0; i < a->key_count; i++) {
		if (strcmp(a->keys[i].public_id, public_id) == 0)
			return &a->keys[i];
	}
	return NULL;
}

/* Takes over what o owns. */
static void organization_put(struct access *a, const struct organization *o)
{
	a->organizations = xrealloc(a->organizations,
				    (a->organization_count + 1) * sizeof(*a->organizations));
	a->organizations[a->organization_count++] = *o;
}

static const struct organization *organization_find(const struct access *a, const char *public_id)
{
	for (size_t i = 0; i < a->organization_count; i++) {
		if (strcmp(a->organizations[i].public_id, public_id) == 0)
			return &a->organizations[i];
	}
	return NULL;
}

static const char *organization_public_id(const struct access *a, int64_t id)
{
	for (size_t i = 0; i < a->organization_count; i++) {
		if (a->organizations[i].id == id)
			return a->organizations[i].public_id;
	}
	return "-";
}

/* --- Loading and checking ------------------------------------------------- */

static void organization_row(void *ctx, const struct organization *o)
{
	struct organization copy = *o;

	copy.name = xstrdup(o->name);
	organization_put(ctx, &copy);
}

static void key_row(void *ctx, const struct api_key *k)
{
	key_put(ctx, k);
}

enum err access_load(struct access *a)
{
	pthread_rwlock_wrlock(&a->lock);
	rows_drop(a);
	enum err rc = store_organizations_read(a->store, organization_row, a);

	if (rc == ERR_OK)
		rc = store_keys_read(a->store, key_row, a);
	pthread_rwlock_unlock(&a->lock);
	return rc;
}

static bool key_text_is_formed(struct span text)
{
	return text.len == KEY_TEXT_BYTES - 1 &&
	       (memcmp(text.ptr, "sk_live_", PREFIX_CHARACTERS) == 0 ||
		memcmp(text.ptr, "sk_test_", PREFIX_CHARACTERS) == 0);
}

enum err access_check(struct access *a, struct span key_text, struct caller *out)
{
	unsigned char hash[SHA256_BYTES];

	if (!key_text_is_formed(key_text))
		return ERR_DENIED;
	crypto_sha256(key_text, hash);
	pthread_rwlock_rdlock(&a->lock);
	const struct api_key *k = key_find(a, hash);
	const bool is_valid = k != NULL && k->revoked_at_us == 0;

	if (is_valid) {
		out->organization = k->organization;
		out->key_id = k->id;
		out->scopes = k->scopes;
		out->is_test = k->is_test;
		memcpy(out->key_public_id, k->public_id, sizeof(out->key_public_id));
	}
	pthread_rwlock_unlock(&a->lock);
	return is_valid ? ERR_OK : ERR_DENIED;
}

/* --- Management ------------------------------------------------------------ */

static enum err name_check(const char *name, struct why *why)
{
	const struct span text = span_of(name);

	if (!utf8_check(text) || !text_is_line(text)) {
		why_set(why, "the name must be UTF-8 text without control characters");
		return ERR_BAD_REQUEST;
	}
	if (text.len == 0 || utf8_length(text) > NAME_MAX_CHARACTERS) {
		why_set(why, "the name must have 1 to %d characters", NAME_MAX_CHARACTERS);
		return ERR_BAD_REQUEST;
	}
	return ERR_OK;
}

enum err access_organization_add(struct access *a, const char *name, char out_public_id[15],
				 struct why *why)
{
	struct organization o = { .public_id = "org_", .internal_id = "int_" };
	enum err rc = name_check(name, why);

	if (rc != ERR_OK)
		return rc;
	token_random(o.public_id + 4, sizeof(o.public_id) - 5);
	token_random(o.internal_id + 4, sizeof(o.internal_id) - 5);
	o.name = xstrdup(name);
	rc = store_organization_add(a->store, &o);
	if (rc != ERR_OK) {
		why_set(why, "the organization was not stored: %s", err_text(rc));
		organization_finish(&o);
		return rc;
	}
	memcpy(out_public_id, o.public_id, sizeof(o.public_id));
	pthread_rwlock_wrlock(&a->lock);
	organization_put(a, &o);
	pthread_rwlock_unlock(&a->lock);
	return ERR_OK;
}

static int64_t organization_id(struct access *a, const char *public_id)
{
	pthread_rwlock_rdlock(&a->lock);
	const struct organization *o = organization_find(a, public_id);
	const int64_t id = o == NULL ? 0 : o->id;

	pthread_rwlock_unlock(&a->lock);
	return id;
}

static enum err organization_unknown(const char *public_id, struct why *why)
{
	why_set(why, "there is no organization %.40s; `tocsin org list` shows them", public_id);
	return ERR_NOT_FOUND;
}

enum err access_key_add(struct access *a, const char *organization, unsigned scopes, bool is_test,
			char out_key[KEY_TEXT_BYTES], struct why *why)
{
	struct api_key k = { .public_id = "key_", .scopes = scopes, .is_test = is_test };
	char text[KEY_TEXT_BYTES];

	k.organization = organization_id(a, organization);
	if (k.organization == 0)
		return organization_unknown(organization, why);
	memcpy(text, is_test ? "sk_test_" : "sk_live_", PREFIX_CHARACTERS);
	token_random(text + PREFIX_CHARACTERS, KEY_RANDOM_CHARACTERS);
	token_random(k.public_id + 4, sizeof(k.public_id) - 5);
	crypto_sha256(span_of(text), k.hash);
	k.created_at_us = clock_wall_us();
	const enum err rc = store_key_add(a->store, &k);

	if (rc == ERR_OK) {
		memcpy(out_key, text, sizeof(text));
		pthread_rwlock_wrlock(&a->lock);
		key_put(a, &k);
		pthread_rwlock_unlock(&a->lock);
	} else {
		why_set(why, "the key was not stored: %s", err_text(rc));
	}
	crypto_wipe(text, sizeof(text));
	return rc;
}

/* The key that id names: its public id or its text. The caller holds the lock. */
static struct api_key *key_find_any(const struct access *a, const char *id)
{
	unsigned char hash[SHA256_BYTES];

	if (!key_text_is_formed(span_of(id)))
		return key_find_public(a, id);
	crypto_sha256(span_of(id), hash);
	return key_find(a, hash);
}

enum err access_key_revoke(struct access *a, const char *id, struct why *why)
{
	const int64_t now_us = clock_wall_us();

	pthread_rwlock_rdlock(&a->lock);
	struct api_key *k = key_find_any(a, id);
	const size_t index = k == NULL ? 0 : (size_t)(k - a->keys);
	const int64_t key_id = k == NULL || k->revoked_at_us != 0 ? 0 : k->id;

	pthread_rwlock_unlock(&a->lock);
	if (key_id == 0) {
		why_set(why, "there is no valid key of that name; `tocsin key list` shows them");
		return ERR_NOT_FOUND;
	}
	const enum err rc = store_key_revoke(a->store, key_id, now_us);

	if (rc != ERR_OK && rc != ERR_NOT_FOUND) {
		why_set(why, "the key was not revoked: %s", err_text(rc));
		return rc;
	}
	pthread_rwlock_wrlock(&a->lock);
	a->keys[index].revoked_at_us = now_us; /* keys only ever grow: the index is still right */
	pthread_rwlock_unlock(&a->lock);
	return ERR_OK;
}

void access_organizations_print(struct access *a, struct buf *out)
{
	pthread_rwlock_rdlock(&a->lock);
	for (size_t i = 0; i < a->organization_count; i++) {
		const struct organization *o = &a->organizations[i];
		char created[TIME_TEXT_BYTES];

		time_format(o->created_at_us, created);
		buf_format(out, "%s  %s  %s\n", o->public_id, created, o->name);
	}
	pthread_rwlock_unlock(&a->lock);
}

static void key_print(const struct access *a, const struct api_key *k, struct buf *out)
{
	char created[TIME_TEXT_BYTES], revoked[TIME_TEXT_BYTES] = "active", scopes[32];

	time_format(k->created_at_us, created);
	if (k->revoked_at_us != 0)
		time_format(k->revoked_at_us, revoked);
	scopes_format(k->scopes, scopes);
	buf_format(out, "%s  %s  %s  %s  %s  %s\n", k->public_id,
		   organization_public_id(a, k->organization), scopes, k->is_test ? "test" : "live",
		   created, revoked);
}

enum err access_keys_print(struct access *a, const char *organization, struct buf *out,
			   struct why *why)
{
	enum err rc = ERR_OK;

	pthread_rwlock_rdlock(&a->lock);
	const struct organization *only = organization == NULL ? NULL
							       : organization_find(a, organization);

	if (organization != NULL && only == NULL)
		rc = organization_unknown(organization, why);
	for (size_t i = 0; rc == ERR_OK && i < a->key_count; i++) {
		if (only == NULL || a->keys[i].organization == only->id)
			key_print(a, &a->keys[i], out);
	}
	pthread_rwlock_unlock(&a->lock);
	return rc;
}
