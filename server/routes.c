/* routes: every route of the server. schema/openapi.yaml describes them; a test holds the two
 * together. */
#include <stdlib.h>

#include "request.h"

#define KIB ((size_t)1024)
#define FIELD(field_name, member) .name = (field_name), .offset = offsetof(struct body, member)

static const char *const cell_types[] = {"python", "sql", NULL};

static const struct json_field name_fields[] = {
    {FIELD("name", name), .type = JSON_FIELD_STRING, .required = true, .max = NOTEBOOK_NAME_MAX},
};
static const struct json_field connection_fields[] = {
    {FIELD("connection_string", connection_string), .type = JSON_FIELD_STRING, .required = true,
     .max = NOTEBOOK_CONNECTION_MAX},
};
static const struct json_field create_fields[] = {
    {FIELD("type", type), .type = JSON_FIELD_STRING, .required = true, .one_of = cell_types},
    {FIELD("after_cell_id", after_cell_id), .type = JSON_FIELD_STRING, .nullable = true,
     .max = NOTEBOOK_ID_MAX},
};
static const struct json_field update_fields[] = {
    {FIELD("code", code), .type = JSON_FIELD_STRING, .required = true, .max = NOTEBOOK_CODE_MAX},
    {FIELD("expected_revision", expected_revision), .type = JSON_FIELD_INT, .nullable = true},
    {FIELD("expected_revision", revision_given), .type = JSON_FIELD_VALUE},
};

static const struct json_field chat_fields[] = {
    {FIELD("messages", messages), .type = JSON_FIELD_VALUE, .required = true},
};

#define FIELDS(table) .fields = (table), .field_count = sizeof(table) / sizeof *(table)

#define ROUTE(m, p, n, h) .method = (m), .path = (p), .need = (n), .handle = (h)

const struct route routes[] = {
    {ROUTE("GET", "/health", NEED_NOTHING, health)},
    {ROUTE("GET", "/api/notebooks", NEED_USER, notebooks_list)},
    {ROUTE("POST", "/api/notebooks", NEED_USER, notebooks_create)},
    {ROUTE("GET", "/api/notebooks/{notebook_id}", NEED_NOTEBOOK, notebook_get), .verb = "access",
     .aliases = true},
    {ROUTE("DELETE", "/api/notebooks/{notebook_id}", NEED_NOTEBOOK, notebook_delete),
     .verb = "delete"},
    {ROUTE("PUT", "/api/notebooks/{notebook_id}/name", NEED_NOTEBOOK, notebook_rename),
     .verb = "rename", .body_max = 16 * KIB, FIELDS(name_fields)},
    {ROUTE("PUT", "/api/notebooks/{notebook_id}/db", NEED_NOTEBOOK, notebook_set_connection),
     .verb = "modify", .body_max = 64 * KIB, FIELDS(connection_fields)},
    {ROUTE("POST", "/api/notebooks/{notebook_id}/cells", NEED_NOTEBOOK, cell_create),
     .verb = "modify", .body_max = 16 * KIB, FIELDS(create_fields)},
    {ROUTE("PUT", "/api/notebooks/{notebook_id}/cells/{cell_id}", NEED_NOTEBOOK, cell_update),
     .verb = "modify", .body_max = (size_t)6 * NOTEBOOK_CODE_MAX + 64 * KIB, FIELDS(update_fields)},
    {ROUTE("DELETE", "/api/notebooks/{notebook_id}/cells/{cell_id}", NEED_NOTEBOOK, cell_delete),
     .verb = "modify"},
    {ROUTE("POST", "/api/chat/{notebook_id}", NEED_NOTEBOOK, chat), .body_max = 1024 * KIB,
     FIELDS(chat_fields), .unknown = "Notebook not found", .foreign = "Unauthorized"},
    {ROUTE("GET", "/api/ws/notebooks/{notebook_id}", NEED_SOCKET, channel_open), .aliases = true},
};
const size_t route_count = sizeof routes / sizeof *routes;

/* One segment against one part of a pattern; "{x}" takes any that is not empty. */
static bool match_part(struct span part, struct span segment, struct span **param)
{
    if (!span_starts(part, SPAN("{"))) {
        return span_eq(part, segment);
    }
    *(*param)++ = segment;
    return segment.n > 0;
}

/* Matches the path's segments against "/api/{x}/y"; fills the parameters. */
static bool match(const struct route *route, const struct call *c, struct span *params)
{
    struct span rest = span_str(route->path + 1);
    size_t i = 0;
    while (!span_is_null(rest)) {
        struct span part = span_cut(&rest, '/');
        if (i >= c->segment_count || !match_part(part, c->segments[i++], &params)) {
            return false;
        }
    }
    return i == c->segment_count;
}

static struct reply refuse_method(struct request *r, const char *const *methods, size_t count)
{
    struct text allow = TEXT(256);
    for (size_t i = 0; i < count; i++) {
        text_addf(&allow, "%s%s", i == 0 ? "" : ", ", methods[i]);
    }
    struct reply reply = reply_detail(r, 405, "Method Not Allowed");
    reply_add_header(&reply, SPAN("allow"), arena_copy(r->arena, text_span(&allow)));
    text_free(&allow);
    return reply;
}

/* The path without its last slash, as the original redirects it. */
static struct reply redirect(struct request *r)
{
    struct span path = r->call->path;
    struct span query = r->call->query;
    struct reply reply = {.status = 307, .type = SPAN("text/plain")};
    reply_add_header(&reply, SPAN("location"),
                     arena_printf(r->arena, "%.*s%s%.*s", (int)path.n - 1, path.p,
                                  span_is_null(query) ? "" : "?", SPAN_ARGS(query)));
    return reply;
}

/* Only to paths of our own: "//host/" must never become a redirect to another host. */
static bool is_slashed_route(const struct call *c)
{
    struct call without = *c;
    struct span params[REQUEST_PARAMS_MAX];
    if (c->segment_count < 2 || c->segments[c->segment_count - 1].n > 0) {
        return false;
    }
    without.segment_count--;
    for (size_t i = 0; i < route_count; i++) {
        if (match(&routes[i], &without, params)) {
            return true;
        }
    }
    return false;
}

enum err route_find(struct request *r, struct reply *refusal)
{
    const char *methods[8];
    size_t count = 0;
    for (size_t i = 0; i < route_count; i++) {
        if (!match(&routes[i], r->call, r->params)) {
            continue;
        }
        if (span_eq(r->call->method, span_str(routes[i].method))) {
            r->route = &routes[i];
            return OK;
        }
        methods[count++] = routes[i].method;
    }
    if (count > 0) {
        *refusal = refuse_method(r, methods, count);
    } else if (is_slashed_route(r->call)) {
        *refusal = redirect(r);
    } else {
        *refusal = reply_detail(r, 404, "Not Found");
    }
    return ERR_NOT_FOUND;
}

static int by_line(const void *a, const void *b)
{
    const struct route *x = a;
    const struct route *y = b;
    int order = strcmp(x->method, y->method);
    return order != 0 ? order : strcmp(x->path, y->path);
}

void route_print(struct text *out)
{
    struct route sorted[sizeof routes / sizeof *routes];
    memcpy(sorted, routes, sizeof routes);
    qsort(sorted, route_count, sizeof *sorted, by_line);
    for (size_t i = 0; i < route_count; i++) {
        text_addf(out, "%s %s\n", sorted[i].method, sorted[i].path);
    }
}
