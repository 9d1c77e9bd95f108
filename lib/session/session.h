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

/* --- intents: each is answered exactly once, later, in order, after its commit --- */
struct session_result {
    struct span cell_id; /* of a created cell */
    int64_t revision;    /* after the change; with ERR_CONFLICT the current one */
};
typedef void (*session_done_cb)(void *data, enum err e, const struct session_result *r);
/* Answers OK once everything so far is on disk. */
void session_settle(struct session *s, session_done_cb done, void *data);
/* The null span clears. */
void session_rename(struct session *s, struct span name, session_done_cb done, void *data);
void session_set_connection(struct session *s, struct span value, session_done_cb done, void *data);
/* After the cell `after`, or last when `after` is null. ERR_NOT_FOUND (no such `after`), ERR_LIMIT.
 */
void session_create_cell(struct session *s, enum cell_type type, struct span after,
                         session_done_cb done, void *data);
/* ERR_CONFLICT unless `expected` is the current revision (or any will do). ERR_NOT_FOUND,
 * ERR_INVALID (a NUL), ERR_TOO_LARGE. */
struct session_code {
    struct span cell_id, code;
    bool any_revision;
    int64_t expected;
};
void session_update_cell(struct session *s, const struct session_code *code, session_done_cb done,
                         void *data);
void session_delete_cell(struct session *s, struct span cell_id, session_done_cb done, void *data);
/* Runs the cell and what depends on it; joins the next batch when something runs already. Answered
 * when it is planned, not when it has run. ERR_NOT_FOUND. `done` may be NULL. */
void session_run(struct session *s, struct span cell_id, session_done_cb done, void *data);
/* Deletes the notebook for good and closes the session. */
void session_delete(struct session *s, session_done_cb done, void *data);

/* --- watching --- */
enum event_kind {
    EVENT_STATUS,
    EVENT_STDOUT, /* `text` is what is new; `end` is where it ends in the cell's whole text */
    EVENT_ERROR,
    EVENT_OUTPUT,
    EVENT_CELL_UPDATED,
    EVENT_CELL_CREATED,
    EVENT_CELL_DELETED,
};
struct event {
    enum event_kind kind;
    struct span cell_id;
    struct span json; /* the message as the contract has it (stdout: the delta form) */
    size_t end;       /* EVENT_STDOUT only */
};
enum session_end { SESSION_DELETED, SESSION_BROKEN, SESSION_DRAINING };
struct watcher {
    struct list link; /* the session's */
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
