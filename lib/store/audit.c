#include "store/audit.h"

#include <mbedtls/sha256.h>

#include "store/read.h"

#define ROWS_AT_ONCE 1000 /* some 10 ms of the reader's thread */
#define ENCODED_MAX ((size_t)16 * (STORE_AUDIT_TEXT_MAX + 24))

struct audit_row {
    int64_t n, at_ms;
    struct store_audit told;
    struct span previous;
};

/* --- the hash: SHA-256 of the hash before and of every field, each with its length, so that no two
 * rows are encoded alike --- */
static void add_field(struct text *t, struct span s)
{
    if (span_is_null(s)) {
        text_add(t, SPAN("-,"));
    } else {
        text_addf(t, "%zu:", s.n);
        text_add(t, s); /* it may hold a NUL */
        text_add_char(t, ',');
    }
}

static void encode(const struct audit_row *row, struct text *t)
{
    const struct store_audit *a = &row->told;
    const struct span fields[] = {
        a->actor.user_id, a->actor.session_id, a->actor.impersonator_id,
        a->actor.address, a->actor.request_id, a->action,
        a->object,        a->result,
    };
    text_add(t, row->previous);
    text_addf(t, "%lld,%lld,%lld,", (long long)row->n, (long long)row->at_ms, (long long)a->times);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        add_field(t, fields[i]);
    }
}

static enum err hash_row(const struct audit_row *row, unsigned char hash[STORE_AUDIT_HASH])
{
    CLEANUP(text_free) struct text t = TEXT(ENCODED_MAX);
    encode(row, &t);
    if (t.overflowed || mbedtls_sha256_ret((const unsigned char *)t.p, t.n, hash, 0) != 0) {
        return ERR_INTERNAL;
    }
    return OK;
}

/* --- appending --- */
static enum err find_last(struct db *d, int64_t *n, unsigned char hash[STORE_AUDIT_HASH])
{
    static const char sql[] = "SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    enum err e = db_row(&q);
    if (e != OK) {
        return e == ERR_NOT_FOUND ? OK : e;
    }
    struct span stored = db_bytes(&q, 1);
    *n = db_int(&q, 0);
    memcpy(hash, stored.p, stored.n < STORE_AUDIT_HASH ? stored.n : STORE_AUDIT_HASH);
    return OK;
}

static enum err insert(struct db *d, const struct audit_row *row, struct span hash)
{
    static const char sql[] =
        "INSERT INTO audit (n, at_ms, user_id, session_id, impersonator_id, address, request_id,"
        " action, object, result, times, previous, hash)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    const struct store_audit *a = &row->told;
    const struct span texts[] = {
        a->actor.user_id, a->actor.session_id, a->actor.impersonator_id,
        a->actor.address, a->actor.request_id, a->action,
        a->object,        a->result,
    };
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_int(&q, 1, row->n);
    db_bind_int(&q, 2, row->at_ms);
    for (int i = 0; i < (int)(sizeof texts / sizeof *texts); i++) {
        db_bind_text(&q, 3 + i, texts[i]);
    }
    db_bind_int(&q, 11, a->times);
    db_bind_bytes(&q, 12, row->previous);
    db_bind_bytes(&q, 13, hash);
    return db_run(&q);
}

enum err audit_append(struct db *d, const struct store_write *w, const struct store_audit *told)
{
    unsigned char previous[STORE_AUDIT_HASH] = {0};
    unsigned char hash[STORE_AUDIT_HASH];
    struct audit_row row = {.at_ms = w->now_ms,
                            .told = *told,
                            .previous = span_of((const char *)previous, sizeof previous)};
    enum err e = find_last(d, &row.n, previous);
    row.n++;
    if (e == OK) {
        e = hash_row(&row, hash);
    }
    return e == OK ? insert(d, &row, span_of((const char *)hash, sizeof hash)) : e;
}

static enum err apply_append(struct db *d, const struct store_write *w, const void *change)
{
    return audit_append(d, w, change);
}

/* Bytes that are no UTF-8 stay as they are: the hash is over bytes. */
static struct span copy_cut(struct store_write *w, struct span s)
{
    size_t n = s.n <= STORE_AUDIT_TEXT_MAX ? s.n : span_utf8_prefix(s, STORE_AUDIT_TEXT_MAX);
    return arena_copy(w->arena, span_of(s.p, n));
}

struct store_actor audit_copy_actor(struct store_write *w, const struct store_actor *actor)
{
    return (struct store_actor){
        .user_id = copy_cut(w, actor->user_id),
        .session_id = copy_cut(w, actor->session_id),
        .impersonator_id = copy_cut(w, actor->impersonator_id),
        .address = copy_cut(w, actor->address),
        .request_id = copy_cut(w, actor->request_id),
    };
}

void store_append_audit(struct store_write *w, const struct store_audit *row)
{
    struct store_audit *change = write_add(w, apply_append, sizeof *change);
    *change = (struct store_audit){
        .actor = audit_copy_actor(w, &row->actor),
        .action = copy_cut(w, row->action),
        .object = copy_cut(w, span_is_null(row->object) ? w->notebook : row->object),
        .result = copy_cut(w, row->result),
        .times = row->times,
    };
}

/* --- verifying --- */
struct chain_read {
    struct read base;
    struct store_chain chain;
    store_chain_cb done;
};

static struct audit_row row_of(const struct db_query *q)
{
    return (struct audit_row){
        .n = db_int(q, 0),
        .at_ms = db_int(q, 1),
        .told = {.actor = {.user_id = db_text(q, 2),
                           .session_id = db_text(q, 3),
                           .impersonator_id = db_text(q, 4),
                           .address = db_text(q, 5),
                           .request_id = db_text(q, 6)},
                 .action = db_text(q, 7),
                 .object = db_text(q, 8),
                 .result = db_text(q, 9),
                 .times = db_int(q, 10)},
        .previous = db_bytes(q, 11),
    };
}

/* The oldest row that is kept follows one that is gone: its own word has to do. */
static bool follows(const struct store_chain *c, const struct audit_row *row)
{
    return c->last == 0 ||
           (row->n == c->last + 1 &&
            span_eq(row->previous, span_of((const char *)c->head, STORE_AUDIT_HASH)));
}

static bool is_as_written(const struct audit_row *row, struct span stored, unsigned char *hash)
{
    return row->previous.n == STORE_AUDIT_HASH && hash_row(row, hash) == OK &&
           span_eq(stored, span_of((const char *)hash, STORE_AUDIT_HASH));
}

static void look_at(struct store_chain *c, const struct db_query *q)
{
    unsigned char hash[STORE_AUDIT_HASH];
    struct audit_row row = row_of(q);
    if (!follows(c, &row) || !is_as_written(&row, db_bytes(q, 12), hash)) {
        c->broken = row.n;
        return;
    }
    c->last = row.n;
    memcpy(c->head, hash, sizeof hash);
}

static enum err find_chain(struct db *d, struct read *r)
{
    static const char sql[] =
        "SELECT n, at_ms, user_id, session_id, impersonator_id, address, request_id, action,"
        " object, result, times, previous, hash FROM audit WHERE n > ?1 ORDER BY n LIMIT ?2";
    struct store_chain *c = &((struct chain_read *)r)->chain;
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_int(&q, 1, c->last);
    db_bind_int(&q, 2, ROWS_AT_ONCE);
    int64_t rows = 0;
    enum err e = OK;
    while (c->broken == 0 && (e = db_row(&q)) == OK) {
        look_at(c, &q);
        rows++;
    }
    c->ended = e == ERR_NOT_FOUND && rows < ROWS_AT_ONCE;
    return e == ERR_NOT_FOUND ? OK : e;
}

static void answer_chain(struct read *r)
{
    const struct chain_read *c = (const struct chain_read *)r;
    c->done(r->data, r->err, &c->chain);
}

void store_audit_verify(struct store *s, const struct store_chain *chain, store_chain_cb done,
                        void *data)
{
    static const struct read_kind kind = {find_chain, answer_chain};
    struct chain_read *c = read_new(s, &kind, sizeof *c, data);
    c->chain = *chain;
    c->done = done;
    read_submit(&c->base);
}
