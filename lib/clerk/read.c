#include "clerk/read.h"

#include "base/clock.h"
#include "clerk/claims.h"

#define NAME_MAX_BYTES 1024 /* Clerk allows 256 characters */
#define URL_MAX_BYTES 4096
#define COUNT(table) (sizeof(table) / sizeof *(table))

/* Each may be missing or null; what must be there is checked afterwards. */
#define FIELD(json_name, kind, record, member)                                                     \
    .name = (json_name), .type = (kind), .nullable = true, .offset = offsetof(record, member)
#define STRING(json_name, record, member, bytes)                                                   \
    {                                                                                              \
        FIELD(json_name, JSON_FIELD_STRING, record, member), .max = (bytes)                        \
    }
#define TIME(json_name, record, member)                                                            \
    {                                                                                              \
        FIELD(json_name, JSON_FIELD_INT, record, member)                                           \
    }
#define FLAG(json_name, record, member)                                                            \
    {                                                                                              \
        FIELD(json_name, JSON_FIELD_BOOL, record, member)                                          \
    }
#define VALUE(json_name, record, member)                                                           \
    {                                                                                              \
        FIELD(json_name, JSON_FIELD_VALUE, record, member)                                         \
    }

static bool is_time(int64_t ms)
{
    return ms >= 0 && ms <= CLOCK_MAX_MS;
}

static bool is_identifier_or_null(struct span s)
{
    return span_is_null(s) || claims_is_identifier(s);
}

static bool decode(const struct json *v, const struct json_field *fields, size_t count, void *out)
{
    struct json_problem problem;
    return v != NULL && json_decode(v, fields, count, out, &problem) == OK;
}

/* --- users --- */

struct raw_user {
    struct clerk_user_record user;
    struct span primary_id;
    const struct json *emails;
};

static const struct json_field user_fields[] = {
    STRING("id", struct raw_user, user.id, CLAIMS_ID_MAX),
    STRING("first_name", struct raw_user, user.first_name, NAME_MAX_BYTES),
    STRING("last_name", struct raw_user, user.last_name, NAME_MAX_BYTES),
    STRING("username", struct raw_user, user.username, NAME_MAX_BYTES),
    STRING("image_url", struct raw_user, user.image_url, URL_MAX_BYTES),
    STRING("external_id", struct raw_user, user.external_id, NAME_MAX_BYTES),
    FLAG("banned", struct raw_user, user.banned),
    FLAG("locked", struct raw_user, user.locked),
    TIME("created_at", struct raw_user, user.created_ms),
    TIME("updated_at", struct raw_user, user.updated_ms),
    STRING("primary_email_address_id", struct raw_user, primary_id, CLAIMS_ID_MAX),
    VALUE("email_addresses", struct raw_user, emails),
};

/* Not simply the first address: without a primary one the user has none that counts. */
static void read_email(const struct raw_user *raw, struct clerk_user_record *out)
{
    size_t count = raw->emails == NULL ? 0 : raw->emails->count;
    for (size_t i = 0; i < count && raw->primary_id.n > 0; i++) {
        const struct json *item = &raw->emails->items[i];
        struct span address = json_get_string(item, SPAN("email_address"));
        if (span_eq(json_get_string(item, SPAN("id")), raw->primary_id) && address.n > 0 &&
            address.n <= NAME_MAX_BYTES) {
            const struct json *verification = json_get(item, SPAN("verification"));
            out->email = address;
            out->email_verified =
                span_eq(json_get_string(verification, SPAN("status")), SPAN("verified"));
            return;
        }
    }
}

enum err read_user(const struct json *v, struct clerk_user_record *out)
{
    struct raw_user raw = {0};
    *out = (struct clerk_user_record){0};
    if (!decode(v, user_fields, COUNT(user_fields), &raw) || !claims_is_identifier(raw.user.id) ||
        !is_time(raw.user.created_ms) || !is_time(raw.user.updated_ms) ||
        (raw.emails != NULL && raw.emails->kind != JSON_ARRAY)) {
        return ERR_INVALID;
    }
    *out = raw.user;
    read_email(&raw, out);
    return OK;
}

/* --- sessions --- */

struct raw_session {
    struct clerk_session_record session;
    struct span status;
    const struct json *actor;
};

static const struct json_field session_fields[] = {
    STRING("id", struct raw_session, session.id, CLAIMS_ID_MAX),
    STRING("user_id", struct raw_session, session.user_id, CLAIMS_ID_MAX),
    STRING("client_id", struct raw_session, session.client_id, CLAIMS_ID_MAX),
    STRING("last_active_organization_id", struct raw_session, session.organization_id,
           CLAIMS_ID_MAX),
    TIME("expire_at", struct raw_session, session.expires_ms),
    TIME("abandon_at", struct raw_session, session.abandons_ms),
    TIME("last_active_at", struct raw_session, session.last_active_ms),
    TIME("updated_at", struct raw_session, session.updated_ms),
    STRING("status", struct raw_session, status, CLAIMS_ID_MAX),
    VALUE("actor", struct raw_session, actor),
};

static enum clerk_session_status read_status(struct span word)
{
    static const struct {
        const char *word;
        enum clerk_session_status status;
    } words[] = {
        {"active", CLERK_SESSION_IS_ACTIVE},  {"pending", CLERK_SESSION_IS_PENDING},
        {"ended", CLERK_SESSION_IS_OVER},     {"removed", CLERK_SESSION_IS_OVER},
        {"revoked", CLERK_SESSION_IS_OVER},   {"expired", CLERK_SESSION_IS_OVER},
        {"abandoned", CLERK_SESSION_IS_OVER}, {"replaced", CLERK_SESSION_IS_OVER},
    };
    for (size_t i = 0; i < COUNT(words); i++) {
        if (span_eq(word, span_str(words[i].word))) {
            return words[i].status;
        }
    }
    return CLERK_SESSION_UNKNOWN;
}

static bool is_session(const struct clerk_session_record *s)
{
    return claims_is_identifier(s->id) && is_identifier_or_null(s->user_id) &&
           is_identifier_or_null(s->client_id) && is_identifier_or_null(s->organization_id) &&
           is_time(s->expires_ms) && is_time(s->abandons_ms) && is_time(s->last_active_ms) &&
           is_time(s->updated_ms);
}

enum err read_session(const struct json *v, struct clerk_session_record *out)
{
    struct raw_session raw = {0};
    *out = (struct clerk_session_record){0};
    if (!decode(v, session_fields, COUNT(session_fields), &raw) || !is_session(&raw.session)) {
        return ERR_INVALID;
    }
    raw.session.status = read_status(raw.status);
    if (raw.actor != NULL) {
        raw.session.actor_id = json_get_string(raw.actor, SPAN("sub"));
        if (!claims_is_identifier(raw.session.actor_id)) {
            return ERR_INVALID;
        }
    }
    *out = raw.session;
    return OK;
}

/* --- organizations --- */

static const struct json_field organization_fields[] = {
    STRING("id", struct clerk_organization_record, id, CLAIMS_ID_MAX),
    STRING("name", struct clerk_organization_record, name, NAME_MAX_BYTES),
    STRING("slug", struct clerk_organization_record, slug, NAME_MAX_BYTES),
    STRING("image_url", struct clerk_organization_record, image_url, URL_MAX_BYTES),
    STRING("created_by", struct clerk_organization_record, created_by, CLAIMS_ID_MAX),
    TIME("updated_at", struct clerk_organization_record, updated_ms),
};

enum err read_organization(const struct json *v, struct clerk_organization_record *out)
{
    struct clerk_organization_record raw = {0};
    *out = raw;
    if (!decode(v, organization_fields, COUNT(organization_fields), &raw) ||
        !claims_is_identifier(raw.id) || !is_identifier_or_null(raw.created_by) ||
        !is_time(raw.updated_ms)) {
        return ERR_INVALID;
    }
    *out = raw;
    return OK;
}

struct raw_membership {
    struct clerk_membership_record membership;
    const struct json *permissions;
    const struct json *organization;
    const struct json *user;
};

static const struct json_field membership_fields[] = {
    STRING("id", struct raw_membership, membership.id, CLAIMS_ID_MAX),
    STRING("role", struct raw_membership, membership.role, CLAIMS_ID_MAX),
    TIME("updated_at", struct raw_membership, membership.updated_ms),
    VALUE("permissions", struct raw_membership, permissions),
    VALUE("organization", struct raw_membership, organization),
    VALUE("public_user_data", struct raw_membership, user),
};

enum err read_membership(const struct json *v, struct clerk_membership_record *out)
{
    struct raw_membership raw = {0};
    *out = raw.membership;
    if (!decode(v, membership_fields, COUNT(membership_fields), &raw) ||
        !claims_is_identifier(raw.membership.id) || !is_identifier_or_null(raw.membership.role) ||
        !is_time(raw.membership.updated_ms) ||
        (raw.permissions != NULL && raw.permissions->kind != JSON_ARRAY)) {
        return ERR_INVALID;
    }
    raw.membership.user_id = json_get_string(raw.user, SPAN("user_id"));
    if (!claims_is_identifier(raw.membership.user_id) ||
        read_organization(raw.organization, &raw.membership.organization) != OK) {
        return ERR_INVALID;
    }
    raw.membership.permissions = raw.permissions == NULL ? SPAN_NULL : raw.permissions->raw;
    *out = raw.membership;
    return OK;
}
