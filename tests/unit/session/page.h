/* page: one open notebook of alice's, its session without a kernel, and a watcher that keeps what
 * it is told. */
#pragma once

#include "session/internal.h"
#include "tests/unit/store/world.h"

#define PAGE_EVENTS_MAX 4096

struct kept_event {
    struct event event; /* its strings are owned */
};

struct page {
    struct world world;
    struct sessions *all;
    struct session *session;
    struct watcher watcher;
    struct kept_event *events;
    size_t count;
    bool closed;
};

/* A book of three SQL cells: `a` reads nothing and offers `x`; `b` reads x and offers y; `c` reads
 * y. */
void page_open(struct page *p);
/* The session, and what the file then has: the book is loaded anew. */
void page_reopen(struct page *p);
void page_end(struct page *p);
/* Until everything that was begun is on disk and told. */
void page_settle(struct page *p);
struct cell *page_cell(const struct page *p, size_t position);
/* The last event told of that kind; fails the test when there is none. */
const struct event *page_last(const struct page *p, enum event_kind kind);
size_t page_count(const struct page *p, enum event_kind kind);

/* An answer, copied. */
struct page_answer {
    struct page *page;
    unsigned count;
    enum err err;
    struct session_result result; /* strings are static */
    char document[65536];
};
void page_on_answer(void *answer, enum err e, const struct session_result *r);
/* Runs the loop until it is there. */
void page_wait(struct page *p, const struct page_answer *a);
