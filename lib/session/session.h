/* session: a notebook that somebody has open. Owns its model in memory, its kernel and its run;
 * turns intents into changes on disk and, once they are committed, into events for those who watch.
 * Loop thread only. Knows nothing of HTTP, sockets or tokens; its callers have checked who asks.
 *
 * Promise: an intent is answered, and its events are sent to anybody, only after the change is on
 * disk. Each session has at most one write under way; what happens meanwhile goes into the next
 * one. When a write fails, memory is ahead of the disk: the session breaks, everybody hears of it,
 * and the next opener loads what the disk has. */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "base/list.h"
#include "kernel/kernel.h"
#include "notebook/notebook.h"
#include "store/store.h"

/* --- all open notebooks --- */
struct sessions;
struct session;

struct sessions_options {
    struct store *store;
    struct launcher *launcher;
    struct analyser *analyser;
    const char *work_dir; /* holds a private directory per kernel; created when missing */
    unsigned idle_s;      /* a session nobody watches and that runs nothing is closed after this */
    size_t notebooks_max; /* per user; sessions_create answers ERR_LIMIT */
    size_t events_max, events_bytes_max; /* of a notebook's events that are kept */
    size_t text_max; /* bytes of one run's text that are kept, most of them hidden */
};
MUST_CHECK enum err sessions_open(struct sessions **out, uv_loop_t *loop,
                                  const struct sessions_options *options);
typedef void (*sessions_closed_cb)(void *data);
/* Watchers get `on_closed` (SESSION_DRAINING), kernels stop, writes finish. */
void sessions_close(struct sessions *all, sessions_closed_cb closed, void *data);

/* The open session, or NULL. */
struct session *sessions_find(const struct sessions *all, struct span id);
/* Opens `owner`'s notebook. Calls back exactly once, later. ERR_NOT_FOUND, ERR_UNAVAILABLE,
 * ERR_CANCELED. The session stays open at least until the next turn of the loop; use it at once or
 * watch it. */
typedef void (*session_opened_cb)(void *data, enum err e, struct session *s);
void sessions_load(struct sessions *all, struct span owner, struct span id, session_opened_cb done,
                   void *data);

/* A new notebook with one empty cell; `id` is valid during the call. ERR_LIMIT. */
typedef void (*sessions_created_cb)(void *data, enum err e, struct span id);
void sessions_create(struct sessions *all, struct span owner, sessions_created_cb done, void *data);
/* The owner's notebooks, after the blank and the demo notebook were made where they are missing. */
void sessions_list(struct sessions *all, struct span owner, store_listed_cb done, void *data);

/* --- one session: looking --- */
struct span session_owner(const struct session *s);
/* The notebook as the contract has it (CONTRACT 2.2), valid until the loop's next turn. Kept while
 * nothing changes. The null span when it is larger than 256 MiB. */
struct span session_document(struct session *s);
/* Is everything that the model shows on disk? Then it may be shown. */
bool session_is_settled(const struct session *s);
/* Of the notebook's events (version 2): their life, and the last that watchers have been told. */
struct span session_epoch(const struct session *s);
int64_t session_seq(const struct session *s);
/* Messages of version 2 that tell what is true now and have no number: `kernel_state`, `presence`.
 */
void session_kernel_message(const struct session *s, struct text *out);
void session_presence_message(const struct session *s, struct text *out);
/* What runs: {"plan":[{"cellId","reason"}],"done":n,"queued":[...]}, or null. */
void session_run_state(const struct session *s, struct json_writer *w);

/* --- on whose behalf --- */
/* Until it is set again (NULL: nobody's), each intent that is asked for and comes to OK appends
 * this row to the audit trail, in the write of what it did; a null object is the notebook. Borrowed
 * while it is set: set it around a call, not for longer. */
void sessions_act_as(struct sessions *all, const struct store_audit *row);

/* --- intents: each is answered exactly once, later, in order, after its commit --- */
struct session_result {
    struct span cell_id;  /* of a created cell */
    int64_t revision;     /* after the change; with ERR_CONFLICT the current one */
    int64_t seq;          /* of the last event that was made before this answer */
    size_t position;      /* of a created or moved cell */
    struct span document; /* JSON, or text: see the intent; null without one */
};
typedef void (*session_done_cb)(void *data, enum err e, const struct session_result *r);
/* Answers OK once everything so far is on disk. */
void session_settle(struct session *s, session_done_cb done, void *data);
/* `document` is what the notebook was when asked, on disk by the time of the answer. For version 1
 * as session_document, for version 2 {"notebook": NotebookState, "run": RunState or null}; `seq`
 * belongs to it exactly. ERR_TOO_LARGE over 256 MiB. Does not wait for intents before it. */
enum session_form { SESSION_CONTRACT, SESSION_STATE };
void session_snapshot(struct session *s, enum session_form form, session_done_cb done, void *data);
/* The null span clears. */
void session_rename(struct session *s, struct span name, session_done_cb done, void *data);
void session_set_connection(struct session *s, struct span value, session_done_cb done, void *data);
/* After the cell `after`; last when it is null. With `code`, as a cell that was then edited.
 * ERR_NOT_FOUND (no such `after`), ERR_LIMIT, ERR_INVALID (a NUL), ERR_TOO_LARGE. */
struct session_creation {
    enum cell_type type;
    struct span after, code; /* code may be null */
};
void session_create_cell(struct session *s, const struct session_creation *creation,
                         session_done_cb done, void *data);
/* What the edit is based on. */
enum session_base {
    SESSION_BASE_ANY,
    SESSION_BASE_NOTEBOOK, /* conflict unless `revision` is the notebook's */
    SESSION_BASE_CELL,     /* conflict when this cell's code was edited after the notebook had
                            * `revision`
                            */
};
/* ERR_CONFLICT: `revision` is the current one and `document` the cell's current code.
 * ERR_NOT_FOUND, ERR_INVALID (a NUL), ERR_TOO_LARGE. */
struct session_code {
    struct span cell_id, code;
    enum session_base base;
    int64_t revision;
};
void session_update_cell(struct session *s, const struct session_code *code, session_done_cb done,
                         void *data);
void session_delete_cell(struct session *s, struct span cell_id, session_done_cb done, void *data);
/* After the cell `after`; first when it is null. ERR_NOT_FOUND (either). */
void session_move_cell(struct session *s, struct span cell_id, struct span after,
                       session_done_cb done, void *data);
/* What is not `has_` stays. ERR_NOT_FOUND, ERR_INVALID, ERR_TOO_LARGE. */
struct session_settings {
    struct span cell_id;
    bool has_type, has_name, has_disabled;
    enum cell_type type;
    struct span name; /* null clears */
    bool disabled;
};
void session_set_cell(struct session *s, const struct session_settings *settings,
                      session_done_cb done, void *data);

/* --- running --- */
enum session_scope { SESSION_RUN_CELL, SESSION_RUN_ALL, SESSION_RUN_STALE };
/* Runs cells and what depends on them; joins the next batch when something runs already. Answered
 * when it is planned: `document` is {"queued":false,"plan":[{"cellId","reason"}]}, with queued true
 * and no plan yet when it waits for the next batch. With `wait`: when the batch has
 * ended, {"status":"success|error|blocked|interrupted|died","cells":[CellState]} with the cells of
 * the plan; `on_progress` (may be NULL) is called before that after every cell. ERR_NOT_FOUND,
 * ERR_INVALID (SESSION_RUN_CELL of a cell that is disabled). */
typedef void (*session_progress_cb)(void *data, size_t done, size_t total);
struct session_run_request {
    enum session_scope scope;
    struct span cell_id; /* SESSION_RUN_CELL */
    bool wait;
    session_progress_cb on_progress;
};
void session_run(struct session *s, const struct session_run_request *request, session_done_cb done,
                 void *data);
/* The running cell gets a KeyboardInterrupt; cells that have not begun become idle. Does not wait
 * for intents before it. */
void session_interrupt(struct session *s, session_done_cb done, void *data);
/* A new kernel, with none of the names. The outputs stay. As an interrupt for what runs. */
void session_restart(struct session *s, session_done_cb done, void *data);
/* The answer to input(). ERR_CONFLICT when nobody asks. */
void session_input(struct session *s, struct span value, session_done_cb done, void *data);
/* Asks the kernel (schema/kernel.yaml 36..38); `document` is its answer. Does not wait for intents.
 * ERR_UNAVAILABLE when it cannot answer now; variables are then the last known, if any, and none
 * while there is no kernel. */
void session_ask(struct session *s, enum kernel_question what, struct span request,
                 session_done_cb done, void *data);
/* Bytes of a cell's text, hidden ones too: at most `size` from `start`, fewer where a part ends.
 * `document` is the text, `position` the end of the whole. ERR_NOT_FOUND. */
struct session_text_range {
    struct span cell_id;
    size_t start, size;
};
void session_text(struct session *s, const struct session_text_range *range, session_done_cb done,
                  void *data);
/* Deletes the notebook for good and closes the session. */
void session_delete(struct session *s, session_done_cb done, void *data);

/* --- watching --- */
enum event_kind {
    EVENT_STATUS,
    EVENT_STDOUT, /* `end` is where it ends in the cell's whole text as version 1 shows it */
    EVENT_TEXT_HIDDEN,
    EVENT_ERROR,
    EVENT_OUTPUT,
    EVENT_OUTPUT_UPDATED,
    EVENT_CELL_CLEARED,
    EVENT_CELL_UPDATED,
    EVENT_CELL_CREATED,
    EVENT_CELL_DELETED,
    EVENT_CELL_MOVED,
    EVENT_STALE,
    EVENT_QUEUED,
    EVENT_PLAN,
    EVENT_PLAN_ENDED,
    EVENT_RENAMED,
    EVENT_DB_CHANGED,
    EVENT_KERNEL, /* the rest have no number: they tell what is true now */
    EVENT_PRESENCE,
};
/* The `kind` under which the store keeps it: "cell_status"; and for the status that begins a run,
 * which makes all before it of that cell's results void, "cell_running". */
struct event {
    enum event_kind kind;
    int64_t seq;         /* 0: not kept */
    struct span cell_id; /* null for the notebook's own */
    struct span json;    /* the message of version 2 */
    /* How many bytes of `json`, with a closing brace after them, are the message of version 1. 0:
     * version 1 does not know it. */
    size_t known;
    bool old_only;   /* `json` is for version 1 alone, and whole */
    bool begins_run; /* EVENT_STATUS: running */
    size_t end;      /* EVENT_STDOUT */
};
enum session_end { SESSION_DELETED, SESSION_BROKEN, SESSION_DRAINING };
struct watcher {
    struct list link; /* this and the next are the session's */
    struct session *session;
    /* Shown to the others (presence) when `user` is not NULL; borrowed while it watches. Whoever is
     * shown can also answer input(). */
    const char *user;
    struct id connection;
    int64_t since_ms;
    void (*on_event)(struct watcher *w, const struct event *e);
    /* The session has ended; the watcher is already unlinked. */
    void (*on_closed)(struct watcher *w, enum session_end why);
};
void session_watch(struct session *s, struct watcher *w);
void session_unwatch(struct watcher *w); /* fine when unlinked */
/* The first `end` bytes of a cell's stdout text, as one message of the contract's cumulative form,
 * in `out`. False when the cell is gone. */
bool session_stdout_message(const struct session *s, struct span cell_id, size_t end,
                            struct text *out);
