#include "base/id.h"

#include "base/map.h"
#include "tests/unit/check.h"

static void new_ids_are_valid_version_4_and_different(void)
{
    struct map seen = {0};
    static int yes;
    for (int i = 0; i < 20000; i++) {
        struct id id = id_new();
        CHECK(strlen(id.s) == ID_LENGTH && id_is_valid(id_span(&id)));
        CHECK(id.s[14] == '4' && strchr("89ab", id.s[19]) != NULL);
        CHECK(map_put(&seen, id_span(&id), &yes) == NULL);
    }
    map_free(&seen);
}

/* One bit for each hexadecimal digit, none for a dash. */
static unsigned bit_of(char c)
{
    if (c == '-') {
        return 0;
    }
    return 1U << (c <= '9' ? c - '0' : c - 'a' + 10);
}

static void every_free_digit_of_an_id_varies(void)
{
    const char *const shape = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
    unsigned seen[ID_LENGTH] = {0};
    for (int i = 0; i < 2000; i++) {
        struct id id = id_new();
        for (size_t k = 0; k < ID_LENGTH; k++) {
            seen[k] |= bit_of(id.s[k]);
        }
    }
    for (size_t k = 0; k < ID_LENGTH; k++) {
        unsigned expected = shape[k] == 'x' ? 0xFFFFU : shape[k] == 'y' ? 0xF00U : bit_of(shape[k]);
        CHECK(seen[k] == expected);
    }
}

static const struct {
    const char *text;
    bool valid;
} cases[] = {
    {"0b0e9d3e-1111-4222-8333-444455556666", true},
    {"00000000-0000-0000-0000-000000000000", true},
    {"ffffffff-ffff-ffff-ffff-ffffffffffff", true},
    {"", false},
    {"0b0e9d3e-1111-4222-8333-44445555666", false},
    {"0b0e9d3e-1111-4222-8333-4444555566667", false},
    {"0B0E9D3E-1111-4222-8333-444455556666", false},
    {"0b0e9d3e-1111-4222-8333-44445555666g", false},
    {"0b0e9d3e-1111-4222-8333-44445555666/", false},
    {"0b0e9d3e-1111-4222-8333-44445555666:", false},
    {"0b0e9d3e-1111-4222-8333-44445555666`", false},
    {"0b0e9d3e01111-4222-8333-444455556666", false},
    {"0b0e9d3-e1111-4222-8333-444455556666", false},
    {"0b0e9d3e-1111-4222-8333-4444-5556666", false},
    {"{b0e9d3e-1111-4222-8333-44445555666}", false},
    {"../../../../../../../../../etc/passw", false},
    {"0b0e9d3e-1111-4222-8333-44445555666 ", false},
};

static void only_the_canonical_form_is_valid(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_case(cases[i].text);
        CHECK(id_is_valid(span_str(cases[i].text)) == cases[i].valid);
    }
    CHECK(!id_is_valid(SPAN_NULL));
    CHECK(!id_is_valid(SPAN("0b0e9d3e-1111-4222-8333-44445555666\0")));
}

static void random_bytes_fill_all_of_a_large_buffer(void)
{
    enum { SIZE = 100000 };
    unsigned char *p = calloc(1, SIZE);
    CHECK(p != NULL);
    id_random(p, SIZE);
    size_t counts[256] = {0};
    for (size_t i = 0; i < SIZE; i++) {
        counts[p[i]]++;
    }
    for (size_t i = 0; i < 256; i++) {
        CHECK(counts[i] > 200 && counts[i] < 600); /* 391 expected, sigma 20 */
    }
    free(p);
    id_random(NULL, 0);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(new_ids_are_valid_version_4_and_different),
        TEST(every_free_digit_of_an_id_varies),
        TEST(only_the_canonical_form_is_valid),
        TEST(random_bytes_fill_all_of_a_large_buffer),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
