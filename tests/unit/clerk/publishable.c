#include "base/b64.h"
#include "clerk/clerk.h"
#include "tests/unit/check.h"

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* The host that `key` names, or NULL. Lives in `a`. */
static const char *host_of(struct arena *a, struct span key)
{
    struct span host = SPAN_NULL;
    return clerk_publishable_host(a, key, &host) == OK ? host.p : NULL;
}

static void known_keys_name_their_hosts(void)
{
    static const struct {
        const char *key, *host;
    } cases[] = {
        {"pk_test_Y2xlcmsubm90ZWJvb2subG9jYWxob3N0JA", "clerk.notebook.localhost"},
        {"pk_test_Y2xlcmsubm90ZWJvb2subG9jYWxob3N0JA==", "clerk.notebook.localhost"},
        {"pk_live_Y2xlcmsuZXhhbXBsZS5jb20k", "clerk.example.com"},
        {"pk_test_aGFwcHktY2F0LTQyLmNsZXJrLmFjY291bnRzLmRldiQ=", "happy-cat-42.clerk.accounts.dev"},
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_case(cases[i].key);
        const char *host = host_of(a, span_str(cases[i].key));
        CHECK(host != NULL && strcmp(host, cases[i].host) == 0);
    }
    arena_free(a);
}

static void malformed_keys_are_refused(void)
{
    static const char *const keys[] = {
        "",
        "pk_test_",
        "pk_live_",
        "pk_test",
        "pk_TEST_Y2xlcmsuZXhhbXBsZS5jb20k",
        "sk_test_Y2xlcmsuZXhhbXBsZS5jb20k",
        "pk_prod_Y2xlcmsuZXhhbXBsZS5jb20k",
        " pk_test_Y2xlcmsuZXhhbXBsZS5jb20k",
        "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k ",
        "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k\n",
        "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k_x",
        "pk_test_Y2xlcms_ZXhhbXBsZS5jb20k",
        "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k=",
        "pk_test_Y2xlcmsubm90ZWJvb2subG9jYWxob3N0JA=",
        "pk_test_Y2xlcmsubm90ZWJvb2subG9jYWxob3N0JB",
        "pk_test_!!!!",
        "pk_test_=",
        "pk_test_A",
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(keys); i++) {
        check_case(keys[i]);
        CHECK(host_of(a, span_str(keys[i])) == NULL);
    }
    arena_free(a);
}

static bool names(struct arena *a, struct span decoded)
{
    struct text key = TEXT(4096);
    text_add(&key, SPAN("pk_live_"));
    b64_encode(&key, decoded);
    bool accepted = host_of(a, text_span(&key)) != NULL;
    text_free(&key);
    return accepted;
}

static void only_plain_dns_names_are_hosts(void)
{
    static const struct {
        struct span decoded;
        bool accepted;
    } cases[] = {
        {{"a.b$", 4}, true},
        {{"clerk.example.com$", 18}, true},
        {{"xn--bcher-kva.example$", 22}, true},
        {{"1.a$", 4}, true},
        {{"clerk.example.com", 17}, false},
        {{"$", 1}, false},
        {{"localhost$", 10}, false},
        {{"clerk.example.com$$", 19}, false},
        {{"a$b.c$", 6}, false},
        {{"https://clerk.example.com$", 26}, false},
        {{"/evil.com$", 10}, false},
        {{"a.b/c$", 6}, false},
        {{"a.b:443$", 8}, false},
        {{"user@a.b$", 9}, false},
        {{"a.b?c$", 6}, false},
        {{"a.b#c$", 6}, false},
        {{"a b.c$", 6}, false},
        {{".a.b$", 5}, false},
        {{"a.b.$", 5}, false},
        {{"a..b$", 5}, false},
        {{"-a.b$", 5}, false},
        {{"a-.b$", 5}, false},
        {{"a_b.c$", 6}, false},
        {{"127.0.0.1$", 10}, false},
        {{"a.b\0c$", 6}, false},
        {{"a.b\n$", 5}, false},
        {{"b\xC3\xBC"
          "cher.example$",
          16},
         false},
        {{"[::1].a$", 8}, false},
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_case(cases[i].decoded.p);
        CHECK(names(a, cases[i].decoded) == cases[i].accepted);
    }
    arena_free(a);
}

/* `labels` labels of `length` letters. */
static bool names_labels(struct arena *a, size_t labels, size_t length)
{
    struct text host = TEXT(4096);
    for (size_t i = 0; i < labels; i++) {
        for (size_t j = 0; j < length; j++) {
            text_add_char(&host, 'a');
        }
        text_add_char(&host, i + 1 == labels ? '$' : '.');
    }
    bool accepted = names(a, text_span(&host));
    text_free(&host);
    return accepted;
}

static void names_have_the_limits_of_the_dns(void)
{
    struct arena *a = arena_new();
    CHECK(names_labels(a, 2, 63));
    CHECK(!names_labels(a, 2, 64));
    CHECK(names_labels(a, 127, 1)); /* 253 bytes */
    CHECK(!names_labels(a, 128, 1));
    CHECK(!names_labels(a, 30, 63));
    arena_free(a);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(known_keys_name_their_hosts),
        TEST(malformed_keys_are_refused),
        TEST(only_plain_dns_names_are_hosts),
        TEST(names_have_the_limits_of_the_dns),
    };
    return check_main(argc, argv, tests, COUNT(tests));
}
