/* What clerk_has says: CLERK.md B, case by case. */
#include "tests/unit/check.h"
#include "tests/unit/clerk/claimed.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* The organization's features are, in order, invoices (create, read), reports (nothing), export
 * (delete) and search, for which the map has no number. */
#define V2                                                                                         \
    "{\"v\":2,\"o\":{\"id\":\"org_1\",\"slg\":\"acme\",\"rol\":\"admin\","                         \
    "\"per\":\"create,read,delete\",\"fpm\":\"3,0,4\"},"                                           \
    "\"fea\":\"o:invoices,u:beta,o:reports,ou:export,uo:search\","                                 \
    "\"pla\":\"o:team,u:free\",\"fva\":[5,20]}"
#define V1                                                                                         \
    "{\"org_id\":\"org_1\",\"org_role\":\"org:admin\",\"org_slug\":\"acme\","                      \
    "\"org_permissions\":[\"org:invoices:create\",\"org:sys_memberships:read\"]}"
#define NO_ORG "{\"v\":2,\"fea\":\"u:beta\",\"pla\":\"u:free\"}"
#define O(members) "{\"v\":2,\"o\":{\"id\":\"org_1\"," members "},\"fea\":\"o:a,u:b,o:c\"}"
#define FEA(list) "{\"v\":2,\"fea\":\"" list "\"}"
#define FVA(list) "{\"v\":2,\"fva\":" list "}"

struct wish {
    const char *role, *permission, *feature, *plan;
    enum clerk_level level; /* 0: not asked */
    unsigned minutes;
};

struct has_case {
    const char *claims;
    struct wish asked;
    bool holds;
};

static bool holds(const char *claims, const struct wish *asked)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct clerk_identity who = claimed(a, claims);
    struct clerk_reverification reverification = {asked->level, asked->minutes};
    struct clerk_condition wanted = {
        .role = span_str(asked->role),
        .permission = span_str(asked->permission),
        .feature = span_str(asked->feature),
        .plan = span_str(asked->plan),
        .reverification = asked->level == 0 ? NULL : &reverification,
    };
    return clerk_has(&who, &wanted);
}

static void check_cases(const struct has_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct wish *w = &cases[i].asked;
        char name[512];
        (void)snprintf(name, sizeof name,
                       "%zu: role %s permission %s feature %s plan %s %d/%u of %s", i, w->role,
                       w->permission, w->feature, w->plan, (int)w->level, w->minutes,
                       cases[i].claims);
        check_case(name);
        CHECK(holds(cases[i].claims, w) == cases[i].holds);
    }
}

static void roles_need_an_organization_and_either_spelling(void)
{
    static const struct has_case cases[] = {
        {V2, {.role = "org:admin"}, true},
        {V2, {.role = "admin"}, true},
        {V2, {.role = "org:org:admin"}, true},
        {V2, {.role = "member"}, false},
        {V2, {.role = "org:member"}, false},
        {V2, {.role = "Admin"}, false},
        {V2, {.role = "admin "}, false},
        {V2, {.role = "adm"}, false},
        {V2, {.role = "admins"}, false},
        {V2, {.role = ""}, false},
        {V2, {.role = "org:"}, false},
        {V1, {.role = "org:admin"}, true},
        {V1, {.role = "admin"}, true},
        {V1, {.role = "org:member"}, false},
        {NO_ORG, {.role = "admin"}, false},
        {"{}", {.role = "admin"}, false},
        {"{\"org_role\":\"org:admin\"}", {.role = "admin"}, false},
        {"{\"v\":2,\"o\":{\"rol\":\"admin\"}}", {.role = "admin"}, false},
        {"{\"v\":2,\"o\":{\"id\":\"\",\"rol\":\"admin\"}}", {.role = "admin"}, false},
        {"{\"v\":2,\"o\":{\"id\":1,\"rol\":\"admin\"}}", {.role = "admin"}, false},
        {"{\"v\":2,\"o\":[\"admin\"]}", {.role = "admin"}, false},
        {"{\"v\":2,\"o\":null}", {.role = "admin"}, false},
        {O("\"rol\":\"org:admin\""), {.role = "admin"}, true},
        {O("\"rol\":\"\""), {.role = ""}, false},
        {O("\"rol\":\"org:\""), {.role = "org:"}, false},
        {O("\"rol\":null"), {.role = "admin"}, false},
        {O("\"rol\":[\"admin\"]"), {.role = "admin"}, false},
        {O("\"slg\":\"admin\""), {.role = "admin"}, false},
    };
    check_cases(cases, COUNT(cases));
}

static void each_version_has_its_own_place_for_the_organization(void)
{
    static const char both[] = "{\"v\":%s,\"o\":{\"id\":\"org_2\",\"rol\":\"two\"},"
                               "\"org_id\":\"org_1\",\"org_role\":\"org:one\"}";
    static const struct {
        const char *version;
        const char *role;
    } cases[] = {{"2", "two"},    {"2.0", "two"},   {"1", "one"},    {"3", "one"},
                 {"null", "one"}, {"\"2\"", "one"}, {"true", "one"}, {"[2]", "one"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char claims[256];
        check_case(cases[i].version);
        (void)snprintf(claims, sizeof claims, both, cases[i].version);
        CHECK(holds(claims, &(struct wish){.role = cases[i].role}));
        bool two = strcmp(cases[i].role, "two") == 0;
        CHECK(!holds(claims, &(struct wish){.role = two ? "one" : "two"}));
    }
}

static const struct has_case permission_cases[] = {
    {V2, {.permission = "org:invoices:create"}, true},
    {V2, {.permission = "invoices:create"}, true},
    {V2, {.permission = "org:org:invoices:create"}, true},
    {V2, {.permission = "org:invoices:read"}, true},
    {V2, {.permission = "org:invoices:delete"}, false},
    {V2, {.permission = "org:reports:create"}, false},
    {V2, {.permission = "org:reports:read"}, false},
    {V2, {.permission = "org:export:delete"}, true},
    {V2, {.permission = "org:export:create"}, false},
    {V2, {.permission = "org:search:create"}, false},
    {V2, {.permission = "org:beta:create"}, false},
    {V2, {.permission = "org:invoices"}, false},
    {V2, {.permission = "org:invoices:"}, false},
    {V2, {.permission = "create"}, false},
    {V2, {.permission = ":create"}, false},
    {V2, {.permission = "invoices:creat"}, false},
    {V2, {.permission = "invoices:created"}, false},
    {V2, {.permission = "invoices create"}, false},
    {V2, {.permission = "Invoices:create"}, false},
    {V2, {.permission = ""}, false},
    {V2, {.permission = "org:sys_memberships:read"}, false},
    {V1, {.permission = "org:invoices:create"}, true},
    {V1, {.permission = "invoices:create"}, true},
    {V1, {.permission = "org:sys_memberships:read"}, true},
    {V1, {.permission = "org:invoices:read"}, false},
    {NO_ORG, {.permission = "org:invoices:create"}, false},
    {O("\"per\":\"x,y\",\"fpm\":\"1,2\""), {.permission = "a:x"}, true},
    {O("\"per\":\"x,y\",\"fpm\":\"1,2\""), {.permission = "c:y"}, true},
    {O("\"per\":\"x,y\",\"fpm\":\"1,2\""), {.permission = "b:y"}, false},
    {O("\"per\":\"x,y\",\"fpm\":\"1,2\""), {.permission = "c:x"}, false},
    {O("\"per\":\" x , y \",\"fpm\":\" 1 , 3 \""), {.permission = "c:y"}, true},
    {O("\"per\":\"x,y\",\"fpm\":\"1,2,3,3\""), {.permission = "c:x"}, false},
    {O("\"per\":\"x\",\"fpm\":\"255,254\""), {.permission = "a:x"}, true},
    {O("\"per\":\"x\",\"fpm\":\"255,254\""), {.permission = "c:x"}, false},
    {O("\"per\":\"x\",\"fpm\":\"1\""), {.permission = "c:x"}, false},
    {O("\"per\":\"x\",\"fpm\":\"z,1\""), {.permission = "a:x"}, false},
    {O("\"per\":\"x\",\"fpm\":\"z,1\""), {.permission = "c:x"}, true},
    {O("\"per\":\"x\",\"fpm\":\"-1,0x1\""), {.permission = "a:x"}, false},
    {O("\"per\":\"x\",\"fpm\":\"1z,1\""), {.permission = "a:x"}, false},
    {O("\"per\":\"x\",\"fpm\":\"001,1\""), {.permission = "a:x"}, true},
    {O("\"per\":\"x\",\"fpm\":\",1\""), {.permission = "c:x"}, true},
    {O("\"per\":\"x\",\"fpm\":\"\""), {.permission = "a:x"}, false},
    {O("\"per\":\"\",\"fpm\":\"1\""), {.permission = "a:"}, false},
    {O("\"per\":\",x\",\"fpm\":\"3\""), {.permission = "a:"}, false},
    {O("\"per\":\",x\",\"fpm\":\"3\""), {.permission = "a:x"}, true},
    {O("\"fpm\":\"1,1\""), {.permission = "a:x"}, false},
    {O("\"per\":\"x\""), {.permission = "a:x"}, false},
    {O("\"per\":[\"x\"],\"fpm\":[1]"), {.permission = "a:x"}, false},
    {O("\"per\":\"x\",\"fpm\":1"), {.permission = "a:x"}, false},
    /* without features, with a malformed list of them, and with version 1's permissions */
    {"{\"v\":2,\"o\":{\"id\":\"org_1\",\"per\":\"x\",\"fpm\":\"1\"}}",
     {.permission = "a:x"},
     false},
    {"{\"v\":2,\"o\":{\"id\":\"org_1\",\"per\":\"x\",\"fpm\":\"1\"},\"fea\":\"o:a,c\"}",
     {.permission = "a:x"},
     false},
    {"{\"v\":2,\"o\":{\"id\":\"org_1\"},\"org_permissions\":[\"org:a:x\"]}",
     {.permission = "a:x"},
     false},
    {"{\"org_id\":\"org_1\",\"org_permissions\":\"org:a:x\"}", {.permission = "a:x"}, false},
    {"{\"org_id\":\"org_1\",\"org_permissions\":[1,null,\"\",\"org:a:x\"]}",
     {.permission = "a:x"},
     true},
    {"{\"org_id\":\"org_1\",\"org_permissions\":[\"org:a:x,org:a:y\"]}",
     {.permission = "a:x"},
     false},
    {"{\"org_permissions\":[\"org:a:x\"]}", {.permission = "a:x"}, false},
    /* a feature that looks like the prefix cannot be told from it */
    {"{\"v\":2,\"o\":{\"id\":\"org_1\",\"per\":\"x\",\"fpm\":\"1\"},\"fea\":\"o:org\"}",
     {.permission = "org:org:x"},
     false},
};

static void permissions_come_out_of_the_bit_map(void)
{
    check_cases(permission_cases, COUNT(permission_cases));
}

static void features_and_plans_have_scopes(void)
{
    static const struct has_case cases[] = {
        {V2, {.feature = "invoices"}, true},
        {V2, {.feature = "beta"}, true},
        {V2, {.feature = "org:invoices"}, true},
        {V2, {.feature = "o:invoices"}, true},
        {V2, {.feature = "organization:invoices"}, true},
        {V2, {.feature = "user:invoices"}, false},
        {V2, {.feature = "u:invoices"}, false},
        {V2, {.feature = "user:beta"}, true},
        {V2, {.feature = "u:beta"}, true},
        {V2, {.feature = "org:beta"}, false},
        {V2, {.feature = "org:export"}, true},
        {V2, {.feature = "user:export"}, true},
        {V2, {.feature = "org:search"}, true},
        {V2, {.feature = "user:search"}, true},
        {V2, {.feature = "team:invoices"}, false},
        {V2, {.feature = "ORG:invoices"}, false},
        {V2, {.feature = ":invoices"}, false},
        {V2, {.feature = "org:"}, false},
        {V2, {.feature = ""}, false},
        {V2, {.feature = "invoice"}, false},
        {V2, {.feature = "invoices,beta"}, false},
        {V2, {.feature = "team"}, false},
        {V2, {.plan = "team"}, true},
        {V2, {.plan = "org:team"}, true},
        {V2, {.plan = "user:team"}, false},
        {V2, {.plan = "free"}, true},
        {V2, {.plan = "user:free"}, true},
        {V2, {.plan = "org:free"}, false},
        {V2, {.plan = "x:free"}, false},
        {V2, {.plan = "beta"}, false},
        {V2, {.plan = ""}, false},
        {NO_ORG, {.feature = "beta"}, true},
        {NO_ORG, {.plan = "user:free"}, true},
        {NO_ORG, {.plan = "org:free"}, false},
        {"{}", {.feature = "beta"}, false},
        {"{}", {.plan = "free"}, false},
        {FEA(" o:a , u:b "), {.feature = "user:b"}, true},
        {FEA("o:a,b"), {.feature = "a"}, false},
        {FEA("o:a,"), {.feature = "a"}, false},
        {FEA(""), {.feature = "a"}, false},
        {FEA("x:a,oo:a,ouo:a"), {.feature = "a"}, false},
        {FEA("o:"), {.feature = ""}, false},
        {FEA("o:a:b"), {.feature = "org:a:b"}, true},
        {FEA("o:a:b"), {.feature = "org:a"}, false},
        {"{\"fea\":[\"o:a\"]}", {.feature = "a"}, false},
        {"{\"fea\":null}", {.feature = "a"}, false},
        {"{\"fea\":\"o:a\"}", {.feature = "a"}, true}, /* version 1 may have it too */
    };
    check_cases(cases, COUNT(cases));
}

static void reverification_asks_for_fresh_factors(void)
{
    static const struct has_case cases[] = {
        {FVA("[5,20]"), {.level = CLERK_FIRST_FACTOR, .minutes = 10}, true},
        {FVA("[10,20]"), {.level = CLERK_FIRST_FACTOR, .minutes = 10}, false},
        {FVA("[9,20]"), {.level = CLERK_FIRST_FACTOR, .minutes = 10}, true},
        {FVA("[9.9,20]"), {.level = CLERK_FIRST_FACTOR, .minutes = 10}, true},
        {FVA("[10.1,20]"), {.level = CLERK_FIRST_FACTOR, .minutes = 10}, false},
        {FVA("[0,0]"), {.level = CLERK_FIRST_FACTOR, .minutes = 1}, true},
        {FVA("[0,0]"), {.level = CLERK_FIRST_FACTOR, .minutes = 0}, false},
        {FVA("[-1,0]"), {.level = CLERK_FIRST_FACTOR, .minutes = 10}, false},
        {FVA("[5,20]"), {.level = CLERK_SECOND_FACTOR, .minutes = 10}, false},
        {FVA("[50,5]"), {.level = CLERK_SECOND_FACTOR, .minutes = 10}, true},
        {FVA("[5,-1]"), {.level = CLERK_SECOND_FACTOR, .minutes = 10}, true},
        {FVA("[50,-1]"), {.level = CLERK_SECOND_FACTOR, .minutes = 10}, false},
        {FVA("[-1,5]"), {.level = CLERK_SECOND_FACTOR, .minutes = 10}, true},
        {FVA("[-1,50]"), {.level = CLERK_SECOND_FACTOR, .minutes = 10}, false},
        {FVA("[-1,-1]"), {.level = CLERK_SECOND_FACTOR, .minutes = 10}, false},
        {FVA("[5,5]"), {.level = CLERK_MULTI_FACTOR, .minutes = 10}, true},
        {FVA("[5,50]"), {.level = CLERK_MULTI_FACTOR, .minutes = 10}, false},
        {FVA("[50,5]"), {.level = CLERK_MULTI_FACTOR, .minutes = 10}, false},
        {FVA("[5,-1]"), {.level = CLERK_MULTI_FACTOR, .minutes = 10}, true},
        {FVA("[50,-1]"), {.level = CLERK_MULTI_FACTOR, .minutes = 10}, false},
        {FVA("[-1,5]"), {.level = CLERK_MULTI_FACTOR, .minutes = 10}, false},
        {FVA("[-1,-1]"), {.level = CLERK_MULTI_FACTOR, .minutes = 10}, false},
        {FVA("[5,5]"), {.level = (enum clerk_level)9, .minutes = 10}, false},
        {"{}", {.level = CLERK_FIRST_FACTOR, .minutes = 10}, false},
        {FVA("null"), {.level = CLERK_FIRST_FACTOR, .minutes = 10}, false},
        {FVA("[]"), {.level = CLERK_FIRST_FACTOR, .minutes = 10}, false},
        {FVA("[5]"), {.level = CLERK_FIRST_FACTOR, .minutes = 10}, false},
        {FVA("[5,5,5]"), {.level = CLERK_FIRST_FACTOR, .minutes = 10}, false},
        {FVA("[\"5\",5]"), {.level = CLERK_FIRST_FACTOR, .minutes = 10}, false},
        {FVA("[null,5]"), {.level = CLERK_FIRST_FACTOR, .minutes = 10}, false},
        {FVA("[-2,5]"), {.level = CLERK_FIRST_FACTOR, .minutes = 10}, false},
        {FVA("[-0.5,5]"), {.level = CLERK_FIRST_FACTOR, .minutes = 10}, false},
        {FVA("[5,-7]"), {.level = CLERK_FIRST_FACTOR, .minutes = 10}, false},
        {FVA("[1e300,5]"), {.level = CLERK_FIRST_FACTOR, .minutes = 10}, false},
        {FVA("{\"0\":5,\"1\":5}"), {.level = CLERK_FIRST_FACTOR, .minutes = 10}, false},
    };
    check_cases(cases, COUNT(cases));
}

static bool is_fresh(const char *claims, const struct clerk_reverification *wanted)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct clerk_identity who = claimed(a, claims);
    return clerk_has(&who, &(struct clerk_condition){.reverification = wanted});
}

static void the_presets_are_clerks(void)
{
    CHECK(is_fresh(FVA("[9,9]"), &clerk_strict_mfa) && !is_fresh(FVA("[9,10]"), &clerk_strict_mfa));
    CHECK(!is_fresh(FVA("[10,9]"), &clerk_strict_mfa) && is_fresh(FVA("[10,9]"), &clerk_strict));
    CHECK(!is_fresh(FVA("[9,10]"), &clerk_strict) && is_fresh(FVA("[99,59]"), &clerk_moderate));
    CHECK(!is_fresh(FVA("[0,60]"), &clerk_moderate) && is_fresh(FVA("[0,1439]"), &clerk_lax));
    CHECK(!is_fresh(FVA("[0,1440]"), &clerk_lax) && is_fresh(FVA("[1439,-1]"), &clerk_lax));
}

static void all_that_is_asked_must_hold(void)
{
    static const struct has_case cases[] = {
        {V2, {NULL, NULL, NULL, NULL, 0, 0}, false}, /* nothing asked */
        {V1, {NULL, NULL, NULL, NULL, 0, 0}, false},
        {V2, {.role = "admin", .permission = "invoices:read"}, true},
        {V2, {.role = "admin", .permission = "invoices:delete"}, false},
        {V2, {.role = "member", .permission = "invoices:read"}, false},
        {V2, {.feature = "invoices", .plan = "team"}, true},
        {V2, {.feature = "invoices", .plan = "pro"}, false},
        {V2, {.feature = "x", .plan = "team"}, false},
        {V2, {.role = "admin", .feature = "invoices"}, true},
        {V2, {.role = "admin", .feature = "x"}, false},
        {V2, {.role = "x", .feature = "invoices"}, false},
        {V2, {.role = "admin", .plan = "team"}, true},
        {V2, {.role = "admin", .level = CLERK_FIRST_FACTOR, .minutes = 10}, true},
        {V2, {.role = "admin", .level = CLERK_SECOND_FACTOR, .minutes = 10}, false},
        {V2, {.role = "x", .level = CLERK_FIRST_FACTOR, .minutes = 10}, false},
        {V2, {"admin", "invoices:read", "beta", "free", CLERK_FIRST_FACTOR, 6}, true},
        {V2, {"admin", "invoices:read", "beta", "free", CLERK_FIRST_FACTOR, 5}, false},
        {V1, {.role = "admin", .level = CLERK_FIRST_FACTOR, .minutes = 10}, false}, /* no fva */
        {NO_ORG, {.feature = "beta", .role = "admin"}, false},
        {NO_ORG, {.feature = "beta", .plan = "free"}, true},
    };
    check_cases(cases, COUNT(cases));
}

static void nobody_may_nothing(void)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct clerk_identity who = claimed(a, V2);
    struct clerk_condition admin = {.role = SPAN("admin")};
    CHECK(clerk_has(&who, &admin));
    who.user_id = SPAN_NULL;
    CHECK(!clerk_has(&who, &admin));
    CHECK(!clerk_has(&(struct clerk_identity){0}, &admin));
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(roles_need_an_organization_and_either_spelling),
        TEST(each_version_has_its_own_place_for_the_organization),
        TEST(permissions_come_out_of_the_bit_map),
        TEST(features_and_plans_have_scopes),
        TEST(reverification_asks_for_fresh_factors),
        TEST(the_presets_are_clerks),
        TEST(all_that_is_asked_must_hold),
        TEST(nobody_may_nothing),
    };
    return check_main(argc, argv, tests, COUNT(tests));
}
