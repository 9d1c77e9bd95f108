#include "kernel/questions.h"

#include <assert.h>

#include "kernel/reply.h"

struct question {
    struct list node; /* in `waiting` or `decided` */
    uint64_t number;
    uint64_t deadline; /* loop time */
    struct asked asked;
    enum err outcome; /* when decided */
};

static struct question *first(const struct list *questions)
{
    return list_is_empty(questions) ? NULL : LIST_ENTRY(questions->next, struct question, node);
}

static void tell(struct question *q, enum err e, const struct json *answer)
{
    list_remove(&q->node);
    q->asked.done(q->asked.data, e, answer);
    mem_free(q);
}

static void decide(struct questions *q, struct question *it, enum err e)
{
    list_remove(&it->node);
    it->outcome = e;
    list_add_last(&q->decided, &it->node);
    q->count--;
}

/* --- the clock --- */

static void on_timer(uv_timer_t *t);

/* Never 0: a callback that asks again at once must not keep the loop inside its timers. */
static void set_timer(struct questions *q)
{
    const struct question *next = first(&q->waiting);
    uint64_t now = uv_now(q->timer.loop);
    if (!list_is_empty(&q->decided)) {
        (void)uv_timer_start(&q->timer, on_timer, 1, 0); /* fails only when closing */
    } else if (next != NULL) {
        uint64_t wait = next->deadline > now ? next->deadline - now : 1;
        (void)uv_timer_start(&q->timer, on_timer, wait, 0);
    } else {
        (void)uv_timer_stop(&q->timer);
    }
}

/* What is decided inside the callbacks is told in another turn. */
static void tell_decided(struct questions *q)
{
    struct list now;
    struct list *node;
    struct question *it;
    list_init(&now);
    while ((node = list_take_first(&q->decided)) != NULL) {
        list_add_last(&now, node);
    }
    while ((it = first(&now)) != NULL) {
        tell(it, it->outcome, NULL);
    }
}

static bool is_overdue(const struct questions *q)
{
    const struct question *next = first(&q->waiting);
    return next != NULL && next->deadline <= uv_now(q->timer.loop);
}

static void on_timer(uv_timer_t *t)
{
    struct questions *q = t->data;
    if (is_overdue(q)) {
        q->on_overdue(q);
    }
    while (is_overdue(q)) {
        decide(q, first(&q->waiting), ERR_UNAVAILABLE);
    }
    tell_decided(q);
    if (!uv_is_closing((uv_handle_t *)t)) {
        set_timer(q);
    }
}

/* --- the calls --- */

void questions_open(struct questions *q, uv_loop_t *loop)
{
    list_init(&q->waiting);
    list_init(&q->decided);
    q->timer.data = q;
    (void)uv_timer_init(loop, &q->timer); /* never fails */
}

uint64_t questions_ask(struct questions *q, const struct asked *asked, enum err refused)
{
    struct question *it = mem_alloc(sizeof *it);
    enum err e = refused == OK && q->count >= KERNEL_QUESTIONS_MAX ? ERR_LIMIT : refused;
    it->asked = *asked;
    it->deadline = uv_now(q->timer.loop) + QUESTIONS_MS;
    it->number = e == OK ? ++q->last : 0;
    list_add_last(&q->waiting, &it->node);
    q->count++;
    if (e != OK) {
        decide(q, it, e);
    }
    set_timer(q);
    return it->number;
}

static struct question *find(const struct questions *q, uint64_t number)
{
    LIST_EACH (node, &q->waiting) {
        struct question *it = LIST_ENTRY(node, struct question, node);
        if (it->number == number) {
            return it;
        }
    }
    return NULL;
}

/* An answer that comes late is nobody's any more, and is not looked at. */
enum err questions_answer(struct questions *q, const struct frame *f, const char **problem)
{
    *problem = "an answer to nothing";
    if (f->run == 0 || f->run > q->last) {
        return ERR_INVALID;
    }
    struct question *it = find(q, f->run);
    if (it == NULL) {
        return OK;
    }
    CLEANUP(arena_free_ptr) struct arena *arena = arena_new();
    const struct json *answer = NULL;
    enum err e = reply_check(it->asked.what, f->payload, arena, &answer, problem);
    if (e == OK) {
        q->count--;
        tell(it, OK, answer);
    }
    return e;
}

void questions_end(struct questions *q, enum err e)
{
    struct question *it;
    while ((it = first(&q->waiting)) != NULL) {
        decide(q, it, e);
    }
    set_timer(q);
}

static void on_closed(uv_handle_t *handle)
{
    struct questions *q = handle->data;
    tell_decided(q);
    assert(list_is_empty(&q->waiting) && list_is_empty(&q->decided));
    q->on_closed(q);
}

void questions_close(struct questions *q)
{
    questions_end(q, ERR_CANCELED);
    uv_close((uv_handle_t *)&q->timer, on_closed);
}
