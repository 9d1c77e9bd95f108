/* sql_tables: which tables a statement names, found from its tokens without a grammar: a name is a
 * table where FROM, JOIN, INTO, UPDATE, TABLE or a comma of a FROM list stands before it. Not a
 * table: what has a schema (a.b), what is called (f(...)), what WITH defines. Private to
 * lib/notebook. */
#pragma once

#include "notebook/sql_token.h"

struct sql_tables;
struct sql_tables *sql_tables_new(struct arena *a);
/* One token after the other, blanks left out. */
void sql_tables_take(struct sql_tables *t, const struct sql_token *token);
/* The names so far, unique, in order of appearance; in the arena, borrowing the tokens' code. */
void sql_tables_end(struct sql_tables *t, struct span **names, size_t *count);
void sql_tables_free(struct sql_tables *t);
