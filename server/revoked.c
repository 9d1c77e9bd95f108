#include "revoked.h"

struct revocation {
    int64_t until_ms;
};

void revoked_set(struct revoked *r, bool of_user, struct span id, int64_t until_ms)
{
    struct map *m = of_user ? &r->users : &r->sessions;
    struct revocation *there = map_get(m, id);
    if (until_ms <= 0) {
        mem_free(map_remove(m, id));
    } else if (there != NULL) {
        there->until_ms = until_ms;
    } else {
        there = mem_alloc(sizeof *there);
        there->until_ms = until_ms;
        (void)map_put(m, id, there);
    }
}

static bool holds(const struct map *m, struct span id, int64_t now_ms)
{
    const struct revocation *there = m->count == 0 || span_is_null(id) ? NULL : map_get(m, id);
    return there != NULL && now_ms < there->until_ms;
}

bool revoked_has(const struct revoked *r, const struct clerk_identity *who, int64_t now_ms)
{
    return holds(&r->sessions, who->session_id, now_ms) || holds(&r->users, who->user_id, now_ms);
}

static void drop_ended(struct map *m, int64_t now_ms)
{
    CLEANUP(arena_free_ptr) struct arena *a = arena_new();
    struct span *ended = arena_alloc_array(a, m->count, sizeof *ended);
    size_t count = 0;
    size_t i = 0;
    struct span id;
    void *value = NULL;
    while (map_next(m, &i, &id, &value)) {
        if (((const struct revocation *)value)->until_ms <= now_ms) {
            ended[count++] = arena_copy(a, id);
        }
    }
    for (size_t k = 0; k < count; k++) {
        mem_free(map_remove(m, ended[k]));
    }
}

void revoked_sweep(struct revoked *r, int64_t now_ms)
{
    drop_ended(&r->sessions, now_ms);
    drop_ended(&r->users, now_ms);
}

size_t revoked_count(const struct revoked *r)
{
    return r->sessions.count + r->users.count;
}

static void free_all(struct map *m)
{
    size_t i = 0;
    struct span id;
    void *value = NULL;
    while (map_next(m, &i, &id, &value)) {
        mem_free(value);
    }
    map_free(m);
}

void revoked_free(struct revoked *r)
{
    free_all(&r->sessions);
    free_all(&r->users);
}
