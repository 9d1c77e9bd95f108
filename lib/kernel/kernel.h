/* kernel: run this code. The launcher (a warm Python process that forks), the kernels (one process
 * per open notebook) and the analyser (which names does a cell read and write?). Loop thread only.
 * Wire protocol: schema/kernel.yaml. What a kernel sends is untrusted: lengths, kinds, UTF-8 and
 * JSON are checked here, and a violator is killed. Knows nothing of notebooks, stores or clients.
 */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"

/* --- the launcher --- */
struct launcher;
struct launcher_options {
    const char *python;       /* interpreter */
    const char *script_dir;   /* launcher.py and its modules, and the C extension */
    size_t kernel_data_bytes; /* limits given to every kernel */
    unsigned kernel_files;
    size_t kernel_file_bytes;
    /* Time limits in milliseconds; 0 means the default. */
    unsigned warm_ms;   /* to get ready: 60 000 */
    unsigned answer_ms; /* to fork when warm, or to report the end of a process that was killed: 10
                           000 */
    unsigned start_ms;  /* for a kernel, from its fork to its first frame: 20 000 */
};
/* Starts the process; returns at once, it warms up meanwhile. When it dies its kernels are gone
 * too: they report their exit, and it is started again (at most once a second). ERR_UNAVAILABLE
 * when it cannot be executed. */
MUST_CHECK enum err launcher_open(struct launcher **out, uv_loop_t *loop,
                                  const struct launcher_options *options);
typedef void (*launcher_closed_cb)(void *data);
/* All kernels and analysers must be closing or closed; kills what is left. `closed` (may be NULL)
 * is called when no process is left. */
void launcher_close(struct launcher *l, launcher_closed_cb closed, void *data);
bool launcher_is_warm(const struct launcher *l);

/* --- a kernel --- */
struct kernel;
/* STARTING -> IDLE <-> BUSY, and any of them -> GONE */
enum kernel_state { KERNEL_STARTING, KERNEL_IDLE, KERNEL_BUSY, KERNEL_GONE };

enum kernel_event_kind {
    KERNEL_EVENT_READY,
    KERNEL_EVENT_STDOUT, /* text: valid UTF-8 (repaired when it was not) */
    KERNEL_EVENT_STDERR,
    KERNEL_EVENT_DISPLAY, /* body: {data, metadata, id?} */
    KERNEL_EVENT_UPDATE,  /* body: {data, metadata, id} */
    KERNEL_EVENT_CLEAR,   /* body: {wait} */
    KERNEL_EVENT_RESULT,  /* body: {data, metadata} */
    KERNEL_EVENT_ERROR,   /* body: {ename, evalue, line, traceback} */
    KERNEL_EVENT_INPUT,   /* body: {prompt, password} */
    KERNEL_EVENT_DONE,    /* status, ms */
    KERNEL_EVENT_GONE, /* text: why, for people: "The kernel was killed by signal 9 (SIGKILL)." Last
                          event */
};

enum kernel_done { KERNEL_DONE_OK, KERNEL_DONE_ERROR, KERNEL_DONE_INTERRUPTED };

/* Valid during the callback only. */
struct kernel_event {
    enum kernel_event_kind kind;
    uint64_t run; /* which run it belongs to; 0 for none */
    struct span text;
    const struct json
        *body; /* checked: an object with the members the kind needs, of the right types */
    enum kernel_done status;
    double ms;
};
/* May call any kernel_ function on this kernel, also kernel_close. */
typedef void (*kernel_event_cb)(void *data, const struct kernel_event *e);

struct kernel_options {
    const char *cwd; /* the notebook's own directory; exists */
    kernel_event_cb on_event;
    void *data;
};
/* Asks the launcher for a process. Never fails at once: what goes wrong arrives as
 * KERNEL_EVENT_GONE, later. */
struct kernel *kernel_open(struct launcher *l, const struct kernel_options *options);
enum kernel_state kernel_state(const struct kernel *k);
/* One run at a time: the kernel is IDLE (asserted) and BUSY afterwards. `run` is not 0 and
 * increases. `request` is the payload of an execute frame, JSON already. */
void kernel_execute(struct kernel *k, uint64_t run, struct span request);
/* Removes names from the namespace. Any state; ignored when gone. `request` is the payload of a
 * drop frame. */
void kernel_drop(struct kernel *k, struct span request);
/* The answer to KERNEL_EVENT_INPUT; the kernel forgets one that nobody waits for. Ignored while
 * starting and when gone. */
void kernel_input(struct kernel *k, struct span value);
/* SIGINT to the process group, and once more when the run has not ended 2 s later (code may catch
 * the first); ignored unless BUSY. The run ends as KERNEL_DONE_INTERRUPTED and the kernel keeps its
 * variables, unless C code goes on that heeds no signal: then only kernel_close helps. */
void kernel_interrupt(struct kernel *k);
/* While paused nothing is read of what the kernel prints and shows, so that it waits in its next
 * write, where it can be interrupted; questions are answered all the same. No event comes but
 * KERNEL_EVENT_GONE, and that only when the kernel is killed for breaking the protocol: when it
 * ends by itself, what it has written and then its end follow once it is no longer paused. Any
 * state; ignored when gone. */
void kernel_pause(struct kernel *k, bool paused);

enum kernel_question { KERNEL_COMPLETE, KERNEL_INSPECT, KERNEL_VARIABLES };
#define KERNEL_QUESTIONS_MAX 32 /* that wait for their answers, per kernel */
/* Valid during the callback; NULL unless OK. It may call any kernel_ function on this kernel. */
typedef void (*kernel_answer_cb)(void *data, enum err e, const struct json *answer);
/* `request` is the payload of a complete, inspect or variables frame (schema/kernel.yaml), an
 * object already; what is wrong inside it gives an empty answer. Works while a run computes in
 * Python code, and does not disturb it. Answered exactly once, later, from the loop: OK (`answer`
 * is an object, checked as in schema/kernel.yaml), ERR_UNAVAILABLE when there is no answer within
 * 2 s (C code holds the interpreter) or the kernel is starting or gone, ERR_LIMIT when too many
 * wait, ERR_CANCELED when the kernel closes first. An answer that comes late is dropped. */
void kernel_ask(struct kernel *k, enum kernel_question what, struct span request,
                kernel_answer_cb done, void *data);

typedef void (*kernel_closed_cb)(void *data);
/* The process group is killed; `k` is freed, later; no event follows. `closed` (may be NULL) is
 * called once the process is reaped. */
void kernel_close(struct kernel *k, kernel_closed_cb closed, void *data);

/* --- the analyser --- */
struct analyser;
struct analysis {
    const struct span *reads, *writes; /* sorted, unique */
    size_t read_count, write_count;
    struct span error; /* null when sound; else what to show */
};
/* One process, started with the launcher and again when it dies. Answers are kept by content
 * (bounded cache). */
struct analyser *analyser_open(struct launcher *l);
/* Calls back exactly once, later, from the loop; never fails: a cell that cannot be analysed within
 * 1 s, or whose analysis kills the process, gets an `error` that says so. ERR_CANCELED when the
 * analyser closes first, ERR_UNAVAILABLE when there is no launcher. `result` is valid during the
 * call. */
typedef void (*analyser_cb)(void *data, enum err e, const struct analysis *result);
void analyser_ask(struct analyser *a, struct span code, analyser_cb done, void *data);
typedef void (*analyser_closed_cb)(void *data);
void analyser_close(struct analyser *a, analyser_closed_cb closed, void *data);
