#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "version.h"

void doctor_say(struct doctor *d, enum doctor_grade grade, const char *subject, const char *format,
                ...)
{
    static const char *const names[] = {"ok", "warning", "error"};
    va_list args;
    d->counts[grade]++;
    (void)printf("%-8s %s: ", names[grade], subject);
    va_start(args, format);
    (void)vprintf(format, args);
    va_end(args);
    (void)printf("\n");
    (void)fflush(stdout); /* a check that takes long should not look like the one before it */
}

static bool read_settings(struct doctor *d)
{
    CLEANUP(text_free) struct text why = TEXT(4096);
    if (config_read(&d->config, &why) != OK) {
        doctor_say(d, DOCTOR_ERROR, "settings", "%.*s See notebookd --help.",
                   SPAN_ARGS(text_span(&why)));
        return false;
    }
    doctor_say(d, DOCTOR_OK, "settings", "all of them make sense to notebookd " NOTEBOOKD_VERSION);
    return true;
}

int doctor_run(void)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct doctor d = {.arena = a};
    log_set_level(LOG_WARN);
    if (read_settings(&d)) {
        doctor_look_at_sign_in(&d);
        doctor_look_at_machine(&d);
    }
    log_flush();
    (void)printf("%u errors, %u warnings\n", d.counts[DOCTOR_ERROR], d.counts[DOCTOR_WARNING]);
    return d.counts[DOCTOR_ERROR] > 0 || fflush(stdout) != 0 ? 1 : 0;
}
