#include "base/json_names.h"

#include "base/map.h"

enum { FEW = 16, FIRST_CAP = 32 };

static const struct json *find(const struct json *items, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++) {
        if (span_eq(items[i].name, name)) {
            return &items[i];
        }
    }
    return NULL;
}

static const struct json *find_twice_of_few(const struct json *items, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (find(items, i, items[i].name) != NULL) {
            return &items[i];
        }
    }
    return NULL;
}

/* Adds `item` to an open-addressed set of `cap` slots, a power of two; false when its name is
 * there. */
static bool add(const struct json **slots, size_t cap, const struct json *item)
{
    size_t i = map_hash(item->name) & (cap - 1);
    for (; slots[i] != NULL; i = (i + 1) & (cap - 1)) {
        if (span_eq(slots[i]->name, item->name)) {
            return false;
        }
    }
    slots[i] = item;
    return true;
}

const struct json *json_names_find_twice(const struct json *object)
{
    if (object->count <= FEW) {
        return find_twice_of_few(object->items, object->count);
    }
    size_t cap = FIRST_CAP;
    while (cap < 2 * object->count) {
        cap *= 2;
    }
    CLEANUP(mem_free_ptr) const struct json **slots = mem_alloc_array(cap, sizeof(struct json *));
    for (size_t i = 0; i < object->count; i++) {
        if (!add(slots, cap, &object->items[i])) {
            return &object->items[i];
        }
    }
    return NULL;
}

const struct json *json_get(const struct json *object, struct span name)
{
    if (object == NULL || object->kind != JSON_OBJECT) {
        return NULL;
    }
    return find(object->items, object->count, name);
}

struct span json_get_string(const struct json *object, struct span name)
{
    const struct json *member = json_get(object, name);
    return member != NULL && member->kind == JSON_STRING ? member->string : SPAN_NULL;
}
