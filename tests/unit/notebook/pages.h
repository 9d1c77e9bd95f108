/* pages: notebooks written in one line, for tests. Cells stand in page order, divided by `;`:
 *
 *   [label:]WRITES=READS[!flag...]      names divided by blanks; whole numbers are no names
 *
 * The label is the first name written unless it is given. Flags: flaw, disabled,
 * error, blocked, success. */
#pragma once

#include "notebook/notebook.h"

struct page {
    struct notebook *notebook;
    struct span labels[64]; /* of each cell; they borrow the source */
};

struct page page_new(const char *source);
void page_free(struct page *p);
/* The position of the cell with this label; the test fails when there is none. */
size_t page_find(const struct page *p, struct span label);
/* A valid cell id made of a number. */
struct id page_id(size_t number);
