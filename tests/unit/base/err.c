#include "base/err.h"

#include <string.h>

#include "tests/unit/check.h"

static void every_outcome_has_its_own_name(void)
{
    for (int i = OK; i <= ERR_INTERNAL; i++) {
        CHECK(strcmp(err_name((enum err)i), "unknown") != 0);
        for (int j = OK; j < i; j++) {
            CHECK(strcmp(err_name((enum err)i), err_name((enum err)j)) != 0);
        }
    }
    CHECK(strcmp(err_name(ERR_NOT_FOUND), "not_found") == 0);
}

static void a_number_that_is_no_outcome_has_a_name_too(void)
{
    CHECK(strcmp(err_name((enum err)(ERR_INTERNAL + 1)), "unknown") == 0);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(every_outcome_has_its_own_name),
        TEST(a_number_that_is_no_outcome_has_a_name_too),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
