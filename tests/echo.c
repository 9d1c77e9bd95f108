/* ws-echo: our WebSocket behind our HTTP server, and nothing else: every text and binary message
 * comes back. For conformance suites that want an echo server.
 *
 *   ws-echo [PORT]      (0 or nothing: any free one)
 *
 * Listens on 127.0.0.1, prints its port on a line, upgrades every path; SIGTERM or SIGINT ends it.
 */
#include <signal.h>
#include <stdio.h>

#include "http/http.h"

enum {
    MESSAGE_MAX = 16 * 1024 * 1024,
    QUEUE_MAX = 64 * 1024 * 1024,
    DRAIN_MS = 1000,
};

struct app {
    uv_loop_t loop;
    uv_signal_t signals[2];
    struct http *http;
};

/* One connection; its ws comes back from http_upgrade. */
struct echo {
    struct ws *ws;
};

static void on_message(void *data, struct span text)
{
    struct echo *e = data;
    ws_send(e->ws, text);
}

static void on_binary(void *data, struct span bytes)
{
    struct echo *e = data;
    ws_send_binary(e->ws, bytes);
}

static void on_closed(void *data)
{
    mem_free(data);
}

static void on_call(struct call *c)
{
    static const struct ws_handler handler = {
        .on_message = on_message, .on_binary = on_binary, .on_closed = on_closed};
    struct echo *e = mem_alloc(sizeof *e);
    e->ws = http_upgrade(
        c, &(struct ws_options){
               .handler = &handler, .data = e, .message_max = MESSAGE_MAX, .queue_max = QUEUE_MAX});
    if (e->ws == NULL) {
        mem_free(e);
    }
}

static void on_http_closed(void *data)
{
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct app *app = handle->data;
    for (size_t i = 0; i < 2; i++) {
        uv_close((uv_handle_t *)&app->signals[i], NULL);
    }
    http_close(app->http, DRAIN_MS, on_http_closed, NULL);
}

static bool watch_signals(struct app *app)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < 2; i++) {
        app->signals[i].data = app;
        if (uv_signal_init(&app->loop, &app->signals[i]) != 0 ||
            uv_signal_start(&app->signals[i], on_signal, numbers[i]) != 0) {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct app app;
    int64_t port = 0;
    if (argc > 2 || (argc == 2 && (!span_to_int(span_str(argv[1]), &port) || port < 0))) {
        (void)fprintf(stderr, "usage: ws-echo [PORT]\n");
        return 2;
    }
    struct http_options options = {.host = "127.0.0.1",
                                   .port = (unsigned)port,
                                   .app = &app,
                                   .on_call = on_call,
                                   .body_max = 1024,
                                   .connections_max = 1000,
                                   .keep_alive_ms = 60 * 1000};
    if (uv_loop_init(&app.loop) != 0 || !watch_signals(&app) ||
        http_open(&app.http, &app.loop, &options) != OK) {
        return 1;
    }
    (void)printf("%u\n", http_port(app.http));
    (void)fflush(stdout);
    (void)uv_run(&app.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&app.loop) == 0 ? 0 : 1;
}
