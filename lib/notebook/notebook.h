/* notebook: what is a notebook? Cells, the names they read and write, the graph between them, and
 * the plan of a run. PURE: takes an edit or a request and returns a value; no I/O, no clock, no
 * loop. Any thread, one at a time per notebook. Positions given to it must be on the page
 * (asserted). */
#pragma once

#include "base/err.h"
#include "base/id.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/text.h"

/* Limits that belong to the model; the caller checks them before it edits. */
#define NOTEBOOK_ID_MAX 128
#define NOTEBOOK_NAME_MAX 400        /* bytes; of a notebook or a cell */
#define NOTEBOOK_CONNECTION_MAX 4096 /* bytes */
#define NOTEBOOK_CELLS_MAX 10000
#define NOTEBOOK_CODE_MAX ((size_t)256 * 1024) /* bytes per cell */
#define NOTEBOOK_NAMES_MAX 4096                /* reads or writes of one cell */

enum cell_type { CELL_PYTHON, CELL_SQL };
enum cell_status { CELL_IDLE, CELL_RUNNING, CELL_SUCCESS, CELL_ERROR, CELL_BLOCKED };

struct span cell_type_name(enum cell_type t);
MUST_CHECK enum err cell_type_parse(struct span s, enum cell_type *out);
struct span cell_status_name(enum cell_status s);
MUST_CHECK enum err cell_status_parse(struct span s, enum cell_status *out);

/* A set of names, sorted by bytes. Owned; zeroed it is the empty set. */
struct names {
    char **items;
    size_t count;
};
void names_free(struct names *n);
/* Replaces the set. Takes any order and duplicates; copies. */
void names_set(struct names *n, const struct span *items, size_t count);
void names_add(struct names *n, struct span name);
bool names_has(const struct names *n, struct span name);

/* One thing a cell has shown. Adjacent stream text of one kind is one output. */
enum output_kind { OUTPUT_STDOUT, OUTPUT_STDERR, OUTPUT_DISPLAY };
struct output {
    enum output_kind kind;
    char *data;       /* streams: UTF-8 text; displays: contract Output as JSON
                         {"mime_type","data","metadata"}. NUL-terminated. Owned */
    size_t size;      /* bytes of data */
    size_t cap;       /* bytes it has room for, the NUL included */
    char *display_id; /* of a display that can be updated; NULL otherwise. Owned */
};

struct cell {
    struct id id;
    enum cell_type type;
    enum cell_status status;
    char *code;          /* owned, NUL-terminated, holds no NUL */
    struct names reads;  /* names this cell needs from others */
    struct names writes; /* names it offers */
    bool analysed;    /* reads, writes and flaw belong to this code; false: not known yet (stored as
                         NULL reads). A new cell with empty code is analysed: it needs and offers
                         nothing */
    char *flaw;       /* static error (syntax, cycle): why it cannot run; NULL when sound. Owned */
    char *error;      /* of the last run, or the flaw; NULL when none. Owned */
    char *name;       /* given by people, for people; NULL when none. Owned */
    int64_t revision; /* the notebook's, when this cell's code was last edited; 0: never */
    bool disabled;    /* neither it nor what depends on it runs */
    bool stale;       /* what it shows is not what its code and its inputs would give now */
    bool interrupted; /* was running when the server ended; the session tells of it. Not stored */
    /* Bytes of stream text, stdout and stderr together, since its run began (or its outputs were
     * cleared): all of them, and those that are not among the outputs: [hidden_start, hidden_end),
     * empty when nothing is hidden. */
    size_t text_end, hidden_start, hidden_end;
    struct output *outputs; /* owned */
    size_t output_count, output_cap;
};

struct notebook {
    char *id, *owner; /* owned */
    char *name;       /* NULL when unnamed. Owned */
    char *connection; /* NULL when none. Owned */
    int64_t revision;
    struct id epoch; /* of the life of this notebook's event numbers: a client that knows another
                        one starts anew */
    int64_t seq;     /* number of its last event; 0: none yet */
    int64_t oldest;  /* of the events that are kept; seq + 1 when none is */
    size_t events_count, events_bytes; /* kept */
    struct cell **cells;               /* in page order; owned */
    size_t cell_count, cell_cap;
};

/* Empty, with an epoch of its own. */
struct notebook *notebook_new(struct span id, struct span owner);
void notebook_free(struct notebook *n); /* NULL is fine */
#define NOTEBOOK_NOWHERE ((size_t)-1)
/* Position on the page, or NOTEBOOK_NOWHERE. */
size_t notebook_find(const struct notebook *n, struct span cell_id);
/* Inserts a new, idle cell at `position` (clamped) and returns it; owned by the notebook. `id` has
 * ID_LENGTH bytes. */
struct cell *notebook_insert(struct notebook *n, size_t position, struct span id,
                             enum cell_type type, struct span code);
void notebook_remove(struct notebook *n, size_t position);
/* Takes the cell at `from` out and puts it where it then stands at `to` (clamped). */
void notebook_move(struct notebook *n, size_t from, size_t to);

/* Code with a NUL has been refused before (asserted). Names and flaw stay those of the old code
 * until they are set; `analysed` becomes false. */
void cell_set_code(struct cell *c, struct span code);
void cell_set_error(struct cell *c, struct span error); /* the null span clears */
void cell_set_name(struct cell *c, struct span name);   /* the null span clears */
void cell_set_flaw(struct cell *c, struct span flaw);   /* the null span clears */
void cell_clear_outputs(struct cell *c); /* and forgets its text: text_end and hidden_* are 0 */
/* Joins the last output when that is the same stream. Appending costs the text's own length. Bounds
 * are the caller's, and so is text_end. */
void cell_add_stream(struct cell *c, enum output_kind kind, struct span text);
void cell_add_display(struct cell *c, struct span json, struct span display_id);
/* Replaces the data of every display with this id; false when there is none. */
bool cell_update_display(struct cell *c, struct span display_id, struct span json);
/* All stream text in order (stdout and stderr merged: the contract has one field). Appends to
 * `out`. */
void cell_stdout(const struct cell *c, struct text *out);

/* --- the graph: name -> cells that write it -> cells that read it --- */
struct graph;
/* A snapshot of the notebook's dependencies, in `a`; costs the number of names. A cell never
 * depends on itself. When several cells write a name, every reader depends on all of them. A cell
 * that does not parse offers and needs nothing, because its analysis left it no names; a cell on a
 * cycle keeps its. */
struct graph *graph_build(struct arena *a, const struct notebook *n);
bool graph_edge(const struct graph *g, size_t from, size_t to);
/* Positions of all cells that depend on `from`, directly or not, `from` excluded; in page order. */
void graph_descendants(const struct graph *g, size_t from, struct arena *a, size_t **out,
                       size_t *count);
/* The position of the first cell of the knot that `at` belongs to: the cells that depend on it and
 * that it depends on. NOTEBOOK_NOWHERE when it is on no cycle. Costs nothing. */
size_t graph_knot(const struct graph *g, size_t at);
/* A shortest cycle through `at`: positions in order, first == last; count 0 when there is none.
 * Costs the size of the knot. */
void graph_cycle(const struct graph *g, size_t at, struct arena *a, size_t **path, size_t *count);
/* "Circular dependency detected: a -> b" with cell ids, as the contract words it: each cell once,
 * and a long cycle cut in its middle. The null span for an empty path. */
struct span graph_cycle_text(const struct notebook *n, const size_t *path, size_t count,
                             struct arena *a);

/* --- the plan of a run --- */
struct plan_request {
    const size_t *wanted; /* positions of the cells asked for; any order, may repeat */
    size_t count;
    const bool *fresh; /* per position: its names exist in the kernel. NULL: everywhere */
};
/* The first of these that holds. */
enum plan_reason {
    PLAN_ASKED,      /* it was asked for */
    PLAN_DESCENDANT, /* it depends on what was asked for */
    PLAN_ANCESTOR,   /* what runs depends on it, and it is not fresh, or would change */
};
struct span plan_reason_name(enum plan_reason r); /* "asked", "descendant", "ancestor" */
struct plan_step {
    size_t position;
    enum plan_reason reason;
    bool flawed;  /* does not run: its own flaw (syntax), or it is on a cycle, marked or not */
    bool blocked; /* does not run: an ancestor cannot. Never together with `flawed` */
    size_t cause; /* of a blocked step: the nearest ancestor to blame, ties by page position */
};
struct plan {
    struct plan_step *steps; /* topological; ties by page position; members of one cycle likewise */
    size_t count;
    size_t *disabled; /* positions, in page order, of what was asked for, or depends on it, but is
                         disabled or depends on a disabled cell: no step */
    size_t disabled_count;
};
/* What runs when cells are asked for: they, all their descendants, and before those every ancestor
 * that is not fresh, with what lies between (REACTIVE B.3: names that do not exist yet, or would
 * change). Nothing runs for the sake of a cell that is disabled. A step is blocked when an ancestor
 * is flawed, or failed (status error or blocked) outside this plan. Lives in `a`. */
struct plan plan_run(struct arena *a, const struct notebook *n, const struct graph *g,
                     const struct plan_request *request);

/* --- SQL cells: one tokenizer for dependencies and for rendering --- (ARCHITECTURE 6.9, REACTIVE
 * B.1) */
enum sql_part_kind {
    SQL_TEXT,  /* verbatim */
    SQL_PARAM, /* {name} or {name.attr} outside literals: a bound parameter */
    SQL_SOFT,  /* {name} inside '...', E'...' or "...": spliced, quote doubled, if some cell defines
                  it; else verbatim */
};
struct sql_part {
    enum sql_part_kind kind;
    struct span text;      /* SQL_TEXT and, for the others, the source "{name}" */
    struct span name;      /* root name; null in SQL_TEXT */
    struct span attribute; /* null without one */
    char quote;            /* of SQL_SOFT: ' or " */
    bool escapes;   /* of SQL_SOFT: stands in E'...', where backslashes must be doubled as well */
    bool in_list;   /* of SQL_PARAM: stands right after IN or IN ( */
    bool in_parens; /* of in_list: the parenthesis is there already */
};
struct sql_scan {
    struct sql_part *parts;
    size_t count;
    struct span *tables; /* names after FROM, JOIN, INTO, UPDATE, TABLE and in FROM lists, unquoted
                            or "quoted"; unique, in order of appearance. Without names of CTEs */
    size_t table_count;
    struct span output_name; /* of a first-line comment `-- @out NAME`; null without one */
    struct span error;       /* null, or why the template is refused: then the rest is empty */
};
/* Lives in `a` and borrows `code`. The parts' texts in a row are the code, but for {{ and }}, which
 * stand there once. An unterminated literal or comment reaches to the end; the database will say
 * so. */
struct sql_scan sql_scan(struct arena *a, struct span code);
/* Names a SQL cell needs: parameters, soft names, and, on the embedded SQLite (no connection),
 * those tables that a cell can define. Replaces `out`. */
void sql_reads(const struct sql_scan *s, bool embedded, struct names *out);

/* --- wire: the contract's JSON of the model --- */
/* `error` is the flaw where no error is set. */
/* A member that is an array of names. */
void wire_names(struct json_writer *w, struct span member, const struct names *names);
void wire_cell(struct json_writer *w, const struct cell *c);         /* as in GET: all fields */
void wire_notebook(struct json_writer *w, const struct notebook *n); /* as in GET */
/* Version 2 of the protocol: the same members, and those that version 1 does not know (schema:
 * CellState, NotebookState). */
void wire_cell_state(struct json_writer *w, const struct cell *c);
void wire_notebook_state(struct json_writer *w, const struct notebook *n);
