/* What the files of this module share. Private to lib/session. */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "session/session.h"

/* Bounds of what one run of one cell may leave behind (README, limits). */
#define STREAM_HEAD_MAX ((size_t)1024 * 1024) /* bytes of text shown from the start of a run */
#define STREAM_TAIL_MAX ((size_t)64 * 1024)   /* and from its end, when more was printed */
#define DISPLAYS_MAX 200                      /* rich outputs of one cell */
#define DISPLAY_BYTES_MAX ((size_t)32 * 1024 * 1024)
/* One event's JSON: an output frame with all of its escapes. */
#define MESSAGE_MAX ((size_t)48 * 1024 * 1024)
#define DOCUMENT_MAX ((size_t)256 * 1024 * 1024)
#define DOCUMENT_KEPT ((size_t)64 * 1024) /* a larger one is made anew each time */
#define OPS_MAX 1000                      /* intents waiting in one session */
#define WAITERS_MAX 1000                  /* runs that somebody waits for */
/* While one write is under way, the next one may grow to this before the kernel is held back. */
#define BATCH_BYTES_MAX ((size_t)1024 * 1024)

/* One intent, waiting its turn or being worked on. Its strings live in its arena. */
struct op {
    struct list link;
    struct session *session;
    void (*start)(struct op *op); /* ends in op_finish, now or later */
    struct arena *arena;
    struct span cell_id, text;
    const struct store_audit *behalf; /* NULL: nobody's */
    session_done_cb done;
    void *data;
    union { /* by `start` */
        enum cell_type type;
        struct session_code edit;
        struct session_settings settings;
        struct session_run_request run;
    };
};

/* What the current kernel knows of a cell: the run that produced its names, and which names. */
struct ran {
    uint64_t run;
    struct names bound;
};

struct step {
    struct id cell;
    enum plan_reason reason;
    bool blocked;
    char *flaw; /* why it cannot run itself; NULL when it can. Owned */
};

/* What is under way. The steps stay until the next batch is planned or this one ends. */
struct run {
    bool active;
    uint64_t batch;     /* its number */
    struct step *steps; /* owned */
    size_t count, next;
    struct id current; /* the cell that executes or waits for the kernel */
    bool executing;    /* false: waits for the kernel */
    bool failed;       /* the kernel reported an error for it */
    bool interrupted;  /* somebody wanted it to end */
    bool any_error, any_blocked;
    struct names wanted; /* cell ids asked for meanwhile: the next batch */
    /* streams of the current cell */
    struct text tail;   /* the last of what is hidden */
    size_t chunks;      /* stream chunks stored one by one */
    bool clear_pending; /* clear_output(wait=True) */
};

struct session {
    struct sessions *all;
    struct notebook *notebook;
    struct kernel *kernel; /* NULL until somebody watches or runs */
    char *kernel_cause;    /* why the last one is gone; NULL when it is not. Owned */
    uint64_t kernel_asked_us;
    unsigned closing_kernels; /* earlier ones, not yet reaped */
    unsigned asking;          /* questions and reads that will call back */
    struct list watchers;
    struct list ops;
    size_t op_count;
    struct op *active;
    struct batch *batch; /* what the next write will hold; NULL when there is nothing */
    struct list dirty;   /* in sessions.dirty while `batch` waits for the end of the turn */
    unsigned writing;    /* writes under way: at most one, and one more while draining */
    bool deleting;       /* its deletion is being written */
    bool ended;
    bool kernel_changed, presence_changed; /* to be told with the next batch */
    bool kernel_paused;
    struct list throttled; /* in sessions.throttled while its text has to wait */
    uint64_t text_due_us;  /* throttle.c */
    int64_t told;          /* number of the last event that watchers know */
    int64_t segment;       /* journal.c: first event of the newer half of what is kept */
    size_t segment_count, segment_bytes;
    struct text document; /* what session_document made last */
    bool document_valid;  /* and nothing has changed since */
    struct run run;
    struct list waiters; /* wait.c */
    size_t waiter_count;
    struct map ran; /* cell id -> struct ran, owned */
    uint64_t last_run;
    bool asks_input; /* input() waits for its answer */
    bool input_hidden;
    char *input_prompt;    /* owned */
    struct text variables; /* the last answer */
    uint64_t idle_since_us;
};

struct sessions {
    uv_loop_t *loop;
    struct sessions_options options;
    char *work_dir;
    struct map by_id;   /* notebook id -> session */
    struct map loading; /* notebook id -> struct load */
    struct list dirty;
    size_t alive;                     /* sessions not yet freed, also ended ones */
    size_t pending;                   /* loads, lists and creations under way */
    const struct store_audit *behalf; /* borrowed: on whose behalf things are asked for now */
    uv_prepare_t flush;
    uv_timer_t sweep;
    uv_timer_t throttle; /* runs while `throttled` is not empty */
    struct list throttled;
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
/* False (logged) when there is no directory for it. Fine when there is one already. */
bool session_start_kernel(struct session *s);
void session_stop_kernel(struct session *s);
void sessions_finish_if_done(struct sessions *all);
/* The notebook's private directory, made if missing; NULL (logged) when that fails. Owned by the
 * caller. */
char *sessions_directory(const struct sessions *all, struct span notebook_id);

/* documents.c: what a notebook is, as JSON */
/* What session_document made is out of date, or too large to keep. */
void session_drop_document(struct session *s);

/* batch.c: what one write holds, who hears of it, who is answered by it */
struct store_write *batch_write(struct session *s);
/* Copies. One of the notebook's history is numbered and kept (journal.c). */
void batch_event(struct session *s, const struct event *e);
/* `done` may be NULL. Copies what `r` points to. */
void batch_answer(struct session *s, session_done_cb done, void *data, enum err e,
                  const struct session_result *r);
/* So much text was put into the write. */
void batch_weigh(struct session *s, size_t bytes);
/* The kernel waits while there is a reason, and goes on without one. */
void batch_hold_back(struct session *s);
void batch_flush(struct session *s); /* at the end of the loop's turn */
void batch_discard(struct session *s, enum err e);
int64_t batch_bump(struct session *s); /* the notebook's next revision, written */
/* With the next batch watchers are told what the kernel is doing, or who is there. */
void batch_tell_kernel(struct session *s);
void batch_tell_presence(struct session *s);

/* behalf.c */
/* Of sessions_act_as, in `a`; NULL when nobody is set. */
const struct store_audit *behalf_copy(const struct sessions *all, struct arena *a);
/* Into the write of what was done; NULL is fine. */
void behalf_sign(struct session *s, const struct store_audit *row);

/* journal.c */
bool journal_keeps(const struct event *e);
/* Numbers the event and appends it to the write; `json` is its text with the number, which lives in
 * `a`. */
struct span journal_append(struct session *s, struct store_write *w, struct arena *a,
                           struct event *e);
void journal_open(struct session *s); /* of a session that was just loaded */

/* events.c: messages, of version 2, with those of version 1 (CONTRACT 3.3) in front */
void publish_status(struct session *s, const struct cell *c);
/* `text` was just added to the cell, whose text_end counts it already. */
void publish_stdout(struct session *s, const struct cell *c, enum output_kind kind,
                    struct span text);
/* Text that is no output of the run but stands among it, for version 1. */
void publish_notice(struct session *s, const struct cell *c, struct span text);
void publish_hidden(struct session *s, const struct cell *c);
void publish_error(struct session *s, const struct cell *c);
void publish_output(struct session *s, const struct cell *c, struct span output);
void publish_updated(struct session *s, const struct cell *c);
void publish_created(struct session *s, size_t position);
void publish_deleted(struct session *s, struct span cell_id);
void publish_moved(struct session *s, size_t position);
/* An output in place, and all outputs away. Version 1 has no such messages: it is made to clear
 * what it shows of the cell and sent all of it again. */
void publish_output_updated(struct session *s, const struct cell *c, struct span display_id);
void publish_cleared(struct session *s, const struct cell *c);

/* notices.c: messages of version 2 about more than one cell, and of what is true now */
void publish_stale(struct session *s, const struct names *cell_ids);
void publish_queued(struct session *s); /* all that wait for the next batch */
/* `disabled`: positions of what would have run. */
void publish_plan(struct session *s, const size_t *disabled, size_t disabled_count);
void publish_plan_ended(struct session *s, struct span status);
void publish_renamed(struct session *s);
void publish_db_changed(struct session *s);
/* The member "plan" of what runs. */
void put_plan(const struct run *r, struct json_writer *w);

/* ops.c */
struct op *op_new(struct session *s, void (*start)(struct op *op), session_done_cb done,
                  void *data);
void op_submit(struct op *op);
void op_finish(struct op *op, enum err e, const struct session_result *r);
/* Answers with the revision and the number of the last event. */
void op_finish_ok(struct op *op);
/* With a new revision; `position` of the cell where there is one. */
void op_finish_bumped(struct op *op, struct span cell_id, size_t position);
/* Those of kind `start`, or all of them. */
void ops_refuse(struct session *s, void (*start)(struct op *op), enum err e);

/* stale.c */
/* The cell and what depends on it show what is no longer so. */
void stale_below(struct session *s, struct span cell_id, bool itself);
/* These positions. */
void stale_mark(struct session *s, const size_t *positions, size_t count);
/* No kernel has run any of it. */
void stale_all(struct session *s);
/* The rest of the plan will not come. */
void stale_rest(struct session *s);

/* names.c: sets reads, writes and flaw of a cell */
/* From its code. `embedded`: the notebook has no connection, tables are names of the notebook. */
void names_of_sql(struct cell *c, bool embedded);
/* From the analyser's answer; NULL when it could not be asked. */
void names_apply(struct cell *c, const struct analysis *result);

/* run.c */
/* Runs them: now, as the next batch, or in the one after what runs. */
void run_want(struct session *s, const struct span *cell_ids, size_t count);
void run_on_ready(struct session *s);
void run_on_done(struct session *s, enum kernel_done status);
void run_on_gone(struct session *s, struct span why);
void run_take_back(struct session *s);
struct cell *session_cell(const struct session *s, struct span id); /* NULL when gone */
/* Drops the plan; cells that were to run become idle again. */
void run_abandon(struct session *s);

/* known.c: what the current kernel knows */
struct ran *known_find(const struct session *s, struct span cell_id); /* NULL: never ran there */
struct ran *known_new(struct session *s, struct span cell_id);        /* or the one there is */
/* Removes the names from the kernel. A cell may have bound names that its newest code does not
 * write any more. */
void known_drop(struct session *s, struct ran *r);
/* Forgets the cell's names here and in the kernel. */
void known_forget(struct session *s, struct span cell_id);
/* The kernel is gone, and everything it knew. */
void known_forget_all(struct session *s);
/* The cell whose latest run this is; NULL when it ran again since or is gone. */
struct cell *known_cell(const struct session *s, uint64_t run);

/* show.c */
void show_running(struct session *s, struct cell *c);
void show_end(struct session *s, struct cell *c, enum cell_status status);
/* Clients drop old outputs only on `running` (CONTRACT 0.3), so that comes first in both. */
void show_blocked(struct session *s, struct cell *c);
void show_flaw(struct session *s, struct cell *c, struct span flaw);

/* wait.c: who waits for a run to end */
/* For the batch with that number; the callbacks come with its end. */
void wait_add(struct session *s, uint64_t batch, const struct op *op);
void wait_progress(struct session *s);
void wait_end(struct session *s, struct span status); /* of the batch that is there */
void wait_join(struct session *s); /* who waits for the next batch waits for this one instead */
void wait_refuse(struct session *s, enum err e);

/* request.c: the payload of an execute frame */
void request_execute(struct session *s, const struct cell *c, size_t position, struct text *out);
void request_drop(const struct names *names, struct text *out);

/* outputs.c: what the kernel sends while it runs */
void on_kernel_event(void *session, const struct kernel_event *e);
/* At the end of a run: the notice and the tail of a stream of which a part is hidden. */
void outputs_close_stream(struct session *s, struct cell *c);
/* throttle.c: what is hidden may not come faster than the others can bear */
void throttle_text(struct session *s, size_t bytes);
void throttle_end(struct session *s);
/* streams.c */
void stream_add(struct session *s, struct cell *c, enum output_kind kind, struct span text);
void stream_reset(struct session *s);

/* samples.c: the notebooks every user starts with */
struct notebook *sample_blank(struct span owner);
struct notebook *sample_demo(struct span owner);
