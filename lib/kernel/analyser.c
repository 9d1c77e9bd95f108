#include <assert.h>

#include "base/log.h"
#include "kernel/answers.h"
#include "kernel/child.h"
#include "kernel/conn.h"
#include "kernel/launcher.h"
#include "kernel/message.h"

enum {
    DEADLINE_MS = 1000,
    COLD_DEADLINE_MS = 5000,
    AGAIN_MS = 1000, /* before the next process, when one ended without having answered anything */
    CODE_MAX = 256 * 1024,
};

static const char TOO_SLOW[] = "This cell could not be analysed: it took longer than 1 second.";
static const char CRASHED[] = "This cell could not be analysed: the analysis failed.";

/* One question, from analyser_ask to its callback. */
struct ask {
    struct list node; /* in `waiting` or `known` */
    char *code;       /* owned */
    size_t length;
    const char *refused; /* static words: why it is not sent */
    analyser_cb done;
    void *data;
};

/* Questions are sent one at a time, so that it is known which of them is to blame when the process
 * dies. DOWN -> STARTING -> IDLE <-> BUSY, and any of them -> FALLING -> DOWN */
enum state {
    DOWN,     /* no process; one will be asked for */
    STARTING, /* asked for */
    IDLE,
    BUSY,    /* the first of `waiting` was sent */
    FALLING, /* killed or dead; handles close */
};

struct analyser {
    struct launcher *launcher;
    struct child child;
    struct conn conn;
    enum state state;
    unsigned pending;  /* of this process: its end, and its connection; handles of the analyser when
                          closing */
    bool has_answered; /* this process */
    struct list waiting; /* struct ask, first come, first served */
    struct list known;   /* struct ask whose answer needs no process */
    struct answers cache;
    uint64_t question; /* number of the question under way */
    uv_timer_t soon;   /* answers what is known: never inside analyser_ask */
    uv_timer_t timer;  /* BUSY: the deadline; DOWN: when to start */
    bool closing;
    analyser_closed_cb closed;
    void *data;
};

static const unsigned allowed[] = {
    [DOWN] = 1U << STARTING,
    [STARTING] = 1U << IDLE | 1U << FALLING,
    [IDLE] = 1U << BUSY | 1U << FALLING,
    [BUSY] = 1U << IDLE | 1U << FALLING,
    [FALLING] = 1U << DOWN,
};

static void move(struct analyser *a, enum state next)
{
    assert((allowed[a->state] >> next & 1U) != 0);
    a->state = next;
}

static struct ask *first(const struct list *asks)
{
    return list_is_empty(asks) ? NULL : LIST_ENTRY(asks->next, struct ask, node);
}

/* --- answering --- */

/* The callback may ask again, and may close the analyser. */
static void answer(struct ask *q, enum err e, const struct analysis *result)
{
    list_remove(&q->node);
    q->done(q->data, e, result);
    mem_free(q->code);
    mem_free(q);
}

static void answer_error(struct ask *q, const char *words)
{
    struct analysis result = {.error = span_str(words)};
    answer(q, OK, &result);
}

static void answer_all(struct list *asks, enum err e)
{
    struct list now;
    struct list *node;
    list_init(&now);
    while ((node = list_take_first(asks)) != NULL) {
        list_add_last(&now, node);
    }
    struct ask *q;
    while ((q = first(&now)) != NULL) {
        answer(q, e, NULL);
    }
}

/* --- the end of a process, and of the analyser --- */

static void start(struct analyser *a);

static void finish(struct analyser *a)
{
    analyser_closed_cb closed = a->closed;
    void *data = a->data;
    answer_all(&a->known, ERR_CANCELED);
    answer_all(&a->waiting, ERR_CANCELED);
    answers_free(&a->cache);
    mem_free(a);
    if (closed != NULL) {
        closed(data);
    }
}

static void on_timer_closed(uv_handle_t *h)
{
    struct analyser *a = h->data;
    if (--a->pending == 0) {
        finish(a);
    }
}

static void close_timers(struct analyser *a)
{
    a->pending = 2;
    uv_close((uv_handle_t *)&a->soon, on_timer_closed);
    uv_close((uv_handle_t *)&a->timer, on_timer_closed);
}

static void on_start_timer(uv_timer_t *t)
{
    start(t->data);
}

/* The process has ended and its connection is closed. */
static void on_down(struct analyser *a)
{
    move(a, DOWN);
    if (a->closing) {
        close_timers(a);
        return;
    }
    (void)uv_timer_start(&a->timer, on_start_timer, a->has_answered ? 0 : AGAIN_MS, 0);
}

static void finish_one(struct analyser *a)
{
    if (--a->pending == 0) {
        on_down(a);
    }
}

static void on_conn_closed(struct conn *c)
{
    finish_one(c->data);
}

/* Once per process. The question it was busy with is to blame, and gets `words` (unless they are
 * NULL); the others wait for the next process. */
static void fall(struct analyser *a, const char *words)
{
    if (a->state == FALLING) {
        return;
    }
    bool is_blamed = a->state == BUSY && words != NULL && !a->closing;
    a->has_answered = a->has_answered || is_blamed;
    move(a, FALLING);
    (void)uv_timer_stop(&a->timer);
    conn_close(&a->conn);
    child_kill(&a->child);
    if (is_blamed) {
        log_event(LOG_WARN, "analyser is stopped", LOG_STR("why", words));
        answer_error(first(&a->waiting), words);
    }
}

/* --- asking the process --- */

static void on_deadline(uv_timer_t *t);

/* A process that was forked before the launcher was warm imports what it needs for magics itself,
 * while the launcher imports the libraries. */
static uint64_t deadline_ms(const struct analyser *a)
{
    return a->launcher->state == LAUNCHER_WARMING ? COLD_DEADLINE_MS : DEADLINE_MS;
}

static void ask_process(struct analyser *a, const struct ask *q)
{
    CLEANUP(text_free) struct text payload = TEXT(FRAME_PAYLOAD_MAX);
    struct json_writer w = JSON_WRITER(&payload);
    json_open_object(&w);
    json_member_string(&w, SPAN("code"), span_of(q->code, q->length));
    json_close_object(&w);
    move(a, BUSY);
    a->question++;
    (void)uv_timer_start(&a->timer, on_deadline, deadline_ms(a), 0);
    if (conn_send(&a->conn, FRAME_ANALYSE, a->question, text_span(&payload)) != OK) {
        fall(a, CRASHED);
    }
}

/* What the cache has learnt since a question was asked needs no process. */
static void pump(struct analyser *a)
{
    struct ask *q;
    while (!a->closing && a->state == IDLE && (q = first(&a->waiting)) != NULL) {
        const struct analysis *known = answers_get(&a->cache, span_of(q->code, q->length));
        if (known == NULL) {
            ask_process(a, q);
        } else {
            answer(q, OK, known);
        }
    }
}

/* --- its answers --- */

static void take_answer(struct analyser *a, const struct frame *f)
{
    CLEANUP(arena_free_ptr) struct arena *arena = arena_new();
    struct analysis result;
    const char *problem = "an answer to nothing";
    if (a->state != BUSY || f->run != a->question ||
        message_check_analysis(f->payload, arena, &result, &problem) != OK) {
        log_event(LOG_ERROR, "analyser broke the protocol", LOG_STR("problem", problem));
        fall(a, CRASHED);
        return;
    }
    struct ask *q = first(&a->waiting);
    (void)uv_timer_stop(&a->timer);
    move(a, IDLE);
    a->has_answered = true;
    answers_put(&a->cache, span_of(q->code, q->length), &result);
    answer(q, OK, &result);
    pump(a);
}

static void take_answers(struct analyser *a)
{
    struct frame f;
    enum frame_step step = FRAME_MORE;
    while (a->state != FALLING && (step = frame_next(&a->conn.in, &f)) == FRAME_COMPLETE) {
        take_answer(a, &f);
    }
    if (step == FRAME_BROKEN) {
        fall(a, CRASHED);
    }
}

static void on_readable(struct conn *c)
{
    struct analyser *a = c->data;
    size_t n = 0;
    enum conn_result result = conn_read(c, &n);
    if (result == CONN_ENDED) { /* why, the report of its exit will tell */
        conn_stop_reading(c);
        child_kill(&a->child);
    } else if (result == CONN_DATA) {
        take_answers(a);
    }
    if (a->state != FALLING) {
        frame_rest(&c->in);
    }
}

/* After the server itself was held up, the answer may be there, unread. */
static void on_deadline(uv_timer_t *t)
{
    struct analyser *a = t->data;
    uint64_t question = a->question;
    on_readable(&a->conn);
    if (a->state == BUSY && a->question == question) {
        fall(a, TOO_SLOW);
    }
}

static void on_running(struct child *c)
{
    struct analyser *a = c->data;
    if (a->state == STARTING) { /* else its connection has ended already */
        move(a, IDLE);
        pump(a);
    }
}

/* When it could not even be started, or the launcher is gone, nobody's turn will come soon. */
static void on_ended(struct child *c, struct span why)
{
    struct analyser *a = c->data;
    enum launcher_state launcher = a->launcher->state;
    bool has_launcher = launcher == LAUNCHER_WARM || launcher == LAUNCHER_WARMING;
    bool has_run = a->state != STARTING;
    fall(a, has_launcher ? CRASHED : NULL);
    if (!a->closing) {
        log_event(LOG_WARN, "analyser ended", LOG_SPAN("why", why));
    }
    if (!a->closing && (!has_launcher || !has_run)) {
        answer_all(&a->waiting, ERR_UNAVAILABLE);
    }
    finish_one(a);
}

static void start(struct analyser *a)
{
    struct ends ours;
    struct ends theirs;
    if (ends_open(&ours, &theirs, ENDS_OF_ANALYSER) != OK) {
        answer_all(&a->waiting, ERR_UNAVAILABLE);
        (void)uv_timer_start(&a->timer, on_start_timer, AGAIN_MS, 0);
        return;
    }
    move(a, STARTING);
    a->has_answered = false;
    a->pending = 2;
    a->conn = (struct conn){.on_readable = on_readable, .on_closed = on_conn_closed, .data = a};
    conn_open(&a->conn, a->launcher->loop, ours.fd[ENDS_CTL], FRAME_FROM_CTL);
    a->child = (struct child){.on_running = on_running, .on_ended = on_ended, .data = a};
    child_start(&a->child, a->launcher, CHILD_ANALYSER, NULL, &theirs);
}

struct analyser *analyser_open(struct launcher *l)
{
    struct analyser *a = mem_alloc(sizeof *a);
    a->launcher = l;
    list_init(&a->waiting);
    list_init(&a->known);
    answers_init(&a->cache);
    a->soon.data = a->timer.data = a;
    (void)uv_timer_init(l->loop, &a->soon); /* these never fail */
    (void)uv_timer_init(l->loop, &a->timer);
    start(a);
    return a;
}

/* --- questions --- */

static const char *refuse(struct span code)
{
    if (code.n > CODE_MAX) {
        return "This cell could not be analysed: it is longer than 256 KiB.";
    }
    if (span_find(code, '\0') < code.n) {
        return "This cell could not be analysed: it holds a NUL character.";
    }
    return span_is_utf8(code) ? NULL : "This cell could not be analysed: it is not valid UTF-8.";
}

static void answer_known(struct analyser *a, struct ask *q)
{
    const struct analysis *found = answers_get(&a->cache, span_of(q->code, q->length));
    if (q->refused != NULL) {
        answer_error(q, q->refused);
    } else if (found != NULL) {
        answer(q, OK, found);
    } else { /* the cache has dropped it meanwhile */
        list_remove(&q->node);
        list_add_last(&a->waiting, &q->node);
    }
}

static void on_soon(uv_timer_t *t)
{
    struct analyser *a = t->data;
    struct ask *q;
    while (!a->closing && (q = first(&a->known)) != NULL) {
        answer_known(a, q);
    }
    pump(a);
}

void analyser_ask(struct analyser *a, struct span code, analyser_cb done, void *data)
{
    struct ask *q = mem_alloc(sizeof *q);
    q->refused = refuse(code);
    q->length = q->refused == NULL ? code.n : 0;
    q->code = mem_copy(span_of(code.p == NULL ? "" : code.p, q->length));
    q->done = done;
    q->data = data;
    bool is_known = q->refused != NULL || answers_get(&a->cache, code) != NULL;
    list_add_last(is_known ? &a->known : &a->waiting, &q->node);
    (void)uv_timer_start(&a->soon, on_soon, 0, 0);
}

void analyser_close(struct analyser *a, analyser_closed_cb closed, void *data)
{
    assert(!a->closing);
    a->closing = true;
    a->closed = closed;
    a->data = data;
    (void)uv_timer_stop(&a->soon);
    if (a->state == DOWN) {
        close_timers(a);
    } else {
        fall(a, CRASHED);
    }
}
