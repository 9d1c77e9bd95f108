#include "store/organizations.h"

#include "store/inside.h"

/* --- writing --- */
struct store_organization organizations_copy(struct store_write *w,
                                             const struct store_organization *o)
{
    return (struct store_organization){
        .id = arena_copy(w->arena, o->id),
        .name = arena_copy(w->arena, o->name),
        .slug = arena_copy(w->arena, o->slug),
        .image_url = arena_copy(w->arena, o->image_url),
        .created_by = arena_copy(w->arena, o->created_by),
        .updated_ms = o->updated_ms,
    };
}

struct store_membership organizations_copy_member(struct store_write *w,
                                                  const struct store_membership *m)
{
    return (struct store_membership){
        .id = arena_copy(w->arena, m->id),
        .user_id = arena_copy(w->arena, m->user_id),
        .role = arena_copy(w->arena, m->role),
        .permissions = arena_copy(w->arena, m->permissions),
        .organization = organizations_copy(w, &m->organization),
        .updated_ms = m->updated_ms,
    };
}

enum err organizations_put(struct db *d, const struct store_organization *o)
{
    static const char sql[] =
        "INSERT INTO organizations (id, name, slug, image_url, created_by, updated_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
        " slug = excluded.slug, image_url = excluded.image_url,"
        " created_by = excluded.created_by, updated_ms = excluded.updated_ms"
        " WHERE organizations.deleted_at_ms IS NULL"
        " AND organizations.updated_ms < excluded.updated_ms";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, o->id);
    db_bind_text(&q, 2, o->name);
    db_bind_text(&q, 3, o->slug);
    db_bind_text(&q, 4, o->image_url);
    db_bind_text(&q, 5, o->created_by);
    db_bind_int(&q, 6, o->updated_ms);
    return db_run_one(&q);
}

static enum err dismiss_members(struct db *d, struct span id)
{
    static const char sql[] = "DELETE FROM memberships WHERE organization_id = ?1";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, id);
    return db_run(&q);
}

enum err organizations_delete(struct db *d, const struct store_write *w, struct span id)
{
    static const char sql[] =
        "INSERT INTO organizations (id, updated_ms, deleted_at_ms) VALUES (?1, 0, ?2)"
        " ON CONFLICT (id) DO UPDATE SET deleted_at_ms = excluded.deleted_at_ms, name = NULL,"
        " slug = NULL, image_url = NULL, created_by = NULL"
        " WHERE organizations.deleted_at_ms IS NULL";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, id);
    db_bind_int(&q, 2, w->now_ms);
    enum err e = db_run_one(&q);
    return e == OK ? dismiss_members(d, id) : e;
}

/* Nobody joins what is gone, and who is gone joins nothing. */
static enum err upsert_member(struct db *d, const struct store_membership *m)
{
    static const char sql[] =
        "INSERT INTO memberships (organization_id, user_id, id, role, permissions, updated_ms)"
        " SELECT ?1, ?2, ?3, ?4, ?5, ?6"
        " WHERE NOT EXISTS (SELECT 1 FROM users WHERE id = ?2 AND deleted_at_ms IS NOT NULL)"
        " AND NOT EXISTS"
        " (SELECT 1 FROM organizations WHERE id = ?1 AND deleted_at_ms IS NOT NULL)"
        " AND NOT EXISTS (SELECT 1 FROM membership_ends WHERE id = ?3)"
        " ON CONFLICT (organization_id, user_id) DO UPDATE SET id = excluded.id,"
        " role = excluded.role, permissions = excluded.permissions,"
        " updated_ms = excluded.updated_ms, deleted = 0"
        " WHERE memberships.updated_ms < excluded.updated_ms";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, m->organization.id);
    db_bind_text(&q, 2, m->user_id);
    db_bind_text(&q, 3, m->id);
    db_bind_text(&q, 4, m->role);
    db_bind_text(&q, 5, m->permissions);
    db_bind_int(&q, 6, m->updated_ms);
    return db_run_one(&q);
}

enum err organizations_put_member(struct db *d, const struct store_membership *m)
{
    enum err e = upsert_member(d, m);
    if (e != OK) {
        return e;
    }
    e = organizations_put(d, &m->organization);
    return e == ERR_NOT_FOUND ? OK : e; /* more is known of it already */
}

/* ERR_NOT_FOUND when it was known. */
static enum err note_end(struct db *d, struct span id)
{
    static const char sql[] = "INSERT INTO membership_ends (id) VALUES (?1)"
                              " ON CONFLICT (id) DO NOTHING";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, id);
    return db_run_one(&q);
}

static enum err end_by_id(struct db *d, struct span id)
{
    static const char sql[] = "UPDATE memberships SET role = NULL, permissions = NULL, deleted = 1"
                              " WHERE id = ?1";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, id);
    return db_run(&q);
}

/* The row stays, so that an older message does not bring the member back. */
static enum err end_by_pair(struct db *d, const struct store_membership *m)
{
    static const char sql[] =
        "INSERT INTO memberships (organization_id, user_id, updated_ms, deleted)"
        " VALUES (?1, ?2, ?3, 1) ON CONFLICT (organization_id, user_id) DO UPDATE SET id = NULL,"
        " role = NULL, permissions = NULL, updated_ms = excluded.updated_ms, deleted = 1"
        " WHERE memberships.updated_ms <= excluded.updated_ms";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, m->organization.id);
    db_bind_text(&q, 2, m->user_id);
    db_bind_int(&q, 3, m->updated_ms);
    return db_run_one(&q);
}

/* A user who joins again has a membership with another id. */
enum err organizations_delete_member(struct db *d, const struct store_membership *m)
{
    bool has_pair = m->organization.id.n > 0 && m->user_id.n > 0;
    if (span_is_null(m->id)) {
        return end_by_pair(d, m);
    }
    enum err e = note_end(d, m->id);
    if (e != OK) {
        return e;
    }
    return has_pair ? end_by_pair(d, m) : end_by_id(d, m->id);
}

/* --- reading --- */
static struct store_membership member_of(struct arena *a, const struct db_query *q)
{
    return (struct store_membership){
        .id = arena_copy(a, db_text(q, 0)),
        .role = arena_copy(a, db_text(q, 1)),
        .permissions = arena_copy(a, db_text(q, 2)),
        .updated_ms = db_int(q, 3),
        .organization = {.id = arena_copy(a, db_text(q, 4)),
                         .name = arena_copy(a, db_text(q, 5)),
                         .slug = arena_copy(a, db_text(q, 6)),
                         .image_url = arena_copy(a, db_text(q, 7)),
                         .created_by = arena_copy(a, db_text(q, 8)),
                         .updated_ms = db_int(q, 9)},
    };
}

static enum err load(struct db *d, struct arena *a, struct span user_id,
                     struct store_memberships *out)
{
    static const char sql[] =
        "SELECT m.id, m.role, m.permissions, m.updated_ms, o.id, o.name, o.slug, o.image_url,"
        " o.created_by, o.updated_ms FROM memberships m"
        " JOIN organizations o ON o.id = m.organization_id"
        " WHERE m.user_id = ?1 AND m.deleted = 0 AND o.deleted_at_ms IS NULL"
        " ORDER BY o.id LIMIT ?2";
    out->items = arena_alloc_array(a, STORE_MEMBERSHIPS_MAX, sizeof *out->items);
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, user_id);
    db_bind_int(&q, 2, STORE_MEMBERSHIPS_MAX);
    struct span user = arena_copy(a, user_id);
    enum err e = OK;
    while ((e = db_row(&q)) == OK) {
        out->items[out->count] = member_of(a, &q);
        out->items[out->count++].user_id = user;
    }
    return e == ERR_NOT_FOUND ? OK : e;
}

enum err store_memberships(struct store *s, struct arena *a, struct span user_id,
                           struct store_memberships *out)
{
    *out = (struct store_memberships){0};
    return s->closing ? ERR_UNAVAILABLE : load(s->point, a, user_id, out);
}
