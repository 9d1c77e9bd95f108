#include "clerk/answers.h"

#include "clerk/claims.h"
#include "clerk/read.h"

static const struct json_limits limits = {.bytes = ANSWERS_BODY_MAX, .depth = 64, .values = 100000};

static enum err err_of(long status)
{
    if (status >= 200 && status <= 299) {
        return OK;
    }
    switch (status) {
    case 400:
    case 409:
    case 422:
        return ERR_INVALID;
    case 401:
        return ERR_UNAUTHORIZED;
    case 403:
        return ERR_FORBIDDEN;
    case 404:
    case 410:
        return ERR_NOT_FOUND;
    case 429:
        return ERR_LIMIT;
    default:
        return ERR_UNAVAILABLE;
    }
}

static struct span name_or_null(struct span s)
{
    return claims_is_identifier(s) ? s : SPAN_NULL;
}

static void read_error(const struct json *root, struct clerk_backend_answer *out)
{
    const struct json *errors = json_get(root, SPAN("errors"));
    out->trace = name_or_null(json_get_string(root, SPAN("clerk_trace_id")));
    if (errors != NULL && errors->kind == JSON_ARRAY && errors->count > 0) {
        out->code = name_or_null(json_get_string(&errors->items[0], SPAN("code")));
    }
}

static enum err read_memberships(struct arena *a, const struct json *root,
                                 struct clerk_backend_answer *out)
{
    const struct json *list = json_get(root, SPAN("data"));
    const struct json *total = json_get(root, SPAN("total_count"));
    if (list == NULL || list->kind != JSON_ARRAY || total == NULL || !total->is_integer ||
        total->integer < 0) {
        return ERR_UNAVAILABLE;
    }
    struct clerk_membership_record *records = arena_alloc_array(a, list->count, sizeof *records);
    for (size_t i = 0; i < list->count; i++) {
        if (read_membership(&list->items[i], &records[i]) != OK) {
            return ERR_UNAVAILABLE;
        }
    }
    out->memberships = records;
    out->membership_count = list->count;
    out->membership_total = total->integer;
    return OK;
}

static enum err read_one_user(struct arena *a, const struct json *root,
                              struct clerk_backend_answer *out)
{
    struct clerk_user_record *record = arena_alloc(a, sizeof *record);
    out->user = record;
    return read_user(root, record);
}

static enum err read_one_session(struct arena *a, const struct json *root,
                                 struct clerk_backend_answer *out)
{
    struct clerk_session_record *record = arena_alloc(a, sizeof *record);
    out->session = record;
    return read_session(root, record);
}

static enum err read_records(struct arena *a, enum answers_kind kind, const struct json *root,
                             struct clerk_backend_answer *out)
{
    switch (kind) {
    case ANSWERS_USER:
        return read_one_user(a, root, out);
    case ANSWERS_SESSION:
        return read_one_session(a, root, out);
    case ANSWERS_MEMBERSHIPS:
        return read_memberships(a, root, out);
    }
    return ERR_UNAVAILABLE;
}

struct clerk_backend_answer answers_read(struct arena *a, enum answers_kind kind, long status,
                                         struct span body)
{
    const struct json *root = NULL;
    struct json_error error;
    struct clerk_backend_answer out = {.err = err_of(status), .status = status};
    bool parsed = json_parse(a, body, &limits, &root, &error) == OK;
    if (out.err != OK) {
        read_error(root, &out); /* a proxy on the way answers without JSON: then there is no code */
        return out;
    }
    if (!parsed || read_records(a, kind, root, &out) != OK) {
        return (struct clerk_backend_answer){.err = ERR_UNAVAILABLE, .status = status};
    }
    return out;
}
