/* event: the bodies of webhooks. */
#include "base/clock.h"
#include "base/json.h"
#include "clerk/claims.h"
#include "clerk/delivery.h"
#include "clerk/read.h"

#define TYPE_MAX 128   /* bytes */
#define ADDRESS_MAX 64 /* of an IP address as text, with room */
#define COUNT(table) (sizeof(table) / sizeof *(table))

/* Metadata of users nests as its owners like. */
static const struct json_limits limits = {
    .bytes = CLERK_WEBHOOK_BODY_MAX, .depth = 64, .values = 50000};

static enum clerk_event_kind kind_of(struct span type)
{
    static const char *const types[] = {
        [CLERK_EVENT_USER_CREATED] = "user.created",
        [CLERK_EVENT_USER_UPDATED] = "user.updated",
        [CLERK_EVENT_USER_DELETED] = "user.deleted",
        [CLERK_EVENT_SESSION_CREATED] = "session.created",
        [CLERK_EVENT_SESSION_PENDING] = "session.pending",
        [CLERK_EVENT_SESSION_ENDED] = "session.ended",
        [CLERK_EVENT_SESSION_REMOVED] = "session.removed",
        [CLERK_EVENT_SESSION_REVOKED] = "session.revoked",
        [CLERK_EVENT_ORGANIZATION_CREATED] = "organization.created",
        [CLERK_EVENT_ORGANIZATION_UPDATED] = "organization.updated",
        [CLERK_EVENT_ORGANIZATION_DELETED] = "organization.deleted",
        [CLERK_EVENT_MEMBERSHIP_CREATED] = "organizationMembership.created",
        [CLERK_EVENT_MEMBERSHIP_UPDATED] = "organizationMembership.updated",
        [CLERK_EVENT_MEMBERSHIP_DELETED] = "organizationMembership.deleted",
    };
    for (size_t i = CLERK_EVENT_OTHER + 1; i < COUNT(types); i++) {
        if (span_eq(type, span_str(types[i]))) {
            return (enum clerk_event_kind)i;
        }
    }
    return CLERK_EVENT_OTHER;
}

/* --- the record --- */

static void order_by(struct clerk_event *e, int64_t updated_ms)
{
    e->order_ms = updated_ms > 0 ? updated_ms : e->sent_ms;
}

static enum err read_user_event(const struct json *data, struct clerk_event *e)
{
    enum err err = read_user(data, &e->user);
    order_by(e, e->user.updated_ms);
    return err;
}

/* Without its user nobody could say whose sockets to close. */
static enum err read_session_event(const struct json *data, struct clerk_event *e)
{
    enum err err = read_session(data, &e->session);
    order_by(e, e->session.updated_ms);
    return err == OK && e->session.user_id.n == 0 ? ERR_INVALID : err;
}

static enum err read_organization_event(const struct json *data, struct clerk_event *e)
{
    enum err err = read_organization(data, &e->organization);
    order_by(e, e->organization.updated_ms);
    return err;
}

/* Its user and organization may be gone with it: then there is only the id. */
static enum err read_membership_end(const struct json *data, struct clerk_event *e)
{
    e->order_ms = e->sent_ms;
    if (read_membership(data, &e->membership) == OK) {
        return OK;
    }
    e->membership = (struct clerk_membership_record){.id = json_get_string(data, SPAN("id"))};
    return claims_is_identifier(e->membership.id) ? OK : ERR_INVALID;
}

static enum err read_membership_event(const struct json *data, struct clerk_event *e)
{
    enum err err = read_membership(data, &e->membership);
    order_by(e, e->membership.updated_ms);
    return err;
}

/* What is deleted is deleted as of the message, whatever its last change was. */
static enum err as_deleted(enum err err, struct clerk_event *e)
{
    e->order_ms = e->sent_ms;
    return err;
}

static enum err read_data(const struct json *data, struct clerk_event *e)
{
    switch (e->kind) {
    case CLERK_EVENT_OTHER:
        e->order_ms = e->sent_ms;
        return OK;
    case CLERK_EVENT_USER_CREATED:
    case CLERK_EVENT_USER_UPDATED:
        return read_user_event(data, e);
    case CLERK_EVENT_USER_DELETED:
        return as_deleted(read_user(data, &e->user), e);
    case CLERK_EVENT_SESSION_CREATED:
    case CLERK_EVENT_SESSION_PENDING:
    case CLERK_EVENT_SESSION_ENDED:
    case CLERK_EVENT_SESSION_REMOVED:
    case CLERK_EVENT_SESSION_REVOKED:
        return read_session_event(data, e);
    case CLERK_EVENT_ORGANIZATION_CREATED:
    case CLERK_EVENT_ORGANIZATION_UPDATED:
        return read_organization_event(data, e);
    case CLERK_EVENT_ORGANIZATION_DELETED:
        return as_deleted(read_organization(data, &e->organization), e);
    case CLERK_EVENT_MEMBERSHIP_CREATED:
    case CLERK_EVENT_MEMBERSHIP_UPDATED:
        return read_membership_event(data, e);
    case CLERK_EVENT_MEMBERSHIP_DELETED:
        return read_membership_end(data, e);
    }
    return ERR_INVALID;
}

/* --- the envelope --- */

struct envelope {
    struct span object;
    struct span type;
    struct span instance_id;
    int64_t timestamp_ms;
    const struct json *data;
    const struct json *attributes;
};

#define AT(member) .offset = offsetof(struct envelope, member)
static const struct json_field fields[] = {
    {.name = "type", .type = JSON_FIELD_STRING, .required = true, .max = TYPE_MAX, AT(type)},
    {.name = "data", .type = JSON_FIELD_VALUE, .required = true, AT(data)},
    {.name = "object", .type = JSON_FIELD_STRING, .nullable = true, AT(object)},
    {.name = "timestamp", .type = JSON_FIELD_INT, .nullable = true, AT(timestamp_ms)},
    {.name = "instance_id", .type = JSON_FIELD_STRING, .nullable = true, AT(instance_id)},
    {.name = "event_attributes", .type = JSON_FIELD_VALUE, .nullable = true, AT(attributes)},
};

static enum err read_envelope(const struct json *root, struct envelope *out)
{
    struct json_problem problem;
    enum err e = json_decode(root, fields, COUNT(fields), out, &problem);
    if (e != OK) {
        return e;
    }
    bool good = claims_is_identifier(out->type) && out->data->kind == JSON_OBJECT &&
                (span_is_null(out->object) || span_eq(out->object, SPAN("event"))) &&
                (span_is_null(out->instance_id) || claims_is_identifier(out->instance_id)) &&
                out->timestamp_ms >= 0 && out->timestamp_ms <= CLOCK_MAX_MS;
    return good ? OK : ERR_INVALID;
}

static struct span read_client_ip(const struct json *attributes)
{
    struct span s = json_get_string(json_get(attributes, SPAN("http_request")), SPAN("client_ip"));
    return s.n <= ADDRESS_MAX && claims_is_identifier(s) ? s : SPAN_NULL;
}

enum err clerk_event_read(struct arena *a, const struct clerk_webhook *d, struct clerk_event *out)
{
    struct delivery h;
    struct envelope envelope = {0};
    const struct json *root = NULL;
    struct json_error error;
    if (!delivery_headers(d, &h)) {
        return ERR_INVALID;
    }
    enum err e = json_parse(a, d->body, &limits, &root, &error);
    if (e == OK) {
        e = read_envelope(root, &envelope);
    }
    if (e != OK) {
        return e;
    }
    *out = (struct clerk_event){
        .kind = kind_of(envelope.type),
        .message_id = h.id,
        .type = envelope.type,
        .instance_id = envelope.instance_id,
        .client_ip = read_client_ip(envelope.attributes),
        .sent_ms = envelope.timestamp_ms > 0 ? envelope.timestamp_ms : h.sent_s * 1000,
    };
    return read_data(envelope.data, out);
}
