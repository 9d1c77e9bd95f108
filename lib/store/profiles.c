#include "store/profiles.h"

#include "base/clock.h"
#include "store/inside.h"
#include "store/revocations.h"

/* --- writing --- */
struct store_profile profiles_copy(struct store_write *w, const struct store_profile *p)
{
    struct store_profile copy = *p;
    copy.id = arena_copy(w->arena, p->id);
    copy.email = arena_copy(w->arena, p->email);
    copy.first_name = arena_copy(w->arena, p->first_name);
    copy.last_name = arena_copy(w->arena, p->last_name);
    copy.username = arena_copy(w->arena, p->username);
    copy.image_url = arena_copy(w->arena, p->image_url);
    return copy;
}

static enum err upsert(struct db *d, const struct store_write *w, const struct store_profile *p)
{
    static const char sql[] =
        "INSERT INTO users (id, email, first_name, last_name, username, image_url, banned, locked,"
        " profile_updated_ms, profile_told_ms, created_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
        " ON CONFLICT (id) DO UPDATE SET email = excluded.email,"
        " first_name = excluded.first_name, last_name = excluded.last_name,"
        " username = excluded.username, image_url = excluded.image_url,"
        " banned = excluded.banned, locked = excluded.locked,"
        " profile_updated_ms = excluded.profile_updated_ms,"
        " profile_told_ms = excluded.profile_told_ms"
        " WHERE users.deleted_at_ms IS NULL"
        " AND (users.profile_updated_ms < excluded.profile_updated_ms"
        " OR (users.profile_updated_ms = excluded.profile_updated_ms"
        " AND users.profile_told_ms < excluded.profile_told_ms))";
    const struct span texts[] = {p->id,        p->email,    p->first_name,
                                 p->last_name, p->username, p->image_url};
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    for (int i = 0; i < (int)(sizeof texts / sizeof *texts); i++) {
        db_bind_text(&q, 1 + i, texts[i]);
    }
    db_bind_int(&q, 7, p->banned);
    db_bind_int(&q, 8, p->locked);
    db_bind_int(&q, 9, p->updated_ms);
    db_bind_int(&q, 10, p->told_ms);
    db_bind_int(&q, 11, w->now_ms);
    return db_run_one(&q);
}

/* A ban lasts until we hear of its end. A lock (too many failed sign-ins) ends by itself, without a
 * word, so it may not be for ever here. */
static int64_t refused_until(const struct store_write *w, const struct store_profile *p)
{
    if (p->banned) {
        return CLOCK_MAX_MS;
    }
    return p->locked ? w->now_ms + STORE_REFUSED_MS : 0;
}

enum err profiles_put(struct db *d, const struct store_write *w, const struct store_profile *p,
                      int64_t *refused_until_ms)
{
    enum err e = upsert(d, w, p);
    if (e != OK) {
        return e;
    }
    *refused_until_ms = refused_until(w, p);
    return *refused_until_ms > 0 ? revocations_put(d, true, p->id, *refused_until_ms)
                                 : revocations_drop(d, true, p->id);
}

static enum err bury(struct db *d, const struct store_write *w, struct span id)
{
    static const char sql[] =
        "INSERT INTO users (id, created_ms, deleted_at_ms) VALUES (?1, ?2, ?2)"
        " ON CONFLICT (id) DO UPDATE SET deleted_at_ms = excluded.deleted_at_ms, email = NULL,"
        " first_name = NULL, last_name = NULL, username = NULL, image_url = NULL"
        " WHERE users.deleted_at_ms IS NULL";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, id);
    db_bind_int(&q, 2, w->now_ms);
    return db_run_one(&q);
}

static enum err leave_organizations(struct db *d, struct span id)
{
    static const char sql[] = "DELETE FROM memberships WHERE user_id = ?1";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, id);
    return db_run(&q);
}

enum err profiles_delete(struct db *d, const struct store_write *w, struct span id,
                         int64_t *refused_until_ms)
{
    *refused_until_ms = CLOCK_MAX_MS;
    enum err e = bury(d, w, id);
    if (e == OK) {
        e = leave_organizations(d, id);
    }
    return e == OK ? revocations_put(d, true, id, CLOCK_MAX_MS) : e;
}

struct asked {
    struct store_profile profile;
    struct store_effect *effect;
};

static enum err apply_profile(struct db *d, const struct store_write *w, const void *change)
{
    const struct asked *c = change;
    *c->effect = (struct store_effect){.outcome = STORE_APPLIED};
    enum err e = profiles_put(d, w, &c->profile, &c->effect->refused_until_ms);
    if (e == ERR_NOT_FOUND) {
        c->effect->outcome = STORE_STALE;
        return OK;
    }
    return e;
}

void store_put_profile(struct store_write *w, const struct store_profile *profile,
                       struct store_effect *effect)
{
    struct asked *change = write_add(w, apply_profile, sizeof *change);
    *change = (struct asked){profiles_copy(w, profile), effect};
}

/* --- reading --- */
static enum err load(struct db *d, struct arena *a, struct span id, struct store_profile *out)
{
    static const char sql[] =
        "SELECT email, first_name, last_name, username, image_url, banned, locked,"
        " profile_updated_ms, profile_told_ms FROM users WHERE id = ?1 AND deleted_at_ms IS NULL";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, id);
    enum err e = db_row(&q);
    if (e == OK) {
        *out = (struct store_profile){
            .id = arena_copy(a, id),
            .email = arena_copy(a, db_text(&q, 0)),
            .first_name = arena_copy(a, db_text(&q, 1)),
            .last_name = arena_copy(a, db_text(&q, 2)),
            .username = arena_copy(a, db_text(&q, 3)),
            .image_url = arena_copy(a, db_text(&q, 4)),
            .banned = db_int(&q, 5) != 0,
            .locked = db_int(&q, 6) != 0,
            .updated_ms = db_int(&q, 7),
            .told_ms = db_int(&q, 8),
        };
    }
    return e;
}

enum err store_user(struct store *s, struct arena *a, struct span id, struct store_profile *out)
{
    return s->closing ? ERR_UNAVAILABLE : load(s->point, a, id, out);
}
