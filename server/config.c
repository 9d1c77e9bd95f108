#include "config.h"

#include <stdlib.h>

enum setting_type { SETTING_STRING, SETTING_INT, SETTING_FLAG, SETTING_SWITCH };

struct setting {
    const char *name, *alias;
    enum setting_type type;
    size_t offset;
    const char *fallback; /* the default, as it would be written */
    int64_t min, max;     /* of a number, inclusive; of a string, bytes */
    const char *unit, *help;
};

#define KIB 1024LL
#define MIB (1024LL * 1024)
#define TIB (1024LL * 1024 * 1024 * 1024)
#define DAY 86400LL
#define AT(field) offsetof(struct config, field)
#define STRING(name, field, fallback, help)                                                        \
    {                                                                                              \
        name, NULL, SETTING_STRING, AT(field), fallback, 0, 64 * KIB, "", help                     \
    }

static const struct setting settings[] = {
    {"PORT", NULL, SETTING_INT, AT(port), "8000", 0, 65535, "", "port to listen on; 0: any"},
    STRING("HOST", host, "127.0.0.1", "address to listen on"),
    STRING("DATA_DIR", data_dir, "./data", "where everything is kept; one server per directory"),
    STRING("WEB_DIR", web_dir, "", "the built web app, read once at start; empty: only the API"),
    {"WEB_MAX_BYTES", NULL, SETTING_INT, AT(web_max_bytes), "67108864", 64 * KIB, 1024 * MIB,
     "bytes", "all files of WEB_DIR together; they are kept in memory"},
    {"WEB_MAX_FILES", NULL, SETTING_INT, AT(web_max_files), "4096", 1, 100000, "",
     "files in WEB_DIR"},
    STRING("ALLOWED_ORIGINS", allowed_origins, "http://localhost:3000,http://localhost:5173",
           "web origins that may call the API, separated by commas, exact"),
    STRING("TRUSTED_PROXIES", trusted_proxies, "",
           "whose X-Forwarded-For and -Proto count: addresses, networks (10.0.0.0/8) or the word "
           "private, separated by commas"),
    STRING("LOG_LEVEL", log_level, "info", "debug, info, warn or error"),

    STRING("CLERK_PUBLISHABLE_KEY", clerk_publishable_key, "",
           "pk_test_... or pk_live_...: names the issuer and its keys"),
    STRING("CLERK_FRONTEND_API", clerk_frontend_api, "",
           "the Frontend API's host, instead of the publishable key"),
    STRING("CLERK_JWKS_URL", clerk_jwks_url, "", "where the signing keys are, if not derived"),
    STRING("CLERK_JWT_KEY", clerk_jwt_key, "", "the signing key itself (PEM); nothing is fetched"),
    STRING("CLERK_SECRET_KEY", clerk_secret_key, "", "sk_...: keys from the Backend API"),
    STRING("CLERK_API_URL", clerk_api_url, "https://api.clerk.com", "the Backend API"),
    STRING("CLERK_ISSUER", clerk_issuer, "", "accepted `iss`, separated by commas, if not derived"),
    STRING("CLERK_AUTHORIZED_PARTIES", clerk_authorized_parties, "",
           "accepted `azp`, separated by commas; empty: ALLOWED_ORIGINS"),
    {"CLERK_AZP_OPTIONAL", NULL, SETTING_FLAG, AT(clerk_azp_optional), "0", 0, 1, "",
     "1: a token without `azp` passes"},
    {"CLERK_WEBHOOK_SIGNING_SECRET", "CLERK_WEBHOOK_SECRET", SETTING_STRING,
     AT(clerk_webhook_signing_secret), "", 0, 64 * KIB, "",
     "whsec_... of the webhook endpoint; while it is rotated both, separated by commas"},
    {"CLERK_SKEW_S", NULL, SETTING_INT, AT(clerk_skew_s), "5", 0, 300, "s",
     "difference of clocks that is forgiven"},
    {"CLERK_JWKS_TTL_S", NULL, SETTING_INT, AT(clerk_jwks_ttl_s), "300", 1, DAY, "s",
     "age after which keys are fetched again"},
    {"CLERK_JWKS_COOLDOWN_S", NULL, SETTING_INT, AT(clerk_jwks_cooldown_s), "10", 0, DAY, "s",
     "least time between fetches caused by unknown keys"},
    {"CLERK_JWKS_STALE_S", NULL, SETTING_INT, AT(clerk_jwks_stale_s), "86400", 0, 30 * DAY, "s",
     "how long old keys serve while fetching fails"},
    {"CLERK_JWKS_TIMEOUT_MS", NULL, SETTING_INT, AT(clerk_jwks_timeout_ms), "5000", 100, 60000,
     "ms", "for one fetch"},

    {"BODY_MAX", NULL, SETTING_INT, AT(body_max), "16777216", 64 * KIB, 256 * MIB, "bytes",
     "largest request body of any route; most routes take less"},
    {"CONNECTIONS_MAX", NULL, SETTING_INT, AT(connections_max), "20000", 10, 1000000, "",
     "connections; more wait in the listen queue"},
    {"KEEP_ALIVE_MS", NULL, SETTING_INT, AT(keep_alive_ms), "300000", 1000, 3600000, "ms",
     "how long an idle connection is kept; longer than the load balancer's"},
    {"DRAIN_MS", NULL, SETTING_INT, AT(drain_ms), "20000", 0, 120000, "ms",
     "time that requests and sockets have after SIGTERM"},
    {"SOCKET_MESSAGE_MAX", NULL, SETTING_INT, AT(socket_message_max), "1048576", KIB, 16 * MIB,
     "bytes", "largest WebSocket message from a client"},
    {"SOCKET_QUEUE_MAX", NULL, SETTING_INT, AT(socket_queue_max), "8388608", 64 * KIB, 1024 * MIB,
     "bytes", "waiting for a slow client; over it the socket is closed (1013)"},
    {"SOCKET_AUTH_MS", NULL, SETTING_INT, AT(socket_auth_ms), "10000", 100, 60000, "ms",
     "time to send `authenticate`"},
    {"SOCKET_LIFE_S", NULL, SETTING_INT, AT(socket_life_s), "43200", 60, 7 * DAY, "s",
     "longest life of a socket before it must sign in again (version 1)"},
    {"SOCKET_GRACE_S", NULL, SETTING_INT, AT(socket_grace_s), "60", 0, DAY, "s",
     "how long a socket lives after its token has expired (version 2)"},
    {"RUN_WAIT_MS", NULL, SETTING_INT, AT(run_wait_ms), "50000", 100, 3600000, "ms",
     "longest answer to ?wait=1; below the load balancer's idle timeout"},

    {"RATE_LIMITS", NULL, SETTING_SWITCH, AT(rate_limits), "on", 0, 0, "",
     "on or off: the limits per user below"},
    {"RATE_REQUESTS", NULL, SETTING_INT, AT(rate_requests), "100", 1, 1000000, "per s",
     "requests of one user"},
    {"RATE_REQUESTS_BURST", NULL, SETTING_INT, AT(rate_requests_burst), "400", 1, 1000000, "",
     "and at once"},
    {"RATE_MESSAGES", NULL, SETTING_INT, AT(rate_messages), "100", 1, 1000000, "per s",
     "WebSocket messages of one user"},
    {"RATE_MESSAGES_BURST", NULL, SETTING_INT, AT(rate_messages_burst), "400", 1, 1000000, "",
     "and at once"},
    {"RATE_RUNS", NULL, SETTING_INT, AT(rate_runs), "20", 1, 1000000, "per s",
     "runs that one user asks for"},
    {"RATE_RUNS_BURST", NULL, SETTING_INT, AT(rate_runs_burst), "100", 1, 1000000, "",
     "and at once"},

    {"RETENTION_DAYS", NULL, SETTING_INT, AT(retention_days), "30", 0, 3650, "days",
     "notebooks of a deleted user are kept, hidden, before they go for good"},
    {"AUDIT_DAYS", NULL, SETTING_INT, AT(audit_days), "180", 1, 3650, "days",
     "the audit trail is kept"},
    {"STORE_QUEUE_MAX", NULL, SETTING_INT, AT(store_queue_max), "10000", 10, 1000000, "writes",
     "waiting for the disk; over it writes are refused (503)"},
    {"SESSION_IDLE_S", NULL, SETTING_INT, AT(session_idle_s), "1800", 1, 30 * DAY, "s",
     "a notebook nobody watches is closed after this, with its kernel"},
    {"NOTEBOOKS_MAX", NULL, SETTING_INT, AT(notebooks_max), "1000", 3, 1000000, "", "per user"},
    {"EVENTS_MAX", NULL, SETTING_INT, AT(events_max), "5000", 10, 1000000, "",
     "events kept per notebook, for clients that come back"},
    {"EVENTS_BYTES_MAX", NULL, SETTING_INT, AT(events_bytes_max), "4194304", 64 * KIB, 1024 * MIB,
     "bytes", "and their size"},
    {"TEXT_MAX", NULL, SETTING_INT, AT(text_max), "268435456", MIB, TIB, "bytes",
     "text kept of one run of a cell"},

    STRING("KERNEL_PYTHON", kernel_python, "/usr/bin/python3", "interpreter of the kernels"),
    STRING("KERNEL_DIR", kernel_dir, "", "the kernels' Python; empty: `kernel` beside the binary"),
    {"KERNEL_DATA_BYTES", NULL, SETTING_INT, AT(kernel_data_bytes), "2147483648", 256 * MIB, TIB,
     "bytes", "memory of one kernel (RLIMIT_DATA)"},
    {"KERNEL_FILES", NULL, SETTING_INT, AT(kernel_files), "512", 64, 65536, "",
     "open files of one kernel"},
    {"KERNEL_FILE_BYTES", NULL, SETTING_INT, AT(kernel_file_bytes), "268435456", MIB, TIB, "bytes",
     "largest file a kernel may write"},
};

#define SETTING_COUNT (sizeof settings / sizeof *settings)

static const char *value_of(const struct setting *s)
{
    const char *value = getenv(s->name);
    if (value == NULL && s->alias != NULL) {
        value = getenv(s->alias);
    }
    return value == NULL || *value == '\0' ? s->fallback : value;
}

static enum err read_number(const struct setting *s, struct span value, int64_t *out,
                            struct text *why)
{
    if (!span_to_int(value, out) || *out < s->min || *out > s->max) {
        text_addf(why, "%s is \"%.*s\": it must be a whole number from %lld to %lld%s%s.", s->name,
                  SPAN_ARGS(value), (long long)s->min, (long long)s->max,
                  *s->unit == '\0' ? "" : " ", s->unit);
        return ERR_INVALID;
    }
    return OK;
}

static enum err read_switch(const struct setting *s, struct span value, int64_t *out,
                            struct text *why)
{
    *out = span_eq(value, SPAN("on"));
    if (*out == 0 && !span_eq(value, SPAN("off"))) {
        text_addf(why, "%s is \"%.*s\": it must be on or off.", s->name, SPAN_ARGS(value));
        return ERR_INVALID;
    }
    return OK;
}

static enum err read_setting(const struct setting *s, struct config *c, struct text *why)
{
    struct span value = span_str(value_of(s));
    void *field = (char *)c + s->offset;
    if (s->type == SETTING_SWITCH) {
        return read_switch(s, value, field, why);
    }
    if (s->type != SETTING_STRING) {
        return read_number(s, value, field, why);
    }
    if ((int64_t)value.n > s->max) {
        text_addf(why, "%s is longer than %lld bytes.", s->name, (long long)s->max);
        return ERR_INVALID;
    }
    *(struct span *)field = value;
    return OK;
}

enum err config_read(struct config *out, struct text *why)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        enum err e = read_setting(&settings[i], out, why);
        if (e != OK) {
            return e;
        }
    }
    return OK;
}

void config_help(struct text *out)
{
    text_add(out, SPAN("notebookd: the backend of a reactive notebook.\n\n"
                       "  notebookd                 serve\n"
                       "  notebookd --help          this text\n"
                       "  notebookd --version       the version\n"
                       "  notebookd --check         look at settings, keys, disk and kernels, and\n"
                       "                            say what to do; 1 when something is wrong\n"
                       "  notebookd --print-routes  every route, one per line\n\n"
                       "Settings are environment variables:\n\n"));
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting *s = &settings[i];
        text_addf(out, "  %s%s%s\n      %s", s->name, s->alias == NULL ? "" : " or ",
                  s->alias == NULL ? "" : s->alias, s->help);
        if (s->type == SETTING_INT) {
            text_addf(out, " (%lld to %lld%s%s)", (long long)s->min, (long long)s->max,
                      *s->unit == '\0' ? "" : " ", s->unit);
        }
        if (*s->fallback != '\0') {
            text_addf(out, " [%s]", s->fallback);
        }
        text_add_char(out, '\n');
    }
}

bool config_next(struct span *rest, struct span *part)
{
    while (!span_is_null(*rest)) {
        *part = span_trim(span_cut(rest, ','));
        if (part->n > 0) {
            return true;
        }
    }
    return false;
}
