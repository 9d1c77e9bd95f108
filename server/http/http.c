#include "http/http.h"

#include <malloc.h>
#include <signal.h>

#include "base/id.h"
#include "base/log.h"
#include "http/accept.h"
#include "http/conn.h"
#include "http/headers.h"
#include "http/request.h"
#include "http/sockets.h"

const struct http_timing http_timing_default = {
    .head_ms = 10 * 1000,
    .body_ms = 60 * 1000,
    .stall_ms = 30 * 1000,
    .ping_ms = 25 * 1000, /* a load balancer's idle timeout is 60 s */
    .close_ms = 5 * 1000,
    .sweep_ms = 500,
};

static void set_up_process(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    (void)mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024);
    (void)mallopt(M_TOP_PAD, 1024 * 1024);
    /* bodies never go to a file in /tmp: it may be read-only, and body_max bounds them (T20) */
    h2o_socket_buffer_mmap_settings.threshold = SIZE_MAX;
}

static void configure(struct http *h)
{
    h2o_config_init(&h->config);
    h->config.server_name = h2o_iovec_init(NULL, 0);
    h->config.max_request_entity_size = h->options.body_max;
    h->config.http1.req_timeout = h->options.keep_alive_ms;
    h->config.http1.upgrade_to_http2 = 0;
    h->config.http2.callbacks = (h2o_protocol_callbacks_t){NULL, NULL}; /* T27 */
    h2o_hostconf_t *host =
        h2o_config_register_host(&h->config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    /* No path is registered: everything, libh2o's own errors too, goes through this one. */
    h2o_create_handler(&host->fallback_path, sizeof(h2o_handler_t))->on_req = request_on_req;
    headers_register(&host->fallback_path);
    h2o_context_init(&h->context, h->loop, &h->config);
    h->accept.ctx = &h->context;
    h->accept.hosts = h->config.hosts;
}

static void on_flush(uv_prepare_t *prepare)
{
    sockets_flush(prepare->data);
    log_flush();
}

static void on_sweep(uv_timer_t *timer)
{
    conn_sweep(timer->data);
    request_sweep(timer->data);
    sockets_sweep(timer->data);
}

/* None of these can fail: libuv only links them into the loop. */
static void start_handles(struct http *h)
{
    (void)uv_prepare_init(h->loop, &h->flush);
    (void)uv_idle_init(h->loop, &h->awake);
    (void)uv_timer_init(h->loop, &h->timer);
    h->flush.data = h->awake.data = h->timer.data = h;
    h->handles += 3;
    (void)uv_prepare_start(&h->flush, on_flush);
    (void)uv_timer_start(&h->timer, on_sweep, h->timing.sweep_ms, h->timing.sweep_ms);
}

static void make_id_prefix(struct http *h)
{
    unsigned char bytes[sizeof h->id_prefix / 2];
    id_random(bytes, sizeof bytes);
    for (size_t i = 0; i + 1 < sizeof h->id_prefix; i++) {
        h->id_prefix[i] = "0123456789abcdef"[bytes[i / 2] >> (i % 2 == 0 ? 4 : 0) & 0xF];
    }
    h->id_prefix[sizeof h->id_prefix - 1] = '-';
}

static struct http *new_http(uv_loop_t *loop, const struct http_options *options)
{
    struct http *h = mem_alloc(sizeof *h);
    h->arena = arena_new();
    h->loop = loop;
    h->options = *options;
    h->timing = options->timing == NULL ? http_timing_default : *options->timing;
    h->origins = (struct cors_origins){options->origins, options->origin_count};
    list_init(&h->conns);
    list_init(&h->pending);
    list_init(&h->sockets);
    list_init(&h->dirty);
    make_id_prefix(h);
    return h;
}

static enum err trust_proxies(struct http *h)
{
    struct span bad;
    enum err e =
        forwarded_trust_read(h->arena, h->options.proxies, h->options.proxy_count, &h->trust, &bad);
    if (e != OK) {
        log_event(LOG_ERROR, "trusted_proxy_invalid", LOG_SPAN("value", bad));
    }
    return e;
}

static enum err start_listening(struct http *h)
{
    int r = uv_loop_init(&h->empty);
    if (r != 0) {
        log_event(LOG_ERROR, "listen", LOG_STR("reason", uv_strerror(r)));
        return ERR_UNAVAILABLE;
    }
    enum err e = accept_open(h);
    if (e != OK) {
        (void)uv_loop_close(&h->empty);
    }
    return e;
}

enum err http_open(struct http **out, uv_loop_t *loop, const struct http_options *options)
{
    set_up_process();
    struct http *h = new_http(loop, options);
    enum err e = trust_proxies(h);
    if (e == OK) {
        e = start_listening(h);
    }
    if (e != OK) {
        arena_free(h->arena);
        mem_free(h);
        return e;
    }
    configure(h);
    start_handles(h);
    *out = h;
    return OK;
}

unsigned http_port(const struct http *h)
{
    return accept_port(h);
}
