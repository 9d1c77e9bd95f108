/* What a cell has shown. */
#include <assert.h>

#include "notebook/notebook.h"

enum { FIRST_CAP = 64 };

static struct output *push(struct cell *c, enum output_kind kind)
{
    if (c->output_count == c->output_cap) {
        c->output_cap = c->output_cap == 0 ? 4 : c->output_cap * 2;
        c->outputs = mem_resize(c->outputs, c->output_cap * sizeof *c->outputs);
    }
    struct output *o = &c->outputs[c->output_count++];
    *o = (struct output){.kind = kind};
    return o;
}

/* Doubling makes many small appends cost their own length. */
static void append(struct output *o, struct span s)
{
    size_t needed = o->size + s.n + 1;
    if (o->data == NULL || needed > o->cap) {
        size_t cap = o->cap < FIRST_CAP ? FIRST_CAP : o->cap * 2;
        o->cap = cap < needed ? needed : cap;
        o->data = mem_resize(o->data, o->cap);
    }
    memcpy(o->data + o->size, s.p, s.n);
    o->size += s.n;
    o->data[o->size] = '\0';
}

void cell_clear_outputs(struct cell *c)
{
    for (size_t i = 0; i < c->output_count; i++) {
        mem_free(c->outputs[i].data);
        mem_free(c->outputs[i].display_id);
    }
    mem_free(c->outputs);
    c->outputs = NULL;
    c->output_count = c->output_cap = 0;
    c->text_end = c->hidden_start = c->hidden_end = 0;
}

void cell_add_stream(struct cell *c, enum output_kind kind, struct span text)
{
    assert(kind != OUTPUT_DISPLAY);
    if (text.n == 0) {
        return;
    }
    if (c->output_count != 0 && c->outputs[c->output_count - 1].kind == kind) {
        append(&c->outputs[c->output_count - 1], text);
    } else {
        append(push(c, kind), text);
    }
}

/* A display does not grow, so it takes no more room than it needs. */
static void set_data(struct output *o, struct span json)
{
    assert(json.n != 0);
    char *old = o->data;
    o->data = mem_copy(json);
    o->size = json.n;
    o->cap = json.n + 1;
    mem_free(old);
}

void cell_add_display(struct cell *c, struct span json, struct span display_id)
{
    struct output *o = push(c, OUTPUT_DISPLAY);
    set_data(o, json);
    o->display_id = mem_copy(display_id);
}

bool cell_update_display(struct cell *c, struct span display_id, struct span json)
{
    bool found = false;
    for (size_t i = 0; i < c->output_count; i++) {
        struct output *o = &c->outputs[i];
        if (o->display_id != NULL && span_eq(span_str(o->display_id), display_id)) {
            set_data(o, json);
            found = true;
        }
    }
    return found;
}

void cell_stdout(const struct cell *c, struct text *out)
{
    for (size_t i = 0; i < c->output_count; i++) {
        if (c->outputs[i].kind != OUTPUT_DISPLAY) {
            text_add(out, span_of(c->outputs[i].data, c->outputs[i].size));
        }
    }
}
