/* plugin.c - finds, checks and opens one plugin file.
 * Not here: its settings and open() (channels.c), the table rules (table.c).
 * Main thread, at start-up.
 * SPDX-License-Identifier: MIT */
#include "channel/plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "channel/elf.h"
#include "channel/table.h"

/* Up to and with close(): what the first version of this ABI had. */
#define SIZE_MIN (offsetof(struct tocsin_channel, close) + sizeof(void (*)(void *)))

enum { IMAGE_MAX_BYTES = 256 * 1024 * 1024 };

static const char CURL_PREFIX[] = "libcurl";
static const char CURL_OURS[] = "libcurl.so.4";
static const char CURL_SYMBOL[] = "curl_easy_setopt";

/* --- the file -------------------------------------------------------------- */

static enum err path_find(const char *folder, const char *name, char **out, struct why *why)
{
	char *path = NULL;

	if (name[0] != '/' && strchr(name, '/') != NULL) {
		why_set(why,
			"plugin %s: give a file name, which is looked for in %s, or a whole path",
			name, folder);
		return ERR_BAD_REQUEST;
	}
	path = name[0] == '/' ? xstrdup(name) : xformat("%s/%s", folder, name);
	*out = realpath(path, NULL);
	if (*out == NULL)
		why_set(why, "plugin %s: %s%s", path, strerror(errno),
			errno == ENOENT ? " (is it installed, and is its name spelled right?)"
					: "");
	free(path);
	return *out == NULL ? ERR_NOT_FOUND : ERR_OK;
}

/* May nobody but root and us change what st describes? A sticky bit is no
 * help: it keeps others' files, it does not keep others out. */
static bool owner_is_trusted(const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == geteuid()) &&
	       (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static enum err owner_refuse(const char *what, const char *path, const struct stat *st,
			     struct why *why)
{
	why_set(why,
		"plugin %s: %s may be changed by others (owner %lu, mode %04o); it must belong "
		"to root or to user %lu and be writable by nobody else",
		path, what, (unsigned long)st->st_uid, (unsigned)(st->st_mode & 07777),
		(unsigned long)geteuid());
	return ERR_DENIED;
}

static enum err folder_check(const char *path, struct why *why)
{
	char *folder = xstrdup(path);
	char *slash = strrchr(folder, '/');
	struct stat st;
	enum err rc = ERR_OK;

	/* A real path has a slash; in the root folder it is its name. */
	slash[slash == folder ? 1 : 0] = '\0';
	if (stat(folder, &st) != 0) {
		why_set(why, "plugin %s: its folder: %s", path, strerror(errno));
		rc = ERR_NOT_FOUND;
	} else if (!owner_is_trusted(&st)) {
		rc = owner_refuse("its folder", path, &st, why);
	}
	free(folder);
	return rc;
}

/* Open the file and check the open one: what is checked is what is loaded. */
static enum err file_open(const char *path, int *out_fd, struct stat *st, struct why *why)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	enum err rc = ERR_OK;

	if (fd < 0 || fstat(fd, st) != 0) {
		why_set(why, "plugin %s: %s", path, strerror(errno));
		rc = errno == EACCES || errno == EPERM ? ERR_DENIED : ERR_NOT_FOUND;
	} else if (!S_ISREG(st->st_mode)) {
		why_set(why, "plugin %s: is no regular file", path);
		rc = ERR_BAD_REQUEST;
	} else if (!owner_is_trusted(st)) {
		rc = owner_refuse("the file", path, st, why);
	} else if (st->st_size <= 0 || st->st_size > IMAGE_MAX_BYTES) {
		why_set(why, "plugin %s: is %lld bytes long, which is no plugin's size", path,
			(long long)st->st_size);
		rc = ERR_BAD_REQUEST;
	}
	if (rc == ERR_OK)
		*out_fd = fd;
	else if (fd >= 0)
		close(fd);
	return rc;
}

/* --- before any of its code runs ------------------------------------------- */

static enum err curl_check(const struct elf *e, const char *path, struct why *why)
{
	struct elf_symbol symbol;
	struct span name;
	size_t at = 0;

	while (elf_needed_next(e, &at, &name)) {
		const bool is_curl = name.len >= sizeof(CURL_PREFIX) - 1 &&
				     memcmp(name.ptr, CURL_PREFIX, sizeof(CURL_PREFIX) - 1) == 0;

		if (is_curl && !span_is(name, CURL_OURS)) {
			why_set(why,
				"plugin %s: is bound to another libcurl (%.*s) than this program "
				"(%s); link it with -lcurl of the OpenSSL flavour",
				path, (int)(name.len > 80 ? 80 : name.len), name.ptr, CURL_OURS);
			return ERR_BAD_REQUEST;
		}
	}
	if (elf_symbol_find(e, CURL_SYMBOL, &symbol)) {
		why_set(why, "plugin %s: carries a libcurl of its own; link the shared %s instead",
			path, CURL_OURS);
		return ERR_BAD_REQUEST;
	}
	return ERR_OK;
}

/* The two numbers that say whether the rest can be read at all. Nothing else
 * of a struct with other numbers is looked at. */
static enum err version_check(const char *path, uint32_t abi, uint32_t size, uint64_t exported,
			      struct why *why)
{
	if (abi != TOCSIN_CHANNEL_ABI) {
		why_set(why,
			"plugin %s: is built for ABI %u, this program has ABI %u; build it with "
			"the installed tocsin/channel.h",
			path, (unsigned)abi, TOCSIN_CHANNEL_ABI);
		return ERR_BAD_REQUEST;
	}
	if (size < SIZE_MIN || size > exported) {
		why_set(why,
			"plugin %s: says that its struct tocsin_channel has %u bytes; at least %zu "
			"are needed and %llu are exported",
			path, (unsigned)size, SIZE_MIN, (unsigned long long)exported);
		return ERR_BAD_REQUEST;
	}
	return ERR_OK;
}

static enum err symbol_check(const struct elf *e, const char *path, struct why *why)
{
	struct elf_symbol symbol;
	uint32_t version[2] = { 0, 0 }; /* abi, size */

	if (!elf_symbol_find(e, TOCSIN_CHANNEL_SYMBOL, &symbol) || !symbol.is_data) {
		why_set(why,
			"plugin %s: exports no %s (see TOCSIN_CHANNEL_DEFINE in tocsin/channel.h)",
			path, TOCSIN_CHANNEL_SYMBOL);
		return ERR_BAD_REQUEST;
	}
	/* The file has no bytes for a struct that is all zero: ABI 0. */
	if (symbol.bytes.ptr != NULL && symbol.bytes.len >= sizeof(version))
		memcpy(version, symbol.bytes.ptr, sizeof(version));
	return version_check(path, version[0], version[1], symbol.size, why);
}

static enum err image_check(int fd, size_t bytes, const char *path, struct why *why)
{
	struct why detail = { "" };
	struct elf e;
	void *image = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);

	if (image == MAP_FAILED) {
		why_set(why, "plugin %s: cannot be read: %s", path, strerror(errno));
		return ERR_IO;
	}
	enum err rc = elf_open((struct span){ image, bytes }, &e, &detail);

	if (rc != ERR_OK)
		why_set(why, "plugin %s: %s", path, detail.text);
	if (rc == ERR_OK)
		rc = curl_check(&e, path, why);
	if (rc == ERR_OK)
		rc = symbol_check(&e, path, why);
	munmap(image, bytes);
	return rc;
}

/* --- loading --------------------------------------------------------------- */

/* The descriptor goes to the dynamic linker and stays open with the object:
 * glibc knows the object by this path, and would take another file that is
 * given the same number later for this one. */
static enum err object_load(int fd, const char *path, void **out_handle, struct why *why)
{
	char name[32];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	*out_handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (*out_handle != NULL)
		return ERR_OK;
	why_set(why, "plugin %s: cannot be loaded: %s", path, dlerror());
	close(fd);
	return ERR_BAD_REQUEST;
}

/* Its handles would be ours in name only: every option lands in another
 * library's memory. */
static enum err curl_bound_check(void *handle, const char *path, struct why *why)
{
	const void *theirs = dlsym(handle, CURL_SYMBOL);
	const void *ours = dlsym(RTLD_DEFAULT, CURL_SYMBOL);

	if (theirs == NULL || ours == NULL || theirs == ours)
		return ERR_OK;
	why_set(why, "plugin %s: is bound to another libcurl than this program", path);
	return ERR_BAD_REQUEST;
}

static enum err vtable_copy(void *handle, const char *path, struct tocsin_channel *out,
			    struct why *why)
{
	const struct tocsin_channel *theirs = dlsym(handle, TOCSIN_CHANNEL_SYMBOL);

	if (theirs == NULL) {
		why_set(why, "plugin %s: exports no %s", path, TOCSIN_CHANNEL_SYMBOL);
		return ERR_BAD_REQUEST;
	}
	/* Again, now in memory: a constructor may have written there. The size
	 * exported was checked in the file. */
	const enum err rc = version_check(path, theirs->abi, theirs->size, theirs->size, why);

	if (rc != ERR_OK)
		return rc;
	*out = (struct tocsin_channel){ 0 };
	memcpy(out, theirs, theirs->size < sizeof(*out) ? theirs->size : sizeof(*out));
	return ERR_OK;
}

static enum err object_check(void *handle, const char *path, struct tocsin_channel *out,
			     struct why *why)
{
	struct why detail = { "" };
	enum err rc = curl_bound_check(handle, path, why);

	if (rc == ERR_OK)
		rc = vtable_copy(handle, path, out, why);
	if (rc != ERR_OK)
		return rc;
	rc = plugin_check(out, &detail);
	if (rc != ERR_OK)
		why_set(why, "plugin %s: %s", path, detail.text);
	return rc;
}

enum err plugin_open(const char *folder, const char *name, struct plugin *out, struct why *why)
{
	struct stat st;
	int fd = -1;
	enum err rc;

	*out = (struct plugin){ 0 };
	rc = path_find(folder, name, &out->path, why);
	if (rc == ERR_OK)
		rc = folder_check(out->path, why);
	if (rc == ERR_OK)
		rc = file_open(out->path, &fd, &st, why);
	if (rc != ERR_OK)
		goto out;
	rc = image_check(fd, (size_t)st.st_size, out->path, why);
	if (rc != ERR_OK) {
		close(fd);
		goto out;
	}
	rc = object_load(fd, out->path, &out->handle, why);
	if (rc == ERR_OK)
		rc = object_check(out->handle, out->path, &out->vtable, why);
out:
	if (rc != ERR_OK)
		plugin_finish(out);
	return rc;
}

void plugin_finish(struct plugin *p)
{
	if (p == NULL)
		return;
	free(p->path);
	*p = (struct plugin){ 0 };
}

/* --- the struct ------------------------------------------------------------ */

/* A scheme that libcurl can drive over the network. */
static bool scheme_is_known(struct span scheme)
{
	const char *const *names = curl_version_info(CURLVERSION_NOW)->protocols;

	for (; *names != NULL; names++) {
		if (span_is(scheme, *names))
			return !span_is(scheme, "file");
	}
	return false;
}

static bool schemes_are_known(const char *schemes)
{
	const char *at = schemes;

	while (at != NULL) {
		const char *comma = strchr(at, ',');
		const size_t len = comma == NULL ? strlen(at) : (size_t)(comma - at);

		if (!scheme_is_known((struct span){ at, len }))
			return false;
		at = comma == NULL ? NULL : comma + 1;
	}
	return schemes != NULL;
}

static const char *channel_fault(const struct tocsin_channel *c)
{
	if (c->abi != TOCSIN_CHANNEL_ABI || c->size < SIZE_MIN)
		return "has another ABI or a struct that is too short";
	if (c->name == NULL || c->name[0] == '\0')
		return "has no name";
	if (c->fields == NULL)
		return "has no fields table";
	if (c->lane > TOCSIN_SLOW_LANE)
		return "names a lane that is not known";
	if (c->deliver != NULL)
		return c->prepare != NULL || c->classify != NULL || c->release != NULL
			       ? "has deliver() and also prepare(), classify() or release()"
			       : NULL;
	if (c->prepare == NULL)
		return "has no prepare()";
	if (c->classify == NULL)
		return "has no classify()";
	if (c->release == NULL)
		return "has no release()";
	if (!schemes_are_known(c->schemes))
		return "has schemes that are no list like \"http,https\" of libcurl's";
	return NULL;
}

enum err plugin_check(const struct tocsin_channel *c, struct why *why)
{
	const char *fault = channel_fault(c);
	struct why detail = { "" };

	if (fault != NULL) {
		why_set(why, "%s", fault);
		return ERR_BAD_REQUEST;
	}
	if (table_fields_check(c->fields, c->configs_bytes, &detail) != ERR_OK) {
		why_set(why, "fields table: %s", detail.text);
		return ERR_BAD_REQUEST;
	}
	if (table_settings_check(c->settings, c->settings_bytes, &detail) != ERR_OK) {
		why_set(why, "settings table: %s", detail.text);
		return ERR_BAD_REQUEST;
	}
	return ERR_OK;
}
