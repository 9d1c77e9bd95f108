/* doctor: `notebookd --check`. Looks at everything that a start depends on and says, one line each,
 * how it is and what to do. Starts no server and changes nothing but a file that it removes again.
 * Knows nothing of requests. */
#pragma once

#include "base/mem.h"
#include "config.h"

enum doctor_grade { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_ERROR };

struct doctor {
    struct config config;
    struct arena *arena;
    unsigned counts[3]; /* of each grade */
};

/* Prints "ok       subject: words". */
void doctor_say(struct doctor *d, enum doctor_grade grade, const char *subject, const char *format,
                ...) __attribute__((format(printf, 4, 5)));

/* doctor_clerk.c: keys, clocks, origins, secrets */
void doctor_look_at_sign_in(struct doctor *d);
/* doctor_machine.c: disk and interpreter */
void doctor_look_at_machine(struct doctor *d);

/* The exit code: 1 when something is wrong, 0 when at worst something is odd. */
int doctor_run(void);
