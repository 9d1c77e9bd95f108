/* child: one process that the launcher forks for us (a kernel or the analyser), from asking for it
 * to the report of its end. Embedded in its owner. Nothing but such a report, or the end of the
 * launcher, proves that it is dead: descriptors may outlive it in processes that it has forked. */
#pragma once

#include "base/list.h"
#include "base/span.h"
#include "kernel/ends.h"
#include "kernel/kernel.h"

/* QUEUED -> ASKED -> RUNNING -> ENDED, and QUEUED or ASKED -> ENDED */
enum child_state {
    CHILD_ENDED,   /* or never asked for */
    CHILD_QUEUED,  /* the launcher has not been told yet */
    CHILD_ASKED,   /* told; no answer yet */
    CHILD_RUNNING, /* `pid` is known */
};

struct child;
struct packet;
typedef void (*child_cb)(struct child *c);
/* `why` is a sentence for people, valid during the call. */
typedef void (*child_ended_cb)(struct child *c, struct span why);

struct child {
    struct list node; /* in launcher.children, unless ended */
    struct launcher *launcher;
    uint64_t id;
    enum child_state state;
    int64_t pid;
    bool killed;            /* SIGKILL was asked for, or follows the pid */
    uint64_t deadline;      /* loop time until which the launcher must answer; 0 for none */
    struct packet *request; /* while QUEUED */
    child_cb on_running;
    child_ended_cb on_ended; /* exactly once after child_start */
    void *data;
};

enum child_kind { CHILD_KERNEL, CHILD_ANALYSER };

/* `c` holds the callbacks and data already. Takes `theirs`. `cwd` is for kernels. */
void child_start(struct child *c, struct launcher *l, enum child_kind kind, const char *cwd,
                 struct ends *theirs);
/* To its process group; ignored unless RUNNING. */
void child_signal(struct child *c, int signal);
/* SIGKILL to its process group, as soon as there is one. on_ended follows, later; or inside the
 * call when the process was not asked for yet. Ignored when ENDED. */
void child_kill(struct child *c);

/* --- for launcher.c --- */
/* Sends what waits, as far as the launcher takes it. */
void child_pump(struct launcher *l);
/* One report about a child. ERR_INVALID: the launcher talks nonsense. */
MUST_CHECK enum err child_report(struct launcher *l, const struct json *report);
/* Whether some answer is overdue. */
bool child_is_overdue(const struct launcher *l, uint64_t now);
/* The launcher is gone, and everything it had forked: every child ends. */
void child_end_all(struct launcher *l, struct span why);
