#include "store/users.h"

enum err users_put(struct db *d, const struct store_write *w)
{
    static const char sql[] = "INSERT INTO users (id, created_ms) VALUES (?1, ?2)"
                              " ON CONFLICT (id) DO NOTHING";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, w->owner);
    db_bind_int(&q, 2, w->now_ms);
    return db_run(&q);
}

static enum err apply_put(struct db *d, const struct store_write *w, const void *change)
{
    return users_put(d, w);
}

void store_put_user(struct store_write *w)
{
    (void)write_add(w, apply_put, 0);
}
