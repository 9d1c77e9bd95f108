#include "clerk/organization.h"

#include "base/text.h"
#include "clerk/claims.h"
#include "clerk/permissions.h"

#define AGE_MAX 1e9 /* minutes; older is as old */

/* The null span for what is no string, is empty, or could not be shown to people. */
static struct span read_name(const struct json *object, struct span name)
{
    struct span s = json_get_string(object, name);
    return claims_is_identifier(s) ? s : SPAN_NULL;
}

/* Lists are long, and their elements are compared and never shown as they are. */
static struct span read_list(const struct json *object, struct span name)
{
    struct span s = json_get_string(object, name);
    return s.n > 0 ? s : SPAN_NULL;
}

/* Version 1 writes "org:admin" and version 2 "admin". */
static struct span read_role(struct arena *a, const struct json *object, struct span name)
{
    struct span role = permissions_plain(read_name(object, name));
    return role.n > 0 ? arena_printf(a, "org:%.*s", SPAN_ARGS(role)) : SPAN_NULL;
}

/* A comma would make two permissions of one. */
static bool is_permission(const struct json *v)
{
    return v->kind == JSON_STRING && v->string.n > 0 && span_find(v->string, ',') == v->string.n;
}

static struct span join(struct arena *a, const struct json *list)
{
    struct text out = TEXT(CLERK_TOKEN_MAX);
    for (size_t i = 0; list != NULL && list->kind == JSON_ARRAY && i < list->count; i++) {
        if (is_permission(&list->items[i])) {
            text_add(&out, out.n == 0 ? SPAN("") : SPAN(","));
            text_add(&out, list->items[i].string);
        }
    }
    struct span joined = out.n == 0 || out.overflowed ? SPAN_NULL : arena_copy(a, text_span(&out));
    text_free(&out);
    return joined;
}

static void read_version_1(struct arena *a, const struct json *payload,
                           struct clerk_organization *o)
{
    o->id = read_name(payload, SPAN("org_id"));
    if (o->id.n > 0) {
        o->slug = read_name(payload, SPAN("org_slug"));
        o->role = read_role(a, payload, SPAN("org_role"));
        o->permissions = join(a, json_get(payload, SPAN("org_permissions")));
    }
}

static void read_version_2(struct arena *a, const struct json *object, struct clerk_organization *o)
{
    o->id = read_name(object, SPAN("id"));
    if (o->id.n > 0) {
        o->slug = read_name(object, SPAN("slg"));
        o->role = read_role(a, object, SPAN("rol"));
        o->permission_keys = read_list(object, SPAN("per"));
        o->permission_map = read_list(object, SPAN("fpm"));
    }
}

static bool read_age(const struct json *v, int64_t *out)
{
    if (v->kind != JSON_NUMBER || !(v->number == CLERK_FACTOR_NONE || v->number >= 0)) {
        return false;
    }
    /* rounding down changes nothing for limits in whole minutes */
    *out = (int64_t)(v->number < AGE_MAX ? v->number : AGE_MAX);
    return true;
}

static bool read_ages(const struct json *fva, int64_t ages[2])
{
    return fva != NULL && fva->kind == JSON_ARRAY && fva->count == 2 &&
           read_age(&fva->items[0], &ages[0]) && read_age(&fva->items[1], &ages[1]);
}

/* The number 2 and nothing else makes a version 2; each version's organization is looked for in its
 * own place only. */
void organization_read(struct arena *a, const struct json *payload, struct clerk_identity *who)
{
    const struct json *version = json_get(payload, SPAN("v"));
    if (version != NULL && version->kind == JSON_NUMBER && version->number == 2) {
        read_version_2(a, json_get(payload, SPAN("o")), &who->organization);
    } else {
        read_version_1(a, payload, &who->organization);
    }
    who->features = read_list(payload, SPAN("fea"));
    who->plans = read_list(payload, SPAN("pla"));
    who->has_factor_ages = read_ages(json_get(payload, SPAN("fva")), who->factor_ages);
}
