/* handlers: the whole text that a cell's last run printed, or a range of it (RFC 9110, section 14).
 * The session gives it piece by piece; the first, empty one tells how much there is. */
#include "range.h"
#include "request.h"

#define ANSWER_MAX ((size_t)4 * 1024 * 1024) /* bytes of one answer */

struct reading {
    struct request *request;
    size_t start, size; /* what is wanted; `size` is at most ANSWER_MAX */
    size_t total;       /* of the text, as far as it is known */
    bool part;          /* 206 */
    struct text out;
};

static struct reply refuse(struct request *r, enum err e)
{
    return e == ERR_NOT_FOUND ? reply_no_cell(r) : reply_err(r, e);
}

static struct reply refuse_range(struct request *r, size_t total)
{
    struct reply reply = reply_detail(r, 416, "The text has %zu bytes.", total);
    reply_add_header(&reply, SPAN("content-range"), arena_printf(r->arena, "bytes */%zu", total));
    return reply;
}

static struct reply show(struct reading *g)
{
    struct request *r = g->request;
    size_t n = g->out.n;
    struct reply reply = reply_text(r, &g->out);
    reply.type = SPAN("text/plain; charset=utf-8");
    reply_add_header(&reply, SPAN("content-disposition"),
                     SPAN("attachment; filename=\"cell.txt\""));
    reply_add_header(&reply, SPAN("accept-ranges"), SPAN("bytes"));
    if (g->part) {
        reply.status = 206;
        reply_add_header(
            &reply, SPAN("content-range"),
            arena_printf(r->arena, "bytes %zu-%zu/%zu", g->start, g->start + n - 1, g->total));
    }
    return reply;
}

static void finish(struct reading *g, struct reply reply)
{
    text_free(&g->out);
    request_answer(g->request, reply);
}

static void on_piece(void *data, enum err e, const struct session_result *result);

static void ask(struct reading *g)
{
    struct request *r = g->request;
    struct session *s = sessions_find(r->app->sessions, r->notebook_id);
    if (s == NULL) { /* closed meanwhile */
        finish(g, reply_err(r, ERR_UNAVAILABLE));
        return;
    }
    session_text(s,
                 &(struct session_text_range){.cell_id = r->params[1],
                                              .start = g->start + g->out.n,
                                              .size = g->size - g->out.n},
                 on_piece, g);
}

/* A text that has become shorter is another run's. */
static void on_piece(void *data, enum err e, const struct session_result *result)
{
    struct reading *g = data;
    struct request *r = g->request;
    if (e != OK) {
        finish(g, refuse(r, e));
        return;
    }
    if (result->position < g->total || (result->document.n == 0 && g->out.n < g->size)) {
        finish(g, reply_detail(r, 409, "The cell has been run again meanwhile."));
        return;
    }
    g->total = result->position;
    text_add(&g->out, result->document);
    if (g->out.n < g->size) {
        ask(g);
        return;
    }
    finish(g, show(g));
}

/* There are no validators: If-Range matches nothing (RFC 9110, 13.1.5). */
static struct span wanted_range(const struct request *r)
{
    bool conditional = !span_is_null(http_header(r->call, SPAN("if-range")));
    return conditional ? SPAN_NULL : http_header(r->call, SPAN("range"));
}

static void on_total(void *data, enum err e, const struct session_result *result)
{
    struct reading *g = data;
    struct request *r = g->request;
    if (e != OK) {
        finish(g, refuse(r, e));
        return;
    }
    g->total = g->size = result->position;
    enum range_kind kind = range_read(wanted_range(r), g->total, &g->start, &g->size);
    g->part = kind == RANGE_PART;
    if (kind == RANGE_REFUSED) {
        finish(g, refuse_range(r, g->total));
    } else if (kind == RANGE_NONE && g->total > ANSWER_MAX) {
        finish(g, reply_detail(r, 400,
                               "The text has %zu bytes. Ask for parts of it with a Range header; "
                               "each answer holds at most %zu bytes.",
                               g->total, ANSWER_MAX));
    } else if (g->size == 0) {
        finish(g, show(g));
    } else {
        g->size = g->size < ANSWER_MAX ? g->size : ANSWER_MAX;
        ask(g);
    }
}

struct reply text_get(struct request *r)
{
    struct reading *g = arena_alloc(r->arena, sizeof *g);
    g->request = r;
    g->out = TEXT(ANSWER_MAX);
    session_text(r->session, &(struct session_text_range){.cell_id = r->params[1]}, on_total, g);
    return reply_later();
}
