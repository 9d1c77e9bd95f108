/* book: a notebook with the worst that its fields may hold. */
#pragma once

#include "tests/unit/store/world.h"

#define HOSTILE                                                                                    \
    "'; DROP TABLE cells; --\n\\\"\t\x01\x7f \xf0\x9f\x90\x8d \xe2\x80\xa8 ?1 %s {x} \xc3\xa9"
#define BROKEN_UTF8 "caf\xe9 \xff\xfe \xed\xa0\x80"

/* Names, texts and outputs; status error. */
void book_fill_cell(struct cell *c);
/* Alice's, four cells, in memory only. */
struct notebook *book_hostile(void);
/* Into the file; as `n->owner`. */
enum err book_create(struct world *w, const struct notebook *n, bool if_missing);
