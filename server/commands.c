/* commands: from a message to what it asks for. Version 1: CONTRACT 3.2; unknown types are ignored,
 * as the contract has it, and what is not a message at all ends the connection. Version 2: each
 * message is an errand, and answered. */
#include "base/clock.h"
#include "errand.h"

#define NONSENSE_MAX 10 /* messages that are none, before the socket is closed */
#define MESSAGE_ID_MAX 64

static const struct json_limits limits = {
    .bytes = (size_t)16 * 1024 * 1024, .depth = 8, .values = 256};

const struct json *command_parse(struct arena *a, struct span text, const char **why)
{
    const struct json *message;
    struct json_error error;
    if (json_parse(a, text, &limits, &message, &error) != OK) {
        *why = error.what;
        return NULL;
    }
    return message;
}

/* --- the hello --- */
static bool read_whole(const struct json *v, int64_t min, int64_t *out)
{
    if (v == NULL || v->kind == JSON_NULL) {
        return true;
    }
    bool good = v->kind == JSON_NUMBER && v->is_integer && v->integer >= min &&
                v->integer <= QUERY_SINCE_MAX;
    *out = good ? v->integer : *out;
    return good;
}

/* Without "v" it is version 1, which knows no other members, or what the query said. */
bool command_parse_hello(const struct json *message, struct hello *hello)
{
    int64_t version = 1;
    int64_t since = -1;
    const struct json *v = json_get(message, SPAN("v"));
    const struct json *epoch = json_get(message, SPAN("epoch"));
    if (v == NULL) {
        return true;
    }
    if (!read_whole(v, 1, &version)) {
        return false;
    }
    hello->version = version > 1 ? 2 : 1;
    if (version == 1) {
        return true;
    }
    bool has_epoch = epoch != NULL && epoch->kind != JSON_NULL;
    if (!read_whole(json_get(message, SPAN("since")), 0, &since) ||
        (has_epoch && (epoch->kind != JSON_STRING || epoch->string.n > QUERY_EPOCH_MAX))) {
        return false;
    }
    hello->since = since;
    mem_replace(&hello->epoch, has_epoch ? epoch->string : SPAN_NULL);
    return true;
}

/* --- version 1 --- */
static unsigned take(struct channel *ch, enum rate_kind kind)
{
    return rates_take(ch->app->rates, kind, span_str(ch->user), clock_mono_us());
}

static void tell_too_fast(struct channel *ch, unsigned retry_after_s)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    channel_error(ch,
                  arena_printf(a, "Too many messages. Please try again in %u s.", retry_after_s));
}

static void on_ran(void *data, enum err e, const struct session_result *r)
{
}

/* An unknown cell is silently nothing (CONTRACT 3.2). */
static void start_cell(struct channel *ch, const struct json *message)
{
    unsigned retry = take(ch, RATE_RUNS);
    if (retry > 0) {
        tell_too_fast(ch, retry);
        return;
    }
    struct session_run_request request = {.scope = SESSION_RUN_CELL,
                                          .cell_id = json_get_string(message, SPAN("cellId"))};
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    trail_begin_message(ch, a, SPAN("run_cell"), request.cell_id);
    session_run(ch->session, &request, on_ran, NULL);
    trail_end(ch->app);
}

static void refresh_auth(struct channel *ch, const struct json *message)
{
    struct span token = json_get_string(message, SPAN("token"));
    if (token.n == 0) {
        channel_error(ch, SPAN("Missing token in refresh request"));
        return;
    }
    channel_refresh(ch, token);
}

static void run_old(struct channel *ch, struct span text)
{
    static const struct {
        struct span type;
        void (*run)(struct channel *ch, const struct json *message);
    } commands[] = {
        {SPAN("run_cell"), start_cell},
        {SPAN("refresh_auth"), refresh_auth},
    };
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    const char *why = "a message has a string member 'type'";
    const struct json *message = command_parse(a, text, &why);
    struct span type = json_get_string(message, SPAN("type"));
    if (span_is_null(type)) {
        channel_refuse(ch, 1007, arena_printf(a, "Invalid message: %s", why),
                       SPAN("Invalid message format"));
        return;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (span_eq(commands[i].type, type)) {
            commands[i].run(ch, message);
            return;
        }
    }
}

/* --- version 2 --- */
static void refuse(struct errand *e, struct span code, struct span message)
{
    errand_refuse(e, &(struct refusal){.code = code, .message = message});
}

static void refuse_fast(struct errand *e, unsigned retry_after_s)
{
    errand_refuse(e, &(struct refusal){.code = SPAN("rate_limited"),
                                       .message = SPAN("You are asking for more than this server "
                                                       "does for one user at a time."),
                                       .retry_after_s = retry_after_s});
}

/* Not JSON, not an object, no type, an id that is none: told, and in the end shown out. */
static void refuse_nonsense(struct channel *ch, const char *why)
{
    struct errand *e = errand_new(ch, SPAN_NULL);
    refuse(e, SPAN("invalid"), arena_printf(e->arena, "Invalid message: %s", why));
    if (++ch->nonsense >= NONSENSE_MAX) {
        channel_refuse(ch, 1007, SPAN_NULL, SPAN("Invalid message format"));
    }
}

/* In characters (code points), as JSON Schema counts. */
static size_t length(struct span s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    }
    return n;
}

/* True for a whole number, 1 to 64 characters, or none at all. */
static bool read_id(const struct json *message, struct span *id)
{
    const struct json *v = json_get(message, SPAN("id"));
    *id = SPAN_NULL;
    if (v == NULL || v->kind == JSON_NULL) {
        return true;
    }
    size_t n = v->kind == JSON_STRING ? length(v->string) : 0;
    if ((v->kind == JSON_NUMBER && v->is_integer) || (n >= 1 && n <= MESSAGE_ID_MAX)) {
        *id = v->raw;
        return true;
    }
    return false;
}

/* The errand may be over before they return. */
static void begin(struct errand *e)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct app *app = e->ch->app;
    if (e->verb->act != NULL || e->verb->is_run) {
        trail_begin_message(e->ch, a, e->verb->type, e->body.cell_id);
    }
    if (e->verb->act != NULL) {
        e->verb->act(e->ch->session, &e->body, errand_done, e);
    } else {
        e->verb->start(e);
    }
    trail_end(app);
}

/* The tree may go; what the errand needs of it is in its own arena. */
static void run_errand(struct errand *e, const struct verb *verb, const struct json *message)
{
    struct channel *ch = e->ch;
    struct json_problem problem;
    e->verb = verb;
    if (json_decode(message, verb->fields, verb->field_count, &e->body, &problem) != OK) {
        const char *type;
        struct span words = body_problem(e->arena, &problem, &type);
        bool large = problem.kind == JSON_PROBLEM_TOO_LONG;
        refuse(e, large ? SPAN("too_large") : SPAN("invalid"),
               arena_printf(e->arena, "'%s': %.*s", problem.field->name, SPAN_ARGS(words)));
        return;
    }
    unsigned retry = verb->is_run ? take(ch, RATE_RUNS) : 0;
    if (retry > 0) {
        refuse_fast(e, retry);
        return;
    }
    begin(e);
}

static void run_message(struct errand *e, const struct json *message)
{
    struct channel *ch = e->ch;
    const struct verb *verb = verb_find(json_get_string(message, SPAN("type")));
    unsigned retry = take(ch, RATE_MESSAGES);
    if (retry > 0) {
        refuse_fast(e, retry);
    } else if (verb == NULL) {
        refuse(e, SPAN("unknown_type"), SPAN("There is no message of this type."));
    } else if (!verb->when_expired && lease_is_expired(&ch->lease, clock_unix_ms())) {
        refuse(e, SPAN("token_expired"), SPAN("The token has expired. Send a new one first."));
    } else if (ch->errands > ERRANDS_MAX) {
        refuse(e, SPAN("limit"), SPAN("Too many messages are waiting for their answers."));
    } else {
        run_errand(e, verb, message);
    }
}

static void run_new(struct channel *ch, struct span text)
{
    struct arena *a = arena_new();
    const char *why = "a message has a string member 'type'";
    const struct json *message = command_parse(a, text, &why);
    struct span id;
    if (span_is_null(json_get_string(message, SPAN("type")))) {
        refuse_nonsense(ch, why);
    } else if (!read_id(message, &id)) {
        refuse_nonsense(ch, "'id' is a whole number or 1 to 64 characters");
    } else {
        run_message(errand_new(ch, id), message);
    }
    arena_free(a);
}

/* --- both --- */
void command_run(struct channel *ch, struct span text)
{
    if (ch->hello.version == 2) {
        run_new(ch, text);
        return;
    }
    unsigned retry = take(ch, RATE_MESSAGES);
    if (retry > 0) {
        tell_too_fast(ch, retry);
        return;
    }
    run_old(ch, text);
}
