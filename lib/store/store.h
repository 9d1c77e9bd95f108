/* store: remember it. Users (people.h), notebooks, cells, outputs and events in one SQLite file
 * (WAL, synchronous=FULL). Called from the loop thread. A writer thread owns the only connection
 * that writes and checkpoints (Debian's SQLite has the WAL-reset bug, design RELIABILITY.md 0.1);
 * it takes its whole queue into one transaction, a savepoint per write, and calls back after the
 * commit: what a callback reports as OK is on disk. A reader thread serves whole notebooks and
 * lists, events and text; point reads run on the loop. Knows nothing of tokens, requests or
 * kernels. Every query names the notebook's owner, but store_find, which asks who that is. The
 * notebooks of a deleted user (people.h) are not found and not listed. */
#pragma once

#include <uv.h>

#include "base/err.h"
#include "base/mem.h"
#include "notebook/notebook.h"
#include "store/people.h"

struct store;

struct store_options {
    const char *dir;  /* DATA_DIR; created 0700 when missing */
    size_t queue_max; /* writes not yet called back (and as many reads); over it: ERR_UNAVAILABLE */
    size_t queue_bytes_max; /* of what they carry; 0 for 256 MiB */
};

/* Opens or creates DIR/notebookd.sqlite (0600), locks the directory against a second server, checks
 * the file (quick_check), runs the migrations of schema/sql. ERR_CONFLICT when another server has
 * the directory, ERR_INVALID for a damaged, newer or foreign file: never a new file in its place;
 * ERR_DISK_FULL, ERR_INTERNAL. Before a migration changes an older file it is copied beside it
 * (.before-N): ERR_DISK_FULL without room for that, ERR_LIMIT when copies of too many failed starts
 * lie there. Errors are logged with what to do. Also holds 8 MiB of the disk (DIR/reserve), so that
 * on a full one notebooks, cells and outputs can still be deleted. */
MUST_CHECK enum err store_open(struct store **out, uv_loop_t *loop,
                               const struct store_options *options);
typedef void (*store_closed_cb)(void *data);
/* Finishes what is queued (callbacks run), checkpoints, closes, frees `s`, and then calls `closed`
 * from the loop. Until then every call is allowed and is answered ERR_UNAVAILABLE. */
void store_close(struct store *s, store_closed_cb closed, void *data);

struct store_stats {
    size_t pending, pending_bytes; /* writes not yet called back */
    uint64_t transactions;         /* committed; fewer than writes, that is the point */
};
void store_stats(const struct store *s, struct store_stats *out);

/* --- writing: collect changes of one intent, then commit them: all of them or none --- */
struct store_write;
/* `owner` is checked against the notebook by every change except the creating ones; both are
 * copied. */
struct store_write *store_write_new(struct store *s, struct span owner, struct span notebook_id);
void store_write_free(struct store_write *w); /* only when it will not be committed; NULL is fine */

void store_put_user(struct store_write *w); /* the owner's row, if missing */
/* Creates the notebook with all its cells (and outputs). `if_missing`: an existing one is left
 * alone, silently; otherwise it is ERR_CONFLICT. */
void store_create_notebook(struct store_write *w, const struct notebook *n, bool if_missing);
void store_rename(struct store_write *w, struct span name);          /* null span clears */
void store_set_connection(struct store_write *w, struct span value); /* null span clears */
void store_delete_notebook(struct store_write *w);
/* Every mutation of content names the new revision. */
void store_set_revision(struct store_write *w, int64_t revision);
/* Position follows from the neighbours: after the cell `after`, or first when `after` is null. */
void store_insert_cell(struct store_write *w, const struct cell *c, struct span after);
/* Everything of a cell but its position and its outputs. */
void store_update_cell(struct store_write *w, const struct cell *c);
void store_delete_cell(struct store_write *w, struct span cell_id);
/* After the cell `after`, or first when `after` is null. */
void store_move_cell(struct store_write *w, struct span cell_id, struct span after);
/* The cell's hidden text goes with them; its text_end and hidden_* become 0. */
void store_clear_outputs(struct store_write *w, struct span cell_id);
/* Stream text that is not among the outputs: bytes [start, start + text.n) of the run's text, right
 * after those that were appended since the outputs were cleared: ERR_CONFLICT when they are not. */
void store_append_text(struct store_write *w, struct span cell_id, size_t start, struct span text);
/* Appends one output after the cell's others. Chunks of one stream may be appended one by one... */
void store_append_output(struct store_write *w, struct span cell_id, const struct output *o);
/* ...and this puts all of the cell's outputs in the place of what is stored, at the end of a run.
 */
void store_replace_outputs(struct store_write *w, const struct cell *c);

/* --- the notebook's events: what happened, numbered without gaps --- */
/* Appends one; `seq` is one more than the last, or it is ERR_CONFLICT. `kind` names it for those
 * who select; `json` is the message itself, never empty. */
struct store_event {
    int64_t seq;
    struct span kind, cell_id; /* cell_id is null for the notebook's own */
    struct span json;
};
void store_append_event(struct store_write *w, const struct store_event *e);
/* Forgets the events before `oldest`; the numbers go on. */
void store_trim_events(struct store_write *w, int64_t oldest);

/* Hands `w` over. `done` is called exactly once, later, from the loop: OK after the commit, in the
 * order of the commits; ERR_NOT_FOUND (no such notebook of that owner), ERR_CONFLICT,
 * ERR_DISK_FULL, ERR_UNAVAILABLE (queue full, closing, or another process holds the file),
 * ERR_TOO_LARGE, ERR_INTERNAL: after an input or output error that is the answer to every write
 * until the server is restarted. */
typedef void (*store_done_cb)(void *data, enum err e);
void store_commit(struct store_write *w, store_done_cb done, void *data);

/* --- reading --- */
struct store_head {
    struct span id, owner, name; /* in the arena; name is null when unnamed */
    int64_t revision;
};
/* Point read on the loop, by id alone: whose is it? ERR_NOT_FOUND. */
MUST_CHECK enum err store_find(struct store *s, struct arena *a, struct span id,
                               struct store_head *out);

struct store_list {
    struct store_head *items; /* in order of creation */
    size_t count;
};
/* `list` and `n` are valid during the call; the notebook moves to the callback (notebook_free). */
typedef void (*store_listed_cb)(void *data, enum err e, const struct store_list *list);
typedef void (*store_loaded_cb)(void *data, enum err e, struct notebook *n);
/* Not-deleted notebooks of `owner`. */
void store_list(struct store *s, struct span owner, store_listed_cb done, void *data);
/* The whole notebook. ERR_NOT_FOUND when it is missing or not the owner's. */
void store_load(struct store *s, struct span owner, struct span id, store_loaded_cb done,
                void *data);

struct store_events {
    struct store_event *items; /* in order, without gaps */
    size_t count;
    struct id epoch;
    int64_t oldest, seq; /* of the notebook, on disk now; oldest is seq + 1 when none is kept */
};
typedef void (*store_events_cb)(void *data, enum err e, const struct store_events *events);
/* The events after `since`: none when some of them are gone (since + 1 < oldest) or `since` is in
 * the future, else as many as fit in `bytes_max` of JSON and at most 1000, but at least one when
 * there is one. `events` is valid during the call. ERR_NOT_FOUND when the notebook is missing or
 * not the owner's. */
struct store_range {
    struct span owner, notebook_id;
    int64_t since;
    size_t bytes_max;
};
void store_events(struct store *s, const struct store_range *range, store_events_cb done,
                  void *data);

/* Hidden text of a cell's last run, at most `size` bytes from byte `start` of its text; shorter
 * where it ends, empty outside. `text` is valid during the call. */
struct store_text_range {
    struct span owner, notebook_id, cell_id;
    size_t start, size;
};
typedef void (*store_text_cb)(void *data, enum err e, struct span text);
void store_text(struct store *s, const struct store_text_range *range, store_text_cb done,
                void *data);
