#include "tests/unit/server/http_app.h"

#include <assert.h>

#include "base/json.h"
#include "tests/unit/server/http_app_edge.h"
#include "tests/unit/server/http_fixture.h"

/* --- REST --- */
struct late {
    uv_timer_t timer; /* first: freed by its handle */
    struct call *call;
    int turns;
};

enum { HELD_MAX = 16 };

static struct call *held[HELD_MAX];
static size_t held_count;

static uv_loop_t *loop_of(const struct call *c)
{
    return (uv_loop_t *)(void *)c->app;
}

static void on_freed(uv_handle_t *handle)
{
    mem_free(handle);
}

static void on_late(uv_timer_t *timer)
{
    struct late *l = (struct late *)(void *)timer;
    bool echo = span_eq(l->call->path, SPAN("/body"));
    http_answer(l->call, (struct reply){.status = 200,
                                        .body = echo ? l->call->body : SPAN("{\"late\":true}")});
    uv_close((uv_handle_t *)timer, on_freed);
}

static void answer_later(struct call *c, unsigned ms)
{
    struct late *l = mem_alloc(sizeof *l);
    l->call = c;
    (void)uv_timer_init(loop_of(c), &l->timer);
    (void)uv_timer_start(&l->timer, on_late, ms, 0);
}

static void put_call(struct json_writer *w, const struct call *c)
{
    json_open_object(w);
    json_member_string(w, SPAN("method"), c->method);
    json_member_string(w, SPAN("path"), c->path);
    json_member_string(w, SPAN("query"), c->query);
    json_member_string(w, SPAN("body"), c->body);
    json_member_string(w, SPAN("authorization"), c->authorization);
    json_member_bool(w, SPAN("repeated"), c->authorization_repeated);
    json_member_string(w, SPAN("origin"), c->origin);
    json_member_string(w, SPAN("type"), c->content_type);
    json_member_string(w, SPAN("peer"), c->peer);
    json_member_string(w, SPAN("client"), c->client);
    json_member_bool(w, SPAN("https"), c->is_https);
    json_member_string(w, SPAN("accept"), http_header(c, SPAN("accept")));
    json_member_string(w, SPAN("custom"), http_header(c, SPAN("x-custom")));
    json_member_bool(w, SPAN("upgrade"), c->wants_upgrade);
    json_put_name(w, SPAN("segments"));
    json_open_array(w);
    for (size_t i = 0; i < c->segment_count; i++) {
        json_put_string(w, c->segments[i]);
    }
    json_close_array(w);
    json_close_object(w);
}

static void describe(struct call *c)
{
    struct text t = TEXT(1 << 20);
    struct json_writer w = JSON_WRITER(&t);
    put_call(&w, c);
    struct span body = arena_copy(c->arena, text_span(&t));
    text_free(&t);
    http_answer(c, (struct reply){.status = 200, .body = body});
}

static void answer_big(struct call *c, size_t n)
{
    char *p = arena_alloc(c->arena, n);
    memset(p, 'x', n);
    http_answer(c, (struct reply){.status = 200, .type = SPAN("text/plain"), .body = {p, n}});
}

static void answer_headers(struct call *c)
{
    http_answer(c, (struct reply){.status = 201,
                                  .body = SPAN("{}"),
                                  .headers = {{SPAN("x-one"), SPAN("1")},
                                              {SPAN("x-two"), SPAN("a\r\nx-evil: 1")},
                                              {SPAN("x-three"), SPAN("3")}},
                                  .header_count = 3});
}

/* --- WebSocket --- */
static size_t opened;
static size_t closed;

struct session {
    struct ws *ws;
    uv_loop_t *loop;
};

static void flood(struct ws *w, int64_t count)
{
    char *p = mem_alloc(10000);
    memset(p, 'f', 10000);
    for (int64_t i = 0; i < count; i++) {
        ws_send(w, span_of(p, 10000));
    }
    mem_free(p);
}

/* "close CODE", "flood COUNT", "split" (two messages in one turn); anything else comes back. */
static void on_message(void *data, struct span text)
{
    struct session *s = data;
    struct span rest = text;
    struct span verb = span_cut(&rest, ' ');
    int64_t number = 0;
    bool numbered = span_to_int(rest, &number);
    if (numbered && span_eq(verb, SPAN("close"))) {
        ws_send(s->ws, SPAN("last words"));
        ws_close(s->ws, (unsigned)number, SPAN("as you wish"));
        ws_send(s->ws, SPAN("never sent"));
        ws_close(s->ws, 4999, SPAN("ignored"));
    } else if (numbered && span_eq(verb, SPAN("flood"))) {
        flood(s->ws, number);
    } else {
        ws_send(s->ws, text);
    }
}

static void on_closed(void *data)
{
    closed++;
    mem_free(data);
}

static const struct ws_handler handler = {.on_message = on_message, .on_closed = on_closed};

static void upgrade(struct call *c)
{
    struct session *s = mem_alloc(sizeof *s);
    struct ws_options options = {.handler = &handler,
                                 .data = s,
                                 .message_max = FIXTURE_MESSAGE_MAX,
                                 .queue_max = FIXTURE_QUEUE_MAX};
    bool greet = span_eq(c->query, SPAN("greet"));
    bool refuse = span_eq(c->query, SPAN("refuse"));
    s->ws = http_upgrade(c, &options);
    if (s->ws == NULL) {
        mem_free(s);
        return;
    }
    opened++;
    if (greet) {
        ws_send(s->ws, SPAN("hello")); /* before the 101 is out */
    }
    if (refuse) {
        ws_close(s->ws, 1008, SPAN("no"));
    }
}

static void answer_counts(struct call *c)
{
    struct span body = arena_printf(c->arena, "{\"opened\":%zu,\"closed\":%zu}", opened, closed);
    http_answer(c, (struct reply){.status = 200, .body = body});
}

static int64_t number_in(const struct call *c)
{
    int64_t n = 0;
    return c->segment_count == 2 && span_to_int(c->segments[1], &n) ? n : -1;
}

static void hold(struct call *c)
{
    assert(held_count < HELD_MAX);
    held[held_count++] = c;
}

void app_release_held(void)
{
    for (size_t i = 0; i < held_count; i++) {
        /* the call must still be whole */
        assert(span_starts(held[i]->path, SPAN("/hold")));
        assert(held[i]->body.n == 0 || held[i]->body.p[held[i]->body.n - 1] == '.');
        http_answer(held[i], (struct reply){.status = 200, .body = SPAN("{}")});
        held[i] = NULL; /* or a leak of it would still be reachable */
    }
    held_count = 0;
}

void app_on_call(struct call *c)
{
    struct span first = c->segment_count == 0 ? SPAN("") : c->segments[0];
    int64_t n = number_in(c);
    if (app_edge_answers(c, first, n)) {
        return;
    }
    if (n >= 0 && span_eq(first, SPAN("status"))) {
        http_answer(c, (struct reply){.status = (int)n, .body = SPAN("{}")});
    } else if (n >= 0 && span_eq(first, SPAN("big"))) {
        answer_big(c, (size_t)n);
    } else if (n >= 0 && span_eq(first, SPAN("later"))) {
        answer_later(c, (unsigned)n);
    } else if (span_eq(first, SPAN("body"))) {
        answer_later(c, 5);
    } else if (span_eq(first, SPAN("hold"))) {
        hold(c);
    } else if (span_eq(first, SPAN("headers"))) {
        answer_headers(c);
    } else if (span_eq(first, SPAN("counts"))) {
        answer_counts(c);
    } else if (span_eq(first, SPAN("ws"))) {
        upgrade(c);
    } else {
        describe(c);
    }
}
