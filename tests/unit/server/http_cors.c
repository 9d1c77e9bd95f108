#include "http/cors.h"
#include "tests/unit/check.h"

static const struct span list[] = {{"http://localhost:3000", 21}, {"https://app.example.com", 23}};
static const struct cors_origins allowed = {list, 2};

static void origins_match_exactly(void)
{
    static const struct {
        const char *origin;
        bool allowed;
    } cases[] = {
        {"http://localhost:3000", true},
        {"https://app.example.com", true},
        {NULL, false},
        {"", false},
        {"null", false},
        {"*", false},
        {"http://localhost:3001", false},
        {"http://localhost:30000", false},
        {"http://localhost", false},
        {"https://localhost:3000", false},
        {"HTTP://LOCALHOST:3000", false},
        {"http://localhost:3000/", false},
        {"https://app.example.com.evil.example", false},
        {"https://evil.example/?https://app.example.com", false},
        {"https://xapp.example.com", false},
        {"https://app.example.com:443", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(cases[i].origin == NULL ? "(none)" : cases[i].origin);
        CHECK(cors_allows(allowed, span_str(cases[i].origin)) == cases[i].allowed);
    }
}

static void an_empty_list_allows_nobody(void)
{
    struct cors_origins none = {NULL, 0};
    CHECK(!cors_allows(none, SPAN("http://localhost:3000")));
    CHECK(!cors_allows(none, SPAN("")));
    CHECK(!cors_allows(none, SPAN_NULL));
}

static void a_preflight_is_answered_as_the_original_did(void)
{
    static const struct {
        const char *method;
        const char *body;
        int status;
        bool origin;
    } cases[] = {
        {"GET", "OK", 200, true},
        {"HEAD", "OK", 200, true},
        {"OPTIONS", "OK", 200, true},
        {"PATCH", "OK", 200, true},
        {"POST", "OK", 200, true},
        {"PUT", "OK", 200, true},
        {"DELETE", "OK", 200, true},
        {"get", "Disallowed CORS method", 400, true},
        {"TRACE", "Disallowed CORS method", 400, true},
        {"GET, PUT", "Disallowed CORS method", 400, true},
        {"", "Disallowed CORS method", 400, true},
        {"GET", "Disallowed CORS origin", 400, false},
        {"BREW", "Disallowed CORS origin, method", 400, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(cases[i].method);
        struct cors_verdict v = cors_preflight(cases[i].origin, span_str(cases[i].method));
        CHECK(v.status == cases[i].status);
        CHECK(span_eq(v.body, span_str(cases[i].body)));
    }
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(origins_match_exactly),
        TEST(an_empty_list_allows_nobody),
        TEST(a_preflight_is_answered_as_the_original_did),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
