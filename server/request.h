/* request: one call on its way through the stages: route, guard, body, notebook, handler. Each
 * stage fills its part; the handler sees them all. Lives in the call's arena. */
#pragma once

#include "app.h"
#include "base/json.h"

#define REQUEST_PARAMS_MAX 4 /* of a route's pattern */

enum need {
    NEED_NOTHING,  /* open to all */
    NEED_USER,     /* a session token */
    NEED_NOTEBOOK, /* and a notebook of that user, open */
    NEED_SOCKET,   /* a WebSocket: it signs in by itself */
};

/* The members of all bodies together; a route's field table says which of them it takes. */
struct body {
    struct span name, connection_string, type, after_cell_id, code;
    int64_t expected_revision;
    const struct json *revision_given; /* expected_revision as sent; NULL without one */
    const struct json *messages;
};

struct request;
typedef struct reply (*handler_fn)(struct request *r);

struct route {
    const char *method, *path;
    handler_fn handle;
    size_t body_max;                 /* bytes; 0: the body is ignored */
    const struct json_field *fields; /* of the body; NULL: none is read */
    size_t field_count;
    const char *verb; /* "You don't have permission to <verb> notebook" */
    const char *unknown,
        *foreign; /* own words for a notebook that is missing or another's, or NULL */
    enum need need;
    bool aliases; /* `demo` and `blank` stand for the user's own */
};

struct request {
    struct call *call;
    struct app *app;
    struct arena *arena;
    const struct route *route;
    struct span params[REQUEST_PARAMS_MAX];
    struct clerk_identity who;
    struct body body;
    struct span notebook_id; /* aliases resolved */
    struct session *session; /* NEED_NOTEBOOK */
    bool waited;             /* for signing keys: once is enough */
    bool seeded;             /* the samples were made for an alias */
};

/* --- routes.c --- */
extern const struct route routes[];
extern const size_t route_count;
/* Fills r->route and r->params. Otherwise the reply is the answer: 404, 405 with Allow, 307. */
MUST_CHECK enum err route_find(struct request *r, struct reply *refusal);
/* "METHOD /path", sorted, one per line. */
void route_print(struct text *out);

/* --- dispatch.c --- */
/* The http_call_cb: takes a call through all stages. */
void dispatch(struct call *c);
/* For handlers that answer later. */
void request_answer(struct request *r, struct reply reply);
/* The id that an alias stands for, in the request's arena; other ids as they are. */
struct span request_notebook_id(struct arena *a, struct span user, struct span id);
/* Does the id (demo-..., blank-...) name another owner? Then it is refused, whether or not it
 * exists. */
bool request_names_other(struct span user, struct span id);

/* --- guard.c --- */
enum guard_result { GUARD_PASS, GUARD_REFUSED, GUARD_WAIT };
/* Judges the Authorization header; fills r->who. */
enum guard_result guard_check(struct request *r, struct reply *refusal);
bool guard_origin_allowed(const struct app *app, struct span origin);

/* --- body.c --- */
/* Reads the body by the route's table. Otherwise the reply is the answer: 413 or 422. */
MUST_CHECK enum err body_read(struct request *r, struct reply *refusal);
/* 422 for a member whose value no table can judge. */
struct reply body_refuse(struct request *r, const char *field, const char *message);

/* --- reply.c --- */
struct reply reply_ok(struct request *r);
/* The writer's text becomes the body; `out` is used up. */
struct reply reply_text(struct request *r, struct text *out);
/* {"detail": "..."}; reply_detail formats the words. */
struct reply reply_words(struct request *r, int status, struct span words);
#define reply_detail(request, status, ...)                                                         \
    reply_words(request, status, arena_printf((request)->arena, __VA_ARGS__))
/* What an error means to a client where the handler has no better words. */
struct reply reply_err(struct request *r, enum err e);
struct reply reply_later(void);
void reply_add_header(struct reply *reply, struct span name, struct span value);

/* --- handlers --- */
struct reply health(struct request *r);
struct reply notebooks_create(struct request *r);
struct reply notebooks_list(struct request *r);
struct reply notebook_get(struct request *r);
struct reply notebook_rename(struct request *r);
struct reply notebook_set_connection(struct request *r);
struct reply notebook_delete(struct request *r);
struct reply cell_create(struct request *r);
struct reply cell_update(struct request *r);
struct reply cell_delete(struct request *r);
struct reply chat(struct request *r);
/* channel.c */
struct reply channel_open(struct request *r);
