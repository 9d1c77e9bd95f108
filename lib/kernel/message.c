#include "kernel/message.h"

#include <math.h>

#include "kernel/repair.h"

/* The words for a problem are static: one text per kind and fault. */
enum fault { NOT_JSON, WRONG_MEMBERS, FAULTS };

struct members {
    const struct json *data, *metadata, *line;
    struct span id, ename, evalue, traceback, prompt, status, python;
    bool wait, password;
    const struct json *ms;
    int64_t pid;
};

#define FIELD(member, field_type, ...)                                                             \
    {                                                                                              \
        .name = #member, .type = (field_type), .offset = offsetof(struct members, member),         \
        __VA_ARGS__                                                                                \
    }
#define NEEDED(member, field_type) FIELD(member, field_type, .required = true)

static const char *const statuses[] = {"ok", "error", "interrupted", NULL};

static const struct json_field display[] = {
    NEEDED(data, JSON_FIELD_VALUE),
    NEEDED(metadata, JSON_FIELD_VALUE),
    FIELD(id, JSON_FIELD_STRING, .nullable = true),
};
static const struct json_field update[] = {
    NEEDED(data, JSON_FIELD_VALUE),
    NEEDED(metadata, JSON_FIELD_VALUE),
    NEEDED(id, JSON_FIELD_STRING),
};
static const struct json_field clear[] = {NEEDED(wait, JSON_FIELD_BOOL)};
static const struct json_field result[] = {
    NEEDED(data, JSON_FIELD_VALUE),
    NEEDED(metadata, JSON_FIELD_VALUE),
};
static const struct json_field error[] = {
    NEEDED(ename, JSON_FIELD_STRING),
    NEEDED(evalue, JSON_FIELD_STRING),
    NEEDED(line, JSON_FIELD_VALUE),
    NEEDED(traceback, JSON_FIELD_STRING),
};
static const struct json_field done[] = {
    FIELD(status, JSON_FIELD_STRING, .required = true, .one_of = statuses),
    NEEDED(ms, JSON_FIELD_VALUE),
};
static const struct json_field input[] = {
    NEEDED(prompt, JSON_FIELD_STRING),
    NEEDED(password, JSON_FIELD_BOOL),
};
static const struct json_field ready[] = {
    NEEDED(pid, JSON_FIELD_INT),
    NEEDED(python, JSON_FIELD_STRING),
};

#define FIELDS(table) .fields = (table), .count = sizeof(table) / sizeof *(table)
#define FAULTS_OF(name)                                                                            \
    .problems = {[NOT_JSON] = name " that is not a JSON object",                                   \
                 [WRONG_MEMBERS] = name " without the members it needs"}

/* Indexed by frame kind; the streams have no fields. */
static const struct shape {
    enum kernel_event_kind event;
    const struct json_field *fields;
    size_t count;
    const char *problems[FAULTS];
} shapes[] = {
    [FRAME_STDOUT] = {.event = KERNEL_EVENT_STDOUT},
    [FRAME_STDERR] = {.event = KERNEL_EVENT_STDERR},
    [FRAME_DISPLAY] = {.event = KERNEL_EVENT_DISPLAY, FIELDS(display), FAULTS_OF("a display")},
    [FRAME_UPDATE] = {.event = KERNEL_EVENT_UPDATE, FIELDS(update), FAULTS_OF("an update")},
    [FRAME_CLEAR] = {.event = KERNEL_EVENT_CLEAR, FIELDS(clear), FAULTS_OF("a clear")},
    [FRAME_RESULT] = {.event = KERNEL_EVENT_RESULT, FIELDS(result), FAULTS_OF("a result")},
    [FRAME_ERROR] = {.event = KERNEL_EVENT_ERROR, FIELDS(error), FAULTS_OF("an error")},
    [FRAME_DONE] = {.event = KERNEL_EVENT_DONE, FIELDS(done), FAULTS_OF("a done")},
    [FRAME_INPUT_REQUEST] = {.event = KERNEL_EVENT_INPUT,
                             FIELDS(input),
                             FAULTS_OF("an input request")},
    [FRAME_READY] = {.event = KERNEL_EVENT_READY, FIELDS(ready), FAULTS_OF("a ready")},
};

static bool is_object(const struct json *v)
{
    return v == NULL || v->kind == JSON_OBJECT;
}

/* What the field tables cannot say. Members that a kind has not are NULL and pass. */
static bool are_sound(const struct members *m)
{
    bool line = m->line == NULL || m->line->kind == JSON_NULL || m->line->is_integer;
    bool ms = m->ms == NULL ||
              (m->ms->kind == JSON_NUMBER && isfinite(m->ms->number) && m->ms->number >= 0);
    return is_object(m->data) && is_object(m->metadata) && line && ms;
}

static enum kernel_done done_of(struct span status)
{
    if (span_eq(status, SPAN("ok"))) {
        return KERNEL_DONE_OK;
    }
    return span_eq(status, SPAN("error")) ? KERNEL_DONE_ERROR : KERNEL_DONE_INTERRUPTED;
}

static bool may_be_large(unsigned kind)
{
    return kind == FRAME_DISPLAY || kind == FRAME_UPDATE || kind == FRAME_RESULT;
}

static enum err parse(struct span payload, struct arena *a, const struct json **body)
{
    static const struct json_limits limits = {
        .bytes = FRAME_PAYLOAD_MAX, .depth = MESSAGE_DEPTH_MAX, .values = MESSAGE_VALUES_MAX};
    struct json_error where;
    return json_parse(a, payload, &limits, body, &where);
}

static enum err check_object(const struct frame *f, struct arena *a, struct kernel_event *out,
                             const char **problem)
{
    const struct shape *s = &shapes[f->kind];
    const struct json *body = NULL;
    enum err e = parse(f->payload, a, &body);
    if (e == ERR_TOO_LARGE && may_be_large(f->kind)) {
        return e;
    }
    if (e != OK || body->kind != JSON_OBJECT) {
        *problem = s->problems[NOT_JSON];
        return ERR_INVALID;
    }
    struct members m = {0};
    struct json_problem which;
    if (json_decode(body, s->fields, s->count, &m, &which) != OK || !are_sound(&m)) {
        *problem = s->problems[WRONG_MEMBERS];
        return ERR_INVALID;
    }
    out->body = body;
    if (f->kind == FRAME_DONE) {
        out->status = done_of(m.status);
        out->ms = m.ms->number;
    }
    return OK;
}

enum err message_check(const struct frame *f, const struct message_space *space,
                       struct kernel_event *out, const char **problem)
{
    *out = (struct kernel_event){.kind = shapes[f->kind].event, .run = f->run};
    if (shapes[f->kind].fields == NULL) {
        out->text = repair(f->payload, space->repaired);
        return OK;
    }
    return check_object(f, space->arena, out, problem);
}

/* Strictly increasing strings: sorted and unique. */
static bool take_names(const struct json *array, struct arena *a, const struct span **out,
                       size_t *count)
{
    if (array == NULL || array->kind != JSON_ARRAY) {
        return false;
    }
    struct span *names = arena_alloc_array(a, array->count, sizeof *names);
    for (size_t i = 0; i < array->count; i++) {
        const struct json *item = &array->items[i];
        bool ordered = i == 0 || span_cmp(names[i - 1], item->string) < 0;
        if (item->kind != JSON_STRING || item->string.n == 0 || !ordered) {
            return false;
        }
        names[i] = item->string;
    }
    *out = names;
    *count = array->count;
    return true;
}

/* null, or an object whose `text` is what to show */
static bool take_error(const struct json *v, struct span *out)
{
    if (v == NULL) {
        return false;
    }
    *out = json_get_string(v, SPAN("text"));
    return v->kind == JSON_NULL || out->n > 0;
}

enum err message_check_analysis(struct span payload, struct arena *a, struct analysis *out,
                                const char **problem)
{
    const struct json *body = NULL;
    *problem = "an answer that is not a JSON object";
    if (parse(payload, a, &body) != OK || body->kind != JSON_OBJECT) {
        return ERR_INVALID;
    }
    struct analysis found = {0};
    *problem = "an answer without the members it needs";
    if (!take_names(json_get(body, SPAN("reads")), a, &found.reads, &found.read_count) ||
        !take_names(json_get(body, SPAN("writes")), a, &found.writes, &found.write_count) ||
        !take_error(json_get(body, SPAN("error")), &found.error)) {
        return ERR_INVALID;
    }
    *problem = NULL;
    *out = found;
    return OK;
}
