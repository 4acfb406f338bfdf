/* form_channels.c - the channels of a webhook's body, paired with stored ones.
 * A pair keeps the stored channel's hidden id, and so its deliveries, its
 * health and the secrets that the client only ever saw masked.
 * Not here: the fields inside `configs` (channel/configs).
 * Any thread.
 * SPDX-License-Identifier: MIT */
#include "domain/form.h"

#include <stdlib.h>

#include "base/mem.h"
#include "channel/configs.h"

static const size_t NONE = SIZE_MAX;

/* One element of the list while it is being read. */
struct element {
	struct json_object *configs;   /* borrowed; NULL: not given */
	const struct channel *channel; /* NULL: unknown, and a fault */
	char *description;
	size_t stored; /* its partner's index, or NONE */
};

/* The list with the stored channels it is paired against. */
struct pairing {
	struct form *form;
	const struct webhook *stored;
	struct element *elements;
	size_t count;
	bool *is_paired; /* per stored channel */
};

static const struct loc body_loc = { NULL, "body", 0 };
static const struct loc list_loc = { &body_loc, "channels", 0 };

static struct configs_rules rules_of(const struct form *f, const char *old)
{
	return (struct configs_rules){ .guard = &f->conf->guard.guard,
				       .targets_max = (size_t)f->conf->limits.targets,
				       .old = old };
}

/* --- Reading one element --------------------------------------------------- */

/* status and disabled_reason are the server's. */
static const char *const members[] = { "channel", "configs",         "description",
				       "status",  "disabled_reason", NULL };

static const struct channel *channel_read(struct form *f, struct json_object *object,
					  const struct loc *at)
{
	const struct loc loc = { at, "channel", 0 };
	struct json_object *value;

	if (!json_object_object_get_ex(object, "channel", &value)) {
		faults_add(f->faults, &loc, "missing", "Field required");
		return NULL;
	}
	if (!json_object_is_type(value, json_type_string)) {
		faults_add(f->faults, &loc, "string_type", "Input should be a valid string");
		return NULL;
	}
	const char *name = json_object_get_string(value);
	const struct channel *found = channels_find(f->channels, name);

	/* A NUL inside would hide what follows it. */
	if (found == NULL || strlen(name) != (size_t)json_object_get_string_len(value)) {
		faults_add(f->faults, &loc, "enum",
			   "Input should be the name of a channel that this server has");
		return NULL;
	}
	return found;
}

static void element_read(struct form *f, struct json_object *object, const struct loc *at,
			 struct element *out)
{
	static const struct form_text rule = { .max = 2000, .has_lines = true };
	const struct loc configs = { at, "configs", 0 }, description = { at, "description", 0 };
	struct json_object *value = NULL;

	if (!json_object_is_type(object, json_type_object)) {
		faults_add(f->faults, at, "model_attributes_type",
			   "Input should be a valid object");
		return;
	}
	form_members_check(f, object, members, at);
	out->channel = channel_read(f, object, at);
	if (!json_object_object_get_ex(object, "configs", &out->configs))
		faults_add(f->faults, &configs, "missing", "Field required");
	else if (!json_object_is_type(out->configs, json_type_object))
		faults_add(f->faults, &configs, "dict_type", "Input should be a valid object");
	if (!json_object_is_type(out->configs, json_type_object))
		out->configs = NULL;
	if (json_object_object_get_ex(object, "description", &value) && value != NULL)
		out->description = form_text_read(f, value, &rule, &description);
}

/* --- Pairing ------------------------------------------------------------------ */

/* SAME: all of it, which tells channels with equal masks apart by the rest. */
enum likeness { LIKE_SAME, LIKE_EXACT, LIKE_OVERLAP };

static bool values_hold(char *const *values, size_t count, const char *value)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(values[i], value) == 0)
			return true;
	}
	return false;
}

static void values_free(char **values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(values[i]);
	free(values);
}

static bool targets_are_alike(const struct channel *channel, const char *a, const char *b,
			      enum likeness wanted)
{
	char *one = configs_target(channel, a), *other = configs_target(channel, b);
	size_t many_count = 0, others_count = 0, same = 0;
	char **many = configs_targets(channel, a, &many_count);
	char **others = configs_targets(channel, b, &others_count);
	const bool is_same_one = one != NULL && other != NULL && strcmp(one, other) == 0;

	for (size_t i = 0; i < many_count; i++)
		same += values_hold(others, others_count, many[i]);
	values_free(many, many_count);
	values_free(others, others_count);
	free(one);
	free(other);
	if (wanted == LIKE_OVERLAP)
		return is_same_one || same > 0;
	return is_same_one || (same > 0 && same == many_count && same == others_count);
}

static bool is_candidate(const struct pairing *p, size_t element, size_t stored)
{
	const struct element *e = &p->elements[element];

	return e->stored == NONE && e->channel != NULL && e->configs != NULL &&
	       !p->is_paired[stored] &&
	       strcmp(e->channel->name, p->stored->channels[stored].name) == 0;
}

/* Do both have the same target, masks of secrets being read as the stored secret? */
static bool is_alike(const struct pairing *p, size_t element, size_t stored, enum likeness wanted)
{
	const struct element *e = &p->elements[element];
	const char *old = p->stored->channels[stored].configs;
	const struct configs_rules rules = rules_of(p->form, old);
	struct faults unheard;
	struct buf configs;

	faults_init(&unheard);
	buf_init(&configs, (size_t)p->form->conf->api.body_max_bytes * 2);
	configs_check(e->channel, e->configs, &rules, &list_loc, &unheard, &configs);
	const bool is_sound = !faults_any(&unheard) && configs.failed == ERR_OK &&
			      configs.ptr != NULL;
	const bool alike = is_sound &&
			   (wanted == LIKE_SAME
				    ? strcmp(configs.ptr, old) == 0
				    : targets_are_alike(e->channel, configs.ptr, old, wanted));

	buf_finish(&configs);
	faults_finish(&unheard);
	return alike;
}

static void pair(struct pairing *p, size_t element, size_t stored)
{
	p->elements[element].stored = stored;
	p->is_paired[stored] = true;
}

/* Stored channels of the element's own place are tried first, so that equal
 * masks pair in order. */
static void pairs_find_alike(struct pairing *p, enum likeness wanted)
{
	const size_t count = p->stored->channel_count;

	for (size_t i = 0; i < p->count; i++) {
		for (size_t n = 0; n < count; n++) {
			const size_t stored = (i + n) % count;

			if (is_candidate(p, i, stored) && is_alike(p, i, stored, wanted)) {
				pair(p, i, stored);
				break;
			}
		}
	}
}

static void pairs_find(struct pairing *p)
{
	if (p->stored->channel_count == 0)
		return;
	pairs_find_alike(p, LIKE_SAME);
	pairs_find_alike(p, LIKE_EXACT);
	pairs_find_alike(p, LIKE_OVERLAP);
	for (size_t i = 0; i < p->count && i < p->stored->channel_count; i++) {
		if (is_candidate(p, i, i))
			pair(p, i, i);
	}
}

/* --- Building ------------------------------------------------------------------ */

static int64_t target_id(const struct webhook_channel *stored, const char *value)
{
	for (size_t i = 0; stored != NULL && i < stored->target_count; i++) {
		if (strcmp(stored->targets[i].value, value) == 0)
			return stored->targets[i].id;
	}
	return 0;
}

static void targets_build(const struct channel *channel, const struct webhook_channel *stored,
			  struct webhook_channel *out)
{
	size_t count = 0;
	char **values = configs_targets(channel, out->configs, &count);

	if (count > 0)
		out->targets = xcalloc(count, sizeof(*out->targets));
	for (size_t i = 0; i < count; i++) {
		out->targets[i].id = target_id(stored, values[i]);
		out->targets[i].value = values[i]; /* moved */
	}
	out->target_count = count;
	free(values);
}

/* What a stored channel hands on to the one that takes its place. */
static void partner_inherit(const struct webhook_channel *stored, struct webhook_channel *out)
{
	out->id = stored->id;
	if (strcmp(stored->configs, out->configs) != 0)
		return; /* repaired, we take it: a disabled one gets another chance */
	out->status = stored->status;
	out->disabled_reason = xstrdup(stored->disabled_reason);
}

static void channel_build(const struct pairing *p, size_t i, struct webhook_channel *out)
{
	struct element *e = &p->elements[i];
	const struct webhook_channel *stored = e->stored == NONE ? NULL
								 : &p->stored->channels[e->stored];
	const struct loc at = { &list_loc, NULL, i }, loc = { &at, "configs", 0 };
	const struct configs_rules rules = rules_of(p->form,
						    stored == NULL ? NULL : stored->configs);
	struct faults *faults = p->form->faults;
	const size_t faults_before = faults->count;
	struct buf configs;

	if (e->channel == NULL || e->configs == NULL)
		return;
	buf_init(&configs, (size_t)p->form->conf->api.body_max_bytes * 2);
	configs_check(e->channel, e->configs, &rules, &loc, faults, &configs);
	if (faults->count == faults_before && configs.failed != ERR_OK)
		faults_add(faults, &loc, "value_error", "Input is too large");
	if (faults->count == faults_before) {
		out->name = xstrdup(e->channel->name);
		out->description = e->description;
		e->description = NULL;
		out->configs = buf_take(&configs);
		if (stored != NULL)
			partner_inherit(stored, out);
		targets_build(e->channel, stored, out);
	}
	buf_finish(&configs);
}

static void channels_replace(struct webhook *w, struct webhook_channel *channels, size_t count)
{
	for (size_t i = 0; i < w->channel_count; i++)
		webhook_channel_finish(&w->channels[i]);
	free(w->channels);
	w->channels = channels;
	w->channel_count = count;
}

static bool list_check(struct form *f, struct json_object *list)
{
	const size_t max = (size_t)f->conf->limits.channels;

	if (!json_object_is_type(list, json_type_array)) {
		faults_add(f->faults, &list_loc, "list_type", "Input should be a valid list");
		return false;
	}
	const size_t count = json_object_array_length(list);

	if (count == 0)
		faults_add(f->faults, &list_loc, "too_short", "List should have at least 1 item");
	if (count > max)
		faults_add(f->faults, &list_loc, "too_long", "List should have at most %zu items",
			   max);
	return count > 0 && count <= max;
}

void form_channels_read(struct form *f, struct json_object *list, struct webhook *w)
{
	if (!list_check(f, list))
		return;
	const size_t count = json_object_array_length(list);
	struct pairing p = {
		.form = f,
		.stored = w,
		.elements = xcalloc(count, sizeof(*p.elements)),
		.count = count,
		.is_paired = xcalloc(w->channel_count + 1, sizeof(*p.is_paired)),
	};
	struct webhook_channel *channels = xcalloc(count, sizeof(*channels));

	for (size_t i = 0; i < count; i++) {
		const struct loc at = { &list_loc, NULL, i };

		p.elements[i].stored = NONE;
		element_read(f, json_object_array_get_idx(list, i), &at, &p.elements[i]);
	}
	pairs_find(&p);
	for (size_t i = 0; i < count; i++)
		channel_build(&p, i, &channels[i]);
	for (size_t i = 0; i < count; i++)
		free(p.elements[i].description);
	free(p.elements);
	free(p.is_paired);
	channels_replace(w, channels, count);
}
