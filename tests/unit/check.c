#include "tests/unit/check.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *current_case = "";

void check_case(const char *name)
{
    current_case = name;
}

_Noreturn void check_failed(const char *file, int line, const char *expression)
{
    fprintf(stderr, "# %s:%d: %s%s%s\n", file, line, expression,
            *current_case == '\0' ? "" : " in case ", current_case);
    fflush(stderr);
    _exit(1);
}

/* exit(), not _exit(), in the child: LeakSanitizer looks at exit. */
static int run(const struct check_test *test)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        test->run();
        exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        return -1;
    }
    if (WIFSIGNALED(status)) {
        fprintf(stderr, "# %s: killed by signal %d\n", test->name, WTERMSIG(status));
    }
    return status;
}

int check_main(int argc, char **argv, const struct check_test *tests, size_t count)
{
    int failed = 0;
    size_t number = 0;
    for (size_t i = 0; i < count; i++) {
        if (argc > 1 && strstr(tests[i].name, argv[1]) == NULL) {
            continue;
        }
        int status = run(&tests[i]);
        failed += status != 0;
        printf("%s %zu - %s\n", status == 0 ? "ok" : "not ok", ++number, tests[i].name);
    }
    printf("1..%zu\n", number);
    return failed != 0;
}
