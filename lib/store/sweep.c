/* What was kept long enough goes. */
#include "store/write.h"

#define AUDIT_AT_ONCE 1000

struct sweep {
    struct store_sweep ends;
    size_t *purged;
};

static enum err delete_before(struct db *d, const char *sql, int64_t time_ms)
{
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_int(&q, 1, time_ms);
    return db_run(&q);
}

/* Always the oldest, and never the newest, which the next row has to follow. */
static enum err trim_audit(struct db *d, int64_t before_ms)
{
    static const char sql[] =
        "DELETE FROM audit WHERE n < (SELECT MAX(n) FROM audit) AND n <= (SELECT MAX(n) FROM"
        " (SELECT n, at_ms FROM audit ORDER BY n LIMIT ?2) WHERE at_ms < ?1)";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_int(&q, 1, before_ms);
    db_bind_int(&q, 2, AUDIT_AT_ONCE);
    return db_run(&q);
}

static enum err purge(struct db *d, int64_t before_ms, size_t *purged)
{
    static const char sql[] =
        "DELETE FROM notebooks WHERE id IN (SELECT n.id FROM users u JOIN notebooks n"
        " ON n.owner_id = u.id WHERE u.deleted_at_ms < ?1 LIMIT ?2) RETURNING id";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_int(&q, 1, before_ms);
    db_bind_int(&q, 2, STORE_SWEEP_NOTEBOOKS);
    size_t count = 0;
    enum err e = OK;
    while ((e = db_row(&q)) == OK) {
        count++;
    }
    *purged = count;
    return e == ERR_NOT_FOUND ? OK : e;
}

static enum err apply_sweep(struct db *d, const struct store_write *w, const void *change)
{
    static const char revocations[] = "DELETE FROM revocations WHERE until_ms <= ?1";
    static const char deliveries[] = "DELETE FROM webhook_deliveries WHERE at_ms < ?1";
    const struct sweep *c = change;
    enum err e = delete_before(d, revocations, c->ends.now_ms);
    if (e == OK) {
        e = delete_before(d, deliveries, c->ends.deliveries_before_ms);
    }
    if (e == OK) {
        e = trim_audit(d, c->ends.audit_before_ms);
    }
    return e == OK ? purge(d, c->ends.deleted_before_ms, c->purged) : e;
}

void store_sweep(struct store_write *w, const struct store_sweep *sweep, size_t *purged)
{
    struct sweep *c = write_add(w, apply_sweep, sizeof *c);
    c->ends = *sweep;
    c->purged = purged;
    w->frees = true;
}
