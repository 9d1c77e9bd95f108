/* accounts: who am I, and can anybody sign in at all? */
#include "accounts.h"

#define ME_MAX ((size_t)1024 * 1024)

/* --- GET /api/auth/me --- */
static void put_user(struct json_writer *w, const struct store_profile *p)
{
    json_put_name(w, SPAN("user"));
    json_open_object(w);
    json_member_string(w, SPAN("id"), p->id);
    json_member_string(w, SPAN("email"), p->email);
    json_member_string(w, SPAN("first_name"), p->first_name);
    json_member_string(w, SPAN("last_name"), p->last_name);
    json_member_string(w, SPAN("username"), p->username);
    json_member_string(w, SPAN("image_url"), p->image_url);
    json_close_object(w);
}

/* The organization that is active in the session, in the token's words. */
static void put_organization(struct json_writer *w, struct arena *a,
                             const struct clerk_identity *who)
{
    const struct clerk_organization *o = &who->organization;
    json_put_name(w, SPAN("organization"));
    if (span_is_null(o->id)) {
        json_put_null(w);
        return;
    }
    json_open_object(w);
    json_member_string(w, SPAN("id"), o->id);
    json_member_string(w, SPAN("slug"), o->slug);
    json_member_string(w, SPAN("role"), o->role);
    json_put_name(w, SPAN("permissions"));
    json_open_array(w);
    struct clerk_permissions list = clerk_permissions_of(who);
    struct span permission;
    while (clerk_permission_next(&list, a, &permission)) {
        json_put_string(w, permission);
    }
    json_close_array(w);
    json_close_object(w);
}

static void put_session(struct json_writer *w, const struct clerk_identity *who)
{
    json_put_name(w, SPAN("session"));
    json_open_object(w);
    json_member_string(w, SPAN("id"), who->session_id);
    json_member_int(w, SPAN("expires_at_ms"), who->expires_at_s * 1000);
    json_member_string(w, SPAN("impersonator"), who->actor_id);
    json_close_object(w);
}

static void put_memberships(struct json_writer *w, const struct store_memberships *all)
{
    json_put_name(w, SPAN("memberships"));
    json_open_array(w);
    for (size_t i = 0; i < all->count; i++) {
        const struct store_membership *m = &all->items[i];
        json_open_object(w);
        json_member_string(w, SPAN("organization_id"), m->organization.id);
        json_member_string(w, SPAN("name"), m->organization.name);
        json_member_string(w, SPAN("slug"), m->organization.slug);
        json_member_string(w, SPAN("image_url"), m->organization.image_url);
        json_member_string(w, SPAN("role"), m->role);
        json_close_object(w);
    }
    json_close_array(w);
}

static struct reply show(struct request *r, const struct store_profile *profile)
{
    struct store_memberships memberships;
    enum err e = store_memberships(r->app->store, r->arena, r->who.user_id, &memberships);
    if (e != OK) {
        return reply_err(r, e);
    }
    struct text out = TEXT(ME_MAX);
    struct json_writer w = JSON_WRITER(&out);
    json_open_object(&w);
    put_user(&w, profile);
    put_organization(&w, r->arena, &r->who);
    put_session(&w, &r->who);
    put_memberships(&w, &memberships);
    json_close_object(&w);
    if (out.overflowed) {
        text_free(&out);
        return reply_err(r, ERR_TOO_LARGE);
    }
    return reply_text(r, &out);
}

/* Whatever came of asking: what is known is shown. */
static void answer_known(struct request *r)
{
    struct store_profile profile = {.id = r->who.user_id};
    enum err e = store_user(r->app->store, r->arena, r->who.user_id, &profile);
    request_answer(r, e == OK || e == ERR_NOT_FOUND ? show(r, &profile) : reply_err(r, e));
}

static void on_put(void *data, enum err e)
{
    struct request *r = data;
    if (e != OK) {
        request_answer(r, reply_err(r, e));
    } else if (!profile_ask(r, answer_known)) {
        answer_known(r);
    }
}

struct reply accounts_me(struct request *r)
{
    struct store_profile profile = {0};
    enum err e = store_user(r->app->store, r->arena, r->who.user_id, &profile);
    if (e == ERR_NOT_FOUND) { /* the first time that we see this user */
        struct store_write *w = store_write_new(r->app->store, r->who.user_id, SPAN_NULL);
        store_put_user(w);
        store_commit(w, on_put, r);
        return reply_later();
    }
    if (e != OK) {
        return reply_err(r, e);
    }
    bool later = profile.updated_ms == 0 && profile_ask(r, answer_known);
    return later ? reply_later() : show(r, &profile);
}

/* --- GET /api/auth/health --- */
struct reply accounts_health(struct request *r)
{
    int64_t offset_ms = 0;
    size_t keys = clerk_key_count(r->app->clerk);
    if (keys == 0) {
        (void)clerk_ask(r->app->clerk); /* so that the next who looks finds some */
    }
    struct text out = TEXT((size_t)16 * 1024);
    struct json_writer w = JSON_WRITER(&out);
    json_open_object(&w);
    json_member_string(&w, SPAN("status"), keys > 0 ? SPAN("ok") : SPAN("no_keys"));
    json_member_string(&w, SPAN("issuer"), r->app->issuer);
    json_member_int(&w, SPAN("keys"), (int64_t)keys);
    json_put_name(&w, SPAN("clock_offset_ms"));
    if (clerk_clock_offset(r->app->clerk, &offset_ms)) {
        json_put_int(&w, offset_ms);
    } else {
        json_put_null(&w);
    }
    json_close_object(&w);
    struct reply reply = reply_text(r, &out);
    if (keys == 0) {
        reply.status = 503;
        reply_add_header(&reply, SPAN("retry-after"), SPAN("2"));
    }
    return reply;
}
