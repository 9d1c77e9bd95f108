/* ask: questions that change nothing: to the kernel, and for the text of a run. */
#include "session/internal.h"

#define VARIABLES_MAX ((size_t)4 * 1024 * 1024)

struct question {
    struct session *session;
    enum kernel_question what;
    size_t end; /* of a text */
    session_done_cb done;
    void *data;
};

static struct question *question_new(struct session *s, session_done_cb done, void *data)
{
    struct question *q = mem_alloc(sizeof *q);
    q->session = s;
    q->done = done;
    q->data = data;
    s->asking++;
    return q;
}

static void answer(struct question *q, enum err e, const struct session_result *r)
{
    struct session *s = q->session;
    q->done(q->data, e, r);
    mem_free(q);
    s->asking--;
    session_free_if_done(s);
}

/* --- the kernel --- */
/* The kernel knows runs; people know cells. */
static void put_variable(const struct session *s, struct json_writer *w, const struct json *v)
{
    const struct json *run = json_get(v, SPAN("run"));
    bool numbered = run != NULL && run->is_integer && run->integer > 0;
    const struct cell *c = numbered ? known_cell(s, (uint64_t)run->integer) : NULL;
    json_open_object(w);
    for (size_t i = 0; i < v->count; i++) {
        json_member_raw(w, v->items[i].name, v->items[i].raw);
    }
    json_member_string(w, SPAN("cellId"), c == NULL ? SPAN_NULL : id_span(&c->id));
    json_close_object(w);
}

static void keep_variables(struct session *s, const struct json *body)
{
    const struct json *list = json_get(body, SPAN("variables"));
    const struct json *truncated = json_get(body, SPAN("truncated"));
    s->variables.max = VARIABLES_MAX;
    text_clear(&s->variables);
    struct json_writer w = JSON_WRITER(&s->variables);
    json_open_object(&w);
    json_put_name(&w, SPAN("variables"));
    json_open_array(&w);
    for (size_t i = 0; i < list->count; i++) {
        put_variable(s, &w, &list->items[i]);
    }
    json_close_array(&w);
    json_member_bool(&w, SPAN("truncated"), truncated != NULL && truncated->boolean);
    json_close_object(&w);
}

/* The last known variables are better than none. */
static void answer_variables(struct question *q, enum err e)
{
    const struct text *known = &q->session->variables;
    bool usable = known->n > 0 && !known->overflowed && e != ERR_CANCELED;
    answer(q, usable ? OK : e, &(struct session_result){.document = text_span(known)});
}

static void on_answer(void *data, enum err e, const struct json *body)
{
    struct question *q = data;
    if (q->what != KERNEL_VARIABLES) {
        struct session_result r = {.document = e == OK ? body->raw : SPAN_NULL};
        answer(q, e, &r);
        return;
    }
    if (e == OK) {
        keep_variables(q->session, body);
    }
    answer_variables(q, e);
}

/* Who has run nothing has no variables. */
static void answer_without_kernel(struct session *s, enum kernel_question what,
                                  session_done_cb done, void *data)
{
    bool variables = what == KERNEL_VARIABLES;
    struct session_result r = {
        .document = variables ? SPAN("{\"variables\":[],\"truncated\":false}") : SPAN_NULL};
    batch_answer(s, done, data, variables ? OK : ERR_UNAVAILABLE, &r);
}

void session_ask(struct session *s, enum kernel_question what, struct span request,
                 session_done_cb done, void *data)
{
    if (s->kernel == NULL || kernel_state(s->kernel) == KERNEL_STARTING) {
        answer_without_kernel(s, what, done, data);
        return;
    }
    struct question *q = question_new(s, done, data);
    q->what = what;
    kernel_ask(s->kernel, what, request, on_answer, q);
}

/* --- the text of a run --- */
static void on_text(void *data, enum err e, struct span text)
{
    struct question *q = data;
    struct session_result r = {.document = text, .position = q->end};
    answer(q, e, &r);
}

static void read_hidden(struct session *s, const struct cell *c,
                        const struct session_text_range *range, struct question *q)
{
    q->end = c->text_end;
    store_text(s->all->options.store,
               &(struct store_text_range){.owner = span_str(s->notebook->owner),
                                          .notebook_id = span_str(s->notebook->id),
                                          .cell_id = id_span(&c->id),
                                          .start = range->start,
                                          .size = range->size},
               on_text, q);
}

/* Among the outputs a notice follows the text where a part is hidden: that is no text of the run.
 */
void session_text(struct session *s, const struct session_text_range *range, session_done_cb done,
                  void *data)
{
    const struct cell *c = session_cell(s, range->cell_id);
    if (c == NULL) {
        batch_answer(s, done, data, ERR_NOT_FOUND, NULL);
        return;
    }
    size_t shown = c->hidden_end > c->hidden_start ? c->hidden_start : c->text_end;
    if (range->start >= shown && range->start < c->text_end) {
        read_hidden(s, c, range, question_new(s, done, data));
        return;
    }
    struct text all = TEXT(DOCUMENT_MAX);
    cell_stdout(c, &all);
    struct span head = span_sub(text_span(&all), 0, shown);
    struct session_result r = {.document = span_sub(head, range->start, range->size),
                               .position = c->text_end};
    batch_answer(s, done, data, OK, &r);
    text_free(&all);
}
