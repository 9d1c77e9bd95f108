/* config: every setting and every limit of the server, in one table, from environment variables
 * only. `notebookd --help` prints the table. */
#pragma once

#include "base/err.h"
#include "base/text.h"

struct config {
    struct span host, data_dir, web_dir, allowed_origins, log_level, trusted_proxies;
    struct span kernel_python, kernel_dir;
    struct span clerk_publishable_key, clerk_jwks_url, clerk_jwt_key, clerk_secret_key;
    struct span clerk_api_url, clerk_issuer, clerk_frontend_api, clerk_authorized_parties;
    struct span clerk_webhook_signing_secret;
    int64_t port;
    int64_t clerk_azp_optional, clerk_skew_s;
    int64_t clerk_jwks_ttl_s, clerk_jwks_cooldown_s, clerk_jwks_stale_s, clerk_jwks_timeout_ms;
    int64_t web_max_bytes, web_max_files;
    int64_t body_max, connections_max, keep_alive_ms, drain_ms;
    int64_t socket_message_max, socket_queue_max, socket_auth_ms, socket_life_s, socket_grace_s;
    int64_t run_wait_ms;
    int64_t retention_days, audit_days;
    int64_t rate_limits;
    int64_t rate_requests, rate_requests_burst, rate_messages, rate_messages_burst;
    int64_t rate_runs, rate_runs_burst;
    int64_t events_max, events_bytes_max, text_max;
    int64_t store_queue_max, session_idle_s, notebooks_max;
    int64_t kernel_data_bytes, kernel_files, kernel_file_bytes;
};

/* Reads the environment. Strings are borrowed from it. ERR_INVALID with a sentence that begins with
 * the variable's name in *why. */
MUST_CHECK enum err config_read(struct config *out, struct text *why);
void config_help(struct text *out);

/* Visits the parts of a comma-separated list, trimmed; empty ones are left out. */
bool config_next(struct span *rest, struct span *part);
