/* table.c - finds what is wrong with a plugin's fields and settings tables.
 * Not here: values (field*.c, conf/settings), the plugin's file (plugin.c).
 * Main thread, at start-up.
 * SPDX-License-Identifier: MIT */
#include "channel/table.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/mem.h"
#include "channel/field.h"
#include "conf/settings.h"

enum { ROWS_MAX = 200, KEY_MAX_BYTES = 64, STRUCT_MAX_BYTES = 1024 * 1024 };

static const struct tocsin_field no_rows[] = { { .key = NULL } };

static const uint32_t rates = TOCSIN_IS_TARGET_RATE | TOCSIN_IS_CHANNEL_RATE;
static const uint32_t flags_known = TOCSIN_REQUIRED | TOCSIN_SECRET | TOCSIN_IS_TARGET |
				    TOCSIN_IS_TIMEOUT | TOCSIN_IS_HEADERS | TOCSIN_IS_TARGET_RATE |
				    TOCSIN_IS_CHANNEL_RATE;

static bool key_is_valid(const char *key)
{
	size_t len = 0;

	for (; key[len] != '\0'; len++) {
		const char c = key[len];
		const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

		if (len >= KEY_MAX_BYTES || (!is_letter && (len == 0 || c < '0' || c > '9')))
			return false;
	}
	return len > 0;
}

static bool key_is_taken(const struct tocsin_field *table, const struct tocsin_field *upto,
			 const char *key)
{
	for (const struct tocsin_field *row = table; row < upto; row++) {
		if (strcmp(row->key, key) == 0 || (row->alias && strcmp(row->alias, key) == 0))
			return true;
	}
	return false;
}

/* The whole table is walked with this bound first: one that does not end would
 * run into whatever the linker put behind it. */
static enum err rows_count(const struct tocsin_field *table, size_t *out, struct why *why)
{
	for (size_t n = 0; n <= ROWS_MAX; n++) {
		if (table[n].key == NULL) {
			*out = n;
			return ERR_OK;
		}
	}
	why_set(why, "has more than %d rows (does it end with a row whose key is NULL?)", ROWS_MAX);
	return ERR_BAD_REQUEST;
}

static const char *name_fault(const struct tocsin_field *table, const struct tocsin_field *row)
{
	if (!key_is_valid(row->key))
		return "its key is not 1 to 64 letters, digits and _, beginning with no digit";
	if (row->alias != NULL && !key_is_valid(row->alias))
		return "its alias is not 1 to 64 letters, digits and _";
	if (key_is_taken(table, row, row->key) ||
	    (row->alias != NULL &&
	     (key_is_taken(table, row, row->alias) || strcmp(row->key, row->alias) == 0)))
		return "its key or alias occurs twice in the table";
	if (row->help == NULL || row->help[0] == '\0')
		return "it has no help";
	return NULL;
}

static const char *shape_fault(const struct tocsin_field *row)
{
	const bool has_text = field_is_text(row->kind) || row->kind == TOCSIN_LIST ||
			      row->kind == TOCSIN_PAIRS;

	if (field_bytes(row->kind) == 0)
		return "its kind is unknown";
	if ((row->flags & ~flags_known) != 0)
		return "it has unknown flags";
	if (row->min > row->max)
		return "its min is above its max";
	if (row->kind == TOCSIN_CHOICE && (row->choices == NULL || row->choices[0] == NULL))
		return "it is a choice without choices";
	if (row->kind == TOCSIN_LIST && row->item != TOCSIN_TEXT && row->item != TOCSIN_URL &&
	    row->item != TOCSIN_EMAIL && row->item != TOCSIN_PHONE)
		return "its items are of no kind that a list may have";
	if ((row->flags & TOCSIN_SECRET) != 0 && !has_text)
		return "only texts, lists and pairs can be secret";
	if ((row->flags & TOCSIN_IS_HEADERS) != 0 && row->kind != TOCSIN_PAIRS)
		return "only pairs can be headers";
	if ((row->flags & TOCSIN_IS_TIMEOUT) != 0 && row->kind != TOCSIN_TIME_MS)
		return "only a time can be the timeout";
	if ((row->flags & rates) != 0 && row->kind != TOCSIN_NUMBER)
		return "only a number can be a rate";
	if (row->kind == TOCSIN_JSON_TEMPLATE && row->item != TOCSIN_OBJECT &&
	    row->item != TOCSIN_LIST)
		return "its item is neither TOCSIN_OBJECT nor TOCSIN_LIST";
	return NULL;
}

/* Rows of different groups may share memory: only one group is ever filled. */
static bool rows_overlap(const struct tocsin_field *a, const struct tocsin_field *b)
{
	if (a->group != NULL && b->group != NULL && strcmp(a->group, b->group) != 0)
		return false;
	return a->offset < b->offset + field_bytes(b->kind) &&
	       b->offset < a->offset + field_bytes(a->kind);
}

static const char *place_fault(const struct tocsin_field *table, const struct tocsin_field *row,
			       size_t bytes)
{
	const size_t size = field_bytes(row->kind);
	const size_t align = size > sizeof(void *) ? sizeof(void *) : size;

	if (size > bytes || row->offset > bytes - size)
		return "its offset lies outside the struct";
	if (row->offset % align != 0)
		return "its offset is not aligned for its kind";
	for (const struct tocsin_field *other = table; other < row; other++) {
		if (rows_overlap(other, row))
			return "its offset overlaps another row's";
	}
	return NULL;
}

static enum err row_refuse(const struct tocsin_field *row, const char *fault, struct why *why)
{
	why_set(why, "row '%.64s': %s", key_is_valid(row->key) ? row->key : "?", fault);
	return ERR_BAD_REQUEST;
}

static enum err rows_check(const struct tocsin_field *table, size_t bytes, struct why *why)
{
	size_t count = 0;
	const enum err rc = rows_count(table, &count, why);

	if (rc != ERR_OK)
		return rc;
	if (bytes > STRUCT_MAX_BYTES) {
		why_set(why, "has a struct of %zu bytes, allowed are %d", bytes, STRUCT_MAX_BYTES);
		return ERR_BAD_REQUEST;
	}
	for (size_t n = 0; n < count; n++) {
		const char *fault = name_fault(table, &table[n]);

		if (fault == NULL)
			fault = shape_fault(&table[n]);
		if (fault == NULL)
			fault = place_fault(table, &table[n], bytes);
		if (fault != NULL)
			return row_refuse(&table[n], fault, why);
	}
	return ERR_OK;
}

/* --- fields ---------------------------------------------------------------- */

/* The row's default must pass the row's own check. */
static bool default_is_valid(const struct tocsin_field *row)
{
	static const struct field_rules rules = { NULL, ROWS_MAX };
	struct json_object *value = field_default(row);
	struct faults faults;
	struct buf out;
	struct json_writer w = { .out = &out };

	if (row->dflt == NULL)
		return true;
	faults_init(&faults);
	buf_init(&out, STRUCT_MAX_BYTES);
	field_check(&(struct field_check){ row, &rules, NULL, &faults }, value, &w);
	const bool ok = value != NULL && !faults_any(&faults);

	buf_finish(&out);
	faults_finish(&faults);
	json_object_put(value);
	return ok;
}

static const char *field_fault(const struct tocsin_field *row)
{
	const uint32_t kind = row->kind == TOCSIN_LIST ? row->item : row->kind;

	if (row->kind == TOCSIN_OPERATOR_URL || row->kind == TOCSIN_FILE ||
	    (row->flags & rates) != 0)
		return "an operator's URL, a file or a rate can only be a setting";
	if ((row->flags & TOCSIN_IS_TARGET) != 0 && kind != TOCSIN_TEXT && kind != TOCSIN_URL &&
	    kind != TOCSIN_EMAIL && kind != TOCSIN_PHONE)
		return "a target must be a text, a URL, an address or a number";
	if (!default_is_valid(row))
		return "its default is no JSON that the row itself accepts";
	return NULL;
}

enum err table_fields_check(const struct tocsin_field *fields, size_t bytes, struct why *why)
{
	size_t targets = 0, timeouts = 0;
	const enum err rc = rows_check(fields, bytes, why);

	if (rc != ERR_OK)
		return rc;
	for (const struct tocsin_field *row = fields; row->key != NULL; row++) {
		const char *fault = field_fault(row);

		if (fault != NULL)
			return row_refuse(row, fault, why);
		targets += (row->flags & TOCSIN_IS_TARGET) != 0;
		timeouts += (row->flags & TOCSIN_IS_TIMEOUT) != 0;
	}
	if (targets == 0 || timeouts > 1) {
		why_set(why, timeouts > 1 ? "has more than one row flagged TOCSIN_IS_TIMEOUT"
					  : "has no row flagged TOCSIN_IS_TARGET");
		return ERR_BAD_REQUEST;
	}
	return ERR_OK;
}

/* --- settings -------------------------------------------------------------- */

static bool setting_default_is_valid(const struct tocsin_field *table,
				     const struct tocsin_field *row, void *scratch)
{
	struct setting_faults faults = { NULL, 0 };

	if (row->dflt == NULL)
		return true;
	settings_override("settings", row->dflt, row, scratch, &faults);
	const bool ok = faults.count == 0;

	setting_faults_finish(&faults);
	settings_finish(table, scratch);
	return ok;
}

static const char *setting_fault(const struct tocsin_field *table, const struct tocsin_field *row,
				 void *scratch)
{
	if ((row->flags & TOCSIN_IS_TARGET) != 0 || row->group != NULL)
		return "targets and groups are for fields";
	if (row->kind == TOCSIN_JSON_TEMPLATE)
		return "JSON templates are for fields";
	/* Whether a file is there says nothing about the table. */
	if (row->kind != TOCSIN_FILE && !setting_default_is_valid(table, row, scratch))
		return "its default is no value that the row itself accepts";
	return NULL;
}

enum err table_settings_check(const struct tocsin_field *settings, size_t bytes, struct why *why)
{
	const struct tocsin_field *table = settings == NULL ? no_rows : settings;
	enum err rc = rows_check(table, bytes, why);

	if (rc != ERR_OK)
		return rc;
	void *scratch = xcalloc(1, bytes + 1);

	for (const struct tocsin_field *row = table; row->key != NULL && rc == ERR_OK; row++) {
		const char *fault = setting_fault(table, row, scratch);

		if (fault != NULL)
			rc = row_refuse(row, fault, why);
		memset(scratch, 0, bytes);
	}
	free(scratch);
	return rc;
}
