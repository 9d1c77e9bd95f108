#include "base/mem.h"

#include <stdalign.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/check.h"

static bool is_zero(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != 0) {
            return false;
        }
    }
    return true;
}

static void memory_is_zeroed(void)
{
    for (int round = 0; round < 50; round++) {
        char *p = mem_alloc(777);
        CHECK(is_zero(p, 777));
        memset(p, 0xAA, 777);
        mem_free(p);
    }
    mem_free(NULL);
}

static void no_bytes_have_an_address_too(void)
{
    void *a = mem_alloc(0);
    void *b = mem_alloc_array(0, 8);
    CHECK(a != b);
    mem_free(a);
    mem_free(b);
}

static void resizing_keeps_what_was_there(void)
{
    char *p = mem_resize(NULL, 4);
    memcpy(p, "abc", 4);
    p = mem_resize(p, 100000);
    CHECK(strcmp(p, "abc") == 0);
    p = mem_resize(p, 0);
    mem_free(p);
}

static void a_copy_is_terminated_and_null_stays_null(void)
{
    CLEANUP(mem_free_ptr) char *p = mem_copy(span_of("abcdef", 3));
    CLEANUP(mem_free_ptr) char *empty = mem_copy(SPAN(""));
    CHECK(strcmp(p, "abc") == 0 && *empty == '\0');
    CHECK(mem_copy(SPAN_NULL) == NULL);
}

/* How `run` ends the process: the signal, 0 when it returned. */
static int signal_of(void (*run)(void))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        close(STDERR_FILENO);
        run();
        _exit(0);
    }
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

static void ask_for_a_product_that_overflows(void)
{
    volatile size_t many = SIZE_MAX / 2;
    mem_free(mem_alloc_array(many, 3));
}

static void ask_an_arena_for_a_product_that_overflows(void)
{
    volatile size_t many = SIZE_MAX / 2;
    (void)arena_alloc_array(arena_new(), many, 3);
}

static void ask_an_arena_for_too_much(void)
{
    volatile size_t much = SIZE_MAX;
    (void)arena_alloc(arena_new(), much);
}

static void no_memory_ends_the_process(void)
{
    CHECK(signal_of(ask_for_a_product_that_overflows) != 0);
    CHECK(signal_of(ask_an_arena_for_a_product_that_overflows) != 0);
    CHECK(signal_of(ask_an_arena_for_too_much) != 0);
}

static void what_an_arena_gives_is_zeroed_aligned_and_apart(void)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    enum { COUNT = 3000 };
    char **given = mem_alloc_array(COUNT, sizeof *given);
    for (size_t i = 0; i < COUNT; i++) {
        size_t size = i * 7 % 300;
        given[i] = arena_alloc(a, size);
        CHECK((uintptr_t)given[i] % alignof(max_align_t) == 0);
        CHECK(is_zero(given[i], size));
        memset(given[i], (int)(i % 255) + 1, size);
        arena_copy(a, SPAN("x")); /* leaves the arena unaligned */
    }
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t k = 0; k < i * 7 % 300; k++) {
            CHECK((unsigned char)given[i][k] == i % 255 + 1);
        }
    }
    mem_free(given);
}

static void an_arena_takes_large_and_small_in_any_order(void)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    static const size_t sizes[] = {1,     5000,  16,    1U << 20, 4000, 65536,
                                   65535, 16384, 16385, 3,        70000};
    size_t total = 0;
    for (size_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            char *p = arena_alloc(a, sizes[i]);
            CHECK(p[0] == 0 && p[sizes[i] - 1] == 0);
            memset(p, 0xFF, sizes[i]);
            total += sizes[i];
        }
    }
    CHECK(arena_used(a) == total);
}

static void arena_strings_are_terminated(void)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct span copy = arena_copy(a, span_of("abcdef", 3));
    CHECK(span_eq(copy, SPAN("abc")) && copy.p[3] == '\0');
    CHECK(span_is_null(arena_copy(a, SPAN_NULL)));
    struct span empty = arena_copy(a, SPAN(""));
    CHECK(!span_is_null(empty) && empty.n == 0 && empty.p[0] == '\0');
    struct span printed = arena_printf(a, "%05d-%s", 42, "x");
    CHECK(span_eq(printed, SPAN("00042-x")) && printed.p[printed.n] == '\0');
    struct span wide = arena_printf(a, "%100000d", 1);
    CHECK(wide.n == 100000 && wide.p[99999] == '1');
}

static void freeing_no_arena_is_fine(void)
{
    arena_free(NULL);
    arena_free(arena_new());
}

static void a_replaced_string_may_become_a_part_of_itself(void)
{
    char *s = mem_copy(SPAN("north and south"));
    mem_replace(&s, span_of(s + 10, 5));
    CHECK(strcmp(s, "south") == 0);
    mem_replace(&s, SPAN_NULL);
    CHECK(s == NULL);
    mem_replace(&s, SPAN("east"));
    CHECK(strcmp(s, "east") == 0);
    mem_free(s);
}

int main(int argc, char **argv)
{
    static const struct check_test tests[] = {
        TEST(a_replaced_string_may_become_a_part_of_itself),
        TEST(memory_is_zeroed),
        TEST(no_bytes_have_an_address_too),
        TEST(resizing_keeps_what_was_there),
        TEST(a_copy_is_terminated_and_null_stays_null),
        TEST(no_memory_ends_the_process),
        TEST(what_an_arena_gives_is_zeroed_aligned_and_apart),
        TEST(an_arena_takes_large_and_small_in_any_order),
        TEST(arena_strings_are_terminated),
        TEST(freeing_no_arena_is_fine),
    };
    return check_main(argc, argv, tests, sizeof tests / sizeof *tests);
}
