#include "store/revocations.h"

#include "store/inside.h"

static struct span kind_name(bool of_user)
{
    return of_user ? SPAN("user") : SPAN("session");
}

enum err revocations_put(struct db *d, bool of_user, struct span subject, int64_t until_ms)
{
    static const char sql[] = "INSERT INTO revocations (kind, subject, until_ms)"
                              " VALUES (?1, ?2, ?3) ON CONFLICT (kind, subject)"
                              " DO UPDATE SET until_ms = excluded.until_ms";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, kind_name(of_user));
    db_bind_text(&q, 2, subject);
    db_bind_int(&q, 3, until_ms);
    return db_run(&q);
}

enum err revocations_drop(struct db *d, bool of_user, struct span subject)
{
    static const char sql[] = "DELETE FROM revocations WHERE kind = ?1 AND subject = ?2";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, kind_name(of_user));
    db_bind_text(&q, 2, subject);
    return db_run(&q);
}

static enum err count_all(struct db *d, int64_t now_ms, size_t *count)
{
    static const char sql[] = "SELECT COUNT(*) FROM revocations WHERE until_ms > ?1";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_int(&q, 1, now_ms);
    enum err e = db_row(&q);
    *count = e == OK ? (size_t)db_int(&q, 0) : 0;
    return e;
}

static enum err load_all(struct db *d, struct arena *a, int64_t now_ms,
                         struct store_revocations *out)
{
    static const char sql[] =
        "SELECT kind, subject, until_ms FROM revocations WHERE until_ms > ?1 LIMIT ?2";
    size_t count = 0;
    enum err e = count_all(d, now_ms, &count);
    if (e != OK) {
        return e;
    }
    out->items = arena_alloc_array(a, count, sizeof *out->items);
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_int(&q, 1, now_ms);
    db_bind_int(&q, 2, (int64_t)count);
    while ((e = db_row(&q)) == OK) {
        out->items[out->count++] = (struct store_revocation){
            .of_user = span_eq(db_text(&q, 0), SPAN("user")),
            .subject = arena_copy(a, db_text(&q, 1)),
            .until_ms = db_int(&q, 2),
        };
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err store_revocations(struct store *s, struct arena *a, int64_t now_ms,
                           struct store_revocations *out)
{
    *out = (struct store_revocations){0};
    return s->closing ? ERR_UNAVAILABLE : load_all(s->point, a, now_ms, out);
}
