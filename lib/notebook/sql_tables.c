#include "notebook/sql_tables.h"

#include "base/map.h"

enum expect {
    EXPECT_NOTHING,
    EXPECT_SOURCE, /* after FROM, JOIN and commas: a name followed by ( is a call */
    EXPECT_TARGET, /* after INTO, UPDATE, TABLE: a name may be followed by its columns */
};

/* WITH -> NAME -> NAMED [-> COLUMNS] -> AS -> BODY, and from BODY a comma leads to NAME again.
 * Anything unexpected leads to NONE: WITH has other uses. */
enum cte { CTE_NONE, CTE_NAME, CTE_NAMED, CTE_COLUMNS, CTE_AS, CTE_BODY };

/* Inside one pair of parentheses, or outside all. */
struct level {
    enum expect expect;
    enum cte cte;
    bool list;      /* a comma here separates tables */
    bool statement; /* FROM here belongs to a statement, not to EXTRACT(year FROM d) */
};

struct spans {
    struct span *items;
    size_t count, cap;
};

struct sql_tables {
    struct arena *arena;
    struct level *levels; /* the last is the current one */
    size_t depth, levels_cap;
    struct span previous; /* the word just before, lower-case or not; null after anything else */
    struct span pending;  /* a name that is a table unless the next token says otherwise */
    bool pending_target;
    bool after_dot;
    struct span cte;     /* the name WITH is about to define */
    struct map ctes;     /* of the current statement, in lower case */
    struct spans found;  /* in the current statement */
    struct spans tables; /* of the statements before it */
    struct map known;    /* the same */
};

enum keyword {
    NO_KEYWORD,
    FROM,
    JOIN,
    TARGET, /* INTO, TABLE */
    UPDATE,
    STATEMENT, /* SELECT, DELETE: a FROM may follow */
    WITH,
    LIST_END, /* a FROM list does not go on behind it */
    NO_TABLE, /* cannot be a table's name */
};

static const struct {
    const char *word;
    enum keyword keyword;
} keywords[] = {
    {"from", FROM},          {"join", JOIN},        {"into", TARGET},        {"table", TARGET},
    {"update", UPDATE},      {"select", STATEMENT}, {"delete", STATEMENT},   {"with", WITH},
    {"where", LIST_END},     {"group", LIST_END},   {"order", LIST_END},     {"having", LIST_END},
    {"limit", LIST_END},     {"union", LIST_END},   {"intersect", LIST_END}, {"except", LIST_END},
    {"window", LIST_END},    {"offset", LIST_END},  {"fetch", LIST_END},     {"for", LIST_END},
    {"returning", LIST_END}, {"set", LIST_END},     {"values", LIST_END},    {"on", NO_TABLE},
    {"of", NO_TABLE},        {"as", NO_TABLE},      {"using", NO_TABLE},     {"default", NO_TABLE},
    {"case", NO_TABLE},      {"end", NO_TABLE},     {"and", NO_TABLE},       {"inner", NO_TABLE},
    {"left", NO_TABLE},      {"right", NO_TABLE},   {"full", NO_TABLE},      {"cross", NO_TABLE},
    {"natural", NO_TABLE},   {"outer", NO_TABLE},
};

static bool is_word(struct span s, const char *word)
{
    return span_eq_nocase(s, span_str(word));
}

static enum keyword keyword_of(struct span s)
{
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
        if (is_word(s, keywords[i].word)) {
            return keywords[i].keyword;
        }
    }
    return NO_KEYWORD;
}

static struct level *level(struct sql_tables *t)
{
    return &t->levels[t->depth];
}

/* What an array of `count` elements that is full becomes: twice as large, in the arena. */
static void *grown(struct arena *a, const void *old, size_t count, size_t size)
{
    void *larger = arena_alloc_array(a, count == 0 ? 8 : count * 2, size);
    if (count != 0) {
        memcpy(larger, old, count * size);
    }
    return larger;
}

static void add(struct arena *a, struct spans *s, struct span name)
{
    if (s->count == s->cap) {
        s->items = grown(a, s->items, s->cap, sizeof *s->items);
        s->cap = s->cap == 0 ? 8 : s->cap * 2;
    }
    s->items[s->count++] = name;
}

/* Names of CTEs are compared without regard to case, as SQL does. */
static struct span folded(struct sql_tables *t, struct span name)
{
    char *p = arena_alloc(t->arena, name.n);
    for (size_t i = 0; i < name.n; i++) {
        p[i] = (char)(name.p[i] >= 'A' && name.p[i] <= 'Z' ? name.p[i] | 0x20 : name.p[i]);
    }
    return span_of(p, name.n);
}

/* The name between the quotes; null when it is empty or goes on to the end of the code. */
static struct span unquoted(struct sql_tables *t, const struct sql_token *token)
{
    if (!token->closed || token->text.n < 3) {
        return SPAN_NULL;
    }
    struct span inner = span_sub(token->text, 1, token->text.n - 2);
    if (span_find(inner, '"') == inner.n) {
        return inner;
    }
    char *p = arena_alloc(t->arena, inner.n);
    size_t n = 0;
    for (size_t i = 0; i < inner.n; i++) {
        p[n++] = inner.p[i];
        i += inner.p[i] == '"'; /* quotes come in pairs */
    }
    return span_of(p, n);
}

static void settle_pending(struct sql_tables *t, char next)
{
    bool is_table = next != '.' && (next != '(' || t->pending_target);
    if (!span_is_null(t->pending) && is_table) {
        add(t->arena, &t->found, t->pending);
    }
    t->pending = SPAN_NULL;
}

static void end_statement(struct sql_tables *t)
{
    settle_pending(t, ';');
    for (size_t i = 0; i < t->found.count; i++) {
        struct span name = t->found.items[i];
        if (map_get(&t->ctes, folded(t, name)) == NULL && map_put(&t->known, name, t) == NULL) {
            add(t->arena, &t->tables, name);
        }
    }
    t->found.count = 0;
    map_free(&t->ctes);
    t->depth = 0;
    t->levels[0] = (struct level){.statement = true};
}

/* --- names --- */
static void take_name(struct sql_tables *t, struct span name)
{
    struct level *l = level(t);
    if (l->cte == CTE_NAME) {
        t->cte = name;
        l->cte = CTE_NAMED;
    } else if (l->expect != EXPECT_NOTHING) {
        t->pending = name;
        t->pending_target = l->expect == EXPECT_TARGET;
        l->expect = EXPECT_NOTHING;
    }
}

/* --- words --- */

/* True when the word belongs to a WITH. */
static bool take_cte_word(struct sql_tables *t, struct span word)
{
    struct level *l = level(t);
    switch (l->cte) {
    case CTE_NAME:
        if (!is_word(word, "recursive")) {
            take_name(t, word);
        }
        return true;
    case CTE_NAMED:
    case CTE_COLUMNS:
        l->cte = is_word(word, "as") ? CTE_AS : CTE_NONE;
        return l->cte == CTE_AS;
    case CTE_AS:
        if (is_word(word, "not") || is_word(word, "materialized")) {
            return true;
        }
        l->cte = CTE_NONE;
        return false;
    case CTE_NONE:
    case CTE_BODY:
        l->cte = CTE_NONE;
        return false;
    }
    return false;
}

/* Words that may stand between UPDATE, FROM, TABLE ... and the name. `UPDATE OR REPLACE t` is
 * SQLite's. */
static bool is_before_name(const struct sql_tables *t, struct span word, enum expect expect)
{
    if (is_word(word, "only") || is_word(word, "lateral")) {
        return true;
    }
    return expect == EXPECT_TARGET &&
           (is_word(word, "if") || is_word(word, "not") || is_word(word, "exists") ||
            is_word(word, "table") || is_word(word, "or") || is_word(t->previous, "or"));
}

/* SELECT ... FOR UPDATE, FOR NO KEY UPDATE, ON UPDATE CASCADE */
static bool is_update_statement(const struct sql_tables *t)
{
    return !is_word(t->previous, "for") && !is_word(t->previous, "key") &&
           !is_word(t->previous, "on");
}

static void take_keyword(struct sql_tables *t, enum keyword k)
{
    struct level *l = level(t);
    bool expected = l->expect != EXPECT_NOTHING;
    l->expect = EXPECT_NOTHING;
    switch (k) {
    case FROM:
        if (l->statement && !is_word(t->previous, "distinct")) { /* a IS DISTINCT FROM b */
            l->expect = EXPECT_SOURCE;
            l->list = true;
        }
        break;
    case JOIN:
        l->expect = EXPECT_SOURCE;
        break;
    case UPDATE:
        l->statement = true;
        l->list = false;
        l->expect = is_update_statement(t) ? EXPECT_TARGET : EXPECT_NOTHING;
        break;
    case TARGET:
        l->expect = EXPECT_TARGET;
        break;
    case STATEMENT:
        l->statement = true;
        l->list = false;
        break;
    case WITH:
        l->cte = CTE_NAME;
        l->list = l->list && !expected; /* FROM (WITH ..., or FROM f() WITH ORDINALITY, t */
        break;
    case LIST_END:
        l->list = false;
        break;
    case NO_TABLE:
    case NO_KEYWORD:
        break;
    }
}

static void take_word(struct sql_tables *t, struct span word)
{
    struct level *l = level(t);
    if (take_cte_word(t, word)) {
        return;
    }
    if (l->expect != EXPECT_NOTHING && is_before_name(t, word, l->expect)) {
        return;
    }
    enum keyword k = keyword_of(word);
    if (k == NO_KEYWORD) {
        take_name(t, word);
    } else {
        take_keyword(t, k);
    }
}

/* --- everything else --- */
static void open_level(struct sql_tables *t)
{
    struct level *l = level(t);
    struct level inner = {0};
    if (l->cte == CTE_AS) {
        (void)map_put(&t->ctes, folded(t, t->cte), t);
    }
    if (l->expect == EXPECT_SOURCE) { /* (a JOIN b ...), or a subquery, whose SELECT ends this */
        inner.expect = EXPECT_SOURCE;
        inner.list = true;
    }
    l->expect = EXPECT_NOTHING;
    if (l->cte == CTE_AS) {
        l->cte = CTE_BODY;
    } else {
        l->cte = l->cte == CTE_NAMED ? CTE_COLUMNS : CTE_NONE;
    }
    if (++t->depth == t->levels_cap) {
        t->levels = grown(t->arena, t->levels, t->levels_cap, sizeof *t->levels);
        t->levels_cap *= 2;
    }
    *level(t) = inner;
}

static void take_comma(struct level *l)
{
    if (l->cte == CTE_BODY) {
        l->cte = CTE_NAME;
        return;
    }
    l->cte = CTE_NONE;
    l->expect = l->list ? EXPECT_SOURCE : EXPECT_NOTHING;
}

static void take_other(struct sql_tables *t, char c)
{
    if (c == '(') {
        open_level(t);
    } else if (c == ')') {
        t->depth -= t->depth != 0;
    } else if (c == ',') {
        take_comma(level(t));
    } else if (c == ';') {
        end_statement(t);
    } else {
        level(t)->expect = EXPECT_NOTHING;
        level(t)->cte = CTE_NONE;
    }
}

static char punctuation(const struct sql_token *token)
{
    return (char)(token->kind == SQL_TOKEN_OTHER && token->text.n == 1 ? token->text.p[0] : 'x');
}

void sql_tables_take(struct sql_tables *t, const struct sql_token *token)
{
    char c = punctuation(token);
    struct span name = token->kind == SQL_TOKEN_QUOTED ? unquoted(t, token) : SPAN_NULL;
    settle_pending(t, c);
    bool qualified = t->after_dot; /* the b of a.b, be it a keyword or not */
    if (token->kind == SQL_TOKEN_WORD && !qualified) {
        take_word(t, token->text);
    } else if (!span_is_null(name) && !qualified) {
        take_name(t, name);
    } else {
        take_other(t, c);
    }
    t->after_dot = c == '.';
    t->previous = token->kind == SQL_TOKEN_WORD ? token->text : SPAN_NULL;
}

struct sql_tables *sql_tables_new(struct arena *a)
{
    struct sql_tables *t = arena_alloc(a, sizeof *t);
    t->arena = a;
    t->levels = grown(a, NULL, 0, sizeof *t->levels);
    t->levels_cap = 8;
    t->levels[0].statement = true;
    return t;
}

void sql_tables_end(struct sql_tables *t, struct span **names, size_t *count)
{
    end_statement(t);
    *names = t->tables.items;
    *count = t->tables.count;
}

void sql_tables_free(struct sql_tables *t)
{
    map_free(&t->ctes);
    map_free(&t->known);
}
