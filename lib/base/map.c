#include "base/map.h"

#include <assert.h>
#include <pthread.h>

#include "base/id.h"
#include "base/mem.h"
#include "base/siphash.h"

enum { FIRST_CAP = 8 };

/* Linear probing: an entry lies at or after its home (hash modulo cap), with no free slot in
 * between. */
struct map_slot {
    uint64_t hash;
    char *key;
    size_t key_length;
    void *value; /* NULL in a free slot */
};

static struct siphash_key process_key;
static pthread_once_t key_is_drawn = PTHREAD_ONCE_INIT;

static void draw_key(void)
{
    id_random(&process_key, sizeof process_key);
}

uint64_t map_hash(struct span key)
{
    pthread_once(&key_is_drawn, draw_key);
    return siphash(&process_key, key);
}

void map_free(struct map *m)
{
    for (size_t i = 0; i < m->cap; i++) {
        mem_free(m->slots[i].key);
    }
    mem_free(m->slots);
    *m = (struct map){0};
}

static bool is_key(const struct map_slot *slot, uint64_t hash, struct span key)
{
    return slot->hash == hash && span_eq(span_of(slot->key, slot->key_length), key);
}

/* The key's slot, or the free one where it would go. There always is a free one. */
static struct map_slot *find(const struct map *m, uint64_t hash, struct span key)
{
    size_t i = hash & (m->cap - 1);
    while (m->slots[i].value != NULL && !is_key(&m->slots[i], hash, key)) {
        i = (i + 1) & (m->cap - 1);
    }
    return &m->slots[i];
}

/* At most three quarters full. */
static void make_room(struct map *m)
{
    if (m->count + 1 <= m->cap / 4 * 3) {
        return;
    }
    struct map bigger = {.count = m->count, .cap = m->cap == 0 ? FIRST_CAP : m->cap * 2};
    bigger.slots = mem_alloc_array(bigger.cap, sizeof *bigger.slots);
    for (size_t i = 0; i < m->cap; i++) {
        const struct map_slot *s = &m->slots[i];
        if (s->value != NULL) {
            *find(&bigger, s->hash, span_of(s->key, s->key_length)) = *s;
        }
    }
    mem_free(m->slots);
    *m = bigger;
}

void *map_get(const struct map *m, struct span key)
{
    return m->cap == 0 ? NULL : find(m, map_hash(key), key)->value;
}

void *map_put(struct map *m, struct span key, void *value)
{
    assert(value != NULL);
    make_room(m);
    uint64_t hash = map_hash(key);
    struct map_slot *slot = find(m, hash, key);
    void *old = slot->value;
    if (old == NULL) {
        slot->hash = hash;
        slot->key = mem_copy(span_is_null(key) ? SPAN("") : key);
        slot->key_length = key.n;
        m->count++;
    }
    slot->value = value;
    return old;
}

/* Closes the gap: what lies behind it moves up, unless that would put it before its home. */
static void shift_back(struct map *m, size_t gap)
{
    size_t mask = m->cap - 1;
    for (size_t i = (gap + 1) & mask; m->slots[i].value != NULL; i = (i + 1) & mask) {
        size_t from_home = (i - m->slots[i].hash) & mask;
        if (from_home >= ((i - gap) & mask)) {
            m->slots[gap] = m->slots[i];
            gap = i;
        }
    }
    m->slots[gap] = (struct map_slot){0};
}

void *map_remove(struct map *m, struct span key)
{
    struct map_slot *slot = m->cap == 0 ? NULL : find(m, map_hash(key), key);
    if (slot == NULL || slot->value == NULL) {
        return NULL;
    }
    void *old = slot->value;
    mem_free(slot->key);
    shift_back(m, (size_t)(slot - m->slots));
    m->count--;
    return old;
}

bool map_next(const struct map *m, size_t *i, struct span *key, void **value)
{
    while (*i < m->cap) {
        const struct map_slot *s = &m->slots[(*i)++];
        if (s->value != NULL) {
            *key = span_of(s->key, s->key_length);
            *value = s->value;
            return true;
        }
    }
    return false;
}
