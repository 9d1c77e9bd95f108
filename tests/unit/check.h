/* check: unit tests as sentences. Each test runs in its own process, so a crash or a leak names its
 * test and the others still run. Output is TAP; the exit code is 1 when a test failed.
 *
 *   static void an_empty_list_is_empty(void) { CHECK(list_is_empty(&l)); }
 *   int main(int argc, char **argv)
 *   {
 *       static const struct check_test tests[] = {TEST(an_empty_list_is_empty)};
 *       return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
 *   }
 * An argument runs only the tests whose name contains it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct check_test {
    const char *name;
    void (*run)(void);
};

#define TEST(fn)                                                                                   \
    {                                                                                              \
#fn, fn                                                                                    \
    }

/* A call and not a statement, so that many of them do not make a test complicated. */
#define CHECK(expression) check_that((expression), __FILE__, __LINE__, #expression)

_Noreturn void check_failed(const char *file, int line, const char *expression);
static inline void check_that(bool held, const char *file, int line, const char *expression)
{
    if (!held) {
        check_failed(file, line, expression);
    }
}
/* In a table of cases: names the case in the failure message. */
void check_case(const char *name);
int check_main(int argc, char **argv, const struct check_test *tests, size_t count);
