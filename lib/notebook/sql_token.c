#include "notebook/sql_token.h"

#include <string.h>

enum { SHOWN_MAX = 60 }; /* bytes of a bad placeholder in the message */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_start(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}

static bool is_name_part(char c)
{
    return is_name_start(c) || is_digit(c);
}

static bool is_at(struct span s, size_t at, char c)
{
    return at < s.n && s.p[at] == c;
}

static size_t end_of_blanks(struct span s, size_t at)
{
    while (at < s.n && is_blank(s.p[at])) {
        at++;
    }
    return at;
}

/* `at` itself when no name begins there. */
static size_t end_of_name(struct span s, size_t at)
{
    if (at == s.n || !is_name_start(s.p[at])) {
        return at;
    }
    while (at < s.n && is_name_part(s.p[at])) {
        at++;
    }
    return at;
}

bool sql_token_is_name(struct span s)
{
    return s.n != 0 && end_of_name(s, 0) == s.n;
}

static struct span between(struct span s, size_t from, size_t to)
{
    return span_of(s.p + from, to - from);
}

struct sql_token sql_token_placeholder(struct span code, size_t at)
{
    const struct sql_token none = {.kind = SQL_TOKEN_END};
    size_t from = end_of_blanks(code, at + 1);
    size_t to = end_of_name(code, from);
    struct sql_token t = {.kind = SQL_TOKEN_PLACEHOLDER, .name = between(code, from, to)};
    if (t.name.n == 0) {
        return none;
    }
    if (is_at(code, to, '.')) {
        from = to + 1;
        to = end_of_name(code, from);
        t.attribute = between(code, from, to);
        if (t.attribute.n == 0) {
            return none;
        }
    }
    to = end_of_blanks(code, to);
    if (!is_at(code, to, '}')) {
        return none;
    }
    t.text = between(code, at, to + 1);
    return t;
}

/* The lexer's functions: `at` is where the token begins, the result where it ends. */

static size_t end_of_line(struct span s, size_t at)
{
    while (at < s.n && s.p[at] != '\n' && s.p[at] != '\r') {
        at++;
    }
    return at;
}

static size_t end_of_comment(struct span s, size_t at)
{
    size_t depth = 0;
    do {
        if (is_at(s, at, '/') && is_at(s, at + 1, '*')) {
            depth++;
            at += 2;
        } else if (is_at(s, at, '*') && is_at(s, at + 1, '/')) {
            depth--;
            at += 2;
        } else {
            at++;
        }
    } while (depth != 0 && at < s.n);
    return at;
}

static size_t end_of_blank(struct span s, size_t at)
{
    if (s.p[at] == '-') {
        return end_of_line(s, at);
    }
    return s.p[at] == '/' ? end_of_comment(s, at) : end_of_blanks(s, at);
}

/* `at` is the opening quote. A doubled quote, and in E'...' a backslash, takes the next byte along.
 */
static size_t end_of_quoted(struct span s, size_t at, bool escapes, bool *closed)
{
    char quote = s.p[at++];
    while (at < s.n) {
        bool is_quote = s.p[at] == quote;
        if (is_quote && !is_at(s, at + 1, quote)) {
            *closed = true;
            return at + 1;
        }
        at += is_quote || (escapes && s.p[at] == '\\') ? 2 : 1;
    }
    return s.n; /* a last backslash may have stepped over the end */
}

/* $$...$$ or $tag$...$tag$; a lone $ ends behind itself. */
static size_t end_of_dollar(struct span s, size_t at)
{
    size_t end = end_of_name(s, at + 1);
    if (!is_at(s, end, '$')) {
        return at + 1;
    }
    size_t tag = end + 1 - at;
    const char *close = memmem(s.p + end + 1, s.n - end - 1, s.p + at, tag);
    return close == NULL ? s.n : (size_t)(close - s.p) + tag;
}

/* Identifiers may hold a $ behind their first letter, so that a$b$ opens no dollar quote. */
static size_t end_of_word(struct span s, size_t at)
{
    while (at < s.n && (is_name_part(s.p[at]) || s.p[at] == '$')) {
        at++;
    }
    return at;
}

static size_t end_of_number(struct span s, size_t at)
{
    while (at < s.n && (is_name_part(s.p[at]) || s.p[at] == '.')) {
        at++;
    }
    return at;
}

/* Up to the closing brace if the line has one, as far as it fits in a message. */
static struct span shown(struct span code, size_t at)
{
    struct span line = between(code, at, end_of_line(code, at));
    struct span braces = span_sub(line, 0, span_find(line, '}') + 1);
    return span_sub(braces, 0, span_utf8_prefix(braces, SHOWN_MAX));
}

static struct sql_token brace(struct span code, size_t at)
{
    if (is_at(code, at + 1, code.p[at])) {
        return (struct sql_token){.kind = SQL_TOKEN_DOUBLED, .text = between(code, at, at + 2)};
    }
    if (code.p[at] == '}') {
        return (struct sql_token){.kind = SQL_TOKEN_OTHER, .text = between(code, at, at + 1)};
    }
    struct sql_token t = sql_token_placeholder(code, at);
    if (t.kind == SQL_TOKEN_END) {
        t = (struct sql_token){.kind = SQL_TOKEN_BAD_BRACE, .text = shown(code, at)};
    }
    return t;
}

static struct sql_token quoted(struct span code, size_t from, size_t quote)
{
    struct sql_token t = {.kind = code.p[quote] == '"' ? SQL_TOKEN_QUOTED : SQL_TOKEN_STRING,
                          .escapes = quote != from};
    t.text = between(code, from, end_of_quoted(code, quote, t.escapes, &t.closed));
    return t;
}

static struct sql_token word(struct span code, size_t at)
{
    size_t end = end_of_word(code, at);
    if (end == at + 1 && (code.p[at] | 0x20) == 'e' && is_at(code, end, '\'')) {
        return quoted(code, at, end);
    }
    return (struct sql_token){.kind = SQL_TOKEN_WORD, .text = between(code, at, end)};
}

static bool begins_blank(struct span s, size_t at)
{
    return is_blank(s.p[at]) || (s.p[at] == '-' && is_at(s, at + 1, '-')) ||
           (s.p[at] == '/' && is_at(s, at + 1, '*'));
}

static struct sql_token token_at(struct span code, size_t at)
{
    char c = code.p[at];
    if (begins_blank(code, at)) {
        return (struct sql_token){.kind = SQL_TOKEN_BLANK,
                                  .text = between(code, at, end_of_blank(code, at))};
    }
    if (is_name_start(c)) {
        return word(code, at);
    }
    if (c == '\'' || c == '"') {
        return quoted(code, at, at);
    }
    if (c == '{' || c == '}') {
        return brace(code, at);
    }
    size_t end = at + 1;
    if (is_digit(c)) {
        end = end_of_number(code, at);
    } else if (c == '$') {
        end = end_of_dollar(code, at);
    }
    return (struct sql_token){.kind = SQL_TOKEN_OTHER, .text = between(code, at, end)};
}

struct sql_token sql_token_next(struct sql_lexer *l)
{
    if (l->at >= l->code.n) {
        return (struct sql_token){.kind = SQL_TOKEN_END};
    }
    struct sql_token t = token_at(l->code, l->at);
    l->at += t.text.n;
    return t;
}
