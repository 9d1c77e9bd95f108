/* behalf: who asked, written down in the same write as what came of it. */
#include "session/internal.h"

void sessions_act_as(struct sessions *all, const struct store_audit *row)
{
    all->behalf = row;
}

const struct store_audit *behalf_copy(const struct sessions *all, struct arena *a)
{
    if (all->behalf == NULL) {
        return NULL;
    }
    struct store_audit *row = arena_alloc(a, sizeof *row);
    const struct store_actor *actor = &all->behalf->actor;
    *row = (struct store_audit){
        .actor = {.user_id = arena_copy(a, actor->user_id),
                  .session_id = arena_copy(a, actor->session_id),
                  .impersonator_id = arena_copy(a, actor->impersonator_id),
                  .address = arena_copy(a, actor->address),
                  .request_id = arena_copy(a, actor->request_id)},
        .action = arena_copy(a, all->behalf->action),
        .object = arena_copy(a, all->behalf->object),
        .result = arena_copy(a, all->behalf->result),
        .times = all->behalf->times,
    };
    return row;
}

void behalf_sign(struct session *s, const struct store_audit *row)
{
    if (row != NULL) {
        store_append_audit(batch_write(s), row);
    }
}
