/* admin.c - what administrators ask of a store, and `tocsin org`, `key` and `audit`:
 * through the running server when there is one, else on the store itself.
 * Not here: the rules for keys (domain/access.c).
 * admin_answer() runs on the server's control thread or on a subcommand's main.
 * SPDX-License-Identifier: MIT */
#include "main/admin.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/pubid.h"
#include "main/command.h"
#include "main/control.h"

enum { USAGE = 2, BACKUP_WAIT_MS = 500 };

/* --- On an open store ----------------------------------------------------- */

static int failed(struct buf *out, const char *what, enum err rc, const struct why *why)
{
	buf_format(out, "%s: %s\n", what, why->text[0] != '\0' ? why->text : err_text(rc));
	return EXIT_FAILURE;
}

static int organization_add(struct admin *a, char **words, struct buf *out)
{
	struct why why = { "" };
	char id[15];
	enum err rc = access_organization_add(a->access, words[2], id, &why);
	if (rc != ERR_OK)
		return failed(out, "org add", rc, &why);
	buf_format(out, "%s\n", id);
	return EXIT_SUCCESS;
}

static int organization_list(struct admin *a, char **words, struct buf *out)
{
	(void)words;
	access_organizations_print(a->access, out);
	return EXIT_SUCCESS;
}

static int key_add(struct admin *a, char **words, struct buf *out)
{
	const unsigned scopes = scopes_parse(words[3]);
	if (scopes == 0) {
		buf_format(out,
			   "key add: --scopes takes publish, read, manage, joined by commas\n");
		return USAGE;
	}
	struct why why = { "" };
	char key[KEY_TEXT_BYTES];
	enum err rc = access_key_add(a->access, words[2], scopes, strcmp(words[4], "test") == 0,
				     key, &why);
	if (rc != ERR_OK)
		return failed(out, "key add", rc, &why);
	buf_format(out, "%s\n", key);
	explicit_bzero(key, sizeof(key));
	return EXIT_SUCCESS;
}

static int key_list(struct admin *a, char **words, struct buf *out)
{
	struct why why = { "" };
	enum err rc = access_keys_print(a->access, words[2], out, &why);
	return rc == ERR_OK ? EXIT_SUCCESS : failed(out, "key list", rc, &why);
}

static int key_revoke(struct admin *a, char **words, struct buf *out)
{
	struct why why = { "" };
	enum err rc = access_key_revoke(a->access, words[2], &why);
	if (rc != ERR_OK)
		return failed(out, "key revoke", rc, &why);
	buf_text(out, "revoked\n");
	return EXIT_SUCCESS;
}

/* Faults beyond these are only counted. */
enum { AUDIT_LINES_MAX = 1000 };

struct audit_report {
	struct buf *out;
	struct pubid *ids;
	size_t faults;
};

static void fault_print(void *ctx, const struct audit_fault *f)
{
	static const char *const names[] = {
		[AUDIT_ORGANIZATION] = "organization",
		[AUDIT_WEBHOOK] = "webhook",
		[AUDIT_CHANNEL] = "channel",
		[AUDIT_TARGET] = "target",
		[AUDIT_EVENT] = "event",
		[AUDIT_DELIVERY] = "delivery",
		[AUDIT_OTHER] = "row",
	};
	struct audit_report *r = ctx;
	char text[PUBID_TEXT_BYTES] = "";
	if (r->faults++ >= AUDIT_LINES_MAX)
		return;
	if (f->id > 0 && (f->kind == AUDIT_EVENT || f->kind == AUDIT_DELIVERY))
		pubid_format(r->ids, f->kind == AUDIT_EVENT ? PUBID_EVENT : PUBID_DELIVERY, f->id,
			     text);
	buf_format(r->out, "%s %lld%s%s: %s\n", names[f->kind], (long long)f->id,
		   text[0] != '\0' ? " " : "", text, f->what);
}

static int audit(struct admin *a, char **words, struct buf *out)
{
	(void)words;
	struct audit_report r = { .out = out, .ids = pubid_create(store_id_key(a->store)) };
	enum err rc = store_audit(a->store, fault_print, &r);
	pubid_destroy(r.ids);
	if (r.faults > 0)
		buf_format(out, "audit: %zu faults\n", r.faults);
	else if (rc != ERR_OK)
		buf_format(out, "audit: %s\n", err_text(rc));
	else
		buf_text(out, "ok\n");
	return rc == ERR_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* --- Backup: begun, then waited for in bits, so that other requests get their turn -- */

static int backup_begin(struct admin *a, char **words, struct buf *out)
{
	const enum store_file target = strcmp(words[3], "replace") == 0 ? STORE_FILE_REPLACE
									: STORE_FILE_NEW;
	struct why why = { "" };
	enum err rc = store_backup_begin(a->store, words[2], target, &why);
	return rc == ERR_OK ? EXIT_SUCCESS : failed(out, "backup", rc, &why);
}

static int backup_wait(struct admin *a, char **words, struct buf *out)
{
	struct store_backup_progress p;
	struct why why = { "" };
	enum err rc = store_backup_wait(a->store, BACKUP_WAIT_MS, &p, &why);
	(void)words;
	if (rc == ERR_BUSY) {
		buf_format(out, "%lld of %lld pages\n", (long long)(p.pages - p.pages_left),
			   (long long)p.pages);
		return CONTROL_MORE;
	}
	return rc == ERR_OK ? EXIT_SUCCESS : failed(out, "backup", rc, &why);
}

/* The words of a request; words[] has room for CONTROL_WORDS_MAX and a NULL. */
static const struct request {
	const char *noun, *verb; /* verb NULL: none */
	int words_min, words_max;
	int (*run)(struct admin *a, char **words, struct buf *out);
} requests[] = {
	{ "org", "add", 3, 3, organization_add },  { "org", "list", 2, 2, organization_list },
	{ "key", "add", 5, 5, key_add },           { "key", "list", 2, 3, key_list },
	{ "key", "revoke", 3, 3, key_revoke },     { "audit", NULL, 1, 1, audit },
	{ "backup", "begin", 4, 4, backup_begin }, { "backup", "wait", 2, 2, backup_wait },
};

int admin_answer(void *ctx, char **words, int word_count, struct buf *out)
{
	char *all[CONTROL_WORDS_MAX + 1] = { NULL };
	for (int i = 0; i < word_count && i < CONTROL_WORDS_MAX; i++)
		all[i] = words[i];
	for (size_t i = 0; i < COUNT_OF(requests); i++) {
		const struct request *r = &requests[i];
		if (word_count < 1 || strcmp(words[0], r->noun) != 0)
			continue;
		if (r->verb != NULL && (word_count < 2 || strcmp(words[1], r->verb) != 0))
			continue;
		if (word_count < r->words_min || word_count > r->words_max)
			continue;
		return r->run(ctx, all, out);
	}
	buf_text(out, "no such request (tocsin help)\n");
	return USAGE;
}

/* --- The subcommand -------------------------------------------------------- */

bool admin_owner_become(const char *store_path)
{
	if (geteuid() != 0)
		return true;
	struct stat st;
	char *folder = xstrdup(store_path);
	char *slash = strrchr(folder, '/');
	if (slash != NULL)
		slash[slash == folder ? 1 : 0] = '\0';
	const bool known = stat(store_path, &st) == 0 ||
			   stat(slash != NULL ? folder : ".", &st) == 0;
	free(folder);
	if (!known || (st.st_uid == 0 && st.st_gid == 0))
		return true; /* store_open() says what is wrong with the path */
	if (setgroups(0, NULL) == 0 && setegid(st.st_gid) == 0 && seteuid(st.st_uid) == 0)
		return true;
	command_complain("cannot become the owner of %s: %s", store_path, strerror(errno));
	return false;
}

enum err admin_open(const struct conf *conf, struct admin *out, struct why *why)
{
	*out = (struct admin){ .store = NULL };
	umask(0027);
	if (!admin_owner_become(conf->store.path))
		return ERR_DENIED;
	const struct store_options options = { .path = conf->store.path,
					       .cache_bytes = conf->store.cache_bytes,
					       .busy_timeout_ms = conf->store.busy_timeout_ms,
					       .readers = 1,
					       .node = (unsigned)conf->store.node };
	enum err rc = store_open(&options, &out->store, why);
	if (rc != ERR_OK)
		return rc;
	out->access = access_create(out->store);
	return access_load(out->access);
}

void admin_close(struct admin *a)
{
	access_destroy(a->access);
	store_close(a->store);
}

static int store_answer(const struct conf *conf, char **words, int word_count, struct buf *out)
{
	struct why why = { "" };
	struct admin a;
	int code = EXIT_FAILURE;
	enum err rc = admin_open(conf, &a, &why);
	if (rc == ERR_OK)
		code = admin_answer(&a, words, word_count, out);
	else
		failed(out, conf->store.path, rc, &why);
	admin_close(&a);
	return code;
}

/* The request's words from the command line; 0 after a line on stderr. */
static int words_build(const char *noun, const struct options *options, char **words)
{
	static char live[] = "live", test[] = "test";
	int count = 0;
	if (options->word_count > CONTROL_WORDS_MAX - 3) {
		command_complain("too many arguments (tocsin help)");
		return 0;
	}
	words[count++] = (char *)(size_t)noun;
	for (int i = 0; i < options->word_count; i++)
		words[count++] = options->words[i];
	const bool is_key_add = count >= 2 && strcmp(noun, "key") == 0 &&
				strcmp(words[1], "add") == 0;
	if (!is_key_add)
		return count;
	if (count != 3 || options->scopes == NULL) {
		command_complain("write: tocsin key add ORG --scopes publish,read,manage [--test]");
		return 0;
	}
	words[count++] = (char *)(size_t)options->scopes;
	words[count++] = options->is_test ? test : live;
	return count;
}

int admin_run(int argc, char **argv)
{
	struct options options;
	char *words[CONTROL_WORDS_MAX];
	if (!options_parse(argc, argv, &options))
		return USAGE;
	int word_count = words_build(argv[0], &options, words);
	if (word_count == 0)
		return USAGE;
	struct conf conf = { 0 };
	struct buf out;
	struct why why = { "" };
	int code = EXIT_FAILURE;
	buf_init(&out, CONTROL_REPLY_MAX_BYTES);
	if (command_conf_load(&options, &conf)) {
		enum err rc = control_ask(conf.store.path, words, word_count, &code, &out, &why);
		if (rc == ERR_NOT_FOUND)
			code = store_answer(&conf, words, word_count, &out);
		else if (rc != ERR_OK)
			failed(&out, "tocsin", rc, &why);
	}
	if (out.len > 0)
		fputs(out.ptr, code == EXIT_SUCCESS ? stdout : stderr);
	buf_finish(&out);
	conf_finish(&conf);
	return code;
}
