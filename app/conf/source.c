/* source.c - the configuration's text with what it includes, and whose line is whose.
 * Not here: what the settings mean (settings.c, conf.c); secrets' own files (value.c).
 * Thread: main, at start-up.
 * SPDX-License-Identifier: MIT */
#include "conf/source.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "conf/file.h"

enum { TEXT_MAX_BYTES = 1 << 20, INCLUDE_DEPTH_MAX = 10, FILES_MAX = 256, NUMBER_MAX_BYTES = 64 };

/* From line `first` of the joined text on, lines are those of file from `line` on. */
struct part {
	const char *file; /* borrowed from source.files */
	unsigned first, line;
};

struct source {
	char *folder;
	struct buf text; /* joined; gone once libconfig has read it */
	unsigned text_lines;
	struct part *parts;
	size_t part_count;
	char **files;
	size_t file_count;
	unsigned depth;
	bool broken;                   /* libconfig could not make sense of the text */
	struct setting_faults *faults; /* borrowed; while loading */
};

/* Where the look over one file's text is. */
struct cursor {
	struct source *source;
	const char *file;
	const char *at, *end;
	const char *kept; /* up to here it is in the joined text */
	unsigned line, kept_line;
};

static bool file_join(struct source *s, const char *path, struct why *why);

static void source_destroy(void *hook)
{
	struct source *s = hook;

	if (s == NULL)
		return;
	for (size_t i = 0; i < s->file_count; i++)
		free(s->files[i]);
	free(s->files);
	free(s->parts);
	free(s->folder);
	buf_finish(&s->text);
	free(s);
}

/* It may hold secrets. */
static void text_wipe(struct buf *text)
{
	if (text->ptr != NULL)
		explicit_bzero(text->ptr, text->len);
	buf_finish(text);
}

static struct part part_find(const struct source *s, unsigned line)
{
	size_t i = s->part_count;

	while (i > 0 && s->parts[i - 1].first > line)
		i--;
	if (i == 0)
		return (struct part){ s->file_count > 0 ? s->files[0] : NULL, line, line };

	const struct part *p = &s->parts[i - 1];

	return (struct part){ p->file, line, p->line + (line - p->first) };
}

/* Copy what the cursor has passed to the joined text. */
static void text_keep(struct cursor *c)
{
	struct source *s = c->source;

	s->parts = xrealloc(s->parts, (s->part_count + 1) * sizeof(*s->parts));
	s->parts[s->part_count++] = (struct part){ c->file, s->text_lines + 1, c->kept_line };
	buf_bytes(&s->text, c->kept, (size_t)(c->at - c->kept));
	s->text_lines += c->line - c->kept_line;
	c->kept = c->at;
	c->kept_line = c->line;
}

/* Begin a new line in the joined text: another file's text comes next. */
static void line_end(struct source *s)
{
	if (s->text.len == 0 || s->text.ptr[s->text.len - 1] == '\n')
		return;
	buf_byte(&s->text, '\n');
	s->text_lines++;
}

static void text_skip(struct cursor *c, const char *to)
{
	for (; c->at < to; c->at++) {
		if (*c->at == '\n')
			c->line++;
	}
}

static bool cursor_at(const struct cursor *c, const char *text)
{
	const size_t bytes = strlen(text);

	return (size_t)(c->end - c->at) >= bytes && memcmp(c->at, text, bytes) == 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Is an @include line at the cursor? Blanks may stand before it; it must begin
 * its line, as libconfig has it. *name is the text between the quotes. */
static bool include_find(const struct cursor *c, struct span *name, const char **after)
{
	static const char word[] = "@include";
	const char *p = c->at;

	while (p < c->end && is_blank(*p))
		p++;
	if ((size_t)(c->end - p) < strlen(word) || memcmp(p, word, strlen(word)) != 0)
		return false;
	p += strlen(word);
	while (p < c->end && is_blank(*p))
		p++;
	if (p == c->end || *p != '"')
		return false;
	name->ptr = ++p;
	while (p < c->end && *p != '"' && *p != '\n')
		p++;
	if (p == c->end || *p != '"')
		return false;
	name->len = (size_t)(p - name->ptr);
	*after = p + 1;
	return true;
}

static void include_join(struct cursor *c, struct span name, const char *after)
{
	struct source *s = c->source;
	char *text = xspandup(name);
	char *path = file_path(s->folder, text);
	struct why why = { "" };

	text_keep(c);
	line_end(s);
	if (s->depth >= INCLUDE_DEPTH_MAX || s->file_count >= FILES_MAX) {
		s->broken = true;
		setting_faults_add(s->faults,
				   "%s:%u: @include \"%s\" is one too many (a file that includes "
				   "itself?); allowed are %d levels and %d files",
				   c->file, c->line, text, INCLUDE_DEPTH_MAX, FILES_MAX);
	} else if (!file_join(s, path, &why)) {
		setting_faults_add(
			s->faults,
			"%s:%u: @include \"%s\": %s %s; allowed is a file, named from the "
			"main file's folder or by its whole path",
			c->file, c->line, text, path, why.text);
	}
	free(path);
	free(text);
	text_skip(c, after);
	c->kept = c->at;
	c->kept_line = c->line;
}

/* A text or a block comment: to its end, or a fault that names its beginning,
 * as libconfig would name the last line of the file, or nothing. */
static void quoted_skip(struct cursor *c, const char *what, const char *closing)
{
	const unsigned begun = c->line;
	const size_t bytes = strlen(closing);
	const bool escapes = bytes == 1;

	for (c->at += bytes; c->at < c->end; c->at++) {
		if (cursor_at(c, closing)) {
			c->at += bytes;
			return;
		}
		if (escapes && *c->at == '\\' && c->at + 1 < c->end)
			c->at++;
		if (*c->at == '\n')
			c->line++;
	}
	c->source->broken = true;
	setting_faults_add(c->source->faults,
			   "%s:%u: syntax error: the %s that begins here never ends", c->file,
			   begun, what);
}

/* libconfig 1.5 cuts a number that does not fit into 32 bits without a word; with
 * an L behind it it takes 64, so that its row's range is what refuses it. The
 * number is not shown: it may be a secret without its quotes. */
static void number_keep(struct cursor *c)
{
	const char *from = c->at;

	while (c->at < c->end && (isalnum((unsigned char)*c->at) || strchr("+-._", *c->at) != NULL))
		c->at++;

	char text[NUMBER_MAX_BYTES + 1];
	const size_t bytes = (size_t)(c->at - from);
	char *end = text;
	long long value = 0;

	text[0] = '\0';
	if (bytes <= NUMBER_MAX_BYTES) {
		memcpy(text, from, bytes);
		text[bytes] = '\0';

		const bool hex = strncmp(text, "0x", 2) == 0 || strncmp(text, "0X", 2) == 0;

		errno = 0;
		value = strtoll(text, &end, hex ? 16 : 10);
		if (end == text || (*end != '\0' && *end != 'L'))
			return; /* a float, or nothing that libconfig takes */
	}
	const bool fits = bytes <= NUMBER_MAX_BYTES && errno == 0;

	if (!fits)
		setting_faults_add(c->source->faults,
				   "%s:%u: the number here is too large; allowed are 64 bits",
				   c->file, c->line);
	if (*end != 'L' && (!fits || value < INT32_MIN || value > INT32_MAX)) {
		text_keep(c);
		buf_byte(&c->source->text, 'L');
	}
}

static void name_skip(struct cursor *c)
{
	while (c->at < c->end && (isalnum((unsigned char)*c->at) || strchr("-_*", *c->at) != NULL))
		c->at++;
}

static void line_skip(struct cursor *c)
{
	const char *end = memchr(c->at, '\n', (size_t)(c->end - c->at));

	c->at = end == NULL ? c->end : end;
}

static void token_skip(struct cursor *c)
{
	const char first = *c->at;

	if (first == '"')
		quoted_skip(c, "text", "\"");
	else if (cursor_at(c, "/*"))
		quoted_skip(c, "comment", "*/");
	else if (first == '#' || cursor_at(c, "//"))
		line_skip(c);
	else if (isdigit((unsigned char)first) || first == '-' || first == '+')
		number_keep(c);
	else if (isalpha((unsigned char)first) || first == '*')
		name_skip(c);
	else
		text_skip(c, c->at + 1);
}

static void text_join(struct source *s, const char *file, struct span text)
{
	struct cursor c = { .source = s,
			    .file = file,
			    .at = text.ptr,
			    .kept = text.ptr,
			    .end = text.ptr + text.len,
			    .line = 1,
			    .kept_line = 1 };

	while (c.at < c.end && !s->broken) {
		struct span name;
		const char *after = NULL;
		const bool at_line_start = c.at == text.ptr || c.at[-1] == '\n';

		if (at_line_start && include_find(&c, &name, &after))
			include_join(&c, name, after);
		else
			token_skip(&c);
	}
	text_keep(&c);
	line_end(s);
}

/* Read one file and everything it includes. False with why when it cannot be read. */
static bool file_join(struct source *s, const char *path, struct why *why)
{
	struct buf text;

	buf_init(&text, TEXT_MAX_BYTES);
	if (file_load(path, &text, why) != ERR_OK) {
		buf_finish(&text);
		return false;
	}
	s->files = xrealloc(s->files, (s->file_count + 1) * sizeof(*s->files));
	s->files[s->file_count++] = xstrdup(path);

	const char *file = s->files[s->file_count - 1];

	if (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL) {
		s->broken = true;
		setting_faults_add(s->faults, "%s: is no text: it holds NUL bytes", file);
	} else if (text.len > 0) {
		s->depth++;
		text_join(s, file, buf_view(&text));
		s->depth--;
	}
	text_wipe(&text);
	return true;
}

/* Give each setting the place it was written at instead of the joined text's. */
static void places_set(const struct source *s, config_setting_t *setting)
{
	const struct part place = part_find(s, setting->line);

	setting->file = place.file;
	setting->line = place.line;
	if (!config_setting_is_aggregate(setting))
		return;
	for (int i = 0; i < config_setting_length(setting); i++)
		places_set(s, config_setting_get_elem(setting, (unsigned)i));
}

static void syntax_fault_add(const struct source *s, const config_t *config)
{
	const int line = config_error_line(config);
	const struct part place = part_find(s, line < 1 ? 1 : (unsigned)line);

	setting_faults_add(s->faults, "%s:%u: %s, here or just before; what follows was not read",
			   place.file, place.line,
			   config_error_text(config) == NULL ? "syntax error"
							     : config_error_text(config));
}

static void text_parse(struct source *s, config_t *config)
{
	buf_text(&s->text, "\n"); /* libconfig refuses a last line "// ..." without one */
	if (!s->broken && s->text.failed != ERR_OK) {
		s->broken = true;
		setting_faults_add(s->faults, "%s: is larger than %d bytes with what it includes",
				   s->files[0], TEXT_MAX_BYTES);
	}
	if (s->broken)
		return;
	if (config_read_string(config, s->text.ptr) != CONFIG_TRUE) {
		s->broken = true;
		syntax_fault_add(s, config);
		return;
	}
	places_set(s, config_root_setting(config));
}

enum err source_load(const char *path, config_t *config, struct setting_faults *faults)
{
	struct source *s = xcalloc(1, sizeof(*s));
	struct why why = { "" };

	s->folder = file_folder(path);
	s->faults = faults;
	buf_init(&s->text, TEXT_MAX_BYTES + 1);
	if (!file_join(s, path, &why)) {
		s->broken = true;
		setting_faults_add(faults,
				   "%s: %s; give the configuration file with -c FILE "
				   "(the package ships tocsin.conf to start from)",
				   path, why.text);
	} else {
		text_parse(s, config);
	}

	const enum err rc = s->broken ? ERR_BAD_REQUEST : ERR_OK;

	text_wipe(&s->text);
	s->faults = NULL;
	/* The root always exists, also after a fault: the tree takes s along. */
	config_set_destructor(config, source_destroy);
	config_setting_set_hook(config_root_setting(config), s);
	return rc;
}

const char *source_folder(const config_setting_t *setting)
{
	if (setting == NULL)
		return NULL;
	while (setting->parent != NULL)
		setting = setting->parent;

	const struct source *s = config_setting_get_hook(setting);

	return s == NULL ? NULL : s->folder;
}
