/* settings_reader.c - the settings table machine: a group read, printed, overridden by its table.
 * Not here: what one value may be (value.c); which tables there are (conf.c, plugins).
 * Thread: main, at start-up.
 * SPDX-License-Identifier: MIT */
#include "conf/settings.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/source.h"
#include "conf/value.h"

enum {
	FAULTS_KEPT_MAX = 200, /* a file that is no configuration at all has one a line */
	FAULT_MAX_BYTES = 6000,
	KEY_MAX_BYTES = 64, /* longer unknown keys resemble nothing */
	TYPO_DISTANCE_MAX = 2,
};

/* One group being read. */
struct reading {
	const config_setting_t *group; /* NULL: absent */
	const char *path;
	const struct tocsin_field *table;
	const char *const *also;
	void *values;
	struct setting_faults *faults;
	bool *given; /* by row: was its key there? */
};

/* --- Faults ------------------------------------------------------------- */

void setting_faults_add(struct setting_faults *f, const char *fmt, ...)
{
	char text[FAULT_MAX_BYTES];
	va_list args;

	if (f->count > FAULTS_KEPT_MAX)
		return;
	f->lines = xrealloc(f->lines, (f->count + 1) * sizeof(*f->lines));
	if (f->count == FAULTS_KEPT_MAX) {
		f->lines[f->count++] = xstrdup("further faults are not shown");
		return;
	}
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	f->lines[f->count++] = xstrdup(text);
}

void setting_faults_finish(struct setting_faults *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->count; i++)
		free(f->lines[i]);
	free(f->lines);
	*f = (struct setting_faults){ 0 };
}

/* --- Reading ------------------------------------------------------------ */

/* The key as people write it: with its group's name, unless that is empty. */
static char *key_format(const char *path, const char *key)
{
	return path[0] == '\0' ? xstrdup(key) : xformat("%s.%s", path, key);
}

static size_t rows_count(const struct tocsin_field *table)
{
	size_t count = 0;

	while (table[count].key != NULL)
		count++;
	return count;
}

static const struct tocsin_field *row_find(const struct tocsin_field *table, const char *key)
{
	for (const struct tocsin_field *row = table; row->key != NULL; row++) {
		if (strcmp(row->key, key) == 0 ||
		    (row->alias != NULL && strcmp(row->alias, key) == 0))
			return row;
	}
	return NULL;
}

static bool names_have(const char *const *names, const char *key)
{
	for (; names != NULL && *names != NULL; names++) {
		if (strcmp(*names, key) == 0)
			return true;
	}
	return false;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many keystrokes lie between two keys: one letter more, less or other, or
 * two neighbours swapped (optimal string alignment). */
static unsigned distance(const char *a, const char *b)
{
	unsigned rows[3][KEY_MAX_BYTES + 1];
	unsigned *before = rows[0], *last = rows[1], *now = rows[2];
	const size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len > KEY_MAX_BYTES || b_len > KEY_MAX_BYTES)
		return TYPO_DISTANCE_MAX + 1;
	for (size_t j = 0; j <= b_len; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned *spare = before;

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= b_len; j++) {
			now[j] = least(least(last[j], now[j - 1]) + 1,
				       last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[b_len];
}

/* The known key that was most likely meant; NULL when none is near. */
static const char *nearest_find(const struct reading *r, const char *key)
{
	const char *nearest = NULL;
	unsigned best = TYPO_DISTANCE_MAX + 1;

	for (const struct tocsin_field *row = r->table; row->key != NULL; row++) {
		const unsigned d = distance(key, row->key);

		if (d < best) {
			best = d;
			nearest = row->key;
		}
	}
	for (const char *const *name = r->also; name != NULL && *name != NULL; name++) {
		const unsigned d = distance(key, *name);

		if (d < best) {
			best = d;
			nearest = *name;
		}
	}
	return nearest;
}

static void known_describe(const struct reading *r, struct buf *out)
{
	const char *comma = "";

	for (const struct tocsin_field *row = r->table; row->key != NULL; row++) {
		buf_format(out, "%s%s", comma, row->key);
		comma = ", ";
	}
	for (const char *const *name = r->also; name != NULL && *name != NULL; name++) {
		buf_format(out, "%s%s", comma, *name);
		comma = ", ";
	}
}

static struct value_place place_of(const struct reading *r, const config_setting_t *s,
				   const char *key)
{
	return (struct value_place){
		.file = s == NULL ? NULL : config_setting_source_file(s),
		.line = s == NULL ? 0 : config_setting_source_line(s),
		.key = key,
		.folder = source_folder(r->group),
		.index = -1,
		.faults = r->faults,
	};
}

static void unknown_refuse(const struct reading *r, const struct value_place *at, const char *key)
{
	const char *nearest = nearest_find(r, key);
	struct buf known;

	if (nearest != NULL) {
		char *meant = key_format(r->path, nearest);

		value_fault_add(at, "is not known; did you mean %s?", meant);
		free(meant);
		return;
	}
	buf_init(&known, FAULT_MAX_BYTES);
	known_describe(r, &known);
	value_fault_add(at, "is not known; allowed are %s", known.ptr == NULL ? "none" : known.ptr);
	buf_finish(&known);
}

static void member_read(struct reading *r, const config_setting_t *s)
{
	const char *key = config_setting_name(s);
	const struct tocsin_field *row = row_find(r->table, key);

	if (row == NULL && names_have(r->also, key))
		return;

	char *whole = key_format(r->path, key);
	const struct value_place at = place_of(r, s, whole);

	if (row == NULL) {
		unknown_refuse(r, &at, key);
	} else if (r->given[row - r->table]) {
		value_fault_add(&at, "is given twice: %s and %s are one key", row->key, row->alias);
	} else {
		r->given[row - r->table] = true;
		value_setting_store(&at, row, s, r->values);
	}
	free(whole);
}

static void defaults_store(const struct reading *r)
{
	for (const struct tocsin_field *row = r->table; row->key != NULL; row++) {
		if (row->dflt == NULL)
			continue;

		char *key = key_format(r->path, row->key);
		struct value_place at = place_of(r, NULL, key);

		at.file = "default in the table";
		value_text_store(&at, row, row->dflt, r->values);
		free(key);
	}
}

/* Is this one of the rows' groups in use: was any of its keys given? */
static bool group_is_used(const struct reading *r, const char *group)
{
	for (size_t i = 0; r->table[i].key != NULL; i++) {
		if (r->given[i] && r->table[i].group != NULL &&
		    strcmp(r->table[i].group, group) == 0)
			return true;
	}
	return false;
}

static void required_check(const struct reading *r)
{
	for (size_t i = 0; r->table[i].key != NULL; i++) {
		const struct tocsin_field *row = &r->table[i];

		if ((row->flags & TOCSIN_REQUIRED) == 0 || r->given[i] ||
		    (row->group != NULL && !group_is_used(r, row->group)))
			continue;

		char *key = key_format(r->path, row->key);
		const struct value_place at = place_of(r, r->group, key);
		struct buf allowed;

		buf_init(&allowed, FAULT_MAX_BYTES);
		value_allowed_describe(&allowed, row);
		value_fault_add(&at, "is missing; allowed is %s", allowed.ptr);
		buf_finish(&allowed);
		free(key);
	}
}

/* Is this row the first of its group? So each group is counted once. */
static bool group_begins(const struct tocsin_field *table, const struct tocsin_field *row)
{
	if (row->group == NULL)
		return false;
	for (const struct tocsin_field *other = table; other < row; other++) {
		if (other->group != NULL && strcmp(other->group, row->group) == 0)
			return false;
	}
	return true;
}

/* Where keys form groups, exactly one of these must be given. */
static void groups_check(const struct reading *r)
{
	struct buf names;
	unsigned groups = 0, used = 0;

	buf_init(&names, FAULT_MAX_BYTES);
	for (const struct tocsin_field *row = r->table; row->key != NULL; row++) {
		if (!group_begins(r->table, row))
			continue;
		buf_format(&names, "%s%s", groups == 0 ? "" : ", ", row->group);
		groups++;
		if (group_is_used(r, row->group))
			used++;
	}
	if (groups > 0 && used != 1) {
		const struct value_place at = place_of(r, r->group, r->path);

		value_fault_add(&at,
				"has keys of %u groups; allowed are those of exactly one of: %s",
				used, names.ptr);
	}
	buf_finish(&names);
}

void settings_read(const config_setting_t *group, const char *path,
		   const struct tocsin_field *table, const char *const *also, void *values,
		   struct setting_faults *faults)
{
	struct reading r = { group, path, table, also, values, faults, NULL };

	r.given = xcalloc(rows_count(table) + 1, sizeof(*r.given));
	defaults_store(&r);
	if (group != NULL && !config_setting_is_group(group)) {
		const struct value_place at = place_of(&r, group, path);

		value_fault_add(&at, "is no group; allowed is a group: %s = { ... };", path);
	} else {
		for (int i = 0; group != NULL && i < config_setting_length(group); i++)
			member_read(&r, config_setting_get_elem(group, (unsigned)i));
		required_check(&r);
		groups_check(&r);
	}
	free(r.given);
}

static void text_read(struct reading *r, const char *text)
{
	const char *equals = strchr(text, '=');
	char *key = xspandup(
		(struct span){ text, equals == NULL ? strlen(text) : (size_t)(equals - text) });
	const struct tocsin_field *row = row_find(r->table, key);
	char *whole = key_format(r->path, key);
	const struct value_place at = {
		.file = "command line", .key = whole, .index = -1, .faults = r->faults
	};

	if (row == NULL) {
		unknown_refuse(r, &at, key);
	} else if (equals == NULL) {
		value_fault_add(&at, "has no value; write %s=value", key);
	} else {
		r->given[row - r->table] = true;
		value_text_store(&at, row, equals + 1, r->values);
	}
	free(whole);
	free(key);
}

void settings_read_texts(const char *const *texts, const char *path,
			 const struct tocsin_field *table, void *values,
			 struct setting_faults *faults)
{
	struct reading r = { NULL, path, table, NULL, values, faults, NULL };

	r.given = xcalloc(rows_count(table) + 1, sizeof(*r.given));
	defaults_store(&r);
	for (; *texts != NULL; texts++)
		text_read(&r, *texts);
	required_check(&r);
	groups_check(&r);
	free(r.given);
}

void settings_finish(const struct tocsin_field *table, void *values)
{
	for (const struct tocsin_field *row = table; row->key != NULL; row++)
		value_finish(row, values);
}

void settings_override(const char *path, const char *text, const struct tocsin_field *row,
		       void *values, struct setting_faults *faults)
{
	const struct value_place at = {
		.file = "command line", .key = path, .index = -1, .faults = faults
	};

	value_text_store(&at, row, text, values);
}

/* --- Printing ----------------------------------------------------------- */

static void default_print(FILE *out, const struct tocsin_field *row)
{
	if ((row->flags & TOCSIN_REQUIRED) != 0)
		fputs(", required", out);
	else if (row->dflt == NULL)
		fputs(", no default", out);
	else if (row->dflt[0] == '\0')
		fputs(row->kind == TOCSIN_LIST || row->kind == TOCSIN_PAIRS ? ", default none"
									    : ", default \"\"",
		      out);
	else
		fprintf(out, ", default %s", row->dflt);
}

static void row_print(FILE *out, const char *path, const struct tocsin_field *row)
{
	struct buf kind, range;

	buf_init(&kind, FAULT_MAX_BYTES);
	buf_init(&range, FAULT_MAX_BYTES);
	value_kind_describe(&kind, row);
	value_range_describe(&range, row);
	fprintf(out, "%s%s%s  %s", path, path[0] == '\0' ? "" : ".", row->key, kind.ptr);
	if (range.len > 0)
		fprintf(out, ", %s", range.ptr);
	default_print(out, row);
	if (row->alias != NULL)
		fprintf(out, ", also spelled %s", row->alias);
	if (row->group != NULL)
		fprintf(out, ", with the keys of %s", row->group);
	if ((row->flags & TOCSIN_SECRET) != 0)
		fputs(", secret: also env:NAME or file:PATH", out);
	fprintf(out, "\n    %s\n", row->help == NULL ? "" : row->help);
	buf_finish(&kind);
	buf_finish(&range);
}

void settings_print(FILE *out, const char *path, const struct tocsin_field *table)
{
	for (const struct tocsin_field *row = table; row->key != NULL; row++)
		row_print(out, path, row);
}
