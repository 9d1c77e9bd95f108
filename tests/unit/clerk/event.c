/* The bodies of webhooks. */
#include "clerk/clerk.h"
#include "tests/unit/check.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define EVENT(type, data)                                                                          \
    "{\"object\":\"event\",\"type\":\"" type "\",\"timestamp\":1700000000123,"                     \
    "\"instance_id\":\"ins_1\",\"data\":" data ",\"event_attributes\":{\"http_request\":"          \
    "{\"client_ip\":\"192.0.2.7\",\"user_agent\":\"x\"}}}"
#define USER                                                                                       \
    "{\"id\":\"user_1\",\"object\":\"user\",\"email_addresses\":["                                 \
    "{\"id\":\"idn_1\",\"email_address\":\"old@example.com\",\"verification\":null},"              \
    "{\"id\":\"idn_2\",\"email_address\":\"ada@example.com\","                                     \
    "\"verification\":{\"status\":\"verified\",\"strategy\":\"email_code\"}}],"                    \
    "\"primary_email_address_id\":\"idn_2\",\"first_name\":\"Ada\",\"last_name\":null,"            \
    "\"username\":null,\"image_url\":\"https://img.clerk.com/x\",\"external_id\":null,"            \
    "\"banned\":false,\"locked\":true,\"created_at\":1690000000000,"                               \
    "\"updated_at\":1699999999999,\"public_metadata\":{\"a\":[1,{\"b\":null}]}}"
#define ORGANIZATION                                                                               \
    "{\"id\":\"org_1\",\"name\":\"Acme\",\"slug\":\"acme\",\"created_by\":\"user_1\","             \
    "\"image_url\":\"\",\"updated_at\":1699999999000}"
#define MEMBERSHIP                                                                                 \
    "{\"id\":\"orgmem_1\",\"role\":\"org:admin\",\"permissions\":[\"org:a:x\"],"                   \
    "\"organization\":" ORGANIZATION ",\"public_user_data\":{\"user_id\":\"user_1\","              \
    "\"identifier\":\"ada@example.com\"},\"updated_at\":1699999998000}"
#define SESSION(status)                                                                            \
    "{\"id\":\"sess_1\",\"user_id\":\"user_1\",\"client_id\":\"client_1\",\"status\":" status      \
    ",\"actor\":null,\"expire_at\":1700600000000,\"abandon_at\":1702592000000,"                    \
    "\"last_active_at\":1699999990000,\"updated_at\":1699999991000,\"user\":null}"
#define DELETED(id) "{\"id\":" id ",\"object\":\"user\",\"deleted\":true}"

static enum err read_event(struct arena *a, struct span body, struct clerk_event *out)
{
    struct clerk_webhook d = {
        .svix = {.id = SPAN("msg_1"), .timestamp = SPAN("1700000001"), .signature = SPAN("v1,x")},
        .body = body};
    return clerk_event_read(a, &d, out);
}

static struct clerk_event read_good(struct arena *a, const char *body)
{
    struct clerk_event e;
    CHECK(read_event(a, span_str(body), &e) == OK);
    return e;
}

/* --- users --- */

static void a_user_is_read(void)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct clerk_event e = read_good(a, EVENT("user.updated", USER));
    CHECK(e.kind == CLERK_EVENT_USER_UPDATED && span_eq(e.type, SPAN("user.updated")));
    CHECK(span_eq(e.message_id, SPAN("msg_1")) && span_eq(e.instance_id, SPAN("ins_1")));
    CHECK(span_eq(e.client_ip, SPAN("192.0.2.7")));
    CHECK(e.sent_ms == 1700000000123 && e.order_ms == 1699999999999);
    CHECK(span_eq(e.user.id, SPAN("user_1")) && span_eq(e.user.first_name, SPAN("Ada")));
    CHECK(span_eq(e.user.email, SPAN("ada@example.com")) && e.user.email_verified);
    CHECK(span_is_null(e.user.last_name) && span_is_null(e.user.username));
    CHECK(span_is_null(e.user.external_id) && !e.user.banned && e.user.locked);
    CHECK(span_eq(e.user.image_url, SPAN("https://img.clerk.com/x")));
    CHECK(e.user.created_ms == 1690000000000 && e.user.updated_ms == 1699999999999);
}

static void the_primary_address_counts_and_no_other(void)
{
    static const struct {
        const char *members;
        const char *email;
        bool verified;
    } cases[] = {
        {"\"email_addresses\":[]", NULL, false},
        {"\"email_addresses\":null,\"primary_email_address_id\":null", NULL, false},
        {"\"x\":1", NULL, false},
        {"\"email_addresses\":[{\"id\":\"i\",\"email_address\":\"a@b\"}]", NULL, false},
        {"\"email_addresses\":[{\"id\":\"i\",\"email_address\":\"a@b\"}],"
         "\"primary_email_address_id\":\"j\"",
         NULL, false},
        {"\"email_addresses\":[{\"id\":\"i\",\"email_address\":\"a@b\"}],"
         "\"primary_email_address_id\":\"i\"",
         "a@b", false},
        {"\"email_addresses\":[{\"id\":\"i\",\"email_address\":\"a@b\","
         "\"verification\":{\"status\":\"unverified\"}}],\"primary_email_address_id\":\"i\"",
         "a@b", false},
        {"\"email_addresses\":[{\"id\":\"i\",\"email_address\":\"a@b\","
         "\"verification\":{\"status\":\"verified\"}}],\"primary_email_address_id\":\"i\"",
         "a@b", true},
        {"\"email_addresses\":[null,1,\"i\",{\"id\":\"i\"},{\"id\":\"i\",\"email_address\":\"a@b\"}"
         "],"
         "\"primary_email_address_id\":\"i\"",
         "a@b", false},
        {"\"email_addresses\":[{\"id\":\"\",\"email_address\":\"a@b\"}],"
         "\"primary_email_address_id\":\"\"",
         NULL, false},
    };
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        char body[1024];
        check_case(cases[i].members);
        (void)snprintf(body, sizeof body, EVENT("user.created", "{\"id\":\"user_1\",%s}"),
                       cases[i].members);
        struct clerk_event e = read_good(a, body);
        CHECK(span_eq(e.user.email, span_str(cases[i].email)));
        CHECK(e.user.email_verified == cases[i].verified);
    }
}

static void what_is_deleted_is_deleted_as_of_the_message(void)
{
    static const char *const bodies[] = {
        EVENT("user.deleted", DELETED("\"user_1\"")),
        EVENT("organization.deleted", DELETED("\"org_1\"")),
        EVENT("organizationMembership.deleted", MEMBERSHIP),
        EVENT("organizationMembership.deleted", DELETED("\"orgmem_1\"")),
        EVENT("user.deleted", USER), /* an updated_at does not make it older */
    };
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(bodies); i++) {
        check_case(bodies[i]);
        CHECK(read_good(a, bodies[i]).order_ms == 1700000000123);
    }
    struct clerk_event e = read_good(a, EVENT("user.deleted", DELETED("\"user_1\"")));
    CHECK(e.kind == CLERK_EVENT_USER_DELETED && span_eq(e.user.id, SPAN("user_1")));
    e = read_good(a, EVENT("organizationMembership.deleted", DELETED("\"orgmem_1\"")));
    CHECK(span_eq(e.membership.id, SPAN("orgmem_1")) && span_is_null(e.membership.user_id));
}

/* --- the others --- */

static void a_session_is_read(void)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct clerk_event e = read_good(a, EVENT("session.revoked", SESSION("\"revoked\"")));
    CHECK(e.kind == CLERK_EVENT_SESSION_REVOKED && e.order_ms == 1699999991000);
    CHECK(span_eq(e.session.id, SPAN("sess_1")) && span_eq(e.session.user_id, SPAN("user_1")));
    CHECK(span_eq(e.session.client_id, SPAN("client_1")) && span_is_null(e.session.actor_id));
    CHECK(e.session.status == CLERK_SESSION_IS_OVER);
    CHECK(e.session.expires_ms == 1700600000000 && e.session.abandons_ms == 1702592000000);
    CHECK(e.session.last_active_ms == 1699999990000);
}

static void a_session_has_a_status(void)
{
    static const struct {
        const char *body;
        enum clerk_session_status status;
    } cases[] = {
        {EVENT("session.created", SESSION("\"active\"")), CLERK_SESSION_IS_ACTIVE},
        {EVENT("session.created", SESSION("\"pending\"")), CLERK_SESSION_IS_PENDING},
        {EVENT("session.ended", SESSION("\"ended\"")), CLERK_SESSION_IS_OVER},
        {EVENT("session.removed", SESSION("\"removed\"")), CLERK_SESSION_IS_OVER},
        {EVENT("session.ended", SESSION("\"expired\"")), CLERK_SESSION_IS_OVER},
        {EVENT("session.ended", SESSION("\"abandoned\"")), CLERK_SESSION_IS_OVER},
        {EVENT("session.ended", SESSION("\"replaced\"")), CLERK_SESSION_IS_OVER},
        {EVENT("session.created", SESSION("\"Active\"")), CLERK_SESSION_UNKNOWN},
        {EVENT("session.created", SESSION("\"\"")), CLERK_SESSION_UNKNOWN},
        {EVENT("session.created", SESSION("null")), CLERK_SESSION_UNKNOWN},
    };
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_case(cases[i].body);
        CHECK(read_good(a, cases[i].body).session.status == cases[i].status);
    }
}

static void an_organization_and_a_membership_are_read(void)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct clerk_event e = read_good(a, EVENT("organization.created", ORGANIZATION));
    CHECK(e.kind == CLERK_EVENT_ORGANIZATION_CREATED && e.order_ms == 1699999999000);
    CHECK(span_eq(e.organization.id, SPAN("org_1")) && span_eq(e.organization.slug, SPAN("acme")));
    CHECK(span_eq(e.organization.name, SPAN("Acme")));
    CHECK(span_eq(e.organization.created_by, SPAN("user_1")));
    e = read_good(a, EVENT("organizationMembership.updated", MEMBERSHIP));
    CHECK(e.kind == CLERK_EVENT_MEMBERSHIP_UPDATED && e.order_ms == 1699999998000);
    CHECK(span_eq(e.membership.id, SPAN("orgmem_1")));
    CHECK(span_eq(e.membership.user_id, SPAN("user_1")));
    CHECK(span_eq(e.membership.role, SPAN("org:admin")));
    CHECK(span_eq(e.membership.permissions, SPAN("[\"org:a:x\"]")));
    CHECK(span_eq(e.membership.organization.id, SPAN("org_1")));
}

static void every_type_has_its_kind(void)
{
    static const struct {
        const char *body;
        enum clerk_event_kind kind;
    } cases[] = {
        {EVENT("user.created", USER), CLERK_EVENT_USER_CREATED},
        {EVENT("user.updated", USER), CLERK_EVENT_USER_UPDATED},
        {EVENT("user.deleted", USER), CLERK_EVENT_USER_DELETED},
        {EVENT("session.created", SESSION("null")), CLERK_EVENT_SESSION_CREATED},
        {EVENT("session.pending", SESSION("null")), CLERK_EVENT_SESSION_PENDING},
        {EVENT("session.ended", SESSION("null")), CLERK_EVENT_SESSION_ENDED},
        {EVENT("session.removed", SESSION("null")), CLERK_EVENT_SESSION_REMOVED},
        {EVENT("session.revoked", SESSION("null")), CLERK_EVENT_SESSION_REVOKED},
        {EVENT("organization.created", ORGANIZATION), CLERK_EVENT_ORGANIZATION_CREATED},
        {EVENT("organization.updated", ORGANIZATION), CLERK_EVENT_ORGANIZATION_UPDATED},
        {EVENT("organization.deleted", ORGANIZATION), CLERK_EVENT_ORGANIZATION_DELETED},
        {EVENT("organizationMembership.created", MEMBERSHIP), CLERK_EVENT_MEMBERSHIP_CREATED},
        {EVENT("organizationMembership.updated", MEMBERSHIP), CLERK_EVENT_MEMBERSHIP_UPDATED},
        {EVENT("organizationMembership.deleted", MEMBERSHIP), CLERK_EVENT_MEMBERSHIP_DELETED},
        {EVENT("organizationInvitation.created", "{}"), CLERK_EVENT_OTHER},
        {EVENT("organizationDomain.updated", "{}"), CLERK_EVENT_OTHER},
        {EVENT("role.created", "{\"id\":1}"), CLERK_EVENT_OTHER},
        {EVENT("permission.deleted", "{}"), CLERK_EVENT_OTHER},
        {EVENT("email.created", "{}"), CLERK_EVENT_OTHER},
        {EVENT("sms.created", "{}"), CLERK_EVENT_OTHER},
        {EVENT("waitlistEntry.created", "{}"), CLERK_EVENT_OTHER},
        {EVENT("subscriptionItem.active", "{}"), CLERK_EVENT_OTHER},
        {EVENT("paymentAttempt.created", "{}"), CLERK_EVENT_OTHER},
        {EVENT("user.createdAtSea", "{}"), CLERK_EVENT_OTHER},
        {EVENT("User.created", "{}"), CLERK_EVENT_OTHER},
        {EVENT("something.new", "{}"), CLERK_EVENT_OTHER},
    };
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_case(cases[i].body);
        struct clerk_event e = read_good(a, cases[i].body);
        CHECK(e.kind == cases[i].kind && e.type.n > 0 && e.order_ms > 0);
    }
}

/* --- envelopes --- */

static void the_time_may_come_from_the_header(void)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct clerk_event e = read_good(a, "{\"type\":\"user.created\",\"data\":{\"id\":\"user_1\"}}");
    CHECK(e.sent_ms == 1700000001000 && e.order_ms == 1700000001000);
    CHECK(span_is_null(e.instance_id) && span_is_null(e.client_ip));
}

static const char *const malformed[] = {
    "",
    "null",
    "[]",
    "{}",
    "{\"type\":\"user.created\"}",
    "{\"type\":\"user.created\",\"data\":null}",
    "{\"type\":\"user.created\",\"data\":[]}",
    "{\"type\":\"user.created\",\"data\":\"user_1\"}",
    "{\"data\":{\"id\":\"user_1\"}}",
    "{\"type\":null,\"data\":{\"id\":\"user_1\"}}",
    "{\"type\":\"\",\"data\":{\"id\":\"user_1\"}}",
    "{\"type\":\"a\\u0000b\",\"data\":{\"id\":\"user_1\"}}",
    "{\"type\":[\"user.created\"],\"data\":{\"id\":\"user_1\"}}",
    "{\"type\":\"x\",\"type\":\"user.created\",\"data\":{\"id\":\"user_1\"}}",
    "{\"type\":\"user.created\",\"object\":\"user\",\"data\":{\"id\":\"user_1\"}}",
    "{\"type\":\"user.created\",\"timestamp\":-1,\"data\":{\"id\":\"user_1\"}}",
    "{\"type\":\"user.created\",\"timestamp\":1e30,\"data\":{\"id\":\"user_1\"}}",
    "{\"type\":\"user.created\",\"timestamp\":\"1\",\"data\":{\"id\":\"user_1\"}}",
    "{\"type\":\"user.created\",\"timestamp\":253402300800000,\"data\":{\"id\":\"user_1\"}}",
    "{\"type\":\"user.created\",\"instance_id\":\"\",\"data\":{\"id\":\"user_1\"}}",
    "{\"type\":\"user.created\",\"data\":{\"id\":\"user_1\"}} x",
    "{\"type\":\"user.created\",\"data\":{\"id\":\"user_1\xFF\"}}",
    EVENT("user.created", "{}"),
    EVENT("user.created", "{\"id\":\"\"}"),
    EVENT("user.created", "{\"id\":null}"),
    EVENT("user.created", "{\"id\":7}"),
    EVENT("user.created", "{\"id\":\"a\\nb\"}"),
    EVENT("user.created", "{\"id\":\"user_1\",\"first_name\":7}"),
    EVENT("user.created", "{\"id\":\"user_1\",\"banned\":\"no\"}"),
    EVENT("user.created", "{\"id\":\"user_1\",\"banned\":1}"),
    EVENT("user.created", "{\"id\":\"user_1\",\"updated_at\":-1}"),
    EVENT("user.created", "{\"id\":\"user_1\",\"updated_at\":1.5}"),
    EVENT("user.created", "{\"id\":\"user_1\",\"updated_at\":\"1\"}"),
    EVENT("user.created", "{\"id\":\"user_1\",\"updated_at\":9007199254740993000}"),
    EVENT("user.created", "{\"id\":\"user_1\",\"email_addresses\":{}}"),
    EVENT("user.deleted", "{\"deleted\":true}"),
    EVENT("user.deleted", DELETED("null")),
    EVENT("session.created", "{\"id\":\"sess_1\"}"),
    EVENT("session.ended", "{\"id\":\"sess_1\",\"user_id\":null}"),
    EVENT("session.ended", "{\"user_id\":\"user_1\"}"),
    EVENT("session.ended", "{\"id\":\"sess_1\",\"user_id\":\"user_1\",\"actor\":{}}"),
    EVENT("session.ended", "{\"id\":\"sess_1\",\"user_id\":\"user_1\",\"actor\":\"x\"}"),
    EVENT("session.ended", "{\"id\":\"sess_1\",\"user_id\":\"user_1\",\"status\":1}"),
    EVENT("organization.created", "{\"name\":\"Acme\"}"),
    EVENT("organization.created", "{\"id\":\"org_1\",\"created_by\":\"\"}"),
    EVENT("organization.deleted", DELETED("1")),
    EVENT("organizationMembership.created", "{\"id\":\"orgmem_1\"}"),
    EVENT("organizationMembership.created",
          "{\"id\":\"orgmem_1\",\"organization\":" ORGANIZATION "}"),
    EVENT("organizationMembership.created",
          "{\"id\":\"orgmem_1\",\"public_user_data\":{\"user_id\":\"user_1\"}}"),
    EVENT("organizationMembership.created",
          "{\"id\":\"orgmem_1\",\"organization\":{},\"public_user_data\":{\"user_id\":\"u\"}}"),
    EVENT("organizationMembership.created",
          "{\"id\":\"orgmem_1\",\"permissions\":{},\"organization\":" ORGANIZATION
          ",\"public_user_data\":{\"user_id\":\"u\"}}"),
    EVENT("organizationMembership.deleted", "{}"),
};

static void malformed_events_are_refused(void)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(malformed); i++) {
        struct clerk_event e;
        check_case(malformed[i]);
        CHECK(read_event(a, span_str(malformed[i]), &e) == ERR_INVALID);
    }
}

/* `n` letters as the first name. */
static enum err read_with_name(size_t n)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct text body = TEXT(4 * CLERK_WEBHOOK_BODY_MAX);
    struct clerk_event e;
    text_add(&body,
             SPAN("{\"type\":\"user.created\",\"data\":{\"id\":\"user_1\",\"first_name\":\""));
    for (size_t i = 0; i < n; i++) {
        text_add_char(&body, 'x');
    }
    text_add(&body, SPAN("\"}}"));
    enum err err = read_event(a, text_span(&body), &e);
    text_free(&body);
    return err;
}

static void sizes_are_bounded(void)
{
    CHECK(read_with_name(1024) == OK);
    CHECK(read_with_name(1025) == ERR_INVALID);
    CHECK(read_with_name(CLERK_WEBHOOK_BODY_MAX) == ERR_TOO_LARGE);
}

static void without_its_headers_an_event_is_not_read(void)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct clerk_event e;
    struct clerk_webhook d = {.body = SPAN(EVENT("user.created", USER))};
    CHECK(clerk_event_read(a, &d, &e) == ERR_INVALID);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_user_is_read),
        TEST(the_primary_address_counts_and_no_other),
        TEST(what_is_deleted_is_deleted_as_of_the_message),
        TEST(a_session_is_read),
        TEST(a_session_has_a_status),
        TEST(an_organization_and_a_membership_are_read),
        TEST(every_type_has_its_kind),
        TEST(the_time_may_come_from_the_header),
        TEST(malformed_events_are_refused),
        TEST(sizes_are_bounded),
        TEST(without_its_headers_an_event_is_not_read),
    };
    return check_main(argc, argv, tests, COUNT(tests));
}
