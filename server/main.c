/* notebookd: the backend of a reactive notebook. */
#include <stdio.h>
#include <stdlib.h>

#include "app.h"
#include "base/log.h"
#include "doctor.h"
#include "request.h"
#include "version.h"

static int print(struct text *t)
{
    struct span s = text_span(t);
    bool good = fwrite(s.p, 1, s.n, stdout) == s.n && fflush(stdout) == 0;
    text_free(t);
    return good ? 0 : 1;
}

static int run_option(const char *option)
{
    struct text out = TEXT((size_t)256 * 1024);
    if (strcmp(option, "--check") == 0) {
        return doctor_run();
    }
    if (strcmp(option, "--help") == 0) {
        config_help(&out);
    } else if (strcmp(option, "--version") == 0) {
        text_add(&out, SPAN("notebookd " NOTEBOOKD_VERSION "\n"));
    } else if (strcmp(option, "--print-routes") == 0) {
        route_print(&out);
    } else {
        fprintf(stderr, "notebookd: unknown option %s; there is --help\n", option);
        return 2;
    }
    return print(&out);
}

static enum log_level level_of(struct span name, enum err *e)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (span_eq(name, span_str(names[i]))) {
            *e = OK;
            return (enum log_level)i;
        }
    }
    *e = ERR_INVALID;
    return LOG_INFO;
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return run_option(argv[1]);
    }
    struct config config = {0};
    struct text why = TEXT(4096);
    if (config_read(&config, &why) != OK) {
        fprintf(stderr, "notebookd: %.*s\n", SPAN_ARGS(text_span(&why)));
        text_free(&why);
        return 2;
    }
    enum err e;
    log_set_level(level_of(config.log_level, &e));
    if (e != OK) {
        fprintf(stderr,
                "notebookd: LOG_LEVEL is \"%.*s\": it must be debug, info, warn or error.\n",
                SPAN_ARGS(config.log_level));
        return 2;
    }
    return app_run(&config);
}
