/* What the sign-in service tells: a message's effect and the note that it was had are one change,
 * so a message that comes again, or after a crash, has its effect once (CLERK.md C). */
#include "store/audit.h"
#include "store/organizations.h"
#include "store/profiles.h"
#include "store/revocations.h"

struct delivery {
    struct store_webhook told;
    struct span object; /* for the trail */
    struct store_effect *effect;
};

/* ERR_NOT_FOUND when it has been here before. */
static enum err note(struct db *d, const struct store_write *w, const struct store_webhook *told)
{
    static const char sql[] = "INSERT INTO webhook_deliveries (id, type, at_ms)"
                              " VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, told->message_id);
    db_bind_text(&q, 2, told->type);
    db_bind_int(&q, 3, w->now_ms);
    return db_run_one(&q);
}

static enum err end_session(struct db *d, const struct store_write *w, struct span session_id,
                            int64_t *until_ms)
{
    *until_ms = w->now_ms + STORE_REFUSED_MS;
    return revocations_put(d, false, session_id, *until_ms);
}

static enum err change(struct db *d, const struct store_write *w, const struct delivery *c)
{
    const struct store_webhook *told = &c->told;
    int64_t *until_ms = &c->effect->refused_until_ms;
    switch (told->kind) {
    case STORE_WEBHOOK_USER:
        return profiles_put(d, w, &told->user, until_ms);
    case STORE_WEBHOOK_USER_DELETED:
        return profiles_delete(d, w, told->user.id, until_ms);
    case STORE_WEBHOOK_SESSION_OVER:
        return end_session(d, w, told->session_id, until_ms);
    case STORE_WEBHOOK_ORGANIZATION:
        return organizations_put(d, &told->organization);
    case STORE_WEBHOOK_ORGANIZATION_DELETED:
        return organizations_delete(d, w, told->organization.id);
    case STORE_WEBHOOK_MEMBERSHIP:
        return organizations_put_member(d, &told->membership);
    case STORE_WEBHOOK_MEMBERSHIP_DELETED:
        return organizations_delete_member(d, &told->membership);
    }
    return ERR_INVALID;
}

static enum err append_trail(struct db *d, const struct store_write *w, const struct delivery *c)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct store_audit row = {
        .actor = c->told.actor,
        .action = arena_printf(a, "webhook %.*s", SPAN_ARGS(c->told.type)),
        .object = c->object,
        .result = SPAN("ok"),
        .times = 1,
    };
    return audit_append(d, w, &row);
}

static enum err apply_delivery(struct db *d, const struct store_write *w, const void *data)
{
    const struct delivery *c = data;
    *c->effect = (struct store_effect){.outcome = STORE_DUPLICATE};
    enum err e = note(d, w, &c->told);
    if (e != OK) {
        return e == ERR_NOT_FOUND ? OK : e;
    }
    e = change(d, w, c);
    if (e == ERR_NOT_FOUND) {
        *c->effect = (struct store_effect){.outcome = STORE_STALE};
        return OK;
    }
    c->effect->outcome = STORE_APPLIED;
    return e == OK ? append_trail(d, w, c) : e;
}

static struct span object_of(const struct store_webhook *told)
{
    switch (told->kind) {
    case STORE_WEBHOOK_USER:
    case STORE_WEBHOOK_USER_DELETED:
        return told->user.id;
    case STORE_WEBHOOK_SESSION_OVER:
        return told->session_id;
    case STORE_WEBHOOK_ORGANIZATION:
    case STORE_WEBHOOK_ORGANIZATION_DELETED:
        return told->organization.id;
    case STORE_WEBHOOK_MEMBERSHIP:
    case STORE_WEBHOOK_MEMBERSHIP_DELETED:
        return told->membership.organization.id.n > 0 ? told->membership.organization.id
                                                      : told->membership.id;
    }
    return SPAN_NULL;
}

void store_webhook_apply(struct store_write *w, const struct store_webhook *webhook,
                         struct store_effect *effect)
{
    struct delivery *c = write_add(w, apply_delivery, sizeof *c);
    c->told = *webhook;
    c->told.message_id = arena_copy(w->arena, webhook->message_id);
    c->told.type = arena_copy(w->arena, span_sub(webhook->type, 0, STORE_AUDIT_TEXT_MAX / 2));
    c->told.session_id = arena_copy(w->arena, webhook->session_id);
    c->told.user = profiles_copy(w, &webhook->user);
    c->told.organization = organizations_copy(w, &webhook->organization);
    c->told.membership = organizations_copy_member(w, &webhook->membership);
    c->told.actor = audit_copy_actor(w, &webhook->actor);
    c->told.user.updated_ms = webhook->order_ms;
    c->told.user.told_ms = webhook->sent_ms;
    c->told.organization.updated_ms = webhook->order_ms;
    c->told.membership.updated_ms = webhook->order_ms;
    c->object = object_of(&c->told);
    c->effect = effect;
}
