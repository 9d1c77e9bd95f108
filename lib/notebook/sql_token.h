/* sql_token: the lexical level of SQL as PostgreSQL has it (its manual, section 4.1), with the
 * braces of SQL cells. Reads forward once, never beyond the code, in time proportional to it. Where
 * SQLite differs (no E'...', no dollar quotes, no nested comments) a placeholder stays verbatim,
 * which it refuses. Private to lib/notebook. */
#pragma once

#include "notebook/notebook.h"

enum sql_token_kind {
    SQL_TOKEN_END,
    SQL_TOKEN_BLANK,       /* blanks or one comment */
    SQL_TOKEN_WORD,        /* a keyword or an unquoted name */
    SQL_TOKEN_STRING,      /* '...' or E'...' */
    SQL_TOKEN_QUOTED,      /* "..." */
    SQL_TOKEN_PLACEHOLDER, /* {name} or {name.attr} */
    SQL_TOKEN_DOUBLED,     /* {{ or }}: one literal brace */
    SQL_TOKEN_BAD_BRACE,   /* { and anything else; the text is what to show of it */
    SQL_TOKEN_OTHER,       /* a number, a dollar quote, or one byte of anything else */
};

struct sql_token {
    enum sql_token_kind kind;
    struct span text;            /* inside the code */
    struct span name, attribute; /* of PLACEHOLDER; attribute is null without one */
    bool escapes; /* of STRING: E'...', where a backslash takes the next byte along */
    bool closed;  /* of STRING and QUOTED: it does not run to the end of the code */
};

struct sql_lexer {
    struct span code;
    size_t at;
};

struct sql_token sql_token_next(struct sql_lexer *l);
/* The placeholder that begins at `at`; kind END when there is none. */
struct sql_token sql_token_placeholder(struct span code, size_t at);
/* Letters, digits, underscores and bytes from 0x80 on, not beginning with a digit. */
bool sql_token_is_name(struct span s);
