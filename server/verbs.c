/* verbs: what a client of version 2 may ask for, one row each. */
#include "base/clock.h"
#include "errand.h"
#include "fields.h"

/* --- members of results --- */
static void put_seq(struct json_writer *w, const struct session_result *r)
{
    json_member_int(w, SPAN("seq"), r->seq);
}

static void put_change(struct json_writer *w, const struct session_result *r)
{
    json_member_int(w, SPAN("revision"), r->revision);
    put_seq(w, r);
}

static void put_moved(struct json_writer *w, const struct session_result *r)
{
    json_member_int(w, SPAN("index"), (int64_t)r->position);
    put_change(w, r);
}

static void put_created(struct json_writer *w, const struct session_result *r)
{
    json_member_string(w, SPAN("cellId"), r->cell_id);
    put_moved(w, r);
}

/* --- running --- */
static void run(struct errand *e, enum session_scope scope)
{
    session_run(e->ch->session,
                &(struct session_run_request){.scope = scope,
                                              .cell_id = e->body.cell_id,
                                              .wait = e->body.wait,
                                              .on_progress = errand_progress},
                errand_done, e);
}

static void run_one(struct errand *e)
{
    run(e, SESSION_RUN_CELL);
}

static void run_every(struct errand *e)
{
    run(e, SESSION_RUN_ALL);
}

static void run_stale(struct errand *e)
{
    run(e, SESSION_RUN_STALE);
}

/* --- questions to the kernel --- */
static void ask(struct errand *e, enum kernel_question what)
{
    if (e->body.cursor < 0 || e->body.detail < 0 || e->body.detail > 1) {
        errand_refuse(e, &(struct refusal){.code = SPAN("invalid"),
                                           .message = SPAN("'cursor' is 0 or more, and 'detail' "
                                                           "is 0 or 1.")});
        return;
    }
    struct text request = TEXT((size_t)6 * NOTEBOOK_CODE_MAX + 1024);
    struct json_writer w = JSON_WRITER(&request);
    json_open_object(&w);
    json_member_string(&w, SPAN("code"), e->body.code);
    json_member_int(&w, SPAN("cursor"), e->body.cursor);
    json_member_int(&w, SPAN("detail"), e->body.detail);
    json_close_object(&w);
    session_ask(e->ch->session, what, text_span(&request), errand_done, e);
    text_free(&request);
}

static void complete(struct errand *e)
{
    ask(e, KERNEL_COMPLETE);
}

static void inspect(struct errand *e)
{
    ask(e, KERNEL_INSPECT);
}

/* Also when the kernel cannot answer now, the wish to follow counts. */
static void variables(struct errand *e)
{
    if (e->body.follow_given != NULL) {
        e->ch->follows_variables = e->body.follow;
    }
    action_variables(e->ch->session, &e->body, errand_done, e);
}

/* --- the sign-in --- */
static void reply_renewed(struct errand *e)
{
    struct text out = TEXT(4096);
    struct json_writer w = JSON_WRITER(&out);
    struct channel *ch = e->ch;
    if (!span_is_null(e->id)) {
        json_member_string(&w, SPAN("user_id"), span_str(ch->user));
        json_member_int(&w, SPAN("expires_at_ms"), ch->lease.expires_ms);
        errand_reply_members(e, text_span(&out));
        text_free(&out);
        return;
    }
    json_open_object(&w);
    json_member_string(&w, SPAN("type"), SPAN("authenticated"));
    json_member_string(&w, SPAN("user_id"), span_str(ch->user));
    json_member_int(&w, SPAN("expires_at_ms"), ch->lease.expires_ms);
    json_close_object(&w);
    channel_send(ch, text_span(&out));
    text_free(&out);
    errand_drop(e);
}

static void on_keys(void *data, enum err why);

static void judge(struct errand *e)
{
    struct channel *ch = e->ch;
    struct clerk_answer answer = guard_verify(ch->app, e->arena, e->body.token, e->waited);
    switch (answer.verdict) {
    case CLERK_WAIT:
        e->body.token = arena_copy(e->arena, e->body.token);
        clerk_wait(ch->app->clerk, on_keys, e);
        return;
    case CLERK_UNAVAILABLE:
        errand_refuse(e, &(struct refusal){.code = SPAN("unavailable"),
                                           .message = SPAN("Tokens cannot be checked now.")});
        return;
    case CLERK_REFUSED:
        errand_refuse(e, &(struct refusal){.code = SPAN("invalid"),
                                           .message = span_str(clerk_reason_text(answer.reason))});
        return;
    case CLERK_PASS:
        break;
    }
    if (!span_eq(answer.who.user_id, span_str(ch->user))) {
        errand_refuse(e, &(struct refusal){.code = SPAN("invalid"),
                                           .message = SPAN("This token is another user's.")});
        return;
    }
    channel_lend(ch, &answer.who);
    reply_renewed(e);
}

/* A channel that has closed meanwhile is lent nothing. */
static void on_keys(void *data, enum err why)
{
    struct errand *e = data;
    if (e->ch->state != CHANNEL_LIVE || why == ERR_CANCELED) {
        errand_drop(e);
        return;
    }
    e->waited = true;
    judge(e);
}

static void ping(struct errand *e)
{
    errand_reply_members(e, arena_printf(e->arena, "\"time_ms\":%lld", (long long)clock_unix_ms()));
}

/* --- the table --- */
#define CELL_ID                                                                                    \
    {                                                                                              \
        FIELD("cellId", cell_id), .type = JSON_FIELD_STRING, .required = true,                     \
                                  .max = NOTEBOOK_ID_MAX                                           \
    }
#define WAIT                                                                                       \
    {                                                                                              \
        FIELD("wait", wait), .type = JSON_FIELD_BOOL                                               \
    }
#define CURSOR                                                                                     \
    {                                                                                              \
        FIELD("cursor", cursor), .type = JSON_FIELD_INT, .required = true                          \
    }

static const struct json_field cell_fields[] = {CELL_ID};
static const struct json_field run_cell_fields[] = {CELL_ID, WAIT};
static const struct json_field run_fields[] = {WAIT};
static const struct json_field update_fields[] = {CELL_ID, FIELD_CODE, FIELD_BASE};
static const struct json_field create_fields[] = {
    {FIELD("cell_type", type), .type = JSON_FIELD_STRING, .required = true,
     .one_of = field_cell_types},
    FIELD_AFTER(false),
    FIELD_CODE_OPTIONAL,
};
static const struct json_field move_fields[] = {CELL_ID, FIELD_AFTER(true)};
static const struct json_field set_fields[] = {
    CELL_ID,
    {FIELD("cell_type", type), .type = JSON_FIELD_STRING, .one_of = field_cell_types},
    FIELD_NAME_NULLABLE,
    FIELD_DISABLED,
};
static const struct json_field complete_fields[] = {FIELD_CODE, CURSOR};
static const struct json_field inspect_fields[] = {
    FIELD_CODE, CURSOR, {FIELD("detail", detail), .type = JSON_FIELD_INT}};
static const struct json_field variables_fields[] = {
    {FIELD("follow", follow), .type = JSON_FIELD_BOOL},
    {FIELD("follow", follow_given), .type = JSON_FIELD_VALUE},
};
static const struct json_field input_fields[] = {FIELD_INPUT};
static const struct json_field token_fields[] = {
    {FIELD("token", token), .type = JSON_FIELD_STRING, .required = true, .max = CLERK_TOKEN_MAX},
};

#define NUL_IN_CODE "Code cannot hold a NUL character."

static const struct verb verbs[] = {
    {.type = SPAN("run_cell"),
     FIELDS(run_cell_fields),
     .start = run_one,
     .write = put_seq,
     .invalid = "The cell is disabled.",
     .is_run = true},
    {.type = SPAN("run_all"),
     FIELDS(run_fields),
     .start = run_every,
     .write = put_seq,
     .is_run = true},
    {.type = SPAN("run_stale"),
     FIELDS(run_fields),
     .start = run_stale,
     .write = put_seq,
     .is_run = true},
    {.type = SPAN("interrupt"), .act = action_interrupt},
    {.type = SPAN("restart_kernel"), .act = action_restart},
    {.type = SPAN("update_cell"),
     FIELDS(update_fields),
     .act = action_update_cell,
     .write = put_change,
     .conflict = "The cell has been edited meanwhile.",
     .invalid = NUL_IN_CODE},
    {.type = SPAN("create_cell"),
     FIELDS(create_fields),
     .act = action_create_cell,
     .write = put_created,
     .not_found = "There is no such cell to follow.",
     .invalid = NUL_IN_CODE},
    {.type = SPAN("delete_cell"),
     FIELDS(cell_fields),
     .act = action_delete_cell,
     .write = put_change},
    {.type = SPAN("move_cell"), FIELDS(move_fields), .act = action_move_cell, .write = put_moved},
    {.type = SPAN("set_cell"),
     FIELDS(set_fields),
     .act = action_set_cell,
     .write = put_change,
     .invalid = "A name cannot hold a NUL character."},
    {.type = SPAN("complete"), FIELDS(complete_fields), .start = complete},
    {.type = SPAN("inspect"), FIELDS(inspect_fields), .start = inspect},
    {.type = SPAN("variables"), FIELDS(variables_fields), .start = variables},
    {.type = SPAN("input_reply"),
     FIELDS(input_fields),
     .act = action_input,
     .conflict = "Nothing asks for input now."},
    {.type = SPAN("authenticate"), FIELDS(token_fields), .start = judge, .when_expired = true},
    {.type = SPAN("ping"), .start = ping, .when_expired = true},
};

const struct verb *verb_find(struct span type)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (span_eq(verbs[i].type, type)) {
            return &verbs[i];
        }
    }
    return NULL;
}
