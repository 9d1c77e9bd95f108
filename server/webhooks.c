/* webhooks: what Clerk tells us unasked (CLERK.md C). The raw bytes are verified before anything of
 * them is read. 2xx ends the matter for the sender; anything else makes it try again. */
#include "webhooks.h"

#include "base/clock.h"
#include "base/log.h"

#define SECRETS_MAX 8

/* In the request's arena, until the write is called back. */
struct receipt {
    struct request *request;
    struct clerk_event event;
    struct store_webhook told;
    struct store_effect effect;
};

static struct clerk_webhook_headers headers(const struct call *c, const char *family)
{
    char names[3][32];
    static const char *const parts[] = {"id", "timestamp", "signature"};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(names[i], sizeof names[i], "%s-%s", family, parts[i]);
    }
    return (struct clerk_webhook_headers){.id = http_header(c, span_str(names[0])),
                                          .timestamp = http_header(c, span_str(names[1])),
                                          .signature = http_header(c, span_str(names[2]))};
}

static enum clerk_webhook_verdict verify(const struct request *r, const struct clerk_webhook *d)
{
    struct span secrets[SECRETS_MAX];
    struct span rest = r->app->config.clerk_webhook_signing_secret;
    struct clerk_webhook_rules rules = {.secrets = secrets,
                                        .tolerance_s = CLERK_WEBHOOK_TOLERANCE_S};
    while (rules.secret_count < SECRETS_MAX && config_next(&rest, &secrets[rules.secret_count])) {
        rules.secret_count++;
    }
    return clerk_webhook_verify(d, &rules, clock_unix_ms() / 1000);
}

/* --- answers --- */
static struct reply reply_status(struct request *r, const char *status)
{
    return (struct reply){.status = 200,
                          .body = arena_printf(r->arena, "{\"status\":\"%s\"}", status)};
}

static struct reply refuse(struct request *r, enum clerk_webhook_verdict why)
{
    const char *name = clerk_webhook_verdict_name(why);
    log_event(LOG_WARN, "webhook_refused", LOG_STR("why", name),
              LOG_SPAN("client", r->call->client), LOG_SPAN("request", r->call->request_id));
    if (why == CLERK_WEBHOOK_NO_SECRET) {
        return reply_detail(r, 503,
                            "Webhooks are not set up here: CLERK_WEBHOOK_SIGNING_SECRET is missing "
                            "or malformed.");
    }
    if (why == CLERK_WEBHOOK_TOO_LARGE) {
        return reply_detail(r, 413, "This webhook is too large.");
    }
    trail_refused(r, 400, span_str(name));
    return reply_detail(r, 400, "This webhook is refused: %s", name);
}

/* --- from Clerk's words to the store's --- */
static struct store_organization organization(const struct clerk_organization_record *o)
{
    return (struct store_organization){.id = o->id,
                                       .name = o->name,
                                       .slug = o->slug,
                                       .image_url = o->image_url,
                                       .created_by = o->created_by,
                                       .updated_ms = o->updated_ms};
}

static struct store_membership membership(const struct clerk_membership_record *m)
{
    return (struct store_membership){.id = m->id,
                                     .user_id = m->user_id,
                                     .role = m->role,
                                     .permissions = m->permissions,
                                     .organization = organization(&m->organization),
                                     .updated_ms = m->updated_ms};
}

/* False for what has no effect here. */
static bool translate(const struct clerk_event *e, struct store_webhook *out)
{
    switch (e->kind) {
    case CLERK_EVENT_OTHER:
    case CLERK_EVENT_SESSION_CREATED:
    case CLERK_EVENT_SESSION_PENDING:
        return false;
    case CLERK_EVENT_USER_CREATED:
    case CLERK_EVENT_USER_UPDATED:
        out->kind = STORE_WEBHOOK_USER;
        out->user = people_profile(&e->user);
        return true;
    case CLERK_EVENT_USER_DELETED:
        out->kind = STORE_WEBHOOK_USER_DELETED;
        out->user.id = e->user.id;
        return true;
    case CLERK_EVENT_SESSION_ENDED:
    case CLERK_EVENT_SESSION_REMOVED:
    case CLERK_EVENT_SESSION_REVOKED:
        out->kind = STORE_WEBHOOK_SESSION_OVER;
        out->session_id = e->session.id;
        return true;
    case CLERK_EVENT_ORGANIZATION_CREATED:
    case CLERK_EVENT_ORGANIZATION_UPDATED:
        out->kind = STORE_WEBHOOK_ORGANIZATION;
        out->organization = organization(&e->organization);
        return true;
    case CLERK_EVENT_ORGANIZATION_DELETED:
        out->kind = STORE_WEBHOOK_ORGANIZATION_DELETED;
        out->organization.id = e->organization.id;
        return true;
    case CLERK_EVENT_MEMBERSHIP_CREATED:
    case CLERK_EVENT_MEMBERSHIP_UPDATED:
        out->kind = STORE_WEBHOOK_MEMBERSHIP;
        out->membership = membership(&e->membership);
        return true;
    case CLERK_EVENT_MEMBERSHIP_DELETED:
        out->kind = STORE_WEBHOOK_MEMBERSHIP_DELETED;
        out->membership = membership(&e->membership);
        return true;
    }
    return false;
}

/* --- keeping it --- */
static void take_effect(const struct receipt *receipt)
{
    struct app *app = receipt->request->app;
    const struct store_webhook *told = &receipt->told;
    if (told->kind == STORE_WEBHOOK_USER || told->kind == STORE_WEBHOOK_USER_DELETED) {
        people_refuse(app, true, told->user.id, &receipt->effect);
    } else if (told->kind == STORE_WEBHOOK_SESSION_OVER) {
        people_refuse(app, false, told->session_id, &receipt->effect);
    }
}

/* Of a closed set: what becomes of a message, in the sender's log. */
static const char *outcome_name(enum store_outcome outcome)
{
    switch (outcome) {
    case STORE_APPLIED:
        return "done";
    case STORE_DUPLICATE:
        return "duplicate";
    case STORE_STALE:
        break;
    }
    return "ignored";
}

static void on_kept(void *data, enum err e)
{
    const struct receipt *receipt = data;
    struct request *r = receipt->request;
    if (e != OK) {
        request_answer(r, reply_err(r, e));
        return;
    }
    if (receipt->effect.outcome == STORE_APPLIED) {
        take_effect(receipt);
    }
    request_answer(r, reply_status(r, outcome_name(receipt->effect.outcome)));
}

static struct reply keep(struct receipt *receipt)
{
    struct request *r = receipt->request;
    struct store_webhook *told = &receipt->told;
    if (!translate(&receipt->event, told)) {
        return reply_status(r, "ignored");
    }
    told->message_id = receipt->event.message_id;
    told->type = receipt->event.type;
    told->order_ms = receipt->event.order_ms;
    told->sent_ms = receipt->event.sent_ms;
    told->actor.address = r->call->client;
    told->actor.request_id = r->call->request_id;
    struct store_write *w = store_write_new(r->app->store, SPAN_NULL, SPAN_NULL);
    store_webhook_apply(w, told, &receipt->effect);
    store_commit(w, on_kept, receipt);
    return reply_later();
}

struct reply webhooks_receive(struct request *r)
{
    struct receipt *receipt = arena_alloc(r->arena, sizeof *receipt);
    struct clerk_webhook delivery = {.svix = headers(r->call, "svix"),
                                     .standard = headers(r->call, "webhook"),
                                     .body = r->call->body};
    unsigned retry = rates_take(r->app->rates, RATE_REQUESTS,
                                arena_printf(r->arena, "webhook %.*s", SPAN_ARGS(r->call->client)),
                                clock_mono_us());
    if (retry > 0) {
        return reply_too_fast(r, retry);
    }
    enum clerk_webhook_verdict verdict = verify(r, &delivery);
    if (verdict != CLERK_WEBHOOK_OK) {
        return refuse(r, verdict);
    }
    receipt->request = r;
    enum err e = clerk_event_read(r->arena, &delivery, &receipt->event);
    if (e != OK) {
        log_event(LOG_WARN, "webhook_unreadable", LOG_SPAN("request", r->call->request_id),
                  LOG_STR("why", err_name(e)));
        return e == ERR_TOO_LARGE ? refuse(r, CLERK_WEBHOOK_TOO_LARGE)
                                  : reply_detail(r, 400, "This webhook makes no sense.");
    }
    return keep(receipt);
}
