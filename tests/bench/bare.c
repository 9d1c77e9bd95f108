/* bare: the peer the server is measured against: libh2o 2.2.5 on libuv with one handler that sends
 * static JSON. No guard, no filter, no log, no routes; the same memory settings and TCP_NODELAY as
 * the server.
 *
 *   bare-h2o PORT */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <h2o.h>

/* As long as the answer to GET /api/notebooks/{id} for a small notebook. */
static const char body[] =
    "{\"id\":\"5f0c9a52-7f3e-4f0e-9d0a-3b1f6f6a2c11\",\"name\":\"Quarterly numbers\","
    "\"db_connection_string\":null,\"cells\":[{\"id\":\"0b7f0a34-7a2c-4f0f-8a53-2f9f2f7d8e90\","
    "\"type\":\"python\",\"code\":\"x = 1\",\"status\":\"idle\",\"reads\":[],\"writes\":[\"x\"],"
    "\"stdout\":\"\",\"outputs\":[],\"error\":null}],\"revision\":12}";

struct bare {
    h2o_globalconf_t config;
    h2o_context_t context;
    h2o_accept_ctx_t accept;
    uv_tcp_t listener;
};

static int on_req(h2o_handler_t *self, h2o_req_t *req)
{
    static h2o_generator_t generator = {NULL, NULL};
    h2o_iovec_t bytes = h2o_iovec_init(body, sizeof body - 1);
    req->res.status = 200;
    req->res.reason = "OK";
    req->res.content_length = bytes.len;
    h2o_add_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, NULL,
                   H2O_STRLIT("application/json"));
    h2o_start_response(req, &generator);
    h2o_send(req, &bytes, 1, H2O_SEND_STATE_FINAL);
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct bare *b = listener->data;
    uv_tcp_t *tcp = h2o_mem_alloc(sizeof *tcp);
    if (status != 0 || uv_tcp_init(listener->loop, tcp) != 0) {
        free(tcp);
        return;
    }
    if (uv_accept(listener, (uv_stream_t *)tcp) != 0) {
        uv_close((uv_handle_t *)tcp, on_closed);
        return;
    }
    (void)uv_tcp_nodelay(tcp, 1);
    h2o_accept(&b->accept, h2o_uv_socket_create((uv_stream_t *)tcp, on_closed));
}

static void configure(struct bare *b, uv_loop_t *loop)
{
    h2o_config_init(&b->config);
    b->config.server_name = h2o_iovec_init(NULL, 0);
    b->config.http1.req_timeout = 300000;
    b->config.http1.upgrade_to_http2 = 0;
    h2o_hostconf_t *host =
        h2o_config_register_host(&b->config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
    h2o_create_handler(&host->fallback_path, sizeof(h2o_handler_t))->on_req = on_req;
    h2o_context_init(&b->context, loop, &b->config);
    b->accept.ctx = &b->context;
    b->accept.hosts = b->config.hosts;
}

static int listen_on(struct bare *b, uv_loop_t *loop, int port)
{
    struct sockaddr_in address;
    int r = uv_ip4_addr("127.0.0.1", port, &address);
    b->listener.data = b;
    if (r == 0) {
        r = uv_tcp_init(loop, &b->listener);
    }
    if (r == 0) {
        r = uv_tcp_bind(&b->listener, (const struct sockaddr *)&address, 0);
    }
    return r != 0 ? r : uv_listen((uv_stream_t *)&b->listener, 4096, on_connection);
}

int main(int argc, char **argv)
{
    long port = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
    if (port <= 0 || port > 65535) {
        (void)fprintf(stderr, "usage: bare-h2o PORT\n");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    (void)mallopt(M_TRIM_THRESHOLD, 64194304);
    (void)mallopt(M_TOP_PAD, 1024 * 1024);
    static struct bare b;
    configure(&b, uv_default_loop());
    int r = listen_on(&b, uv_default_loop(), (int)port);
    if (r != 0) {
        (void)fprintf(stderr, "bare-h2o: %s\n", uv_strerror(r));
        return 1;
    }
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT); /* until it is killed */
}
