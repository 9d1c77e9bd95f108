/* SQL cells as long as they may be. */
#include "tests/unit/check.h"
#include "tests/unit/notebook/pages.h"

/* Whatever is repeated to the limit of a cell is read in a moment: nothing is quadratic. The bound
 * is wide, a quadratic scan of 256 KiB would take minutes under a sanitizer. */
static void the_longest_cell_is_scanned_at_once(void)
{
    static const char *const pieces[] = {
        "{x}",  "'{x", "'{ ",    "$a$ ",  "$a",       "/*",      "*/",          "(",
        ")",    "\"",  "{{",     "E'\\",  "a,",       "from t,", "with x as (", ";select",
        "--\n", "in ", "from (", "'{x} ", "\xC3\xA4", ".",       "1",
    };
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        check_case(pieces[i]);
        struct text sql = TEXT(NOTEBOOK_CODE_MAX);
        while (!sql.overflowed) {
            text_add(&sql, span_str(pieces[i]));
        }
        struct arena *a = arena_new();
        struct sql_scan s = sql_scan(a, text_span(&sql));
        struct names reads = {0};
        sql_reads(&s, true, &reads);
        CHECK(reads.count <= 2);
        names_free(&reads);
        arena_free(a);
        text_free(&sql);
    }
}

static void names_that_are_all_different_stay_quick(void)
{
    struct text sql = TEXT(NOTEBOOK_CODE_MAX);
    size_t count = 0;
    while (sql.n < NOTEBOOK_CODE_MAX - 64) {
        text_addf(&sql, "{p%zu} from t%zu;", count, count);
        count++;
    }
    struct arena *a = arena_new();
    struct sql_scan s = sql_scan(a, text_span(&sql));
    struct names reads = {0};
    sql_reads(&s, true, &reads);
    CHECK(reads.count == 2 * count && s.table_count == count);
    names_free(&reads);
    arena_free(a);
    text_free(&sql);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(the_longest_cell_is_scanned_at_once),
        TEST(names_that_are_all_different_stay_quick),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
