#include "app.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"
#include "identity.h"
#include "request.h"

/* --- stopping: sockets and requests first, then what they used, the store last --- */
static void on_signal_closed(uv_handle_t *handle)
{
    (void)handle;
}

static void on_store_closed(void *data)
{
    struct app *app = data;
    for (size_t i = 0; i < 2; i++) {
        uv_close((uv_handle_t *)&app->signals[i], on_signal_closed);
    }
}

static void close_store(void *data)
{
    struct app *app = data;
    store_close(app->store, on_store_closed, app);
}

static void close_clerk(void *data)
{
    struct app *app = data;
    clerk_close(app->clerk, close_store, app);
}

static void close_launcher(void *data)
{
    struct app *app = data;
    launcher_close(app->launcher, close_clerk, app);
}

static void close_analyser(void *data)
{
    struct app *app = data;
    analyser_close(app->analyser, close_launcher, app);
}

static void close_sessions(void *data)
{
    struct app *app = data;
    channels_close(app);
    people_close(app);
    sessions_close(app->sessions, close_analyser, app);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct app *app = handle->data;
    log_event(LOG_INFO, "stopping", LOG_INT("signal", number),
              LOG_INT("again", app->signal_count > 0));
    log_flush();
    if (app->signal_count++ > 0) {
        _exit(1); /* the operator does not want to wait; what was acknowledged is on disk */
    }
    app->draining = true;
    run_stop_waiting(app);
    http_close(app->http, (unsigned)app->config.drain_ms, close_sessions, app);
}

/* --- starting --- */
static struct span *split(struct arena *a, struct span list, size_t *count)
{
    struct span rest = list;
    struct span part;
    *count = 0;
    while (config_next(&rest, &part)) {
        (*count)++;
    }
    struct span *parts = arena_alloc_array(a, *count, sizeof *parts);
    rest = list;
    for (size_t i = 0; config_next(&rest, &part); i++) {
        parts[i] = arena_copy(a, part);
    }
    return parts;
}

const char *app_kernel_dir(struct arena *a, const struct config *config)
{
    if (config->kernel_dir.n > 0) {
        return config->kernel_dir.p;
    }
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0) {
        return "kernel";
    }
    self[n] = '\0';
    return arena_printf(a, "%s/kernel", dirname(self)).p;
}

static enum err open_clerk(struct app *app)
{
    CLEANUP(text_free) struct text why = TEXT(4096);
    struct clerk_options options = {0};
    enum err e = identity_options(app->arena, &app->config, &options, &why);
    if (e == OK) {
        text_add(&why, options.pem != NULL ? SPAN("CLERK_JWT_KEY: ") : SPAN("CLERK_JWKS_URL: "));
        e = clerk_open(&app->clerk, &app->loop, &options, &why);
    }
    if (e != OK) {
        log_event(LOG_ERROR, "cannot_start", LOG_SPAN("why", text_span(&why)));
        return e;
    }
    app->issuer = options.issuer_count > 0 ? options.issuers[0] : SPAN_NULL;
    if (options.issuer_count == 0) {
        log_event(LOG_WARN, "issuer_not_checked",
                  LOG_STR("hint", "set CLERK_ISSUER or CLERK_PUBLISHABLE_KEY"));
    }
    if (options.party_count == 0) {
        log_event(LOG_WARN, "no_authorized_parties",
                  LOG_STR("hint", "set CLERK_AUTHORIZED_PARTIES or ALLOWED_ORIGINS"));
    }
    return OK;
}

static enum err open_store(struct app *app)
{
    return store_open(&app->store, &app->loop,
                      &(struct store_options){.dir = app->config.data_dir.p,
                                              .queue_max = (size_t)app->config.store_queue_max});
}

static enum err open_launcher(struct app *app)
{
    enum err e = launcher_open(
        &app->launcher, &app->loop,
        &(struct launcher_options){.python = app->config.kernel_python.p,
                                   .script_dir = app_kernel_dir(app->arena, &app->config),
                                   .kernel_data_bytes = (size_t)app->config.kernel_data_bytes,
                                   .kernel_files = (unsigned)app->config.kernel_files,
                                   .kernel_file_bytes = (size_t)app->config.kernel_file_bytes});
    if (e == OK) {
        app->analyser = analyser_open(app->launcher);
    }
    return e;
}

static enum err open_sessions(struct app *app)
{
    return sessions_open(
        &app->sessions, &app->loop,
        &(struct sessions_options){
            .store = app->store,
            .launcher = app->launcher,
            .analyser = app->analyser,
            .work_dir = arena_printf(app->arena, "%.*s/kernels", SPAN_ARGS(app->config.data_dir)).p,
            .idle_s = (unsigned)app->config.session_idle_s,
            .notebooks_max = (size_t)app->config.notebooks_max,
            .events_max = (size_t)app->config.events_max,
            .events_bytes_max = (size_t)app->config.events_bytes_max,
            .text_max = (size_t)app->config.text_max});
}

static struct rate rate_of(int64_t per_s, int64_t burst)
{
    return (struct rate){.per_s = (double)per_s, .burst = (double)burst};
}

static enum err open_channels(struct app *app)
{
    const struct config *c = &app->config;
    const struct rate limits[RATE_KINDS] = {
        [RATE_REQUESTS] = rate_of(c->rate_requests, c->rate_requests_burst),
        [RATE_MESSAGES] = rate_of(c->rate_messages, c->rate_messages_burst),
        [RATE_RUNS] = rate_of(c->rate_runs, c->rate_runs_burst),
    };
    app->rates = c->rate_limits != 0 ? rates_new(limits) : NULL;
    list_init(&app->vigils);
    channels_open(app);
    return OK;
}

static enum err open_site(struct app *app)
{
    if (app->config.web_dir.n == 0) {
        return OK;
    }
    CLEANUP(text_free) struct text why = TEXT(4096);
    text_add(&why, SPAN("WEB_DIR: "));
    struct static_options options = {.dir = app->config.web_dir.p,
                                     .bytes_max = (size_t)app->config.web_max_bytes,
                                     .files_max = (size_t)app->config.web_max_files};
    enum err e = identity_frontend(app->arena, &app->config, &options.frontend, &why);
    if (e == OK) {
        e = static_open(&app->site, &options, &why);
    }
    if (e != OK) {
        log_event(LOG_ERROR, "cannot_start", LOG_SPAN("why", text_span(&why)));
    }
    return e;
}

static enum err open_http(struct app *app)
{
    size_t proxy_count;
    const struct span *proxies = split(app->arena, app->config.trusted_proxies, &proxy_count);
    enum err e =
        http_open(&app->http, &app->loop,
                  &(struct http_options){.host = app->config.host.p,
                                         .port = (unsigned)app->config.port,
                                         .app = app,
                                         .on_call = dispatch,
                                         .body_max = (size_t)app->config.body_max,
                                         .connections_max = (size_t)app->config.connections_max,
                                         .keep_alive_ms = (unsigned)app->config.keep_alive_ms,
                                         .origins = app->origins,
                                         .origin_count = app->origin_count,
                                         .proxies = proxies,
                                         .proxy_count = proxy_count});
    if (e == ERR_INVALID) {
        log_event(
            LOG_ERROR, "cannot_start",
            LOG_STR("why", "TRUSTED_PROXIES must be addresses, networks or the word private"));
    }
    return e;
}

static enum err open_signals(struct app *app)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < 2; i++) {
        app->signals[i].data = app;
        if (uv_signal_init(&app->loop, &app->signals[i]) != 0 ||
            uv_signal_start(&app->signals[i], on_signal, numbers[i]) != 0) {
            return ERR_INTERNAL;
        }
    }
    return OK;
}

/* In the order of their dependence. A failure has been logged where it happened; the process then
 * ends, and with it all that was opened: nothing has been promised to anybody yet. */
static enum err open_all(struct app *app)
{
    static enum err (*const stages[])(struct app *) = {open_signals,  open_clerk,    open_site,
                                                       open_store,    people_open,   open_launcher,
                                                       open_sessions, open_channels, open_http};
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        enum err e = stages[i](app);
        if (e != OK) {
            return e;
        }
    }
    return OK;
}

int app_run(const struct config *config)
{
    struct app app = {.config = *config, .arena = arena_new()};
    (void)prctl(PR_SET_DUMPABLE, 0); /* kernels share the user: they must not read this memory */
    app.origins = split(app.arena, app.config.allowed_origins, &app.origin_count);
    if (uv_loop_init(&app.loop) != 0 || open_all(&app) != OK) {
        log_flush();
        _exit(1);
    }
    log_event(LOG_INFO, "listening", LOG_SPAN("host", app.config.host),
              LOG_INT("port", http_port(app.http)), LOG_SPAN("data", app.config.data_dir));
    log_flush();
    (void)uv_run(&app.loop, UV_RUN_DEFAULT);
    int left = uv_loop_close(&app.loop);
    static_close(app.site);
    log_event(left == 0 ? LOG_INFO : LOG_ERROR, "stopped", LOG_INT("handles_left", left != 0));
    rates_free(app.rates);
    people_free(&app);
    arena_free(app.arena);
    log_flush();
    return left == 0 ? 0 : 1;
}
