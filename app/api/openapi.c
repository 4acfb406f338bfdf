/* openapi.c - /openapi.json: OpenAPI 3.1 from the route table itself.
 * What is not in routes.c is not in here, and the other way round.
 * Not here: the shapes of bodies (schemas.c).
 * API threads.
 * SPDX-License-Identifier: MIT */
#include "api/openapi.h"

#include <stdio.h>

#include "api/exchange.h"
#include "api/route.h"
#include "api/schemas.h"

/* --- Parameters -------------------------------------------------------------------- */

static void query_schema_write(const struct query_row *row, struct json_writer *w)
{
	static const char *const types[] = { [QUERY_TEXT] = "string",
					     [QUERY_INT] = "integer",
					     [QUERY_BOOL] = "boolean",
					     [QUERY_CHOICE] = "string",
					     [QUERY_POSITION] = "string" };

	json_key(w, "schema");
	json_open(w, '{');
	json_put(w, "type", types[row->kind]);
	if (row->kind == QUERY_INT) {
		json_put_int(w, "minimum", row->min);
		json_put_int(w, "maximum", row->max);
		json_put_int(w, "default", row->dflt);
	}
	if (row->kind == QUERY_BOOL)
		json_put_bool(w, "default", row->dflt != 0);
	if (row->kind == QUERY_CHOICE) {
		json_key(w, "enum");
		json_open(w, '[');
		for (size_t i = 0; row->choices[i] != NULL; i++)
			json_put(w, NULL, row->choices[i]);
		json_close(w, ']');
	}
	json_close(w, '}');
}

static void text_parameter_write(const char *name, const char *in, const char *help,
				 struct json_writer *w)
{
	json_open(w, '{');
	json_put(w, "name", name);
	json_put(w, "in", in);
	json_put_bool(w, "required", strcmp(in, "path") == 0);
	json_put(w, "description", help);
	json_key(w, "schema");
	json_open(w, '{');
	json_put(w, "type", "string");
	json_close(w, '}');
	json_close(w, '}');
}

static void parameters_write(const struct route *r, struct json_writer *w)
{
	json_key(w, "parameters");
	json_open(w, '[');
	if (strchr(r->pattern, '{') != NULL)
		text_parameter_write("identifier", "path", "Its id.", w);
	if ((r->flags & ROUTE_CONFLICTS) != 0)
		text_parameter_write("Idempotency-Key", "header",
				     "1 to 255 visible ASCII characters. The same key again gives "
				     "the same answer and sends nothing twice.",
				     w);
	for (const struct query_row *row = r->query; row != NULL && row->name != NULL; row++) {
		json_open(w, '{');
		json_put(w, "name", row->name);
		json_put(w, "in", "query");
		json_put_bool(w, "required", false);
		json_put(w, "description", row->help);
		query_schema_write(row, w);
		json_close(w, '}');
	}
	json_close(w, ']');
}

/* --- Bodies ------------------------------------------------------------------------- */

static void schema_ref_write(const char *name, unsigned flags, struct json_writer *w)
{
	char ref[128];

	snprintf(ref, sizeof(ref), "#/components/schemas/%s", name);
	json_key(w, "content");
	json_open(w, '{');
	json_key(w, "application/json");
	json_open(w, '{');
	json_key(w, "schema");
	json_open(w, '{');
	if ((flags & ROUTE_ARRAY) != 0) {
		json_put(w, "type", "array");
		json_key(w, "items");
		json_open(w, '{');
	}
	json_put(w, "$ref", ref);
	if ((flags & ROUTE_ARRAY) != 0)
		json_close(w, '}');
	json_close(w, '}');
	json_close(w, '}');
	json_close(w, '}');
}

static void request_write(const struct route *r, struct json_writer *w)
{
	if (r->request_schema == NULL)
		return;
	json_key(w, "requestBody");
	json_open(w, '{');
	json_put_bool(w, "required", (r->flags & ROUTE_BODY_OPTIONAL) == 0);
	schema_ref_write(r->request_schema, 0, w);
	json_close(w, '}');
}

static void response_write(int status, const char *description, const char *schema, unsigned flags,
			   struct json_writer *w)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", status);
	json_key(w, text);
	json_open(w, '{');
	json_put(w, "description", description);
	if (schema != NULL)
		schema_ref_write(schema, flags, w);
	json_close(w, '}');
}

enum need { NEED_ALWAYS, NEED_KEY, NEED_BODY, NEED_CONFLICTS };

static const struct {
	int status;
	enum need need;
	const char *description;
} failures[] = {
	{ 400, NEED_KEY, "Bad Request" },
	{ 401, NEED_KEY, "Unauthorized" },
	{ 403, NEED_KEY, "Forbidden" },
	{ 404, NEED_KEY, "Not Found" },
	{ 409, NEED_CONFLICTS, "Conflict" },
	{ 413, NEED_BODY, "Content Too Large" },
	{ 415, NEED_BODY, "Unsupported Media Type" },
	{ 500, NEED_ALWAYS, "Internal Server Error" },
	{ 503, NEED_ALWAYS, "Service Unavailable" },
};

static bool is_needed(const struct route *r, enum need need)
{
	switch (need) {
	case NEED_ALWAYS: return true;
	case NEED_KEY: return r->scopes != 0;
	case NEED_BODY: return (r->flags & ROUTE_BODY) != 0;
	case NEED_CONFLICTS: return (r->flags & ROUTE_CONFLICTS) != 0;
	}
	return false;
}

static void responses_write(const struct route *r, struct json_writer *w)
{
	json_key(w, "responses");
	json_open(w, '{');
	response_write(r->status, "Successful Response", r->reply_schema, r->flags, w);
	for (size_t i = 0; i < COUNT_OF(failures); i++) {
		if (is_needed(r, failures[i].need))
			response_write(failures[i].status, failures[i].description, "ErrorResponse",
				       0, w);
	}
	if (r->scopes != 0)
		response_write(422, "Validation Error", "HTTPValidationError", 0, w);
	json_close(w, '}');
}

/* --- Paths ---------------------------------------------------------------------------- */

static const char *const method_keys[METHOD_COUNT] = {
	[METHOD_OTHER] = "",  [METHOD_GET] = "get",     [METHOD_POST] = "post",
	[METHOD_PUT] = "put", [METHOD_PATCH] = "patch", [METHOD_DELETE] = "delete",
};

static void operation_write(const struct route *r, struct json_writer *w)
{
	json_key(w, method_keys[r->method]);
	json_open(w, '{');
	json_key(w, "tags");
	json_open(w, '[');
	json_put(w, NULL, r->tag);
	json_close(w, ']');
	json_put(w, "summary", r->summary);
	json_put(w, "description", r->description);
	json_put(w, "operationId", r->operation_id);
	json_key(w, "security");
	json_open(w, '[');
	if (r->scopes != 0) {
		json_open(w, '{');
		json_key(w, "bearer");
		json_open(w, '[');
		json_close(w, ']');
		json_close(w, '}');
	}
	json_close(w, ']');
	parameters_write(r, w);
	request_write(r, w);
	responses_write(r, w);
	json_close(w, '}');
}

static bool is_first_of_path(const struct route *routes, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (strcmp(routes[i].pattern, routes[index].pattern) == 0)
			return false;
	}
	return true;
}

static void paths_write(const struct route *routes, size_t count, struct json_writer *w)
{
	json_key(w, "paths");
	json_open(w, '{');
	for (size_t i = 0; i < count; i++) {
		if (!is_first_of_path(routes, i))
			continue;
		json_key(w, routes[i].pattern);
		json_open(w, '{');
		for (size_t n = i; n < count; n++) {
			if (strcmp(routes[n].pattern, routes[i].pattern) == 0)
				operation_write(&routes[n], w);
		}
		json_close(w, '}');
	}
	json_close(w, '}');
}

static void components_write(const struct exchange *x, struct json_writer *w)
{
	json_key(w, "components");
	json_open(w, '{');
	json_key(w, "schemas");
	json_open(w, '{');
	schemas_write(x->api->channels, w);
	json_close(w, '}');
	json_key(w, "securitySchemes");
	json_open(w, '{');
	json_key(w, "bearer");
	json_open(w, '{');
	json_put(w, "type", "http");
	json_put(w, "scheme", "bearer");
	json_put(w, "description", "An API key: sk_live_… or sk_test_…");
	json_close(w, '}');
	json_close(w, '}');
	json_close(w, '}');
}

void openapi_show(struct exchange *x)
{
	struct json_writer w = reply_json(&x->reply, 200);

	json_open(&w, '{');
	json_put(&w, "openapi", "3.1.0");
	json_key(&w, "info");
	json_open(&w, '{');
	json_put(&w, "title", "Tocsin API");
	json_put(&w, "description", "Publish events; webhooks deliver them.");
	json_put(&w, "version", "1.0");
	json_close(&w, '}');
	paths_write(x->routes, x->route_count, &w);
	components_write(x, &w);
	json_close(&w, '}');
}
