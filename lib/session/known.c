/* known: what the current kernel knows: which run bound which names. */
#include "session/internal.h"

struct ran *known_find(const struct session *s, struct span cell_id)
{
    return map_get(&s->ran, cell_id);
}

struct ran *known_new(struct session *s, struct span cell_id)
{
    struct ran *r = known_find(s, cell_id);
    if (r == NULL) {
        r = mem_alloc(sizeof *r);
        (void)map_put(&s->ran, cell_id, r);
    }
    return r;
}

struct cell *known_cell(const struct session *s, uint64_t run)
{
    size_t i = 0;
    struct span id;
    void *value;
    while (map_next(&s->ran, &i, &id, &value)) {
        if (((struct ran *)value)->run == run) {
            return session_cell(s, id);
        }
    }
    return NULL;
}

static void drop_names(struct session *s, const struct names *names)
{
    if (s->kernel == NULL || names->count == 0) {
        return;
    }
    struct text request = TEXT(MESSAGE_MAX);
    request_drop(names, &request);
    kernel_drop(s->kernel, text_span(&request));
    text_free(&request);
}

void known_drop(struct session *s, struct ran *r)
{
    drop_names(s, &r->bound);
    names_free(&r->bound);
}

void known_forget(struct session *s, struct span cell_id)
{
    struct ran *r = map_remove(&s->ran, cell_id);
    if (r != NULL) {
        known_drop(s, r);
        mem_free(r);
    }
}

void known_forget_all(struct session *s)
{
    size_t i = 0;
    struct span id;
    void *value;
    while (map_next(&s->ran, &i, &id, &value)) {
        names_free(&((struct ran *)value)->bound);
        mem_free(value);
    }
    map_free(&s->ran);
}
