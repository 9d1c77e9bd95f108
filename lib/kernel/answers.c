#include "kernel/answers.h"

/* One block of memory: the entry, its spans, then their bytes. */
struct entry {
    struct list node;
    size_t cost;
    char *code; /* owned */
    size_t code_length;
    struct analysis analysis; /* points into `spans` and behind */
    struct span spans[];
};

void answers_init(struct answers *c)
{
    *c = (struct answers){0};
    list_init(&c->by_use);
}

static void drop(struct answers *c, struct entry *e)
{
    (void)map_remove(&c->by_code, span_of(e->code, e->code_length));
    list_remove(&e->node);
    c->bytes -= e->cost;
    mem_free(e->code);
    mem_free(e);
}

static struct entry *oldest(const struct answers *c)
{
    return LIST_ENTRY(c->by_use.next, struct entry, node);
}

void answers_free(struct answers *c)
{
    while (!list_is_empty(&c->by_use)) {
        drop(c, oldest(c));
    }
    map_free(&c->by_code);
}

const struct analysis *answers_get(struct answers *c, struct span code)
{
    struct entry *e = map_get(&c->by_code, code);
    if (e == NULL) {
        return NULL;
    }
    list_remove(&e->node);
    list_add_last(&c->by_use, &e->node);
    return &e->analysis;
}

static size_t bytes_of(const struct span *names, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        n += names[i].n;
    }
    return n;
}

static struct span store(char **at, struct span s)
{
    char *p = *at;
    memcpy(p, s.p, s.n);
    *at += s.n;
    return span_of(p, s.n);
}

static const struct span *store_all(struct span *to, char **at, const struct span *names,
                                    size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = store(at, names[i]);
    }
    return to;
}

static struct entry *copy(const struct analysis *a, size_t *size)
{
    size_t names = a->read_count + a->write_count;
    *size = sizeof(struct entry) + names * sizeof(struct span) + bytes_of(a->reads, a->read_count) +
            bytes_of(a->writes, a->write_count) + a->error.n;
    struct entry *e = mem_alloc(*size);
    char *at = (char *)(e->spans + names);
    e->analysis = *a;
    e->analysis.reads = store_all(e->spans, &at, a->reads, a->read_count);
    e->analysis.writes = store_all(e->spans + a->read_count, &at, a->writes, a->write_count);
    if (!span_is_null(a->error)) {
        e->analysis.error = store(&at, a->error);
    }
    return e;
}

void answers_put(struct answers *c, struct span code, const struct analysis *a)
{
    size_t size = 0;
    struct entry *e = copy(a, &size);
    e->cost = size + 2 * code.n; /* the map keeps a copy of its key */
    if (e->cost > CACHE_BYTES_MAX / 4 || map_get(&c->by_code, code) != NULL) {
        mem_free(e);
        return;
    }
    while (c->by_code.count >= CACHE_ENTRIES_MAX || c->bytes + e->cost > CACHE_BYTES_MAX) {
        drop(c, oldest(c));
    }
    e->code = mem_copy(span_is_null(code) ? SPAN("") : code);
    e->code_length = code.n;
    (void)map_put(&c->by_code, code, e);
    list_add_last(&c->by_use, &e->node);
    c->bytes += e->cost;
}
