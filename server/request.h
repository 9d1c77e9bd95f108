/* request: one call on its way through the stages: route, guard, body, notebook, handler. Each
 * stage fills its part; the handler sees them all. Lives in the call's arena. */
#pragma once

#include "app.h"
#include "base/json.h"
#include "query.h"

#define REQUEST_PARAMS_MAX 4 /* of a route's pattern */

enum need {
    NEED_NOTHING,  /* open to all */
    NEED_USER,     /* a session token */
    NEED_NOTEBOOK, /* and a notebook of that user, open */
    NEED_SOCKET,   /* a WebSocket: it signs in by itself */
};

/* The members of all bodies and messages together; a field table says which of them one takes.
 * `x_given` is the member as sent, NULL without it: for those where absent and null differ. */
struct body {
    struct span name, connection_string, type, after_cell_id, code, scope, value, token;
    struct span cell_id; /* a message's; REST has it in the path */
    int64_t expected_revision, base_revision, cursor, detail;
    bool disabled, wait, follow;
    const struct json *name_given, *disabled_given, *follow_given;
    const struct json *expected_given, *base_given;
    const struct json *messages;
};

/* The parameters of all queries together. */
struct query {
    bool wait;
    int64_t since; /* -1 without one */
    struct span epoch;
    int64_t limit;
    int64_t version;
};
#define QUERY_DEFAULTS ((struct query){.since = -1, .limit = 1000, .version = 1})
#define QUERY_SINCE_MAX INT64_C(9007199254740991) /* what JavaScript counts to */
#define QUERY_EPOCH_MAX 64

struct request;
typedef struct reply (*handler_fn)(struct request *r);

struct route {
    const char *method, *path;
    handler_fn handle;
    size_t body_max;                 /* bytes; 0: the body is ignored */
    const struct json_field *fields; /* of the body; NULL: none is read */
    size_t field_count;
    const struct query_table *query; /* NULL: the query is ignored */
    const char *verb;                /* "You don't have permission to <verb> notebook" */
    const char *unknown,
        *foreign; /* own words for a notebook that is missing or another's, or NULL */
    enum need need;
    bool body_optional; /* an empty one is as good as {} */
    bool aliases;       /* `demo` and `blank` stand for the user's own */
};

struct request {
    struct call *call;
    struct app *app;
    struct arena *arena;
    const struct route *route;
    struct span params[REQUEST_PARAMS_MAX];
    struct clerk_identity who;
    struct body body;
    struct query query;
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
/* clerk_verify, and whose tokens are refused though they are good: for whatever shows a token. */
struct clerk_answer guard_verify(struct app *app, struct arena *a, struct span token, bool again);
bool guard_origin_allowed(const struct app *app, struct span origin);

/* --- body.c --- */
/* Reads the query and the body by the route's tables. Otherwise the reply is the answer: 413 or
 * 422. */
MUST_CHECK enum err body_read(struct request *r, struct reply *refusal);
/* 422 for a member whose value no table can judge. */
struct reply body_refuse(struct request *r, const char *field, const char *message);
/* What is wrong with a member, in words; `*type` names it as the contract's 422 does (CONTRACT
 * 2.4). Both live in `a`. */
struct span body_problem(struct arena *a, const struct json_problem *p, const char **type);
/* The part of a query that the table names; the reply is a 422. */
MUST_CHECK enum err body_read_query(struct request *r, const struct query_table *table,
                                    struct reply *refusal);
/* Of a socket's handshake: v, since, epoch. */
extern const struct query_table body_hello_query;

/* --- reply.c --- */
struct reply reply_ok(struct request *r);
/* The writer's text becomes the body; `out` is used up. */
struct reply reply_text(struct request *r, struct text *out);
/* {"<member>": id} */
struct reply reply_id(struct request *r, struct span member, struct span id);
/* 400: the contract's answer to an unknown cell in the path (CONTRACT 2.3). */
struct reply reply_no_cell(struct request *r);
/* {"detail": "..."}; reply_detail formats the words. */
struct reply reply_words(struct request *r, int status, struct span words);
#define reply_detail(request, status, ...)                                                         \
    reply_words(request, status, arena_printf((request)->arena, __VA_ARGS__))
/* What an error means to a client where the handler has no better words. */
struct reply reply_err(struct request *r, enum err e);
struct reply reply_later(void);
/* 429 with Retry-After. */
struct reply reply_too_fast(struct request *r, unsigned retry_after_s);
void reply_add_header(struct reply *reply, struct span name, struct span value);

/* --- actions.c: intents that a body or a message spells out; `b->cell_id` names the cell --- */
typedef void (*action_fn)(struct session *s, const struct body *b, session_done_cb done,
                          void *data);
void action_create_cell(struct session *s, const struct body *b, session_done_cb done, void *data);
void action_update_cell(struct session *s, const struct body *b, session_done_cb done, void *data);
void action_delete_cell(struct session *s, const struct body *b, session_done_cb done, void *data);
void action_move_cell(struct session *s, const struct body *b, session_done_cb done, void *data);
void action_set_cell(struct session *s, const struct body *b, session_done_cb done, void *data);
void action_interrupt(struct session *s, const struct body *b, session_done_cb done, void *data);
void action_restart(struct session *s, const struct body *b, session_done_cb done, void *data);
void action_input(struct session *s, const struct body *b, session_done_cb done, void *data);
void action_variables(struct session *s, const struct body *b, session_done_cb done, void *data);

/* --- handlers: handlers.c --- */
struct reply health(struct request *r);
struct reply notebooks_create(struct request *r);
struct reply notebooks_list(struct request *r);
struct reply notebook_get(struct request *r);
struct reply notebook_rename(struct request *r);
struct reply notebook_set_connection(struct request *r);
struct reply notebook_delete(struct request *r);
/* handlers_cells.c */
struct reply cell_create(struct request *r);
struct reply cell_update(struct request *r);
struct reply cell_delete(struct request *r);
struct reply cell_move(struct request *r);
struct reply cell_set(struct request *r);
/* handlers_run.c */
struct reply run_cell(struct request *r);
struct reply run_all(struct request *r);
struct reply run_interrupt(struct request *r);
struct reply run_restart(struct request *r);
struct reply run_input(struct request *r);
/* Answers who waits for a run with "running": the server stops. */
void run_stop_waiting(struct app *app);
/* handlers_state.c */
struct reply state_events(struct request *r);
struct reply state_kernel(struct request *r);
struct reply state_variables(struct request *r);
/* handlers_text.c */
struct reply text_get(struct request *r);
/* chat.c */
struct reply chat(struct request *r);
/* channel.c */
struct reply channel_open(struct request *r);
