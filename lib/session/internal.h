/* What the files of this module share. Private to lib/session. */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "session/session.h"

/* Bounds of what one run of one cell may leave behind (README, limits). */
#define STREAM_HEAD_MAX ((size_t)1024 * 1024) /* bytes of text kept from the start of a run */
#define STREAM_TAIL_MAX ((size_t)64 * 1024)   /* and from its end, when more was printed */
#define DISPLAYS_MAX 200                      /* rich outputs of one cell */
#define DISPLAY_BYTES_MAX ((size_t)32 * 1024 * 1024)
/* One event's JSON: an output frame with all of its escapes. */
#define MESSAGE_MAX ((size_t)48 * 1024 * 1024)
#define DOCUMENT_MAX ((size_t)256 * 1024 * 1024)
#define DOCUMENT_KEPT ((size_t)64 * 1024) /* a larger one is made anew each time */
#define OPS_MAX 1000                      /* intents waiting in one session */

/* One intent, waiting its turn or being worked on. Its strings live in its arena. */
struct op {
    struct list link;
    struct session *session;
    void (*start)(struct op *op); /* ends in op_finish, now or later */
    struct arena *arena;
    struct span cell_id, text;
    enum cell_type type;
    bool any_revision;
    int64_t expected;
    session_done_cb done;
    void *data;
};

/* What the current kernel knows of a cell: the run that produced its names, and which names. */
struct ran {
    uint64_t run;
    struct names bound;
    bool fresh; /* it succeeded and nothing of it was dropped since */
};

struct step {
    struct id cell;
    bool blocked;
    char *flaw; /* why it cannot run itself; NULL when it can. Owned */
};

struct run {
    bool active;
    struct step *steps; /* owned */
    size_t count, next;
    struct id current;   /* the cell that executes or waits for the kernel */
    bool executing;      /* false: waits for the kernel */
    bool failed;         /* the kernel reported an error for it */
    struct names wanted; /* cell ids asked for meanwhile: the next batch */
    /* streams of the current cell */
    size_t streamed;    /* bytes kept so far */
    size_t dropped;     /* bytes left out after STREAM_HEAD_MAX */
    struct text tail;   /* the last of them */
    bool clear_pending; /* clear_output(wait=True) */
};

struct session {
    struct sessions *all;
    struct notebook *notebook;
    struct kernel *kernel; /* NULL until somebody watches or runs */
    uint64_t kernel_asked_us;
    unsigned closing_kernels; /* earlier ones, not yet reaped */
    struct list watchers;
    struct list ops;
    size_t op_count;
    struct op *active;
    struct batch *batch; /* what the next write will hold; NULL when there is nothing */
    struct list dirty;   /* in sessions.dirty while `batch` waits for the end of the turn */
    unsigned writing;    /* writes under way: at most one, and one more while draining */
    bool deleting;       /* its deletion is being written */
    bool ended;
    struct text document; /* what session_document made last */
    bool document_valid;  /* and nothing has changed since */
    struct run run;
    struct map ran; /* cell id -> struct ran, owned */
    uint64_t last_run;
    uint64_t idle_since_us;
};

struct sessions {
    uv_loop_t *loop;
    struct sessions_options options;
    char *work_dir;
    struct map by_id;   /* notebook id -> session */
    struct map loading; /* notebook id -> struct load */
    struct list dirty;
    size_t alive;   /* sessions not yet freed, also ended ones */
    size_t pending; /* loads, lists and creations under way */
    uv_prepare_t flush;
    uv_timer_t sweep;
    unsigned handles;
    bool closing;
    sessions_closed_cb closed;
    void *closed_data;
};

/* sessions.c */
struct session *session_new(struct sessions *all, struct notebook *n);
/* Tells the watchers, refuses what waits, stops the kernel; frees when nothing is under way any
 * more. */
void session_end(struct session *s, enum session_end why);
/* As session_end, after what has happened so far was handed to the store. */
void session_drain(struct session *s);
void session_free_if_done(struct session *s);
/* What session_document made is out of date, or too large to keep. */
void session_drop_document(struct session *s);
/* False (logged) when there is no directory for it. Fine when there is one already. */
bool session_start_kernel(struct session *s);
void session_stop_kernel(struct session *s);
void sessions_finish_if_done(struct sessions *all);
/* The notebook's private directory, made if missing; NULL (logged) when that fails. Owned by the
 * caller. */
char *sessions_directory(const struct sessions *all, struct span notebook_id);

/* batch.c: what one write holds, who hears of it, who is answered by it */
struct store_write *batch_write(struct session *s);
void batch_event(struct session *s, const struct event *e); /* copies */
void batch_answer(struct session *s, const struct op *op, enum err e,
                  const struct session_result *r);
void batch_flush(struct session *s); /* at the end of the loop's turn */
void batch_discard(struct session *s, enum err e);
int64_t batch_bump(struct session *s); /* the notebook's next revision, written */

/* events.c: the contract's messages (CONTRACT 3.3) */
void publish_status(struct session *s, const struct cell *c);
void publish_stdout(struct session *s, const struct cell *c, struct span text);
void publish_error(struct session *s, const struct cell *c);
void publish_output(struct session *s, const struct cell *c, struct span output);
void publish_updated(struct session *s, const struct cell *c);
void publish_created(struct session *s, size_t position);
void publish_deleted(struct session *s, struct span cell_id);
/* Clears what clients show of the cell and sends all of it again: the contract has no other way to
 * change an output in place. */
void publish_repaint(struct session *s, const struct cell *c);

/* ops.c */
void op_finish(struct op *op, enum err e, const struct session_result *r);
void ops_refuse(struct session *s, enum err e);

/* names.c: sets reads, writes and flaw of a cell */
/* From its code. `embedded`: the notebook has no connection, tables are names of the notebook. */
void names_of_sql(struct cell *c, bool embedded);
/* From the analyser's answer; NULL when it could not be asked. */
void names_apply(struct cell *c, const struct analysis *result);

/* run.c */
void run_want(struct session *s, struct span cell_id);
void run_on_ready(struct session *s);
void run_on_done(struct session *s, enum kernel_done status);
void run_on_gone(struct session *s, struct span why);
/* The cell whose latest run this is; NULL when it ran again since or is gone. */
struct cell *run_cell_of(struct session *s, uint64_t run);
struct cell *session_cell(const struct session *s, struct span id); /* NULL when gone */
/* Drops the plan; cells that were to run become idle again. */
void run_abandon(struct session *s);
/* Forgets the cell's names here and in the kernel. */
void run_forget(struct session *s, struct span cell_id);

/* request.c: the payload of an execute frame */
void request_execute(struct session *s, const struct cell *c, size_t position, struct text *out);
void request_drop(const struct names *names, struct text *out);

/* outputs.c: what the kernel sends while it runs */
void on_kernel_event(void *session, const struct kernel_event *e);
/* At the end of a run: the notice and the tail of a stream that was cut. */
void outputs_close_stream(struct session *s, struct cell *c);

/* samples.c: the notebooks every user starts with */
struct notebook *sample_blank(struct span owner);
struct notebook *sample_demo(struct span owner);
