#include "server/range.h"

#include "tests/unit/check.h"

struct wanted {
    const char *header; /* NULL: none was sent */
    size_t total;
    enum range_kind kind;
    size_t start, size; /* of a part */
};

static const struct wanted cases[] = {
    {"bytes=0-0", 10, RANGE_PART, 0, 1},
    {"bytes=0-9", 10, RANGE_PART, 0, 10},
    {"bytes=0-10", 10, RANGE_PART, 0, 10},
    {"bytes=3-5", 10, RANGE_PART, 3, 3},
    {"bytes=9-", 10, RANGE_PART, 9, 1},
    {"bytes=0-", 10, RANGE_PART, 0, 10},
    {"bytes=-1", 10, RANGE_PART, 9, 1},
    {"bytes=-10", 10, RANGE_PART, 0, 10},
    {"bytes=-11", 10, RANGE_PART, 0, 10},
    {"BYTES=1-2", 10, RANGE_PART, 1, 2},
    {"bytes = 1-2", 10, RANGE_PART, 1, 2},
    {"bytes=5-99999999999999999999999", 10, RANGE_PART, 5, 5},
    {"bytes=-99999999999999999999999", 10, RANGE_PART, 0, 10},
    {"bytes=0-18446744073709551615", 10, RANGE_PART, 0, 10},
    {"bytes=10-", 10, RANGE_REFUSED, 0, 0},
    {"bytes=10-20", 10, RANGE_REFUSED, 0, 0},
    {"bytes=99999999999999999999999-", 10, RANGE_REFUSED, 0, 0},
    {"bytes=-0", 10, RANGE_REFUSED, 0, 0},
    {"bytes=0-0", 0, RANGE_REFUSED, 0, 0},
    {"bytes=0-", 0, RANGE_REFUSED, 0, 0},
    {"bytes=-5", 0, RANGE_REFUSED, 0, 0},
    {NULL, 10, RANGE_NONE, 0, 0},
    {"", 10, RANGE_NONE, 0, 0},
    {"bytes", 10, RANGE_REFUSED, 0, 0},
    {"bytes=", 10, RANGE_REFUSED, 0, 0},
    {"bytes=-", 10, RANGE_REFUSED, 0, 0},
    {"bytes=5", 10, RANGE_REFUSED, 0, 0},
    {"bytes=5-3", 10, RANGE_REFUSED, 0, 0},
    {"bytes=a-b", 10, RANGE_REFUSED, 0, 0},
    {"bytes=1-b", 10, RANGE_REFUSED, 0, 0},
    {"bytes=1-2,4-5", 10, RANGE_REFUSED, 0, 0},
    {"bytes=-1-2", 10, RANGE_REFUSED, 0, 0},
    {"bytes=1--2", 10, RANGE_REFUSED, 0, 0},
    {"bytes=+1-2", 10, RANGE_REFUSED, 0, 0},
    {"bytes=1 -2", 10, RANGE_REFUSED, 0, 0},
    {"bytes=1- 2", 10, RANGE_REFUSED, 0, 0},
    {"bytes=0x1-0x2", 10, RANGE_REFUSED, 0, 0},
    {"items=0-5", 10, RANGE_NONE, 0, 0},
    {"bytes=0-5=", 10, RANGE_REFUSED, 0, 0},
};

static void a_range_is_read_as_rfc_9110_has_it(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct wanted *c = &cases[i];
        size_t start = 0;
        size_t size = 0;
        check_case(c->header == NULL ? "no header" : c->header);
        CHECK(range_read(span_str(c->header), c->total, &start, &size) == c->kind);
        CHECK(c->kind != RANGE_PART || (start == c->start && size == c->size));
    }
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {TEST(a_range_is_read_as_rfc_9110_has_it)};
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
