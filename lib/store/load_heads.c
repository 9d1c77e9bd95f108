/* What a list of notebooks shows of each. */
#include "store/load.h"

enum err load_head(struct db *d, struct arena *a, struct span id, struct store_head *out)
{
    static const char sql[] = "SELECT id, owner_id, name, revision FROM notebooks"
                              " WHERE id = ?1 AND" LOAD_OWNER_IS_THERE;
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, id);
    enum err e = db_row(&q);
    if (e == OK) {
        *out = (struct store_head){
            .id = arena_copy(a, db_text(&q, 0)),
            .owner = arena_copy(a, db_text(&q, 1)),
            .name = arena_copy(a, db_text(&q, 2)),
            .revision = db_int(&q, 3),
        };
    }
    return e;
}

/* The array doubles inside the arena; what it leaves behind is no more than it ends with. */
static struct store_head *add_head(struct arena *a, struct store_list *list, size_t *cap)
{
    if (list->count == *cap) {
        *cap = *cap == 0 ? 16 : *cap * 2;
        struct store_head *items = arena_alloc_array(a, *cap, sizeof *items);
        for (size_t i = 0; i < list->count; i++) {
            items[i] = list->items[i];
        }
        list->items = items;
    }
    return &list->items[list->count++];
}

enum err load_list(struct db *d, struct arena *a, struct span owner, struct store_list *out)
{
    static const char sql[] = "SELECT id, name, revision FROM notebooks"
                              " WHERE owner_id = ?1 AND" LOAD_OWNER_IS_THERE "ORDER BY seq_no";
    CLEANUP(db_end) struct db_query q = db_query(d, sql);
    db_bind_text(&q, 1, owner);
    struct span owner_copy = arena_copy(a, owner);
    size_t cap = 0;
    enum err e = OK;
    while ((e = db_row(&q)) == OK) {
        *add_head(a, out, &cap) = (struct store_head){
            .id = arena_copy(a, db_text(&q, 0)),
            .owner = owner_copy,
            .name = arena_copy(a, db_text(&q, 1)),
            .revision = db_int(&q, 2),
        };
    }
    return e == ERR_NOT_FOUND ? OK : e;
}
