#include "http/forwarded.h"
#include "tests/unit/check.h"

/* A list as a setting names it, of at most 8 entries. */
static struct forwarded_trust trust_of(struct arena *a, const char *list)
{
    struct span entries[8];
    size_t count = 0;
    struct span rest = span_str(list);
    while (rest.n > 0) {
        entries[count++] = span_cut(&rest, ',');
    }
    struct forwarded_trust trust = {0};
    struct span bad;
    CHECK(forwarded_trust_read(a, entries, count, &trust, &bad) == OK);
    return trust;
}

static void trust_is_by_address_and_by_network(void)
{
    static const struct {
        const char *list, *address;
        bool trusted;
    } cases[] = {
        {"", "127.0.0.1", false},
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "10.0.0.2", false},
        {"10.0.0.1", "::ffff:10.0.0.1", true},
        {"::ffff:10.0.0.1", "10.0.0.1", true},
        {"10.0.0.0/8", "10.255.1.2", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "a00::", false},
        {"10.1.2.3/8", "10.9.9.9", true},
        {"10.0.0.128/25", "10.0.0.127", false},
        {"10.0.0.128/25", "10.0.0.128", true},
        {"10.0.0.1/32", "10.0.0.1", true},
        {"10.0.0.1/32", "10.0.0.0", false},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "203.0.113.9", true},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"fd00::1", "fd00:0:0::1", true},
        {"192.0.2.1,10.0.0.0/8", "10.1.1.1", true},
        {"private", "127.0.0.1", true},
        {"private", "127.9.9.9", true},
        {"private", "::1", true},
        {"private", "::2", false},
        {"private", "10.0.0.1", true},
        {"private", "172.15.255.255", false},
        {"private", "172.16.0.0", true},
        {"private", "172.31.255.255", true},
        {"private", "172.32.0.0", false},
        {"private", "192.168.255.255", true},
        {"private", "192.169.0.0", false},
        {"private", "fc00::1", true},
        {"private", "fdff::1", true},
        {"private", "fe80::1", false},
        {"private", "8.8.8.8", false},
        {"private,8.8.8.0/24", "8.8.8.8", true},
        {"0.0.0.0/0,::/0", "", false},
        {"0.0.0.0/0,::/0", "localhost", false},
        {"0.0.0.0/0,::/0", "10.0.0.1 ", false},
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(arena_printf(a, "%s in %s", cases[i].address, cases[i].list).p);
        struct forwarded_trust trust = trust_of(a, cases[i].list);
        CHECK(forwarded_trusts(&trust, span_str(cases[i].address)) == cases[i].trusted);
    }
    arena_free(a);
}

static void what_is_no_network_is_refused_and_named(void)
{
    static const char *const bad[] = {
        "",           "localhost",   "10.0.0",          "10.0.0.256", "10.0.0.0/33",
        "10.0.0.0/",  "10.0.0.0/-1", "10.0.0.0/8/8",    "10.0.0.0/a", "10.0.0.1:80",
        "[::1]",      "::1/129",     "fe80::1%eth0",    "*",          "Private",
        "10.0.0.1 ",  "1.2.3.4.5",   "::ffff:1.2.3/96", "/8",         "2001:db8:::1",
        "010.0.0.01",
    };
    struct arena *a = arena_new();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        check_case(bad[i]);
        struct span entries[] = {SPAN("private"), span_str(bad[i])};
        struct forwarded_trust trust = {0};
        struct span named = SPAN_NULL;
        CHECK(forwarded_trust_read(a, entries, 2, &trust, &named) == ERR_INVALID);
        CHECK(span_eq(named, span_str(bad[i])) && trust.count == 0);
    }
    arena_free(a);
}

static void the_client_is_the_first_hop_from_the_right_that_is_not_trusted(void)
{
    static const struct {
        const char *peer, *list, *client;
    } cases[] = {
        {"203.0.113.9", NULL, "203.0.113.9"},
        {"203.0.113.9", "198.51.100.1", "203.0.113.9"}, /* a stranger's word */
        {"10.0.0.1", NULL, "10.0.0.1"},
        {"10.0.0.1", "", "10.0.0.1"},
        {"10.0.0.1", "198.51.100.1", "198.51.100.1"},
        {"10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1"}, /* 1.1.1.1 is forged */
        {"10.0.0.1", "1.1.1.1,198.51.100.1,10.0.0.2", "198.51.100.1"},
        {"10.0.0.1", "1.1.1.1,\t198.51.100.1 ,192.168.0.7, 10.0.0.2 ", "198.51.100.1"},
        {"10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"}, /* all trusted: the left-most */
        {"::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"},
        {"10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"},
        {"10.0.0.1", "2001:DB8:0:0::1", "2001:db8::1"},
        {"10.0.0.1", "198.51.100.1:4711", "198.51.100.1"},
        {"10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"},
        {"10.0.0.1", "[2001:db8::1]", "2001:db8::1"},
        {"fd00::1", "198.51.100.1", "198.51.100.1"},
        /* junk ends the reading at what is known for certain */
        {"10.0.0.1", "junk", "10.0.0.1"},
        {"10.0.0.1", "198.51.100.1, junk", "10.0.0.1"},
        {"10.0.0.1", "junk, 198.51.100.1", "198.51.100.1"},
        {"10.0.0.1", "198.51.100.1,", "10.0.0.1"},
        {"10.0.0.1", ",", "10.0.0.1"},
        {"10.0.0.1", ",,,,,,", "10.0.0.1"},
        {"10.0.0.1", "198.51.100.1, unknown, 10.0.0.2", "10.0.0.2"},
        {"10.0.0.1", "198.51.100.1:", "10.0.0.1"},
        {"10.0.0.1", "198.51.100.1:99999", "10.0.0.1"},
        {"10.0.0.1", "198.51.100.1:-1", "10.0.0.1"},
        {"10.0.0.1", "198.51.100.1:80x", "10.0.0.1"},
        {"10.0.0.1", "[2001:db8::1", "10.0.0.1"},
        {"10.0.0.1", "[2001:db8::1]80", "10.0.0.1"},
        {"10.0.0.1", "[2001:db8::1]:", "10.0.0.1"},
        {"10.0.0.1", "[]", "10.0.0.1"},
        {"10.0.0.1", "[", "10.0.0.1"},
        {"10.0.0.1", ":", "10.0.0.1"},
        {"10.0.0.1", "999.1.1.1", "10.0.0.1"},
        {"10.0.0.1", "\"198.51.100.1\"", "10.0.0.1"},
        {"10.0.0.1", "198.51.100.1 198.51.100.2", "10.0.0.1"},
        {"10.0.0.1", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "10.0.0.1"},
        {"", "198.51.100.1", ""}, /* the peer has left: nothing is known */
    };
    struct arena *a = arena_new();
    struct forwarded_trust trust = trust_of(a, "private");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(arena_printf(a, "%s: %s", cases[i].peer, cases[i].list).p);
        char out[FORWARDED_CLIENT_SIZE];
        struct span client =
            forwarded_client(&trust, span_str(cases[i].peer), span_str(cases[i].list), out);
        CHECK(span_eq(client, span_str(cases[i].client)));
    }
    arena_free(a);
}

static void bytes_that_are_no_text_are_junk(void)
{
    struct arena *a = arena_new();
    struct forwarded_trust trust = trust_of(a, "private");
    char out[FORWARDED_CLIENT_SIZE];
    struct span client =
        forwarded_client(&trust, SPAN("10.0.0.1"), SPAN("198.51.100.1\0 \xFF"), out);
    CHECK(span_eq(client, SPAN("10.0.0.1")));
    CHECK(!forwarded_is_https(&trust, SPAN("10.0.0.1"), SPAN("https\0")));
    arena_free(a);
}

/* A long list of trusted hops costs a bounded number of steps. */
static void hops_are_counted(void)
{
    struct arena *a = arena_new();
    struct forwarded_trust trust = trust_of(a, "private");
    char list[16 * 1024] = "";
    size_t n = 0;
    for (unsigned i = 0; i < 1000; i++) {
        n += (size_t)snprintf(list + n, sizeof list - n, "%s10.1.%u.%u", i == 0 ? "" : ",", i / 250,
                              i % 250);
    }
    char out[FORWARDED_CLIENT_SIZE];
    struct span client = forwarded_client(&trust, SPAN("10.0.0.1"), span_of(list, n), out);
    CHECK(span_eq(client, SPAN("10.1.3.218"))); /* the 32nd from the right */
    arena_free(a);
}

static void https_is_what_the_nearest_proxy_says(void)
{
    static const struct {
        const char *peer, *protos;
        bool https;
    } cases[] = {
        {"10.0.0.1", "https", true},       {"10.0.0.1", "HTTPS ", true},
        {"10.0.0.1", "http", false},       {"10.0.0.1", NULL, false},
        {"10.0.0.1", "", false},           {"10.0.0.1", "https,http", false},
        {"10.0.0.1", "http, https", true}, {"10.0.0.1", "https,", false},
        {"10.0.0.1", "https http", false}, {"203.0.113.9", "https", false},
        {"10.0.0.1", "httpss", false},     {"", "https", false},
    };
    struct arena *a = arena_new();
    struct forwarded_trust trust = trust_of(a, "private");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(arena_printf(a, "%s: %s", cases[i].peer, cases[i].protos).p);
        CHECK(forwarded_is_https(&trust, span_str(cases[i].peer), span_str(cases[i].protos)) ==
              cases[i].https);
    }
    arena_free(a);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(trust_is_by_address_and_by_network),
        TEST(what_is_no_network_is_refused_and_named),
        TEST(the_client_is_the_first_hop_from_the_right_that_is_not_trusted),
        TEST(bytes_that_are_no_text_are_junk),
        TEST(hops_are_counted),
        TEST(https_is_what_the_nearest_proxy_says),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
