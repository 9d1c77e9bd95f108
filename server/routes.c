/* routes: every route of the server. schema/openapi.yaml describes them; a test holds the two
 * together. */
#include <stdlib.h>

#include "accounts.h"
#include "fields.h"
#include "webhooks.h"

#define KIB ((size_t)1024)

const char *const field_cell_types[] = {"python", "sql", NULL};

static const struct json_field name_fields[] = {
    {FIELD("name", name), .type = JSON_FIELD_STRING, .required = true, .max = NOTEBOOK_NAME_MAX},
};
static const struct json_field connection_fields[] = {
    {FIELD("connection_string", connection_string), .type = JSON_FIELD_STRING, .required = true,
     .max = NOTEBOOK_CONNECTION_MAX},
};
static const struct json_field create_fields[] = {
    {FIELD("type", type), .type = JSON_FIELD_STRING, .required = true, .one_of = field_cell_types},
    FIELD_AFTER(false),
    FIELD_CODE_OPTIONAL,
};
static const struct json_field update_fields[] = {
    FIELD_CODE,
    FIELD_BASE,
    {FIELD("expected_revision", expected_revision), .type = JSON_FIELD_INT, .nullable = true},
    {FIELD("expected_revision", expected_given), .type = JSON_FIELD_VALUE},
};
static const struct json_field set_fields[] = {
    {FIELD("type", type), .type = JSON_FIELD_STRING, .one_of = field_cell_types},
    FIELD_NAME_NULLABLE,
    FIELD_DISABLED,
};
static const struct json_field position_fields[] = {FIELD_AFTER(true)};
static const char *const scopes[] = {"all", "stale", NULL};
static const struct json_field run_fields[] = {
    {FIELD("scope", scope), .type = JSON_FIELD_STRING, .one_of = scopes},
};
static const struct json_field input_fields[] = {FIELD_INPUT};
static const struct json_field chat_fields[] = {
    {FIELD("messages", messages), .type = JSON_FIELD_VALUE, .required = true},
};

static const struct query_field wait_fields[] = {
    {"wait", QUERY_FLAG, offsetof(struct query, wait), 0, 0},
};
static const struct query_field events_fields[] = {
    {"since", QUERY_INT, offsetof(struct query, since), 0, QUERY_SINCE_MAX},
    {"epoch", QUERY_TEXT, offsetof(struct query, epoch), 1, QUERY_EPOCH_MAX},
    {"limit", QUERY_INT, offsetof(struct query, limit), 1, 1000},
};
static const struct query_table wait_query = {wait_fields,
                                              sizeof wait_fields / sizeof *wait_fields};
static const struct query_table events_query = {events_fields,
                                                sizeof events_fields / sizeof *events_fields};

#define NOTEBOOK "/api/notebooks/{notebook_id}"
#define CELL NOTEBOOK "/cells/{cell_id}"
/* What changes a cell's code takes six bytes of JSON for one of code at worst. */
#define CODE_BODY_MAX ((size_t)6 * NOTEBOOK_CODE_MAX + 64 * KIB)
#define ROUTE(m, p, n, h) .method = (m), .path = (p), .need = (n), .handle = (h)

const struct route routes[] = {
    {ROUTE("GET", "/health", NEED_NOTHING, health)},
    {ROUTE("GET", "/api/auth/me", NEED_USER, accounts_me)},
    {ROUTE("GET", "/api/auth/health", NEED_NOTHING, accounts_health)},
    {ROUTE("POST", "/api/webhooks/clerk", NEED_NOTHING, webhooks_receive)},
    {ROUTE("POST", "/api/v1/webhooks/clerk", NEED_NOTHING, webhooks_receive)},
    {ROUTE("POST", "/api/auth/webhooks/clerk/", NEED_NOTHING, webhooks_receive)},
    {ROUTE("GET", "/api/notebooks", NEED_USER, notebooks_list)},
    {ROUTE("POST", "/api/notebooks", NEED_USER, notebooks_create)},
    {ROUTE("GET", NOTEBOOK, NEED_NOTEBOOK, notebook_get), .verb = "access", .aliases = true},
    {ROUTE("DELETE", NOTEBOOK, NEED_NOTEBOOK, notebook_delete), .verb = "delete"},
    {ROUTE("PUT", NOTEBOOK "/name", NEED_NOTEBOOK, notebook_rename), .verb = "rename",
     .body_max = 16 * KIB, FIELDS(name_fields)},
    {ROUTE("PUT", NOTEBOOK "/db", NEED_NOTEBOOK, notebook_set_connection), .verb = "modify",
     .body_max = 64 * KIB, FIELDS(connection_fields)},
    {ROUTE("POST", NOTEBOOK "/cells", NEED_NOTEBOOK, cell_create), .verb = "modify",
     .body_max = CODE_BODY_MAX, FIELDS(create_fields)},
    {ROUTE("PUT", CELL, NEED_NOTEBOOK, cell_update), .verb = "modify", .body_max = CODE_BODY_MAX,
     FIELDS(update_fields)},
    {ROUTE("DELETE", CELL, NEED_NOTEBOOK, cell_delete), .verb = "modify"},
    {ROUTE("PATCH", CELL, NEED_NOTEBOOK, cell_set), .verb = "modify", .body_max = 16 * KIB,
     FIELDS(set_fields)},
    {ROUTE("PUT", CELL "/position", NEED_NOTEBOOK, cell_move), .verb = "modify",
     .body_max = 16 * KIB, FIELDS(position_fields)},
    {ROUTE("GET", CELL "/text", NEED_NOTEBOOK, text_get), .verb = "access"},
    {ROUTE("POST", CELL "/run", NEED_NOTEBOOK, run_cell), .verb = "modify", .query = &wait_query},
    {ROUTE("POST", NOTEBOOK "/run", NEED_NOTEBOOK, run_all), .verb = "modify", .body_max = 16 * KIB,
     FIELDS(run_fields), .body_optional = true, .query = &wait_query},
    {ROUTE("POST", NOTEBOOK "/interrupt", NEED_NOTEBOOK, run_interrupt), .verb = "modify"},
    {ROUTE("POST", NOTEBOOK "/restart", NEED_NOTEBOOK, run_restart), .verb = "modify"},
    {ROUTE("POST", NOTEBOOK "/input", NEED_NOTEBOOK, run_input), .verb = "modify",
     .body_max = 512 * KIB, FIELDS(input_fields)},
    {ROUTE("GET", NOTEBOOK "/events", NEED_NOTEBOOK, state_events), .verb = "access",
     .query = &events_query},
    {ROUTE("GET", NOTEBOOK "/kernel", NEED_NOTEBOOK, state_kernel), .verb = "access"},
    {ROUTE("GET", NOTEBOOK "/variables", NEED_NOTEBOOK, state_variables), .verb = "access"},
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

/* GET answers HEAD too (the body stays behind in http), but a WebSocket has no head to show. */
static bool answers_head(const struct route *route)
{
    return strcmp(route->method, "GET") == 0 && route->need != NEED_SOCKET;
}

static bool takes(const struct route *route, struct span method)
{
    return span_eq(method, span_str(route->method)) ||
           (span_eq(method, SPAN("HEAD")) && answers_head(route));
}

/* What the path takes, as Allow lists it; empty for a path of no route. */
static struct span allowed_methods(struct request *r)
{
    struct text allow = TEXT(256);
    for (size_t i = 0; i < route_count; i++) {
        if (match(&routes[i], r->call, r->params)) {
            text_addf(&allow, "%s%s%s", allow.n == 0 ? "" : ", ", routes[i].method,
                      answers_head(&routes[i]) ? ", HEAD" : "");
        }
    }
    struct span methods = arena_copy(r->arena, text_span(&allow));
    text_free(&allow);
    return methods;
}

/* OPTIONS asks for no more than the methods (a browser's preflight never comes here); any other
 * method is one that the path does not take. */
static struct reply answer_method(struct request *r, struct span allow)
{
    struct reply reply = {.status = 204};
    if (!span_eq(r->call->method, SPAN("OPTIONS"))) {
        reply = reply_detail(r, 405, "Method Not Allowed");
    }
    reply_add_header(&reply, SPAN("allow"), allow);
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
    for (size_t i = 0; i < route_count; i++) {
        if (takes(&routes[i], r->call->method) && match(&routes[i], r->call, r->params)) {
            r->route = &routes[i];
            return OK;
        }
    }
    struct span allow = allowed_methods(r);
    if (allow.n > 0) {
        *refusal = answer_method(r, allow);
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
