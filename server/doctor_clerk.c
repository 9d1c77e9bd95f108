/* How people will sign in: settings, keys, clocks, origins, secrets. */
#include <uv.h>

#include "doctor.h"
#include "identity.h"

/* --- origins: as a browser writes them (RFC 6454 section 6.2), or nothing will ever match --- */
static bool is_loopback(struct span host)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct span rest = span_sub(host, strlen(names[i]), host.n);
        if (span_starts(host, span_str(names[i])) && (rest.n == 0 || rest.p[0] == ':')) {
            return true;
        }
    }
    return false;
}

static bool is_host(struct span host)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-:[]";
    for (size_t i = 0; i < host.n; i++) {
        if (span_find(span_str(allowed), host.p[i]) == sizeof allowed - 1) {
            return false;
        }
    }
    return host.n > 0;
}

static bool has_usual_port(bool https, struct span host)
{
    return span_ends(host, https ? SPAN(":443") : SPAN(":80"));
}

/* What is wrong with it, or NULL. */
static const char *origin_problem(struct span origin)
{
    bool https = span_starts(origin, SPAN("https://"));
    bool http = span_starts(origin, SPAN("http://"));
    struct span host = span_sub(origin, https ? 8 : 7, origin.n);
    if ((!https && !http) || !is_host(host)) {
        return "is no origin. Write https://host or http://host:port in lower case, without a path "
               "or a slash at the end.";
    }
    return has_usual_port(https, host) ? "never matches: browsers leave out the usual port." : NULL;
}

static void look_at_origin(struct doctor *d, const char *setting, struct span origin)
{
    const char *problem = origin_problem(origin);
    bool http = span_starts(origin, SPAN("http://"));
    if (problem != NULL) {
        doctor_say(d, DOCTOR_ERROR, setting, "\"%.*s\" %s", SPAN_ARGS(origin), problem);
    } else if (http && !is_loopback(span_sub(origin, 7, origin.n))) {
        doctor_say(d, DOCTOR_WARNING, setting,
                   "\"%.*s\" is not encrypted: tokens can be read on the way. Use https.",
                   SPAN_ARGS(origin));
    } else {
        doctor_say(d, DOCTOR_OK, setting, "%.*s", SPAN_ARGS(origin));
    }
}

static void look_at_origins(struct doctor *d, const char *setting, struct span list)
{
    struct span rest = list;
    struct span origin;
    while (config_next(&rest, &origin)) {
        look_at_origin(d, setting, origin);
    }
}

/* --- secrets: their form; never themselves --- */
static void look_at_webhook_secrets(struct doctor *d)
{
    struct span rest = d->config.clerk_webhook_signing_secret;
    struct span secret;
    unsigned count = 0;
    while (config_next(&rest, &secret)) {
        count++;
        if (clerk_webhook_secret_is_valid(secret)) {
            doctor_say(d, DOCTOR_OK, "webhooks", "signing secret %u is well-formed", count);
        } else {
            doctor_say(d, DOCTOR_ERROR, "webhooks",
                       "signing secret %u is malformed. Copy it from the endpoint's page in "
                       "Clerk's dashboard: whsec_ and base64.",
                       count);
        }
    }
    if (count == 0) {
        doctor_say(d, DOCTOR_WARNING, "webhooks",
                   "there is no CLERK_WEBHOOK_SIGNING_SECRET: profiles, bans and sign-outs are not "
                   "heard of. Make an endpoint for /api/webhooks/clerk in Clerk's dashboard.");
    }
}

static bool is_live(struct span key)
{
    return span_starts(key, SPAN("sk_live_")) || span_starts(key, SPAN("pk_live_"));
}

static void look_at_secret_key(struct doctor *d)
{
    struct span secret = d->config.clerk_secret_key;
    struct span publishable = d->config.clerk_publishable_key;
    if (secret.n == 0) {
        return;
    }
    if (!span_starts(secret, SPAN("sk_test_")) && !span_starts(secret, SPAN("sk_live_"))) {
        doctor_say(d, DOCTOR_ERROR, "secret key",
                   "CLERK_SECRET_KEY does not begin with sk_test_ or sk_live_. Copy it again.");
    } else if (publishable.n > 0 && is_live(secret) != is_live(publishable)) {
        doctor_say(d, DOCTOR_ERROR, "secret key",
                   "CLERK_SECRET_KEY and CLERK_PUBLISHABLE_KEY are of different instances: one is "
                   "for tests, the other for production.");
    } else {
        doctor_say(d, DOCTOR_OK, "secret key", "is well-formed");
    }
}

/* --- keys and clocks: by fetching the key set, as the first token would --- */
struct fetch {
    struct clerk *clerk;
    bool over;
};

static void on_ready(void *data, enum err e)
{
    (void)e; /* the keys that are there, or not, tell */
    ((struct fetch *)data)->over = true;
}

static void on_closed(void *data)
{
    ((struct fetch *)data)->clerk = NULL;
}

static void look_at_clock(struct doctor *d, const struct clerk *clerk)
{
    int64_t behind_ms = 0;
    int64_t skew_ms = d->config.clerk_skew_s * 1000;
    if (!clerk_clock_offset(clerk, &behind_ms)) {
        return;
    }
    long long seconds = (behind_ms < 0 ? -behind_ms : behind_ms) / 1000;
    const char *direction = behind_ms < 0 ? "ahead of" : "behind";
    if (seconds * 1000 > skew_ms) {
        doctor_say(d, DOCTOR_ERROR, "clock",
                   "is %lld s %s the key server's: good tokens will be refused. Set it by NTP; "
                   "CLERK_SKEW_S forgives %lld s.",
                   seconds, direction, (long long)d->config.clerk_skew_s);
    } else if (seconds >= 2) {
        doctor_say(d, DOCTOR_WARNING, "clock", "is %lld s %s the key server's. Set it by NTP.",
                   seconds, direction);
    } else {
        doctor_say(d, DOCTOR_OK, "clock", "agrees with the key server's");
    }
}

static void look_at_keys(struct doctor *d, struct clerk *clerk, const struct clerk_options *o)
{
    size_t keys = clerk_key_count(clerk);
    if (keys == 0) {
        doctor_say(d, DOCTOR_ERROR, "signing keys",
                   "none could be had from %s. Is the address right, and may this machine reach "
                   "it? Nobody can sign in without.",
                   o->jwks_url);
        return;
    }
    doctor_say(d, DOCTOR_OK, "signing keys", "%zu from %s", keys,
               o->jwks_url == NULL ? "CLERK_JWT_KEY" : o->jwks_url);
    look_at_clock(d, clerk);
}

static void fetch_keys(struct doctor *d, uv_loop_t *loop, const struct clerk_options *o)
{
    struct fetch f = {0};
    CLEANUP(text_free) struct text why = TEXT(4096);
    if (clerk_open(&f.clerk, loop, o, &why) != OK) {
        doctor_say(d, DOCTOR_ERROR, "sign-in", "%.*s", SPAN_ARGS(text_span(&why)));
        return;
    }
    if (clerk_ask(f.clerk)) {
        clerk_wait(f.clerk, on_ready, &f);
        while (!f.over) {
            (void)uv_run(loop, UV_RUN_ONCE);
        }
    }
    look_at_keys(d, f.clerk, o);
    clerk_close(f.clerk, on_closed, &f);
    (void)uv_run(loop, UV_RUN_DEFAULT);
}

static void look_at_rules(struct doctor *d, const struct clerk_options *o)
{
    if (o->issuer_count == 0) {
        doctor_say(d, DOCTOR_WARNING, "issuer",
                   "is not checked. Set CLERK_ISSUER or CLERK_PUBLISHABLE_KEY.");
    }
    for (size_t i = 0; i < o->issuer_count; i++) {
        doctor_say(d, DOCTOR_OK, "issuer", "%.*s", SPAN_ARGS(o->issuers[i]));
    }
    if (o->party_count == 0) {
        doctor_say(d, DOCTOR_ERROR, "authorized parties",
                   "there are none: every browser's token will be refused. Set "
                   "CLERK_AUTHORIZED_PARTIES or ALLOWED_ORIGINS to the web app's origin.");
    }
    if (o->azp_optional) {
        doctor_say(d, DOCTOR_WARNING, "authorized parties",
                   "CLERK_AZP_OPTIONAL lets tokens without one in.");
    }
}

void doctor_look_at_sign_in(struct doctor *d)
{
    struct clerk_options options = {0};
    CLEANUP(text_free) struct text why = TEXT(4096);
    uv_loop_t loop;
    look_at_origins(d, "ALLOWED_ORIGINS", d->config.allowed_origins);
    look_at_origins(d, "CLERK_AUTHORIZED_PARTIES", d->config.clerk_authorized_parties);
    look_at_webhook_secrets(d);
    look_at_secret_key(d);
    if (identity_options(d->arena, &d->config, &options, &why) != OK) {
        doctor_say(d, DOCTOR_ERROR, "sign-in", "%.*s", SPAN_ARGS(text_span(&why)));
        return;
    }
    look_at_rules(d, &options);
    if (uv_loop_init(&loop) != 0) {
        doctor_say(d, DOCTOR_ERROR, "machine", "there are no file descriptors left");
        return;
    }
    fetch_keys(d, &loop, &options);
    (void)uv_loop_close(&loop);
}
